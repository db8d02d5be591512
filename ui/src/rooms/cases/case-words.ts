// What a case says about itself: whose turn, what to do, what a remark is about.
import type { AccountKind, Application, Catalogue, Region, RemarkTarget, RevocationReason, State } from "@/bindings";
import { hasText, said, t } from "@/text";

/** How a state feels: as in the badge of the design. */
export type CaseTone = "plain" | "busy" | "yours" | "good" | "bad";
export const TONES: Record<State, CaseTone> = {
  draft: "plain", submitted: "busy", in_review: "busy", needs_correction: "yours", approved: "good", awaiting_issuance: "yours", completed: "good", rejected: "bad", withdrawn: "plain",
};

/** The one main act on a case, if it is the applicant's turn in this program. */
export type CaseAct = "correct" | "issue" | null;
export function actOf({ state, next_actor }: Pick<Application, "state" | "next_actor">): CaseAct {
  // In `awaiting_issuance` the authority's counter may be the one to act.
  if (next_actor !== "applicant") return null;
  if (state === "needs_correction") return "correct";
  return state === "awaiting_issuance" ? "issue" : null;
}

/** When it changed last; `null` before anything happened. */
export function changedAt({ history }: Pick<Application, "history">): string | null {
  return history.at(-1)?.at ?? null;
}

/** Name of a case for tests and lists: its number, before there is one its technical name. */
export function nameOf({ number, id }: Pick<Application, "number" | "id">): string {
  return number ?? id;
}

/** Title of a requirement; its technical name where the catalogue no longer has it. */
export function requirementTitle(catalogue: Catalogue | null, id: string): string {
  const all = catalogue?.offers.flatMap((offer) => offer.requirements) ?? [];
  const found = all.find((requirement) => requirement.id === id);
  return found ? said(found.title) : id;
}

export function fieldName(name: string): string {
  const key = `field.${name.replace(/^change\./, "")}`;
  return hasText(key) ? t(key) : name;
}

/** Why a certificate is revoked, in plain words. */
export function reasonName(reason: RevocationReason): string {
  return t(`announcements.reason.${reason}`);
}

/** The same in the words the applicant chose it by, where the service still has them. */
export function chosenReason(catalogue: Catalogue | null, reason: RevocationReason, account: AccountKind | null): string {
  const offer = catalogue?.offers.find((one) => one.business === "revoke" && one.account === account);
  const choice = offer?.reasons.find((one) => one.reason === reason);
  return choice ? said(choice.text) : reasonName(reason);
}

/** What a case changes: names and new values. */
export function changesOf({ particulars }: Pick<Application, "particulars">): { field: string; name: string; value: string }[] {
  return Object.entries(particulars.changes).map(([field, value]) => {
    const kind = `id_kind.${value}`;
    return { field, name: fieldName(field), value: field.endsWith("id_kind") && hasText(kind) ? t(kind) : value };
  });
}

/** What a case is about in one line: whose certificate, what changes, why it is revoked. */
export function aboutOf(application: Pick<Application, "particulars" | "certificate_subject">): string {
  const { reason } = application.particulars;
  const changes = changesOf(application).map(({ name, value }) => `${name} ${t("change.only_to", { to: value })}`);
  return [application.certificate_subject ?? "", ...changes, reason ? reasonName(reason) : ""].filter(Boolean).join(" · ");
}

export function targetName(target: RemarkTarget, catalogue: Catalogue | null): string {
  switch (target.kind) {
    case "field":
      return fieldName(target.name);
    case "files":
      return requirementTitle(catalogue, target.name);
    case "case":
      return t("cases.remark_case");
  }
}

/** `福建省福州市鼓楼区`; the code itself where it is not known. */
export function regionNames(regions: readonly Region[], code: string): string {
  const names: string[] = [];
  let level = regions;
  for (const length of [2, 4, 6]) {
    const found = level.find((region) => region.code === code.slice(0, length));
    if (!found) return code;
    names.push(found.name);
    level = found.children ?? [];
  }
  // 市辖区 of a municipality says nothing.
  return names.filter((name) => name !== "市辖区" && name !== "县").join("");
}
