// Answers for 查询服务. Words of the address: `found=0|2` (how many), `found=limited`, `state=…` (of the first).
import type { Failure, FailureCode, FieldFault, NextActor, Query, QueryAnswer, State } from "../src/bindings";
import type { Answers } from "./fake";

const ago = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
const text = (zh: string, en: string) => ({ zh, en });

export function queryAnswers(wanted: URLSearchParams, failure: (code: FailureCode, more: Partial<Failure>) => Failure): Answers {
  const state = (wanted.get("state") ?? "in_review") as State;
  const next: Partial<Record<State, NextActor>> = { needs_correction: "applicant", awaiting_issuance: "applicant", completed: "nobody", rejected: "nobody", withdrawn: "nobody" };
  const usual = state === "needs_correction" ? text("请在 30 天内补正", "please correct it within 30 days") : text("1 个工作日", "1 working day");
  const all: QueryAnswer[] = [
    { number: "CD20261122****17", business: "new", state, next_actor: next[state] ?? "service", usual_time: usual, updated_at: ago(0.2) },
    { number: "CD20250311****05", business: "renew", state: "completed", next_actor: "nobody", usual_time: null, updated_at: ago(250) },
  ];
  return {
    check_query: ({ query }: { query: Query }) => {
      const faults: FieldFault[] = [];
      const enough = Object.values(query).filter((value) => value !== "").length >= 2;
      const need = (field: keyof Query, right: RegExp, fault: FieldFault["fault"]) => {
        if (query[field] === "") enough || faults.push({ field, fault: "missing" });
        else if (!right.test(query[field])) faults.push({ field, fault });
      };
      need("number", /^[\w-]{6,32}$/, "bad_character");
      need("identity", /^(91350100M000100Y43|11010519491231002X)$/i, "bad_check_digit");
      need("phone", /^1[3-9]\d{9}$/, "too_short");
      return { faults };
    },
    query_applications: () => {
      if (wanted.get("found") === "limited") throw failure("too_many_requests", { detail: "HTTP 429", retry_after: 1500 });
      return all.slice(0, Number(wanted.get("found") ?? 1));
    },
  };
}
