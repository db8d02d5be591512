import { createApp, nextTick } from "vue";
import App from "./App.vue";
import { app } from "./app";
import "./design/base.css";
import "./design/print.css";
import { uiReady } from "./doors";
import { inDeskWindow } from "./rooms/cases/desk";

if (inDeskWindow) {
  void import("./rooms/cases/DeskWindow.vue").then(({ default: DeskWindow }) => createApp(DeskWindow).mount("#app"));
} else {
  // What is known is on the page, and it answers: a benchmark waits for that.
  void app.start().then(() => nextTick()).then(uiReady);
  createApp(App).mount("#app");
}
