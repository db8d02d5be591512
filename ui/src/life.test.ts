// A certificate's life through the real pages, over the program of `dev/fake.ts`.
import { expect, test } from "vitest";
import type { PinPurpose } from "@/bindings";
import { all, fake, find, given, current, open as openWith, press, seen, type, until } from "../dev/play";
import type { Route } from "@/route";

const DRAFT = "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e";
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const BY_KEY = { session: "token", scenario: "expiring", businesses: "change,renew,revoke", delay: "0" };

const open = (room: Route, more: Record<string, string> = {}) => openWith(room, { ...BY_KEY, ...more }, true);
async function enterPin(pin = "123456"): Promise<void> {
  const field = await seen("pin-input");
  field.value = pin;
  document.querySelector("#pin-form")!.dispatchEvent(new Event("submit", { cancelable: true }));
}
const purposes = (): PinPurpose[] => (given.prepare_pin ?? []).map(({ purpose }) => purpose);

test("续订 begins at the certificate, and says of each other why not", async () => {
  await open({ name: "business" }, { certificates: "life", list: "busy" });
  await press("business-renew");
  await seen("choose-7710aa");
  expect(all("why-not").map((one) => one.textContent)).toEqual([
    expect.stringContaining("正在办理变更（CD20261120000031）"), expect.stringMatching(/起可以续订/), expect.stringContaining("已由新证书接替"), expect.stringContaining("已经注销"), expect.stringMatching(/续订期限已在/),
  ]);
  await press("choose-next");
  await until(() => expect(document.activeElement).toBe(find("choose-7710aa")));
  expect(given.start_application, "nothing is chosen for anybody").toBeUndefined();
  await press("choose-7710ab");
  await press("choose-next");
  await seen("guide-notes");
  expect(given.start_application).toEqual([{ business: "renew", certificate: "7710ab" }]);
});

test("without a certificate in force there is nothing to choose one for", async () => {
  await open({ name: "business" }, { session: "password", scenario: "empty-key", businesses: "replace" });
  await seen("business-replace");
  expect(find("business-new")).toBeNull();
  await press("business-replace");
  await until(() => expect(given.start_application).toEqual([{ business: "replace", certificate: null }]));
});

test("what follows from it is ticked one by one before anything is filled in", async () => {
  await open({ name: "guide", draft: DRAFT }, { business: "renew", guide: "new" });
  await press("guide-notes-accept");
  await until(() => expect(find("consequences-fault")?.textContent).toContain("逐条"));
  await until(() => expect(document.activeElement, "the cursor goes to the first that is not ticked").toBe(find("consequence-0")));
  await press("consequence-0");
  await press("guide-notes-accept");
  await until(() => expect(document.activeElement).toBe(find("consequence-1")));
  expect(find("field-email"), "one of two is not all").toBeNull();
  await press("consequence-1");
  await press("guide-notes-accept");
  await seen("field-email");
  expect(find("stays")!.textContent, "and step 1 says what stays").toContain("福州云帆测试科技有限公司");
});

test("变更 shows the old value beside the new, and saves only what is typed", async () => {
  await open({ name: "guide", draft: DRAFT, step: "handler" }, { business: "change", guide: "typed" });
  expect((await seen("now-organisation.name")).textContent).toContain("福州云帆测试科技有限公司");
  await press("guide-next");
  document.querySelector<HTMLFormElement>("#handler")!.requestSubmit();
  await until(() => expect(find("changes-fault")!.textContent).toContain("至少填写一项"));
  await type("field-change.organisation.name", "福州云帆智能科技有限公司");
  await until(() => expect(given.save_field).toEqual([{ id: DRAFT, field: "change.organisation.name", value: "福州云帆智能科技有限公司" }]));
  await until(() => expect(find("changes-fault")!.textContent).toBe(""));
});

test("two computers: nothing is preselected, each field is chosen, and each choice is told once", async () => {
  await open({ name: "guide", draft: DRAFT, step: "handler" }, { business: "change", guide: "ready", typed_changes: "1", conflicts: "1" });
  await seen("merge");
  expect(all("merge-phone-mine").concat(all("merge-phone-theirs")).some(({ checked }) => checked)).toBe(false);
  await press("merge-phone-theirs");
  await press("merge-apply");
  await until(() => expect(find("merge-fault")!.textContent).toContain("2"));
  expect(given.resolve_conflict, "two are still open").toBeUndefined();
  await press("merge-address.detail-mine");
  await press("merge-change.organisation.name-theirs");
  await press("merge-apply");
  await until(() => expect(find("merge")).toBeNull());
  expect(given.resolve_conflict!.map(({ field, mine }) => [field, mine])).toEqual([["phone", false], ["address.detail", true], ["change.organisation.name", false]]);
});

test("a field that says two things cannot be handed in", async () => {
  await open({ name: "guide", draft: DRAFT, step: "submit" }, { business: "change", guide: "ready", typed_changes: "1", conflicts: "1", sign: "signed" });
  expect((await seen("submit-open")).textContent).toContain("另一台电脑");
  expect(find("submit-send")!.disabled).toBe(true);
});

test("handing in by key: the key of the session signs, and the receipt says so and can be saved", async () => {
  await open({ name: "guide", draft: DRAFT, step: "submit" }, { business: "change", guide: "ready", typed_changes: "1", sign: "signed" });
  expect((await seen("submit-changes")).textContent).toContain("福州云帆测试科技有限公司 → 福州云帆智能科技有限公司");
  await press("submit-declare");
  await press("submit-send");
  expect((await seen("pin-why")).textContent).toContain("签名");
  expect(purposes()).toEqual([{ kind: "submit", key: "k1", draft: DRAFT, declared_true: true }]);
  await enterPin();
  expect((await seen("receipt-signed")).dataset.key).toBe("true");
  await press("receipt-save");
  await until(() => expect(given.save_receipt).toEqual([{ receipt: "r1" }]));
});

test("in a session by account nothing asks for a PIN", async () => {
  await open({ name: "guide", draft: DRAFT, step: "submit" }, { session: "password", scenario: "empty-key", guide: "ready" });
  await press("submit-declare");
  await press("submit-send");
  expect((await seen("receipt-signed")).dataset.key).toBe("false");
  expect(purposes()).toEqual([]);
});

test("the key of the session pulled out: it is asked for by name, no other key is used", async () => {
  await open({ name: "guide", draft: DRAFT, step: "submit" }, { business: "change", guide: "ready", typed_changes: "1", sign: "signed" });
  await seen("submit-declare");
  fake.emit({ kind: "keys", keys: { state: { kind: "present" }, keys: [{ ...fake.home.keys.keys[0]!, id: "other" }], failing: [] } });
  await press("submit-declare");
  await press("submit-send");
  expect((await seen("failure")).dataset.code).toBe("session_key_missing");
  expect(purposes()).toEqual([]);
});

test("注销 goes only with a reason and every consequence ticked, and by PIN", async () => {
  await open({ name: "guide", draft: DRAFT }, { business: "revoke", guide: "new", instant: "1" });
  await press("revoke-send");
  await until(() => expect(find("revoke-reason-fault")?.textContent).toContain("原因"));
  expect(given.submit).toBeUndefined();
  await press("revoke-reason-key_compromise");
  for (const index of [0, 1, 2]) await press(`consequence-${index}`);
  await press("revoke-send");
  await until(() => expect(document.activeElement).toBe(find("consequence-3")));
  expect(given.submit, "one consequence is not ticked").toBeUndefined();
  await press("consequence-3");
  await press("revoke-send");
  await enterPin();
  await seen("receipt-number");
  expect(given.save_field).toEqual([{ id: DRAFT, field: "reason", value: "key_compromise" }]);
  expect(purposes()).toEqual([{ kind: "submit", key: "k1", draft: DRAFT, declared_true: true }]);
  expect(find("page-title")!.textContent).toBe("证书已注销");
});

test("注销 of an account whose handler is not known asks for the handler first, and its steps stay while one is in them", async () => {
  await open({ name: "guide", draft: DRAFT }, { business: "revoke", guide: "new", handler: "unknown" });
  await type("field-email", "xiaoman@example.cn");
  await until(() => expect(given.save_field?.length).toBe(1));
  expect(find("guide-step-handler"), "the step does not go away under the cursor").not.toBeNull();
  document.querySelector<HTMLFormElement>("#handler")!.requestSubmit();
  await seen("revoke-reason-unspecified");
});

test("a session that ends with its certificate leaves the receipt where it is", async () => {
  await open({ name: "guide", draft: DRAFT }, { business: "revoke", guide: "new", instant: "1" });
  await press("revoke-reason-unspecified");
  for (const index of [0, 1, 2, 3]) await press(`consequence-${index}`);
  await press("revoke-send");
  await enterPin();
  await seen("receipt-number");
  fake.emit({ kind: "session", session: null, unasked: null });
  await seen("log-in");
  expect(current().name).toBe("receipt");
});

test("who has no key any more finds the way to 挂失", async () => {
  await open({ name: "guide", draft: DRAFT }, { business: "revoke", guide: "new" });
  await press("revoke-lost");
  expect(current().name).toBe("lost-key");
});

test("withdrawing asks first, is signed by the key, and shows the new state", async () => {
  await open({ name: "application", id: CASE }, { state: "submitted", about: "change" });
  await press("application-withdraw");
  await press("withdraw-keep");
  expect(given.withdraw_application).toBeUndefined();
  await press("application-withdraw");
  await press("withdraw-confirm");
  await enterPin();
  await until(() => expect(find("application-state")!.dataset.state).toBe("withdrawn"));
  expect(purposes()).toEqual([{ kind: "withdraw", key: "k1", application: CASE }]);
  expect(find("application-withdraw")).toBeNull();
  await press("receipt-save-r2");
  await until(() => expect(given.save_receipt).toEqual([{ receipt: "r2" }]));
});

test("a case says what it changes, from the old value to the new", async () => {
  await open({ name: "application", id: CASE }, { state: "in_review", about: "change" });
  expect((await seen("application-particulars")).textContent).toContain("王䶮 → 陈䶮");
  expect(find("application-withdraw"), "under review it is not the applicant's to take back").toBeNull();
});

test("my applications: narrowed by business, the others' counts stay", async () => {
  await open({ name: "applications" }, { state: "in_review", about: "change" });
  const business = (await seen("filter-business")) as unknown as HTMLSelectElement;
  business.value = "renew";
  business.dispatchEvent(new Event("change"));
  await until(() => expect(document.querySelectorAll('[data-testid^="applications-row-"]')).toHaveLength(2));
  expect(find("applications-count")!.textContent).toContain("符合条件的 2 件");
  await press("filter-clear");
  await until(() => expect(document.querySelectorAll('[data-testid^="applications-row-"]')).toHaveLength(6));
});

test("a certificate offers what can be begun about it, and no more", async () => {
  await open({ name: "certificates" }, { certificates: "life" });
  await seen("certificate-renew");
  expect(all("certificate-renew")).toHaveLength(2);
  expect(all("certificate-successor")[0]!.textContent).toContain("已由新证书接替");
  await press("certificate-renew");
  await until(() => expect(given.start_application).toEqual([{ business: "renew", certificate: "7710aa" }]));
});

test("an old certificate leaves the key only after the warning is ticked and the PIN is given", async () => {
  await open({ name: "certificates" }, { certificates: "life" });
  await press("certificate-remove");
  await press("remove-certificate-confirm");
  await until(() => expect(document.activeElement).toBe(find("remove-sure")));
  expect(purposes()).toEqual([]);
  await press("remove-sure");
  await press("remove-certificate-confirm");
  await enterPin();
  await seen("certificate-removed");
  expect(purposes()).toEqual([{ kind: "remove_certificate", key: "k1", fingerprint: "05".repeat(32) }]);
});

test("制证 of a renewal means the key that holds the old certificate, and says that it is kept", async () => {
  await open({ name: "issuance", application: CASE }, { scenario: "two-keys-old", certificates: "life", state: "awaiting_issuance", about: "renew" });
  expect((await seen("issuance-keeps")).textContent).toContain("旧证书照常能用");
  await until(() => expect(find("issuance-key-k1")!.checked).toBe(true));
  await press("issuance-start");
  await until(() => expect(purposes()).toMatchObject([{ kind: "issue", key: "k1" }]));
});

test("a certificate that ends soon offers its renewal at home and on the strip", async () => {
  await open({ name: "home" });
  await seen("home-renew");
  await press("key-renew");
  expect(current()).toEqual({ name: "choose", business: "renew" });
});

test("after a PIN the strip says what the key says now", async () => {
  await open({ name: "login", next: { name: "home" } }, { session: "", scenario: "key", tries: "few" });
  await press("login-pin");
  await enterPin();
  await until(() => expect(given.refresh_keys?.length).toBe(1));
});

test("out is out, also for an answer from before", async () => {
  await open({ name: "certificates" });
  // The home page asks how things stand; the program answers late, with the session it still had when it was asked.
  const before = structuredClone(await fake.answers.home!({}));
  let answer: (() => void) | undefined;
  fake.answers.home = () => new Promise((resolve) => (answer = () => resolve(before)));
  let told: (() => void) | undefined;
  fake.answers.log_out = () => new Promise<void>((resolve) => (told = resolve));
  const { app } = await import("@/app");
  const leaving = app.logOut();
  await until(() => expect([answer, told]).not.toContain(undefined));
  answer!();
  fake.emit({ kind: "session", session: null, unasked: null });
  told!();
  await leaving;
  await seen("log-in");
  expect(app.session, "an old answer logs nobody in again").toBeNull();
  expect(app.sessionLost, "who logs out has lost nothing").toBe(false);
});
