// What the page knows of a question: how many items are given, and what is wrong with them.
import type { FieldFault, Query } from "@/bindings";

export const FIELDS = ["number", "identity", "phone"] as const satisfies readonly (keyof Query)[];

/** How many more items are needed; spaces are nothing. */
export function stillNeeded(query: Query): number {
  return Math.max(0, 2 - FIELDS.filter((field) => query[field].trim() !== "").length);
}

/** Faults beside the fields: that two are wanted is said once, not at each field that is empty. */
export function besideFields(faults: readonly FieldFault[]): FieldFault[] {
  return faults.filter(({ fault }) => fault !== "missing");
}
