// Seconds until something may be done again. Counted by the clock, so that a computer that slept does not wait longer.
import { onScopeDispose, readonly, ref, type DeepReadonly, type Ref } from "vue";

export interface Countdown {
  /** Whole seconds left; 0: now. */
  left: DeepReadonly<Ref<number>>;
  start: (seconds: number) => void;
}

export function useCountdown(): Countdown {
  const left = ref(0);
  let ends = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  function tick(): void {
    left.value = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    if (left.value === 0) clearInterval(timer);
  }
  onScopeDispose(() => clearInterval(timer));

  return {
    left: readonly(left),
    start(seconds) {
      clearInterval(timer);
      ends = Date.now() + seconds * 1000;
      timer = setInterval(tick, 250);
      tick();
    },
  };
}
