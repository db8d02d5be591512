import { fileURLToPath } from "node:url";
import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Writes the styles of the first load into the page. Each file of it is a request that goes through the program's own
 * thread while the web view starts, and the first script waits for the styles.
 */
function firstStylesInline(): Plugin {
  let styles = "";
  return {
    name: "first-styles-inline",
    enforce: "pre",
    // Before Vite writes down which page and which later script asks for which file: nobody is to ask for these.
    generateBundle(_, bundle) {
      styles = "";
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk" || !chunk.isEntry) continue;
        for (const file of chunk.viteMetadata?.importedCss ?? []) {
          const sheet = bundle[file];
          if (sheet?.type === "asset") styles += String(sheet.source);
          delete bundle[file];
        }
        chunk.viteMetadata?.importedCss.clear();
      }
    },
    transformIndexHtml: { order: "post", handler: () => (styles === "" ? [] : [{ tag: "style", children: styles, injectTo: "head" }]) },
  };
}

export default defineConfig({
  plugins: [vue(), firstStylesInline()],
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
    // One file for all that the first page needs.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "first", tags: ["$initial"] }] } } },
    reportCompressedSize: true,
  },
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"], setupFiles: ["src/text/test-setup.ts"] },
});
