// Pictures of every scenario over the fake program, and an axe check of each. `node dev/shoot.mjs [name part] [--quick | --look=zh-light-zoom]`
// Needs a Chromium: CHROMIUM=/path, /usr/bin/chromium by default. Writes to SHOTS, by default a folder of the system's temp.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";
import { scenarios } from "./scenarios.mjs";

const out = process.env.SHOTS ?? join(tmpdir(), "shots");
mkdirSync(out, { recursive: true });
const only = process.argv.slice(2).find((word) => !word.startsWith("--"));
const tag = process.argv.slice(2).find((word) => word.startsWith("--look="))?.slice(7);
const quick = process.argv.includes("--quick");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const looks = [
  { tag: "zh-light-1280", width: 1280, height: 800, locale: "zh-CN", theme: "light" },
  { tag: "en-dark-1024", width: 1024, height: 700, locale: "en", theme: "dark" },
  { tag: "zh-dark-1280", width: 1280, height: 800, locale: "zh-CN", theme: "dark" },
  { tag: "en-light-1024", width: 1024, height: 700, locale: "en", theme: "light" },
  // 200 % zoom of a window of 1280 × 800.
  { tag: "zh-light-zoom", width: 640, height: 400, locale: "zh-CN", theme: "light" },
].slice(0, quick ? 1 : undefined).filter((look) => !tag || look.tag === tag);

const server = await createServer({ server: { port: Number(process.env.PORT ?? 5199), strictPort: false }, logLevel: "error" });
await server.listen();
const origin = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
let faults = 0;
for (const look of looks) {
  for (const { name, hash, act, size } of scenarios) {
    if (only && !name.includes(only)) continue;
    const page = await browser.newPage({ viewport: { width: size?.[0] ?? look.width, height: size?.[1] ?? look.height }, reducedMotion: "reduce" });
    const complain = (what) => {
      faults += 1;
      console.error(`${name} ${look.tag}: ${what}`);
    };
    page.on("pageerror", (error) => complain(error.message));
    page.on("console", (message) => message.type() !== "error" && message.type() !== "warning" ? undefined : complain(message.text()));
    page.setDefaultTimeout(8000);
    try {
      await page.goto(`${origin}dev.html#${new URLSearchParams({ ...hash, locale: look.locale, theme: look.theme })}`);
      await page.waitForSelector("h1");
      await act?.(page, (id) => page.locator(`[data-testid="${id}"]`));
      await page.waitForLoadState("networkidle");
      await page.waitForFunction(() => document.querySelector(".skeleton") === null);
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.screenshot({ path: join(out, `${name}.${look.tag}.png`) });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
      for (const { id, nodes } of violations) complain(`axe ${id}: ${nodes.map(({ target, any }) => `${target}${any[0] ? ` (${any[0].message})` : ""}`).slice(0, 3).join("; ")}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) complain(`${wide} pixels wider than the window`);
      const high = await page.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight);
      if (high > 0) complain(`the window itself scrolls by ${high} pixels`);
    } catch (error) {
      complain(error.message);
      await page.screenshot({ path: join(out, `${name}.${look.tag}.fault.png`) });
    }
    await page.close();
  }
}
await browser.close();
await server.close();
console.log(faults === 0 ? "no faults" : `${faults} faults`);
process.exitCode = faults === 0 ? 0 : 1;
