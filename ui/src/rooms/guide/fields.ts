// The fields of step 1 in their order, as the program names them.
export const FIELDS = ["credit_code", "person.name", "person.id_kind", "person.id_number", "phone", "email", "address.region", "address.detail"] as const;
export type HandlerField = (typeof FIELDS)[number];
