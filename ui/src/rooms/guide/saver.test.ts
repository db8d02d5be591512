import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "@/bindings";
import { createSaver } from "./saver";

const trouble = (code: Failure["code"], retriable = true): Failure => ({ code, retriable, detail: null, faults: [], retry_after: null });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A disk that answers when told to. */
function slowDisk() {
  const written: [string, string][] = [];
  const answers: { resolve: () => void; reject: (failure: Failure) => void }[] = [];
  const save = vi.fn((field: string, value: string) => new Promise<void>((resolve, reject) => answers.push({ resolve: () => (written.push([field, value]), resolve()), reject })));
  const settle = async (failure?: Failure) => {
    const answer = answers.shift();
    if (failure) answer?.reject(failure);
    else answer?.resolve();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { save, written, settle };
}
const disk = () => {
  const written: [string, string][] = [];
  return { written, save: async (field: string, value: string) => void written.push([field, value]) };
};

test("a burst of keystrokes is one save, within a quarter of a second", async () => {
  const { save, written } = disk();
  const saver = createSaver(save);
  for (const value of ["1", "13", "138"]) {
    saver.set("phone", value);
    await vi.advanceTimersByTimeAsync(60);
  }
  expect(written, "nothing is written at every single key").toEqual([]);
  await vi.advanceTimersByTimeAsync(70);
  expect(written).toEqual([["phone", "138"]]);
  expect(saver.pending.size, "all that was typed is said to be saved").toBe(0);
});

test("who never pauses is saved all the same", async () => {
  const { save, written } = disk();
  const saver = createSaver(save);
  for (let length = 1; length <= 20; length += 1) {
    saver.set("address.detail", "湖".repeat(length));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(written.length, "two seconds of typing without a pause are saved several times").toBeGreaterThanOrEqual(5);
});

test("leaving the field saves the last keystroke at once", () => {
  const { save } = slowDisk();
  const saver = createSaver(save);
  saver.set("email", "xiaoman@example.cn");
  void saver.flush();
  expect(save, "the save left before anything else could happen").toHaveBeenCalledExactlyOnceWith("email", "xiaoman@example.cn");
});

test("a keystroke during a save is saved after it, and the last value wins", async () => {
  const { save, written, settle } = slowDisk();
  const saver = createSaver(save);
  saver.set("phone", "1380013800");
  const left = saver.flush();
  saver.set("phone", "13800138000");
  expect(save, "never two saves at a time: they could arrive in either order").toHaveBeenCalledTimes(1);
  await settle();
  expect(saver.pending.get("phone"), "the newer value is not taken for saved").toBe("13800138000");
  await settle();
  expect(await left, "leaving waits for the last keystroke too").toBe(true);
  expect(written.at(-1)).toEqual(["phone", "13800138000"]);
});

test("several fields are all saved", async () => {
  const { save, written } = disk();
  const saver = createSaver(save);
  saver.set("phone", "13800138000");
  saver.set("email", "a@example.cn");
  expect(await saver.flush()).toBe(true);
  expect(written).toEqual([["phone", "13800138000"], ["email", "a@example.cn"]]);
});

describe("a save that fails", () => {
  test("keeps the value, says so, and is tried again by itself", async () => {
    const { save, written, settle } = slowDisk();
    const saver = createSaver(save);
    saver.set("phone", "13800138000");
    const left = saver.flush();
    await settle(trouble("storage_failed"));
    expect(await left, "what is not on disk is not said to be").toBe(false);
    expect(saver.failure?.code).toBe("storage_failed");
    expect(saver.pending.get("phone")).toBe("13800138000");
    await vi.advanceTimersByTimeAsync(5000);
    await settle();
    expect(written).toEqual([["phone", "13800138000"]]);
    expect(saver.failure, "the failure goes with the save that succeeds").toBeNull();
  });

  test("that makes no sense to repeat waits for the person", async () => {
    const { save, settle } = slowDisk();
    const saver = createSaver(save);
    saver.set("phone", "13800138000");
    void saver.flush();
    await settle(trouble("disk_full", false));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(save).toHaveBeenCalledTimes(1);
    void saver.flush();
    expect(save).toHaveBeenCalledTimes(2);
  });

  test("because the draft is gone holds nothing back for ever", async () => {
    const { save, settle } = slowDisk();
    const saver = createSaver(save);
    saver.set("phone", "13800138000");
    const left = saver.flush();
    await settle(trouble("draft_gone", false));
    expect(await left).toBe(true);
    expect(saver.failure?.code, "it is said all the same").toBe("draft_gone");
  });
});
