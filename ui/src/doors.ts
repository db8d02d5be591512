// Doors of the shell beside the table of commands: what does not fit JSON. The PIN leaves the page here and nowhere
// else, once, as raw bytes that are overwritten as soon as they are handed over.
import { invoke } from "@tauri-apps/api/core";
import { commands, type Home, type PinOutcome } from "./bindings";

declare global {
  interface Window {
    /** What the shell asked of the program as this document began (`window.rs`). */
    certdeskHome?: Promise<Home>;
  }
}

/** What the program knows: as it was asked before this script was there, or anew. */
export function home(): Promise<Home> {
  const asked = window.certdeskHome;
  delete window.certdeskHome;
  return asked ?? commands.home();
}

/** Hands over the PIN for `ticket` and overwrites `pin`. `confirmed` is the explicit yes to the last try. */
export async function submitPin(ticket: string, pin: Uint8Array, confirmed: boolean): Promise<PinOutcome> {
  try {
    return await invoke<PinOutcome>("submit_pin", pin, {
      headers: { "certdesk-ticket": ticket, "certdesk-confirmed": String(confirmed) },
    });
  } finally {
    pin.fill(0);
  }
}

/** The application form of this draft, as PDF bytes. */
export function formPdf(id: string): Promise<ArrayBuffer> {
  return invoke<ArrayBuffer>("form_pdf", { id });
}

/** A picked picture or PDF, to look at (at most 32 MiB). */
export function preview(attachment: string): Promise<ArrayBuffer> {
  return invoke<ArrayBuffer>("preview", { attachment });
}

/** Opens the system's print dialog on what the page shows for print. */
export function printPage(): Promise<void> {
  return invoke<void>("print");
}

/** The page is interactive: benchmarks are told, to nobody else it matters. */
export function uiReady(): void {
  invoke("ui_ready").catch(() => undefined);
}
