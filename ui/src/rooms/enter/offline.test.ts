// 离线查看 through the real pages, over the program of `dev/fake.ts`.
import { expect, test } from "vitest";
import type { Route } from "@/route";
import { current, fake, find, given, open as openWith, press, seen, type, until } from "../../../dev/play";

const open = (room: Route, more: Record<string, string>) => openWith(room, { delay: "0", ...more });
const login: Route = { name: "login", next: { name: "applications" } };

test("away, the same password reads what was seen, after the true reason was told", async () => {
  await open(login, { scenario: "offline", login: "service_unreachable" });
  expect((await seen("offline-offer")).textContent).toContain("连不上服务，可以先离线查看");
  await type("login-account", "qy82640193");
  await type("login-password", "Yunfan-2026 ");
  await press("login-submit");
  expect((await seen("failure")).dataset["code"]).toBe("service_unreachable");
  expect(find("login-password")!.value, "it need not be typed again").toBe("Yunfan-2026 ");
  await type("login-password", "Yunfan-2026");
  await press("offline-read");
  const banner = await seen("offline-banner");
  expect(given.read_offline).toEqual([{ account: "qy82640193", password: "Yunfan-2026" }]);
  expect(banner.textContent).toContain("离线查看：显示");
  await until(() => expect(current().name).toBe("applications"));
  expect(find("as-last-seen"), "it is said once").toBeNull();
});

test("a wrong password says which is meant, and a wait is told in minutes", async () => {
  await open(login, { scenario: "offline", refused: "offline_too_soon" });
  await type("login-account", "qy82640193");
  await type("login-password", "a-guess");
  await press("offline-read");
  const said = await seen("failure");
  expect(said.dataset["code"]).toBe("offline_too_soon");
  expect(said.textContent).toContain("请在 4 分钟后再试。");
  expect(find("login-password")!.value, "a wrong one does not stay").toBe("");
});

test("it is offered where the service is away and something is kept, and nowhere else", async () => {
  await open(login, { scenario: "offline", choices: "none" });
  await until(() => expect(given.offline_choices?.length).toBeGreaterThan(0));
  expect(find("offline-offer")).toBeNull();
  await open(login, {});
  await seen("login-submit");
  expect([find("offline-offer"), given.offline_choices]).toEqual([null, undefined]);
});

test("a key is asked for its PIN with the purpose of its own", async () => {
  await open(login, { scenario: "key", away: "network_login" });
  await press("offline-read");
  expect((await seen("pin-why")).textContent).toContain("什么也不会发出去");
  const field = await seen("pin-input");
  field.value = "123456";
  document.querySelector("#pin-form")!.dispatchEvent(new Event("submit", { cancelable: true }));
  await seen("offline-banner");
  expect(given.prepare_pin).toEqual([{ purpose: { kind: "read_offline", key: expect.any(String) } }]);
});

test("while it lasts nothing is called valid, and what is done waits", async () => {
  await open({ name: "certificates" }, { session: "token", scenario: "key", reading: "1" });
  await seen("certificates-offline");
  expect(document.body.textContent, "the service is there, and answers for nothing yet").not.toContain("证书有效");
});

test("when the service is back the way to log in leads back to where one was", async () => {
  await open({ name: "applications" }, { session: "password", reading: "1", scenario: "offline" });
  const banner = await seen("offline-banner");
  expect(banner.dataset["back"]).toBe("false");
  fake.home.service = { ...fake.home.service, reachable: true, failure: null };
  fake.emit({ kind: "service", service: fake.home.service });
  await until(() => expect(find("offline-banner")?.dataset["back"]).toBe("true"));
  await press("offline-log-in");
  expect((await seen("login-account")).value, "it is most often the same person").toBe("qy82640193");
  expect(find("offline-log-in"), "one is there already").toBeNull();
  await type("login-account", "qy82640193");
  await type("login-password", "Yunfan-2026");
  fake.answers.log_in_with_password = () => (fake.home.session = { ...fake.home.session!, offline: null });
  await press("login-submit");
  await until(() => expect(current().name).toBe("applications"));
  expect(find("offline-banner")).toBeNull();
});

test("who logs in as another comes to their own home, not to what stood open", async () => {
  await open({ name: "applications" }, { session: "password", reading: "1" });
  await press("offline-log-in");
  await type("login-account", "qy99999999");
  await type("login-password", "Yunfan-2026");
  const other = { ...fake.home.session!, offline: null, account: { ...fake.home.session!.account, name: "qy99999999" } };
  fake.answers.log_in_with_password = () => (fake.home.session = other);
  await press("login-submit");
  await until(() => expect(current().name).toBe("home"));
});
