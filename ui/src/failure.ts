// Failures as the program reports them; whatever else is thrown becomes a fault of this program, with its exact words.
import type { Failure } from "./bindings";
import { t } from "./text";
import { span } from "./text/format";

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value && "retriable" in value;
}

export function toFailure(thrown: unknown): Failure {
  if (isFailure(thrown)) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { code: "internal", retriable: true, detail, faults: [], retry_after: null };
}

/** By how much a clock is off, from the program's exact cause: `-1440 min`, behind. */
export function clockOff(detail: string | null): string {
  const minutes = Number(/^(-?\d+) min$/.exec(detail ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(minutes)) return t("failure.clock_off");
  return t(minutes > 0 ? "failure.clock_ahead" : "failure.clock_behind", { span: span(Math.abs(minutes)) });
}
