// Answers for 检查本机. Words of the address: `doctor=` and a name of what is found below, or `running`; `repair=refused`.
import type { Examination, Fact, FactName, Failure, FailureCode, Finding, FindingCode, Level, Part, Probe, Repair, RepairPlan, SavedReport } from "../src/bindings";
import type { Answers } from "./fake";
import type { Event } from "../src/bindings";

interface World {
  emit: (event: Event) => void;
  failure: (code: FailureCode, more?: Partial<Failure>) => Failure;
}
const fact = (name: FactName, value: string, zh: string | null = null): Fact => ({ name, value, zh });
const finding = (code: FindingCode, part: Part, level: Level, facts: Fact[] = [], repair: Repair | null = null): Finding => ({ code, part, level, facts, repair });

const good: Finding[] = [
  finding("driver_works", "driver", "good", [fact("driver", "OpenSC"), fact("file", "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"), fact("count", "0")]),
  finding("service_answers", "service", "good", [fact("address", "https://ca.example.cn"), fact("milliseconds", "38")]),
  finding("clock_right", "service", "good"),
  finding("computer", "computer", "good", [fact("system", "Debian GNU/Linux 12 (bookworm)"), fact("machine", "x86_64"), fact("program", "0.1.0"), fact("web_view", "WebKitGTK 2.50.6")]),
];
const about = (more: Fact[] = []): Fact[] => [fact("label", "云帆认证锁"), fact("serial", "8c1f22d90be04a17"), fact("device", "Feitian ePass2003"), fact("holder", "福州云帆测试科技有限公司"), fact("until", "2027-06-14"), ...more];
const ready = finding("key_ready", "key", "good", about());
const reader = "Alcor Micro AU9540 00 00";
const found: Record<string, Examination> = {
  none: { waiting: [], usable: false, findings: [finding("key_none", "key", "problem", [], { kind: "look_again" }), ...good] },
  bits32: { waiting: [], usable: false, findings: [
    finding("driver_other_machine", "driver", "problem", [fact("driver", "Haitai HaiKey"), fact("file", "/opt/haitai/libHtPkcs11.so"), fact("found", "x86 (32-bit)"), fact("needed", "x86_64")]),
    ...good.slice(1),
  ] },
  hung: { waiting: [], usable: false, findings: [
    finding("driver_hung", "driver", "problem", [fact("driver", "libeToken.so"), fact("file", "/usr/lib/libeToken.so"), fact("cause", "list, 5 s")], { kind: "look_again" }),
    finding("card_service_hung", "card_service", "problem", [fact("cause", "5 s")], { kind: "look_again" }),
    ...good.slice(1),
  ] },
  locked: { waiting: [], usable: false, findings: [finding("key_locked", "key", "problem", about([fact("locks_after", "10")])), ...good] },
  last: { waiting: [], usable: true, findings: [finding("key_last_try", "key", "problem", about([fact("locks_after", "10")])), ready, ...good] },
  two: { waiting: [], usable: true, findings: [finding("key_several", "key", "note", [fact("count", "2")]), ready, finding("key_ready", "key", "good", [fact("label", "备用锁"), fact("serial", "77aa01"), fact("holder", "林小满"), fact("until", "2027-12-28")]), ...good] },
  expired: { waiting: [], usable: false, findings: [finding("key_expired", "key", "problem", about().map((one) => one.name === "until" ? fact("until", "2026-11-20") : one)), ...good] },
  cards: { waiting: [], usable: false, findings: [
    finding("card_without_driver", "key", "problem", [fact("reader", reader), fact("atr", "3bf81300008131fe15597562696b657934d4"), fact("vendor", "YubiKey (PIV)")], { kind: "refresh_lists" }),
    finding("card_unknown", "key", "problem", [fact("reader", "Gemalto PC Twin Reader 01 00"), fact("serial", "70D7E2EE"), fact("atr", "3b951381018073ff01000b")]),
    finding("card_mute", "key", "problem", [fact("reader", "ACS ACR38U 02 00")]),
    finding("reader_empty", "key", "good", [fact("reader", "Broadcom 5880 03 00")]),
    finding("card_service_runs", "card_service", "good"),
    ...good,
  ] },
  fine: { waiting: [], usable: true, findings: [finding("key_ready", "key", "good", [fact("holder", "福州云帆测试科技有限公司"), fact("until", "2027-06-14")]), ...good, finding("card_service_runs", "card_service", "good")] },
  problems: { waiting: [], usable: false, findings: [
    finding("key_without_driver", "key", "problem", [fact("device", "FT ePass2003"), fact("usb", "096e:0807"), fact("node", "/dev/bus/usb/001/007"), fact("vendor", "Feitian ePass2003", "飞天诚信 ePass2003"), fact("package", "Feitian driver", "飞天诚信驱动")], { kind: "install_driver", id: "epass" }),
    finding("card_service_stopped", "card_service", "problem", [fact("device", "FT ePass2003")], { kind: "start_card_service" }),
    finding("driver_other_machine", "driver", "problem", [fact("driver", "Haitai HaiKey"), fact("file", "/opt/haitai/libHtPkcs11.so"), fact("found", "x86 (32-bit)"), fact("needed", "x86_64")]),
    finding("virtual_machine", "computer", "note", [fact("kind", "VMware")]),
    ...good,
  ] },
  network: { waiting: [], usable: false, findings: [
    finding("key_none", "key", "problem", [], { kind: "look_again" }),
    finding("service_untrusted", "service", "problem", [fact("address", "https://ca.example.cn"), fact("cause", "UnknownIssuer")]),
    finding("remote_session", "computer", "problem", [fact("kind", "xrdp")]),
    ...good.slice(0, 1),
  ] },
};
const waiting: Probe[] = ["keys", "service"];

export function doctorAnswers(wanted: URLSearchParams, { emit, failure }: World): Answers {
  const how = wanted.get("doctor") ?? "problems";
  const last = found[how] ?? found.problems!;
  return {
    examine: () => {
      const part = { ...last, waiting, findings: last.findings.slice(-2) };
      emit({ kind: "examination", examination: part });
      if (how === "running") return new Promise(() => undefined);
      emit({ kind: "examination", examination: last });
      return last;
    },
    plan_repair: ({ repair }: { repair: Repair }): RepairPlan => repair.kind === "start_card_service" ? { command: "pkexec systemctl enable --now pcscd.socket", asks_for_administrator: true }
      : repair.kind === "install_driver" ? { command: "pkexec apt-get install -y --no-install-recommends /home/lin/.local/share/certdesk/drivers/9f2c…/epass2003_2.1.0_amd64.deb", asks_for_administrator: true } : { command: null, asks_for_administrator: false },
    repair: () => {
      if (wanted.get("repair") === "refused") throw failure("repair_refused", { detail: "Request dismissed" });
      return found.fine;
    },
    save_examination: (): SavedReport | null => (wanted.get("saved") === "no" ? null : { name: "检查报告 RJRKHV.json", code: "RJRKHV" }),
  };
}
