// The registration form as it is typed: one draft for all three kinds, so that changing the kind loses nothing.
import type { AccountKind, IdKind, Organisation, Person, Registration } from "@/bindings";

export const ID_KINDS: readonly IdKind[] = ["resident_id", "passport", "hk_macao_permit", "taiwan_permit", "foreign_permanent_resident", "officer_id"];

export interface RegistrationDraft {
  kind: AccountKind;
  organisation: Organisation;
  contact: Person;
  phone: string;
  email: string;
  address: { region: string; detail: string };
}

function person(): Person {
  return { name: "", id_kind: "resident_id", id_number: "" };
}

export function emptyRegistration(): RegistrationDraft {
  return { kind: "enterprise", organisation: { name: "", credit_code: "", legal_representative: person() }, contact: person(), phone: "", email: "", address: { region: "", detail: "" } };
}

/** What is checked and sent: blanks around a value are nobody's intention, small letters in codes are not either. */
export function registrationOf(draft: RegistrationDraft): Registration {
  const clean = ({ name, id_kind, id_number }: Person): Person => ({ name: name.trim(), id_kind, id_number: id_number.trim().toUpperCase() });
  return {
    kind: draft.kind,
    organisation: draft.kind === "individual" ? null : {
      name: draft.organisation.name.trim(),
      credit_code: draft.organisation.credit_code.trim().toUpperCase(),
      legal_representative: clean(draft.organisation.legal_representative),
    },
    contact: clean(draft.contact),
    phone: draft.phone.trim(),
    email: draft.email.trim(),
    address: { region: draft.address.region, detail: draft.address.detail.trim() },
  };
}
