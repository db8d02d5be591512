// Facts about a draft in the words of the window.
import { app } from "@/app";
import type { AttachmentView, DraftView, FieldFault, FileKind, Handler, Region, Remark, RevocationReason, Step } from "@/bindings";
import { faultText } from "@/form/faults";
import { fieldName, reasonName, regionNames } from "@/rooms/cases/case-words";
import { hasText, t } from "@/text";
import { bytes, duration } from "@/text/format";
import { FIELDS } from "./fields";

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
export function valueOf({ handler, particulars }: Pick<DraftView, "handler" | "particulars">, field: string): string {
  if (field.startsWith(CHANGE)) return particulars.changes[field.slice(CHANGE.length)] ?? "";
  return partOf(handler, field);
}
function partOf(handler: Handler, field: string): string {
  let value: unknown = handler;
  for (const part of field.split(".")) value = (value as Record<string, unknown> | undefined)?.[part];
  return typeof value === "string" ? value : "";
}

/** What is not right in step 1. Why a certificate is revoked is asked on its own page. */
export function handlerFaults(view: Pick<DraftView, "faults">): FieldFault[] {
  return view.faults.filter(({ field }) => field !== "reason");
}

/** What each step still lacks. Which of them there are is told by `view.steps`. */
export function stepsOf(view: DraftView): Record<Step, { done: boolean; open: boolean }> {
  const handler = handlerFaults(view).length === 0;
  return {
    handler: { done: handler, open: true },
    form: { done: handler && view.form !== null, open: handler },
    files: { done: view.sensitive_data_accepted && view.files.every((file) => file.satisfied), open: handler },
    submit: { done: false, open: handler },
  };
}

/** The fields of step 1 of this draft, as the program names them: what changes first, then the handler. */
export function fieldsOf(view: DraftView): string[] {
  return [...view.change_fields.map(({ field }) => CHANGE + field), ...FIELDS];
}

/** Begins the name of a field that changes. */
export const CHANGE = "change.";

/** What a field is called, whether of the handler or one that changes. */
export function fieldLabel(field: string): string {
  const name = field.startsWith(CHANGE) ? field.slice(CHANGE.length) : field;
  const key = app.session?.account.registration.kind === "individual" ? name.replace(/^contact\b/, "applicant") : name;
  return fieldName(key);
}

/** What stands in a field, in words. */
export function fieldWords(field: string, value: string, regions: readonly Region[]): string {
  if (value === "") return "";
  if (field.endsWith("id_kind")) {
    const key = `id_kind.${value}`;
    return hasText(key) ? t(key) : value;
  }
  if (field === "address.region") return regionNames(regions, value);
  if (field === "reason") return reasonName(value as RevocationReason);
  return value;
}

/** What is wrong, in words. */
export function faultWords({ field, fault }: FieldFault): string {
  if (field === "change") return t("change.nothing");
  if (field === "reason") return t("revoke.must_reason");
  return `${fieldLabel(field)}${t("mark.colon")}${faultText(field, fault)}`;
}

/** What changes, from the old value to the new. */
export function changesOf(view: DraftView): { name: string; value: string; mono?: boolean }[] {
  return view.change_fields.flatMap(({ field, now }) => {
    const to = view.particulars.changes[field];
    return to === undefined || to === "" || to === now ? [] : [{ name: fieldLabel(field), value: t("change.to", { from: fieldWords(field, now, []) || t("merge.empty"), to: fieldWords(field, to, []) }), mono: field.endsWith("id_number") }];
  });
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
