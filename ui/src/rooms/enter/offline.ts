// 离线查看: whether what was seen on this computer can be read while the service is away, and by whom.
import { computed, shallowRef, watch } from "vue";
import { app } from "@/app";
import { commands, type OfflineChoices } from "@/bindings";

/** Who can; `null` while the service is there. The question finds that out where it is not known. Looked at again when keys come and go. */
export function useOfflineChoices() {
  const choices = shallowRef<OfflineChoices | null>(null);
  const away = computed(() => app.service?.reachable === false);
  const keys = computed(() => app.keys?.keys.map(({ id }) => id).join() ?? "");
  let round = 0;
  watch([() => app.service?.reachable, keys, () => app.storage?.state.kind], async () => {
    const mine = ++round;
    // Without an answer nothing is offered: then there is nothing to read either.
    const found = app.home !== null && app.service?.reachable !== true ? await commands.offlineChoices().catch(() => null) : null;
    if (mine === round) choices.value = found;
  }, { immediate: true });
  return computed(() => (away.value ? choices.value : null));
}
