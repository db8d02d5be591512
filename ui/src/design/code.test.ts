import { mount } from "@vue/test-utils";
import { expect, test, vi } from "vitest";
import { effectScope, nextTick } from "vue";
import CodeField from "./CodeField.vue";
import { codeIn } from "./code";
import { useCountdown } from "./countdown";

test.each([
  ["483920", "483920"],
  ["483 920", "483920"],
  ["４８３９２０", "483920"],
  ["【证办通】验证码：483920，用于重置账号 qy82640193 的登录密码，5 分钟内有效。", "483920"],
  ["4839201", "483920"],
  ["48a3", "483"],
  ["没有数字", ""],
])("a code is found in what was typed or pasted: %s", (text, code) => expect(codeIn(text)).toBe(code));

const field = (more = {}) => mount(CodeField, { props: { name: "code", label: "验证码", sent: false, wait: 0, modelValue: "", ...more } });

test("a whole message can be pasted; what holds no digit changes nothing", async () => {
  const page = field({ modelValue: "12" });
  const paste = async (text: string) => {
    const event = new Event("paste", { cancelable: true });
    Object.assign(event, { clipboardData: { getData: () => text } });
    page.get("input").element.dispatchEvent(event);
    await nextTick();
  };
  await paste("您的验证码");
  expect(page.emitted("update:modelValue")).toBeUndefined();
  await paste("验证码：483920，5 分钟内有效");
  expect(page.emitted("update:modelValue")!.at(-1)).toEqual(["483920"]);
});

test("while it waits the button says how long and sends nothing", async () => {
  const page = field({ sent: true, wait: 42 });
  expect(page.get("button").text()).toContain("42");
  expect(page.get("button").attributes("disabled")).toBeDefined();
  await page.setProps({ wait: 0 });
  await page.get("button").trigger("click");
  expect(page.emitted("send")).toHaveLength(1);
});

test("the countdown goes by the clock, also over a nap of the computer", () => {
  vi.useFakeTimers();
  const scope = effectScope();
  const wait = scope.run(useCountdown)!;
  wait.start(60);
  expect(wait.left.value).toBe(60);
  vi.advanceTimersByTime(1500);
  expect(wait.left.value).toBe(59);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(250);
  expect(wait.left.value).toBe(0);
  scope.stop();
  vi.useRealTimers();
});
