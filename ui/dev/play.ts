// Playing a person on whole pages, over the program of `fake.ts`: what the tests of journeys through several pages share.
import { mount, type VueWrapper } from "@vue/test-utils";
import { afterEach, vi } from "vitest";
import type { Route } from "@/route";
import type { Fake } from "./fake";

vi.setConfig({ testTimeout: 30_000 });

/** Pages are loaded when they are entered, and slowly on a busy machine. */
const PATIENCE = { timeout: 15_000, interval: 10 };

let page: VueWrapper | undefined;
export let fake: Fake;
/** Arguments of every call of a command, oldest first. */
export let given: Record<string, any[]>;
/** Where the window is. */
export let current: () => Route;

afterEach(() => {
  close();
  localStorage.clear();
});

function close(): void {
  page?.unmount();
  page = undefined;
  document.body.replaceChildren();
}

/** Opens the window at `room`, over the program as `wanted` describes it; one that is open closes. */
export async function open(room: Route, wanted: Record<string, string>, agreementAccepted = false): Promise<void> {
  close();
  vi.resetModules();
  const { install } = await import("./fake");
  fake = install(new URLSearchParams(wanted));
  given = {};
  for (const [name, answer] of Object.entries(fake.answers)) fake.answers[name] = (args: any) => ((given[name] ??= []).push(args), answer(args));
  const { app, useRoute } = await import("@/app");
  const App = (await import("@/App.vue")).default;
  await app.start();
  app.agreementAccepted = agreementAccepted;
  current = () => useRoute().current.value;
  useRoute().go(room);
  page = mount(App, { attachTo: document.body });
}

export const all = (id: string) => [...document.querySelectorAll<HTMLInputElement>(`[data-testid="${id}"]`)];
export const find = (id: string) => all(id)[0] ?? null;
/** Waits until `check` throws nothing. */
export const until = (check: () => void) => vi.waitFor(check, PATIENCE);
const here = () => `on ${current().name}:\n${document.body.textContent}`;
/** Waits for it. */
export const seen = (id: string) => vi.waitFor(() => find(id) ?? Promise.reject(new Error(`${id} does not show ${here()}`)), PATIENCE);
/** Presses it, once it can be pressed. */
export const press = (id: string) => until(() => {
  const button = find(id);
  if (!button || button.disabled) throw new Error(`${id} cannot be pressed ${here()}`);
  button.click();
});
/** Types into it and leaves it. */
export async function type(id: string, value: string): Promise<void> {
  const field = await seen(id);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("blur"));
}
