// Taking a case back while the service is away, through the real pages over the program of `dev/fake.ts`.
import { mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, expect, test, vi } from "vitest";
import type { Fake } from "../../../dev/fake";

vi.setConfig({ testTimeout: 30_000 });

const CASE = "0192f0c1-0000-7000-8000-000000000017";
let page: VueWrapper;
let fake: Fake;
afterEach(() => {
  page.unmount();
  document.body.replaceChildren();
  localStorage.clear();
});

const find = (id: string) => document.querySelector<HTMLButtonElement>(`[data-testid="${id}"]`);
const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 10 });
const press = async (id: string) => {
  await until(() => expect(find(id)?.disabled, `${id}:\n${document.body.textContent}`).toBe(false));
  find(id)!.click();
};

async function open(more: Record<string, string>): Promise<void> {
  vi.resetModules();
  const { install } = await import("../../../dev/fake");
  fake = install(new URLSearchParams({ delay: "0", session: "password", state: "submitted", ...more }));
  const { app, useRoute } = await import("@/app");
  const App = (await import("@/App.vue")).default;
  await app.start();
  useRoute().go({ name: "application", id: CASE });
  page = mount(App, { attachTo: document.body });
}

test("away it is queued with one's knowledge, and can stay after all", async () => {
  await open({ scenario: "offline" });
  await press("application-withdraw");
  await until(() => expect(find("withdraw-away")?.textContent).toContain("受理方仍会照常审核"));
  expect(find("withdraw-confirm"), "nothing can be taken back at once").toBeNull();
  await press("withdraw-queue");
  await until(() => expect(find("withdrawal-queued")?.textContent).toContain("撤回已排队"));
  expect([find("application-withdraw"), find("withdraw-queue")], "once is enough").toEqual([null, null]);
  await press("withdrawal-keep");
  await until(() => expect(find("application-withdraw")).not.toBeNull());
  expect(fake.calls).toEqual(expect.arrayContaining(["queue_withdrawal", "drop_withdrawal"]));
  expect(fake.calls).not.toContain("withdraw_application");
});

test("one that was refused says why and that the case goes on", async () => {
  await open({ state: "awaiting_issuance", withdrawal: "refused" });
  await until(() => expect(find("withdrawal-refused")?.textContent).toContain("仍按现在的进度办理"));
  await press("withdrawal-keep");
  await until(() => expect(find("withdrawal-refused")).toBeNull());
});

test("one that waits for the key is signed from here", async () => {
  await open({ session: "token", scenario: "key", withdrawal: "needs_key" });
  await press("withdrawal-now");
  await until(() => expect(document.querySelector("#pin-form")).not.toBeNull());
  expect(fake.calls).toContain("withdraw_application");
});

test("who reads offline is told that it goes after a login", async () => {
  await open({ reading: "1", withdrawal: "waiting" });
  await until(() => expect(find("withdrawal-queued")?.textContent).toContain("登录以后自动撤回"));
});

test("the list and 通知消息 show one that was not taken", async () => {
  await open({ state: "awaiting_issuance", withdrawal: "refused" });
  const { useRoute } = await import("@/app");
  useRoute().go({ name: "applications" });
  await until(() => expect(find("case-queued")?.dataset["state"]).toBe("refused"));
  expect(find("case-queued")!.textContent).toBe("没有撤回成功");
  useRoute().go({ name: "notices" });
  await press("notices-kept-act");
  await until(() => expect(useRoute().current.value).toEqual({ name: "application", id: CASE }));
});
