// Failures as the program reports them; whatever else is thrown becomes a fault of this program, with its exact words.
import type { Failure } from "./bindings";

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value && "retriable" in value;
}

export function toFailure(thrown: unknown): Failure {
  if (isFailure(thrown)) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return { code: "internal", retriable: true, detail, faults: [], retry_after: null };
}
