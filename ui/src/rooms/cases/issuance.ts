// Where 制证 of each case stands in this run. Kept here, not in the page: it goes on when somebody looks elsewhere.
import { reactive } from "vue";
import { app } from "@/app";
import type { Event, Failure, IssuanceStep } from "@/bindings";

export const STEPS = ["ready", "key_pair", "request", "certificate", "written", "proven", "confirmed"] as const satisfies readonly IssuanceStep[];

export type Phase = "prepare" | "running" | "stopped" | "done";
export type StepState = "waiting" | "current" | "done" | "stopped";

/** How each step shows. The step reported last is the one that was begun; those before it are done. */
export function stepStates(reached: IssuanceStep, phase: Phase): { step: IssuanceStep; state: StepState }[] {
  const at = STEPS.indexOf(reached);
  return STEPS.map((step, index) => {
    if (phase === "done") return { step, state: "done" };
    if (phase === "prepare" || index > at) return { step, state: "waiting" };
    if (index < at) return { step, state: "done" };
    return { step, state: phase === "running" ? "current" : "stopped" };
  });
}

export interface Live {
  step: IssuanceStep;
  key: string | null;
  /** Of the certificate it makes, once it is issued. */
  serial: string | null;
  running: boolean;
  failure: Failure | null;
}

const live = reactive(new Map<string, Live>());

export function take(event: Event): void {
  if (event.kind !== "issuance") return;
  const { application, step, key, serial, failure } = event.issuance;
  live.set(application, { step, key, serial, failure, running: failure === null && step !== "confirmed" });
}
app.onEvent(take);

/** What this run of the program has seen of it. */
export function liveIssuance(application: string): Live | undefined {
  return live.get(application);
}
