import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Event as ProgramEvent, KeyView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import PinAgainDialog from "./PinAgainDialog.vue";

const key: KeyView = { id: "k", label: "锁", manufacturer: "", model: "", serial: "1", holder: "王䶮", valid_until: "2030-01-01T00:00:00Z", can_log_in: true, tries: "no_warning", so_tries: "no_warning", pin_must_change: false, pin_advice: null, pin_pad: false, ready: true, pin_length: [4, 16] };
const asked = (ticket: string, more: object = {}): Extract<ProgramEvent, { kind: "pin_again" }> => ({ kind: "pin_again", prompt: { ticket, key, needs_confirmation: false }, refused: null, ...more });
let sent: { ticket: string; text: string; bytes: Uint8Array }[];
let withheld: unknown[];
let page: VueWrapper;

const element = <T extends HTMLElement>(id: string) => document.querySelector<T>(`[data-testid="${id}"]`);
async function submit(text: string): Promise<void> {
  element<HTMLInputElement>("pin-again-input")!.value = text;
  document.querySelector("form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await flushPromises();
}

beforeEach(async () => {
  sent = [];
  withheld = [];
  invoke.mockReset().mockImplementation(async (command: string, args: unknown, options?: { headers: Record<string, string> }) => {
    if (command === "call") return void withheld.push(args);
    const bytes = args as Uint8Array;
    sent.push({ ticket: options!.headers["certdesk-ticket"]!, text: new TextDecoder().decode(bytes), bytes });
    return { kind: "taken" };
  });
  page = mount(PinAgainDialog, { props: { asked: asked("one") }, attachTo: document.body });
  await flushPromises();
});
afterEach(() => page.unmount());

test("the PIN of one signature goes out once, and nothing keeps it", async () => {
  await submit("123456");
  expect(sent.map(({ ticket, text }) => [ticket, text])).toEqual([["one", "123456"]]);
  expect([...sent[0]!.bytes].every((byte) => byte === 0)).toBe(true);
  expect(element<HTMLInputElement>("pin-again-input")!.value).toBe("");
  expect(page.emitted("closed")).toHaveLength(1);
});

test("the next signature is another question, with an empty field", async () => {
  element<HTMLInputElement>("pin-again-input")!.value = "123456";
  await page.setProps({ asked: asked("two", { refused: "few" }) });
  await flushPromises();
  expect(element<HTMLInputElement>("pin-again-input")!.value).toBe("");
  expect(element("pin-again-refused")!.dataset.tries).toBe("few");
  await submit("654321");
  expect(sent.map(({ ticket }) => ticket)).toEqual(["two"]);
});

test("who does not sign says so, and no PIN goes out", async () => {
  element("pin-again-withhold")!.click();
  await flushPromises();
  expect(withheld).toEqual([{ name: "withhold_pin", args: { ticket: "one" } }]);
  expect(sent).toEqual([]);
  expect(page.emitted("closed")).toHaveLength(1);
});
