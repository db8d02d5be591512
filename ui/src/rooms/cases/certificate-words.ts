// What may be said of a certificate. "Valid" is said only where the authority was asked and said so.
import type { CertificateStatus, CertificateView } from "@/bindings";
import { hasText, locale, t, type TextKey } from "@/text";

export type Tone = "plain" | "good" | "warn" | "danger";
export type Shown = CertificateStatus | "unknown" | "early";
export interface Standing {
  status: Shown;
  tone: Tone;
  /** Why it is so, one sentence. */
  lead: TextKey;
}

/** From here on the days left are a warning, and from there on an alarm. */
const WARN_DAYS = 90;
const DANGER_DAYS = 15;

/** How urgent the end is: a matter of the calendar alone. */
export function daysTone(days: number): Tone {
  if (days <= DANGER_DAYS) return "danger";
  return days <= WARN_DAYS ? "warn" : "plain";
}

export interface Known {
  /** The service answered when it was last asked. */
  reachable: boolean;
  loggedIn: boolean;
}

/** How a certificate stands. What ended stays ended; whether it is good must be known now. */
export function standing(certificate: Pick<CertificateView, "status" | "days_left" | "not_before">, known: Known, now = Date.now()): Standing {
  const { status, days_left, not_before } = certificate;
  if (status === "revoked") return { status, tone: "danger", lead: "certificate.status_lead.revoked" };
  if (status === "expired" || days_left < 0) return { status: "expired", tone: "danger", lead: "certificate.status_lead.expired" };
  if (new Date(not_before).getTime() > now) return { status: "early", tone: "warn", lead: "certificate.status_lead.early" };
  if (status === null || !known.reachable || !known.loggedIn) {
    const lead = !known.loggedIn ? "certificate.status_lead.unknown_logged_out" : known.reachable ? "certificate.status_lead.unknown" : "certificate.status_lead.unknown_offline";
    return { status: "unknown", tone: "warn", lead };
  }
  if (status === "issued") return { status, tone: "warn", lead: "certificate.status_lead.issued" };
  return { status, tone: "good", lead: "certificate.status_lead.active" };
}

/** `还有 203 天`, `今天到期`, `已过期 3 天` */
export function daysText(days: number): string {
  if (days < 0) return t("certificate.over", { days: -days });
  return days === 0 ? t("certificate.today") : t("certificate.days", { days });
}

/** What a usage is called; its technical name stays in sight for the helpdesk where there is no word. */
export function usageName(usage: string): string {
  const key = `certificate.usage.${usage}`;
  return hasText(key) ? t(key) : usage;
}

/** `数字签名、不可否认签名和登录认证` */
export function listed(words: readonly string[]): string {
  return new Intl.ListFormat(locale()).format(words);
}

/** `5f:3a:91`: easier to compare by eye and by telephone. */
export function grouped(hex: string): string {
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return (even.match(/../g) ?? []).join(":");
}

/** The certificate that 制证 just put onto `key`: of those with their private key there, the newest. */
export function newestOn(certificates: readonly CertificateView[], key: string | null): CertificateView | null {
  return newest(certificates.filter((one) => one.has_private_key && (key === null || one.on_keys.includes(key))));
}

/** The newest of all, wherever its key is. */
export function newest(certificates: readonly CertificateView[]): CertificateView | null {
  return [...certificates].sort((a, b) => b.not_before.localeCompare(a.not_before))[0] ?? null;
}

/** Kind of a key for people: 国密 is what clerks call it. */
export function algorithmName(algorithm: string): string {
  return algorithm === "SM2" ? t("certificate.sm2") : algorithm;
}
