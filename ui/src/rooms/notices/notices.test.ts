import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Notice, NoticeSubject } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { app, useRoute } from "@/app";
import { byDay, noticeWords } from "./notice-words";
import NoticesPage from "./NoticesPage.vue";

const NOW = new Date(2026, 10, 23, 12).getTime();
const at = (days: number) => new Date(NOW + days * 86_400_000).toISOString();
const notice = (id: string, days: number, subject: NoticeSubject, read = false): Notice => ({ id, at: at(days), read, subject });
const expiry = (days: number): NoticeSubject => ({ kind: "expiry", serial: "5f3a", subject: "王䶮", not_after: at(days), days: 30 });
const moved = (state: "needs_correction" | "completed"): NoticeSubject => ({ kind: "application", application: "case", number: "CD20261122000017", business: "new", state });

describe("words", () => {
  test("what ends says the days that are left now, not those there were when it was written", () => {
    expect(noticeWords(notice("1", -20, expiry(9.5)), true, NOW).mark).toBe("还有 9 天");
    expect(noticeWords(notice("1", -20, expiry(0.2)), true, NOW).mark).toBe("今天到期");
    expect(noticeWords(notice("1", -20, expiry(-3)), true, NOW).title).toBe("证书已经过期");
  });

  test("a returned case says what to do, an older notice about it does not any more", () => {
    const returned = notice("1", 0, moved("needs_correction"));
    expect(noticeWords(returned, true, NOW)).toMatchObject({ title: "“新办”退回补正", tone: "warn", to: { name: "application", id: "case" } });
    expect(noticeWords(returned, true, NOW).lead).toContain("改好再提交");
    expect(noticeWords(returned, false, NOW)).toMatchObject({ tone: "quiet", lead: "" });
  });

  test("days are those of this computer's calendar, and the newest about a thing is the latest", () => {
    const days = byDay([notice("a", -0.1, moved("completed")), notice("b", -0.7, moved("needs_correction")), notice("c", -40, expiry(20)), notice("d", -400, expiry(20))], NOW);
    expect(days.map(({ title }) => title)).toEqual(["今天", "昨天", "10月14日星期三", "2025年10月19日"]);
    expect(days.flatMap(({ notices }) => notices.map(({ latest }) => latest))).toEqual([true, false, true, false]);
  });
});

describe("page", () => {
  let page: VueWrapper;
  let mine: Notice[];
  let marked: string[][];
  let saved: string | null;
  const element = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`);
  const rows = () => [...document.querySelectorAll<HTMLElement>('[data-testid="notice"]')];
  const view = () => ({ notices: mine, unread: mine.filter(({ read }) => !read).length, offline: false });

  beforeEach(async () => {
    mine = [notice("1", -0.1, moved("needs_correction")), notice("2", -3, expiry(9)), notice("3", -30, expiry(9), true)];
    marked = [];
    saved = "到期提醒.ics";
    invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: { ids: string[] } }) => {
      if (name === "notices") return view();
      if (name === "certificates") return [{ serial: "5f3a", fingerprint: "print" }];
      if (name === "save_calendar") return saved;
      if (name === "mark_notices_read") {
        marked.push(args.ids);
        mine = mine.map((one) => (args.ids.includes(one.id) ? { ...one, read: true } : one));
        return view();
      }
      return null;
    });
    page = mount(NoticesPage, { attachTo: document.body });
    await flushPromises();
  });
  afterEach(() => page.unmount());

  test("unread ones are marked, counted, and read at one press", async () => {
    expect(rows().map((row) => row.dataset.fresh)).toEqual(["true", "true", undefined]);
    expect(app.unread).toBe(2);
    element("notices-all-read")!.click();
    await flushPromises();
    expect(marked).toEqual([["1", "2"]]);
    expect(rows().map((row) => row.dataset.fresh)).toEqual([undefined, undefined, undefined]);
    expect(app.unread, "the mark in the top bar goes with them").toBe(0);
  });

  test("opening one reads it and leads to its page", async () => {
    rows()[0]!.querySelector("button")!.click();
    page.unmount();
    await flushPromises();
    expect(marked).toEqual([["1"]]);
    expect(useRoute().current.value).toMatchObject({ name: "login", next: { name: "application", id: "case" } });
  });

  test("only the newest word about a certificate offers renewal and calendar", async () => {
    expect(rows().map((row) => row.querySelector('[data-testid="notice-calendar"]') !== null)).toEqual([false, true, false]);
    element("notice-calendar")!.click();
    await flushPromises();
    expect(invoke.mock.calls.some(([, call]) => call.name === "save_calendar" && call.args.fingerprint === "print")).toBe(true);
    expect(element("calendar-saved")!.textContent).toContain("到期提醒.ics");
  });

  test("a save dialog that was cancelled says nothing", async () => {
    saved = null;
    element("notice-calendar")!.click();
    await flushPromises();
    expect(element("calendar-saved")).toBeNull();
  });

  test("none yet is said", async () => {
    page.unmount();
    mine = [];
    page = mount(NoticesPage, { attachTo: document.body });
    await flushPromises();
    expect(element("notices-none")).not.toBeNull();
  });
});
