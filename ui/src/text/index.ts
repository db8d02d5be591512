// Texts in both languages. `t` knows its keys: a text that is missing does not compile, also where the key is put
// together from a code of the program (`err.${code}`).
//
// All that is asked of a text is `{names}` to fill in, so this is all there is: a library for messages would bring its
// own compiler into the first load. Chinese comes with it, English when it is chosen.
import { ref, shallowRef } from "vue";
import type { Locale, Text } from "@/bindings";
import zhCN from "./zh-CN";

type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
/** Every text there is, by its dotted path. */
export type TextKey = Paths<typeof zhCN>;

type Tree = { readonly [key: string]: string | Tree };

const chosen = ref<Locale>("zh-CN");
const texts = shallowRef<Tree>(zhCN);
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

/** The text `key` in the language of the window, with `{names}` filled in. */
export function t(key: TextKey, named: Readonly<Record<string, unknown>> = {}): string {
  const text = find(texts.value, key) ?? find(zhCN, key);
  if (text === undefined && import.meta.env.DEV) console.warn(`There is no text ${key}.`);
  return (text ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(named, name) ? String(named[name]) : whole));
}

/** Whether there is a text of this key: for keys that narrow a more general one. */
export function hasText(key: string): key is TextKey {
  return find(texts.value, key) !== undefined;
}

export function locale(): Locale {
  return chosen.value;
}

/** Chooses the language; its texts show once they are there. */
export function setLocale(value: Locale): Promise<void> {
  wanted = value;
  const show = (tree: Tree) => {
    if (wanted !== value) return;
    texts.value = tree;
    chosen.value = value;
    document.documentElement.lang = value;
    document.title = t("app.name");
  };
  // Chinese shows at once, for nothing need be waited for.
  if (value === "zh-CN") {
    show(zhCN);
    ready = Promise.resolve();
  } else ready = import("./en").then(({ default: en }) => show(en));
  return ready;
}

/** The texts of the chosen language are there: before that, nothing need be drawn. */
export function textsReady(): Promise<void> {
  return ready;
}

/** A text of the service, which carries both languages. */
export function said(text: Text): string {
  return locale() === "en" && text.en !== "" ? text.en : text.zh;
}
