// Whom to call, as the service says it.
import { onMounted, readonly, ref, type Ref } from "vue";
import { app } from "./app";
import { locale } from "./text";

/** Telephone and hours; `null` until known, and without the service: a page then says less, and nothing wrong. */
export function useHelpdesk(): Readonly<Ref<string | null>> {
  const helpdesk = ref<string | null>(null);
  onMounted(() => app.catalogue().then((catalogue) => (helpdesk.value = catalogue.helpdesk || null), () => undefined));
  return readonly(helpdesk);
}

/** For the middle of a sentence: `服务热线{helpdesk}`. Nothing where it is not known. */
export function inSentence(helpdesk: string | null): string {
  if (helpdesk === null) return "";
  // A telephone number is not broken at its hyphens.
  const whole = helpdesk.replaceAll("-", "-\u2060");
  return locale() === "en" ? ` (${whole})` : ` ${whole}`;
}
