import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { KeyView, PinPrompt } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import PinDialog from "./PinDialog.vue";

const key: KeyView = { id: "k", label: "锁", manufacturer: "", model: "", serial: "1", holder: "王䶮", valid_until: "2030-01-01T00:00:00Z", can_log_in: true, tries: "no_warning", pin_pad: false, ready: true, pin_length: [4, 16] };
let prompt: PinPrompt;
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
  answer = () => ({ kind: "refused", tries: "few" });
  handed = [];
  headers = [];
  invoke.mockReset().mockImplementation(async (command: string, args: unknown, options?: { headers: Record<string, string> }) => {
    if (command === "call") return prompt;
    handed.push(args as Uint8Array);
    headers.push(options!.headers);
    return answer((args as Uint8Array).slice());
  });
});
afterEach(() => page.unmount());

async function open(): Promise<void> {
  page = mount(PinDialog, { props: { open: true, purpose: { kind: "log_in", key: "k" }, "onUpdate:open": (now: boolean) => void page.setProps({ open: now }) }, attachTo: document.body });
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
  expect(element("pin-fault")!.textContent).toContain("不计次数");
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
