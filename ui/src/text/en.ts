// The English texts: the same keys as the Chinese ones, held by the type and by a test.
import account from "./en/account";
import announcements from "./en/announcements";
import business from "./en/business";
import cases from "./en/cases";
import doctor from "./en/doctor.json";
import enter from "./en/enter";
import failures from "./en/failures";
import guide from "./en/guide";
import modules from "./en/modules";
import network from "./en/network";
import notices from "./en/notices";
import query from "./en/query";
import recover from "./en/recover";
import search from "./en/search";
import shell from "./en/shell";
import storage from "./en/storage";
import support from "./en/support";
import words from "./en/words";
import type zhCN from "./zh-CN";

type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };
const en: Same<typeof zhCN> = { ...words, ...shell, ...enter, ...guide, ...announcements, ...business, ...cases, ...query, ...recover, ...network, ...search, ...notices, ...account, ...storage, ...support, ...modules, ...failures, doctor };
export default en;
