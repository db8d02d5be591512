// What a business may be begun about, and why not.
import { app } from "@/app";
import type { ApplicationView, Business, CertificateView } from "@/bindings";
import { t } from "@/text";
import { date } from "@/text/format";

/** Businesses that are about a certificate there is; the others make the first, or one in place of a lost one. */
export function needsCertificate(business: Business): boolean {
  return business === "change" || business === "renew" || business === "revoke";
}

/** On which key it is, as far as this computer can tell. */
export function placeOf({ on_keys }: Pick<CertificateView, "on_keys">): string {
  const key = app.keys?.keys.find(({ id }) => on_keys.includes(id));
  return key ? t("choose.plugged", { key: key.label || key.model }) : t("choose.unplugged");
}

/** The open case about a certificate. */
export function openCase(cases: readonly ApplicationView[], serial: string): ApplicationView | null {
  return cases.find(({ application }) => application.particulars.certificate === serial && application.state !== "draft" && application.next_actor !== "nobody") ?? null;
}

/** Why a business cannot be begun about a certificate; `null`: it can. The program says whether, this says why. */
export function whyNot(certificate: CertificateView, business: Business, cases: readonly ApplicationView[], reachable: boolean, now = Date.now()): string | null {
  if (certificate.businesses.includes(business)) return null;
  const { status, renewal, successor, revocation, days_left } = certificate;
  if (status === "revoked" || revocation !== null) return t("choose.why.revoked");
  if (successor !== null) return t("choose.why.succeeded");
  if (status === null) return reachable ? t("choose.why.unknown") : t("choose.why.offline");
  if (status === "issued") return t("choose.why.issued");
  const busy = openCase(cases, certificate.serial);
  if (busy) return t("choose.why.busy", { business: t(`business.${busy.application.business}`), number: busy.application.number ?? t("cases.no_number") });
  if (business === "renew" && renewal !== null) {
    if (new Date(renewal.opens_at).getTime() > now) return t("choose.why.renew_later", { date: date(renewal.opens_at) });
    if (new Date(renewal.closes_at).getTime() < now) return t("choose.why.renew_closed", { date: date(renewal.closes_at) });
  }
  if (days_left < 0) return t("choose.why.expired");
  // There is one case about a certificate at a time, and a draft is one already.
  return app.drafts.some((draft) => draft.business !== business && needsCertificate(draft.business)) ? t("choose.why.draft") : t("choose.why.other");
}

/** 续订 as a sentence about the calendar; `null` where there is nothing to say. */
export function renewalText({ renewal, successor, revocation, status, businesses }: CertificateView, now = Date.now()): string | null {
  if (renewal === null || successor !== null || revocation !== null || status === "revoked") return null;
  if (new Date(renewal.opens_at).getTime() > now) return t("certificate.renew_later", { date: date(renewal.opens_at) });
  if (new Date(renewal.closes_at).getTime() < now) return t("certificate.renew_closed", { date: date(renewal.closes_at) });
  return businesses.includes("renew") ? t("certificate.renew_open", { date: date(renewal.closes_at) }) : null;
}
