// Texts in both languages. `t` knows its keys: a text that is missing does not compile, also where the key is put
// together from a code of the program (`err.${code}`).
//
// All that is asked of a text is `{names}` to fill in, so this is all there is: a library for messages would bring its
// own compiler into the first load. With that come the Chinese texts of the first page; all of them follow at once, and
// English when it is chosen.
import { ref, shallowRef } from "vue";
import type { Locale, Text } from "@/bindings";
import type zhCN from "./zh-CN";
import first from "./zh-CN-first";

type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
/** Every text there is, by its dotted path. */
export type TextKey = Paths<typeof zhCN>;

type Tree = { readonly [key: string]: string | Tree };

const chosen = ref<Locale>("zh-CN");
/** English, while it is chosen. */
const english = shallowRef<Tree | null>(null);
/** All Chinese texts, once they are there: what is drawn before that and lacks one is drawn again. */
const chinese = shallowRef<Tree | null>(null);
let whole: Promise<void> | null = null;
/** The language asked for last: one that comes late does not replace it. */
let wanted: Locale = "zh-CN";
let ready: Promise<void> = Promise.resolve();

function find(tree: Tree, key: string): string | undefined {
  let at: string | Tree | undefined = tree;
  for (const part of key.split(".")) {
    if (typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = at[part];
  }
  return typeof at === "string" ? at : undefined;
}

function look(key: string): string | undefined {
  return (english.value !== null ? find(english.value, key) : undefined) ?? find(first, key) ?? (chinese.value !== null ? find(chinese.value, key) : undefined);
}

/** The text `key` in the language of the window, with `{names}` filled in. */
export function t(key: TextKey, named: Readonly<Record<string, unknown>> = {}): string {
  const text = look(key);
  if (text === undefined && chinese.value !== null && import.meta.env.DEV) console.warn(`There is no text ${key}.`);
  // One that is still on its way leaves its place empty for that moment.
  return (text ?? (chinese.value === null ? "" : key)).replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(named, name) ? String(named[name]) : whole));
}

/** Whether there is a text of this key: for keys that narrow a more general one. */
export function hasText(key: string): key is TextKey {
  return look(key) !== undefined;
}

export function locale(): Locale {
  return chosen.value;
}

/** Chooses the language; its texts show once they are there. */
export function setLocale(value: Locale): Promise<void> {
  wanted = value;
  const show = (tree: Tree | null) => {
    if (wanted !== value) return;
    english.value = tree;
    chosen.value = value;
    document.documentElement.lang = value;
    document.title = t("app.name");
  };
  // Chinese shows at once, for nothing need be waited for.
  if (value === "zh-CN") {
    show(null);
    ready = Promise.resolve();
  } else ready = import("./en").then(({ default: en }) => show(en));
  return ready;
}

/** The texts of the first page are there in the chosen language: before that, nothing need be drawn. */
export function textsReady(): Promise<void> {
  return ready;
}

/** All texts are there. Every page but the first waits for it. */
export function textsWhole(): Promise<void> {
  whole ??= import("./zh-CN").then(({ default: all }) => void (chinese.value = all));
  return whole;
}

/** A text of the service, which carries both languages. */
export function said(text: Text): string {
  return locale() === "en" && text.en !== "" ? text.en : text.zh;
}
