// Pictures of the review desk of a real service, and an axe check of each. `node dev/desk.mjs [name part] [--quick]`
// Starts `certdesk-service serve --demo --two-persons` (SERVICE=path, by default the debug build) on a folder of its own,
// plays the applicants over HTTPS, and walks the pages with a Chromium (CHROMIUM=path). Needs openssl for the requests of
// certificates. Writes to SHOTS, by default a folder of the system's temp.
import { execFileSync, spawn } from "node:child_process";
import { createHash, createPrivateKey, randomUUID, sign } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = process.env.SHOTS ?? join(tmpdir(), "shots");
mkdirSync(out, { recursive: true });
const only = process.argv.slice(2).find((word) => !word.startsWith("--"));
const quick = process.argv.includes("--quick");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const secret = "pictures";

// The service, and the one way to speak to it.
const folder = mkdtempSync(join(tmpdir(), "desk-"));
const program = process.env.SERVICE ?? join(root, "target/debug/certdesk-service");
const ready = join(folder, "ready.json");
const more = execFileSync(program, ["serve", "--help"]).includes("--unsigned-sessions") ? ["--unsigned-sessions"] : [];
const service = spawn(program, ["serve", "--data", join(folder, "data"), "--listen", "127.0.0.1:0", "--demo", secret, "--two-persons", "--ready-file", ready, ...more], { stdio: ["ignore", "ignore", process.env.LOG ? "inherit" : "ignore"] });
process.on("exit", () => {
  service.kill();
  rmSync(folder, { recursive: true, force: true });
});
const patience = Date.now() + 30_000;
while (!existsSync(ready)) {
  if (service.exitCode !== null || Date.now() > patience) throw new Error("the service did not start");
  await new Promise((done) => setTimeout(done, 50));
}
const told = JSON.parse(readFileSync(ready, "utf8"));
const ca = readFileSync(told.root_certificate);
const base = new URL(told.base_url);

function send(method, path, { headers = {}, body, token } = {}) {
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const all = { ...(bytes && !Buffer.isBuffer(body) ? { "content-type": "application/json" } : {}), ...(bytes ? { "content-length": bytes.length } : {}), ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers };
  return new Promise((done, fail) => {
    const asked = request({ host: base.hostname, port: base.port, method, path, headers: all, ca }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode >= 400) fail(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        else done({ headers: answer.headers, json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null });
      });
    });
    asked.on("error", fail);
    asked.end(bytes);
  });
}

// Applicants.
const catalogue = (await send("GET", "/v1/catalogue")).json;
const fixture = (name) => readFileSync(join(root, "tests/fixtures/files", name));
const FILES = {
  application_form: ["申请表.pdf", readFileSync(join(root, "ui/dev/form.pdf"))],
  business_license: ["营业执照.jpg", fixture("营业执照.jpg")],
  handler_id: ["身份证正面.jpg", fixture("身份证正面.jpg")],
  handler_id_back: ["身份证反面.jpg", fixture("身份证反面.jpg")],
  legal_representative_id: ["法人身份证.png", fixture("法人身份证.png")],
  power_of_attorney: ["授权委托书.pdf", fixture("授权委托书.pdf")],
  change_proof: ["准予变更登记通知书.pdf", fixture("授权委托书.pdf")],
  commitment_video: ["承诺视频.webm", readFileSync(join(root, "ui/dev/commitment.webm"))],
};
const CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY";
function creditCode(nth) {
  const body = `91350100M${String(100 + nth).padStart(6, "0")}Y4`;
  const sum = [...body].reduce((sum, char, i) => sum + CREDIT.indexOf(char) * (3 ** i % 31), 0);
  return body + CREDIT[(31 - (sum % 31)) % 31];
}
const ID = "11010519491231002X";

async function sms(phone, pattern) {
  const all = (await send("GET", "/demo/sms", { headers: { "x-demo-secret": secret } })).json;
  return all.filter((message) => message.phone === phone).map((message) => message.text.match(pattern)).find(Boolean);
}

async function consent(subject, version) {
  return (await send("POST", "/v1/consents", { body: { subject, version } })).json.id;
}

async function applicant(name, nth) {
  const person = (name) => ({ name, id_kind: "resident_id", id_number: ID });
  const phone = `1380013${String(8000 + nth)}`;
  const registration = {
    kind: "enterprise",
    organisation: { name, credit_code: creditCode(nth), legal_representative: person("王䶮") },
    contact: person("林测试"), phone, email: "clerk@example.com", address: { region: "350102", detail: "测试路 1 号云帆大厦 8 层" },
  };
  const agreed = await consent("agreement", catalogue.agreement.version);
  await send("POST", "/v1/registrations", { body: { registration, consent: agreed }, headers: { "idempotency-key": randomUUID() } });
  const [, account, password] = await sms(phone, /账号：(\w+).*初始密码：(\w+)/s);
  const token = (await send("POST", "/v1/sessions/password", { body: { account, password, consent: null } })).json.access_token;
  await send("PUT", "/v1/account/password", { token, body: { old: password, new: "correct horse 7" } });
  return { token, account, phone, registration };
}

async function upload(who, application, requirement, [name, bytes]) {
  const base64 = (text) => Buffer.from(text).toString("base64");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const pairs = Object.entries({ application, requirement, filename: name, sha256 }).map(([key, value]) => `${key} ${base64(value)}`);
  const headers = { "tus-resumable": "1.0.0" };
  const { headers: answer } = await send("POST", "/v1/uploads", { token: who.token, headers: { ...headers, "upload-length": bytes.length, "upload-metadata": pairs.join(",") } });
  await send("PATCH", answer.location, { token: who.token, body: bytes, headers: { ...headers, "content-type": "application/offset+octet-stream", "upload-offset": "0" } });
  return { requirement, upload: answer.location.split("/").pop() };
}

async function handIn(who, business, { id = randomUUID(), handler = {}, particulars = {}, attachments } = {}) {
  const { contact, organisation, phone, email, address } = who.registration;
  if (!attachments) {
    await send("PUT", `/v1/applications/${id}`, { token: who.token, body: { business, certificate: particulars.certificate } });
    attachments = [];
    const offer = catalogue.offers.find((offer) => offer.business === business && offer.account === "enterprise");
    for (const { id: requirement, min_count } of offer.requirements) {
      if (min_count > 0) attachments.push(await upload(who, id, requirement, FILES[requirement]));
      if (min_count > 1) attachments.push(await upload(who, id, requirement, FILES[`${requirement}_back`]));
    }
  }
  const body = {
    handler: { credit_code: organisation.credit_code, address, person: contact, phone, email, ...handler },
    particulars, form_sha256: attachments.length ? "0".repeat(64) : null, attachments, declared_true: true,
    sensitive_data_consent: attachments.length ? await consent("sensitive_data", catalogue.sensitive_data.version) : null,
  };
  await send("POST", `/v1/applications/${id}/submission`, { token: who.token, body, headers: { "idempotency-key": randomUUID() } });
  return { id, attachments };
}

const demo = (method, path, body) => send(method, path, { body, headers: { "x-demo-secret": secret } });

async function certify(who) {
  const { id } = await handIn(who, "new");
  // Two persons: the demo's window is one, the administrator's command the other.
  await demo("POST", `/demo/review/${id}`, { decision: "approve" });
  execFileSync(program, ["review", "approve", id, "--data", join(folder, "data")]);
  const key = join(folder, `${id}.pem`);
  const csr = execFileSync("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", "/CN=x", "-outform", "DER"], { stdio: ["ignore", "pipe", "ignore"] });
  const issued = (await send("POST", `/v1/applications/${id}/certificate`, { token: who.token, body: { csr_b64: csr.toString("base64") } })).json;
  const der = Buffer.from(issued.certificate_b64, "base64");
  const serial = execFileSync("openssl", ["x509", "-inform", "DER", "-noout", "-serial"], { input: der }).toString().trim().split("=")[1].toLowerCase().replace(/^0+/, "");
  const proof = sign("sha256", Buffer.from(`certdesk installation ${id} ${serial}`), { key: createPrivateKey(readFileSync(key)), dsaEncoding: "ieee-p1363" });
  await send("POST", `/v1/applications/${id}/installation`, { token: who.token, body: { serial, proof_b64: proof.toString("base64") } });
  return serial;
}

// What lies on the desk.
const lost = await applicant("福州云帆测试科技有限公司", 1);
await certify(lost);
await send("POST", "/v1/codes", { body: { purpose: "lost_key", account: lost.account } });
const [, code] = await sms(lost.phone, /(?<!\d)(\d{6})(?!\d)/);
await send("POST", "/v1/lost-keys", { body: { account: lost.account, code, circumstance: "stolen" }, headers: { "idempotency-key": randomUUID() } });

const changing = await applicant("厦门鹭岛测试贸易有限公司", 2);
const serial = await certify(changing);
const changed = await handIn(changing, "change", { particulars: { certificate: serial, changes: { "organisation.name": "厦门鹭岛测试国际贸易有限公司", "organisation.legal_representative.name": "欧阳测试" } } });

const main = await applicant("福建省闽江测试建设工程集团有限公司", 3);
const first = await handIn(main, "new", { handler: { phone: "13900139000", email: "wang.yan@example.com" } });
await demo("POST", `/demo/review/${first.id}`, { decision: "return", remarks: [{ target: { kind: "field", name: "address.detail" }, text: "请填写与营业执照一致的住所。" }, { target: { kind: "field", name: "address.region" }, text: "请填写与营业执照一致的住所。" }, { target: { kind: "field", name: "person.name" }, text: "请与身份证一致。" }] });
await handIn(main, "new", { id: first.id, attachments: first.attachments, handler: { phone: "13900139000", email: "wang.yan@example.com", address: { region: "350104", detail: "测试大道 88 号闽江大厦 12 层" }, person: { name: "王䶮", id_kind: "resident_id", id_number: ID } } });

const two = await handIn(await applicant("泉州海丝测试物流有限公司", 4), "new");
const stale = await handIn(await applicant("漳州水仙测试花卉有限公司", 5), "new");
const watched = await handIn(await applicant("莆田木兰测试陂水利有限公司", 6), "new");
const returned = await handIn(await applicant("宁德三都澳测试渔业有限公司", 7), "new");
await demo("POST", `/demo/review/${returned.id}`, { decision: "return", remarks: [{ target: { kind: "case" }, text: "请重新上传清晰的营业执照。" }] });

const [jia, yi] = told.desk_staff;
const staff = (words) => execFileSync(program, ["staff", ...words, "--data", join(folder, "data")], { input: "first password 1\n" });
staff(["add", "shenji", "--display-name", "陈审计", "--role", "auditor", "--password-stdin"]);
staff(["add", "xinren", "--display-name", "新来的", "--password-stdin"]);

// The pages.
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"] });

async function person(look, { name, password }) {
  const context = await browser.newContext({ viewport: { width: look.width, height: look.height }, colorScheme: look.theme, reducedMotion: "reduce", ignoreHTTPSErrors: true, locale: look.locale });
  await context.addCookies([{ name: "__Host-certdesk-language", value: look.locale === "en" ? "en" : "zh", url: base.origin, secure: true, httpOnly: true, sameSite: "Strict" }]);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(told.desk_url);
  if (name) {
    await page.fill("[name=name]", name);
    await page.fill("[name=password]", password);
    await page.click("main button");
    await page.waitForURL((url) => !url.pathname.endsWith("/login"));
  }
  return page;
}

const open = (page, id) => page.goto(`${base.origin}/desk/cases/${id}`);
const newcomer = { password: "first password 1" };
const scenarios = [
  { name: "desk-login", who: {} },
  { name: "desk-login-refused", who: {}, act: async (page) => {
    await page.fill("[name=name]", "nobody");
    await page.fill("[name=password]", "wrong");
    await page.click("main button");
  } },
  { name: "desk-password", who: { ...newcomer, name: "xinren" } },
  { name: "desk-queue", who: jia },
  { name: "desk-queue-all", who: jia, act: (page) => page.goto(`${told.desk_url}?state=all`) },
  { name: "desk-queue-empty", who: jia, act: (page) => page.goto(`${told.desk_url}?q=%E6%97%A0`) },
  { name: "desk-case", who: jia, act: (page) => open(page, first.id) },
  { name: "desk-case-revealed", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.click("button[name=show]");
  } },
  ...["application_form", "handler_id", "commitment_video"].map((requirement, place) => ({ name: `desk-case-files-${requirement}`, who: jia, act: async (page) => {
    await open(page, first.id);
    await page.locator(".requirement").nth([0, 2, 5][place]).evaluate((card) => { card.closest(".files").scrollTop = card.offsetTop - card.closest(".files").offsetTop; });
    if (place === 2) await page.waitForFunction(() => [...document.querySelectorAll("video")].every((video) => video.readyState >= 2));
    if (place === 0) await page.waitForTimeout(1500);
  } })),
  { name: "desk-case-approve", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.check("#choose-approve");
  } },
  { name: "desk-case-return", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.check("#choose-return");
    await page.fill("[name='remark:field:person.id_number']", "证件号码与身份证照片不一致，请核对。");
    await page.locator("[name='remark:field:person.id_number']").scrollIntoViewIfNeeded();
  } },
  { name: "desk-case-return-empty", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.check("#choose-return");
    await page.click("form.return button");
  } },
  { name: "desk-case-reject", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.check("#choose-reject");
    await page.fill("form.reject textarea", "营业执照已被吊销，不符合受理条件。");
  } },
  { name: "desk-case-changed", who: jia, act: async (page) => {
    await open(page, stale.id);
    await page.check("#choose-approve");
    await page.check("form.approve [type=checkbox]");
    await page.locator("form.approve [name=submission]").evaluate((input) => { input.value = "7"; });
    await page.click("form.approve button");
  } },
  { name: "desk-case-first", who: jia, act: (page) => open(page, two.id) },
  { name: "desk-case-second", who: yi, act: async (page) => {
    await open(page, two.id);
    await page.check("#choose-approve");
  } },
  { name: "desk-case-urgent", who: jia, act: async (page) => {
    await page.click("tr.urgent a");
    await page.waitForSelector(".decision");
  } },
  { name: "desk-case-change", who: jia, act: (page) => open(page, changed.id) },
  { name: "desk-case-watched", who: jia, act: (page) => open(page, watched.id) },
  { name: "desk-case-audit", who: jia, act: async (page) => {
    await open(page, first.id);
    await page.click(".audit-of-case summary");
    await page.locator(".audit-of-case").scrollIntoViewIfNeeded();
  } },
  { name: "desk-case-auditor", who: { name: "shenji", password: "correct horse 7" }, act: (page) => open(page, two.id) },
  { name: "desk-audit", who: { name: "shenji", password: "correct horse 7" }, act: (page) => page.goto(`${told.desk_url}/audit`) },
  { name: "desk-nothing", who: jia, act: (page) => page.goto(`${told.desk_url}/nothing`) },
];
const looks = [
  { tag: "zh-light-1280", width: 1280, height: 800, locale: "zh-CN", theme: "light" },
  { tag: "en-dark-1024", width: 1024, height: 700, locale: "en", theme: "dark" },
  { tag: "zh-dark-1280", width: 1280, height: 800, locale: "zh-CN", theme: "dark" },
  { tag: "en-light-1024", width: 1024, height: 700, locale: "en", theme: "light" },
].slice(0, quick ? 1 : undefined);

let faults = 0;
try {
  // The first of two decisions, a case that somebody else is at, an auditor with a password of their own.
  const before = await person(looks[0], jia);
  await open(before, two.id);
  await before.check("#choose-approve");
  await before.check("form.approve [type=checkbox]");
  await before.click("form.approve button");
  await before.waitForSelector(".notice.warn");
  await before.context().close();
  const other = await person(looks[0], yi);
  await open(other, watched.id);
  const auditor = await person(looks[0], { ...newcomer, name: "shenji" });
  await auditor.fill("[name=old]", newcomer.password);
  await auditor.fill("[name=new]", "correct horse 7");
  await auditor.fill("[name=again]", "correct horse 7");
  await auditor.click("main button");
  await auditor.waitForSelector("table");
  await auditor.context().close();

  for (const look of looks) {
    const people = new Map();
    for (const { name, who, act } of scenarios) {
      if (only && !name.includes(only)) continue;
      const complain = (what) => {
        faults += 1;
        console.error(`${name} ${look.tag}: ${what}`);
      };
      const key = who.name ?? name;
      if (!people.has(key)) people.set(key, await person(look, who));
      const page = people.get(key);
      const listen = (message) => (message.type() === "error" && !/status of 4\d\d/.test(message.text()) ? complain(message.text()) : undefined);
      page.on("console", listen);
      try {
        if (who.name && act) await page.goto(told.desk_url);
        await act?.(page);
        await page.waitForLoadState("networkidle");
        await page.screenshot({ path: join(out, `${name}.${look.tag}.png`) });
        // In a world of its own: the page itself runs no script.
        const { violations } = await (async () => {
          const session = await page.context().newCDPSession(page);
          const { frameTree } = await session.send("Page.getFrameTree");
          const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
          const run = `${axe}; axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], iframes: false })`;
          const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression: run, contextId, awaitPromise: true, returnByValue: true });
          if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
          return result.value;
        })();
        for (const { id, nodes } of violations) complain(`axe ${id}: ${nodes.map(({ target, any }) => `${target}${any[0] ? ` (${any[0].message})` : ""}`).slice(0, 3).join("; ")}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) complain(`${wide} pixels wider than the window`);
      } catch (error) {
        complain(error.message);
        await page.screenshot({ path: join(out, `${name}.${look.tag}.fault.png`) });
      }
      page.off("console", listen);
    }
    for (const page of people.values()) await page.context().close();
  }
} finally {
  await browser.close();
}
console.log(faults === 0 ? "no faults" : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
