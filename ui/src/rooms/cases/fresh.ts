// Keeps what a page shows true: it loads when the page opens, when the program says that something changed, when the
// window comes to the front, and now and then where nobody would say so.
import { onBeforeUnmount, onMounted } from "vue";
import { app } from "@/app";
import type { Event } from "@/bindings";

interface Wish {
  /** Kinds of events that call for a new look. */
  on: readonly Event["kind"][];
  /** Milliseconds between looks while the window is in sight. */
  every?: number;
}

/** Answers how to look again by hand. A wish that comes while one is fulfilled is fulfilled after it, once. */
export function useFresh(load: () => Promise<unknown>, { on, every }: Wish): () => Promise<void> {
  let loading = false;
  let again = false;
  let gone = false;

  async function refresh(): Promise<void> {
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    do {
      again = false;
      await load();
    } while (again && !gone);
    loading = false;
  }
  const seen = () => void (document.visibilityState === "visible" && refresh());

  let timer: ReturnType<typeof setInterval> | undefined;
  const forget = app.onEvent((event) => void (on.includes(event.kind) && refresh()));
  onMounted(() => {
    void refresh();
    window.addEventListener("focus", seen);
    document.addEventListener("visibilitychange", seen);
    if (every !== undefined) timer = setInterval(seen, every);
  });
  onBeforeUnmount(() => {
    gone = true;
    forget();
    window.removeEventListener("focus", seen);
    document.removeEventListener("visibilitychange", seen);
    clearInterval(timer);
  });
  return refresh;
}
