// The fields of step 1 in their order, as the program names them.
import type { IdKind } from "@/bindings";

export const FIELDS = ["credit_code", "person.name", "person.id_kind", "person.id_number", "phone", "email", "address.region", "address.detail"] as const;
export type HandlerField = (typeof FIELDS)[number];

export const ID_KINDS: readonly IdKind[] = ["resident_id", "passport", "hk_macao_permit", "taiwan_permit", "foreign_permanent_resident", "officer_id"];
