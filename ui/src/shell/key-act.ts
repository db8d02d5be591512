// An act that the key of the session signs: tried as it is, and where the key is locked, again through its PIN.
import { computed, readonly, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { useAct } from "@/act";
import { app } from "@/app";
import type { Failure, PinOutcome, PinPurpose } from "@/bindings";

type Done = Exclude<PinOutcome, { kind: "refused" }>;

export interface KeyAct {
  busy: Readonly<Ref<boolean>>;
  failure: Readonly<Ref<Failure | null>>;
  /** What the PIN is asked for; `null` while it is not. */
  purpose: Readonly<ShallowRef<PinPurpose | null>>;
  /** For the dialog: `v-model:open`. */
  asking: Ref<boolean>;
  /** Carries out the act; `done` is called with what came of it, now or after the PIN. */
  run: () => Promise<void>;
  /** For the dialog: `@done`. */
  answered: (outcome: Done) => void;
  clear: () => void;
}

/**
 * `work` is the command, `purposeOf` what the PIN of the session's key is asked for when it says `pin_needed`,
 * `resultOf` the same answer out of the PIN's outcome, `done` gets it either way.
 */
export function useKeyAct<T>(work: () => Promise<T>, purposeOf: (key: string) => PinPurpose, resultOf: (outcome: Done) => T | null, done: (result: T) => void): KeyAct {
  const act = useAct();
  const asking = ref(false);
  const purpose = shallowRef<PinPurpose | null>(null);
  const own = shallowRef<Failure | null>(null);

  async function run(): Promise<void> {
    own.value = null;
    const result = await act.run(work);
    if (result !== undefined) return done(result);
    if (act.failure.value?.code !== "pin_needed") return;
    const key = app.session?.key ?? null;
    if (key === null || !app.keys?.keys.some(({ id }) => id === key)) {
      own.value = { ...act.failure.value, code: "session_key_missing", retriable: true };
      return;
    }
    act.clear();
    purpose.value = purposeOf(key);
    asking.value = true;
  }

  return {
    busy: act.busy,
    failure: computed(() => own.value ?? act.failure.value),
    purpose: readonly(purpose) as Readonly<ShallowRef<PinPurpose | null>>,
    asking,
    run,
    answered(outcome) {
      const result = resultOf(outcome);
      if (result !== null) done(result);
    },
    clear() {
      own.value = null;
      act.clear();
    },
  };
}
