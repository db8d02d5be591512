import { flushPromises, mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import type { DraftView, QueuedView as Queued } from "@/bindings";

const invoke = vi.hoisted(() => vi.fn());
vi.mock("@tauri-apps/api/core", () => ({ invoke }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import type { OpenDraft } from "./draft";
import QueuedView from "./QueuedView.vue";

const failure = { code: "draft_changed" as const, retriable: false, detail: null, faults: [], retry_after: null };

function shown(queued: Queued) {
  const draft = { id: "d", ask: (command: () => Promise<DraftView>) => command() } as unknown as OpenDraft;
  const view = { id: "d", business: "new", queued } as unknown as DraftView & { queued: Queued };
  return mount(QueuedView, { props: { draft, view } });
}
const pressed = async (page: ReturnType<typeof shown>, name: string) => {
  invoke.mockResolvedValue({});
  await page.get(`[data-testid="${name}"]`).trigger("click");
  await flushPromises();
  return invoke.mock.calls.at(-1)?.[1] as { name: string };
};

test("what waits says so and can be taken back", async () => {
  const page = shown({ state: "waiting", at: "2026-11-22T06:03:05Z", tries: 2, failure: { ...failure, code: "service_unreachable" } });
  expect(page.get('[data-testid="queued-state"]').text()).toContain("恢复网络后自动提交");
  expect(page.find('[data-testid="queued-retry"]').exists()).toBe(false);
  expect((await pressed(page, "queued-take-back")).name).toBe("take_back_submission");
});

test("what was refused says why, and is tried again or taken back", async () => {
  const page = shown({ state: "refused", at: "2026-11-22T06:03:05Z", tries: 1, failure });
  expect(page.get('[data-testid="queued-why"]').attributes("data-code")).toBe("draft_changed");
  expect((await pressed(page, "queued-retry")).name).toBe("retry_submission");
  expect((await pressed(page, "queued-take-back")).name).toBe("take_back_submission");
});

test("what needs the key is handed in by hand", async () => {
  const page = shown({ state: "needs_key", at: "2026-11-22T06:03:05Z", tries: 1, failure: null });
  expect((await pressed(page, "queued-send")).name).toBe("submit");
});
