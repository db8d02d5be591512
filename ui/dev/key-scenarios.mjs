// Pictures of 我的认证锁 and of whatever is done with a PIN.
const page = JSON.stringify({ name: "key", id: "k1" });
const mine = (more = {}) => ({ scenario: "key", room: page, ...more });
const open = (what) => async (_, id) => { await id(what).click(); await id("pin-input").waitFor(); };
const typed = async (id, pin, fresh, repeat = fresh) => {
  await id("pin-input").fill(pin);
  await id("pin-new").fill(fresh);
  await id("pin-repeat").fill(repeat);
};
const again = async (page, more = {}) => page.evaluate((more) => {
  const key = window.fake.home.keys.keys[0];
  window.fake.emit({ kind: "pin_again", prompt: { ticket: "again", key: { ...key, ...more }, needs_confirmation: more.tries === "last" }, refused: more.refused ?? null });
}, more);

export const keyScenarios = [
  { name: "my-key", hash: mine({ certificates: "sm2" }), act: async (_, id) => id("key-certificate").first().waitFor() },
  { name: "my-key-below", hash: mine({ certificates: "sm2" }), act: async (_, id) => { await id("key-certificate").first().waitFor(); await id("key-objects-open").click(); await id("key-object").first().waitFor(); await id("key-objects-all").scrollIntoViewIfNeeded(); } },
  { name: "my-key-objects", hash: mine(), act: async (_, id) => { await id("key-objects-open").click(); await id("key-objects-all").click(); await id("pin-input").fill("123456"); await id("pin-submit").click(); await id("key-object").nth(4).waitFor(); await id("key-object").nth(4).scrollIntoViewIfNeeded(); } },
  { name: "my-key-sm2-details", hash: mine({ certificates: "sm2" }), act: async (_, id) => { await id("key-certificate-details").nth(1).click(); await id("certificate-dialog").waitFor(); } },
  { name: "my-key-tested", hash: mine(), act: async (_, id) => { await id("key-certificate-test").first().click(); await id("pin-input").fill("123456"); await id("pin-submit").click(); await id("key-said").waitFor(); } },
  { name: "my-key-last", hash: mine({ tries: "last" }), act: async (_, id) => id("key-certificate").first().waitFor() },
  { name: "my-key-locked", hash: mine({ tries: "locked" }), act: async (_, id) => id("key-certificate").first().waitFor() },
  { name: "my-key-locked-for-good", hash: mine({ scenario: "officer-locked" }), act: async (_, id) => id("key-certificate").first().waitFor() },
  { name: "my-key-must-change", hash: mine({ scenario: "must-change" }), act: async (_, id) => id("key-certificate").first().waitFor() },
  { name: "my-key-empty", hash: mine({ scenario: "empty-key", certificates: "none" }), act: async (_, id) => id("key-no-certificates").waitFor() },
  { name: "my-key-away", hash: mine(), act: async (page, id) => { await id("key-certificate").first().waitFor(); await page.evaluate(() => window.fake.emit({ kind: "keys", keys: { state: { kind: "no_key" }, keys: [] } })); await id("key-away").waitFor(); } },
  { name: "my-key-two", hash: mine({ scenario: "two-keys" }), act: async (_, id) => id("key-other-k2").scrollIntoViewIfNeeded() },
  { name: "pin-change", hash: mine(), act: open("key-change-pin") },
  { name: "pin-change-advice", hash: mine(), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "123456", "111111"); await id("pin-new-advice").waitFor(); } },
  { name: "pin-change-faults", hash: mine(), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "12", "12", "13"); await id("pin-submit").click(); } },
  { name: "pin-change-wrong-old", hash: mine(), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "000000", "852741"); await id("pin-submit").click(); await id("pin-refused").waitFor(); } },
  { name: "pin-change-refused-new", hash: mine({ new_pin: "refused" }), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "123456", "852741"); await id("pin-submit").click(); await id("pin-failure").waitFor(); } },
  { name: "pin-change-last", hash: mine({ tries: "last" }), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "123456", "852741"); await id("pin-submit").click(); await id("pin-confirm").waitFor(); } },
  { name: "pin-changed", hash: mine(), act: async (page, id) => { await open("key-change-pin")(page, id); await typed(id, "123456", "852741"); await id("pin-submit").click(); await id("key-said").waitFor(); } },
  { name: "pin-change-pad", hash: mine({ scenario: "pin-pad" }), act: async (_, id) => { await id("key-change-pin").click(); await id("pin-why").waitFor(); } },
  { name: "pin-unblock", hash: mine({ tries: "locked" }), act: open("key-unblock") },
  { name: "pin-unblock-last", hash: mine({ scenario: "officer-last" }), act: open("key-unblock") },
  { name: "pin-unblock-wrong", hash: mine({ tries: "locked" }), act: async (page, id) => { await open("key-unblock")(page, id); await typed(id, "00000000", "852741"); await id("pin-submit").click(); await id("pin-refused").waitFor(); } },
  { name: "pin-locked-login", hash: { scenario: "key", tries: "locked" }, act: async (_, id) => { await id("log-in").click(); await id("login-pin").click(); await id("pin-how-unblock").waitFor(); } },
  { name: "pin-must-change-login", hash: { scenario: "must-change" }, act: async (_, id) => { await id("log-in").click(); await id("login-pin").click(); await id("pin-change-first").waitFor(); } },
  { name: "pin-changed-on-the-way", hash: { scenario: "must-change" }, act: async (_, id) => { await id("log-in").click(); await id("login-pin").click(); await id("pin-change-first").click(); await typed(id, "123456", "852741"); await id("pin-submit").click(); await id("pin-passed").waitFor(); } },
  { name: "pin-again", hash: { scenario: "key" }, act: async (page, id) => { await again(page); await id("pin-again-input").waitFor(); } },
  { name: "pin-again-refused", hash: { scenario: "key" }, act: async (page, id) => { await again(page, { tries: "last", refused: "last" }); await id("pin-again-submit").click(); } },
];
