import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { CertificateStatus, NextActor, Region, State } from "@/bindings";

vi.mock("@tauri-apps/api/core", () => ({ invoke: async () => undefined }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { hasText, setLocale, t } from "@/text";
import { actOf, fieldName, regionNames, requirementTitle, TONES } from "./case-words";
import { daysText, daysTone, grouped, newestOn, standing, usageName } from "./certificate-words";
import { credentials, waits } from "./desk";
import { stepStates, STEPS } from "./issuance";
import * as mask from "./mask";

const STATES = Object.keys(TONES) as State[];
const source = readFileSync(join(import.meta.dirname, "../../bindings.ts"), "utf8");
const members = (type: string) => [...new RegExp(`export type ${type} = ([^;]+);`).exec(source)![1]!.matchAll(/"(\w+)"/g)].map(([, member]) => member!);

describe("a case", () => {
  test("says for every state, in both languages, what it means and whose turn it is", async () => {
    expect(STATES.sort()).toEqual(members("State").sort());
    for (const language of ["zh-CN", "en"] as const) {
      await setLocale(language);
      for (const state of STATES) expect(hasText(`state.${state}`) && hasText(`cases.state_lead.${state}`), `${state} has no words in ${language}`).toBe(true);
      for (const actor of members("NextActor")) expect(hasText(`next_actor.${actor}`), `${actor} has no words in ${language}`).toBe(true);
    }
    await setLocale("zh-CN");
  });

  test("offers one act, and only when it is the applicant's turn", () => {
    const acts = (next_actor: NextActor) => Object.fromEntries(STATES.map((state) => [state, actOf({ state, next_actor })]).filter(([, act]) => act !== null));
    expect(acts("applicant")).toEqual({ needs_correction: "correct", awaiting_issuance: "issue" });
    expect(acts("service"), "the counter makes the certificate: nothing to do here").toEqual({});
    expect(acts("nobody")).toEqual({});
  });

  test("names fields, files and regions in words, and by their code where there are none", () => {
    expect(fieldName("person.id_number")).toBe("经办人证件号码");
    expect(fieldName("something.new")).toBe("something.new");
    expect(requirementTitle(null, "business_license")).toBe("business_license");
    const regions: Region[] = [{ code: "35", name: "福建省", children: [{ code: "3501", name: "福州市", children: [{ code: "350102", name: "鼓楼区" }] }] }, { code: "11", name: "北京市", children: [{ code: "1101", name: "市辖区", children: [{ code: "110105", name: "朝阳区" }] }] }];
    expect(regionNames(regions, "350102")).toBe("福建省福州市鼓楼区");
    expect(regionNames(regions, "110105")).toBe("北京市朝阳区");
    expect(regionNames(regions, "999999")).toBe("999999");
    expect(regionNames([], "350102")).toBe("350102");
  });

  test("masks numbers of persons as the program does", () => {
    expect(mask.idNumber("11010519491231002X")).toBe("110105********002X");
    expect(mask.idNumber("E12345678")).toBe("E1*****78");
    expect(mask.idNumber("1234")).toBe("1***");
    expect(mask.idNumber("")).toBe("");
    expect(mask.phone("13812345678")).toBe("138****5678");
  });
});

describe("a certificate", () => {
  const DAY = 86_400_000;
  const now = Date.parse("2026-11-22T12:00:00Z");
  const statuses: (CertificateStatus | null)[] = ["issued", "active", "expired", "revoked", null];

  test("is called valid only when the authority said so just now and its time is not over", () => {
    for (const status of statuses) for (const reachable of [true, false]) for (const loggedIn of [true, false]) for (const days_left of [-400, -1, 0, 15, 90, 400]) for (const begun of [true, false]) {
      const not_before = new Date(now + (begun ? -DAY : DAY)).toISOString();
      const shown = standing({ status, days_left, not_before }, { reachable, loggedIn }, now);
      const good = status === "active" && reachable && loggedIn && days_left >= 0 && begun;
      expect([shown.status === "active", shown.tone === "good"], JSON.stringify({ status, reachable, loggedIn, days_left, begun, shown })).toEqual([good, good]);
    }
  });

  test("of unknown status says why it is not known", () => {
    const fresh = { days_left: 200, not_before: new Date(now - DAY).toISOString() };
    expect(standing({ ...fresh, status: "active" }, { reachable: false, loggedIn: true }, now)).toMatchObject({ status: "unknown", lead: "certificate.status_lead.unknown_offline" });
    expect(standing({ ...fresh, status: null }, { reachable: true, loggedIn: false }, now)).toMatchObject({ status: "unknown", lead: "certificate.status_lead.unknown_logged_out" });
    expect(standing({ ...fresh, status: null }, { reachable: true, loggedIn: true }, now)).toMatchObject({ status: "unknown", lead: "certificate.status_lead.unknown" });
  });

  test("that ended stays ended without the service", () => {
    const known = { reachable: false, loggedIn: false };
    expect(standing({ status: "revoked", days_left: 100, not_before: new Date(now - DAY).toISOString() }, known, now).status).toBe("revoked");
    expect(standing({ status: null, days_left: -1, not_before: new Date(now - DAY).toISOString() }, known, now).status).toBe("expired");
  });

  test("warns from 90 days before its end, and alarms from 15", () => {
    expect([400, 91, 90, 16, 15, 0, -1].map(daysTone)).toEqual(["plain", "plain", "warn", "warn", "danger", "danger", "danger"]);
    expect([203, 0, -12].map(daysText)).toEqual([t("certificate.days", { days: 203 }), t("certificate.today"), t("certificate.over", { days: 12 })]);
  });

  test("shows usages in words and numbers in pairs", () => {
    expect(usageName("clientAuth")).toBe("登录认证");
    expect(usageName("1.2.3.4")).toBe("1.2.3.4");
    expect(grouped("5f3a91")).toBe("5f:3a:91");
    expect(grouped("5f3")).toBe("05:f3");
    expect(grouped("")).toBe("");
  });

  test("just made is the newest on its key that has its private key there", () => {
    const one = (serial: string, not_before: string, on_keys: string[], has_private_key: boolean) => ({ serial, not_before, on_keys, has_private_key }) as never;
    const all = [one("old", "2025-01-01", ["k1"], true), one("new", "2026-01-01", ["k1"], true), one("bare", "2026-02-01", ["k1"], false), one("away", "2026-03-01", ["k2"], true)];
    expect(newestOn(all, "k1")?.serial).toBe("new");
    expect(newestOn([], "k1")).toBeNull();
  });
});

describe("the steps of 制证", () => {
  test("are those the program reports, each with words", () => {
    expect([...STEPS]).toEqual(members("IssuanceStep"));
    for (const step of STEPS) expect(hasText(`issuance.step.${step}`) && hasText(`issuance.busy.${step}`), step).toBe(true);
  });

  test("show one under way, those before done and those after to come", () => {
    expect(stepStates("certificate", "running").map(({ state }) => state)).toEqual(["done", "done", "done", "current", "waiting", "waiting", "waiting"]);
    expect(stepStates("certificate", "stopped")[3]).toEqual({ step: "certificate", state: "stopped" });
    expect(new Set(stepStates("ready", "prepare").map(({ state }) => state))).toEqual(new Set(["waiting"]));
    expect(new Set(stepStates("confirmed", "done").map(({ state }) => state))).toEqual(new Set(["done"]));
  });
});

describe("the demo desk", () => {
  test("finds account and password in the SMS of a registration", () => {
    expect(credentials("【证办通】您的企业账号已开通。账号：qy82640193，初始密码：aB3-x9!Kq。首次登录须修改密码；请勿将密码告知他人。")).toEqual({ account: "qy82640193", password: "aB3-x9!Kq" });
    expect(credentials("【证办通】您此前已注册，账号：gr1。请用原密码或数字证书登录；如非本人操作，请忽略本短信。")).toEqual({ account: "gr1", password: null });
    expect(credentials("您好")).toEqual({ account: null, password: null });
  });

  test("decides only what was handed in and not decided yet", () => {
    expect(STATES.filter((state) => waits({ state })).sort()).toEqual(["in_review", "submitted"]);
  });
});
