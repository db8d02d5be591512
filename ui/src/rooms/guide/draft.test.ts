import { beforeEach, expect, test, vi } from "vitest";
import type { DraftView, Event, UploadState } from "@/bindings";

const world = vi.hoisted(() => ({
  listeners: new Set<(event: Event) => void>(),
  saveField: vi.fn<(id: string, field: string, value: string) => Promise<DraftView>>(),
  draft: vi.fn<() => Promise<DraftView>>(),
}));
vi.mock("@/app", () => ({ app: { onEvent: (listener: (event: Event) => void) => (world.listeners.add(listener), () => world.listeners.delete(listener)) } }));
vi.mock("@/bindings", () => ({ commands: { saveField: world.saveField, draft: world.draft } }));
const { openDraft } = await import("./draft");

function view(more: Partial<DraftView> = {}, upload: UploadState = { kind: "queued" }): DraftView {
  return {
    id: "d", business: "new", state: "draft", step: "handler", faults: [], form: null, remarks: [], editable_fields: [], sensitive_data_accepted: true, particulars: { certificate: null, changes: {}, reason: null }, change_fields: [], certificate: null, steps: ["handler", "form", "files", "submit"], form_signing: null, conflicts: [], queued: null, video_script: null, saved_at: "2026-11-22T06:03:05Z",
    handler: { credit_code: "", address: { region: "", detail: "" }, person: { name: "", id_kind: "resident_id", id_number: "" }, phone: "", email: "" },
    files: [{ requirement: { id: "licence" } as never, satisfied: false, editable: true, attachments: [{ id: "a", requirement: "licence", name: "a.pdf", kind: "pdf", bytes: 100, pixels: null, duration_ms: null, on_this_computer: true, upload }] }],
    ...more,
  };
}
/** A promise and how to keep it. */
function later<T>() {
  let resolve!: (value: T) => void;
  let reject!: (thrown: unknown) => void;
  const promise = new Promise<T>((keep, fail) => ([resolve, reject] = [keep, fail]));
  return { promise, resolve, reject };
}
const upload = (state: UploadState) => world.listeners.forEach((listener) => listener({ kind: "upload", draft: "d", attachment: "a", upload: state }));
const shown = (draft: ReturnType<typeof openDraft>) => draft.view?.files[0]?.attachments[0]?.upload;

beforeEach(() => {
  world.listeners.clear();
  world.saveField.mockReset();
  world.draft.mockReset();
});

test("leaving the page saves the last keystroke", () => {
  const draft = openDraft("leave");
  world.saveField.mockReturnValue(later<DraftView>().promise);
  draft.saver.set("phone", "13800138000");
  draft.close();
  expect(world.saveField).toHaveBeenCalledExactlyOnceWith("leave", "phone", "13800138000");
});

test("what could not be saved on leaving is still there on coming back", async () => {
  const draft = openDraft("back");
  const answer = later<DraftView>();
  world.saveField.mockReturnValue(answer.promise);
  draft.saver.set("phone", "13800138000");
  draft.close();
  answer.reject({ code: "session_ended", retriable: false, detail: null, faults: [], retry_after: null });
  await vi.waitFor(() => expect(draft.saver.failure).not.toBeNull());

  const again = openDraft("back");
  expect(again.saver.pending.get("phone"), "the login in between lost the phone number").toBe("13800138000");
  world.saveField.mockResolvedValue(view());
  expect(await again.saver.flush()).toBe(true);
  again.close();
  expect(openDraft("back"), "a draft with nothing left to save is read anew").not.toBe(again);
});

test("closing the window saves what is typed", () => {
  const draft = openDraft("window");
  world.saveField.mockReturnValue(later<DraftView>().promise);
  draft.saver.set("email", "a@example.cn");
  window.dispatchEvent(new window.Event("pagehide"));
  expect(world.saveField).toHaveBeenCalledOnce();
  draft.close();
});

test("an answer that was overtaken is asked for again instead of undoing the newer one", async () => {
  const draft = openDraft("d");
  const picking = later<DraftView>();
  const picked = draft.ask(() => picking.promise);
  await draft.ask(async () => view({ saved_at: "newer" }));
  world.draft.mockResolvedValue(view({ saved_at: "both" }));
  picking.resolve(view({ saved_at: "older" }));
  await picked;
  expect(draft.view?.saved_at).toBe("both");
  draft.close();
});

test("progress of an upload does not jump back when the draft is read from disk", async () => {
  const draft = openDraft("d");
  await draft.ask(async () => view({}, { kind: "sending", done: 0 }));
  upload({ kind: "sending", done: 70 });
  expect(shown(draft)).toEqual({ kind: "sending", done: 70 });
  await draft.ask(async () => view({}, { kind: "sending", done: 0 }));
  expect(shown(draft)).toEqual({ kind: "sending", done: 70 });
  await draft.ask(async () => view({}, { kind: "cancelled" }));
  expect(shown(draft), "another phase on disk is the truth").toEqual({ kind: "cancelled" });
  draft.close();
});

test("when an upload ends, the program says whether the requirement is met", async () => {
  const draft = openDraft("d");
  await draft.ask(async () => view({}, { kind: "sending", done: 0 }));
  world.draft.mockResolvedValue(view({ saved_at: "reread" }, { kind: "done" }));
  upload({ kind: "done" });
  await vi.waitFor(() => expect(draft.view?.saved_at).toBe("reread"));
  draft.close();
});

test("a draft that changed on another computer is read again, another draft is not", async () => {
  const draft = openDraft("d");
  world.draft.mockResolvedValue(view());
  await draft.load();
  const tell = (id: string) => world.listeners.forEach((listener) => listener({ kind: "draft", id } as unknown as Event));
  tell("other");
  expect(world.draft).toHaveBeenCalledTimes(1);
  world.draft.mockResolvedValue(view({ conflicts: [{ field: "phone", mine: "13800138000", theirs: "13900139000" }] }));
  tell("d");
  await vi.waitFor(() => expect(draft.view?.conflicts).toHaveLength(1));
  draft.close();
});
