import { createApp, nextTick } from "vue";
import App from "./App.vue";
import { app } from "./app";
import "./design/base.css";
import "./design/print.css";
import { uiReady } from "./doors";
import { inDeskWindow } from "./rooms/cases/desk";
import { textsReady } from "./text";

if (inDeskWindow) {
  void import("./rooms/cases/DeskWindow.vue").then(({ default: DeskWindow }) => createApp(DeskWindow).mount("#app"));
} else {
  // Asked first, drawn meanwhile, in the language remembered.
  const started = app.start();
  const drawn = textsReady().then(() => createApp(App).mount("#app"));
  // What is known is on the page, and it answers: a benchmark waits for that.
  void Promise.all([started, drawn]).then(() => nextTick()).then(uiReady);
}
