// Answers for 检查本机. Words of the address: `doctor=fine|problems|running|notes` (what is found), `repair=refused`.
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
const found: Record<string, Examination> = {
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
