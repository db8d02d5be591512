import { createApp, nextTick } from "vue";
import App from "./App.vue";
import { app } from "./app";
import "./design/base.css";
import "./design/print.css";
import { uiReady } from "./doors";
import { inDeskWindow } from "./rooms/cases/desk";
import { textsReady, textsWhole } from "./text";

/** For so long, in milliseconds, the page waits for what the program knows. */
const PATIENCE = 150;

if (inDeskWindow) {
  void textsWhole().then(() => import("./rooms/cases/DeskWindow.vue")).then(({ default: DeskWindow }) => createApp(DeskWindow).mount("#app"));
} else {
  // Asked first: the answer is there within a few milliseconds, and drawn once. Drawn before it, the page would be laid out
  // twice, and the answer would wait for the first time. A program that takes longer is drawn as one that is still reading.
  const started = app.start();
  const soon = Promise.race([started, new Promise((go) => setTimeout(go, PATIENCE))]);
  const drawn = Promise.all([textsReady(), soon]).then(() => createApp(App).mount("#app"));
  // What is known is on the page, and it answers: a benchmark waits for that.
  void Promise.all([started, drawn]).then(() => nextTick()).then(uiReady);
  // The other texts are fetched behind that, not before it.
  void drawn.then(() => setTimeout(textsWhole));
}
