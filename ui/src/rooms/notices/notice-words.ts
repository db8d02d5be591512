// What a notice says, how urgent it is, and where it leads.
import type { Notice, NoticeSubject } from "@/bindings";
import type { Route } from "@/route";
import { locale, t } from "@/text";
import { date, daysLeft } from "@/text/format";

export interface NoticeWords {
  icon: "document" | "warning" | "clock" | "stop" | "check" | "seal";
  tone: "quiet" | "good" | "warn" | "danger";
  title: string;
  lead: string;
  /** Beside the title, where there is something short to say. */
  mark: string | null;
  to: Route;
}

type Expiry = Extract<NoticeSubject, { kind: "expiry" }>;

function expiry({ not_after, subject: holder }: Expiry, latest: boolean, now: number): NoticeWords {
  const days = daysLeft(not_after, now);
  const to: Route = { name: "certificates" };
  if (days < 0) return { icon: "clock", tone: latest ? "danger" : "quiet", title: t("notices.ended"), lead: t(latest ? "notices.ended_lead" : "notices.older", { holder }), mark: t("notices.ended_on", { date: date(not_after) }), to };
  const mark = days === 0 ? t("notices.ends_today") : t("notices.ends_in", { days });
  return { icon: "clock", tone: latest ? "warn" : "quiet", title: t("notices.ends", { date: date(not_after) }), lead: t(latest ? "notices.ends_lead" : "notices.older", { holder }), mark: latest ? mark : null, to };
}

/** `latest`: no newer notice says more about the same thing. */
export function noticeWords({ subject }: Notice, latest: boolean, now = Date.now()): NoticeWords {
  switch (subject.kind) {
    case "expiry":
      return expiry(subject, latest, now);
    case "revoked":
      return { icon: "stop", tone: latest ? "danger" : "quiet", title: t("notices.revoked"), lead: t("notices.revoked_lead", { holder: subject.subject }), mark: null, to: { name: "certificates" } };
    case "application": {
      const { state, number, application } = subject;
      const yours = state === "needs_correction" || state === "awaiting_issuance";
      const business = t(`business.${subject.business}`);
      return {
        icon: state === "needs_correction" ? "warning" : state === "awaiting_issuance" ? "seal" : state === "rejected" ? "stop" : state === "completed" || state === "approved" ? "check" : "document",
        tone: !latest ? "quiet" : yours ? "warn" : state === "rejected" ? "danger" : state === "completed" || state === "approved" ? "good" : "quiet",
        title: t(`notices.state.${state}`, { business }),
        // What was to do then is not to do now.
        lead: latest ? t(`notices.state_lead.${state}`) : "",
        mark: number && t("notices.number", { number }),
        to: { name: "application", id: application },
      };
    }
  }
}

/** What a notice is about: notices about the same thing follow each other. */
function about({ subject }: Notice): string {
  return subject.kind === "application" ? subject.application : subject.serial;
}

/** Notices of one day, with the newest first. */
export interface Day {
  title: string;
  notices: { notice: Notice; latest: boolean }[];
}

function dayTitle(instant: string, now: number): string {
  const day = (time: number) => new Date(time).toDateString();
  const then = new Date(instant).getTime();
  if (day(then) === day(now)) return t("notices.today");
  if (day(then) === day(now - 86_400_000)) return t("notices.yesterday");
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return sameYear ? new Intl.DateTimeFormat(locale(), { month: "long", day: "numeric", weekday: "long" }).format(then) : date(instant);
}

/** Newest first in, grouped by the day of this computer's calendar. */
export function byDay(notices: readonly Notice[], now = Date.now()): Day[] {
  const seen = new Set<string>();
  const days: Day[] = [];
  for (const notice of notices) {
    const latest = !seen.has(about(notice));
    seen.add(about(notice));
    const title = dayTitle(notice.at, now);
    if (days.at(-1)?.title !== title) days.push({ title, notices: [] });
    days.at(-1)!.notices.push({ notice, latest });
  }
  return days;
}
