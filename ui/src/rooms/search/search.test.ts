import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Announcement, Failure, SearchView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { useRoute } from "@/app";
import SearchBox from "@/shell/SearchBox.vue";
import SearchDialog from "./SearchDialog.vue";
import { marked } from "./search";

const EMPTY: SearchView = { applications: [], more_applications: false, drafts: [], certificates: [], more_certificates: false, notices: [], more_notices: false };
const found = (more = false): SearchView => ({
  ...EMPTY, more_applications: more,
  applications: [{ application: { id: "case", number: "CD20261122000017", business: "renew", state: "in_review", next_actor: "service", particulars: { certificate: null, changes: {}, reason: null }, certificate_subject: "福州云帆测试科技有限公司", changed_at: null }, pieces: ["云帆"], said: "经办 王䶮" }],
  certificates: [{ fingerprint: "ab", holder: "福州云帆测试科技有限公司", serial: "5f3a", not_after: "2027-01-01T00:00:00Z", status: "active", pieces: ["云帆"] }],
  notices: [{ notice: { id: "n1", at: "2026-11-22T08:00:00Z", read: false, subject: { kind: "application", application: "case", number: null, business: "new", state: "completed" } }, pieces: [] }],
});
const announcement: Announcement = { serial: "99aa", subject: "泉州云帆工作室", revoked_at: "2026-11-20T08:00:00Z", reason: "superseded", crl_number: 7 };

let page: VueWrapper | undefined;
let asked: string[];
let marks: string[][];
let answers: Record<string, SearchView>;
let announced: Announcement[] | Failure;
let hold: Promise<void> | null;
const element = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`);
const options = () => [...document.querySelectorAll<HTMLElement>('[role="option"]')];
const highlighted = () => document.querySelector<HTMLElement>('[role="option"][data-highlighted]')?.dataset.testid;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  marks = [];
  answers = { 云帆: found(), 云: found() };
  announced = [announcement];
  hold = null;
  useRoute().go({ name: "home" });
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: { question: string; query: { search: string }; ids: string[] } }) => {
    if (name === "announcements") {
      asked.push(`announced ${args.query.search}`);
      if ("code" in announced) throw announced;
      return { announcements: announced, next: null };
    }
    if (name === "mark_notices_read") return void marks.push(args.ids);
    asked.push(args.question);
    const answer = answers[args.question] ?? EMPTY;
    await hold;
    return answer;
  });
});
afterEach(() => {
  page?.unmount();
  page = undefined;
  vi.useRealTimers();
});

async function open(): Promise<void> {
  page = mount(SearchDialog, { attachTo: document.body });
  await vi.advanceTimersByTimeAsync(20);
}
async function type(text: string): Promise<void> {
  const input = element("search-input") as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event("input"));
  await flushPromises();
}
async function wait(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  await flushPromises();
}
const press = async (key: string) => {
  element("search-input")!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  await flushPromises();
};

describe("marks", () => {
  test("every place is marked, whatever signs stand in it", () => {
    const text = (pieces: string[], of = "云帆 (Sail) 云帆") => marked(of, pieces).filter(({ hit }) => hit).map((part) => part.text);
    expect(text(["云帆"])).toEqual(["云帆", "云帆"]);
    expect(text(["sail"])).toEqual(["Sail"]);
    expect(text(["(Sail) 云", "云"])).toEqual(["云", "(Sail) 云"]);
    expect(text(["", " ", ".*", "𠮷"])).toEqual([]);
    expect(marked("王䶮", []).map((part) => part.text).join("")).toBe("王䶮");
  });
});

describe("the dialog", () => {
  test("answers while one types: what is known here first, the service after a pause", async () => {
    await open();
    expect(element("search-hint")).not.toBeNull();
    await type("云");
    await type("云帆");
    await wait(80);
    expect(asked).toEqual(["云帆"]);
    expect(element("search-applications")?.textContent).toContain("CD20261122000017");
    expect(element("application-case")?.querySelector("mark")?.textContent).toBe("云帆");
    expect(element("application-case")?.textContent).toContain("经办 王䶮");
    expect(element("search-announcements")).toBeNull();
    await wait(400);
    expect(asked).toEqual(["云帆", "announced 云帆"]);
    expect(element("search-announcements")?.textContent).toContain("泉州云帆工作室");
    expect(element("search-told")?.textContent).toBe("找到 4 条");
  });

  test("an answer that was overtaken is dropped", async () => {
    await open();
    let answer: () => void = () => undefined;
    hold = new Promise((resolve) => (answer = resolve));
    await type("云帆");
    await wait(80);
    hold = null;
    await type("查无此人");
    announced = [];
    await wait(500);
    answer();
    await wait(500);
    expect(options()).toEqual([]);
    expect(element("search-none")?.textContent).toContain("没有找到“查无此人”");
  });

  test("one character asks no service", async () => {
    await open();
    await type("云");
    await wait(1000);
    expect(asked).toEqual(["云"]);
  });

  test("the keyboard alone chooses and opens", async () => {
    await open();
    await type("云帆");
    await wait(500);
    expect(highlighted()).toBe("application-case");
    await press("ArrowDown");
    expect(highlighted()).toBe("certificate-ab");
    expect(element("search-input")?.getAttribute("aria-activedescendant")).toBe(element("certificate-ab")?.id);
    await press("Enter");
    expect(useRoute().current.value).toEqual({ name: "certificates", open: "ab" });
    expect(page?.emitted("closed")).toHaveLength(1);
  });

  test("a notice that is opened is read", async () => {
    await open();
    await type("云帆");
    await wait(500);
    element("notice-n1")!.click();
    await flushPromises();
    expect(marks).toEqual([["n1"]]);
  });

  test("of many there is a way to all", async () => {
    answers.云帆 = found(true);
    await open();
    await type("云帆");
    await wait(500);
    element("more-applications")!.click();
    await flushPromises();
    // The list is behind the login; it is where the way leads.
    expect(useRoute().current.value).toMatchObject({ next: { name: "applications", words: "云帆" } });
  });

  test("without the service it says what is not searched", async () => {
    announced = { code: "service_unreachable", retriable: true, detail: null, faults: [], retry_after: null };
    await open();
    await type("云帆");
    await wait(500);
    expect(element("search-offline")?.textContent).toContain("不含注销公告");
    expect(options()).toHaveLength(3);
  });
});

describe("the box", () => {
  test("Ctrl+K opens it, but not over another dialog, and nothing of it is in the title", async () => {
    document.title = "证办通";
    page = mount(SearchBox, { attachTo: document.body });
    const other = document.createElement("div");
    other.setAttribute("role", "dialog");
    document.body.append(other);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
    vi.useRealTimers();
    await flushPromises();
    expect(element("search-dialog")).toBeNull();
    other.remove();
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true }));
    await vi.waitFor(() => expect(element("search-dialog")).not.toBeNull());
    await type("云帆");
    await vi.waitFor(() => expect(element("application-case")).not.toBeNull());
    expect(document.title).toBe("证办通");
  });
});
