// Answers for the driver modules. Words of the address: `modules=none|few`, `profiles=none|refused|newest` (what the service publishes).
import type { Failure, FailureCode, ModulesView, ModuleUse, ModuleView, ProfilesView } from "../src/bindings";
import type { Answers } from "./fake";

function module(path: string, more: Partial<ModuleView>): ModuleView {
  const file_name = path.split(/[\\/]/).pop()!;
  return { path, file_name, name: file_name, vendor: null, profile: null, notes: null, origin: { kind: "profile" }, added: false, choice: "auto", fault: null, folded_keys: 0, ...more };
}

const FOUND: ModuleView[] = [
  module("/opt/longmai/mtoken/lib/x86_64/libmtoken_pkcs11.so.3.2", { name: "龙脉 mToken", vendor: "北京世纪龙脉", profile: "longmai", notes: "GM3000 系列需要 3.2 或更新的驱动。" }),
  module("/usr/lib/x86_64-linux-gnu/pkcs11/opensc-pkcs11.so", { name: "OpenSC", vendor: "OpenSC Project", profile: "opensc", origin: { kind: "registered", by: "p11-kit" }, folded_keys: 1 }),
  module("/usr/lib/x86_64-linux-gnu/libcastle_v2.so.1.0.0", { name: "飞天诚信 ePass2003", vendor: "飞天诚信", profile: "epass2003", fault: { kind: "missing_libraries", names: ["libpcsclite.so.1"] } }),
  module("/opt/haitai/haikey/libHtPkcs11.so", { name: "海泰方圆 HaiKey", vendor: "海泰方圆", profile: "haitai", fault: { kind: "other_machine", machine: "x86", bits: 32 } }),
  module("/usr/lib/libskf_wdkey.so", { name: "握奇 WatchKey", vendor: "握奇", profile: "watchdata", fault: { kind: "other_interface", name: "SKF" } }),
  module("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so", { name: "SoftHSM", vendor: "OpenDNSSEC", profile: "softhsm", choice: "never", fault: { kind: "banned" } }),
];

export function moduleAnswers(wanted: URLSearchParams, failure: (code: FailureCode) => Failure): Answers {
  const how = wanted.get("profiles");
  const profiles: ProfilesView = how === "none" ? { signed_at: null, published: 0, known: 63, refused: null } : { signed_at: "2026-11-20T03:12:00Z", published: 5, known: 66, refused: how === "refused" ? { kind: "newer_format" } : null };
  let modules = wanted.get("modules") === "none" ? [] : wanted.get("modules") === "few" ? FOUND.slice(0, 1) : structuredClone(FOUND);
  const view = (): ModulesView => ({ modules: structuredClone(modules), profiles });
  return {
    modules: view,
    add_module: () => {
      if (wanted.get("saved") !== "no") modules.push(module("/home/lin/下载/haikey-64/libHtPkcs11.so", { name: "海泰方圆 HaiKey", vendor: "海泰方圆", profile: "haitai", origin: { kind: "chosen" }, added: true }));
      return view();
    },
    set_module: ({ path, choice }: { path: string; choice: ModuleUse }) => {
      const one = modules.find((each) => each.path === path);
      if (one === undefined) throw failure("gone");
      const before = FOUND.find((each) => each.path === path)?.fault ?? null;
      one.choice = choice;
      one.fault = choice === "never" ? { kind: "banned" } : before?.kind === "banned" || (choice === "always" && before?.kind === "missing_libraries") ? null : before;
      return view();
    },
    remove_module: ({ path }: { path: string }) => {
      modules = modules.filter((each) => each.path !== path);
      return view();
    },
    refresh_profiles: () => (how === null ? Object.assign(profiles, { signed_at: "2026-11-22T03:12:00Z", published: 7, known: 66 }) : profiles),
  };
}
