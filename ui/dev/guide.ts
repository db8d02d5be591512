// Answers for the guide: one draft, kept while the page stands. Words of the address:
// `guide=new|typed|consent|files|uploading|ready|correction` (how far it is), `step=form`, `rare=䶮𫟦`, `pick=file_too_large`
// (a pick fails so), `business=renew|change|revoke|replace`, `typed_changes=1`, `sign=1` (the form can be signed), `conflicts=1`, `handler=unknown` (注销 asks for the handler first), `instant=1` (decided at once), `submit=<failure>`, `handed_in=1`, `who=individual`. A failing save: `fail=save_field:disk_full`.
import type { ApplicationView, AttachmentView, Business, Catalogue, DraftView, Event, Failure, FailureCode, FieldFault, Handler, Home, ReceiptView, Registration, Remark, Requirement, RevocationReason, Step, Text, UploadState, UsualTime } from "../src/bindings";
import { LIFE } from "./certificates";
import { queued, type Answers } from "./fake";
import formUrl from "./form.pdf?url";
import videoUrl from "./commitment.webm?url";

const DRAFT = "0192f0c1-7c5e-7d2a-9a51-6f1b2a3c4d5e";
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const text = (zh: string, en: string): Text => ({ zh, en });

/** As the service's own catalogue has it for a company. */
const NOTES = [
  text("适用于首次为本企业申请数字证书。", "For enterprises that apply for their first certificate."),
  text("全程在线办理，一般只需二十分钟填写和上传；填写内容随时自动保存，可以分几次完成。", "Everything is done online; entering and uploading takes about twenty minutes. What you type is saved as you go, so you may take several sittings."),
  text("请先准备好：营业执照、法定代表人和经办人的身份证件、授权委托书、单位公章，以及一部能录像的手机。", "Have ready: the business licence, the IDs of the legal representative and the handler, a power of attorney, the unit's stamp, and a phone that records video."),
  text("还需要一支空白的 USB Key。审核通过后，在本程序里插入 Key、输入 PIN 码，就能自己完成制证，不用跑窗口。", "You also need a blank USB key. Once approved, plug it in here, enter its PIN, and make the certificate yourself without going to a counter."),
  text("办理分四步：填写经办人信息、生成并打印申请表、上传材料、核对提交。提交后会得到申办编号，可随时查看进度。", "There are four steps: the handler's details, the application form, the files, review and submit. You then get an application number and can follow the case at any time."),
  text("如材料需要补正，我们会逐项写明原因；您只改被指出的地方，再次提交即可，不用重新申请。", "If something needs correction we say what and why, item by item; you correct just that and submit again, without starting over."),
  text("证书办好之后，只能用 USB Key 登录，账号密码登录将停用。请妥善保管 Key。", "Once you have the certificate, only the USB key logs in; the password no longer does. Take good care of the key."),
];
const SENSITIVE = [
  text("办理数字证书需要确认“您就是您”，因此会用到下列敏感个人信息。请您单独确认是否同意。", "To issue a certificate we must be sure that you are you. That needs the sensitive personal data below; please decide separately whether you agree."),
  text("# 收集什么", "# What"),
  text("经办人、法定代表人（负责人）或本人的身份证件影像和号码；本人出镜朗读承诺内容的视频（含人脸和声音）。", "Images and numbers of identity documents of the handler, the legal representative or yourself; a video in which you read the commitment aloud (face and voice)."),
  text("# 为什么必须", "# Why it is needed"),
  text("用于核验身份、确认办理意愿，并依法留存认证证据。不提供这些材料将无法在线办理，您仍可到受理窗口办理。", "To verify identity, to confirm that you really want this, and to keep the evidence the law asks for. Without it we cannot issue online; you can still come to the counter."),
  text("# 对您有什么影响", "# What it means for you"),
  text("这些信息一旦泄露，可能被人冒用身份。因此它们加密传输，仅供审核人员在审核本次申办时查看，除核验身份外不作他用，也不会提供给无关的第三方。", "If it leaked, somebody could pose as you. So it travels encrypted, is seen only by reviewers of this case, serves no other purpose than verifying you, and is given to no third party."),
  text("# 保存多久", "# How long"),
  text("提交的材料保存至证书失效后五年；未提交的文件最长保存三个月，您也可以随时自行删除。", "What you hand in is kept until five years after the certificate ends; files not handed in for three months at most, and you can remove them at any time."),
  text("# 您的权利", "# Your rights"),
  text("您可以拒绝，也可以在提交之后撤回同意。撤回同意后，尚未办结的申办将终止。", "You may refuse, and you may withdraw your consent after handing in. An unfinished application then ends."),
];
const REQUIREMENTS: Requirement[] = [
  { id: "application_form", title: text("申请表（签字盖章扫描件）", "Application form, signed and stamped (scan)"), hint: text("用第二步生成的申请表打印，经办人签字并加盖单位公章后扫描。印章要压住单位名称，四边不要裁掉。", "Print the form made in step 2, have the handler sign it and the unit stamp it, and scan it. The stamp covers the unit's name; do not crop the edges."), kinds: ["pdf", "jpeg", "png"], max_bytes: 20971520, min_count: 1, max_count: 1, video: null, is_form: true, key_signature: true },
  { id: "business_license", title: text("营业执照", "Business licence"), hint: text("正本或副本原件的彩色扫描件或照片，在有效期内，统一社会信用代码清晰可见。", "Colour scan or photo of the original, in force, with the credit code legible."), kinds: ["pdf", "jpeg", "png"], max_bytes: 20971520, min_count: 1, max_count: 1, video: null, is_form: false, key_signature: false },
  { id: "handler_id", title: text("经办人身份证件（正反面）", "ID document of the handler, both sides"), hint: text("正面、反面各一张，四角完整，文字清晰、不反光。持护照或通行证的，上传资料页和签发页。请勿使用复印件的照片。", "One picture of each side, all four corners in sight, legible, no glare. For a passport or permit: the data page and the page of issue. No photographs of copies."), kinds: ["jpeg", "png"], max_bytes: 10485760, min_count: 2, max_count: 2, video: null, is_form: false, key_signature: false },
  { id: "legal_representative_id", title: text("法定代表人身份证件（正反面）", "ID document of the legal representative, both sides"), hint: text("正面、反面各一张，四角完整，文字清晰、不反光。持护照或通行证的，上传资料页和签发页。请勿使用复印件的照片。", "One picture of each side, all four corners in sight, legible, no glare. For a passport or permit: the data page and the page of issue. No photographs of copies."), kinds: ["jpeg", "png"], max_bytes: 10485760, min_count: 1, max_count: 2, video: null, is_form: false, key_signature: false },
  { id: "power_of_attorney", title: text("授权委托书", "Power of attorney"), hint: text("写明单位授权经办人办理数字证书，法定代表人签字并加盖公章。可用单位自己的格式。", "States that the unit has the handler apply for its certificate; signed by the legal representative and stamped. The unit's own wording will do."), kinds: ["pdf", "jpeg", "png"], max_bytes: 20971520, min_count: 1, max_count: 1, video: null, is_form: false, key_signature: false },
  { id: "commitment_video", title: text("承诺视频", "Commitment video"), hint: text("请本人正面出镜，光线充足，用普通话读完旁边的承诺词，10 至 60 秒。手机录制即可，支持 MP4 或 WebM。", "Face the camera in good light and read the words beside it aloud, 10 to 60 seconds. A phone's MP4 or a WebM will do."), kinds: ["mp4", "webm"], max_bytes: 104857600, min_count: 1, max_count: 1, video: { min_seconds: 10, max_seconds: 60, script: text("我是{handler}，受{unit}委托办理数字证书。我承诺所填信息和所交材料真实有效，并将妥善保管 USB Key 和 PIN 码。今天是{date}。", "I am {handler}. On behalf of {unit} I apply for a digital certificate. I declare that what I entered and handed in is true, and that I will keep the USB key and its PIN safe. Today is {date}.") }, is_form: false, key_signature: false },
];
const USUAL: UsualTime[] = [{ state: "submitted", text: text("当天开始审核", "review starts the same day") }, { state: "in_review", text: text("1 个工作日", "1 working day") }, { state: "needs_correction", text: text("请尽快补正", "please correct it soon") }, { state: "approved", text: text("几分钟", "a few minutes") }, { state: "awaiting_issuance", text: text("您插入认证锁后约 1 分钟", "about 1 minute, once you plug in the key") }];

const OWN_NOTES: Partial<Record<Business, Text[]>> = {
  renew: [text("证书到期前 90 天起可以续订。续订不用再交营业执照等材料。", "Renewal opens 90 days before the end. No documents are asked for again."), text("请把要续订的认证锁准备好，知道它的 PIN。", "Have the key at hand and know its PIN."), text("单位名称或法定代表人变了的，请办变更。", "If the name of the unit or its representative has changed, apply for a change.")],
  change: [text("请先在登记机关办完变更登记，拿到新的营业执照。", "Have the change registered first, and get the new licence."), text("只填写有变化的项目；审核通过后，换一张写着新信息的证书。", "Fill in only what has changed. Once approved you get a certificate that says so.")],
  replace: [text("认证锁丢失、损坏或锁死，挂失以后办理。", "For keys that were lost, broken or locked, after reporting them."), text("请准备一把新的认证锁。", "Have a new key ready.")],
};
const CONSEQUENCES: Partial<Record<Business, Text[]>> = {
  renew: [text("新证书用的是新密钥。用旧证书加密的文件，只有旧证书打得开；有还没有开标的投标文件，请等开标以后再续订。", "The new certificate has a new key pair. What was encrypted for the old one opens only with it: with bids not yet opened, wait."), text("在其他系统里绑定过旧证书的，续订以后要重新绑定。", "Where the old certificate was registered with other systems, register the new one.")],
  change: [text("新证书启用后，旧证书会作为“已换发”注销，不能再用来登录和签名。", "Once the new one is in use, the old one is revoked as superseded."), text("新证书用的是新密钥。用旧证书加密的文件，只有旧证书打得开。", "The new certificate has a new key pair. What was encrypted for the old one opens only with it.")],
  replace: [text("原来那把锁里的证书已经停用，找回来也不能再用。", "The certificates on the reported key are void, even if it is found."), text("以前加密给它的文件，打不开了。", "What was encrypted for it can no longer be opened.")],
  revoke: [text("注销立即生效，不能撤销。", "It takes effect at once and cannot be undone."), text("以前用它签过的文件仍然有效；从注销起，新的签名不再有效。", "What it signed before stays signed; from now on its signatures count no more."), text("用它加密的文件，只要认证锁里的密钥还在，仍能打开；清空锁以后就打不开了。", "What was encrypted for it opens as long as the key pair is on the key."), text("名下没有其他有效证书时，改用账号密码登录。", "Without another valid certificate you log in by account and password.")],
};
const REASONS = [{ reason: "cessation_of_operation" as const, text: text("单位注销、停业，或不再使用这张证书", "The unit has closed, or the certificate is no longer used") }, { reason: "affiliation_changed" as const, text: text("单位名称或人员变动，不再适用", "The unit or the person has changed") }, { reason: "superseded" as const, text: text("已经有了新的证书", "There is a newer certificate") }, { reason: "key_compromise" as const, text: text("PIN 或认证锁可能被他人用过", "Somebody else may have used the key or its PIN") }, { reason: "unspecified" as const, text: text("其他原因", "Another reason") }];
const CHANGE_FIELDS = ["organisation.name", "organisation.legal_representative.name", "organisation.legal_representative.id_kind", "organisation.legal_representative.id_number"];

const FIELDS = ["credit_code", "address.region", "address.detail", "person.name", "person.id_kind", "person.id_number", "phone", "email"];
const NAMES: Record<string, string> = { application_form: "申请表-已盖章.pdf", business_license: "营业执照（正本）彩色扫描.jpg", handler_id: "林小满 身份证.png", legal_representative_id: "王䶮 身份证.jpg", power_of_attorney: "授权委托书.pdf", commitment_video: "承诺视频 2026-11-22 🎬.mp4" };

interface World {
  home: Home;
  emit: (event: Event) => void;
  failure: (code: FailureCode, more?: Partial<Failure>) => Failure;
}

export function guideAnswers(wanted: URLSearchParams, base: Catalogue, registration: Registration, { home, emit, failure }: World): Answers {
  const far = wanted.get("guide") ?? "new";
  const individual = wanted.get("who") === "individual";
  if (individual && home.session) home.session = { ...home.session, account: { ...home.session.account, registration: { ...registration, kind: "individual", organisation: null } } };
  const business = (wanted.get("business") ?? "new") as Business;
  const about = business === "renew" || business === "change" || business === "revoke" ? LIFE[0]! : null;
  const changeFields = business === "change" ? (individual ? ["contact.name", "contact.id_kind", "contact.id_number"] : CHANGE_FIELDS) : [];
  const changes: Record<string, string> = wanted.get("typed_changes") ? { "organisation.name": "福州云帆智能科技有限公司", "organisation.legal_representative.name": "陈䶮" } : {};
  const now = (field: string) => String(field.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown> | null)?.[part], registration) ?? "");
  let reason: RevocationReason | null = null;
  let signed = wanted.get("sign") === "signed";
  let open = wanted.get("conflicts") ? [{ field: "phone", mine: "13800138000", theirs: "13900139000" }, { field: "address.detail", mine: "湖东路 88 号云帆大厦 12 层", theirs: "湖东路 88 号云帆大厦 9 层 905 室" }, ...(business === "change" ? [{ field: "change.organisation.name", mine: "福州云帆智能科技有限公司", theirs: "" }] : [])] : [];
  const few = business === "renew" ? ["application_form"] : business === "change" ? ["application_form", "business_license"] : business === "revoke" ? [] : null;
  const requirements = few ? REQUIREMENTS.filter(({ id }) => few.includes(id)) : individual ? REQUIREMENTS.filter(({ id }) => ["application_form", "handler_id", "commitment_video"].includes(id)) : REQUIREMENTS;
  const reached = (...points: string[]) => points.includes(far);
  const correction = far === "correction";
  const handler: Handler = structuredClone({ credit_code: individual ? "" : "91350100M000100Y43", address: registration.address, person: registration.contact, phone: "13800138000", email: far === "new" ? "" : "xiaoman@example.cn" });
  let step: Step = (wanted.get("step") as Step | null) ?? ({ new: "handler", typed: "form", ready: "submit", correction: "handler" } as Record<string, Step>)[far] ?? "files";
  let made = reached("files", "uploading", "ready", "consent", "correction");
  let consent = reached("files", "uploading", "ready", "correction");
  let savedAt = new Date().toISOString();
  let count = 0;
  const remarks: Remark[] = correction ? [
    { target: { kind: "field", name: "phone" }, text: "这个号码已停机，请填写能联系到经办人的手机号。" },
    { target: { kind: "files", name: "business_license" }, text: "扫描件右下角被裁掉了，看不到登记机关的印章，请重新扫描。" },
    { target: { kind: "case" }, text: "其他材料已通过，补齐以上两项即可。" },
  ] : [];
  const editableFields = correction ? ["phone"] : FIELDS;
  const editableFiles = correction ? ["application_form", "business_license"] : requirements.map(({ id }) => id);

  function attach(requirement: Requirement, upload: UploadState): AttachmentView {
    const video = requirement.video !== null;
    const kind = requirement.id === "commitment_video" ? "mp4" : (/pdf$/.test(NAMES[requirement.id]!) ? "pdf" : /png$/.test(NAMES[requirement.id]!) ? "png" : "jpeg");
    count += 1;
    return { id: `a${count}`, requirement: requirement.id, name: NAMES[requirement.id]!, kind, bytes: video ? 38_400_000 : 2_345_678 + count * 111_111, pixels: video ? [1280, 720] : kind === "pdf" ? null : [2480, 1754], duration_ms: video ? 34_000 : null, on_this_computer: true, upload };
  }
  let attachments: AttachmentView[] = reached("ready", "correction") ? requirements.flatMap((one) => Array.from({ length: one.min_count }, () => attach(one, { kind: "done" }))) : [];
  if (correction) attachments = attachments.map((one) => (one.requirement === "power_of_attorney" ? { ...one, on_this_computer: false } : one));
  if (far === "uploading") {
    const states: UploadState[] = [{ kind: "done" }, { kind: "failed", failure: failure("file_changed") }, { kind: "hashing", done: 900_000 }, { kind: "cancelled" }, { kind: "waiting", failure: failure("service_unreachable", { detail: "connection refused" }) }, { kind: "sending", done: 21_000_000 }];
    attachments = requirements.map((one, index) => attach(one, states[index] ?? { kind: "queued" }));
  }

  function faults(): FieldFault[] {
    const found: FieldFault[] = [];
    const need = (field: string, value: string, test: RegExp, fault: FieldFault["fault"]) => {
      if (value === "") found.push({ field, fault: "missing" });
      else if (!test.test(value)) found.push({ field, fault });
    };
    if (!individual) need("credit_code", handler.credit_code, /^91350100M000100Y43$/, handler.credit_code.length < 18 ? "too_short" : "bad_check_digit");
    need("person.name", handler.person.name, /./, "bad_format");
    need("person.id_number", handler.person.id_number, handler.person.id_kind === "resident_id" ? /^11010519491231002X$/ : /./, "bad_check_digit");
    need("phone", handler.phone, /^1[3-9]\d{9}$/, handler.phone.length < 11 ? "too_short" : "bad_format");
    need("email", handler.email, /^\S+@\S+\.\S+$/, "bad_format");
    need("address.region", handler.address.region, /^\d{6}$/, "missing");
    need("address.detail", handler.address.detail, /./, "missing");
    if (business === "revoke") return [...(wanted.get("handler") === "unknown" ? found : []), ...(reason === null ? [{ field: "reason", fault: "missing" as const }] : [])];
    if (changeFields.length > 0 && !changeFields.some((field) => (changes[field] ?? "") !== "" && changes[field] !== now(field))) found.unshift({ field: "change", fault: "missing" });
    const number = changes["organisation.legal_representative.id_number"];
    if (number && !/^11010519491231002X$/.test(number)) found.push({ field: "change.organisation.legal_representative.id_number", fault: "bad_check_digit" });
    return found;
  }
  function view(): DraftView {
    const script = requirements.find(({ video }) => video)?.video?.script ?? null;
    const fill = (words: string, date: string) => words.replace("{unit}", registration.organisation?.name ?? "").replace("{handler}", handler.person.name).replace("{date}", date);
    return structuredClone({
      id: DRAFT, business, state: wanted.get("handed_in") ? "submitted" : correction ? "needs_correction" : "draft", step, handler, faults: faults(),
      form: made ? { sha256: "ab".repeat(32), bytes: 56_828, pages: 1 } : null,
      files: requirements.map((requirement) => {
        const mine = attachments.filter((one) => one.requirement === requirement.id);
        return { requirement, attachments: mine, satisfied: mine.length >= requirement.min_count && mine.every(({ upload }) => upload.kind === "done"), editable: editableFiles.includes(requirement.id) };
      }),
      particulars: { certificate: about?.serial ?? null, changes, reason }, change_fields: changeFields.map((field) => ({ field, now: now(field) })), certificate: about, steps: business === "revoke" ? (wanted.get("handler") === "unknown" && handler.email === "" ? ["handler", "submit"] : ["submit"]) : ["handler", "form", "files", "submit"],
      form_signing: wanted.get("sign") ? { requirement: "application_form", signed: made && signed } : null, conflicts: open, queued: queued(wanted),
      remarks, editable_fields: [...changeFields.map((field) => `change.${field}`), ...editableFields], sensitive_data_accepted: consent,
      video_script: script && text(fill(script.zh, "2026年11月22日"), fill(script.en, "2026-11-22")), saved_at: savedAt,
    });
  }

  /** Plays an upload to its end. */
  function play(attachment: AttachmentView): void {
    const set = (upload: UploadState) => {
      const held = attachments.find(({ id }) => id === attachment.id);
      if (!held || held.upload.kind === "cancelled") return false;
      held.upload = upload;
      emit({ kind: "upload", draft: DRAFT, attachment: attachment.id, upload });
      return true;
    };
    const states: UploadState[] = [{ kind: "hashing", done: attachment.bytes / 2 }, ...[1, 2, 3, 4].map((part): UploadState => ({ kind: "sending", done: (attachment.bytes * part) / 5 })), { kind: "done" }];
    const next = () => {
      const state = states.shift();
      if (state && set(state)) setTimeout(next, 300);
    };
    setTimeout(next, 300);
  }
  function add(id: string): DraftView {
    if (wanted.get("pick")) throw failure(wanted.get("pick") as FailureCode);
    const attachment = attach(requirements.find((one) => one.id === id)!, { kind: "queued" });
    attachments.push(attachment);
    play(attachment);
    return view();
  }
  function sign(): DraftView {
    signed = true;
    const form = requirements.find(({ is_form }) => is_form);
    if (form) attachments = [...attachments.filter(({ requirement }) => requirement !== form.id), { ...attach(form, { kind: "done" }), name: "数字证书业务申请表（已签名）.pdf" }];
    return view();
  }
  function receipt(): ReceiptView {
    const at = new Date().toISOString();
    const instant = wanted.get("instant") !== null;
    const state = !instant ? ("submitted" as const) : business === "revoke" ? ("completed" as const) : ("awaiting_issuance" as const);
    const application: ApplicationView["application"] = {
      id: CASE, number: "CD20261122000017", business, state, next_actor: state === "submitted" ? "service" : state === "completed" ? "nobody" : "applicant", handler, particulars: { certificate: about?.serial ?? null, changes, reason }, submissions: 1,
      receipts: [{ id: "r1", act: "submit", at, signed_by_key: home.session?.kind === "token" }], attachments: [], remarks: [], reason: null, history: [{ state: "submitted", at, note: null }], certificate_subject: null,
    };
    return { receipt: { number: "CD20261122000017", submitted_at: at, application } };
  }
  async function bytes(url: string): Promise<ArrayBuffer> {
    return (await fetch(url)).arrayBuffer();
  }
  /** A card drawn here: the fake program has no files. */
  async function picture(): Promise<ArrayBuffer> {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1240, height: 877 });
    const pen = canvas.getContext("2d")!;
    pen.fillStyle = "#f3ead2"; pen.fillRect(0, 0, 1240, 877);
    pen.strokeStyle = "#b98a2f"; pen.lineWidth = 16; pen.strokeRect(30, 30, 1180, 817);
    pen.fillStyle = "#7a1f12"; pen.textAlign = "center"; pen.font = "bold 90px serif"; pen.fillText("营 业 执 照（样张）", 620, 220);
    pen.fillStyle = "#222"; pen.font = "44px sans-serif"; pen.fillText("福州云帆测试科技有限公司", 620, 420); pen.fillText("91350100M000100Y43", 620, 500);
    return (await new Promise<Blob>((done) => canvas.toBlob((blob) => done(blob!), "image/jpeg"))).arrayBuffer();
  }

  return {
    catalogue: (): Catalogue => ({ ...base, sensitive_data: { version: "2026-11", title: text("敏感个人信息处理单独同意书", "Separate consent for sensitive personal data"), paragraphs: SENSITIVE }, usual_times: USUAL, offers: base.offers.map((offer) => ({ ...offer, business, notes: OWN_NOTES[business] ?? NOTES, requirements, consequences: CONSEQUENCES[business] ?? [], reasons: business === "revoke" ? REASONS : [], change_fields: changeFields })) }),
    accept_consent: ({ subject, version }) => {
      if (subject === "sensitive_data") consent = true;
      return { id: CASE, subject, version, recorded_at: new Date().toISOString() };
    },
    start_application: view,
    start_correction: view,
    draft: view,
    save_field: ({ field, value }: { field: string; value: string }) => {
      open = open.filter((one) => one.field !== field);
      made = signed = false;
      if (field === "reason") reason = value as RevocationReason;
      else if (field.startsWith("change.")) changes[field.slice(7)] = value.trim();
      if (field === "reason" || field.startsWith("change.")) return view();
      const parts = field.split(".");
      const last = parts.pop()!;
      const at = parts.reduce((where, part) => where[part] as Record<string, unknown>, handler as unknown as Record<string, unknown>);
      at[last] = last === "detail" || last === "name" ? value.trim() : value.trim().toUpperCase().replace(/^(.*@)/, (found) => found.toLowerCase());
      if (field === "email" || field === "person.id_kind") at[last] = value.trim();
      made = false;
      savedAt = new Date().toISOString();
      return view();
    },
    save_step: (given: { step: Step }) => {
      step = given.step;
      savedAt = new Date().toISOString();
      return view();
    },
    make_form: () => {
      if (wanted.get("rare")) throw failure("rare_character", { detail: wanted.get("rare") });
      made = true;
      return view();
    },
    sign_form: () => {
      if (home.session?.kind === "token") throw failure("pin_needed");
      return sign();
    },
    "pin:sign_form": () => ({ kind: "form_signed", draft: sign() }),
    resolve_conflict: ({ field }: { field: string }) => {
      open = open.filter((one) => one.field !== field);
      return view();
    },
    form_pdf: () => bytes(formUrl),
    save_form_copy: () => "数字证书业务申请表.pdf",
    pick_files: ({ requirement }: { requirement: string }) => add(requirement),
    add_dropped: ({ requirement }: { requirement: string }) => add(requirement),
    remove_attachment: ({ attachment }: { attachment: string }) => {
      attachments = attachments.filter(({ id }) => id !== attachment);
      return view();
    },
    cancel_upload: ({ attachment }: { attachment: string }) => {
      attachments.find(({ id }) => id === attachment)!.upload = { kind: "cancelled" };
      return view();
    },
    retry_upload: ({ attachment }: { attachment: string }) => {
      const held = attachments.find(({ id }) => id === attachment)!;
      held.upload = { kind: "queued" };
      play(held);
      return view();
    },
    preview: ({ attachment }: { attachment: string }) => (attachments.find(({ id }) => id === attachment)!.kind === "pdf" ? bytes(formUrl) : picture()),
    media_url: () => videoUrl,
    submit: () => {
      const refused = wanted.get("submit") ?? (home.session?.kind === "token" ? "pin_needed" : null);
      if (refused) throw failure(refused as FailureCode);
      return receipt();
    },
    "pin:submit": () => ({ kind: "submitted", receipt: receipt() }),
  };
}
