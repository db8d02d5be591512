// Answers for applications, 制证, certificates and the demo desk. Words of the address:
// `state=needs_correction` (any state), `list=empty`, `issue=key_removed@written` (fails there), `issue=hang@certificate`,
// `journal=certificate` (stands there), `certificates=mixed|life|none`, `about=renew|change|revoke|replace|withdraw` (the case),
// `withdraw=pin_needed|<failure>`, `queue=empty`, `sms=none`.
import type { Application, ApplicationView, Business, Event, Failure, FailureCode, Handler, Home, IssuanceStep, IssuanceView, NextActor, PinPurpose, QueuedState, QueuedView, SmsMessage, State, Text, Verdict } from "../src/bindings";
import type { Answers } from "./fake";
import { certificate, LIFE, MIXED } from "./certificates";
export { certificate };

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
const text = (zh: string, en: string): Text => ({ zh, en });
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const STEPS: IssuanceStep[] = ["ready", "key_pair", "request", "certificate", "written", "proven", "confirmed"];

const handler: Handler = {
  credit_code: "91350100M000100Y43", address: { region: "350102", detail: "湖东路 88 号云帆大厦 12 层" },
  person: { name: "林小满", id_kind: "resident_id", id_number: "11010519491231002X" }, phone: "13800138000", email: "xiaoman@example.cn",
};
const NEXT: Record<State, NextActor> = {
  draft: "applicant", submitted: "service", in_review: "service", needs_correction: "applicant", approved: "service", awaiting_issuance: "applicant", completed: "nobody", rejected: "nobody", withdrawn: "nobody",
};
const USUAL: Partial<Record<State, Text>> = {
  submitted: text("当天开始审核", "review starts the same day"), in_review: text("1 个工作日", "1 working day"), needs_correction: text("请在 30 天内补正", "please correct it within 30 days"),
  approved: text("几分钟", "a few minutes"), awaiting_issuance: text("您插入认证锁后约 1 分钟", "about 1 minute, once you plug in the key"),
};
const PATHS: Record<State, State[]> = {
  draft: [], submitted: ["submitted"], in_review: ["submitted", "in_review"], needs_correction: ["submitted", "in_review", "needs_correction"],
  approved: ["submitted", "in_review", "approved"], awaiting_issuance: ["submitted", "in_review", "needs_correction", "submitted", "in_review", "approved", "awaiting_issuance"],
  completed: ["submitted", "in_review", "approved", "awaiting_issuance", "completed"], rejected: ["submitted", "in_review", "rejected"], withdrawn: ["submitted", "withdrawn"],
};
const NOTES: Partial<Record<State, string>> = { needs_correction: "请按意见修改后再次提交。", rejected: "营业执照上的单位名称与注册信息不一致，且已被登记机关注销。" };

function application(state: State, more: Partial<Application> = {}): Application {
  const path = PATHS[state];
  return {
    id: CASE, number: "CD20261122000017", business: "new", state, next_actor: NEXT[state], handler,
    particulars: { certificate: null, changes: {}, reason: null }, submissions: 1, receipts: [],
    attachments: [
      { requirement: "application_form", upload: "u1", file_name: "申请表（签字盖章）.pdf", bytes: 418_220, sha256: "ab".repeat(32), signed_by: null },
      { requirement: "business_license", upload: "u2", file_name: "营业执照 2026 扫描件.jpg", bytes: 2_381_004, sha256: "cd".repeat(32), signed_by: null },
      { requirement: "legal_representative_id", upload: "u3", file_name: "王䶮 身份证 正反面.pdf", bytes: 1_104_882, sha256: "ef".repeat(32), signed_by: null },
      { requirement: "commitment_video", upload: "u4", file_name: "承诺视频 😀.mp4", bytes: 38_442_118, sha256: "01".repeat(32), signed_by: null },
    ],
    remarks: state === "needs_correction" ? [
      { target: { kind: "field", name: "person.id_number" }, text: "与身份证扫描件上的号码不一致，请核对后修改。" },
      { target: { kind: "files", name: "business_license" }, text: "扫描件右下角被截断，看不到公章，请重新扫描上传。" },
      { target: { kind: "case" }, text: "请按意见修改后再次提交。" },
    ] : [],
    reason: state === "rejected" ? NOTES.rejected! : null,
    history: path.map((one, index) => ({ state: one, at: at((index - path.length) * 0.31), note: NOTES[one] ?? null })),
    certificate_subject: state === "awaiting_issuance" || state === "completed" ? "福州云帆测试科技有限公司" : null,
    ...more,
  };
}

/** What a case of each business is about. */
function aboutOf(business: Business): Partial<Application> {
  const certificate = business === "new" || business === "replace" ? null : "7710aa";
  const changes: Record<string, string> = business === "change" ? { "organisation.name": "福州云帆智能科技有限公司", "organisation.legal_representative.name": "陈䶮" } : {};
  return { business, certificate_subject: business === "change" ? "福州云帆智能科技有限公司" : "福州云帆测试科技有限公司", particulars: { certificate, changes, reason: business === "revoke" ? "cessation_of_operation" : null }, receipts: [{ id: "r1", act: "submit", at: at(-0.9), signed_by_key: business !== "replace" }] };
}

interface World {
  home: Home;
  emit: (event: Event) => void;
  failure: (code: FailureCode, more?: Partial<Failure>) => Failure;
  answers: Answers;
}

export function casesAnswers(wanted: URLSearchParams, { home, emit, failure, answers }: World): Answers {
  const about = wanted.get("about");
  let mine = application((wanted.get("state") ?? "in_review") as State, about ? aboutOf(about as Business) : {});
  let stands = (wanted.get("journal") ?? "ready") as IssuanceStep;
  let certificates = wanted.get("certificates") === "mixed" ? MIXED : wanted.get("certificates") === "life" ? LIFE : wanted.get("certificates") === "none" ? [] : [certificate({})];
  let purpose: PinPurpose | null = null;
  let sent = 0;
  const queuedAs = wanted.get("withdrawal") as QueuedState | null;
  let withdrawing: QueuedView | null = queuedAs && { state: queuedAs, at: at(-0.02), tries: queuedAs === "waiting" ? 0 : 1, failure: queuedAs === "refused" ? failure("wrong_state", { retriable: false, detail: "HTTP 409" }) : null };

  const issuance = (step: IssuanceStep, failed: Failure | null = null): IssuanceView => ({ application: CASE, step, key: step === "ready" ? null : (wanted.get("begun") ?? home.keys.keys[0]?.id ?? null), algorithms: ["rsa2048", "ec_p256"], serial: null, failure: failed });
  const view = (of: Application): ApplicationView => ({ application: of, usual_time: USUAL[of.state] ?? null, can_withdraw: ["submitted", "needs_correction"].includes(of.state), withdrawal: withdrawing, issuance: of.state === "awaiting_issuance" || of.state === "completed" ? issuance(stands) : null });
  const other = (number: string, business: Business, state: State, days: number): Application => {
    const one = application(state, { id: `id-${number}`, number, business });
    return { ...one, history: one.history.map((entry) => ({ ...entry, at: new Date(new Date(entry.at).getTime() - days * DAY).toISOString() })) };
  };

  async function issue(): Promise<unknown> {
    const [code, where] = (wanted.get("issue") ?? "").split("@");
    for (const step of STEPS.slice(1)) {
      stands = step;
      emit({ kind: "issuance", issuance: issuance(step) });
      if (where === step) {
        if (code === "hang") await new Promise(() => undefined);
        const failed = failure(code as FailureCode, { detail: "CKR_DEVICE_REMOVED" });
        emit({ kind: "issuance", issuance: issuance(step, failed) });
        throw failed;
      }
      await new Promise((resolve) => setTimeout(resolve, Number(wanted.get("pace") ?? 60)));
    }
    mine = application("completed", about ? aboutOf(about as Business) : {});
    certificates = about ? LIFE : [certificate({ on_keys: [home.keys.keys[0]?.id ?? "k1"], days_left: 365 })];
    emit({ kind: "applications" });
    return { kind: "issued", issuance: issuance("confirmed") };
  }

  function withdrawn(): ApplicationView {
    mine = { ...application("withdrawn", { ...(about ? aboutOf(about as Business) : {}), receipts: [...mine.receipts, { id: "r2", act: "withdraw", at: at(0), signed_by_key: home.session?.kind === "token" }] }) };
    emit({ kind: "applications" });
    return view(mine);
  }

  const messages: SmsMessage[] = [
    { phone: "13800138000", text: "【证办通】您的企业账号已开通。账号：qy82640193，初始密码：Yunfan-2026。首次登录须修改密码；请勿将密码告知他人。", sent_at: at(-0.01) },
    { phone: "13900139000", text: "【证办通】您此前已注册，账号：gr10442871。请用原密码或数字证书登录；如非本人操作，请忽略本短信。", sent_at: at(-0.4) },
  ];
  let queue = wanted.get("queue") === "empty" ? [] : [application("submitted"), other("CD20261121000009", "new", "in_review", 1), other("CD20261119000004", "new", "completed", 3)];

  return {
    applications: () => {
      if (wanted.get("list") === "empty" || (wanted.get("list") === "one")) return wanted.get("list") === "one" ? [view(mine)] : [];
      if (wanted.get("list") === "busy") return [{ ...view(other("CD20261120000031", "change", "in_review", 1)), application: { ...other("CD20261120000031", "change", "in_review", 1), particulars: { certificate: "7710ac", changes: {}, reason: null } } }];
      return [view(mine), view(other("CD20261120000012", "renew", "needs_correction", 1)), view({ ...other("CD20261119000020", "renew", "awaiting_issuance", 2), ...aboutOf("renew"), id: "id-r" }), view({ ...other("CD20260712000003", "change", "completed", 120), ...aboutOf("change"), id: "id-c", receipts: [] }), view(other("CD20260301000001", "new", "rejected", 250)), view({ ...other("CD20251201000007", "revoke", "completed", 356), ...aboutOf("revoke"), id: "id-v" })];
    },
    application: () => view(mine),
    certificates: () => certificates,
    prepare_pin: (args) => {
      purpose = (args as unknown as { purpose: PinPurpose }).purpose;
      const key = home.keys.keys.find((one) => one.id === purpose?.key) ?? home.keys.keys[0];
      const officer = purpose.kind === "unblock";
      if (officer && key?.so_tries === "locked") throw failure("so_pin_locked");
      if (!officer && key?.tries === "locked") throw failure("pin_locked");
      if (key?.pin_must_change && purpose.kind !== "change_pin" && !officer) throw failure("pin_must_change");
      return { ticket: `t${(sent += 1)}`, key: { ...key }, needs_confirmation: (officer ? key?.so_tries : key?.tries) === "last" };
    },
    submit_pin: (bytes) => {
      if (purpose && `pins:${purpose.kind}` in answers) return answers[`pins:${purpose.kind}`]!(bytes);
      if (new TextDecoder().decode(bytes as unknown as Uint8Array) !== "123456") return undefined;
      if (purpose?.kind === "issue") return issue();
      return purpose ? answers[`pin:${purpose.kind}`]?.(purpose) : undefined;
    },
    queue_withdrawal: () => ((withdrawing = { state: "waiting", at: at(0), tries: 0, failure: null }), view(mine)),
    drop_withdrawal: () => ((withdrawing = null), view(mine)),
    withdraw_application: () => {
      const refused = wanted.get("withdraw") ?? (home.session?.kind === "token" ? "pin_needed" : null);
      if (refused) throw failure(refused as FailureCode);
      return withdrawn();
    },
    "pin:withdraw": () => ({ kind: "withdrawn", application: withdrawn() }),
    "pin:remove_certificate": ({ fingerprint }) => {
      certificates = certificates.map((one) => (one.fingerprint === fingerprint ? { ...one, on_keys: [], has_private_key: false } : one));
      return { kind: "removed" };
    },
    save_receipt: () => "证办通回执-CD20261122000017.json",
    save_certificate: () => "福州云帆测试科技有限公司.pem",
    save_calendar: () => "证书到期提醒.ics",
    start_correction: () => ({ id: CASE }),
    demo_sms: () => (wanted.get("sms") === "none" ? [] : messages),
    demo_queue: () => queue,
    demo_review: (args) => {
      const { id, verdict } = args as unknown as { id: string; verdict: Verdict };
      const state: State = verdict.decision === "approve" ? "awaiting_issuance" : verdict.decision === "return" ? "needs_correction" : "rejected";
      queue = queue.map((one) => (one.id === id ? application(state, { id, number: one.number, remarks: verdict.decision === "return" ? verdict.remarks : [], reason: verdict.decision === "reject" ? verdict.reason : null }) : one));
      return queue.find((one) => one.id === id);
    },
  };
}
