// Where the window is, and where it may go. No addresses: a page is a name with what it needs to know.
import { shallowRef, type ShallowRef } from "vue";
import type { Business, Receipt, Step } from "./bindings";

/** Every page, with what it needs to know. A gate (agreement, login, change-password) leads on to `next`. */
export interface Pages {
  /** `said`: what was just done. */
  home: { said?: "deleted" };
  agreement: { next: Route };
  login: { next: Route };
  register: { next: Route };
  registered: { maskedPhone: string; next: Route };
  "change-password": { next: Route };
  /** 挂失: without the key. `from`: a page one only passes through, to go back to. */
  "lost-key": { account?: string; from?: Route };
  /** A new password by SMS. */
  "reset-password": { next: Route; account?: string };
  /** Which business. */
  business: object;
  /** Which certificate it is about. */
  choose: { business: Business };
  /** The four steps on one draft. Without `step`: the one it stands at. */
  guide: { draft: string; step?: Step };
  /** After the submission. */
  receipt: { receipt: Receipt };
  /** `words`: what the list is narrowed to. */
  applications: { words?: string };
  application: { id: string };
  issuance: { application: string };
  /** `open`: the fingerprint of one whose details are shown. */
  certificates: { open?: string };
  /** 我的认证锁: one key. */
  key: { id: string };
  notices: object;
  account: { tab?: "data" | "access" | "local" };
  query: object;
  /** `check`: the doctor looks at once. */
  support: { check?: boolean };
  /** Driver modules, under 服务支持. */
  modules: object;
  /** `search`: what is looked for at once. */
  announcements: { search?: string };
  /** Proxy and bandwidth. */
  network: object;
  "demo-desk": object;
}
export type PageName = keyof Pages;
export type Route = { [N in PageName]: { name: N } & Pages[N] }[PageName];

/** What must be the case before a page opens, in the order to ask for it. */
type Gate = "agreement" | "login" | "change-password";
const GATES: Partial<Record<PageName, readonly Gate[]>> = {
  register: ["agreement"],
  business: ["agreement", "login", "change-password"],
  choose: ["agreement", "login", "change-password"],
  guide: ["login", "change-password"],
  applications: ["login", "change-password"],
  application: ["login", "change-password"],
  issuance: ["login", "change-password"],
  notices: ["login", "change-password"],
  account: ["login", "change-password"],
};

/** What the gates look at. */
export interface Standing {
  agreementAccepted: boolean;
  loggedIn: boolean;
  mustChangePassword: boolean;
}

/** `wanted` itself, or the gate to pass first. */
export function guarded(wanted: Route, standing: Standing): Route {
  const open: Record<Gate, boolean> = {
    agreement: standing.agreementAccepted,
    login: standing.loggedIn,
    "change-password": !standing.mustChangePassword,
  };
  const closed = GATES[wanted.name]?.find((gate) => !open[gate]);
  return closed === undefined ? wanted : { name: closed, next: wanted };
}

/** Pages one passes through: going back never shows them again. */
const PASSING: ReadonlySet<PageName> = new Set(["agreement", "login", "register", "registered", "change-password", "lost-key", "reset-password", "receipt"]);

export interface Router {
  current: Readonly<ShallowRef<Route>>;
  /** Opens a page, or the gate before it. */
  go: (wanted: Route) => void;
  /** Back to the page before; home when there is none. */
  back: () => void;
  /** Looks at the gates again, after the session ended or began. */
  recheck: () => void;
}

export function createRouter(standing: () => Standing): Router {
  const current = shallowRef<Route>({ name: "home" });
  const past: Route[] = [];

  function open(route: Route): void {
    current.value = route;
  }

  return {
    current,
    go(wanted) {
      const from = current.value;
      if (wanted.name === "home") past.length = 0;
      else if (!PASSING.has(from.name)) past.push(from);
      open(guarded(wanted, standing()));
    },
    back() {
      let before = past.pop() ?? { name: "home" };
      // Pages behind a gate that closed meanwhile are skipped, not asked for again.
      while (guarded(before, standing()) !== before) before = past.pop() ?? { name: "home" };
      open(before);
    },
    recheck() {
      open(guarded(current.value, standing()));
    },
  };
}

