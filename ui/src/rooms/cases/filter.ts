// Narrows my applications: by business, state, year and words. Empty: not narrowed by it.
import type { ApplicationView } from "@/bindings";
import { t, type TextKey } from "@/text";
import { aboutOf, changedAt } from "./case-words";

export type By = "business" | "state" | "year";
export type Filter = Record<By | "words", string>;
export const NO_FILTER: Readonly<Filter> = { business: "", state: "", year: "", words: "" };

function valueOf({ application }: ApplicationView, by: By): string {
  if (by === "year") return (application.history[0]?.at ?? changedAt(application) ?? "").slice(0, 4);
  return application[by];
}

function wordOf(by: By, value: string): string {
  return by === "year" ? value : t(`${by}.${value}` as TextKey);
}

/** Every word must occur: in the number, the business, the state, or what it is about. */
function says(view: ApplicationView, words: string): boolean {
  const text = [view.application.number, t(`business.${view.application.business}`), t(`state.${view.application.state}`), aboutOf(view.application), view.application.handler?.person.name].join("\n").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

export function narrowed(views: readonly ApplicationView[], filter: Filter, but: By | null = null): ApplicationView[] {
  const fits = (view: ApplicationView, by: By) => by === but || filter[by] === "" || valueOf(view, by) === filter[by];
  return views.filter((view) => fits(view, "business") && fits(view, "state") && fits(view, "year") && says(view, filter.words.trim()));
}

/** What may be chosen, with how many cases each choice shows beside the other conditions. */
export function choices(views: readonly ApplicationView[], filter: Filter, by: By): { value: string; text: string }[] {
  const counts = new Map<string, number>([...new Set(views.map((view) => valueOf(view, by)))].map((value) => [value, 0]));
  for (const view of narrowed(views, filter, by)) counts.set(valueOf(view, by), counts.get(valueOf(view, by))! + 1);
  const order = by === "year" ? [...counts].sort(([a], [b]) => b.localeCompare(a)) : [...counts];
  return [{ value: "", text: t("cases.all") }, ...order.map(([value, count]) => ({ value, text: t("cases.option", { name: wordOf(by, value), count }) }))];
}
