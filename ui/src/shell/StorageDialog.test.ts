import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FailureCode, StorageNotice, StorageQuestion, StorageState, StorageView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
const told = vi.hoisted(() => ({ listener: undefined as ((event: { payload: unknown }) => void) | undefined }));
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async (_: string, listener: (event: { payload: unknown }) => void) => ((told.listener = listener), () => undefined) }));
import { app } from "@/app";
import LockCard from "@/rooms/account/LockCard.vue";
import StorageDialog from "./StorageDialog.vue";

const RIGHT = "金山大道的猫不吃鱼";
let dialog: VueWrapper;
let storage: StorageView;
let asked: { name: string; args: Record<string, unknown> }[];
const element = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-testid="${name}"]`);
const names = () => asked.map(({ name }) => name).filter((name) => name !== "home");
const failure = (code: FailureCode, detail: string | null = null) => ({ code, retriable: true, detail, faults: [], retry_after: null });
const opened = (kept: "key_store" | "passphrase" | "memory", notice: StorageNotice | null = null): StorageView => ({ state: { kind: "open", kept }, notice });
const asking = (question: StorageQuestion, code: FailureCode | null = null): StorageState => ({ kind: "asking", question, failure: code && failure(code, "org.freedesktop.DBus.Error.ServiceUnknown") });

beforeEach(() => {
  vi.useRealTimers();
  asked = [];
  storage = opened("key_store");
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: Record<string, unknown> }) => {
    asked.push({ name, args });
    if (name === "home") return { session: null, drafts: [], keys: { state: { kind: "no_key" }, keys: [], failing: [] }, service: { address: "", reachable: true, failure: null }, settings: { locale: "zh-CN", theme: "system" }, demo: false, storage };
    if (name === "unlock_storage" || name === "change_passphrase") {
      if ((args.passphrase ?? args.current) !== RIGHT) throw failure("wrong_passphrase");
      return (storage = opened("passphrase"));
    }
    if (name === "choose_passphrase") return (storage = opened("passphrase"));
    if (name === "keep_nothing") return (storage = opened("memory"));
    if (name === "retry_storage") return (storage = opened("key_store"));
    if (name === "begin_storage_anew") return (storage = opened("key_store", { trouble: "begun_anew", file: "certdesk.db.set-aside-20261123-0755", salvaged: null }));
    if (name === "storage_notice_read") return (storage = { ...storage, notice: null });
    return null;
  });
});
afterEach(() => dialog?.unmount());
async function open(state: StorageState, notice: StorageNotice | null = null): Promise<void> {
  storage = { state, notice };
  await app.start();
  dialog = mount(StorageDialog, { attachTo: document.body });
  await flushPromises();
}
async function press(name: string): Promise<void> {
  element(name)!.click();
  await flushPromises();
}
async function type(field: string, text: string): Promise<void> {
  const input = element<HTMLInputElement>(`field-${field}`)!;
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await flushPromises();
}

test("what cannot be opened is said at once, and goes when a try succeeds", async () => {
  await open({ kind: "failed", failure: failure("disk_full") });
  expect(element("failure")?.dataset.code).toBe("disk_full");
  told.listener!({ payload: { kind: "storage", storage: { state: { kind: "opening" }, notice: null } } });
  await flushPromises();
  expect(element("storage-dialog"), "who needs the data tries by itself: the sentence does not flicker").not.toBeNull();
  await press("storage-retry");
  expect(names()).toContain("retry_storage");
  expect(element("storage-dialog")).toBeNull();
});

test("where all is well nothing is asked", async () => {
  await open({ kind: "open", kept: "key_store" });
  expect(element("storage-dialog")).toBeNull();
  expect(element("storage-notice")).toBeNull();
});

describe("no key store", () => {
  test("a passphrase locks what is kept, once it is long enough and typed twice alike", async () => {
    await open(asking("choose_keeping", "key_store_away"));
    expect(document.activeElement!.id, "who types, types the passphrase").toBe("field-storage-passphrase");
    await type("storage-passphrase", "太短了");
    await press("storage-choose");
    expect(document.getElementById("field-storage-passphrase-fault")!.textContent).toContain("至少");
    await type("storage-passphrase", RIGHT);
    await type("storage-again", "金山大道的狗不吃鱼");
    await press("storage-choose");
    expect(document.getElementById("field-storage-again-fault")!.textContent).toContain("不一样");
    expect(document.activeElement!.id).toBe("field-storage-again");
    expect(names()).toEqual([]);
    await type("storage-again", RIGHT);
    await press("storage-choose");
    expect(asked.find(({ name }) => name === "choose_passphrase")!.args).toEqual({ passphrase: RIGHT });
    expect(element("storage-dialog"), "answered, it is gone").toBeNull();
  });

  test("or nothing is kept, with the consequence beside the choice", async () => {
    await open(asking("choose_keeping", "key_store_away"));
    await press("storage-way-nothing");
    expect(element("storage-dialog")!.textContent).toContain("什么也不留");
    expect(element("field-storage-passphrase"), "no passphrase is asked for").toBeNull();
    await press("storage-nothing");
    expect(names()).toEqual(["keep_nothing"]);
    expect(element("storage-dialog")).toBeNull();
  });

  test("or the key store is tried once more; the exact cause is a click away", async () => {
    await open(asking("choose_keeping", "key_store_away"));
    expect(element("storage-exact")!.textContent).toContain("ServiceUnknown");
    await press("storage-retry");
    expect(names()).toEqual(["retry_storage"]);
    expect(element("storage-dialog")).toBeNull();
  });
});

describe("a passphrase at the start", () => {
  test("a wrong one is said beside the field, which takes the next", async () => {
    await open(asking("passphrase"));
    await type("storage-passphrase", "金山大道的狗不吃鱼");
    await press("storage-unlock");
    expect(document.getElementById("field-storage-passphrase-fault")!.textContent).toContain("口令不对");
    expect(document.activeElement!.id).toBe("field-storage-passphrase");
    expect(element("failure"), "and nowhere else").toBeNull();
    await type("storage-passphrase", RIGHT);
    await press("storage-unlock");
    expect(element("storage-dialog")).toBeNull();
  });

  test("a forgotten one leads to a new beginning that is asked twice and deletes nothing", async () => {
    await open(asking("passphrase"));
    await press("storage-forgot");
    expect(element("storage-dialog")!.textContent).toContain("不会删除");
    await press("storage-not-anew");
    expect(element("field-storage-passphrase")).not.toBeNull();
    await press("storage-forgot");
    await press("storage-anew-confirm");
    expect(names()).toEqual(["begin_storage_anew"]);
    expect(element("storage-notice")!.textContent).toContain("certdesk.db.set-aside-20261123-0755");
    await press("storage-understood");
    expect(element("storage-notice")).toBeNull();
  });

  test("it can be left closed for this time", async () => {
    await open(asking("passphrase"));
    await press("storage-nothing");
    expect(names()).toEqual(["keep_nothing"]);
  });
});

test.each([["key_store_locked", "还锁着"], ["key_store_away", "没有回应"]] as const)("a key store that is %s says what to do, and is asked again", async (code, said) => {
  await open(asking("key_store_away", code));
  expect(element("storage-dialog")!.textContent).toContain(said);
  await press("storage-retry");
  expect(element("storage-dialog")).toBeNull();
});

test("data of a later version is left alone", async () => {
  await open(asking("newer", "storage_newer"));
  expect(element("storage-dialog")!.textContent).toContain("更新程序");
  expect(element("storage-retry"), "asking again changes nothing").toBeNull();
  await press("storage-nothing");
  expect(names()).toEqual(["keep_nothing"]);
});

test("a key store that does not answer is said after a while, and nobody has to wait for it", async () => {
  vi.useFakeTimers();
  await open({ kind: "opening" });
  expect(element("storage-dialog"), "most answer at once").toBeNull();
  await vi.advanceTimersByTimeAsync(3000);
  expect(element("storage-dialog")!.textContent).toContain("留意它的窗口");
  await press("storage-nothing");
  expect(names()).toEqual(["keep_nothing"]);
});

test.each(["key_lost", "damaged", "begun_anew"] as const)("what was set aside is told: %s", async (trouble) => {
  await open({ kind: "open", kept: "key_store" }, { trouble, file: "certdesk.db.set-aside-20261123-0755", salvaged: null });
  expect(element("storage-notice")!.querySelector("h2")!.textContent).not.toContain("storage.");
  expect(element("storage-notice")!.textContent).toContain("certdesk.db.set-aside-20261123-0755");
  expect(element("storage-notice")!.textContent).toContain("服务上的申办和证书都在");
  await press("storage-understood");
  expect(names()).toEqual(["storage_notice_read"]);
  expect(element("storage-notice")).toBeNull();
});

test.each([
  [null, "什么也读不出来"],
  [{ drafts: 0, files: 0, applications: 0, all: false }, "什么也读不出来"],
  [{ drafts: 2, files: 3, applications: 4, all: true }, "草稿 2 份"],
  [{ drafts: 1, files: 0, applications: 0, all: false }, "核对"],
])("of a damaged file it is said what came over: %o", async (salvaged, said) => {
  await open({ kind: "open", kept: "key_store" }, { trouble: "damaged", file: "certdesk.db.set-aside-20261123-0755", salvaged });
  expect(element("storage-salvaged")!.textContent).toContain(said);
});

test("what the program tells later is asked then", async () => {
  await open({ kind: "opening" });
  told.listener!({ payload: { kind: "storage", storage: { state: asking("passphrase"), notice: null } } });
  await flushPromises();
  expect(element("storage-unlock")).not.toBeNull();
});

describe("the lock, under 用户信息", () => {
  async function card(kept: "key_store" | "passphrase" | "memory"): Promise<void> {
    storage = opened(kept);
    await app.start();
    dialog = mount(LockCard, { attachTo: document.body });
    await flushPromises();
  }
  async function fill(current: string, replacement: string, again = replacement): Promise<void> {
    await type("passphrase-current", current);
    await type("passphrase-replacement", replacement);
    await type("passphrase-again", again);
    await press("passphrase-save");
  }

  test.each([["key_store", "钥匙串保管"], ["memory", "什么也不留"]] as const)("%s: it says how, and there is no passphrase to change", async (kept, said) => {
    await card(kept);
    expect(element("local-lock")!.textContent).toContain(said);
    expect(element("passphrase-change")).toBeNull();
  });

  test("the passphrase is changed by who knows it", async () => {
    await card("passphrase");
    await press("passphrase-change");
    await fill(RIGHT, "太短");
    await fill(RIGHT, RIGHT);
    expect(document.getElementById("field-passphrase-replacement-fault")!.textContent).toContain("一样");
    await fill(RIGHT, "湖东路的猫会爬树", "湖东路的猫");
    expect(names(), "nothing is sent before it is right").toEqual([]);
    await fill("金山大道的狗不吃鱼", "湖东路的猫会爬树");
    expect(document.getElementById("field-passphrase-current-fault")!.textContent).toContain("口令不对");
    await fill(RIGHT, "湖东路的猫会爬树");
    expect(asked.at(-1)).toEqual({ name: "change_passphrase", args: { current: RIGHT, replacement: "湖东路的猫会爬树" } });
    expect(element("passphrase-dialog")).toBeNull();
    expect(element("passphrase-changed")!.textContent).toContain("下次启动");
    await press("passphrase-change");
    expect(element<HTMLInputElement>("field-passphrase-current")!.value, "nothing of it stays").toBe("");
  });
});
