// 中文文案：像窗口里一位耐心的办事员。说清楚发生了什么、接下来怎么做。
import account from "./zh-CN/account";
import announcements from "./zh-CN/announcements";
import business from "./zh-CN/business";
import cases from "./zh-CN/cases";
import doctor from "./zh-CN/doctor.json";
import enter from "./zh-CN/enter";
import failures from "./zh-CN/failures";
import guide from "./zh-CN/guide";
import modules from "./zh-CN/modules";
import network from "./zh-CN/network";
import notices from "./zh-CN/notices";
import query from "./zh-CN/query";
import recover from "./zh-CN/recover";
import search from "./zh-CN/search";
import shell from "./zh-CN/shell";
import storage from "./zh-CN/storage";
import support from "./zh-CN/support";
import words from "./zh-CN/words";

export default { ...words, ...shell, ...enter, ...guide, ...announcements, ...business, ...cases, ...query, ...recover, ...network, ...search, ...notices, ...account, ...storage, ...support, ...modules, ...failures, doctor };
