// Texts in both languages. `t` knows its keys: a text that is missing does not compile, also where the key is put
// together from a code of the program (`err.${code}`).
import { createI18n } from "vue-i18n";
import type { Locale, Text } from "@/bindings";
import en from "./en";
import zhCN from "./zh-CN";

type Paths<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Paths<T[K]>}` }[keyof T & string];
/** Every text there is, by its dotted path. */
export type TextKey = Paths<typeof zhCN>;

export const i18n = createI18n({
  legacy: false,
  locale: "zh-CN" as string,
  fallbackLocale: "zh-CN",
  messages: { "zh-CN": zhCN, en } as Record<string, Record<string, unknown>> as never,
});

const composer = i18n.global as unknown as {
  t: (key: string, named: Record<string, unknown>) => string;
  te: (key: string) => boolean;
  locale: { value: string };
};

/** The text `key` in the language of the window, with `{names}` filled in. */
export function t(key: TextKey, named: Record<string, unknown> = {}): string {
  return composer.t(key, named);
}

/** Whether there is a text of this key: for keys that narrow a more general one. */
export function hasText(key: string): key is TextKey {
  return composer.te(key);
}

export function locale(): Locale {
  return composer.locale.value as Locale;
}

export function setLocale(value: Locale): void {
  composer.locale.value = value;
  document.documentElement.lang = value;
  document.title = t("app.name");
}

/** A text of the service, which carries both languages. */
export function said(text: Text): string {
  return locale() === "en" && text.en !== "" ? text.en : text.zh;
}
