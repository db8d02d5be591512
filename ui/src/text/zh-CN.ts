// 中文文案：像窗口里一位耐心的办事员。说清楚发生了什么、接下来怎么做。
import first from "./zh-CN-first";
import account from "./zh-CN/account";
import announcements from "./zh-CN/announcements";
import cases from "./zh-CN/cases";
import doctor from "./zh-CN/doctor.json";
import enter from "./zh-CN/enter";
import failures from "./zh-CN/failures";
import guide from "./zh-CN/guide";
import modules from "./zh-CN/modules";
import query from "./zh-CN/query";
import recover from "./zh-CN/recover";
import storage from "./zh-CN/storage";
import support from "./zh-CN/support";

export default { ...first, ...enter, ...guide, ...announcements, ...cases, ...query, ...recover, ...account, ...storage, ...support, ...modules, ...failures, doctor };
