import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { CheckedCertificate, RevocationStatus } from "@/bindings";

vi.mock("@tauri-apps/api/core", () => ({ invoke: async () => undefined }));
vi.mock("@tauri-apps/api/event", () => ({ listen: async () => () => undefined }));
import { hasText, setLocale } from "@/text";
import { isEverything, leadsOf, questionOf, toneOf } from "./announcements";

const certificate: CheckedCertificate = { holder: "林小满", issuer: "CA", serial: "5f", not_before: "2026-01-01T00:00:00Z", not_after: "2027-01-01T00:00:00Z" };
const during = Date.parse("2026-06-01T00:00:00Z");
const good: RevocationStatus = { kind: "good", as_of: "2026-05-31T00:00:00Z", crl_number: 7 };

test("the last day of a question counts whole, and days in the wrong order are none", () => {
  const question = questionOf({ search: " 云帆 ", from: "2026-11-22", to: "2026-11-22" });
  expect(question?.search).toBe("云帆");
  expect(Date.parse(question!.to!) - Date.parse(question!.from!)).toBe(86_400_000);
  expect(questionOf({ search: "", from: "2026-11-23", to: "2026-11-22" })).toBeNull();
  expect(questionOf({ search: "", from: "", to: "" }, "abc")).toEqual({ search: "", from: null, to: null, cursor: "abc" });
  expect(isEverything({ search: " ", from: "", to: "" })).toBe(true);
});

test("only a certificate that is in its time and not on the list looks good; what is not certain never does", () => {
  expect(toneOf(good, certificate, during)).toBe("good");
  expect(toneOf(good, certificate, Date.parse("2028-01-01T00:00:00Z")), "expired").toBe("warn");
  expect(leadsOf(good, certificate, Date.parse("2028-01-01T00:00:00Z"))).toHaveLength(2);
  expect(leadsOf(good, certificate, Date.parse("2025-01-01T00:00:00Z"))).toHaveLength(2);
  expect(toneOf({ kind: "unknown", why: "offline" }, certificate, during)).toBe("warn");
  expect(toneOf({ kind: "revoked", at: "2026-05-01T00:00:00Z", reason: "key_compromise", crl_number: 7 }, certificate, during)).toBe("danger");
});

test("every reason and every doubt has its words in both languages", async () => {
  const source = readFileSync(join(import.meta.dirname, "../../bindings.ts"), "utf8");
  const members = (type: string) => [...new RegExp(`export type ${type} = ([^;]+);`).exec(source)![1]!.matchAll(/"(\w+)"/g)].map(([, member]) => member!);
  for (const language of ["zh-CN", "en"] as const) {
    await setLocale(language);
    for (const reason of members("RevocationReason")) expect(hasText(`announcements.reason.${reason}`), `${reason} in ${language}`).toBe(true);
    for (const why of members("UnknownWhy")) expect(hasText(`revocation.unknown.${why}`), `${why} in ${language}`).toBe(true);
  }
  await setLocale("zh-CN");
});
