// One draft as the guide shows it: the program's last answer, the uploads' live progress, and what is being typed.
import { reactive, shallowRef } from "vue";
import { app } from "@/app";
import { commands, type AttachmentView, type DraftView, type Event, type UploadState } from "@/bindings";
import { createSaver, type Saver } from "./saver";

export interface OpenDraft {
  readonly id: string;
  /** `null` until the program answered. */
  readonly view: DraftView | null;
  readonly saver: Saver;
  /** Carries out a command and shows the draft it answers. */
  ask: (command: () => Promise<DraftView>) => Promise<void>;
  load: () => Promise<void>;
  open: () => void;
  /** The page goes; what is typed is saved all the same. */
  close: () => void;
}

/** Drafts that were left while something typed was still on its way to disk. */
const leftBehind = new Map<string, OpenDraft>();

/** Opens the draft for a page; the page closes it. */
export function openDraft(id: string): OpenDraft {
  const draft = leftBehind.get(id) ?? createDraft(id);
  draft.open();
  return draft;
}

function createDraft(id: string): OpenDraft {
  const view = shallowRef<DraftView | null>(null);
  /** Uploads as last told by an event: fresher than an answer that was read from disk. */
  const live = new Map<string, UploadState>();
  let asked = 0;
  let shown = 0;
  let stop: (() => void) | null = null;

  async function ask(command: () => Promise<DraftView>): Promise<void> {
    const mine = ++asked;
    const answer = await command();
    // Overtaken, for example by saves while the dialog for files stood open: neither answer knows of both changes.
    if (mine < shown) return load();
    shown = mine;
    view.value = patched(answer, (attachment) => withProgress(attachment, live.get(attachment.id)));
  }

  function load(): Promise<void> {
    return ask(() => commands.draft(id));
  }

  const saver = createSaver((field, value) => ask(() => commands.saveField(id, field, value)));

  function take(event: Event): void {
    // Another computer worked on it, or its case moved on.
    if (changedItself(event, id)) return void load().catch(() => undefined);
    if (event.kind !== "upload" || event.draft !== id) return;
    live.set(event.attachment, event.upload);
    if (view.value) view.value = patched(view.value, (attachment) => (attachment.id === event.attachment ? { ...attachment, upload: event.upload } : attachment));
    // Whether the requirement is met is for the program to say.
    if (event.upload.kind === "done" || event.upload.kind === "failed") load().catch(() => undefined);
  }

  function leave(): void {
    void saver.flush();
  }

  const self: OpenDraft = reactive({
    id,
    view,
    saver,
    ask,
    load,
    open() {
      leftBehind.delete(id);
      stop ??= app.onEvent(take);
      window.addEventListener("pagehide", leave);
      window.addEventListener("blur", leave);
    },
    close() {
      stop?.();
      stop = null;
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("blur", leave);
      if (saver.pending.size === 0) return;
      leftBehind.set(id, self);
      void saver.flush().then((saved) => {
        if (saved && leftBehind.get(id) === self) leftBehind.delete(id);
      });
    },
  });
  return self;
}

function changedItself(event: { kind: string; id?: unknown }, draft: string): boolean {
  return event.kind === "draft" && event.id === draft;
}

function patched(view: DraftView, change: (attachment: AttachmentView) => AttachmentView): DraftView {
  return { ...view, files: view.files.map((file) => ({ ...file, attachments: file.attachments.map(change) })) };
}

/** On disk stands which phase an upload is in, not how far it is. */
function withProgress(attachment: AttachmentView, upload: UploadState | undefined): AttachmentView {
  const moves = upload?.kind === "hashing" || upload?.kind === "sending";
  return moves && upload.kind === attachment.upload.kind ? { ...attachment, upload } : attachment;
}
