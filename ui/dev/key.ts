// Answers for 我的认证锁. The PIN is 123456, the security officer's 12345678. Words of the address:
// `scenario=must-change|officer-last|officer-locked`, `certificates=sm2`, `new_pin=refused`, `save=cancelled`.
import type { CertificateView, Failure, FailureCode, Home, ObjectView } from "../src/bindings";
import { certificate } from "./certificates";
import type { Answers } from "./fake";

const object = (more: Partial<ObjectView>): ObjectView => ({ class: "certificate", kind: "CKC_X_509", label: "福州云帆测试科技有限公司", id: "9c1185a5c5e9fc54612808977ee8f548b2258d31", bits: null, bytes: null, flags: ["TOKEN"], ...more });
const PUBLIC: ObjectView[] = [
  object({ bytes: 1127, flags: ["TOKEN", "MODIFIABLE"] }),
  object({ class: "public_key", kind: "CKK_RSA", bits: 2048, flags: ["TOKEN", "LOCAL", "VERIFY"] }),
  object({ class: "public_key", kind: "CKK_VENDOR_DEFINED 0x80010001", label: "国密签名", id: "51c0e0aa7be84bd9a3", bits: 256, flags: ["TOKEN", "LOCAL", "VERIFY"] }),
  object({ class: "data", kind: null, label: "", id: "", bytes: 64 }),
];
const PRIVATE: ObjectView[] = [
  object({ class: "private_key", kind: "CKK_RSA", bits: 2048, flags: ["TOKEN", "PRIVATE", "SENSITIVE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "SIGN"] }),
  object({ class: "private_key", kind: "CKK_VENDOR_DEFINED 0x80010001", label: "国密签名", id: "51c0e0aa7be84bd9a3", bits: 256, flags: ["TOKEN", "PRIVATE", "SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "SIGN", "ALWAYS_AUTHENTICATE"] }),
];
export const SM2: CertificateView = certificate({ fingerprint: "5a".repeat(32), serial: "3e11", holder: "福州云帆测试科技有限公司", issuer: "某省政务 CA（国密）", key_algorithm: "SM2", status: null, days_left: 300 });

interface World {
  home: Home;
  failure: (code: FailureCode, more?: Partial<Failure>) => Failure;
}

export function keyAnswers(wanted: URLSearchParams, { home, failure }: World): Answers {
  const key = () => home.keys.keys[0]!;
  const AFTER = { no_warning: "few", few: "last", last: "locked", locked: "locked", unknown: "unknown" } as const;
  const two = (bytes: unknown) => {
    const all = bytes as Uint8Array;
    const text = (part: Uint8Array) => new TextDecoder().decode(part);
    return [text(all.slice(1, 1 + all[0]!)), text(all.slice(1 + all[0]!))] as const;
  };
  return {
    ...(wanted.get("certificates") === "sm2" && { certificates: () => [certificate({}), SM2] }),
    key_objects: () => PUBLIC,
    withhold_pin: () => null,
    "pins:change_pin": (bytes) => {
      if (key().pin_pad) return { kind: "pin_changed" };
      const [old] = two(bytes);
      if (old !== "123456") return { kind: "refused", tries: (key().tries = AFTER[key().tries]) };
      if (wanted.get("new_pin") === "refused") throw failure("new_pin_refused", { detail: "CKR_PIN_INVALID" });
      key().pin_must_change = false;
      return { kind: "pin_changed" };
    },
    "pins:unblock": (bytes) => {
      const [officer] = two(bytes);
      if (officer !== "12345678") return { kind: "refused", tries: (key().so_tries = AFTER[key().so_tries]) };
      key().tries = "no_warning";
      return { kind: "unblocked" };
    },
    "pin:test_key": () => ({ kind: "tested" }),
    "pin:show_objects": () => ({ kind: "objects", objects: [PUBLIC[0]!, ...PRIVATE, ...PUBLIC.slice(1)] }),
  };
}
