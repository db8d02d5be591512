import { createApp } from "vue";
import App from "./App.vue";
import { app } from "./app";
import "./design/base.css";
import "./design/print.css";

void app.start();
createApp(App).mount("#app");
