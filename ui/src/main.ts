import { createApp } from "vue";
import App from "./App.vue";
import { app } from "./app";
import "./design/base.css";
import "./design/print.css";
import { inDeskWindow } from "./rooms/cases/desk";

if (inDeskWindow) {
  void import("./rooms/cases/DeskWindow.vue").then(({ default: DeskWindow }) => createApp(DeskWindow).mount("#app"));
} else {
  void app.start();
  createApp(App).mount("#app");
}
