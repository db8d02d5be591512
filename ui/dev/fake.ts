// Speaks the program's side of the window: commands by name, doors, events. Scenarios come by the address:
// `#scenario=no-key&session=password&locale=en&theme=dark&drafts=1&tries=last&fail=home:service_unreachable`.
import { guideAnswers } from "./guide";
import { announcementAnswers } from "./announcements";
import { casesAnswers } from "./cases";
import { keyAnswers } from "./key";
import { doctorAnswers } from "./doctor";
import { moduleAnswers } from "./modules";
import { peopleAnswers } from "./people";
import { queryAnswers } from "./query";
import { searchAnswers } from "./search";
import type { AccountView, Catalogue, Event, Failure, FailureCode, FieldFault, Home, KeyState, KeyStrip, KeyView, NetworkView, PinTries, Region, QueuedView, Registration, Requirement, SessionView, StorageQuestion, StorageTrouble, StorageView, KeyKeeping } from "../src/bindings";

// Arguments are as the page sent them: the fake believes it.
type Handler = (args: any) => unknown;
export type Answers = Record<string, Handler>;

const DRAFT = "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e";
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const DAY = 86_400_000;
const NOW = Date.now();
const at = (days: number) => new Date(NOW + days * DAY).toISOString();
/** `queued=waiting|files|sending|needs_key|refused`: the submission of the draft. */
export function queued(wanted: URLSearchParams): QueuedView | null {
  const state = wanted.get("queued") as QueuedView["state"] | null;
  if (state === null) return null;
  const why = state === "refused" ? failure("draft_changed", { retriable: false }) : state === "waiting" ? failure("service_unreachable") : null;
  return { state, at: at(-0.02), tries: state === "files" ? 0 : 2, failure: why };
}
const text = (zh: string, en: string) => ({ zh, en });

export function failure(code: FailureCode, more: Partial<Failure> = {}): Failure {
  return { code, retriable: ["service_unreachable", "driver_failed", "driver_hung", "no_key", "internal"].includes(code), detail: null, faults: [], retry_after: null, ...more };
}

export const registration: Registration = {
  kind: "enterprise",
  organisation: { name: "福州云帆测试科技有限公司", credit_code: "91350100M000100Y43", legal_representative: { name: "王䶮", id_kind: "resident_id", id_number: "11010519491231002X" } },
  contact: { name: "林小满", id_kind: "resident_id", id_number: "11010519491231002X" },
  phone: "13800138000", email: "xiaoman@example.cn", address: { region: "350102", detail: "湖东路 88 号云帆大厦 12 层" },
};
export const account: AccountView = { name: "qy82640193", registration, businesses: ["new"], fixed_fields: [] };

function region(code: string, name: string, ...children: Region[]): Region {
  return children.length > 0 ? { code, name, children } : { code, name };
}
export const regions: Region[] = [
  region("11", "北京市", region("1101", "市辖区", region("110101", "东城区"), region("110102", "西城区"), region("110105", "朝阳区"), region("110108", "海淀区"))),
  region("31", "上海市", region("3101", "市辖区", region("310101", "黄浦区"), region("310115", "浦东新区"))),
  region("35", "福建省",
    region("3501", "福州市", region("350102", "鼓楼区"), region("350103", "台江区"), region("350104", "仓山区"), region("350105", "马尾区"), region("350111", "晋安区"), region("350112", "长乐区"), region("350121", "闽侯县")),
    region("3502", "厦门市", region("350203", "思明区"), region("350205", "海沧区"), region("350206", "湖里区")),
    region("3503", "莆田市", region("350302", "城厢区"), region("350303", "涵江区"))),
  region("44", "广东省", region("4401", "广州市", region("440103", "荔湾区"), region("440104", "越秀区")), region("4403", "深圳市", region("440303", "罗湖区"), region("440304", "福田区"))),
];

const clauses: [string, string][] = [
  ["一、本协议由您与数字证书认证机构（以下简称“本机构”）就数字证书的申请、使用和管理订立。请在申请前仔细阅读；您勾选并点击“下一步”，即表示接受全部条款。", "1. This agreement is made between you and the certificate authority on applying for, using and looking after digital certificates."],
  ["二、您应当提供真实、完整、准确的申请信息和证明材料，并在信息变化后及时办理变更。因信息不实造成的损失，由提供方承担。", "2. You provide true, complete and correct details and documents, and apply for a change when they change."],
  ["三、数字证书的私钥在您的认证锁中生成并保存，本机构不持有、不备份您的私钥。请妥善保管认证锁和 PIN，不要交给他人使用。", "3. The private key is made and kept on your USB key; the authority neither holds nor copies it."],
  ["四、认证锁丢失、PIN 泄露或怀疑私钥不再安全时，应立即停止使用证书，并通知本机构办理注销。注销生效前产生的责任由您承担。", "4. If the key is lost, or its PIN known to others, stop using the certificate and have it revoked at once."],
  ["五、本机构在受理材料齐全后，于公示的时限内完成审核；需要补正的，会说明具体项目和原因。", "5. Once all documents are there, the authority reviews the application within the published time."],
  ["六、证书有效期以证书载明的时间为准。到期前 60 天内可以办理续订。证书过期后，签名不再可信。", "6. The certificate is valid for the time it states, and can be renewed within 60 days before it ends."],
  ["七、本机构依照法律和本协议处理您的个人信息，仅用于身份核验、证书签发和法律要求的留存。涉及敏感个人信息的，另行征得您的单独同意。", "7. Personal data is processed for identification, issuance and retention as the law asks."],
  ["八、证书仅用于电子签名和身份认证，不得用于法律禁止的用途。", "8. The certificate serves electronic signatures and authentication, for no unlawful purpose."],
  ["九、因不可抗力、网络中断或您的设备故障导致的延误，本机构应尽力协助，但不承担由此产生的间接损失。", "9. The authority helps with delays by force majeure, networks or devices, but is not liable for indirect loss."],
  ["十、争议由双方协商解决；协商不成的，向本机构所在地有管辖权的人民法院提起诉讼。本协议自您接受之日起生效。", "10. Disputes are settled by agreement, else by the court at the authority's seat."],
];

function requirement(id: string, title: [string, string], hint: [string, string], more: Partial<Requirement> = {}): Requirement {
  return { id, title: text(...title), hint: text(...hint), kinds: ["pdf", "jpeg", "png"], max_bytes: 10 << 20, min_count: 1, max_count: 1, video: null, is_form: false, key_signature: false, ...more };
}
export const requirements: Requirement[] = [
  requirement("application_form", ["签字盖章的申请表", "Signed and stamped form"], ["打印第 2 步的申请表，签字并加盖公章后扫描。", "Print the form of step 2, sign and stamp it, then scan it."], { is_form: true }),
  requirement("business_licence", ["营业执照", "Business licence"], ["原件彩色扫描，四角齐全，文字清楚。", "A colour scan of the original, all corners visible."]),
  requirement("representative_id", ["法定代表人身份证", "Representative's ID card"], ["正反两面，可以分成两个文件。", "Both sides; two files are fine."], { max_count: 2 }),
  requirement("commitment_video", ["承诺视频", "Commitment video"], ["由经办人本人出镜，朗读下面的内容。", "The handler reads the text below to the camera."], { kinds: ["mp4", "webm"], max_bytes: 200 << 20, video: { min_seconds: 5, max_seconds: 60, script: text("我是{unit}的经办人{handler}，承诺所提交的材料真实有效。{date}", "I am {handler}, handler of {unit}. What I submit is true. {date}") } }),
];

export const catalogue: Catalogue = {
  version: "2026-11", ca_name: "云帆演示认证中心", demonstration: true,
  agreement: { version: "2026-11-01", title: text("数字证书服务协议", "Digital certificate service agreement"), paragraphs: clauses.map(([zh, en]) => text(zh, en)) },
  sensitive_data: { version: "2026-11-01", title: text("敏感个人信息处理同意书", "Consent for sensitive data"), paragraphs: [text("为核验身份，需要收集经办人和法定代表人的证件影像以及经办人的承诺视频。这些属于敏感个人信息，仅用于本次申请的身份核验，并按法律要求保存。", "Copies of ID documents and the commitment video are sensitive data. They serve identification for this application only."), text("您可以不同意。不同意时，可以到受理网点当面办理。", "You may decline and apply at a counter instead.")] },
  offers: (["enterprise", "individual", "authority"] as const).map((kind) => ({ business: "new", account: kind, notes: [text("请准备好营业执照、法定代表人和经办人的身份证件、公章。", "Have licence, ID documents and the stamp at hand."), text("全部材料在线提交，约 15 分钟。审核一般 1 个工作日。", "Everything is done here, in about 15 minutes.")], fees: text("演示环境不收费", "No fees in the demonstration"), validity_years: 1, key_algorithms: ["rsa2048", "ec_p256"], requirements, automatic: false, change_fields: [], reasons: [], consequences: [] })),
  renewal: { opens_days: 60, grace_days: 0, carries_over: true, revokes_old: false }, reminder_days: [60, 30, 7, 1],
  usual_times: [{ state: "in_review", text: text("1 个工作日", "1 working day") }],
  helpdesk: "400-000-0000（工作日 9:00–17:30）",
};

export function keyView(more: Partial<KeyView> = {}): KeyView {
  return { id: "k1", label: "云帆认证锁", manufacturer: "SoftHSM project", model: "SoftHSM v2", serial: "8c1f22d90be04a17", holder: "福州云帆测试科技有限公司", valid_until: at(203), can_log_in: true, tries: "no_warning", so_tries: "no_warning", pin_must_change: false, pin_pad: false, ready: true, pin_length: [4, 16], pin_advice: { min: 6, max: 8, characters: "digits", tries: 10 }, ...more };
}
const EMPTY_KEY = keyView({ holder: null, valid_until: null, can_log_in: false });

function strip(scenario: string, tries: PinTries): KeyStrip {
  const strip = shown(scenario, tries);
  return { ...strip, failing: strip.state.kind === "driver_failed" ? [strip.state] : [] };
}

function shown(scenario: string, tries: PinTries): Omit<KeyStrip, "failing"> {
  const state = (kind: "present" | "no_key" | "no_driver" | "reading"): KeyState => ({ kind });
  switch (scenario) {
    case "no-key": return { state: state("no_key"), keys: [] };
    case "no-driver": return { state: state("no_driver"), keys: [] };
    case "reading": return { state: state("reading"), keys: [] };
    case "no-driver-for-key": return { state: { kind: "key_without_driver", vendor: text("飞天诚信 ePass2003", "Feitian ePass2003"), usb: "096e:0807", package: text("飞天诚信 ePass 认证锁驱动", "Feitian ePass driver") }, keys: [] };
    case "no-driver-offered": return { state: { kind: "key_without_driver", vendor: text("海泰方圆 HaiKey", "Haitai HaiKey"), usb: "5448:0003", package: null }, keys: [] };
    case "card-without-driver": return { state: { kind: "key_without_driver", vendor: text("YubiKey (PIV)", "YubiKey (PIV)"), usb: null, package: null }, keys: [] };
    case "driver-32-bit": return { state: { kind: "module_unusable", driver: "libHtPkcs11.so", fault: { kind: "other_machine", machine: "x86", bits: 32 } }, keys: [] };
    case "locked": return { state: state("present"), keys: [keyView({ tries: "locked" })] };
    case "last-try": return { state: state("present"), keys: [keyView({ tries: "last" })] };
    case "not-ready": return { state: state("present"), keys: [keyView({ holder: null, valid_until: null, can_log_in: false, ready: false, label: "" })] };
    case "driver-failed": return { state: { kind: "driver_failed", driver: "libeToken.so", failure: failure("driver_hung", { detail: "C_GetSlotList, 10 s" }) }, keys: [] };
    case "key": return { state: state("present"), keys: [keyView({ tries })] };
    case "expiring": return { state: state("present"), keys: [keyView({ valid_until: at(21), tries })] };
    case "expired": return { state: state("present"), keys: [keyView({ valid_until: at(-3), can_log_in: false, tries })] };
    case "two-keys-old": return { state: state("present"), keys: [keyView({ id: "k2", serial: "77aa01", label: "空白锁", holder: null, valid_until: null, can_log_in: false }), keyView({ valid_until: at(21), tries })] };
    case "two-keys": return { state: state("present"), keys: [keyView({ tries }), keyView({ id: "k2", serial: "77aa01", label: "备用锁", holder: "林小满", valid_until: at(400) })] };
    case "must-change": return { state: state("present"), keys: [keyView({ tries, pin_must_change: true })] };
    case "officer-last": return { state: state("present"), keys: [keyView({ tries: "locked", so_tries: "last" })] };
    case "officer-locked": return { state: state("present"), keys: [keyView({ tries: "locked", so_tries: "locked" })] };
    case "pin-pad": return { state: state("present"), keys: [keyView({ pin_pad: true, tries })] };
    default: return { state: state("present"), keys: [{ ...EMPTY_KEY, tries }] };
  }
}

/** `storage=choose_keeping|passphrase|key_store_away|newer|opening|failed`, `aside=key_lost|damaged|begun_anew`, `kept=memory|…`. */
function storage(wanted: URLSearchParams): StorageView {
  const asked = wanted.get("storage");
  const trouble = wanted.get("aside") as StorageTrouble | null;
  const salvaged = trouble === "damaged" ? { drafts: 2, files: 5, applications: 3, all: false } : null;
  const notice = trouble && { trouble, file: "certdesk.db.set-aside-20261123-0755", salvaged };
  if (asked === "opening") return { state: { kind: "opening" }, notice };
  if (asked === "failed") return { state: { kind: "failed", failure: failure("disk_full", { detail: "StorageFull", retriable: true }) }, notice };
  const cause: Record<string, Failure | undefined> = { choose_keeping: failure("key_store_away", { detail: "org.freedesktop.DBus.Error.ServiceUnknown", retriable: true }), key_store_away: failure("key_store_locked", { detail: "prompt dismissed", retriable: true }), newer: failure("storage_newer") };
  if (asked !== null) return { state: { kind: "asking", question: asked as StorageQuestion, failure: cause[asked] ?? null }, notice };
  return { state: { kind: "open", kept: (wanted.get("kept") ?? "key_store") as KeyKeeping }, notice };
}

/** Rough checks: enough to see faults come and go. */
function registrationFaults(given: Registration): FieldFault[] {
  const faults: FieldFault[] = [];
  const need = (field: string, value: string, test?: RegExp, fault: FieldFault["fault"] = "bad_format") => {
    if (value === "") faults.push({ field, fault: "missing" });
    else if (test && !test.test(value)) faults.push({ field, fault });
  };
  if (given.organisation) {
    need("organisation.name", given.organisation.name);
    need("organisation.credit_code", given.organisation.credit_code, /^91350100M000100Y43$/, given.organisation.credit_code.length < 18 ? "too_short" : "bad_check_digit");
    need("organisation.legal_representative.name", given.organisation.legal_representative.name);
    need("organisation.legal_representative.id_number", given.organisation.legal_representative.id_number, /^11010519491231002X$/, "bad_check_digit");
  }
  need("contact.name", given.contact.name);
  need("contact.id_number", given.contact.id_number, /^11010519491231002X$/, "bad_check_digit");
  need("phone", given.phone, /^1[3-9]\d{9}$/);
  need("email", given.email, /^\S+@\S+\.\S+$/);
  need("address.region", given.address.region);
  need("address.detail", given.address.detail);
  return faults;
}

export interface Fake {
  emit: (event: Event) => void;
  home: Home;
  /** Commands and doors called, in order; never the bytes of a PIN. */
  calls: string[];
  /** Replaces or adds an answer, by the name the program has for the command. */
  answers: Answers;
}

export function install(wanted: URLSearchParams): Fake {
  const scenario = wanted.get("scenario") ?? "empty-key";
  const tries = (wanted.get("tries") ?? "no_warning") as PinTries;
  const keys = strip(scenario, tries);
  const session = (kind: "password" | "token", first = false): SessionView => ({ kind, key: kind === "token" ? (keys.keys[0]?.id ?? "k1") : null, must_change_password: first, account: { ...account, businesses: wanted.get("businesses")?.split(",") as never ?? ["new"] }, offline: wanted.get("reading") ? { seen_at: at(-1.2) } : null });
  const kind = wanted.get("session");
  const home: Home = {
    session: kind === "password" || kind === "token" ? session(kind) : kind === "first" ? session("password", true) : null,
    keys,
    service: { address: "127.0.0.1:8443", reachable: scenario === "offline" ? false : true, failure: scenario === "offline" ? failure("service_unreachable", { detail: "connection refused" }) : null, seen_at: at(-0.05) },
    settings: { locale: wanted.get("locale") === "en" ? "en" : "zh-CN", theme: (wanted.get("theme") ?? "light") as Home["settings"]["theme"] },
    demo: wanted.get("demo") !== "0",
    drafts: wanted.get("drafts") ? [{ id: DRAFT, business: "new", correction: false, step: "files", changed_at: at(-0.1), queued: queued(wanted) }] : [],
    withdrawals: wanted.get("withdrawal") ? [{ application: CASE, queued: { state: wanted.get("withdrawal") as never, at: at(-0.02), tries: 1, failure: null } }] : [],
    unread_notices: 0,
    storage: storage(wanted),
  };

  const asks = scenario === "proxy-login" ? failure("proxy_login_needed") : null;
  const away = asks ?? (scenario === "network" ? failure(wanted.get("code") as FailureCode, { detail: wanted.get("detail") }) : wanted.get("away") ? failure(wanted.get("away") as FailureCode) : null);
  if (away) home.service = { ...home.service, reachable: false, failure: away };
  const pac = wanted.get("pac");
  let network: NetworkView = { settings: { proxy: { kind: "system" }, kib_a_second: null }, in_use: asks || pac === "1" ? "proxy.corp.example:8080" : null, script: pac ? { address: "http://wpad.corp.example/proxy.pac", failure: pac === "1" ? null : failure(pac as FailureCode) } : null, has_login: false, login_kept: false, failure: null };
  const answers: Answers = {
    home: () => structuredClone(home),
    save_settings: ({ settings }) => void (home.settings = settings),
    network: () => network,
    save_network: ({ settings }) => (network = { ...network, settings, in_use: settings.proxy.kind === "manual" ? `${settings.proxy.host}:${settings.proxy.port}` : null, failure: home.service.failure }),
    log_in_to_proxy: ({ name, password, keep }) => {
      if (password !== "corp") throw failure("proxy_login_needed", { detail: "refused" });
      return (network = { ...network, has_login: name !== "", login_kept: keep });
    },
    forget_proxy_login: () => (network = { ...network, has_login: false, login_kept: false }),
    storage: () => home.storage,
    retry_storage: () => home.storage,
    keep_nothing: () => (home.storage = { state: { kind: "open", kept: "memory" }, notice: null }),
    choose_passphrase: () => (home.storage = { state: { kind: "open", kept: "passphrase" }, notice: null }),
    unlock_storage: ({ passphrase }) => {
      if (passphrase !== "金山大道的猫") throw failure("wrong_passphrase");
      return (home.storage = { state: { kind: "open", kept: "passphrase" }, notice: null });
    },
    begin_storage_anew: () => (home.storage = { state: { kind: "open", kept: "key_store" }, notice: { trouble: "begun_anew", file: "certdesk.db.set-aside-20261123-0755", salvaged: null } }),
    storage_notice_read: () => (home.storage = { ...home.storage, notice: null }),
    change_passphrase: ({ current }) => {
      if (current !== "金山大道的猫") throw failure("wrong_passphrase");
    },
    catalogue: () => catalogue,
    regions: () => regions,
    refresh_keys: () => home.keys,
    accept_consent: ({ subject, version }) => ({ id: CASE, subject, version, recorded_at: at(0) }),
    check_registration: ({ registration }) => ({ faults: registrationFaults(registration) }),
    register: () => ({ masked_phone: "138****8000" }),
    log_in_with_password: ({ account: name, password }) => {
      if (password !== "Yunfan-2026") throw failure((wanted.get("login") as FailureCode | null) ?? "wrong_credentials", { detail: "HTTP 401", retry_after: wanted.get("login") === "account_locked" ? 900 : null });
      return (home.session = { ...session("password", name === "first"), account: { ...account } });
    },
    offline_choices: () => ({ by_password: wanted.get("choices") !== "none", keys: wanted.get("choices") === "none" ? [] : keys.keys.map(({ id }) => id) }),
    "pin:read_offline": () => ({ kind: "logged_in", session: (home.session = { ...session("token"), offline: { seen_at: at(-1.2) } }) }),
    read_offline: ({ password }) => {
      const refused = wanted.get("refused") as FailureCode | null;
      if (password !== "Yunfan-2026") throw failure(refused ?? "offline_password_wrong", { retry_after: refused === "offline_too_soon" ? 240 : null });
      return (home.session = { ...session("password"), offline: { seen_at: at(-1.2) } });
    },
    change_password: () => (home.session = session("password")),
    log_out: () => void (home.session = null),
    discard_draft: () => void (home.drafts = []),
  };
  const calls: string[] = [];
  const emit = (event: Event) => listeners.forEach((id) => callbacks.get(id)?.({ event: "certdesk", id, payload: event }));
  Object.assign(answers, guideAnswers(wanted, catalogue, registration, { home, emit, failure }), casesAnswers(wanted, { home, emit, failure, answers }), announcementAnswers(wanted), queryAnswers(wanted, failure), searchAnswers(wanted, home, answers), peopleAnswers(wanted, { home, emit, failure }), keyAnswers(wanted, { home, failure }), doctorAnswers(wanted, { emit, failure }), moduleAnswers(wanted, failure));
  const [failing, code] = (wanted.get("fail") ?? "").split(":");
  if (failing && code) answers[failing] = () => { throw failure(code as FailureCode, { detail: "os error 111" }); };

  // The runtime that the window's script would install.
  const callbacks = new Map<number, (payload: unknown) => void>();
  const listeners: number[] = [];
  let next = 1;
  const invoke = async (command: string, args: unknown): Promise<unknown> => {
    if (command === "plugin:event|listen") {
      listeners.push((args as { handler: number }).handler);
      return listeners.length;
    }
    if (command.startsWith("plugin:")) return null;
    await new Promise((resolve) => setTimeout(resolve, Number(wanted.get("delay") ?? 5)));
    if (command === "submit_pin") {
      calls.push(command);
      if (wanted.get("hang") === "pin") await new Promise(() => undefined);
      const own = await answers.submit_pin?.(args as Record<string, never>);
      if (own !== undefined) return own;
      const right = new TextDecoder().decode(args as Uint8Array) === "123456";
      if (right) return { kind: "logged_in", session: (home.session = session("token")) };
      const after: PinTries = tries === "no_warning" ? "few" : tries === "few" ? "last" : tries === "last" ? "locked" : tries;
      for (const key of home.keys.keys) key.tries = after;
      return { kind: "refused", tries: after };
    }
    if (command !== "call" && command !== "desk_call") {
      calls.push(command);
      const door = answers[command];
      if (!door) throw failure("bad_command", { detail: command });
      return door(args);
    }
    const { name, args: given } = args as { name: string; args: unknown };
    calls.push(name);
    const answer = answers[name];
    if (!answer) throw failure("bad_command", { detail: name });
    return answer(given);
  };
  Object.assign(window, {
    __TAURI_INTERNALS__: { invoke, transformCallback: (callback: (payload: unknown) => void) => (callbacks.set(next, callback), next++), unregisterCallback: (id: number) => callbacks.delete(id), convertFileSrc: (path: string) => path, metadata: { currentWindow: { label: "main" }, currentWebview: { label: "main" } } },
    __TAURI_EVENT_PLUGIN_INTERNALS__: { unregisterListener: () => undefined },
  });
  return { home, calls, answers, emit };
}
