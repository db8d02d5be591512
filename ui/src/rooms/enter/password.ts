// The rule for new passwords, as the service has it.

/** What speaks against `replacement`, `null` when nothing does. Lengths are in characters, as people count them. */
export function passwordFault(replacement: string, current: string): "missing" | "too_weak" | "too_long" | "same" | null {
  const length = [...replacement].length;
  if (length === 0) return "missing";
  if (length > 128) return "too_long";
  const mixed = /\p{L}/u.test(replacement) && /\p{Nd}/u.test(replacement);
  if (length < 8 || (length < 10 && !mixed)) return "too_weak";
  return replacement === current ? "same" : null;
}
