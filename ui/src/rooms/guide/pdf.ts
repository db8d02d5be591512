// PDFs drawn by pdf.js on canvas. Everything is local, nothing is evaluated: the policy of the window allows neither.
import { getDocument, GlobalWorkerOptions, TextLayer, type PDFDocumentProxy, type PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import workerUrl from "pdfjs-dist/legacy/build/pdf.worker.min.mjs?url";
import openJpegUrl from "pdfjs-dist/wasm/openjpeg_nowasm_fallback.js?url";

GlobalWorkerOptions.workerSrc = workerUrl;
// pdf.js joins a folder and a fixed file name; the file's own name changes with its content. As a fragment the fixed
// name does no harm.
const decoders = `${new URL(openJpegUrl, document.baseURI).href}#/`;

export type { PDFDocumentProxy, PDFPageProxy };

/** Most pixels of one canvas: webviews draw nothing on larger ones. */
const MOST_PIXELS = 16_000_000;

export interface OpenPdf {
  pages: PDFPageProxy[];
  close: () => void;
}

/** Opens a PDF. `bytes` are handed to the worker and empty afterwards. */
export async function openPdf(bytes: ArrayBuffer): Promise<OpenPdf> {
  const task = getDocument({ data: bytes, isEvalSupported: false, useWasm: false, wasmUrl: decoders, enableXfa: false, useSystemFonts: true, verbosity: 0 });
  const document = await task.promise;
  const pages = await Promise.all(Array.from({ length: document.numPages }, (_, index) => document.getPage(index + 1)));
  return { pages, close: () => void task.destroy() };
}

/** Draws a page; `scale` in canvas pixels per point. The answer cancels it. */
export function drawPage(page: PDFPageProxy, canvas: HTMLCanvasElement, scale: number, intent: "display" | "print" = "display"): { done: Promise<void>; cancel: () => void } {
  const whole = page.getViewport({ scale: 1 });
  const viewport = page.getViewport({ scale: Math.min(scale, Math.sqrt(MOST_PIXELS / (whole.width * whole.height))) });
  canvas.width = Math.floor(viewport.width);
  canvas.height = Math.floor(viewport.height);
  const task = page.render({ canvas, viewport, intent, background: "#fff" });
  return { done: task.promise, cancel: () => task.cancel() };
}

/** Lays the page's text over it, to be selected and read aloud. */
export async function layText(page: PDFPageProxy, container: HTMLElement): Promise<void> {
  container.replaceChildren();
  const layer = new TextLayer({ textContentSource: await page.getTextContent(), container, viewport: page.getViewport({ scale: 1 }) });
  await layer.render();
}
