// Pictures of a certificate's life: choosing, 变更, 续订, 注销, 补办, signing, receipts, withdrawing.
const DRAFT = "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e";
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const room = (name, more = {}) => JSON.stringify({ name, ...more });
const ALL = "change,renew,revoke";
const key = { session: "token", scenario: "expiring", businesses: ALL };
const guide = (business, far, more = {}) => ({ ...key, business, guide: far, room: room("guide", { draft: DRAFT }), ...more });
const pin = async (id, submit = true) => {
  await id("pin-input").fill("123456");
  if (submit) await id("pin-submit").click();
};
const tickAll = async (page) => {
  for (const box of await page.locator('[data-testid^="consequence-"]').all()) await box.check();
};
const agreed = async (page, id) => {
  await id("agreement-body").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await id("agreement-accept").check();
  await id("agreement-next").click();
};
const choose = (business, more = {}) => ({ ...key, certificates: "life", room: room("choose", { business }), ...more });
const row = async (id, business) => id(business).waitFor();

export const lifeScenarios = [
  { name: "life-business", hash: { ...key }, act: async (page, id) => { await id("menu-apply").click(); await agreed(page, id); await id("business-renew").waitFor(); } },
  { name: "life-business-replace", hash: { session: "password", scenario: "empty-key", businesses: "replace" }, act: async (page, id) => { await id("menu-apply").click(); await agreed(page, id); await id("business-replace").waitFor(); } },
  { name: "life-choose-renew", hash: choose("renew", { list: "busy" }), act: async (page, id) => { await agreed(page, id); await id("choose-7710aa").check(); } },
  { name: "life-choose-revoke", hash: choose("revoke"), act: async (page, id) => { await agreed(page, id); await id("choose-next").click(); } },
  { name: "life-choose-none", hash: choose("change", { certificates: "none" }), act: async (page, id) => { await agreed(page, id); await page.locator(".empty").waitFor(); } },
  { name: "life-renew-notes", hash: guide("renew", "new"), act: (_, id) => row(id, "guide-notes") },
  { name: "life-renew-unticked", hash: guide("renew", "new"), act: async (_, id) => { await id("guide-notes-accept").click(); await id("consequences-fault").waitFor(); } },
  { name: "life-renew-handler", hash: guide("renew", "new"), act: async (page, id) => { await id("consequence-0").waitFor(); await tickAll(page); await id("guide-notes-accept").click(); await id("stays").waitFor(); } },
  { name: "life-change-handler", hash: guide("change", "typed", { step: "handler", typed_changes: "1", room: room("guide", { draft: DRAFT, step: "handler" }) }), act: async (page, id) => { await id("field-change.organisation.legal_representative.id_number").fill("11010519491231002"); await id("field-change.organisation.legal_representative.id_number").blur(); await page.locator(".fault .icon").first().waitFor(); } },
  { name: "life-change-nothing", hash: guide("change", "ready", { room: room("guide", { draft: DRAFT, step: "handler" }) }), act: async (_, id) => { await id("guide-next").click(); } },
  { name: "life-merge", hash: guide("change", "ready", { typed_changes: "1", conflicts: "1", room: room("guide", { draft: DRAFT, step: "handler" }) }), act: async (_, id) => { await id("merge-phone-theirs").check(); await id("merge-apply").click(); } },
  { name: "life-form-sign", hash: guide("renew", "typed", { sign: "1" }), act: async (page, id) => { await id("form-sign").waitFor(); await page.locator('[data-testid="form-canvas"][data-drawn]').first().waitFor(); } },
  { name: "life-form-sign-pin", hash: guide("renew", "typed", { sign: "1" }), act: async (_, id) => { await id("form-sign-act").click(); await pin(id, false); } },
  { name: "life-form-signed", hash: guide("renew", "typed", { sign: "1" }), act: async (page, id) => { await id("form-sign-act").click(); await pin(id); await page.locator('[data-signed="true"]').waitFor(); await page.locator('[data-testid="form-canvas"][data-drawn]').first().waitFor(); } },
  { name: "life-form-key-missing", hash: guide("renew", "typed", { sign: "1", fail: "sign_form:session_key_missing" }), act: async (_, id) => { await id("form-sign-act").click(); await id("failure").waitFor(); } },
  { name: "life-files-signed", hash: guide("renew", "ready", { sign: "signed", step: "files" }), act: (_, id) => id("form-file-signed").waitFor() },
  { name: "life-files-unsigned", hash: guide("renew", "files", { sign: "1", step: "files" }), act: (_, id) => id("form-file-offer").waitFor() },
  { name: "life-submit", hash: guide("change", "ready", { typed_changes: "1", sign: "signed" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-changes").waitFor(); } },
  { name: "life-submit-pin", hash: guide("change", "ready", { typed_changes: "1", sign: "signed" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await pin(id, false); } },
  { name: "life-submit-refused", hash: guide("change", "ready", { typed_changes: "1", sign: "signed" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await id("pin-input").fill("999999"); await id("pin-submit").click(); await id("pin-refused").waitFor(); } },
  { name: "life-receipt", hash: guide("change", "ready", { typed_changes: "1", sign: "signed" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await pin(id); await id("receipt-save").click(); } },
  { name: "life-receipt-ready", hash: guide("renew", "ready", { sign: "signed", instant: "1" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await pin(id); await id("receipt-issue").waitFor(); } },
  { name: "life-revoke", hash: guide("revoke", "new"), act: async (_, id) => { await id("revoke-reason-cessation_of_operation").check(); await id("consequence-0").check(); } },
  { name: "life-revoke-unticked", hash: guide("revoke", "new"), act: async (_, id) => { await id("revoke-send").click(); await id("revoke-reason-fault").waitFor(); } },
  { name: "life-revoke-pin", hash: guide("revoke", "new"), act: async (page, id) => { await id("revoke-reason-cessation_of_operation").check(); await tickAll(page); await id("revoke-send").click(); await pin(id, false); } },
  { name: "life-revoked", hash: guide("revoke", "new", { instant: "1" }), act: async (page, id) => { await id("revoke-reason-cessation_of_operation").check(); await tickAll(page); await id("revoke-send").click(); await pin(id); await id("receipt-number").waitFor(); } },
  { name: "life-applications", hash: { ...key, state: "in_review", about: "change", room: room("applications") }, act: (_, id) => id("applications-count").waitFor() },
  { name: "life-applications-filtered", hash: { ...key, state: "in_review", about: "change", room: room("applications") }, act: async (_, id) => { await id("filter-business").selectOption("renew"); await id("filter-clear").waitFor(); } },
  { name: "life-applications-none", hash: { ...key, state: "in_review", about: "change", room: room("applications") }, act: async (_, id) => { await id("filter-words").fill("没有这样的"); await id("filter-clear").waitFor(); } },
  { name: "life-application-change", hash: { ...key, state: "submitted", about: "change", room: room("application", { id: CASE }) }, act: async (_, id) => { await id("receipt-save-r1").click(); } },
  { name: "life-withdraw", hash: { ...key, state: "submitted", about: "change", room: room("application", { id: CASE }) }, act: async (_, id) => { await id("application-withdraw").click(); await id("withdraw-confirm").waitFor(); } },
  { name: "life-withdrawn", hash: { ...key, state: "submitted", about: "change", room: room("application", { id: CASE }) }, act: async (page, id) => { await id("application-withdraw").click(); await id("withdraw-confirm").click(); await pin(id); await page.locator('[data-state="withdrawn"]').first().waitFor(); } },
  { name: "life-application-revoke", hash: { ...key, state: "completed", about: "revoke", room: room("application", { id: CASE }) }, act: (_, id) => id("application-particulars").waitFor() },
  { name: "life-certificates", hash: { ...key, certificates: "life", room: room("certificates") }, act: (_, id) => id("certificate-renew").first().waitFor() },
  { name: "life-certificates-below", hash: { ...key, certificates: "life", room: room("certificates") }, act: async (_, id) => { await id("certificate-calendar").first().click(); await id("certificate-remove").scrollIntoViewIfNeeded(); } },
  { name: "life-certificate-remove", hash: { ...key, certificates: "life", room: room("certificates") }, act: async (_, id) => { await id("certificate-remove").click(); await id("remove-certificate-confirm").click(); } },
  { name: "life-certificate-remove-pin", hash: { ...key, certificates: "life", room: room("certificates") }, act: async (_, id) => { await id("certificate-remove").click(); await id("remove-sure").check(); await id("remove-certificate-confirm").click(); await pin(id, false); } },
  { name: "life-issuance-renew", hash: { ...key, scenario: "two-keys-old", certificates: "life", state: "awaiting_issuance", about: "renew", room: room("issuance", { application: CASE }) }, act: (_, id) => id("issuance-keeps").waitFor() },
  { name: "life-issuance-away", hash: { ...key, scenario: "empty-key", session: "password", certificates: "none", state: "awaiting_issuance", about: "replace", room: room("issuance", { application: CASE }) }, act: (_, id) => id("issuance-keeps").waitFor() },
  { name: "life-issuance-done", hash: { ...key, certificates: "life", state: "awaiting_issuance", about: "renew", room: room("issuance", { application: CASE }) }, act: async (_, id) => { await id("issuance-start").click(); await pin(id); await id("issuance-done").waitFor(); } },
  { name: "life-home", hash: { ...key }, act: (_, id) => id("home-renew").waitFor() },
  { name: "life-home-expired", hash: { scenario: "expired" }, act: (_, id) => id("home-renew").waitFor() },
];
