import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { DriverState, DriversView, Event, Examination, KeyState } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
const told = vi.hoisted(() => ({ listener: undefined as ((event: { payload: unknown }) => void) | undefined }));
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async (_: string, listener: (event: { payload: unknown }) => void) => ((told.listener = listener), () => undefined) }));
import { app } from "@/app";
import SupportPage from "./SupportPage.vue";

let page: VueWrapper;
let view: DriversView;
let keys: KeyState;
let asked: string[];
let examination: Examination;
let answerLate: (() => Promise<void>) | null;
const element = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-testid="${name}"]`);
async function emit(event: Event): Promise<void> {
  told.listener!({ payload: event });
  await flushPromises();
}
const state = (now: DriverState) => ({ ...view, drivers: view.drivers.map((driver) => ({ ...driver, state: now })) });

beforeEach(async () => {
  asked = [];
  answerLate = null;
  keys = { kind: "no_driver" };
  examination = { waiting: [], usable: false, findings: [
    { code: "card_service_stopped", part: "card_service", level: "problem", facts: [{ name: "device", value: "FT ePass2003", zh: null }], repair: { kind: "start_card_service" } },
    { code: "clock_right", part: "service", level: "good", facts: [], repair: null },
  ] };
  view = { system: "Debian GNU/Linux 12 · x86_64", others: 3, drivers: [{ state: { kind: "available", done: 0 }, package: { id: "mtoken", name: { zh: "龙脉驱动", en: "" }, serves: { zh: "mToken", en: "" }, publisher: "龙脉", version: "3.2", os: "linux_deb", architectures: [], file_name: "m.deb", bytes: 4_194_304, sha256: "ab".repeat(32), tokens: [], signer: null, silent: [] }, for_key: false }] };
  invoke.mockReset().mockImplementation(async (_: string, { name }: { name: string }) => {
    asked.push(name);
    if (name === "home") return { session: null, drafts: [], keys: { state: keys, keys: [], failing: [] }, service: { address: "", reachable: true, failure: null }, settings: { locale: "zh-CN", theme: "system" }, demo: false };
    if (name === "catalogue") return { helpdesk: "400-000-0000" };
    if (name === "drivers") return view;
    if (name === "download_driver") {
      await answerLate?.();
      return state({ kind: "downloading", done: 0 });
    }
    if (name === "install_driver") return state({ kind: "checking" });
    if (name === "examine") return examination;
    if (name === "plan_repair") return { command: "pkexec systemctl start pcscd", asks_for_administrator: true };
    if (name === "repair") return { waiting: [], usable: true, findings: [] };
    if (name === "save_examination") return { name: "report.json", code: "RJRKHV" };
    if (name === "cancel_driver") return state({ kind: "available", done: 2_097_152 });
    return null;
  });
  await app.start();
});
afterEach(() => page.unmount());
async function open(): Promise<void> {
  page = mount(SupportPage, { attachTo: document.body });
  await flushPromises();
}
async function press(name: string): Promise<void> {
  element(name)!.click();
  await flushPromises();
}

test("no driver: the page says so and offers those for this system", async () => {
  await open();
  expect(element("support-key")!.textContent).toContain("还没有装认证锁的驱动");
  expect(element("driver-mtoken")!.textContent).toContain("龙脉驱动");
  expect(element("drivers-others")!.textContent).toContain("3");
});

test("a driver is fetched with progress, can be stopped and gone on with, is checked and opened", async () => {
  await open();
  await press("driver-get");
  await emit({ kind: "driver", id: "mtoken", state: { kind: "downloading", done: 1_048_576 } });
  expect(document.querySelector('[role="progressbar"]')!.getAttribute("aria-valuenow")).toBe("25");
  await press("driver-cancel");
  expect(element("driver-get")!.textContent).toContain("继续下载");
  await press("driver-get");
  await emit({ kind: "driver", id: "mtoken", state: { kind: "checking" } });
  expect(element("driver-mtoken")!.dataset.state).toBe("checking");
  await emit({ kind: "driver", id: "mtoken", state: { kind: "ready" } });
  await press("driver-open");
  expect(asked).toContain("open_driver");
  expect(element("driver-opened")!.textContent).toContain("重新检查");
});

test("an answer that was overtaken by an event is dropped", async () => {
  await open();
  answerLate = () => emit({ kind: "driver", id: "mtoken", state: { kind: "ready" } });
  await press("driver-get");
  expect(element("driver-mtoken")!.dataset.state).toBe("ready");
});

test("a damaged download says so and can be tried again", async () => {
  await open();
  await emit({ kind: "driver", id: "mtoken", state: { kind: "failed", failure: { code: "download_damaged", retriable: false, detail: null, faults: [], retry_after: null } } });
  expect(element("failure")!.dataset.code).toBe("download_damaged");
  await press("failure-retry");
  expect(asked).toContain("download_driver");
});

test("none for this system is said", async () => {
  view = { ...view, drivers: [] };
  await open();
  expect(element("drivers-none")!.textContent).toContain("Debian GNU/Linux 12");
});

test("once the key is seen the page says that nothing is needed", async () => {
  await open();
  await emit({ kind: "keys", keys: { state: { kind: "present" }, keys: [], failing: [] } });
  expect(element("support-key")!.textContent).toContain("不用再装");
});

test("where no key is seen the doctor looks at once, and says what to do", async () => {
  await open();
  expect(asked).toContain("examine");
  expect(element("finding")!.textContent).toContain("读卡服务没有启动");
  expect(element("doctor-told")!.textContent).toContain("1");
});

test("where a key is there nothing is looked at unasked", async () => {
  keys = { kind: "present" };
  await app.start();
  await open();
  expect(asked).not.toContain("examine");
  await press("doctor-look");
  expect(asked).toContain("examine");
});

test("findings show as they come, with what is still looked at", async () => {
  await open();
  await emit({ kind: "examination", examination: { ...examination, waiting: ["service"], findings: examination.findings.slice(0, 1) } });
  expect(element("doctor")!.dataset.state).toBe("running");
  expect(element("doctor")!.textContent).toContain("办证服务与网络");
  expect(element("doctor-save")).toBeNull();
});

test("a repair is named before it is done, and the doctor looks again after it", async () => {
  await open();
  await press("finding-repair");
  expect(asked).not.toContain("repair");
  expect(document.querySelector("[data-testid=repair-dialog]")!.textContent).toContain("pkexec systemctl start pcscd");
  await press("repair-confirm");
  expect(asked).toContain("repair");
  expect(element("doctor-told")!.textContent).toContain("一切正常");
});

test("a saved report shows its code", async () => {
  await open();
  await press("doctor-save");
  expect(element("doctor-code")!.textContent).toBe("RJRKHV");
});

test("a driver is installed, and the page says whether the key is seen", async () => {
  view.drivers[0]!.for_key = true;
  await open();
  await press("driver-install");
  await emit({ kind: "driver", id: "mtoken", state: { kind: "installed", missing: "key_none" } });
  expect(element("driver-installed")!.dataset.missing).toBe("key_none");
  await emit({ kind: "driver", id: "mtoken", state: { kind: "installed", missing: null } });
  expect(element("driver-installed")!.textContent).toContain("已经认出来");
});
