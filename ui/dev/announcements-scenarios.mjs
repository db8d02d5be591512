const room = JSON.stringify({ name: "announcements" });
const check = (revocation, by) => ({ hash: { scenario: "key", revocation, room }, act: async (_, id) => { await id(by).click(); await id("revocation-status").waitFor(); await id("revocation-status").scrollIntoViewIfNeeded(); } });

export const announcementScenarios = [
  { name: "announcements", hash: {}, act: async (_, id) => { await id("menu-announcements").click(); await id("announcement-row").first().waitFor(); } },
  { name: "announcements-search", hash: { room }, act: async (_, id) => { await id("announcements-search").fill("䶮"); await id("announcement-row").first().filter({ hasText: "王䶮" }).waitFor(); } },
  { name: "announcements-dates", hash: { room }, act: async (_, id) => { await id("announcements-from").fill("2026-11-22"); await id("announcements-to").fill("2026-11-01"); } },
  { name: "announcements-more", hash: { room }, act: async (page, id) => { await id("announcements-more").click(); await page.waitForFunction(() => document.querySelectorAll('[data-testid="announcement-row"]').length === 100); await id("announcements-more").scrollIntoViewIfNeeded(); } },
  { name: "announcements-none", hash: { room }, act: async (_, id) => { await id("announcements-search").fill("没有这一家"); await id("announcements-none").waitFor(); } },
  { name: "announcements-empty", hash: { announced: "none", scenario: "no-key", room } },
  { name: "announcements-failed", hash: { fail: "announcements:service_unreachable", scenario: "offline", room }, act: (_, id) => id("failure").waitFor() },
  { name: "announcements-revoked", ...check("revoked", "revocation-pick") },
  { name: "announcements-good", ...check("good", "revocation-key") },
  { name: "announcements-expired", ...check("expired", "revocation-pick") },
  { name: "announcements-unknown", ...check("offline", "revocation-pick") },
  { name: "announcements-no-certificate", hash: { fail: "check_revocation_of_file:not_a_certificate", room }, act: async (_, id) => { await id("revocation-pick").click(); await id("failure").waitFor(); } },
];
