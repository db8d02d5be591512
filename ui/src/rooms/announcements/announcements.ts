// What is asked of the announcements, and what may be said of one certificate.
import type { AnnouncementQuery, CheckedCertificate, RevocationStatus } from "@/bindings";
import { t } from "@/text";
import { dateTime } from "@/text/format";
import type { Tone } from "@/rooms/cases/certificate-words";

/** What stands in the fields: dates as `2026-11-22`, empty for none. */
export interface Wanted {
  search: string;
  from: string;
  to: string;
}

/** The days are this computer's; the last one counts whole. `null` where they do not fit each other. */
export function questionOf({ search, from, to }: Wanted, cursor: string | null = null): AnnouncementQuery | null {
  if (from !== "" && to !== "" && from > to) return null;
  return { search: search.trim(), from: midnight(from, 0), to: midnight(to, 1), cursor };
}

function midnight(day: string, after: number): string | null {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return null;
  return new Date(year, month - 1, date + after).toISOString();
}

export function isEverything({ search, from, to }: Wanted): boolean {
  return search.trim() === "" && from === "" && to === "";
}

/** "Not revoked" is good only while the certificate is also in its time. */
export function toneOf(status: RevocationStatus, { not_before, not_after }: CheckedCertificate, now = Date.now()): Exclude<Tone, "plain"> {
  if (status.kind === "revoked") return "danger";
  const inTime = Date.parse(not_before) <= now && now <= Date.parse(not_after);
  return status.kind === "good" && inTime ? "good" : "warn";
}

/** The sentences under the status. */
export function leadsOf(status: RevocationStatus, { not_before, not_after }: CheckedCertificate, now = Date.now()): string[] {
  switch (status.kind) {
    case "revoked":
      return [t("revocation.revoked_lead", { time: dateTime(status.at), reason: t(`announcements.reason.${status.reason}`) })];
    case "unknown":
      return [t(`revocation.unknown.${status.why}`), t("revocation.unknown_lead")];
    case "good": {
      const leads = [t("revocation.good_lead", { time: dateTime(status.as_of), number: status.crl_number })];
      if (Date.parse(not_after) < now) leads.push(t("revocation.good_expired"));
      else if (Date.parse(not_before) > now) leads.push(t("revocation.good_early"));
      return leads;
    }
  }
}
