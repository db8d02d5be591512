// What was found, as lines of one list, and the parts of a text to mark.
import { commands, type Announcement, type CertificateHit, type Notice, type SearchView, type State } from "@/bindings";
import type { Route } from "@/route";
import { t } from "@/text";
import { date, dateTime } from "@/text/format";
import { aboutOf } from "@/rooms/cases/case-words";
import { noticeWords } from "@/rooms/notices/notice-words";

export type Kind = "applications" | "drafts" | "certificates" | "notices" | "announcements";

/** One line. */
export interface Line {
  id: string;
  icon: "document" | "clock" | "seal" | "bell" | "stop" | "next";
  title: string;
  /** Shown as a badge beside the title. */
  state?: State;
  /** What it is about, then where else the words were found. */
  leads: string[];
  /** Quiet and small: numbers, times. */
  facts: string[];
  /** What to mark in all of these. */
  pieces: readonly string[];
  to: Route;
  /** Besides going there. */
  act?: () => void;
}

export interface Group {
  kind: Kind;
  lines: Line[];
}

/** Shown of the announcements; the rest is on their own page. */
const MOST_ANNOUNCEMENTS = 3;

/** What is known here, group by group. */
export function groupsOf(view: SearchView, question: string): Group[] {
  const applications = view.applications.map(({ application, pieces, said }): Line => ({
    id: `application-${application.id}`, icon: "document", title: t(`business.${application.business}`), state: application.state,
    leads: [aboutOf(application), said ?? ""].filter(Boolean),
    facts: [application.number ?? t("cases.no_number"), application.changed_at === null ? "" : t("cases.changed", { time: dateTime(application.changed_at) })].filter(Boolean),
    pieces, to: { name: "application", id: application.id },
  }));
  const drafts = view.drafts.map(({ draft, pieces, said }): Line => ({
    id: `draft-${draft.id}`, icon: "clock", title: t("search.draft", { business: t(`business.${draft.business}`) }), leads: said ? [said] : [],
    facts: [t("cases.draft_at", { step: t(`step.${draft.step}`), time: dateTime(draft.changed_at) })], pieces, to: { name: "guide", draft: draft.id },
  }));
  const groups: Group[] = [
    { kind: "applications", lines: [...applications, ...more(view.more_applications, "applications", { name: "applications", words: question })] },
    { kind: "drafts", lines: drafts },
    { kind: "certificates", lines: [...view.certificates.map(certificate), ...more(view.more_certificates, "certificates", { name: "certificates" })] },
    { kind: "notices", lines: [...view.notices.map(({ notice, pieces }) => noticeLine(notice, pieces)), ...more(view.more_notices, "notices", { name: "notices" })] },
  ];
  return groups.filter(({ lines }) => lines.length > 0);
}

/** What the service has published; `null` where there is nothing of it. */
export function announcementsOf(announcements: readonly Announcement[], question: string): Group | null {
  const lines = announcements.slice(0, MOST_ANNOUNCEMENTS).map((one): Line => ({
    id: `announcement-${one.serial}`, icon: "stop", title: one.subject, leads: [t(`announcements.reason.${one.reason}`)],
    facts: [dateTime(one.revoked_at), one.serial], pieces: [question], to: { name: "announcements", search: one.serial },
  }));
  const rest = more(announcements.length > MOST_ANNOUNCEMENTS, "announcements", { name: "announcements", search: question });
  return lines.length === 0 ? null : { kind: "announcements", lines: [...lines, ...rest] };
}

function certificate({ fingerprint, holder, serial, not_after, pieces }: CertificateHit): Line {
  return { id: `certificate-${fingerprint}`, icon: "seal", title: holder, leads: [t("key.valid_until", { date: date(not_after) })], facts: [serial], pieces, to: { name: "certificates", open: fingerprint } };
}

function noticeLine(notice: Notice, pieces: readonly string[]): Line {
  const words = noticeWords(notice, true);
  return {
    id: `notice-${notice.id}`, icon: "bell", title: words.title, leads: [words.lead].filter(Boolean), facts: [words.mark ?? "", dateTime(notice.at)].filter(Boolean), pieces, to: words.to,
    // What could not be marked stays unread; nobody need be told.
    act: () => void (notice.read || commands.markNoticesRead([notice.id]).catch(() => null)),
  };
}

function more(there: boolean, kind: Exclude<Kind, "drafts">, to: Route): Line[] {
  return there ? [{ id: `more-${kind}`, icon: "next", title: t(`search.more_${kind}`), leads: [], facts: [], pieces: [], to }] : [];
}

/** A text cut where one of the pieces stands in it. */
export function marked(text: string, pieces: readonly string[]): { text: string; hit: boolean }[] {
  const wanted = pieces.filter((piece) => piece.trim() !== "").map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (wanted.length === 0) return [{ text, hit: false }];
  const parts = text.split(new RegExp(`(${wanted.sort((a, b) => b.length - a.length).join("|")})`, "giu"));
  return parts.map((part, index) => ({ text: part, hit: index % 2 === 1 })).filter((part) => part.text !== "");
}
