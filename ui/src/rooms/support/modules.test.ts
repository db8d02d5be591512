import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ModuleFault, ModulesView, ModuleView, ProfilesRefusal, ProfilesView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
const told = vi.hoisted(() => ({ listener: undefined as ((event: { payload: unknown }) => void) | undefined }));
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async (_: string, listener: (event: { payload: unknown }) => void) => ((told.listener = listener), () => undefined) }));
import { app } from "@/app";
import { setLocale, t } from "@/text";
import ModulesPage from "./ModulesPage.vue";
import { fault, shortPath, standing } from "./module-words";

const module = (more: Partial<ModuleView> = {}): ModuleView => ({ path: "/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so", file_name: "opensc-pkcs11.so", name: "OpenSC", vendor: "OpenSC Project", profile: "opensc", notes: null, origin: { kind: "registered", by: "p11-kit" }, added: false, choice: "auto", fault: null, folded_keys: 0, ...more });
let page: VueWrapper;
let view: ModulesView;
let profiles: ProfilesView;
let refused: string | null;
let asked: { name: string; args: Record<string, unknown> }[];
const all = (name: string) => [...document.querySelectorAll<HTMLElement>(`[data-testid="${name}"]`)];
const element = (name: string) => all(name)[0] ?? null;

beforeEach(async () => {
  asked = [];
  refused = null;
  profiles = { signed_at: "2026-11-20T00:00:00Z", published: 5, known: 66, refused: null };
  view = { modules: [module()], profiles };
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: Record<string, unknown> }) => {
    asked.push({ name, args });
    if (name === refused) throw { code: "driver_wrong_architecture", retriable: false, detail: "libHtPkcs11.so: x86, 32 bit", faults: [], retry_after: null };
    if (name === "home") return { session: null, drafts: [], keys: { state: { kind: "present" }, keys: [], failing: [] }, service: { address: "", reachable: true, failure: null }, settings: { locale: "zh-CN", theme: "system" }, demo: false };
    if (name === "modules") return view;
    if (name === "add_module") return (view = { ...view, modules: [...view.modules, module({ path: "/opt/key/libkey.so", file_name: "libkey.so", name: "HaiKey", added: true, origin: { kind: "chosen" } })] });
    if (name === "set_module") return (view = { ...view, modules: view.modules.map((one) => ({ ...one, choice: args.choice as ModuleView["choice"], fault: args.choice === "never" ? { kind: "banned" } : null })) });
    if (name === "remove_module") return (view = { ...view, modules: view.modules.filter((one) => one.path !== args.path) });
    if (name === "refresh_profiles") return (view = { ...view, profiles }).profiles;
    return null;
  });
  await app.start();
});
afterEach(() => page?.unmount());
async function open(): Promise<void> {
  page = mount(ModulesPage, { attachTo: document.body });
  await flushPromises();
}
async function press(name: string, at = 0): Promise<void> {
  all(name)[at]!.click();
  await flushPromises();
}

test("a module says what it is for, who pointed to it, and where it lies: in short, in full a click away", async () => {
  await open();
  const card = element("module")!;
  expect(card.textContent).toContain("OpenSC Project");
  expect(card.textContent).toContain("系统里登记的（p11-kit）");
  expect(element("module-path")!.textContent).toContain("/usr/…/pkcs11/opensc-pkcs11.so");
  expect(card.querySelector("details")!.open).toBe(false);
  expect(card.querySelector("details")!.textContent).toContain("/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so");
});

test("it is switched off, used first, and left to the program again, and each is said", async () => {
  await open();
  for (const [choice, said] of [["never", "已停用"], ["always", "优先使用"], ["auto", "改回自动"]] as const) {
    await press(`module-use-${choice}`);
    expect(asked.at(-1)).toEqual({ name: "set_module", args: { path: view.modules[0]!.path, choice } });
    expect(element("modules-done")!.textContent).toContain(said);
    expect(element(`module-use-${choice}`)!.getAttribute("aria-pressed")).toBe("true");
  }
  const before = asked.length;
  await press("module-use-auto");
  expect(asked.length, "what is chosen already is not asked for again").toBe(before);
});

test("one that is switched off is off, not broken", async () => {
  view.modules = [module({ choice: "never", fault: { kind: "banned" } })];
  await open();
  expect(element("module")!.dataset.standing).toBe("off");
  expect(element("module-fault")).toBeNull();
});

test("a file is added by the native dialog and can be taken off the list again", async () => {
  await open();
  await press("module-add");
  expect(element("modules-done")!.textContent).toContain("HaiKey");
  expect(all("module-remove").length, "what was found by itself cannot be taken off").toBe(1);
  await press("module-remove");
  expect(asked.at(-1)).toEqual({ name: "remove_module", args: { path: "/opt/key/libkey.so" } });
  expect(all("module").length).toBe(1);
});

test("a file that is no driver for this program is refused in words, and nothing else changes", async () => {
  refused = "add_module";
  await open();
  await press("module-add");
  expect(element("failure")!.dataset.code).toBe("driver_wrong_architecture");
  expect(all("module").length).toBe(1);
  expect(element("modules-done")!.textContent).toBe("");
});

test("a cancelled dialog says nothing", async () => {
  await open();
  invoke.mockImplementationOnce(async () => view);
  await press("module-add");
  expect(element("modules-done")!.textContent).toBe("");
});

test("a key that two drivers show is explained, and how to take the other one", async () => {
  view.modules = [module(), module({ path: "/usr/lib/other.so", folded_keys: 1 })];
  await open();
  expect(element("modules-twice")!.textContent).toContain("只算一把");
  expect(all("module-folded").length).toBe(1);
  expect(element("module-folded")!.textContent).toContain("优先使用");
});

test("keys that come or go bring a new look", async () => {
  await open();
  view = { ...view, modules: [module({ folded_keys: 2 })] };
  told.listener!({ payload: { kind: "keys", keys: { state: { kind: "present" }, keys: [], failing: [] } } });
  await flushPromises();
  expect(element("module-folded")!.textContent).toContain("2");
});

test("none is said, with the way to the drivers", async () => {
  view.modules = [];
  await open();
  expect(element("modules-none")).not.toBeNull();
  expect(element("modules-to-support")).not.toBeNull();
});

test("published profiles are asked for, and what came of it is said", async () => {
  await open();
  await press("profiles-refresh");
  expect(element("profiles-outcome")!.textContent).toContain("已经是最新");
  profiles = { ...profiles, signed_at: "2026-11-22T12:00:00Z" };
  await press("profiles-refresh");
  expect(element("profiles-outcome")!.textContent).toContain("2026年11月22日");
  profiles = { ...profiles, refused: { kind: "bad_signature" } };
  await press("profiles-refresh");
  expect(element("profiles-outcome")!.textContent).toContain("仍用原来的");
  profiles = { signed_at: null, published: 0, known: 63, refused: null };
  await press("profiles-refresh");
  expect(element("profiles-outcome")!.textContent).toContain("服务没有公布更新");
});

describe("words", () => {
  test("paths are cut in the middle", () => {
    expect(shortPath("/usr/lib/opensc-pkcs11.so")).toBe("/usr/lib/opensc-pkcs11.so");
    expect(shortPath("C:\\Program Files (x86)\\Longmai\\mToken\\bin\\gm3000.dll")).toBe("C:\\…\\bin\\gm3000.dll");
  });
  const FAULTS: ModuleFault[] = [{ kind: "not_a_library" }, { kind: "not_a_module" }, { kind: "other_machine", machine: "x86", bits: 32 }, { kind: "missing_libraries", names: ["libpcsclite.so.1"] }, { kind: "other_interface", name: "SKF" }, { kind: "gone" }];
  const REFUSALS: ProfilesRefusal["kind"][] = ["bad_signature", "older", "from_the_future", "newer_format", "unusable"];
  test.each(["zh-CN", "en"] as const)("every fault says what happened and what to do (%s)", async (language) => {
    await setLocale(language);
    for (const one of FAULTS) {
      const said = fault(module({ fault: one }))!;
      expect(said.what, one.kind).not.toMatch(/[{}]|modules\./);
      expect(said.todo, one.kind).not.toMatch(/[{}]|modules\./);
      expect(standing(module({ fault: one }))).toBe("unusable");
    }
    for (const kind of REFUSALS) expect(t(`modules.refused.${kind}`)).not.toContain("modules.");
    await setLocale("zh-CN");
  });
});
