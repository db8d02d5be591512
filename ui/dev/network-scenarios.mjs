// Network settings, and what is said where a network does not let through.
const network = JSON.stringify({ name: "network" });
const asking = { scenario: "proxy-login" };
const away = (code, detail) => ({ scenario: "network", code, detail });

async function manual(id, host, port) {
  await id("proxy-manual").click();
  await id("field-proxy-host").fill(host);
  await id("field-proxy-port").fill(port);
}

async function inDialog(_, id) {
  await id("key-details").click();
  await id("key-dialog").waitFor();
}

export const networkScenarios = [
  { name: "network", hash: { room: network } },
  { name: "network-script", hash: { room: network, pac: "1" } },
  { name: "network-script-away", hash: { room: network, pac: "proxy_script_unfetched", ...away("proxy_script_unfetched", "HTTP 404") } },
  { name: "network-manual", hash: { room: network }, act: async (_, id) => { await manual(id, "proxy.corp.example", "8080"); await id("network-save").click(); await id("network-saved").waitFor(); } },
  { name: "network-faults", hash: { room: network }, act: async (_, id) => { await manual(id, "", "80800"); await id("network-save").click(); } },
  { name: "network-asks", hash: { room: network, ...asking } },
  { name: "proxy-login", hash: asking, act: (_, id) => id("proxy-dialog").waitFor() },
  { name: "proxy-login-refused", hash: asking, act: async (_, id) => { await id("field-proxy-name").fill("wang.ming"); await id("field-proxy-password").fill("guessed"); await id("proxy-log-in").click(); await id("proxy-refused").waitFor(); } },
  { name: "network-proxy-away", hash: away("proxy_unreachable", "connection refused"), act: inDialog },
  { name: "network-wants-login", hash: away("network_login", "HTTP 302, no TLS"), act: inDialog },
  { name: "network-replaced", hash: { room: network, ...away("service_replaced", "Office Firewall CA") } },
  { name: "network-moved", hash: { room: network, ...away("service_moved", "portal.hotel.example") } },
  { name: "network-clock", hash: { room: network, ...away("clock_wrong", "-525600 min") } },
];
