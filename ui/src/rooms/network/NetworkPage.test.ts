import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure, FailureCode, NetworkSettings, NetworkView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { app, useRoute } from "@/app";
import FailurePanel from "@/design/FailurePanel.vue";
import { clockOff } from "@/failure";
import { setLocale } from "@/text";
import NetworkPage from "./NetworkPage.vue";
import { portOf } from "./network";

let page: VueWrapper;
let view: NetworkView;
let saved: NetworkSettings[];
let logins: { name: string; password: string; keep: boolean }[];
const element = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-testid="${name}"]`);
const failure = (code: FailureCode, detail: string | null = null): Failure => ({ code, retriable: true, detail, faults: [], retry_after: null });

beforeEach(() => {
  [saved, logins] = [[], []];
  view = { settings: { proxy: { kind: "system" }, kib_a_second: null }, in_use: null, script: null, has_login: false, login_kept: false, failure: null };
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: Record<string, never> }) => {
    if (name === "home") return { session: null, drafts: [], keys: { state: { kind: "no_key" }, keys: [], failing: [] }, service: { address: "ca.example", reachable: true, failure: null }, settings: { locale: "zh-CN", theme: "system" }, demo: false, storage: { state: { kind: "open", kept: "key_store" }, notice: null } };
    if (name === "network") return view;
    if (name === "save_network") {
      saved.push(args["settings"]!);
      return (view = { ...view, settings: args["settings"]! });
    }
    if (name === "log_in_to_proxy") {
      logins.push(args as never);
      if (args["password"] !== "right") throw failure("proxy_login_needed", "refused");
      return (view = { ...view, has_login: true, login_kept: args["keep"]! });
    }
    if (name === "forget_proxy_login") return (view = { ...view, has_login: false, login_kept: false });
    return null;
  });
});
afterEach(() => page?.unmount());
async function open(): Promise<void> {
  await app.start();
  page = mount(NetworkPage, { attachTo: document.body });
  await flushPromises();
}
async function press(name: string): Promise<void> {
  element(name)!.click();
  await flushPromises();
}
async function type(name: string, text: string): Promise<void> {
  const input = element<HTMLInputElement>(name)!;
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await flushPromises();
}
async function submit(form: HTMLFormElement): Promise<void> {
  form.requestSubmit();
  await flushPromises();
}
const save = () => submit(element("network-save")!.closest("form")!);

test("a proxy of one's own is saved with its port, and tried", async () => {
  await open();
  expect(element("network-way")!.textContent).toBe("直接连接服务，不经过代理");
  await press("proxy-manual");
  await type("field-proxy-host", " proxy.corp.example ");
  await type("field-proxy-port", "8080");
  await save();
  expect(saved).toEqual([{ proxy: { kind: "manual", host: "proxy.corp.example", port: 8080 }, kib_a_second: null }]);
  expect(element("network-saved")!.dataset["outcome"]).toBe("good");
});

test("what can be no proxy is not sent, and the field in question is shown", async () => {
  await open();
  await press("proxy-manual");
  await save();
  expect(document.activeElement).toBe(element("field-proxy-host"));
  await type("field-proxy-host", "proxy");
  await type("field-proxy-port", "80800");
  await save();
  expect(document.activeElement).toBe(element("field-proxy-port"));
  expect(saved).toEqual([]);
  expect(["1", "65535", "0", "65536", "80a", "", "-1"].map(portOf)).toEqual([1, 65535, null, null, null, null, null]);
});

test("what was chosen is kept also where the service is not reached by it, and that is said", async () => {
  view = { ...view, failure: failure("proxy_unreachable") };
  await open();
  await press("proxy-direct");
  await save();
  expect(saved[0]!.proxy).toEqual({ kind: "direct" });
  expect(element("network-saved")!.dataset["outcome"]).toBe("unreachable");
});

test("a script that finds the proxy is named with what it said", async () => {
  const address = "http://wpad.corp.example/proxy.pac";
  const way = async (in_use: string | null, code: FailureCode | null) => {
    view = { ...view, in_use, script: { address, failure: code && failure(code) } };
    await open();
    expect(element("network-script")!.textContent).toContain(address);
    const text = element("network-way")!.textContent;
    page.unmount();
    return text;
  };
  expect(await way("proxy.corp.example:8080", null)).toBe("按自动配置脚本（PAC）：经过代理服务器 proxy.corp.example:8080");
  expect(await way(null, null)).toBe("按自动配置脚本（PAC）：直接连接");
  expect(await way(null, "proxy_script_unfetched")).toBe("按自动配置脚本（PAC）：找代理的脚本取不到，暂时直接连接");
  expect(await way("proxy.corp.example:8080", "proxy_script_threw")).toBe("经过代理服务器 proxy.corp.example:8080");
});

test("a search for a script has no address to show, and its failure leads to the settings", async () => {
  view = { ...view, script: { address: "", failure: failure("proxy_script_unaddressed") } };
  await open();
  expect(element("network-script")).toBeNull();
  expect(element("network-way")!.textContent).toContain("不搜寻");
  page.unmount();
  page = mount(FailurePanel, { props: { failure: failure("proxy_script_unaddressed") }, attachTo: document.body });
  expect(element("failure-network")).not.toBeNull();
});

test("a login for the proxy is tried once, a wrong password leaves the field, and it can be forgotten", async () => {
  await open();
  await press("network-login-give");
  await type("field-proxy-name", "wang.ming");
  await type("field-proxy-password", "guessed");
  await press("proxy-log-in");
  expect(logins).toHaveLength(1);
  expect(element("proxy-refused")).not.toBeNull();
  expect(element<HTMLInputElement>("field-proxy-password")!.value).toBe("");
  await type("field-proxy-password", "right");
  await press("proxy-log-in");
  expect(logins.map(({ name, keep }) => [name, keep])).toEqual([["wang.ming", false], ["wang.ming", false]]);
  expect(element("proxy-dialog")).toBeNull();
  await press("network-login-forget");
  expect(element("network-login")!.textContent).toContain("没有填");
});

test("where a proxy is in the way the failure leads to the settings, and says who stands there", async () => {
  page = mount(FailurePanel, { props: { failure: failure("proxy_refused", "HTTP 403") }, attachTo: document.body });
  await press("failure-network");
  expect(useRoute().current.value.name).toBe("network");
  page.unmount();
  page = mount(FailurePanel, { props: { failure: failure("service_replaced", "Office Firewall CA") }, attachTo: document.body });
  expect(page.text()).toContain("Office Firewall CA");
});

test("a clock that is off is told with the difference, in days, hours or minutes", async () => {
  await setLocale("zh-CN");
  expect(["-1440 min", "4320 min", "-300 min", "40 min", null].map(clockOff)).toEqual(["这台电脑慢了 24小时", "这台电脑快了 3天", "这台电脑慢了 5小时", "这台电脑快了 40分钟", "这台电脑的时间对不上"]);
});
