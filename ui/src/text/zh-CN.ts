// 中文文案：像窗口里一位耐心的办事员。说清楚发生了什么、接下来怎么做。
import announcements from "./zh-CN/announcements";
import cases from "./zh-CN/cases";
import enter from "./zh-CN/enter";
import failures from "./zh-CN/failures";
import guide from "./zh-CN/guide";
import query from "./zh-CN/query";
import shell from "./zh-CN/shell";
import words from "./zh-CN/words";

export default { ...words, ...shell, ...enter, ...guide, ...announcements, ...cases, ...query, ...failures };
