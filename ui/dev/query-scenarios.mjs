// Pictures of 查询服务.
const room = JSON.stringify({ name: "query" });
const ask = (values) => async (_, id) => {
  for (const [name, value] of Object.entries(values)) await id(`query-${name}`).fill(value);
  await id("query-submit").click();
};
const pair = { number: "CD20261122000017", phone: "13800138000" };
const asked = (testid, values = pair) => async (page, id) => {
  await ask(values)(page, id);
  await id(testid).first().waitFor();
};

export const queryScenarios = [
  { name: "query", hash: {}, act: async (_, id) => { await id("menu-query").click(); await id("query-number").waitFor(); } },
  { name: "query-one", hash: { room }, act: ask({ number: "CD20261122000017" }) },
  { name: "query-faults", hash: { room }, act: async (page, id) => { await ask({ identity: "91350100M000100Y44", phone: "138" })(page, id); await page.locator(".fault .icon").first().waitFor(); } },
  { name: "query-found", hash: { room }, act: asked("query-result") },
  { name: "query-found-yours", hash: { room, state: "needs_correction", found: "2" }, act: asked("query-result", { identity: "91350100M000100Y43", phone: "13800138000" }) },
  { name: "query-none", hash: { room, found: "0" }, act: asked("query-none") },
  { name: "query-limited", hash: { room, found: "limited" }, act: asked("query-limited") },
  { name: "query-offline", hash: { room, fail: "query_applications:service_unreachable", scenario: "offline" }, act: asked("failure") },
];
