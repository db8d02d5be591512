// Pictures of applications, 制证, certificates and the demo desk.
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const room = (name, more = {}) => JSON.stringify({ name, ...more });
const at = (state, more = {}) => ({ session: "password", room: room("application", { id: CASE }), state, ...more });
const issue = (more = {}) => ({ session: "password", state: "awaiting_issuance", room: room("issuance", { application: CASE }), ...more });
const enterPin = async (id, start = "issuance-start") => {
  await id(start).click();
  await id("pin-input").fill("123456");
  await id("pin-submit").click();
};
const desk = (more = {}) => ({ desk: "", session: "password", ...more });

export const caseScenarios = [
  { name: "applications", hash: { session: "password", drafts: "1", state: "awaiting_issuance", room: room("applications") }, act: (_, id) => id("applications-row-CD20261122000017").waitFor() },
  { name: "applications-empty", hash: { session: "password", list: "empty", room: room("applications") }, act: (_, id) => id("applications-apply").waitFor() },
  { name: "withdraw-away", hash: { session: "password", scenario: "offline", state: "submitted", room: room("application", { id: CASE }) }, act: async (_, id) => { await id("application-withdraw").click(); await id("withdraw-away").waitFor(); } },
  { name: "withdraw-queued", hash: { session: "password", scenario: "offline", state: "submitted", withdrawal: "waiting", room: room("application", { id: CASE }) }, act: (_, id) => id("withdrawal-queued").waitFor() },
  { name: "withdraw-needs-key", hash: { session: "token", scenario: "key", state: "submitted", withdrawal: "needs_key", room: room("application", { id: CASE }) }, act: (_, id) => id("withdrawal-queued").waitFor() },
  { name: "withdraw-refused", hash: { session: "password", state: "awaiting_issuance", withdrawal: "refused", room: room("application", { id: CASE }) }, act: (_, id) => id("withdrawal-refused").waitFor() },
  { name: "withdraw-offline", hash: { session: "password", reading: "1", state: "submitted", withdrawal: "waiting", room: room("application", { id: CASE }) }, act: (_, id) => id("withdrawal-queued").waitFor() },
  { name: "applications-offline", hash: { session: "password", scenario: "offline", room: room("applications") }, act: (_, id) => id("as-last-seen").waitFor() },
  { name: "applications-failed", hash: { session: "password", fail: "refresh_applications:service_garbled", room: room("applications") }, act: (_, id) => id("failure").waitFor() },
  ...["submitted", "in_review", "needs_correction", "approved", "awaiting_issuance", "completed", "rejected"].map((state) => ({ name: `application-${state}`, hash: at(state), act: (_, id) => id("application-state").waitFor() })),
  { name: "application-revealed", hash: at("in_review"), act: async (_, id) => { await id("application-reveal").click(); await id("application-reveal").scrollIntoViewIfNeeded(); } },
  { name: "application-gone", hash: at("in_review", { fail: "application:not_found" }), act: (_, id) => id("failure").waitFor() },
  { name: "issuance", hash: issue(), act: (_, id) => id("issuance-start").waitFor() },
  { name: "issuance-two-keys", hash: issue({ scenario: "two-keys" }), act: (_, id) => id("issuance-more").click() },
  { name: "issuance-no-key", hash: issue({ scenario: "no-key" }), act: (_, id) => id("issuance-no-key").waitFor() },
  { name: "issuance-pin", hash: issue(), act: async (_, id) => { await id("issuance-start").click(); await id("pin-input").waitFor(); } },
  { name: "issuance-running", hash: issue({ issue: "hang@key_pair" }), act: async (_, id) => { await enterPin(id); await id("issuance-steps").waitFor(); } },
  { name: "issuance-fetching", hash: issue({ issue: "hang@certificate" }), act: async (page, id) => { await enterPin(id); await page.locator('[data-testid="issuance-step-certificate"][data-state="current"]').waitFor(); } },
  { name: "issuance-failed", hash: issue({ issue: "key_removed@written" }), act: async (_, id) => { await enterPin(id); await id("issuance-continue").waitFor(); } },
  { name: "issuance-resumed", hash: issue({ journal: "certificate" }), act: (_, id) => id("issuance-continue").waitFor() },
  { name: "issuance-other-key", hash: issue({ journal: "certificate", begun: "elsewhere" }), act: (_, id) => id("issuance-other-key").waitFor() },
  { name: "issuance-done", hash: issue(), act: async (_, id) => { await enterPin(id); await id("issuance-logout").waitFor(); } },
  { name: "issuance-not-now", hash: issue({ state: "in_review" }), act: (_, id) => id("issuance-not-now").waitFor() },
  { name: "certificates", hash: { session: "token", scenario: "key", certificates: "mixed", room: room("certificates") }, act: (_, id) => id("certificate-card").first().waitFor() },
  { name: "certificates-end", hash: { session: "token", scenario: "key", certificates: "mixed", room: room("certificates") }, act: (_, id) => id("certificate-card").last().scrollIntoViewIfNeeded() },
  { name: "certificates-offline", hash: { session: "token", scenario: "offline", room: room("certificates") }, act: (_, id) => id("certificates-offline").waitFor() },
  { name: "certificates-logged-out", hash: { scenario: "key", room: room("certificates") }, act: (_, id) => id("certificates-logged-out").waitFor() },
  { name: "certificates-none", hash: { session: "password", certificates: "none", room: room("certificates") } },
  { name: "certificate-details", hash: { session: "token", scenario: "key", room: room("certificates") }, act: async (_, id) => { await id("certificate-details").click(); await id("certificate-dialog").waitFor(); } },
  { name: "certificate-all", hash: { session: "token", scenario: "key", room: room("certificates") }, act: async (_, id) => { await id("certificate-details").click(); await id("certificate-all").click(); await id("certificate-pem").click(); await id("certificate-pem").scrollIntoViewIfNeeded(); } },
  { name: "desk-page", hash: { session: "password", room: room("demo-desk") }, act: (_, id) => id("desk-case-CD20261122000017").waitFor() },
  { name: "desk-page-return", hash: { session: "password", room: room("demo-desk") }, act: async (_, id) => { await openCase(id); await id("desk-return").click(); await id("desk-remark-field-person.id_number").check(); await id("desk-remark-files-business_license").check(); } },
  { name: "desk", hash: desk(), size: [460, 760], act: (_, id) => id("desk-case-CD20261122000017").waitFor() },
  { name: "desk-empty", hash: desk({ sms: "none", queue: "empty" }), size: [460, 760] },
  { name: "desk-case", hash: desk(), size: [460, 760], act: async (_, id) => { await openCase(id); await id("desk-approve").scrollIntoViewIfNeeded(); } },
  { name: "desk-return", hash: desk(), size: [460, 760], act: async (_, id) => { await openCase(id); await id("desk-return").click(); await id("desk-remark-field-person.id_number").check(); await id("desk-return-send").scrollIntoViewIfNeeded(); } },
  { name: "desk-reject", hash: desk(), size: [460, 760], act: async (_, id) => { await openCase(id); await id("desk-reject").click(); await id("desk-reject-send").scrollIntoViewIfNeeded(); } },
  { name: "desk-failed", hash: desk({ fail: "demo_queue:service_unreachable" }), size: [460, 760], act: (_, id) => id("failure").waitFor() },
];

async function openCase(id) {
  await id("desk-case-CD20261122000017").click();
  await id("desk-approve").waitFor();
}
