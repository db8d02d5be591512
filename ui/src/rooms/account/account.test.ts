import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Component } from "vue";
import type { AccountView, ConsentRecord, Failure, FieldFault, Home, SessionView } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { app, useRoute } from "@/app";
import AccessTab from "./AccessTab.vue";
import { changeOf, draftOf, isChanged, maskEmail, sections } from "./account";
import BasicData from "./BasicData.vue";
import EditAccount from "./EditAccount.vue";
import LocalTab from "./LocalTab.vue";

const person = { name: "林小满", id_kind: "resident_id" as const, id_number: "11010519491231002X" };
const account: AccountView = {
  name: "qy82640193", businesses: ["new"], fixed_fields: ["organisation.name"],
  registration: { kind: "enterprise", organisation: { name: "福州云帆测试科技有限公司", credit_code: "91350100M000100Y43", legal_representative: person }, contact: person, phone: "13800138000", email: "xiaoman@example.cn", address: { region: "350102", detail: "湖东路 88 号" } },
};
const session: SessionView = { kind: "password", must_change_password: false, account, key: null, offline: null };
let page: VueWrapper;
let asked: [string, Record<string, unknown>][];
let answers: Record<string, unknown>;

const fail = (code: string): Failure => ({ code: code as Failure["code"], retriable: false, detail: null, faults: [], retry_after: null });
const element = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-testid="${name}"]`);
const asks = (name: string) => asked.filter(([command]) => command === name).map(([, args]) => args);
async function press(name: string): Promise<void> {
  element(name)!.click();
  await flushPromises();
}
async function open(what: Component, props: object = {}): Promise<void> {
  page = mount(what, { props, attachTo: document.body });
  await flushPromises();
}

beforeEach(async () => {
  asked = [];
  answers = { home: { session, drafts: [], settings: { locale: "zh-CN", theme: "system" } } as unknown as Home, check_account_change: { faults: [] as FieldFault[] }, change_account: session, regions: [], catalogue: { helpdesk: "400-000-0000" } };
  invoke.mockReset().mockImplementation(async (_: string, call?: { name?: string; args?: Record<string, unknown> }) => {
    if (call?.name === undefined) return null;
    asked.push([call.name, call.args ?? {}]);
    const answer = answers[call.name] ?? null;
    if (answer !== null && typeof answer === "object" && "code" in answer) throw answer;
    return answer;
  });
  await app.refresh();
});
afterEach(() => page?.unmount());

test("numbers and mail are hidden, what a certificate fixes is marked", () => {
  const rows = sections(account, []).flatMap(({ rows }) => rows);
  expect(rows.find(({ field }) => field === "contact.id_number")!.masked).toBe("110105********002X");
  expect(rows.find(({ field }) => field === "phone")!.masked).toBe("138****8000");
  expect(rows.filter(({ fixed }) => fixed).map(({ field }) => field)).toEqual(["organisation.name"]);
  expect(maskEmail("王@例.cn")).toBe("王***@例.cn");
});

test("the code goes along with a new phone only; blanks change nothing", () => {
  const draft = { ...draftOf(account), code: "483920" };
  expect(changeOf(draft, account)).not.toHaveProperty("phone_code");
  expect(isChanged({ ...draft, email: " xiaoman@example.cn " }, account)).toBe(false);
  expect(changeOf({ ...draft, phone: "13900139000" }, account).phone_code).toBe("483920");
});

test("what is hidden shows when asked for", async () => {
  await open(BasicData, { account });
  expect(document.body.textContent).not.toContain("11010519491231002X");
  await press("account-reveal");
  expect(document.body.textContent).toContain("11010519491231002X");
});

describe("edit", () => {
  test("without a change nothing is sent", async () => {
    await open(EditAccount, { account });
    await page.get("form").trigger("submit");
    await flushPromises();
    expect(asks("change_account")).toEqual([]);
    expect(element("account-unchanged")).not.toBeNull();
  });

  test("a new phone is proven by a code first", async () => {
    await open(EditAccount, { account });
    expect(element("account-new-phone"), "the phone on record needs no proof").toBeNull();
    await page.get("#field-phone").setValue("13900139000");
    await page.get("form").trigger("submit");
    await flushPromises();
    expect(asks("change_account")).toEqual([]);
    expect(document.querySelector("#field-code-fault")!.textContent).toContain("发送验证码");
    await press("code-send");
    expect(asks("request_phone_code")).toEqual([{ phone: "13900139000" }]);
    await page.get("#field-code").setValue("483920");
    await page.get("form").trigger("submit");
    await flushPromises();
    expect(asks("change_account")[0]!.change).toMatchObject({ phone: "13900139000", phone_code: "483920" });
    expect(page.emitted("saved")).toEqual([[session]]);
  });

  test("no code is sent to a number that is none", async () => {
    answers.check_account_change = { faults: [{ field: "phone", fault: "too_short" }] };
    await open(EditAccount, { account });
    await page.get("#field-phone").setValue("139");
    await press("code-send");
    expect(asks("request_phone_code")).toEqual([]);
    expect(document.querySelector("#field-phone-fault")!.textContent).not.toBe("");
  });

  test("a code that is not taken is said at its field", async () => {
    answers.change_account = fail("wrong_code");
    await open(EditAccount, { account });
    await page.get("#field-phone").setValue("13900139000");
    await press("code-send");
    await page.get("#field-code").setValue("483920");
    await page.get("form").trigger("submit");
    await flushPromises();
    expect(document.querySelector("#field-code-fault")!.textContent).toContain("验证码不对");
    expect(element("failure")).toBeNull();
  });

  test("what a certificate fixes cannot be typed over", async () => {
    await open(EditAccount, { account: { ...account, fixed_fields: ["contact.name", "contact.id_number"] } });
    expect(page.get<HTMLInputElement>("#field-contact\\.name").element.disabled).toBe(true);
    expect(page.get<HTMLInputElement>("#field-email").element.disabled).toBe(false);
  });
});

test("withdrawing a consent says what that means first; the agreement is then asked for again", async () => {
  const record: ConsentRecord = { id: "c1", subject: "agreement", version: "2026-11-01", recorded_at: "2026-11-21T00:00:00Z", withdrawn_at: null };
  answers.consents = [record];
  answers.withdraw_consent = [{ ...record, withdrawn_at: "2026-11-23T00:00:00Z" }];
  app.agreementAccepted = true;
  await open(AccessTab);
  await press("consent-withdraw");
  expect(asks("withdraw_consent")).toEqual([]);
  expect(element("withdraw-dialog")!.textContent).toContain("重新阅读");
  await press("withdraw-confirm");
  expect(asks("withdraw_consent")).toEqual([{ id: "c1" }]);
  expect(element("consent")!.dataset.state).toBe("withdrawn");
  expect(element("consent-withdraw"), "once is enough").toBeNull();
  expect(app.agreementAccepted).toBe(false);
});

describe("data on this computer", () => {
  beforeEach(() => (answers.local_data = { items: [{ kind: "drafts", count: 2, bytes: 9411 }, { kind: "settings", count: 1, bytes: 96 }] }));

  test("is counted, and exported where the person says", async () => {
    answers.export_local_data = "数据.zip";
    await open(LocalTab);
    expect(element("local-drafts")!.textContent).toContain("2 份");
    await press("local-export");
    expect(element("local-exported")!.textContent).toContain("数据.zip");
  });

  test("is deleted after an explicit yes, and nobody is told that the session was lost", async () => {
    await open(LocalTab);
    await press("local-delete");
    await vi.waitFor(() => expect(element("delete-drafts")!.textContent).toContain("2"));
    await press("delete-confirm");
    expect(asks("delete_local_data")).toEqual([]);
    await press("field-delete-understood");
    await press("delete-confirm");
    expect(asks("delete_local_data")).toHaveLength(1);
    expect(app.sessionLost).toBe(false);
    expect(useRoute().current.value).toEqual({ name: "home", said: "deleted" });
  });

  test("stays while a certificate is half made, in words", async () => {
    answers.delete_local_data = fail("issuance_unfinished");
    await open(LocalTab);
    await press("local-delete");
    await press("field-delete-understood");
    await press("delete-confirm");
    expect(element("failure")!.dataset.code).toBe("issuance_unfinished");
    expect(element("delete-applications"), "the way on is offered").not.toBeNull();
    expect(element("delete-confirm")).toBeNull();
    expect(app.session, "nobody is logged out").not.toBeNull();
  });
});
