import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import en from "./en";
import { locale, setLocale, t, type TextKey } from "./index";
import zhCN from "./zh-CN";

type Tree = { [key: string]: string | Tree };
function flat(tree: Tree, path = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [[path + key, value] as [string, string]] : flat(value, `${path}${key}.`)));
}
const zh = flat(zhCN);
const english = flat(en);

/** Members of a union of string literals in the generated types. */
function members(type: string): string[] {
  const source = readFileSync(join(import.meta.dirname, "../bindings.ts"), "utf8");
  const union = new RegExp(`export type ${type} = ([^;]+);`).exec(source)?.[1];
  if (union === undefined) throw new Error(`${type} is not in bindings.ts`);
  return [...union.matchAll(/"([a-z_]+)"/g)].map(([, member]) => member!);
}

/** The kinds of a union of objects. */
function kinds(type: string): string[] {
  const source = readFileSync(join(import.meta.dirname, "../bindings.ts"), "utf8");
  const union = new RegExp(`export type ${type} = ([\\s\\S]+?);\n`).exec(source)?.[1];
  if (union === undefined) throw new Error(`${type} is not in bindings.ts`);
  return [...union.matchAll(/"kind": "([a-z_]+)"/g)].map(([, member]) => member!);
}

test("both languages have the same texts, and none is empty", () => {
  expect(english.map(([key]) => key).sort()).toEqual(zh.map(([key]) => key).sort());
  expect([...zh, ...english].filter(([, text]) => text.trim() === "")).toEqual([]);
});

test("both languages fill in the same names", () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
  const other = new Map(english);
  for (const [key, text] of zh) expect(names(other.get(key)!), key).toEqual(names(text));
});

test("every text is drawn as it stands, with its names filled in", async () => {
  for (const language of ["zh-CN", "en"] as const) {
    await setLocale(language);
    for (const [key, text] of language === "en" ? english : zh) {
      const named = Object.fromEntries([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, "X"]));
      expect(t(key as TextKey, named), key).toBe(text.replace(/\{(\w+)\}/g, "X"));
    }
  }
  await setLocale("zh-CN");
});

test("a language that comes late does not replace the one chosen after it", async () => {
  const english = setLocale("en");
  await setLocale("zh-CN");
  await english;
  expect(locale()).toBe("zh-CN");
});

test("what is filled in is taken as it is", () => {
  expect(t("home.hello", { name: "{name} $& 王䶮" })).toContain("{name} $& 王䶮");
});

describe.each(["err", "rec"] as const)("%s", (part) => {
  test.each([...members("LocalCode"), ...members("ProblemCode")])("%s", (code) => {
    expect(Object.keys(zhCN[part])).toContain(code);
  });
});

test("everything the doctor can say has its words", () => {
  const codes = { finding: "FindingCode", fact: "FactName", probe: "Probe", part: "Part", level: "Level" } as const;
  for (const [part, type] of Object.entries(codes)) expect(Object.keys(zhCN.doctor[part as keyof typeof codes]).sort(), part).toEqual(members(type).sort());
  expect(Object.keys(zhCN.doctor.repair).sort()).toEqual([...new Set(kinds("Repair"))].sort());
  const facts = new Set(members("FactName"));
  for (const [code, said] of Object.entries(zhCN.doctor.finding)) for (const text of Object.values(said)) for (const [, name] of text.matchAll(/\{(\w+)\}/g)) expect(facts, code).toContain(name);
});

test("every fault of a field has its sentence", () => {
  expect(Object.keys(zhCN.fault).sort()).toEqual(members("Fault").sort());
  for (const own of Object.values(zhCN.fault_of)) for (const fault of Object.keys(own)) expect(members("Fault")).toContain(fault);
});
