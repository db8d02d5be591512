// Narrows my applications: by business, state, year and words. Empty: not narrowed by it.
import type { ApplicationCount, ApplicationQuery, Business, State } from "@/bindings";
import { t, type TextKey } from "@/text";

export type By = "business" | "state" | "year";
export type Filter = Record<By | "words", string>;
export const NO_FILTER: Readonly<Filter> = { business: "", state: "", year: "", words: "" };

/** As the program is asked. */
export function queryOf({ business, state, year, words }: Filter, from: string | null): ApplicationQuery {
  return { words, business: (business || null) as Business | null, state: (state || null) as State | null, year: year || null, from };
}

function wordOf(by: By, value: string): string {
  return by === "year" ? value : t(`${by}.${value}` as TextKey);
}

/** How many fit, beside one condition. */
export function sum(counts: readonly ApplicationCount[], filter: Filter, but: By | null = null): number {
  const fits = (row: ApplicationCount) => (["business", "state", "year"] as const).every((by) => by === but || filter[by] === "" || row[by] === filter[by]);
  return counts.filter(fits).reduce((all, { count }) => all + count, 0);
}

/** What may be chosen, with how many cases each choice shows beside the other conditions. */
export function choices(counts: readonly ApplicationCount[], filter: Filter, by: By): { value: string; text: string }[] {
  const values = [...new Set([...counts.map((row) => row[by]), filter[by]])].filter((value) => value !== "");
  const order = by === "year" ? values.sort((a, b) => b.localeCompare(a)) : values;
  return [{ value: "", text: t("cases.all") }, ...order.map((value) => ({ value, text: t("cases.option", { name: wordOf(by, value), count: sum(counts, { ...filter, [by]: value }) }) }))];
}
