import { expect, test } from "vitest";
import { shallowRef } from "vue";
import type { FieldFault } from "@/bindings";
import { faultText, useShownFaults } from "./faults";

const faults = () => shallowRef<readonly FieldFault[]>([{ field: "phone", fault: "missing" }, { field: "email", fault: "bad_format" }]);

test("a new page shows no fault", () => {
  expect(useShownFaults(faults()).of("phone")).toBeNull();
});

test("passing through a field without typing is no reason to complain", () => {
  const shown = useShownFaults(faults());
  shown.left("phone");
  expect(shown.of("phone")).toBeNull();
});

test("a field is left in peace while it is typed the first time, then its fault comes and goes", () => {
  const state = faults();
  const shown = useShownFaults(state);
  shown.edited("email");
  expect(shown.of("email")).toBeNull();
  shown.left("email");
  expect(shown.of("email")).toBe("bad_format");
  state.value = [];
  expect(shown.of("email")).toBeNull();
  state.value = [{ field: "email", fault: "missing" }];
  expect(shown.of("email")).toBe("missing");
});

test("a try to go on shows all, and names the first", () => {
  const shown = useShownFaults(faults());
  expect(shown.showAll()).toBe("phone");
  expect(shown.of("email")).toBe("bad_format");
});

test("a field has its own sentence where there is one", () => {
  expect(faultText("organisation.legal_representative.id_number", "bad_date")).toContain("出生日期");
  expect(faultText("something.else", "bad_date")).toBe("里面的日期不存在，请核对。");
});
