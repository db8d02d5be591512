// The demo desk's commands. In its own window they go through its own door, which knows no others.
import { invoke } from "@tauri-apps/api/core";
import type { Application, Catalogue, Home, Region, SmsMessage, Verdict } from "@/bindings";

/** This page is the desk's own window, not the main one. */
export const inDeskWindow = /^#desk\b/.test(location.hash);

const call = <T>(name: string, args: object = {}): Promise<T> => invoke<T>(inDeskWindow ? "desk_call" : "call", { name, args });

export const desk = {
  home: () => call<Home>("home"),
  sms: () => call<SmsMessage[]>("demo_sms"),
  queue: () => call<Application[]>("demo_queue"),
  review: (id: string, verdict: Verdict) => call<Application>("demo_review", { id, verdict }),
  /** Names of the files asked for, and of regions. */
  catalogue: () => call<Catalogue>("catalogue"),
  regions: () => call<Region[]>("regions"),
};

/** Account and initial password, where a message carries them. */
export function credentials(text: string): { account: string | null; password: string | null } {
  const found = (pattern: RegExp) => pattern.exec(text)?.[1] ?? null;
  return { account: found(/账号[：:]\s*([A-Za-z0-9_-]+)/), password: found(/密码[：:]\s*([\x21-\x7e]+)/) };
}

/** A decision is open. */
export function waits(application: Pick<Application, "state">): boolean {
  return application.state === "submitted" || application.state === "in_review";
}
