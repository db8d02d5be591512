// The search.
const search = (typed) => async (page, id) => {
  await page.keyboard.press("Control+k");
  await id("search-input").fill(typed);
  await page.waitForFunction((text) => document.querySelector('[data-testid="search-found"]')?.dataset.answered === text, typed);
};
const open = async (page, id) => {
  await id("search").click();
  await id("search-hint").waitFor();
};
const mine = { session: "password", certificates: "mixed" };

export const searchScenarios = [
  { name: "applications-many", hash: { session: "password", many: "100000", room: JSON.stringify({ name: "applications" }) }, act: async (page, id) => {
    await id("applications-list").waitFor();
    for (let step = 0; step < 12; step++) { await page.mouse.move(500, 500); await page.mouse.wheel(0, 4000); await page.waitForTimeout(60); }
  } },
  { name: "search-open", hash: mine, act: open },
  { name: "search-logged-out", hash: {}, act: open },
  { name: "search-name", hash: { ...mine, drafts: "1", found: "many" }, act: search("云帆") },
  { name: "search-handler", hash: { ...mine, drafts: "1" }, act: search("王䶮") },
  { name: "search-sound", hash: mine, act: async (page, id) => { await search("yf")(page, id); await page.keyboard.press("ArrowDown"); } },
  { name: "search-number", hash: mine, act: search("CD20261122000017") },
  { name: "search-none", hash: { ...mine, announced: "none" }, act: search("查无此人") },
  { name: "search-offline", hash: { ...mine, scenario: "offline", fail: "announcements:service_unreachable" }, act: search("2026") },
  { name: "search-failed", hash: { ...mine, fail: "search:storage_failed" }, act: search("云帆") },
];
