// What the first page says: the texts that come with the first load.
import business from "./zh-CN/business";
import network from "./zh-CN/network";
import notices from "./zh-CN/notices";
import search from "./zh-CN/search";
import shell from "./zh-CN/shell";
import words from "./zh-CN/words";

export default { ...words, ...shell, ...business, ...network, ...search, ...notices };
