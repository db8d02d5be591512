// Brings what is typed to disk. A keystroke is under way within a quarter of a second; what was not acknowledged is
// kept, tried again, and outlives the page it was typed on. One save at a time, so that the last value wins.
import { reactive, ref, shallowReactive, shallowRef } from "vue";
import type { Failure } from "@/bindings";
import { toFailure } from "@/failure";

/** Longest time from a keystroke to its save, milliseconds. */
const SAVE_WITHIN = 250;
/** Until a save that may succeed later is tried again by itself, milliseconds. */
const TRY_AGAIN_AFTER = 5000;
/** After these a value can never be saved: its draft is gone, or the field may not be changed. */
const HOPELESS = new Set<Failure["code"]>(["draft_gone", "bad_command"]);

export type Saver = ReturnType<typeof createSaver>;

/** `save` resolves once the value is on disk. */
export function createSaver(save: (field: string, value: string) => Promise<unknown>) {
  /** Typed and not acknowledged yet. */
  const pending = shallowReactive(new Map<string, string>());
  const failure = shallowRef<Failure | null>(null);
  const last = ref<string | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | null = null;

  function set(field: string, value: string): void {
    pending.set(field, value);
    last.value = field;
    // Not put off by the next keystroke: who types without a pause is saved as well.
    if (timer === undefined) wait(SAVE_WITHIN);
  }

  /** Saves now whatever is not saved; answers whether all of it is. The first call leaves at once. */
  async function flush(): Promise<boolean> {
    clearTimeout(timer);
    timer = undefined;
    running ??= drain().finally(() => (running = null));
    await running;
    return pending.size === 0;
  }

  function wait(time: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), time);
  }

  async function drain(): Promise<void> {
    for (let next = first(); next !== undefined; next = first()) {
      const [field, value] = next;
      try {
        await save(field, value);
        failure.value = null;
      } catch (thrown) {
        failure.value = toFailure(thrown);
        if (!HOPELESS.has(failure.value.code)) {
          if (failure.value.retriable) wait(TRY_AGAIN_AFTER);
          return;
        }
      }
      // What was typed meanwhile is another value, with a turn of its own.
      if (pending.get(field) === value) pending.delete(field);
    }
  }

  function first(): [string, string] | undefined {
    return pending.entries().next().value;
  }

  return reactive({
    pending,
    /** Why the last try came to nothing; goes with the next that succeeds. */
    failure,
    /** The field typed in last. */
    last,
    set,
    flush,
  });
}
