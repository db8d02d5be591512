// How a driver stands here, as a picture of its card.
import type { DriverState, DriverView } from "@/bindings";
import { t } from "@/text";
import { bytes } from "@/text/format";

/** How much of it is here, from 0 to 1. */
export function partHere(done: number, total: number): number {
  return total === 0 ? 1 : Math.min(1, done / total);
}

/** `已下载 2.1 MB，共 5.2 MB`; `null` where there is nothing to say. */
export function progressText({ package: { bytes: total }, state }: DriverView): string | null {
  if (state.kind !== "downloading" && !(state.kind === "available" && state.done > 0)) return null;
  return t("support.done_of", { done: bytes(state.done), total: bytes(total) });
}

/** The driver `id` moved: the others stay the very same. */
export function moved(drivers: readonly DriverView[], id: string, state: DriverState): DriverView[] {
  return drivers.map((driver) => (driver.package.id === id ? { ...driver, state } : driver));
}
