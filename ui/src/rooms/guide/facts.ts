// Facts about a draft in the words of the window.
import type { AttachmentView, DraftView, FileKind, Handler, Remark, Step } from "@/bindings";
import { t } from "@/text";
import { bytes, duration } from "@/text/format";

export const STEPS: readonly Step[] = ["handler", "form", "files", "submit"];

const KINDS: Record<FileKind, string> = { pdf: "PDF", jpeg: "JPG", png: "PNG", mp4: "MP4", webm: "WebM" };

export function kindsText(kinds: readonly FileKind[]): string {
  const names = kinds.map((kind) => KINDS[kind]);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(t("guide.files.and"))}${t("guide.files.or")}${names.at(-1)}`;
}

/** `JPG · 2.3 MB · 1654 × 2339 像素`. Of a file at the service alone only the size is known. */
export function attachmentText(attachment: AttachmentView): string {
  const size = bytes(attachment.bytes);
  if (!attachment.on_this_computer) return [size, t("guide.files.elsewhere")].join(" · ");
  const [width, height] = attachment.pixels ?? [0, 0];
  return [
    KINDS[attachment.kind], size,
    width > 0 ? t("guide.files.pixels", { width, height }) : "",
    attachment.duration_ms !== null ? t("guide.files.length", { length: duration(attachment.duration_ms) }) : "",
  ].filter(Boolean).join(" · ");
}

export function isVideo(kind: FileKind): boolean {
  return kind === "mp4" || kind === "webm";
}

/** What stands in the field of this dotted name. */
export function valueOf(handler: Handler, field: string): string {
  let value: unknown = handler;
  for (const part of field.split(".")) value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === "string" ? value : "";
}

/** What each step still lacks. */
export function stepsOf(view: DraftView): Record<Step, { done: boolean; open: boolean }> {
  const handler = view.faults.length === 0;
  return {
    handler: { done: handler, open: true },
    form: { done: handler && view.form !== null, open: handler },
    files: { done: view.sensitive_data_accepted && view.files.every((file) => file.satisfied), open: handler },
    submit: { done: false, open: handler },
  };
}

export function remarksOn(view: DraftView, kind: "field" | "files", name: string): Remark[] {
  return view.remarks.filter(({ target }) => target.kind === kind && target.name === name);
}

/** Remarks about the whole case, and about what this program has no place for: never lost. */
export function generalRemarks(view: DraftView, fields: readonly string[]): Remark[] {
  return view.remarks.filter(({ target }) => {
    if (target.kind === "field") return !fields.includes(target.name);
    if (target.kind === "files") return !view.files.some(({ requirement }) => requirement.id === target.name);
    return true;
  });
}

/** The application notes were read for this draft. */
const NOTES = "certdesk.notes.";
export function notesRead(id: string): boolean {
  try {
    return localStorage.getItem(NOTES + id) !== null;
  } catch {
    return false;
  }
}
export function markNotesRead(id: string): void {
  try {
    localStorage.setItem(NOTES + id, "1");
  } catch {
    // They show once more the next time; nothing else depends on it.
  }
}
