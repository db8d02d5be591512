// One line about the keys, for the strip and the dialog: what is seen, how well it is, and what to do.
import type { KeyStrip, KeyView, ModuleFault, PinTries } from "@/bindings";
import { said, t } from "@/text";
import { date, daysLeft } from "@/text/format";

export type Tone = "quiet" | "good" | "warn" | "danger";
export interface KeyLine {
  tone: Tone;
  text: string;
  /** Whose, until when, or what to do next. */
  lead: string;
}

/** Expiry is worth a word from here on. */
const SOON_DAYS = 60;

export function triesTone(tries: PinTries): Tone {
  if (tries === "locked" || tries === "last") return "danger";
  return tries === "few" ? "warn" : "quiet";
}

/** About one key. */
export function keyLine(key: KeyView): KeyLine {
  if (!key.ready) return { tone: "warn", text: t("key.not_ready"), lead: key.label === "" ? t("key.not_ready_lead") : `${key.label} · ${t("key.not_ready_lead")}` };
  if (key.holder === null || key.valid_until === null) return { tone: "quiet", text: t("key.empty"), lead: key.label };
  if (key.pin_must_change) return { tone: "warn", text: key.holder, lead: t("key.must_change") };
  const days = daysLeft(key.valid_until);
  if (days < 0) return { tone: "danger", text: key.holder, lead: t("key.expired_lead", { date: date(key.valid_until) }) };
  const until = t("key.valid_until", { date: date(key.valid_until) });
  if (!key.can_log_in) return { tone: "warn", text: key.holder, lead: `${until} · ${t("key.cannot_log_in")}` };
  if (days <= SOON_DAYS) return { tone: "warn", text: key.holder, lead: `${until} · ${t("key.days_left", { days })}` };
  return { tone: "good", text: key.holder, lead: until };
}

/** A key whose certificate ends soon, or has ended: 续订 is offered. */
export function endingKey(strip: KeyStrip | null): { key: KeyView; until: string; days: number } | null {
  const ending = (strip?.keys ?? []).flatMap((key) => (key.holder === null || key.valid_until === null ? [] : [{ key, until: key.valid_until, days: daysLeft(key.valid_until) }]));
  return ending.filter(({ days }) => days <= SOON_DAYS).sort((one, other) => one.days - other.days)[0] ?? null;
}

/** Why a driver is not loaded, and what to do. */
export function unusable(driver: string, fault: ModuleFault): string {
  switch (fault.kind) {
    case "other_machine":
      return t("key.unusable_other_machine", { driver, machine: fault.machine, bits: fault.bits });
    case "other_interface":
      return t("key.unusable_other_interface", { driver, name: fault.name });
    case "missing_libraries":
      return t("key.unusable_missing_libraries", { driver, names: fault.names.join(", ") });
    default:
      return t(`key.unusable_${fault.kind}`, { driver });
  }
}

/** Whether the doctor has more to say: no key is seen, or one that cannot be used as it is. */
export function wantsDoctor(strip: KeyStrip | null): boolean {
  return strip !== null && strip.state.kind !== "reading" && strip.state.kind !== "present";
}

/** About all of them. A warning about the PIN goes before everything else that can be said of a key. */
export function stripLine(strip: KeyStrip | null): KeyLine {
  if (strip === null || strip.state.kind === "reading") return { tone: "quiet", text: t("key.reading"), lead: "" };
  switch (strip.state.kind) {
    case "no_key":
      return { tone: "quiet", text: t("key.none"), lead: t("key.none_lead") };
    case "key_without_driver":
      return { tone: "warn", text: t("key.undriven", { vendor: said(strip.state.vendor) }), lead: strip.state.package === null ? t("key.undriven_lead") : t("key.undriven_offer", { package: said(strip.state.package) }) };
    case "no_driver":
      return { tone: "warn", text: t("key.no_driver"), lead: t("key.no_driver_lead") };
    case "driver_failed":
      if (strip.state.failure.code === "driver_hung") return { tone: "danger", text: t("err.driver_hung"), lead: t("key.hung_lead", { driver: strip.state.driver }) };
      return { tone: "danger", text: t("key.driver_failed"), lead: `${strip.state.driver}${t("mark.colon")}${t(`err.${strip.state.failure.code}`)}` };
    case "module_unusable":
      return { tone: "danger", text: t("key.unusable"), lead: unusable(strip.state.driver, strip.state.fault) };
  }
  // The key one can work with speaks for all.
  const key = strip.keys.find((one) => one.can_log_in) ?? strip.keys[0];
  if (key === undefined) return { tone: "quiet", text: t("key.none"), lead: t("key.none_lead") };
  const line = keyLine(key);
  const pin = triesTone(key.tries);
  const told = pin === "quiet" ? line : { tone: pin, text: line.text, lead: key.tries === "locked" || key.tries === "last" ? t(`key.${key.tries}_lead`) : t(`tries.${key.tries}`) };
  return strip.keys.length > 1 ? { ...told, lead: `${told.lead} · ${t("key.several", { count: strip.keys.length })}` } : told;
}
