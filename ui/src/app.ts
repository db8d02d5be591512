// What the whole window knows: session, keys, service, settings, drafts. Loaded once by `home` and kept by the events
// of the program; pages read it and never copy it.
import { listen } from "@tauri-apps/api/event";
import { computed, reactive, ref, shallowRef } from "vue";
import { commands, type Catalogue, type Event, type Failure, type Home, type Region, type SessionView, type Settings, type StorageView } from "./bindings";
import * as doors from "./doors";
import { toFailure } from "./failure";
import { createRouter, type Route } from "./route";
import { setLocale } from "./text";

type Listener = (event: Event) => void;

const home = shallowRef<Home | null>(null);
const failure = shallowRef<Failure | null>(null);
const agreementAccepted = ref(false);
/** The session ended without the person asking for it: the login page says so, */
const sessionLost = ref(false);
/** and why, where it is known. */
const sessionEnd = shallowRef<Failure | null>(null);
/** The end of the session that comes now is asked for. */
let leaving = false;
/** Notices that were not read. */
const unread = ref(0);
const listeners = new Set<Listener>();
/** What was told while `home` was being asked: newer than the answer. */
const told = new Set<Partial<Home>>();
const router = createRouter(() => ({
  // Who reads without the service accepted it at a login; the next one asks where it must.
  agreementAccepted: agreementAccepted.value || home.value?.session?.offline != null,
  loggedIn: home.value?.session != null,
  mustChangePassword: home.value?.session?.must_change_password ?? false,
}));

function patch(part: Partial<Home>): void {
  for (const newer of told) Object.assign(newer, part);
  if (home.value !== null) home.value = { ...home.value, ...part };
}

function setSession(session: SessionView | null, unasked: Failure | null = null): void {
  const had = home.value?.session != null;
  const another = session !== null && session.account.name !== home.value?.session?.account.name;
  patch({ session });
  if (another) void countNotices();
  if (session !== null) sessionLost.value = false;
  else if (had && !leaving) {
    sessionLost.value = true;
    sessionEnd.value = unasked;
    router.recheck();
  }
  if (session === null) unread.value = 0;
}

/** How many wait; from then on the program says so itself. Without an answer the mark is not there, no more. */
async function countNotices(): Promise<void> {
  const mine = home.value?.session?.account.name;
  const view = await commands.notices().catch(() => null);
  if (view !== null && home.value?.session?.account.name === mine) unread.value = view.unread;
}

function take(event: Event): void {
  switch (event.kind) {
    case "keys":
      patch({ keys: event.keys });
      break;
    case "session":
      setSession(event.session, event.unasked);
      break;
    case "storage":
      setStorage(event.storage);
      break;
    case "service":
      patch({ service: event.service });
      break;
    case "notices":
      unread.value = event.unread;
      break;
    case "refused":
      void refresh();
      break;
  }
  for (const listener of listeners) listener(event);
}

/** Remembered by the webview so that the next start begins in the right look; the program's own setting decides. */
const LOOK = "certdesk.look";

function applySettings(settings: Settings): void {
  if (settings.theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = settings.theme;
  void setLocale(settings.locale);
  try {
    localStorage.setItem(LOOK, JSON.stringify(settings));
  } catch {
    // Without storage the first paint follows the system; nothing else depends on it.
  }
}

function rememberedLook(): Settings {
  try {
    const { locale, theme } = JSON.parse(localStorage.getItem(LOOK) ?? "{}") as Partial<Settings>;
    return { locale: locale === "en" ? "en" : "zh-CN", theme: theme === "light" || theme === "dark" ? theme : "system" };
  } catch {
    return { locale: "zh-CN", theme: "system" };
  }
}

/** Loads it, and keeps it by the events of the program. Answers when there is something to draw. */
async function start(): Promise<void> {
  applySettings(rememberedLook());
  const listening = listen<Event>("certdesk", ({ payload }) => take(payload));
  await refresh();
  // What changed between the answer and the first event was told to nobody.
  void listening.then(refresh).catch((thrown: unknown) => (failure.value = toFailure(thrown)));
}

/** Reads all of it again, for example the drafts when the home page opens. */
async function refresh(): Promise<void> {
  const newer: Partial<Home> = {};
  told.add(newer);
  try {
    const before = home.value?.session?.account.name;
    const answer = await doors.home();
    home.value = { ...answer, ...newer, ...(leaving && { session: null }) };
    failure.value = null;
    const now = home.value.session?.account.name;
    if (now !== undefined && now !== before) void countNotices();
    applySettings(home.value.settings);
  } catch (thrown) {
    failure.value = toFailure(thrown);
  } finally {
    told.delete(newer);
  }
}

async function saveSettings(settings: Settings): Promise<void> {
  patch({ settings });
  applySettings(settings);
  await commands.saveSettings(settings);
}

/** What the program answered about the data on this computer. */
function setStorage(storage: StorageView): void {
  patch({ storage });
  // What was left out of the first page is there now.
  if (storage.state.kind === "open") void refresh();
}

async function logOut(): Promise<void> {
  leaving = true;
  try {
    // Here at once, so that the event that follows is no surprise to anybody.
    patch({ session: null });
    unread.value = 0;
    router.go({ name: "home" });
    await commands.logOut();
  } finally {
    leaving = false;
  }
}

/** Forgets what this computer keeps of the account; that ends the session. */
async function deleteLocalData(): Promise<void> {
  leaving = true;
  try {
    await commands.deleteLocalData();
    setSession(null);
    router.go({ name: "home", said: "deleted" });
  } finally {
    leaving = false;
  }
}

/** Failures that say something about the whole window, not only about the page they happened on. */
function noteFailure({ code }: Failure): void {
  if (code === "stale_consent") {
    agreementAccepted.value = false;
    router.recheck();
  } else if (code === "session_ended" || code === "unauthenticated") {
    setSession(null);
  } else if (code === "password_change_required" && home.value?.session != null) {
    setSession({ ...home.value.session, must_change_password: true });
    router.recheck();
  }
}

function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A text of the service is asked for once; a failed try is made again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load().catch((thrown: unknown) => ((loaded = undefined), Promise.reject(thrown))));
}

export const app = reactive({
  /** `null` until the program answered the first time. */
  home,
  /** Why it did not. */
  failure,
  session: computed(() => home.value?.session ?? null),
  /** What is shown is as last seen: the service is away, or does not know who reads. */
  away: computed(() => home.value?.service.reachable === false || home.value?.session?.offline != null),
  /** The service is there and answers for what is shown. */
  connected: computed(() => home.value?.service.reachable === true && home.value.session?.offline == null),
  keys: computed(() => home.value?.keys ?? null),
  service: computed(() => home.value?.service ?? null),
  settings: computed<Settings>(() => home.value?.settings ?? rememberedLook()),
  demo: computed(() => home.value?.demo ?? false),
  storage: computed(() => home.value?.storage ?? null),
  drafts: computed(() => home.value?.drafts ?? []),
  /** Cases that are to be taken back. */
  withdrawals: computed(() => home.value?.withdrawals ?? []),
  /** The service agreement was accepted in this run. */
  agreementAccepted,
  sessionLost,
  sessionEnd,
  unread,
  start,
  refresh,
  saveSettings,
  setStorage,
  setSession,
  logOut,
  deleteLocalData,
  noteFailure,
  /** Calls `listener` for every event after the shared state took it; answers how to stop. */
  onEvent,
  /** Agreement, notes, requirements: what the service says, asked for once. */
  catalogue: once<Catalogue>(() => commands.catalogue()),
  /** All administrative divisions. */
  regions: once<Region[]>(() => commands.regions()),
});

/** Where the window is: `useRoute().go({ name: "applications" })`. */
export function useRoute() {
  return router;
}
export type { Route };
