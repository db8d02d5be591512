// How the window begins: the shell asked the first question before this script was there.
import { beforeEach, expect, test, vi } from "vitest";
import type { Event, Home } from "@/bindings";

let asked: number;
/** What the program knows now. */
let known: Home;
let emit: (event: Event) => void;
let listening: () => void;

const home = (reachable: boolean | null): Home => ({
  session: null, drafts: [], withdrawals: [], unread_notices: 0, demo: false,
  keys: { state: { kind: "no_key" }, keys: [], failing: [] },
  service: { address: "ca.example", reachable, seen_at: null, failure: null },
  settings: { locale: "zh-CN", theme: "system" },
  storage: { state: { kind: "open", kept: "key_store" }, notice: null },
} as Home);

beforeEach(() => {
  vi.resetModules();
  [asked, known] = [0, home(true)];
  vi.doMock("@tauri-apps/api/core", () => ({ invoke: async () => (asked++, known) }));
  vi.doMock("@tauri-apps/api/event", () => ({
    listen: (_: string, take: (event: { payload: Event }) => void) => new Promise<void>((go) => {
      emit = (payload) => take({ payload });
      listening = go;
    }),
  }));
});

test("the answer to the shell's question is drawn, and what changed since is asked for once events come", async () => {
  window.certdeskHome = Promise.resolve(home(null));
  const { app } = await import("@/app");
  await app.start();
  expect([app.service?.reachable, asked], "the page waits for its own question").toEqual([null, 0]);
  listening();
  await vi.waitFor(() => expect(app.service?.reachable, "what was told to nobody is not known").toBe(true));
  emit({ kind: "service", service: { ...known.service, reachable: false } } as Event);
  expect(app.service?.reachable, "an event is not heard").toBe(false);
  await app.refresh();
  expect(asked, "an old answer is taken for a new one").toBe(2);
});

test("a first question that was refused is asked again", async () => {
  const { app } = await import("@/app");
  window.certdeskHome = Promise.reject(new Error("not there yet"));
  await app.start();
  expect(app.failure, "nobody is told").not.toBeNull();
  listening();
  await vi.waitFor(() => expect([app.failure, app.service?.reachable], "the failure stays").toEqual([null, true]));
});

test("without the shell's question the page asks by itself", async () => {
  const { app } = await import("@/app");
  await app.start();
  expect([app.service?.reachable, asked]).toEqual([true, 1]);
});
