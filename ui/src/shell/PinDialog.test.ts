import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KeyView, PinPrompt, PinPurpose } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import PinDialog from "./PinDialog.vue";

const key: KeyView = { id: "k", label: "锁", manufacturer: "", model: "", serial: "1", holder: "王䶮", valid_until: "2030-01-01T00:00:00Z", can_log_in: true, tries: "no_warning", so_tries: "no_warning", pin_must_change: false, pin_advice: null, pin_pad: false, ready: true, pin_length: [4, 16] };
let prompt: PinPrompt;
let prepare: (purpose: PinPurpose) => unknown;
let answer: (pin: Uint8Array) => unknown;
/** The very bytes that were handed over, looked at after the call. */
let handed: Uint8Array[];
let headers: Record<string, string>[];
let page: VueWrapper;

const element = <T extends HTMLElement>(id: string) => document.querySelector<T>(`[data-testid="${id}"]`);
const input = () => element<HTMLInputElement>("pin-input")!;
async function submit(): Promise<void> {
  document.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await flushPromises();
}
const prompts = () => invoke.mock.calls.filter(([command, args]) => command === "call" && args.name === "prepare_pin").length;

beforeEach(async () => {
  prompt = { ticket: "once", key, needs_confirmation: false };
  prepare = () => prompt;
  answer = () => ({ kind: "refused", tries: "few" });
  handed = [];
  headers = [];
  invoke.mockReset().mockImplementation(async (command: string, args: unknown, options?: { headers: Record<string, string> }) => {
    if (command === "call" && (args as { name: string }).name === "prepare_pin") return prepare((args as { args: { purpose: PinPurpose } }).args.purpose);
    if (command === "call") return { helpdesk: "" };
    handed.push(args as Uint8Array);
    headers.push(options!.headers);
    return answer((args as Uint8Array).slice());
  });
});
afterEach(() => page.unmount());

async function open(purpose: PinPurpose = { kind: "log_in", key: "k" }): Promise<void> {
  page = mount(PinDialog, { props: { open: true, purpose, "onUpdate:open": (now: boolean) => void page.setProps({ open: now }) }, attachTo: document.body });
  await flushPromises();
}

test("the PIN goes out once as bytes, and neither the field nor the bytes keep it", async () => {
  let seen = "";
  answer = (pin) => ((seen = new TextDecoder().decode(pin)), { kind: "refused", tries: "few" });
  await open();
  input().value = "123456";
  await submit();
  expect(seen).toBe("123456");
  expect(headers).toEqual([{ "certdesk-ticket": "once", "certdesk-confirmed": "false" }]);
  expect([...handed[0]!]).toEqual([0, 0, 0, 0, 0, 0]);
  expect(element("pin-input")).toBeNull();
  expect(document.body.innerHTML).not.toContain("123456");
});

test("a refused PIN is never sent again by itself; entering again asks for a new prompt", async () => {
  await open();
  input().value = "123456";
  await submit();
  expect(element("pin-refused")!.dataset.tries).toBe("few");
  expect(handed).toHaveLength(1);
  expect(prompts()).toBe(1);
  element("pin-again")!.click();
  await flushPromises();
  expect(prompts()).toBe(2);
  expect(input().value).toBe("");
});

test("a locked PIN offers no other try", async () => {
  answer = () => ({ kind: "refused", tries: "locked" });
  await open();
  input().value = "123456";
  await submit();
  expect(element("pin-refused")!.dataset.tries).toBe("locked");
  expect(element("pin-again")).toBeNull();
});

test("a failure that is no wrong PIN keeps its own words, and the PIN is gone all the same", async () => {
  answer = () => Promise.reject({ code: "driver_hung", retriable: true, detail: "C_Login", faults: [], retry_after: null });
  await open();
  input().value = "123456";
  await submit();
  expect(element("pin-refused")).toBeNull();
  expect(element("pin-failure")!.dataset.code).toBe("driver_hung");
  expect([...handed[0]!]).toEqual([0, 0, 0, 0, 0, 0]);
});

test("a PIN of the wrong length costs no try", async () => {
  await open();
  input().value = "123";
  await submit();
  expect(handed).toHaveLength(0);
  expect(element("pin-input-fault")!.textContent).toContain("不计次数");
});

test("the last try needs an explicit yes", async () => {
  prompt = { ticket: "last", key: { ...key, tries: "last" }, needs_confirmation: true };
  await open();
  input().value = "123456";
  await submit();
  expect(handed).toHaveLength(0);
  element("pin-confirm")!.click();
  await flushPromises();
  await submit();
  expect(headers).toEqual([{ "certdesk-ticket": "last", "certdesk-confirmed": "true" }]);
});

test("closing the dialog forgets what was typed", async () => {
  await open();
  const field = input();
  field.value = "123456";
  element("pin-cancel")!.click();
  await flushPromises();
  expect(field.value).toBe("");
});

test("with a pin pad nothing is typed here", async () => {
  prompt = { ticket: "pad", key: { ...key, pin_pad: true }, needs_confirmation: false };
  await open();
  expect(element("pin-input")).toBeNull();
  await submit();
  expect(handed[0]).toHaveLength(0);
});

const type = (id: string, text: string) => {
  const field = element<HTMLInputElement>(id)!;
  field.value = text;
  field.dispatchEvent(new Event("input"));
};
const fault = (id: string) => element(`${id}-fault`)!.textContent;

test("a new PIN goes out behind the old one, and no field keeps either", async () => {
  let seen: number[] = [];
  answer = (pin) => ((seen = [...pin]), { kind: "pin_changed" });
  await open({ kind: "change_pin", key: "k" });
  type("pin-input", "1234");
  type("pin-new", "85274");
  type("pin-repeat", "85274");
  await submit();
  expect(seen).toEqual([4, ...new TextEncoder().encode("123485274")]);
  expect([...handed[0]!].every((byte) => byte === 0)).toBe(true);
  expect(page.emitted("done")).toEqual([[{ kind: "pin_changed" }]]);
});

test("what cannot be a new PIN is told before anything is sent", async () => {
  await open({ kind: "change_pin", key: "k" });
  type("pin-input", "1234");
  type("pin-new", "12");
  type("pin-repeat", "13");
  await submit();
  expect(fault("pin-new")).toContain("4");
  expect(fault("pin-repeat")).not.toBe("");
  type("pin-new", "1234");
  type("pin-repeat", "1234");
  await submit();
  expect(fault("pin-new")).toContain("不能和现在的一样");
  expect(handed).toHaveLength(0);
});

test("what only the profile says against a PIN is a word, and holds nobody up", async () => {
  prompt = { ...prompt, key: { ...key, pin_advice: { min: 6, max: 8, characters: "digits", tries: null } } };
  await open({ kind: "change_pin", key: "k" });
  type("pin-input", "1234");
  type("pin-new", "85a274");
  await flushPromises();
  expect(element("pin-new-advice")!.textContent).toContain("数字");
  type("pin-repeat", "85a274");
  await submit();
  expect(handed).toHaveLength(1);
});

test("after how many wrong ones such a key locks is told as delivered, and not where the key itself warns louder", async () => {
  prompt = { ...prompt, key: { ...key, pin_advice: { min: 4, max: 16, characters: "digits", tries: 7 } } };
  await open();
  expect(element("pin-locks-after")!.textContent).toMatch(/7.*不是现在剩余的次数/);
  type("pin-input", "1234");
  await submit();
  expect(element("pin-refused")).not.toBeNull();
  expect(element("pin-locks-after")!.textContent).toContain("7");
  page.unmount();
  prompt = { ...prompt, key: { ...prompt.key, tries: "last" }, needs_confirmation: true };
  await open();
  expect(element("pin-tries")!.dataset.tries).toBe("last");
  expect(element("pin-locks-after")).toBeNull();
  page.unmount();
  prompt = { ...prompt, key: { ...key, tries: "locked" } };
  await open({ kind: "unblock", key: "k" });
  expect(element("pin-locks-after")).toBeNull();
});

test("a PIN without an upper limit may be long", async () => {
  prompt = { ...prompt, key: { ...key, pin_length: [4, 0] } };
  await open();
  type("pin-input", "1".repeat(40));
  await submit();
  expect(handed).toHaveLength(1);
});

test("a first PIN is changed on the way, and then the dialog comes back to what it was opened for", async () => {
  let changed = false;
  const asked: string[] = [];
  prepare = ({ kind }) => {
    asked.push(kind);
    return kind === "change_pin" || changed ? prompt : Promise.reject({ code: "pin_must_change", retriable: false, detail: null, faults: [], retry_after: null });
  };
  answer = () => (changed ? { kind: "tested" } : ((changed = true), { kind: "pin_changed" }));
  await open({ kind: "test_key", key: "k", fingerprint: "f" });
  element("pin-change-first")!.click();
  await flushPromises();
  type("pin-input", "1234");
  type("pin-new", "85274");
  type("pin-repeat", "85274");
  await submit();
  expect(element("pin-passed")).not.toBeNull();
  expect(element("pin-new")).toBeNull();
  type("pin-input", "85274");
  await submit();
  expect(asked).toEqual(["test_key", "change_pin", "test_key"]);
  expect(page.emitted("done")).toEqual([[{ kind: "tested" }]]);
});

test("a locked PIN offers to unblock; a locked officer's PIN offers nothing of the kind", async () => {
  prepare = ({ kind }) => (kind === "unblock" ? prompt : Promise.reject({ code: "pin_locked", retriable: false, detail: null, faults: [], retry_after: null }));
  answer = () => ({ kind: "refused", tries: "locked" });
  await open();
  element("pin-unblock")!.click();
  await flushPromises();
  type("pin-input", "00000000");
  type("pin-new", "85274");
  type("pin-repeat", "85274");
  await submit();
  expect(element("pin-refused")!.textContent).toContain("管理员");
  expect(element("pin-unblock")).toBeNull();
  expect(element("pin-lost-key")).not.toBeNull();
});
