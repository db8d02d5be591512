// What can be said of a PIN before the key is asked, so that no try is lost on one that cannot be right.
import type { KeyView, PinAdvice } from "@/bindings";
import { t } from "@/text";

/** Bytes in it; the copy made for counting is overwritten. */
export function pinLength(typed: string): number {
  return new TextEncoder().encode(typed).fill(0).length;
}

/** What the key's own limits say against it; 0 as the most stands for no limit. */
export function lengthFault(typed: string, [min, max]: KeyView["pin_length"]): string | null {
  const length = pinLength(typed);
  if (length === 0) return t("pin.missing");
  if (length < min) return t("pin.too_short", { min });
  return max > 0 && length > max ? t("pin.too_long", { max }) : null;
}

/** The same of a PIN that is to be: no try is at stake. */
export function newLengthFault(typed: string, [min, max]: KeyView["pin_length"]): string | null {
  const length = pinLength(typed);
  if (length === 0) return t("pin.new_missing");
  if (length < min) return t("pin.new_short", { min });
  return max > 0 && length > max ? t("pin.new_long", { max }) : null;
}

/** How long a PIN is, in words. */
export function lengthHint([min, max]: KeyView["pin_length"]): string {
  return max > 0 && max < 64 ? t("pin.length", { min, max }) : t("pin.length_from", { min });
}

/** A word on a new PIN that the key may take all the same: it is said and holds nobody up. */
export function adviceAgainst(typed: string, advice: PinAdvice | null): string | null {
  if (typed === "") return null;
  if (advice !== null) {
    if (typed.length < advice.min || typed.length > advice.max) return t("pin.advice_length", { min: advice.min, max: advice.max });
    if (!CHARACTERS[advice.characters].test(typed)) return t(`pin.advice_${advice.characters}`);
  }
  return isEasy(typed) ? t("pin.advice_easy") : null;
}

const CHARACTERS: Record<PinAdvice["characters"], RegExp> = { digits: /^[0-9]*$/, letters_and_digits: /^[0-9A-Za-z]*$/, printable: /^[ -~]*$/ };

/** One character again and again, or characters in a row: what a finder tries first. */
function isEasy(typed: string): boolean {
  const steps = new Set(Array.from(typed).slice(1).map((_, at) => typed.charCodeAt(at + 1) - typed.charCodeAt(at)));
  return typed.length > 1 && steps.size === 1 && [0, 1, -1].includes([...steps][0]!);
}
