// Pictures of lost key, new password, notices, account and support.
const room = (name, more = {}) => JSON.stringify({ name, ...more });
const home = { name: "home" };
const lost = room("lost-key");
const reset = room("reset-password", { next: home });
const code = async (id) => {
  await id("field-account").fill("91350100M000100Y43");
  await id("code-send").click();
  await id("code-sent").waitFor();
};
const identify = async (id, next) => {
  await code(id);
  await id("field-code").fill("483920");
  await id(next).click();
};
const circumstance = async (id, what) => {
  await identify(id, "lost-key-next");
  await id(`circumstance-${what}`).check();
};
const report = async (id, what = "lost") => {
  await circumstance(id, what);
  await id("field-understood").check();
  await id("lost-key-submit").click();
};
const newPassword = async (id) => {
  await identify(id, "reset-next");
  await id("password-new").fill("Yunfan-2027");
  await id("password-again").fill("Yunfan-2027");
  await id("reset-submit").click();
};
const notices = (more = {}) => ({ session: "password", room: room("notices"), ...more });
const account = (tab, more = {}) => ({ session: "password", room: room("account", { tab }), ...more });
const support = (more = {}) => ({ room: room("support"), ...more });
const look = async (id, part = "problems") => { await id("doctor-look").click(); await id(`doctor-${part}`).waitFor(); };
const modules = (more = {}) => ({ scenario: "key", room: room("modules"), ...more });

export const peopleScenarios = [
  { name: "lost-key", hash: {}, act: async (_, id) => { await id("menu-lost-key").click(); await id("lost-key-final").waitFor(); } },
  { name: "lost-key-missing", hash: { room: lost }, act: async (_, id) => { await id("lost-key-next").click(); } },
  { name: "lost-key-sent", hash: { room: lost }, act: async (_, id) => { await code(id); await id("code-late").click(); await id("code-late").scrollIntoViewIfNeeded(); } },
  { name: "lost-key-limited", hash: { room: lost, fail: "request_code:too_many_requests" }, act: async (_, id) => { await id("field-account").fill("qy82640193"); await id("code-send").click(); await id("failure").waitFor(); await id("failure").scrollIntoViewIfNeeded(); } },
  { name: "lost-key-circumstance", hash: { room: lost }, act: async (_, id) => { await identify(id, "lost-key-next"); await id("lost-key-submit").click(); await id("lost-key-choose").waitFor(); } },
  { name: "lost-key-stolen", hash: { room: lost }, act: async (_, id) => { await circumstance(id, "stolen"); await id("lost-key-submit").click(); } },
  { name: "lost-key-locked", hash: { room: lost }, act: async (_, id) => circumstance(id, "locked") },
  { name: "lost-key-wrong-code", hash: { room: lost, code: "wrong" }, act: async (page, id) => { await report(id); await page.locator("#field-code-fault .icon").waitFor(); } },
  { name: "lost-key-done", hash: { room: lost, lost: "two" }, act: async (_, id) => { await report(id); await id("lost-key-done").waitFor(); } },
  { name: "lost-key-done-none", hash: { room: lost, lost: "none" }, act: async (_, id) => { await report(id); await id("lost-key-done").waitFor(); } },
  { name: "keyboard-lost-key", hash: { room: lost }, act: async ({ keyboard }, id) => {
    await id("lost-key-final").waitFor();
    await keyboard.press("Tab"); // from the title, where a page begins
    await keyboard.type("qy82640193"); await keyboard.press("Enter");
    await id("code-sent").waitFor();
    await keyboard.type("483920"); await keyboard.press("Enter");
    await id("circumstance-lost").waitFor();
    await keyboard.press("Space"); await keyboard.press("ArrowDown"); await keyboard.press("Tab"); await keyboard.press("Space"); await keyboard.press("Enter");
    await id("lost-key-done").waitFor();
  } },
  { name: "keyboard-menu", hash: { session: "password" }, act: async ({ keyboard }, id) => {
    await id("session").focus(); await keyboard.press("Enter"); await id("session-account-page").waitFor();
    await keyboard.press("Escape"); await keyboard.press("Enter"); await id("session-account-page").waitFor();
    await keyboard.press("Enter"); // the first line is the one chosen
    await id("account-edit").waitFor();
    await id("tab-data").focus(); await keyboard.press("ArrowRight"); await id("consent").first().waitFor();
  } },
  { name: "pin-locked", hash: { room: room("login", { next: home }), scenario: "key", tries: "last" }, act: async (_, id) => { await id("login-pin").click(); await id("pin-confirm").check(); await id("pin-input").fill("1234"); await id("pin-submit").click(); await id("pin-lost-key").waitFor(); } },
  { name: "reset", hash: { room: room("login", { next: home }) }, act: async (_, id) => { await id("login-account").fill("qy82640193"); await id("login-reset").click(); await id("reset-next").waitFor(); } },
  { name: "reset-password", hash: { room: reset }, act: async (_, id) => { await identify(id, "reset-next"); await id("password-new").fill("short"); await id("password-again").fill("other"); await id("reset-submit").click(); } },
  { name: "reset-done", hash: { room: reset }, act: async (_, id) => { await newPassword(id); await id("reset-done").waitFor(); } },
];
export const roomScenarios = [
  { name: "notices", hash: notices(), act: (_, id) => id("notice").first().waitFor() },
  { name: "notices-older", hash: notices(), act: async (_, id) => { await id("notice").last().scrollIntoViewIfNeeded(); } },
  { name: "notices-none", hash: notices({ notices: "none" }), act: (_, id) => id("notices-none").waitFor() },
  { name: "notices-offline", hash: notices({ notices: "offline", scenario: "offline" }), act: (_, id) => id("notices-offline").waitFor() },
  { name: "notices-read", hash: notices(), act: async (page, id) => { await id("notices-all-read").click(); await page.waitForFunction(() => document.querySelector('[data-testid="notice"][data-fresh]') === null); } },
  { name: "notices-calendar", hash: notices(), act: async (_, id) => { await id("notice-calendar").first().click(); await id("calendar-saved").waitFor(); } },
  { name: "notices-failed", hash: notices({ fail: "notices:storage_failed" }), act: (_, id) => id("failure").waitFor() },
  { name: "account", hash: account("data"), act: (_, id) => id("account-edit").waitFor() },
  { name: "account-fixed", hash: account("data", { fixed: "1", businesses: "change,renew,revoke" }), act: async (_, id) => { await id("account-reveal").click(); } },
  { name: "account-individual", hash: account("data", { kind: "individual" }), act: (_, id) => id("account-edit").waitFor() },
  { name: "account-edit", hash: account("data"), act: async (_, id) => { await id("account-edit").click(); await id("field-phone").fill("13900139000"); await id("code-send").click(); await id("field-email").fill("x"); await id("account-save").click(); await id("field-phone").scrollIntoViewIfNeeded(); } },
  { name: "account-saved", hash: account("data"), act: async (_, id) => { await id("account-edit").click(); await id("field-email").fill("new@example.cn"); await id("account-save").click(); await id("account-saved").waitFor(); } },
  { name: "account-access", hash: account("access"), act: (_, id) => id("consent").first().waitFor() },
  { name: "account-withdraw", hash: account("access"), act: async (_, id) => { await id("consent-withdraw").first().click(); await id("withdraw-dialog").waitFor(); } },
  { name: "account-local", hash: account("local"), act: (_, id) => id("local-delete").waitFor() },
  { name: "account-lock", hash: account("local", { kept: "passphrase" }), act: async (_, id) => { await id("local-lock").scrollIntoViewIfNeeded(); } },
  { name: "account-passphrase", hash: account("local", { kept: "passphrase" }), act: async (_, id) => { await id("passphrase-change").click(); await id("field-passphrase-current").fill("金山大道的狗"); await id("field-passphrase-replacement").fill("湖东路的猫会爬树"); await id("field-passphrase-again").fill("湖东路的猫"); await id("passphrase-save").click(); } },
  { name: "account-passphrase-wrong", hash: account("local", { kept: "passphrase" }), act: async (page, id) => { await id("passphrase-change").click(); await id("field-passphrase-current").fill("金山大道的狗"); await id("field-passphrase-replacement").fill("湖东路的猫会爬树"); await id("field-passphrase-again").fill("湖东路的猫会爬树"); await id("passphrase-save").click(); await page.locator("#field-passphrase-current-fault .icon").waitFor(); } },
  { name: "account-passphrase-changed", hash: account("local", { kept: "passphrase" }), act: async (page, id) => { await id("passphrase-change").click(); await id("field-passphrase-current").fill("金山大道的猫"); await id("field-passphrase-replacement").fill("湖东路的猫会爬树"); await id("field-passphrase-again").fill("湖东路的猫会爬树"); await id("passphrase-save").click(); await page.waitForFunction(() => document.querySelector("[data-testid=passphrase-changed]")?.textContent !== ""); await id("local-lock").scrollIntoViewIfNeeded(); } },
  { name: "storage-choose", hash: { storage: "choose_keeping" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-choose-faults", hash: { storage: "choose_keeping" }, act: async (_, id) => { await id("field-storage-passphrase").fill("短口令"); await id("field-storage-again").fill("别的"); await id("storage-choose").click(); } },
  { name: "storage-choose-nothing", hash: { storage: "choose_keeping" }, act: async (page, id) => { await id("storage-way-nothing").check(); } },
  { name: "storage-away-anew", hash: { storage: "key_store_away" }, act: async (_, id) => { await id("storage-anew").click(); await id("storage-anew-confirm").waitFor(); } },
  { name: "storage-shut", hash: { storage: "failed" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-locked", hash: { storage: "passphrase" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-wrong", hash: { storage: "passphrase" }, act: async (page, id) => { await id("field-storage-passphrase").fill("金山大道的狗"); await id("storage-unlock").click(); await page.locator("#field-storage-passphrase-fault .icon").waitFor(); } },
  { name: "storage-forgot", hash: { storage: "passphrase" }, act: async (_, id) => { await id("storage-forgot").click(); await id("storage-anew-confirm").waitFor(); } },
  { name: "storage-away", hash: { storage: "key_store_away" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-newer", hash: { storage: "newer" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-opening", hash: { storage: "opening" }, act: (_, id) => id("storage-dialog").waitFor() },
  { name: "storage-failed", hash: { storage: "passphrase", fail: "unlock_storage:disk_full" }, act: async (_, id) => { await id("field-storage-passphrase").fill("金山大道的猫"); await id("storage-unlock").click(); await id("failure").waitFor(); } },
  { name: "storage-key-lost", hash: { aside: "key_lost" }, act: (_, id) => id("storage-notice").waitFor() },
  { name: "storage-damaged", hash: { aside: "damaged" }, act: (_, id) => id("storage-notice").waitFor() },
  { name: "storage-begun", hash: { aside: "begun_anew" }, act: (_, id) => id("storage-notice").waitFor() },
  { name: "account-delete", hash: account("local"), act: async (_, id) => { await id("local-delete").click(); await id("delete-confirm").click(); } },
  { name: "account-delete-issuance", hash: account("local", { local: "issuance" }), act: async (_, id) => { await id("local-delete").click(); await id("field-delete-understood").check(); await id("delete-confirm").click(); await id("failure").waitFor(); } },
  { name: "doctor-problems", hash: { scenario: "no-driver-for-key" }, act: async (_, id) => { await id("key-doctor").click(); await id("doctor-problems").waitFor(); } },
  { name: "doctor-running", hash: support({ scenario: "no-key", doctor: "running" }), act: (_, id) => id("doctor-told").waitFor() },
  { name: "doctor-fine", hash: support({ scenario: "key", doctor: "fine" }), act: async (page, id) => { await id("doctor-look").click(); await id("doctor-good").waitFor(); await page.locator("[data-testid=doctor-good] summary").click(); } },
  { name: "doctor-no-key", hash: support({ scenario: "no-key", doctor: "none" }), act: (_, id) => id("doctor-problems").waitFor() },
  { name: "doctor-32-bit", hash: support({ scenario: "driver-32-bit", doctor: "bits32" }), act: async (page, id) => { await id("doctor-problems").waitFor(); await page.locator("[data-testid=finding] summary").first().click(); } },
  { name: "doctor-hung", hash: support({ scenario: "driver-failed", doctor: "hung" }), act: (_, id) => id("doctor-problems").waitFor() },
  { name: "doctor-locked", hash: support({ scenario: "locked", doctor: "locked" }), act: async (page, id) => { await look(id); await page.locator("[data-testid=finding] summary").first().click(); } },
  { name: "doctor-last-try", hash: support({ scenario: "last-try", doctor: "last" }), act: (_, id) => look(id) },
  { name: "doctor-two-keys", hash: support({ scenario: "two-keys", doctor: "two" }), act: async (page, id) => { await look(id, "notes"); await page.locator("[data-testid=doctor-notes] summary").first().click(); await page.locator("[data-testid=doctor-good] summary").click(); } },
  { name: "doctor-expired", hash: support({ scenario: "expired", doctor: "expired" }), act: (_, id) => look(id) },
  { name: "doctor-cards", hash: support({ scenario: "no-key", doctor: "cards" }), act: async (page, id) => { await id("doctor-problems").waitFor(); await page.locator("[data-testid=finding] summary").first().click(); } },
  { name: "doctor-network", hash: support({ scenario: "no-key", doctor: "network" }), act: (_, id) => id("doctor-problems").waitFor() },
  { name: "doctor-repair", hash: support({ scenario: "no-driver-for-key", repair: "refused" }), act: async (page, id) => { await id("finding-repair").nth(1).click(); await page.locator("[data-testid=repair-dialog] summary").click(); } },
  { name: "doctor-refused", hash: support({ scenario: "no-driver-for-key", repair: "refused" }), act: async (_, id) => { await id("finding-repair").nth(1).click(); await id("repair-confirm").click(); await id("failure").waitFor(); } },
  { name: "doctor-saved", hash: support({ scenario: "no-driver-for-key" }), act: async (_, id) => { await id("doctor-save").click(); await id("doctor-code").waitFor(); await id("doctor-code").scrollIntoViewIfNeeded(); } },
  { name: "support-install", hash: support({ scenario: "no-driver-for-key", drivers: "installing" }), act: async (_, id) => { await id("driver-install").first().click(); await id("driver-epass").locator("[role=progressbar]").waitFor(); await id("driver-epass").scrollIntoViewIfNeeded(); } },
  { name: "support-installed", hash: support({ scenario: "no-driver-for-key" }), act: async (_, id) => { await id("driver-install").first().click(); await id("driver-installed").waitFor(); await id("driver-installed").scrollIntoViewIfNeeded(); } },
  { name: "support-unseen", hash: support({ scenario: "no-driver-for-key", drivers: "unseen" }), act: async (_, id) => { await id("driver-install").first().click(); await id("driver-installed").waitFor(); await id("driver-installed").scrollIntoViewIfNeeded(); } },
  { name: "support-unlisted", hash: support({ scenario: "no-driver" }), act: async (_, id) => { await id("driver-pick").click(); await id("failure").waitFor(); await id("failure").scrollIntoViewIfNeeded(); } },
  { name: "support-drivers", hash: support({ scenario: "no-driver" }), act: async (_, id) => { await id("driver-mtoken").waitFor(); } },
  { name: "support-key", hash: support({ scenario: "key" }), act: (_, id) => id("driver-mtoken").waitFor() },
  { name: "support-failed-driver", hash: support({ scenario: "driver-failed", drivers: "failed" }), act: async (_, id) => { await id("failure").first().waitFor(); await id("driver-epass").scrollIntoViewIfNeeded(); } },
  { name: "support-downloading", hash: support({ scenario: "no-driver", drivers: "hold" }), act: async (_, id) => { await id("driver-get").first().click(); await id("driver-cancel").waitFor(); await id("driver-epass").scrollIntoViewIfNeeded(); } },
  { name: "support-partial", hash: support({ scenario: "no-driver", drivers: "partial" }), act: async (_, id) => { await id("driver-details").first().click(); await id("driver-epass").scrollIntoViewIfNeeded(); } },
  { name: "support-opened", hash: support({ scenario: "no-key", drivers: "ready" }), act: async (_, id) => { await id("driver-open").click(); await id("driver-opened").waitFor(); await id("driver-opened").scrollIntoViewIfNeeded(); } },
  { name: "support-none", hash: support({ scenario: "no-driver", drivers: "none" }), act: async (_, id) => { await id("drivers-none").waitFor(); await id("drivers-none").scrollIntoViewIfNeeded(); } },
  { name: "support-foot", hash: support({ scenario: "key" }), act: async (_, id) => { await id("support-modules").scrollIntoViewIfNeeded(); } },
  { name: "modules", hash: modules(), act: async (page, id) => { await page.locator("[data-file='opensc-pkcs11.so'] summary").click(); await id("module").first().waitFor(); } },
  { name: "modules-faults", hash: modules(), act: async (_, id) => { await id("module-fault").last().scrollIntoViewIfNeeded(); } },
  { name: "modules-off", hash: modules(), act: async (_, id) => { await id("module-use-never").first().click(); await id("modules-done").locator(".icon").waitFor(); } },
  { name: "modules-added", hash: modules(), act: async (_, id) => { await id("module-add").click(); await id("module-remove").last().scrollIntoViewIfNeeded(); } },
  { name: "modules-not-added", hash: modules({ fail: "add_module:driver_wrong_architecture" }), act: async (_, id) => { await id("module-add").click(); await id("failure").waitFor(); await id("failure").scrollIntoViewIfNeeded(); } },
  { name: "modules-none", hash: modules({ modules: "none" }), act: (_, id) => id("modules-none").waitFor() },
  { name: "modules-profiles", hash: modules(), act: async (_, id) => { await id("profiles-refresh").click(); await id("profiles-outcome").waitFor(); await id("profiles").scrollIntoViewIfNeeded(); } },
  { name: "modules-refused", hash: modules({ profiles: "refused" }), act: async (_, id) => { await id("profiles-refused").scrollIntoViewIfNeeded(); } },
  { name: "modules-unpublished", hash: modules({ profiles: "none", modules: "few" }), act: async (_, id) => { await id("profiles-refresh").click(); await id("profiles-outcome").waitFor(); await id("profiles").scrollIntoViewIfNeeded(); } },
  { name: "support-offline", hash: support({ scenario: "offline", fail: "drivers:service_unreachable" }), act: async (_, id) => { await id("failure").waitFor(); await id("failure").scrollIntoViewIfNeeded(); } },
];
