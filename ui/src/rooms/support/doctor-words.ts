// What the doctor found, in words.
import type { Examination, Fact, Finding, Level, Probe, RepairPlan } from "@/bindings";
import { locale, t } from "@/text";
import { date } from "@/text/format";

/** A fact as people say it. */
export function said(fact: Fact): string {
  if (fact.name === "until") return date(fact.value);
  if (fact.name === "probe") return t(`doctor.probe.${fact.value as Probe}`);
  return locale() === "zh-CN" ? (fact.zh ?? fact.value) : fact.value;
}

export interface Words {
  title: string;
  means: string;
  todo: string;
}
export function words(finding: Finding): Words {
  const facts = Object.fromEntries(finding.facts.map((fact) => [fact.name, said(fact)]));
  const say = (part: "title" | "means" | "do") => t(`doctor.finding.${finding.code}.${part}`, facts);
  return { title: say("title"), means: say("means"), todo: say("do") };
}

export function of(examination: Examination, level: Level): Finding[] {
  return examination.findings.filter((finding) => finding.level === level);
}

/** One line for all: what stands in the way, or that nothing does. */
export function summary(examination: Examination): { tone: "good" | "warn" | "danger" | "quiet"; text: string } {
  if (examination.waiting.length > 0) return { tone: "quiet", text: t("support.doctor_running") };
  const problems = of(examination, "problem").length;
  if (examination.usable && problems === 0) return { tone: "good", text: t("support.doctor_fine") };
  if (examination.usable) return { tone: "warn", text: t("support.doctor_usable", { count: problems }) };
  return { tone: "danger", text: t("support.doctor_problems", { count: problems }) };
}

/** What is said before a repair is done. */
export function promise(does: string, plan: RepairPlan | null): string[] {
  if (plan === null) return [does];
  return plan.asks_for_administrator ? [does, t("support.repair_administrator")] : [does];
}
