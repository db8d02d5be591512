// A long list, page by page: a page near the window is there with its rows, another is the height it had and where it
// begins. So the list is as long as it is, and what is held stays small.
import { onBeforeUnmount, shallowReactive, type ComponentPublicInstance } from "vue";

export interface Page<Row> {
  /** Where it begins, for the program. */
  from: string | null;
  /** `null`: not held. */
  rows: readonly Row[] | null;
  /** Its first row's place in the list, from 1. */
  first: number;
  /** Pixels, while its rows are not held. */
  height: number;
}

export interface Pages<Row> {
  pages: readonly Page<Row>[];
  /** All there is was loaded at least once. */
  whole: boolean;
  /** Looks anew; what is in sight stays until the new is there. */
  reload: () => Promise<void>;
  /** Tells where a page stands in the document: `:ref="place(index)"`, and `place("end")` behind the last. */
  place: (what: number | "end") => (element: Element | ComponentPublicInstance | null) => void;
}

/** How far above and below the window rows are held, pixels. */
const MARGIN = 1500;

export function usePages<Row>(load: (from: string | null) => Promise<{ rows: readonly Row[]; next: string | null }>): Pages<Row> {
  const state = shallowReactive({ pages: shallowReactive<Page<Row>[]>([]), whole: false });
  let next: string | null = null;
  /** Answers to a list that was loaded anew meanwhile are dropped. */
  let epoch = 0;
  let stale = false;
  let loading = false;
  let endInSight = false;
  const inSight = new Set<number>();
  const elements = new Map<number | "end", Element>();

  // Without one (tests), everything is in sight.
  const observer = typeof IntersectionObserver === "undefined" ? null : new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const what = (entry.target as HTMLElement).dataset.page;
      if (what === "end") endInSight = entry.isIntersecting;
      else if (entry.isIntersecting) inSight.add(Number(what));
      else inSight.delete(Number(what));
    }
    void settle();
  }, { root: document.getElementById("main"), rootMargin: `${MARGIN}px 0px` });

  function add(from: string | null, answer: { rows: readonly Row[]; next: string | null }): void {
    const last = state.pages.at(-1);
    state.pages.push({ from, rows: answer.rows, first: last ? last.first + (lengths.get(last.from) ?? 0) : 1, height: 0 });
    lengths.set(from, answer.rows.length);
    next = answer.next;
    state.whole = next === null;
  }
  const lengths = new Map<string | null, number>();

  /** Holds what is near, drops what is far, loads what comes next; one thing after the other. */
  async function settle(): Promise<void> {
    if (loading) return;
    loading = true;
    try {
      for (let mine = epoch; mine === epoch; ) {
        if (stale && (inSight.has(0) || inSight.size === 0)) {
          stale = false;
          await anew();
          return;
        }
        for (const [index, page] of state.pages.entries()) if (page.rows !== null && observer && !inSight.has(index)) drop(index, page);
        const missing = state.pages.findIndex((page, index) => page.rows === null && inSight.has(index));
        if (missing >= 0) {
          const page = state.pages[missing]!;
          const answer = await load(page.from);
          if (mine === epoch) state.pages[missing] = { ...page, rows: answer.rows };
        } else if (next !== null && endInSight && observer) {
          const from = next;
          const answer = await load(from);
          if (mine === epoch) add(from, answer);
          // The new page pushes the end away: whether it is still in sight is told anew.
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        } else return;
      }
    } finally {
      loading = false;
    }
  }

  function drop(index: number, page: Page<Row>): void {
    const element = elements.get(index);
    if (!element || element.contains(document.activeElement)) return;
    state.pages[index] = { ...page, rows: null, height: element.getBoundingClientRect().height };
  }

  async function anew(): Promise<void> {
    const mine = ++epoch;
    const answer = await load(null);
    if (mine !== epoch) return;
    state.pages.splice(0);
    lengths.clear();
    inSight.clear();
    inSight.add(0);
    add(null, answer);
    while (!observer && next !== null) {
      const from: string = next;
      const more = await load(from);
      if (mine !== epoch) return;
      add(from, more);
    }
  }

  onBeforeUnmount(() => {
    epoch += 1;
    observer?.disconnect();
  });

  return {
    get pages() { return state.pages; },
    get whole() { return state.whole; },
    async reload() {
      // Deep in the list, rows must not jump: it is loaded anew once its beginning is in sight.
      stale = state.pages.length > 2 && !inSight.has(0) && inSight.size > 0;
      if (!stale) await anew();
      void settle();
    },
    place: (what) => (element) => {
      const before = elements.get(what);
      if (before === element) return;
      if (before) observer?.unobserve(before);
      if (element instanceof Element) {
        elements.set(what, element);
        observer?.observe(element);
      } else elements.delete(what);
    },
  };
}
