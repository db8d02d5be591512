import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { defineComponent, h, type VNode } from "vue";
import { usePages, type Pages } from "./pages";

const PAGE = 50;
/** What is in sight is said by the test. */
let see: (entries: { target: Element; isIntersecting: boolean }[]) => void;
let list: Pages<number>;
let view: VueWrapper;
let total: number;
let asked: (string | null)[];
let hold: Promise<void> | null;

beforeEach(() => {
  total = 100_000;
  asked = [];
  hold = null;
  vi.stubGlobal("IntersectionObserver", class {
    constructor(told: typeof see) { see = told; }
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  });
  // A frame later the new page has pushed the end away.
  vi.stubGlobal("requestAnimationFrame", (done: () => void) => {
    const target = document.querySelector('[data-page="end"]');
    if (target) see([{ target, isIntersecting: false }]);
    queueMicrotask(done);
  });
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue({ height: 6000 } as DOMRect);
  const component = defineComponent({
    setup() {
      list = usePages<number>(async (from) => {
        asked.push(from);
        await hold;
        const begin = Number(from ?? 0);
        const rows = Array.from({ length: Math.max(0, Math.min(PAGE, total - begin)) }, (_, i) => begin + i);
        return { rows, next: begin + PAGE < total ? String(begin + PAGE) : null };
      });
      return (): VNode => h("div", [
        ...list.pages.map((page, index) => h("div", { key: String(page.from), ref: list.place(index), "data-page": index, style: page.rows ? {} : { height: `${page.height}px` } }, (page.rows ?? []).map((row) => h("button", String(row))))),
        list.whole ? null : h("p", { ref: list.place("end"), "data-page": "end" }),
      ]);
    },
  });
  view = mount(component, { attachTo: document.body });
});
afterEach(() => {
  view.unmount();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function sight(...pages: (number | "end")[]): Promise<void> {
  await flushPromises();
  see([...document.querySelectorAll<HTMLElement>("[data-page]")].map((target) => ({ target, isIntersecting: pages.map(String).includes(target.dataset.page!) })));
  await flushPromises();
}
/** Scrolls down until so many pages are there. */
async function down(count: number): Promise<void> {
  while (list.pages.length < count) {
    const last = list.pages.length - 1;
    await sight(last - 1, last, "end");
    await sight(last, last + 1);
  }
}
const held = () => list.pages.flatMap((page, index) => (page.rows ? [index] : []));

test("of a long list what is near is held, and the rest is as high as it was", async () => {
  await list.reload();
  await down(40);
  expect(held().length).toBeLessThanOrEqual(4);
  expect(view.findAll("button").length).toBeLessThanOrEqual(4 * PAGE);
  expect(list.pages[3]).toMatchObject({ rows: null, height: 6000, first: 151 });
  await sight(10, 11);
  expect(held(), "what comes near is there again").toEqual([10, 11]);
  expect(list.pages[10]!.rows![0]).toBe(500);
  expect(list.whole).toBe(false);
});

test("a row that has the focus is not taken away", async () => {
  await list.reload();
  view.get("button").element.focus();
  await down(6);
  expect(held()).toContain(0);
});

test("what is new comes at once at the top, and deep down once its beginning is in sight", async () => {
  await list.reload();
  await down(8);
  asked = [];
  await list.reload();
  expect(asked, "rows do not jump under somebody who reads").toEqual([]);
  await sight(0, 1);
  expect(asked[0]).toBe(null);
  expect(list.pages).toHaveLength(1);
});

test("an answer to the list of before is dropped", async () => {
  await list.reload();
  let answer: () => void = () => undefined;
  hold = new Promise((resolve) => (answer = resolve));
  await sight(0, "end");
  hold = null;
  total = 3;
  await list.reload();
  answer();
  await flushPromises();
  expect(list.pages.map(({ rows }) => rows)).toEqual([[0, 1, 2]]);
  expect(list.whole).toBe(true);
});
