// What the registration says of a field that 变更 changes.
import type { Registration } from "@/bindings";
import { hasText, t } from "@/text";

/** In words; `null` where it is not known, or the registration has no such field. */
export function oldValue(registration: Registration | null, field: string): string | null {
  let value: unknown = registration;
  for (const part of field.split(".")) value = (value as Record<string, unknown> | null | undefined)?.[part];
  if (typeof value !== "string" || value === "") return null;
  const kind = `id_kind.${value}`;
  return field.endsWith("id_kind") && hasText(kind) ? t(kind) : value;
}
