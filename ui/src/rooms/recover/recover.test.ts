import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Component } from "vue";
import type { Failure } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { useRoute } from "@/app";
import LostKeyPage from "./LostKeyPage.vue";
import ResetPasswordPage from "./ResetPasswordPage.vue";

type Given = Record<string, string>;
let page: VueWrapper;
let asked: [string, Given][];
let answers: Record<string, unknown>;

const fail = (code: Failure["code"], retry_after: number | null = null): Failure => ({ code, retriable: false, detail: null, faults: [], retry_after });
const element = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-testid="${name}"]`);
const asks = (name: string) => asked.filter(([command]) => command === name).map(([, args]) => args);
async function press(name: string): Promise<void> {
  element(name)!.click();
  await flushPromises();
}
async function submit(form: string): Promise<void> {
  await page.get(`form#${form}`).trigger("submit");
  await flushPromises();
}
function open(what: Component, props: object): void {
  page = mount(what, { props, attachTo: document.body });
}
async function identify(account = " 91350100M000100Y43 ", code = "483920"): Promise<void> {
  await page.get("#field-account").setValue(account);
  await press("code-send");
  await page.get("#field-code").setValue(code);
  await submit("identity");
}

beforeEach(() => {
  asked = [];
  answers = { catalogue: { helpdesk: "400-000-0000", usual_times: [] }, report_lost_key: { numbers: ["CD20261123000031"], reported_at: "2026-11-23T02:00:00Z" } };
  invoke.mockReset().mockImplementation(async (_: string, { name, args }: { name: string; args: Given }) => {
    asked.push([name, args]);
    const answer = answers[name] ?? null;
    if (answer !== null && typeof answer === "object" && "code" in answer) throw answer;
    return answer;
  });
});
afterEach(() => page.unmount());

test("挂失: account, code, what happened, an explicit yes, and a number", async () => {
  open(LostKeyPage, {});
  await identify();
  expect(asks("request_code")).toEqual([{ purpose: "lost_key", account: "91350100M000100Y43" }]);
  await submit("circumstance");
  expect(element("lost-key-choose"), "nothing chosen is said").not.toBeNull();
  element<HTMLInputElement>("circumstance-stolen")!.click();
  await flushPromises();
  expect(element("lost-key-follows")!.textContent).toContain("私钥可能泄露");
  await submit("circumstance");
  expect(asks("report_lost_key"), "it is final: not without the tick").toEqual([]);
  element("field-understood")!.click();
  await submit("circumstance");
  expect(asks("report_lost_key")).toEqual([{ account: "91350100M000100Y43", code: "483920", circumstance: "stolen" }]);
  expect(element("lost-key-number")!.textContent).toBe("CD20261123000031");
});

test("the page says the same, whether or not there is such an account", async () => {
  open(LostKeyPage, {});
  await page.get("#field-account").setValue("nobody");
  await press("code-send");
  expect(element("code-sent")!.textContent).toContain("如果有这个账号");
});

test("a code that is not taken leads back to its field, and keeps what was chosen", async () => {
  answers.report_lost_key = fail("wrong_code");
  open(LostKeyPage, { account: "qy82640193" });
  await identify("qy82640193");
  element("circumstance-broken")!.click();
  await flushPromises();
  element("field-understood")!.click();
  await submit("circumstance");
  expect(document.querySelector("#field-code-fault")!.textContent).toContain("验证码不对");
  expect(document.activeElement?.id).toBe("field-code");
  await page.get("#field-code").setValue("111111");
  await submit("identity");
  expect(element<HTMLInputElement>("circumstance-broken")!.checked).toBe(true);
});

test("no second code within the minute, and a limit of the service is waited for", async () => {
  answers.request_code = fail("too_many_requests", 300);
  open(ResetPasswordPage, { next: { name: "home" }, account: "qy82640193" });
  await press("code-send");
  expect(element<HTMLButtonElement>("code-send")!.disabled).toBe(true);
  expect(element("code-send")!.textContent).toContain("300");
  expect(element("failure")!.dataset.code).toBe("too_many_requests");
});

test("Enter in the account sends the code; the one that ends a word of an input method does not", async () => {
  open(LostKeyPage, {});
  await page.get("#field-account").setValue("qy82640193");
  await page.get("#field-account").trigger("keydown", { key: "Enter", isComposing: true });
  await flushPromises();
  expect(asks("request_code")).toEqual([]);
  await page.get("#field-account").trigger("keydown", { key: "Enter" });
  await flushPromises();
  expect(asks("request_code")).toHaveLength(1);
  expect(document.activeElement?.id).toBe("field-code");
});

test("another account needs another code", async () => {
  open(LostKeyPage, {});
  await page.get("#field-account").setValue("qy82640193");
  await press("code-send");
  await page.get("#field-code").setValue("483920");
  await page.get("#field-account").setValue("qy82640194");
  expect(page.get<HTMLInputElement>("#field-code").element.value).toBe("");
  expect(element("code-sent")).toBeNull();
});

test("an account without a certificate is told so", async () => {
  answers.report_lost_key = { numbers: [], reported_at: "2026-11-23T02:00:00Z" };
  open(LostKeyPage, { account: "qy82640193" });
  await identify("qy82640193");
  element("circumstance-lost")!.click();
  await flushPromises();
  element("field-understood")!.click();
  await submit("circumstance");
  expect(element("lost-key-done")!.textContent).toContain("没有需要注销的证书");
  expect(element("lost-key-query"), "there is no case to look up").toBeNull();
});

test("忘记密码: a code, a new password twice by the rule, then the login", async () => {
  open(ResetPasswordPage, { next: { name: "applications" } });
  await identify("qy82640193");
  await page.get("#field-replacement").setValue("short");
  await page.get("#field-again").setValue("other");
  await submit("new-password");
  expect(asks("reset_password")).toEqual([]);
  expect(document.querySelector("#field-replacement-fault")!.textContent).toContain("至少 10 个字符");
  await page.get("#field-replacement").setValue("Yunfan-2027");
  await page.get("#field-again").setValue("Yunfan-2027");
  await submit("new-password");
  expect(asks("reset_password")).toEqual([{ account: "qy82640193", code: "483920", replacement: "Yunfan-2027" }]);
  expect(document.body.innerHTML, "no password stays in the page").not.toContain("Yunfan-2027");
  await press("reset-login");
  expect(useRoute().current.value).toEqual({ name: "login", next: { name: "applications" } });
});
