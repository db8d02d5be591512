// The account's data as rows to show and as a form to edit.
import type { AccountChange, AccountView, Address, Person, Region } from "@/bindings";
import { regionNames } from "@/rooms/cases/case-words";
import * as mask from "@/rooms/cases/mask";
import { t } from "@/text";

export interface DataRow {
  /** Dotted name as the program has it. */
  field: string;
  name: string;
  value: string;
  /** What to show until asked for; absent where there is nothing to hide. */
  masked?: string;
  mono?: boolean;
  /** A certificate fixes it. */
  fixed: boolean;
}

export interface Section {
  id: "unit" | "contact" | "reach";
  title: string;
  rows: DataRow[];
}

/** `x***@example.cn` */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf("@");
  return at < 1 ? address : `${[...address.slice(0, at)][0]}***${address.slice(at)}`;
}

/** Everything of the registration, in the order of its form. */
export function sections({ registration, fixed_fields }: AccountView, regions: readonly Region[]): Section[] {
  const row = (field: string, name: string, value: string, more: Partial<DataRow> = {}): DataRow => ({ field, name, value, fixed: fixed_fields.includes(field), ...more });
  const person = (prefix: "organisation.legal_representative" | "contact", { name, id_kind, id_number }: Person): DataRow[] => {
    const authority = prefix !== "contact" && registration.kind === "authority";
    const words = authority ? ([t("register.representative_name_authority"), t("register.representative_id_kind_authority"), t("register.representative_id_number_authority")] as const)
      : prefix === "contact" && registration.kind === "individual" ? ([t("field.applicant.name"), t("field.applicant.id_kind"), t("field.applicant.id_number")] as const)
      : ([t(`field.${prefix}.name`), t(`field.${prefix}.id_kind`), t(`field.${prefix}.id_number`)] as const);
    return [row(`${prefix}.name`, words[0], name), row(`${prefix}.id_kind`, words[1], t(`id_kind.${id_kind}`)), row(`${prefix}.id_number`, words[2], id_number, { masked: mask.idNumber(id_number), mono: true })];
  };
  const unit = registration.organisation;
  const own: Section[] = [
    { id: "contact", title: registration.kind === "individual" ? t("account.applicant") : t("account.contact"), rows: person("contact", registration.contact) },
    {
      id: "reach", title: t("account.reach"), rows: [
        row("phone", t("field.phone"), registration.phone, { masked: mask.phone(registration.phone), mono: true }),
        row("email", t("field.email"), registration.email, { masked: maskEmail(registration.email) }),
        row("address.region", t("field.address.region"), regionNames(regions, registration.address.region)),
        row("address.detail", t("field.address.detail"), registration.address.detail),
      ],
    },
  ];
  if (unit === null) return own;
  return [
    {
      id: "unit", title: registration.kind === "authority" ? t("register.authority") : t("account.unit"), rows: [
        row("organisation.name", registration.kind === "authority" ? t("register.name_authority") : t("field.organisation.name"), unit.name),
        row("organisation.credit_code", t("field.organisation.credit_code"), unit.credit_code, { mono: true }),
        ...person("organisation.legal_representative", unit.legal_representative),
      ],
    },
    ...own,
  ];
}

/** What its owner may edit, as it is typed. */
export interface AccountDraft {
  contact: Person;
  phone: string;
  code: string;
  email: string;
  address: Address;
}

export function draftOf({ registration }: AccountView): AccountDraft {
  return { contact: { ...registration.contact }, phone: registration.phone, code: "", email: registration.email, address: { ...registration.address } };
}

/** Whether another phone stands there than the one on record. */
export function phoneChanges(draft: AccountDraft, { registration }: AccountView): boolean {
  return draft.phone.trim() !== registration.phone;
}

/** What is checked and sent; the code goes along only with a new phone. */
export function changeOf(draft: AccountDraft, account: AccountView): AccountChange {
  return {
    contact: { name: draft.contact.name.trim(), id_kind: draft.contact.id_kind, id_number: draft.contact.id_number.trim().toUpperCase() },
    phone: draft.phone.trim(),
    ...(phoneChanges(draft, account) && { phone_code: draft.code }),
    email: draft.email.trim(),
    address: { region: draft.address.region, detail: draft.address.detail.trim() },
  };
}

/** Whether anything differs from what is on record. */
export function isChanged(draft: AccountDraft, account: AccountView): boolean {
  const { phone_code: _, ...change } = changeOf(draft, account);
  const { contact, phone, email, address } = account.registration;
  const flat = (of: Pick<AccountChange, "contact" | "phone" | "email" | "address">) => [of.contact.name, of.contact.id_kind, of.contact.id_number, of.phone, of.email, of.address.region, of.address.detail].join("\n");
  return flat(change) !== flat({ contact, phone, email, address });
}
