import { expect, test } from "vitest";
import { passwordFault } from "./password";

test.each([
  ["", "missing"],
  ["abc1234", "too_weak"],
  ["abcdefgh", "too_weak"],
  ["abcdefg1", null],
  ["密码密码密码密码密码", null],
  ["12345678", "too_weak"],
  ["x".repeat(129), "too_long"],
  ["current-pass-1", "same"],
])("%s: %s", (replacement, fault) => {
  expect(passwordFault(replacement, "current-pass-1")).toBe(fault);
});
