import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure, Home, IssuanceStep, KeyView, PinOutcome } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
const heard = vi.hoisted(() => ({ tell: (_: { payload: unknown }) => undefined as void }));
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async (_: string, tell: (event: { payload: unknown }) => void) => ((heard.tell = tell), () => undefined) }));
import { app } from "@/app";
import IssuancePage from "./IssuancePage.vue";

const key: KeyView = { id: "k", label: "锁", manufacturer: "", model: "", serial: "1", holder: null, valid_until: null, can_log_in: false, tries: "no_warning", so_tries: "no_warning", pin_must_change: false, pin_advice: null, pin_pad: false, ready: true, pin_length: [4, 16] };
const home: Home = { session: null, keys: { state: { kind: "present" }, keys: [key], failing: [] }, service: { address: "", reachable: true, failure: null, seen_at: null }, settings: { locale: "zh-CN", theme: "light" }, demo: false, drafts: [], withdrawals: [], unread_notices: 0, storage: { state: { kind: "open", kept: "key_store" }, notice: null } };
const removed: Failure = { code: "key_removed", retriable: true, detail: "CKR_DEVICE_REMOVED", faults: [], retry_after: null };

let number = 0;
let id: string;
let journal: IssuanceStep;
let prompts: unknown[];
let certificates: unknown[];
let end: { resolve: (outcome: PinOutcome) => void; reject: (failure: Failure) => void };
let page: VueWrapper;

const element = (name: string) => document.querySelector<HTMLElement>(`[data-testid="${name}"]`);
const states = () => Object.fromEntries([...document.querySelectorAll<HTMLElement>('[data-testid^="issuance-step-"]')].map((one) => [one.dataset.testid!.slice(14), one.dataset.state]));
async function tell(step: IssuanceStep, failure: Failure | null = null, serial: string | null = null): Promise<void> {
  heard.tell({ payload: { kind: "issuance", issuance: { application: id, step, key: "k", algorithms: ["rsa2048"], serial, failure } } });
  await flushPromises();
}
async function enterPin(start: string): Promise<void> {
  element(start)!.click();
  await flushPromises();
  document.querySelector<HTMLInputElement>("#pin-input")!.value = "123456";
  document.querySelector("#pin-form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await flushPromises();
}
async function open(): Promise<void> {
  page = mount(IssuancePage, { props: { application: id }, attachTo: document.body });
  await flushPromises();
}

beforeEach(async () => {
  id = `case-${(number += 1)}`;
  journal = "ready";
  prompts = [];
  certificates = [];
  invoke.mockReset().mockImplementation(async (command: string, args: { name: string; args: { purpose?: unknown } }) => {
    if (command === "submit_pin") return new Promise<PinOutcome>((resolve, reject) => (end = { resolve, reject }));
    switch (args.name) {
      case "home": return home;
      case "application": return { application: { id, number: "CD1", business: "new", state: "awaiting_issuance", next_actor: "applicant", handler: null, particulars: { certificate: null, changes: {}, reason: null }, submissions: 1, receipts: [], attachments: [], remarks: [], reason: null, history: [], certificate_subject: null }, usual_time: null, issuance: { application: id, step: journal, key: journal === "ready" ? null : "k", algorithms: ["rsa2048", "ec_p256"], serial: null, failure: null } };
      case "prepare_pin": return prompts.push(args.args.purpose), { ticket: String(prompts.length), key, needs_confirmation: false };
      case "certificates": return certificates;
      default: return [];
    }
  });
  await app.start();
});
afterEach(() => page.unmount());

test("the steps come alive as they are reported, and the end is told", async () => {
  await open();
  await enterPin("issuance-start");
  expect(prompts).toEqual([{ kind: "issue", key: "k", application: id, algorithm: "rsa2048" }]);
  await tell("key_pair");
  expect(element("pin-dialog"), "the PIN was right: its dialog makes room for the steps").toBeNull();
  expect(states()).toMatchObject({ ready: "done", key_pair: "current", request: "waiting" });
  await tell("written");
  expect(states()).toMatchObject({ certificate: "done", written: "current", proven: "waiting" });
  await tell("confirmed");
  expect(element("issuance-done")).not.toBeNull();
});

test("what was made is told, not what was there before, and on which key as soon as that shows it", async () => {
  await open();
  await enterPin("issuance-start");
  const one = (serial: string, on_keys: string[]) => ({ serial, holder: "福州云帆测试科技有限公司", issuer: "演示 CA", not_before: "2026-11-23T00:00:00Z", not_after: "2027-11-23T00:00:00Z", on_keys, has_private_key: on_keys.length > 0, businesses: [] });
  certificates = [one("0A1B", ["k"])];
  await tell("confirmed", null, "0C2D");
  expect(element("issuance-certificate"), "the old one on the key is not taken for the new").toBeNull();
  certificates = [one("0A1B", ["k"]), one("0C2D", ["k"])];
  heard.tell({ payload: { kind: "keys", keys: { ...home.keys, keys: [{ ...key, holder: "福州云帆测试科技有限公司" }] } } });
  await flushPromises();
  expect(element("issuance-certificate")?.textContent).toContain("0C2D");
  expect(element("issuance-certificate")?.textContent).toContain("锁");
});

test("a pulled key stops it where it stands; going on takes a new prompt and no second press does", async () => {
  await open();
  await enterPin("issuance-start");
  await tell("key_pair");
  await tell("certificate");
  await tell("certificate", removed);
  end.reject(removed);
  await flushPromises();
  expect(element("failure")?.dataset.code).toBe("key_removed");
  expect(states()).toMatchObject({ request: "done", certificate: "stopped", written: "waiting" });
  expect(element("issuance-stopped"), "it is said that nothing is done twice").not.toBeNull();
  expect(prompts.length, "no PIN is asked for or sent by itself").toBe(1);
  await enterPin("issuance-continue");
  expect(prompts.length).toBe(2);
  await tell("key_pair");
  expect(element("failure"), "the old failure is gone once it goes on").toBeNull();
});

test("a journal of an earlier run is gone on with", async () => {
  journal = "certificate";
  await open();
  expect(element("issuance-stopped")).not.toBeNull();
  expect(element("issuance-continue")).not.toBeNull();
  expect(element("issuance-more"), "the key pair is made: its algorithm is no choice any more").toBeNull();
});

test("a wrong PIN moves nothing", async () => {
  await open();
  await enterPin("issuance-start");
  end.resolve({ kind: "refused", tries: "few" });
  await flushPromises();
  expect(element("pin-refused")).not.toBeNull();
  expect(element("issuance-steps")).toBeNull();
});
