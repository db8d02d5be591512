import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [vue()],
  // Relative addresses: the window serves the pages from its own scheme.
  base: "./",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: "true", // Reka UI needs it.
    __VUE_PROD_DEVTOOLS__: "false",
  },
  build: {
    target: ["safari15.4", "chrome105"],
    // The policy of the window allows no data: scripts and no inline ones.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], setupFiles: ["src/text/test-setup.ts"] },
});
