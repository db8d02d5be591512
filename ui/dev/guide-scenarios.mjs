// Pictures of the guide and the receipt.
const DRAFT = "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e";
const room = (name, more = {}) => JSON.stringify({ name, ...more });
const guide = (far, more = {}) => ({ session: "password", guide: far, room: room("guide", { draft: DRAFT }), ...more });
const begin = (id) => id("guide-notes-accept").click();
const drawn = (page, name) => page.locator(`[data-testid="${name}"][data-drawn]`).first().waitFor();

export const guideScenarios = [
  { name: "guide-notes", hash: guide("new"), act: (_, id) => id("guide-notes").waitFor() },
  { name: "guide-handler", hash: guide("new"), act: async (_, id) => { await begin(id); await id("field-email").fill("xiaoman@example.cn"); await id("field-email").blur(); } },
  { name: "guide-handler-faults", hash: guide("new"), act: async (_, id) => { await begin(id); await id("field-phone").fill("1380013"); await id("guide-next").click(); await id("field-email-fault").waitFor({ state: "attached" }).catch(() => undefined); } },
  { name: "guide-handler-individual", hash: guide("new", { who: "individual" }), act: (_, id) => begin(id) },
  { name: "guide-handler-unsaved", hash: guide("new", { fail: "save_field:disk_full" }), act: async (_, id) => { await begin(id); await id("field-email").fill("xiaoman@example.cn"); await id("failure").waitFor(); } },
  { name: "guide-form", hash: guide("typed"), act: async (page, id) => { await drawn(page, "form-canvas"); await id("form-save-copy").click(); await id("form-saved").waitFor(); } },
  { name: "guide-form-zoomed", hash: guide("typed"), act: async (page, id) => { await drawn(page, "form-canvas"); await id("pdf-larger").click(); await id("pdf-larger").click(); await page.waitForTimeout(400); } },
  { name: "guide-form-rare", hash: guide("typed", { rare: "𫟦𬱟" }), act: (_, id) => id("form-rare").waitFor() },
  { name: "guide-consent", hash: guide("consent"), act: (_, id) => id("consent-sensitive-body").waitFor() },
  { name: "guide-consent-read", hash: guide("consent"), act: async (_, id) => { await id("consent-sensitive-body").evaluate((element) => element.scrollTo(0, element.scrollHeight)); await id("consent-sensitive-next").click(); } },
  { name: "guide-files", hash: guide("files"), act: (_, id) => id("pick-business_license").waitFor() },
  { name: "guide-files-uploading", hash: guide("uploading"), act: (_, id) => id("attachment-a1").waitFor() },
  { name: "guide-files-uploading-2", hash: guide("uploading"), act: (_, id) => id("requirement-handler_id").scrollIntoViewIfNeeded() },
  { name: "guide-files-video", hash: guide("uploading"), act: (_, id) => id("requirement-commitment_video").scrollIntoViewIfNeeded() },
  { name: "guide-files-pick-failed", hash: guide("files", { pick: "file_too_large" }), act: async (_, id) => { await id("pick-application_form").click(); await id("pick-failure").waitFor(); } },
  { name: "guide-files-remove", hash: guide("ready", { step: "files" }), act: async (_, id) => { await id("requirement-business_license").locator('[data-testid="attachment-remove"]').click(); await id("remove-dialog").waitFor(); } },
  { name: "guide-preview-picture", hash: guide("ready", { step: "files" }), act: async (_, id) => { await id("requirement-business_license").locator('[data-testid="attachment-preview"]').click(); await id("preview-picture").waitFor(); } },
  { name: "guide-preview-pdf", hash: guide("ready", { step: "files" }), act: async (page, id) => { await id("requirement-application_form").locator('[data-testid="attachment-preview"]').click(); await drawn(page, "pdf-canvas"); } },
  { name: "guide-preview-video", hash: guide("ready", { step: "files" }), act: async (page, id) => { await id("requirement-commitment_video").locator('[data-testid="attachment-preview"]').click(); await id("preview-video").waitFor(); await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2); } },
  { name: "guide-script", hash: guide("files"), act: async (_, id) => { await id("script-open").click(); await id("script-dialog").waitFor(); } },
  { name: "guide-submit", hash: guide("ready"), act: (_, id) => id("submit-declare").waitFor() },
  { name: "guide-submit-undeclared", hash: guide("ready"), act: async (_, id) => { await id("submit-send").click(); await id("submit-declare").scrollIntoViewIfNeeded(); } },
  { name: "guide-submit-open", hash: guide("uploading", { step: "submit" }), act: (_, id) => id("submit-open").waitFor() },
  { name: "guide-submit-failed", hash: guide("ready", { fail: "submit:service_unreachable" }), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await id("failure").waitFor(); } },
  { name: "receipt", hash: guide("ready"), act: async (_, id) => { await id("submit-declare").check(); await id("submit-send").click(); await id("receipt-number").waitFor(); } },
  { name: "guide-correction-handler", hash: guide("correction"), act: (_, id) => id("remark-phone").waitFor() },
  { name: "guide-correction-files", hash: guide("correction", { step: "files" }), act: (_, id) => id("remark-business_license").waitFor() },
  { name: "guide-handed-in", hash: guide("ready", { handed_in: "1" }), act: (_, id) => id("guide-to-application").waitFor() },
  { name: "guide-gone", hash: guide("new", { fail: "draft:draft_gone" }), act: (_, id) => id("failure").waitFor() },
];
