import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure, FieldFault, Query, QueryAnswer } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import QueryPage from "./QueryPage.vue";
import { besideFields, stillNeeded } from "./query";

const found: QueryAnswer = { number: "CD20261122****17", business: "new", state: "in_review", next_actor: "service", usual_time: { zh: "1 个工作日", en: "1 working day" }, updated_at: "2026-11-22T08:00:00Z" };
const limited: Failure = { code: "too_many_requests", retriable: true, detail: null, faults: [], retry_after: 1500 };
let page: VueWrapper;
let asked: Query[];
let faults: FieldFault[];
let answer: QueryAnswer[] | Failure;

const element = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`);
async function fill(values: Partial<Query>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await page.get(`[data-testid="query-${name}"]`).setValue(value);
}
async function submit(): Promise<void> {
  await page.get("form").trigger("submit");
  await flushPromises();
}

beforeEach(() => {
  asked = [];
  faults = [];
  answer = [found];
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: { query: Query } }) => {
    if (name === "check_query") return { faults };
    asked.push(args.query);
    if ("code" in answer) throw answer;
    return answer;
  });
  page = mount(QueryPage, { attachTo: document.body });
});
afterEach(() => page.unmount());

test("one item is not asked for: the page says that one more is wanted and goes there", async () => {
  expect(element("query-needed")!.textContent).toContain("任意两项");
  await fill({ number: "CD20261122000017" });
  await submit();
  expect(asked).toEqual([]);
  expect(element("query-needed")!.textContent).toContain("再填一项");
  expect(document.activeElement?.id).toBe("field-identity");
});

test("two items show state, who acts next and how long that usually takes", async () => {
  await fill({ number: "CD20261122000017", phone: "13800138000" });
  await submit();
  expect(asked).toEqual([{ number: "CD20261122000017", identity: "", phone: "13800138000" }]);
  expect(element("query-result")!.dataset.state).toBe("in_review");
  for (const word of ["新办", "审核中", "等待受理方处理", "1 个工作日", "CD20261122****17"]) expect(element("query-result")!.textContent).toContain(word);
  await fill({ phone: "13800138001" });
  expect(element("query-result"), "what was found does not stand beside another question").toBeNull();
});

test("nothing found says what to look at, and never which item was right", async () => {
  answer = [];
  await fill({ identity: "91350100M000100Y43", phone: "13800138000" });
  await submit();
  expect(element("query-none")!.textContent).toContain("逐位核对");
});

test("a wrong item is said beside its field and not asked for", async () => {
  faults = [{ field: "phone", fault: "too_short" }];
  await fill({ number: "CD20261122000017", phone: "138" });
  await submit();
  expect(asked).toEqual([]);
  expect(document.querySelector("#field-phone-fault")!.textContent).not.toBe("");
  expect(document.activeElement?.id).toBe("field-phone");
});

test("who asks too often is told why and when to come back", async () => {
  answer = limited;
  await fill({ number: "CD20261122000017", phone: "13800138000" });
  await submit();
  expect(element("query-limited")!.textContent).toContain("25 分钟");
  expect(element("failure"), "said once").toBeNull();
});

test("spaces are nothing, and that two are wanted is not said at each field", () => {
  expect(stillNeeded({ number: " ", identity: "", phone: "138" })).toBe(1);
  expect(besideFields([{ field: "number", fault: "missing" }, { field: "phone", fault: "too_short" }])).toEqual([{ field: "phone", fault: "too_short" }]);
});
