// The pages over a fake program, for development and pictures. Never part of what is built for people.
import { install } from "./fake";

const wanted = new URLSearchParams(location.hash.slice(1));
const fake = install(wanted);
// As in the window of the program.
Object.freeze(Object.prototype);

await import("../src/main");
const { app, useRoute } = await import("../src/app");
const { watch } = await import("vue");
Object.assign(window, { fake, app, route: useRoute() });
// `#room={"name":"login","next":{"name":"home"}}` opens a page at once, gates included.
const room = wanted.get("room");
if (room) {
  const stop = watch(() => app.home, (home) => {
    if (!home) return;
    useRoute().go(JSON.parse(room));
    queueMicrotask(() => stop());
  }, { immediate: true });
}
