// Handing a draft in, from the last step and again from where it waits.
import { useRoute } from "@/app";
import { commands, type ReceiptView } from "@/bindings";
import { useKeyAct } from "@/shell/key-act";

/** Hands in the draft, with its key where the session has one, and shows the receipt. */
export function useSubmission(draft: () => string) {
  const route = useRoute();
  return useKeyAct<ReceiptView>(
    () => commands.submit(draft(), true),
    (key) => ({ kind: "submit", key, draft: draft(), declared_true: true }),
    (outcome) => (outcome.kind === "submitted" ? outcome.receipt : null),
    ({ receipt }) => {
      // The way back from the receipt leads home: the draft is no draft any more.
      route.go({ name: "home" });
      route.go({ name: "receipt", receipt });
    },
  );
}
