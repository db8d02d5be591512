// A driver module in words: how it stands, who pointed to it, and its path short enough to read.
import type { ModuleFault, ModuleView, ProfilesView } from "@/bindings";
import { t } from "@/text";
import { date } from "@/text/format";

/** `off`: a person wishes it so, which is no fault. */
export type Standing = "used" | "first" | "off" | "unusable";

export function standing({ choice, fault }: ModuleView): Standing {
  if (choice === "never" || fault?.kind === "banned") return "off";
  if (fault !== null) return "unusable";
  return choice === "always" ? "first" : "used";
}

export function origin({ added, origin }: ModuleView): string {
  if (added) return t("modules.origin_added");
  if (origin.kind === "registered") return t("modules.origin_registered", { by: origin.by });
  return t(`modules.origin_${origin.kind}`);
}

/** What is wrong, and what to do; `null` where nothing is, or where a person switched it off. */
export function fault(module: ModuleView): { what: string; todo: string } | null {
  if (standing(module) !== "unusable" || module.fault === null) return null;
  const names = facts(module.fault);
  const kind = module.fault.kind === "banned" ? "gone" : module.fault.kind;
  return { what: t(`modules.fault.${kind}`, names), todo: t(`modules.todo.${kind}`, names) };
}

function facts(fault: ModuleFault): Record<string, string> {
  switch (fault.kind) {
    case "other_machine":
      return { machine: fault.machine, bits: String(fault.bits) };
    case "missing_libraries":
      return { names: fault.names.join(", ") };
    case "other_interface":
      return { name: fault.name };
    default:
      return {};
  }
}

/** `/usr/…/pkcs11/opensc-pkcs11.so`: where it begins, and the folder it lies in. */
export function shortPath(path: string): string {
  const slash = path.includes("\\") ? "\\" : "/";
  const parts = path.split(slash);
  if (parts.length <= 5) return path;
  const head = parts.slice(0, parts[0] === "" ? 2 : 1);
  return [...head, "…", ...parts.slice(-2)].join(slash);
}

/** What the program knows of keys and drivers, and since when. */
export function known({ signed_at, published, known }: ProfilesView): string {
  return signed_at === null ? t("modules.known_packaged", { known }) : t("modules.known_published", { known, published, date: date(signed_at) });
}
