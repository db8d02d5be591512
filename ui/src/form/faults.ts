// Which faults to show while somebody types. A field is left in peace until it was edited and left; from then on its
// fault comes and goes as it is typed. A try to go on shows them all.
import { reactive, type Ref } from "vue";
import type { Fault, FieldFault } from "@/bindings";
import { hasText, t, type TextKey } from "@/text";

export interface ShownFaults {
  /** The fault to show beside `field`, if it is time to. */
  of: (field: string) => Fault | null;
  edited: (field: string) => void;
  left: (field: string) => void;
  /** From now on every fault shows; answers the first faulty field, `null` when all is well. */
  showAll: () => string | null;
  /** Nothing was touched, as on a new page. */
  reset: () => void;
}

export function useShownFaults(faults: Readonly<Ref<readonly FieldFault[]>>): ShownFaults {
  const state = reactive({ all: false, edited: new Set<string>(), left: new Set<string>() });
  return {
    of(field) {
      if (!state.all && !state.left.has(field)) return null;
      return faults.value.find((fault) => fault.field === field)?.fault ?? null;
    },
    edited: (field) => void state.edited.add(field),
    left: (field) => void (state.edited.has(field) && state.left.add(field)),
    showAll() {
      state.all = true;
      return faults.value[0]?.field ?? null;
    },
    reset() {
      state.all = false;
      state.edited.clear();
      state.left.clear();
    },
  };
}

/** What is wrong, in words: the field's own sentence where there is one, the general one else. */
export function faultText(field: string, fault: Fault): string {
  const own = `fault_of.${field.split(".").at(-1)}.${fault}`;
  return hasText(own) ? t(own) : t(`fault.${fault}` satisfies TextKey);
}

/** Puts the cursor into the field of this name. */
export function focusField(field: string): void {
  document.getElementById(`field-${field}`)?.focus();
}
