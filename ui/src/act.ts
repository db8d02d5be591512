// One act of the person at a time: busy while it runs, its failure kept until the next try.
import { readonly, ref, shallowRef, type DeepReadonly, type Ref, type ShallowRef } from "vue";
import { app } from "./app";
import type { Failure } from "./bindings";
import { toFailure } from "./failure";

export interface Act {
  busy: DeepReadonly<Ref<boolean>>;
  failure: Readonly<ShallowRef<Failure | null>>;
  /** Runs `work` unless one is running. Answers `undefined` when it failed or was not run. */
  run: <T>(work: () => Promise<T>) => Promise<T | undefined>;
  /** Forgets the failure, for example because the person types again. */
  clear: () => void;
}

export function useAct(): Act {
  const busy = ref(false);
  const failure = shallowRef<Failure | null>(null);

  async function run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (busy.value) return undefined;
    busy.value = true;
    failure.value = null;
    try {
      return await work();
    } catch (thrown) {
      failure.value = toFailure(thrown);
      app.noteFailure(failure.value);
      return undefined;
    } finally {
      busy.value = false;
    }
  }

  return { busy: readonly(busy), failure, run, clear: () => (failure.value = null) };
}
