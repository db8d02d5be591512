import { guideScenarios } from "./guide-scenarios.mjs";
import { announcementScenarios } from "./announcements-scenarios.mjs";
import { caseScenarios } from "./cases-scenarios.mjs";
import { peopleScenarios, roomScenarios } from "./people-scenarios.mjs";
import { lifeScenarios } from "./life-scenarios.mjs";
import { keyScenarios } from "./key-scenarios.mjs";
import { networkScenarios } from "./network-scenarios.mjs";
import { queryScenarios } from "./query-scenarios.mjs";
import { searchScenarios } from "./search-scenarios.mjs";

// What is pictured: a name, the fake program's scenario, and what the person does. Every room adds its own lines.
const room = (name, more = {}) => JSON.stringify({ name, ...more });
const home = { name: "home" };
const login = room("login", { next: home });

const fill = async (id, values) => {
  for (const [name, value] of Object.entries(values)) await id(name).fill(value);
};
async function readAgreement(page, id) {
  await id("agreement-body").evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await id("agreement-accept").check();
}

export const scenarios = [
  { name: "home", hash: {} },
  { name: "home-drafts", hash: { session: "password", drafts: "1", scenario: "expiring" } },
  { name: "home-no-driver", hash: { scenario: "no-driver", demo: "0" } },
  { name: "strip-no-key", hash: { scenario: "no-key" } },
  { name: "strip-no-driver-for-key", hash: { scenario: "no-driver-for-key" } },
  { name: "strip-no-driver-offered", hash: { scenario: "no-driver-offered" } },
  { name: "strip-card-without-driver", hash: { scenario: "card-without-driver" } },
  { name: "strip-32-bit", hash: { scenario: "driver-32-bit" } },
  { name: "strip-hung", hash: { scenario: "driver-failed" } },
  { name: "strip-locked", hash: { scenario: "locked" } },
  { name: "strip-last-try", hash: { scenario: "last-try" } },
  { name: "strip-two-keys", hash: { scenario: "two-keys" } },
  { name: "strip-expired", hash: { scenario: "expired" } },
  { name: "strip-not-ready", hash: { scenario: "not-ready" } },
  { name: "home-driver-failed", hash: { scenario: "driver-failed" } },
  { name: "home-failed", hash: { fail: "home:storage_failed" } },
  { name: "home-offline", hash: { scenario: "offline" } },
  { name: "discard", hash: { session: "password", drafts: "1" }, act: async (_, id) => { await id("resume-discard").click(); await id("discard-dialog").waitFor(); } },
  { name: "key-dialog", hash: { scenario: "two-keys" }, act: async (_, id) => { await id("key-details").click(); await id("key-dialog").waitFor(); } },
  { name: "key-dialog-failed", hash: { scenario: "driver-failed" }, act: async (_, id) => { await id("key-details").click(); await id("key-dialog").waitFor(); } },
  { name: "session-menu", hash: { session: "token", scenario: "key" }, act: async (_, id) => { await id("session").click(); await id("log-out").waitFor(); } },
  { name: "theme-menu", hash: {}, act: async (_, id) => { await id("theme").click(); await id("theme-dark").waitFor(); } },
  { name: "agreement", hash: {}, act: (_, id) => id("menu-apply").click() },
  { name: "agreement-read", hash: {}, act: async (page, id) => { await id("menu-apply").click(); await readAgreement(page, id); } },
  { name: "agreement-unread", hash: {}, act: async (_, id) => { await id("menu-apply").click(); await id("agreement-next").click(); } },
  { name: "agreement-failed", hash: { fail: "catalogue:service_unreachable", scenario: "offline" }, act: (_, id) => id("menu-apply").click() },
  { name: "login-password", hash: { room: login } },
  { name: "login-wrong", hash: { room: login }, act: async (_, id) => { await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("login-submit").click(); await id("failure").waitFor(); } },
  { name: "login-locked", hash: { room: login, login: "account_locked" }, act: async (_, id) => { await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("login-submit").click(); await id("failure").waitFor(); } },
  { name: "login-certificate-required", hash: { room: login, login: "certificate_login_required" }, act: async (_, id) => { await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("login-submit").click(); await id("failure").waitFor(); } },
  { name: "offline-offer", hash: { room: login, scenario: "offline", login: "service_unreachable" }, act: async (_, id) => { await id("offline-offer").waitFor(); await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("login-submit").click(); await id("failure").waitFor(); } },
  { name: "offline-none", hash: { room: login, scenario: "offline", login: "service_unreachable", choices: "none" }, act: async (_, id) => { await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("login-submit").click(); await id("failure").waitFor(); } },
  { name: "offline-too-soon", hash: { room: login, scenario: "offline", refused: "offline_too_soon" }, act: async (_, id) => { await id("offline-offer").waitFor(); await fill(id, { "login-account": "qy82640193", "login-password": "wrong" }); await id("offline-read").click(); await id("failure").waitFor(); } },
  { name: "offline-key", hash: { room: login, scenario: "key", away: "network_login" }, act: (_, id) => id("offline-offer").waitFor() },
  { name: "offline-pin", hash: { room: login, scenario: "key", away: "service_unreachable" }, act: async (_, id) => { await id("offline-read").click(); await id("pin-input").waitFor(); } },
  { name: "offline-home", hash: { session: "password", reading: "1", scenario: "offline", drafts: "1" }, act: (_, id) => id("offline-banner").waitFor() },
  { name: "offline-back", hash: { session: "password", reading: "1", drafts: "1" }, act: (_, id) => id("offline-banner").waitFor() },
  { name: "offline-cases", hash: { session: "password", reading: "1", scenario: "offline", room: room("applications") }, act: (_, id) => id("offline-banner").waitFor() },
  { name: "offline-certificates", hash: { session: "token", reading: "1", scenario: "key", room: room("certificates") }, act: (_, id) => id("certificates-offline").waitFor() },
  { name: "offline-account", hash: { session: "password", reading: "1", room: room("account") }, act: (_, id) => id("account-stale").waitFor() },
  { name: "offline-submit", hash: { session: "password", reading: "1", guide: "ready", room: room("guide", { draft: "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e" }) }, act: (_, id) => id("submit-away").waitFor() },
  { name: "offline-login", hash: { session: "password", reading: "1", room: login }, act: (_, id) => id("offline-banner").waitFor() },
  { name: "login-token", hash: { room: login, scenario: "two-keys" } },
  { name: "login-token-none", hash: { room: login, scenario: "no-key" }, act: (_, id) => id("tab-token").click() },
  { name: "pin", hash: { room: login, scenario: "key" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-input").fill("123"); await id("pin-submit").click(); } },
  { name: "pin-last", hash: { room: login, scenario: "key", tries: "last" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-input").fill("1234"); await id("pin-submit").click(); } },
  { name: "pin-refused", hash: { room: login, scenario: "key" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-input").fill("1234"); await id("pin-submit").click(); await id("pin-refused").waitFor(); } },
  { name: "pin-pad", hash: { room: login, scenario: "pin-pad", tries: "few" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-key").waitFor(); } },
  { name: "pin-working", hash: { room: login, scenario: "key", hang: "pin" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-input").fill("123456"); await id("pin-submit").click(); await id("pin-working").waitFor(); } },
  { name: "register", hash: {}, act: async (page, id) => { await id("log-in").click(); await id("login-register").click(); await readAgreement(page, id); await id("agreement-next").click(); await id("register-kind-enterprise").waitFor(); } },
  { name: "register-faults", hash: {}, act: async (page, id) => { await id("log-in").click(); await id("login-register").click(); await readAgreement(page, id); await id("agreement-next").click(); await fill(id, { "field-organisation.name": "福州云帆测试科技有限公司", "field-organisation.credit_code": "91350100M000100Y44" }); await id("register-submit").click(); await id("register-faults").waitFor(); } },
  { name: "register-individual", hash: {}, act: async (page, id) => {
    await id("log-in").click(); await id("login-register").click(); await readAgreement(page, id); await id("agreement-next").click();
    await id("register-kind-individual").check();
    await fill(id, { "field-contact.name": "王䶮", "field-contact.id_number": "11010519491231002x", "field-phone": "1380013800" });
    await id("field-email").focus();
    await id("field-address.region").fill("福建"); await page.keyboard.press("Enter");
    await id("field-address.region-city").click();
  } },
  { name: "registered", hash: {}, act: async (page, id) => {
    await id("log-in").click(); await id("login-register").click(); await readAgreement(page, id); await id("agreement-next").click();
    await id("register-kind-individual").check();
    await fill(id, { "field-contact.name": "王䶮", "field-contact.id_number": "11010519491231002X", "field-phone": "13800138000", "field-email": "wang@example.cn", "field-address.detail": "湖东路 88 号" });
    await id("field-address.region").fill("福建"); await page.keyboard.press("Enter");
    await id("field-address.region-city").fill("福州"); await page.keyboard.press("Enter");
    await id("field-address.region-district").fill("鼓楼"); await page.keyboard.press("Enter");
    await id("register-submit").click(); await id("registered").waitFor();
  } },
  { name: "password-first", hash: { session: "first" }, act: async (page, id) => { await id("menu-applications").click(); await fill(id, { "password-current": "x", "password-new": "short", "password-again": "other" }); await id("password-submit").click(); } },
  { name: "business", hash: { session: "password", drafts: "1" }, act: async (page, id) => { await id("menu-apply").click(); await readAgreement(page, id); await id("agreement-next").click(); await id("business-new").waitFor(); } },
  { name: "business-all", hash: { session: "token", scenario: "key", businesses: "change,renew,revoke" }, act: async (page, id) => { await id("menu-apply").click(); await readAgreement(page, id); await id("agreement-next").click(); await id("business-renew").waitFor(); } },
  { name: "support", hash: {}, act: async (page, id) => { await id("menu-support").click(); await page.getByText("400-000-0000").waitFor(); } },
  ...guideScenarios,
  ...caseScenarios,
  ...announcementScenarios,
  ...networkScenarios,
  ...queryScenarios,
  ...searchScenarios,
  ...peopleScenarios,
  ...roomScenarios,
  ...lifeScenarios,
  ...keyScenarios,
];
