// Answers for lost key, new password, notices, account and support. Words of the address: `code=wrong` (not taken),
// `lost=none|two`, `notices=none|read|offline`, `fixed=1` (a certificate fixes the account's data), `consents=none`,
// `local=none|issuance`, `drivers=none|downloading|partial|ready|failed|hold` (a download that does not end), `drivers=installing|unseen` (what an installation comes to), `saved=no` (dialogs cancelled).
import type { AccountChange, ConsentRecord, DriverState, DriverView, Event, Failure, FailureCode, FieldFault, Home, LocalDataItem, LostKeyReceipt, Notice, NoticesView, SessionView } from "../src/bindings";
import type { Answers } from "./fake";

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();
const text = (zh: string, en: string) => ({ zh, en });
const CASE = "0192f0c1-0000-7000-8000-000000000017";
const HOLDER = "福州云帆测试科技有限公司";
const SERIAL = "5f3a91c2e07b4d18a6639b20";

interface World {
  home: Home;
  emit: (event: Event) => void;
  failure: (code: FailureCode, more?: Partial<Failure>) => Failure;
}

function notices(read: boolean): Notice[] {
  const one = (id: string, days: number, subject: Notice["subject"], seen = read): Notice => ({ id, at: at(days), read: seen, subject });
  return [
    one("n1", -0.02, { kind: "application", application: CASE, number: "CD20261122000017", business: "new", state: "needs_correction" }),
    one("n2", -0.11, { kind: "expiry", serial: SERIAL, subject: HOLDER, not_after: at(7.5), days: 7 }),
    one("n3", -1.1, { kind: "application", application: "id-CD20261120000012", number: "CD20261120000012", business: "renew", state: "awaiting_issuance" }),
    one("n4", -1.3, { kind: "application", application: "id-CD20261120000012", number: "CD20261120000012", business: "renew", state: "in_review" }, true),
    one("n5", -8, { kind: "expiry", serial: SERIAL, subject: HOLDER, not_after: at(7.5), days: 15 }, true),
    one("n6", -23, { kind: "revoked", serial: "4402", subject: HOLDER }, true),
    one("n7", -23.1, { kind: "expiry", serial: "4401", subject: "王䶮", not_after: at(-23.2), days: 0 }, true),
    one("n8", -120, { kind: "application", application: "id-CD20260712000003", number: "CD20260712000003", business: "change", state: "completed" }, true),
    one("n9", -250, { kind: "application", application: "id-CD20260301000001", number: "CD20260301000001", business: "new", state: "rejected" }, true),
  ];
}

function driver(id: string, more: Partial<DriverView["package"]>, state: DriverState): DriverView {
  return { package: { id, name: text("龙脉 mToken 认证锁驱动", "Longmai mToken driver"), serves: text("外壳上印着 mToken 或 Longmai 的认证锁", "Keys with mToken or Longmai printed on them"), publisher: "北京世纪龙脉科技有限公司", version: "3.2.26.0611", os: "linux_deb", architectures: ["x86_64"], file_name: "mtoken-driver_3.2.26.0611_amd64.deb", bytes: 5_412_208, sha256: "9f2c1d7b".repeat(8), tokens: [], signer: null, silent: [], ...more }, state, for_key: false };
}

export function peopleAnswers(wanted: URLSearchParams, { home, emit, failure }: World): Answers {
  const offline = wanted.get("notices") === "offline";
  let mine = wanted.get("notices") === "none" ? [] : notices(wanted.get("notices") === "read");
  const shown = (): NoticesView => ({ notices: mine, unread: mine.filter(({ read }) => !read).length, offline });

  let given: ConsentRecord[] = wanted.get("consents") === "none" ? [] : [
    { id: "c2", subject: "sensitive_data", version: "2026-11-01", recorded_at: at(-1.2), withdrawn_at: null },
    { id: "c1", subject: "agreement", version: "2026-11-01", recorded_at: at(-1.3), withdrawn_at: null },
    { id: "c0", subject: "sensitive_data", version: "2025-09-01", recorded_at: at(-400), withdrawn_at: at(-90) },
  ];
  const item = (kind: LocalDataItem["kind"], count: number, bytes: number): LocalDataItem => ({ kind, count, bytes });
  let local: LocalDataItem[] = wanted.get("local") === "none" ? [] : [
    item("drafts", 2, 9_411), item("forms", 1, 41_208), item("attachments", 4, 1_204), item("applications", 6, 88_341), item("certificates", 2, 5_230), item("notices", 9, 3_412), item("records", 3, 640), item("issuances", 1, 812), item("public", 4, 5_904_112), item("settings", 1, 96),
  ];
  const current = (): SessionView => {
    if (home.session === null) throw failure("session_ended");
    return home.session;
  };
  if (home.session && wanted.get("fixed")) home.session.account.fixed_fields = ["organisation.name", "organisation.credit_code", "organisation.legal_representative.name", "organisation.legal_representative.id_kind", "organisation.legal_representative.id_number"];
  if (home.session && wanted.get("kind") === "individual") Object.assign(home.session.account.registration, { kind: "individual", organisation: null });

  const how = wanted.get("drivers");
  const first: DriverState = how === "downloading" ? { kind: "downloading", done: 2_204_672 } : how === "partial" ? { kind: "available", done: 2_204_672 } : how === "ready" ? { kind: "ready" } : how === "checking" ? { kind: "checking" }
    : how === "failed" ? { kind: "failed", failure: failure("download_damaged") } : { kind: "available", done: 0 };
  const drivers = how === "none" ? [] : [
    driver("mtoken", {}, first),
    driver("epass", { name: text("飞天诚信 ePass3003 认证锁驱动", "Feitian ePass3003 driver"), serves: text("外壳上印着 ePass 或 FEITIAN 的认证锁", "Keys with ePass or FEITIAN printed on them"), publisher: "飞天诚信科技股份有限公司", version: "2.1.0", bytes: 12_904_112, file_name: "epass3003_2.1.0_amd64.deb" }, { kind: "available", done: 0 }),
  ];
  if (wanted.get("scenario") === "no-driver-for-key" && drivers[1]) {
    drivers[1].for_key = true;
    drivers.reverse();
  }
  const driversView = () => ({ system: "Debian GNU/Linux 12 · x86_64", drivers: structuredClone(drivers), others: 5 });
  const move = (id: string, state: DriverState) => {
    const one = drivers.find((each) => each.package.id === id);
    if (one) one.state = state;
    emit({ kind: "driver", id, state });
  };
  let running = 0;
  async function download(id: string): Promise<void> {
    const run = ++running;
    const total = drivers.find((each) => each.package.id === id)!.package.bytes;
    for (const part of [0.1, 0.42, 0.83]) {
      if (run !== running) return;
      move(id, { kind: "downloading", done: Math.floor(total * part) });
      if (how === "hold" && part > 0.4) return;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    move(id, { kind: "checking" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    move(id, { kind: "ready" });
  }
  async function install(id: string): Promise<void> {
    await download(id);
    move(id, { kind: "installing" });
    if (how === "installing") return;
    await new Promise((resolve) => setTimeout(resolve, 30));
    move(id, { kind: "installed", missing: how === "unseen" ? "key_none" : null });
  }
  const saved = (name: string) => (wanted.get("saved") === "no" ? null : name);

  return {
    request_code: () => null,
    reset_password: ({ code }: { code: string }) => { if (wanted.get("code") === "wrong" || code === "000000") throw failure("wrong_code"); },
    report_lost_key: (): LostKeyReceipt => {
      if (wanted.get("code") === "wrong") throw failure("wrong_code");
      return { numbers: wanted.get("lost") === "none" ? [] : wanted.get("lost") === "two" ? ["CD20261123000031", "CD20261123000032"] : ["CD20261123000031"], reported_at: at(0) };
    },
    notices: shown,
    mark_notices_read: ({ ids }: { ids: string[] }) => {
      mine = mine.map((one) => (ids.includes(one.id) ? { ...one, read: true } : one));
      emit({ kind: "notices", unread: shown().unread, fresh: [] });
      return shown();
    },
    save_calendar: () => saved("证书到期提醒.ics"),
    refresh_account: current,
    check_account_change: ({ change }: { change: AccountChange }) => {
      const faults: FieldFault[] = [];
      const need = (field: string, value: string, right?: RegExp) => {
        if (value === "") faults.push({ field, fault: "missing" });
        else if (right && !right.test(value)) faults.push({ field, fault: "bad_format" });
      };
      need("contact.name", change.contact.name);
      need("contact.id_number", change.contact.id_number, /^11010519491231002X$/);
      need("phone", change.phone, /^1[3-9]\d{9}$/);
      need("email", change.email, /^\S+@\S+\.\S+$/);
      need("address.region", change.address.region);
      need("address.detail", change.address.detail);
      return { faults };
    },
    request_phone_code: () => null,
    change_account: ({ change }: { change: AccountChange }) => {
      if (wanted.get("code") === "wrong") throw failure("wrong_code");
      const { phone_code: _, ...rest } = change;
      const session = current();
      return (home.session = { ...session, account: { ...session.account, registration: { ...session.account.registration, ...rest } } });
    },
    consents: () => given,
    withdraw_consent: ({ id }: { id: string }) => (given = given.map((one) => (one.id === id ? { ...one, withdrawn_at: at(0) } : one))),
    local_data: () => ({ items: local }),
    export_local_data: () => saved("证办通-qy82640193-数据.zip"),
    delete_local_data: () => {
      if (wanted.get("local") === "issuance") throw failure("issuance_unfinished");
      local = [];
      home.session = null;
      emit({ kind: "session", session: null, unasked: null });
    },
    drivers: driversView,
    download_driver: ({ id }: { id: string }) => (void download(id), driversView()),
    cancel_driver: ({ id }: { id: string }) => {
      running += 1;
      const one = drivers.find((each) => each.package.id === id)!;
      move(id, { kind: "available", done: one.state.kind === "downloading" ? one.state.done : 0 });
      return driversView();
    },
    open_driver: () => null,
    install_driver: ({ id }: { id: string }) => (void install(id), driversView()),
    pick_driver: () => {
      if (wanted.get("saved") === "no") return null;
      throw failure("unlisted_driver");
    },
  };
}
