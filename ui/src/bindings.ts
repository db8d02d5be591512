// Generated from Rust by `cargo xtask tidy`. Do not edit: a test compares this file with its source.
import { invoke } from "@tauri-apps/api/core";

export type AccountChange = { 
/**
 * Contact person; must stay as it is where [`AccountView::fixed_fields`] names it.
 */
contact: Person, 
/**
 * Mobile phone.
 */
phone: string, 
/**
 * The code that [`crate::path::PHONE_CODES`] sent to a new phone; not needed while the phone stays.
 */
phone_code?: string | null, 
/**
 * Mail address.
 */
email: string, 
/**
 * Address.
 */
address: Address, };

export type AccountKind = "enterprise" | "individual" | "authority";

export type AccountView = { 
/**
 * Account name used to log in, for example `qy82640193`.
 */
name: string, 
/**
 * What was registered.
 */
registration: Registration, 
/**
 * Businesses open to this account now, in the order to show them. Without a certificate: 新办 alone.
 */
businesses: Array<Business>, 
/**
 * Fields of the registration that a certificate fixes: 变更 alone changes them.
 */
fixed_fields: Array<string>, };

export type Address = { 
/**
 * District code (GB/T 2260), six digits; empty while not chosen.
 */
region: string, 
/**
 * Street and number, up to 120 characters.
 */
detail: string, };

export type Announcement = { 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * Whose it was: the common name.
 */
subject: string, 
/**
 * When.
 */
revoked_at: string, 
/**
 * Why.
 */
reason: RevocationReason, 
/**
 * The first revocation list that has it.
 */
crl_number: number, };

export type AnnouncementPage = { 
/**
 * Newest first, at most [`PAGE`].
 */
announcements: Array<Announcement>, 
/**
 * Names the page after this one, where there is one.
 */
next: string | null, };

export type AnnouncementQuery = { 
/**
 * Any part of the holder's name, or at least the first eight hex digits of the serial number. At most 100
 * characters; empty: everything.
 */
search: string, 
/**
 * Revoked then or later.
 */
from?: string | null, 
/**
 * Revoked before.
 */
to?: string | null, 
/**
 * [`AnnouncementPage::next`] of the page before.
 */
cursor?: string | null, };

export type Application = { 
/**
 * Technical name, chosen by the client.
 */
id: string, 
/**
 * 申办编号, given at the first submission: `CD` + date + 6 digits, for example `CD20261122000017`.
 */
number: string | null, 
/**
 * Business.
 */
business: Business, 
/**
 * State.
 */
state: State, 
/**
 * Who acts next.
 */
next_actor: NextActor, 
/**
 * What was handed in last, once it was.
 */
handler: Handler | null, 
/**
 * What it is about. The certificate is known from the opening on, the rest once it was handed in.
 */
particulars: Particulars, 
/**
 * How often it was handed in. A reviewer decides about one of these ([`Verdict`]).
 */
submissions: number, 
/**
 * Signed receipts of the acts of this case, oldest first.
 */
receipts: Array<ReceiptRecord>, 
/**
 * Files handed in last.
 */
attachments: Array<AttachmentRecord>, 
/**
 * Remarks that are open: only in `NeedsCorrection`.
 */
remarks: Array<Remark>, 
/**
 * Why it was rejected.
 */
reason: string | null, 
/**
 * What happened, oldest first.
 */
history: Array<HistoryEntry>, 
/**
 * Subject name the certificate will carry, once approved.
 */
certificate_subject: string | null, };

export type ApplicationCount = { 
/**
 * Business.
 */
business: Business, 
/**
 * State.
 */
state: State, 
/**
 * Begun in this year; empty where it is unknown.
 */
year: string, 
/**
 * How many there are,
 */
count: number, 
/**
 * and for how many of them it is the applicant's turn.
 */
yours: number, };

export type ApplicationHit = { 
/**
 * Which one.
 */
application: ApplicationRow, 
/**
 * What to mark wherever it is shown.
 */
pieces: Array<string>, 
/**
 * What was found in it that the row does not show: the handler, or a reviewer's words.
 */
said: string | null, };

export type ApplicationPage = { 
/**
 * What waits for the applicant first, then what changed last; where words were asked for, the newest first.
 */
rows: Array<ApplicationRow>, 
/**
 * Names the page after this one, where there is one. A page may be short and have one.
 */
next: string | null, };

export type ApplicationQuery = { 
/**
 * Words, as in the search; empty: all.
 */
words: string, 
/**
 * Of this business.
 */
business: Business | null, 
/**
 * In this state.
 */
state: State | null, 
/**
 * Begun in this year.
 */
year: string | null, 
/**
 * [`ApplicationPage::next`] of the page before.
 */
from: string | null, };

export type ApplicationRow = { 
/**
 * Case.
 */
id: string, 
/**
 * 申办编号
 */
number: string | null, 
/**
 * Business.
 */
business: Business, 
/**
 * State.
 */
state: State, 
/**
 * Who acts next.
 */
next_actor: NextActor, 
/**
 * What it is about.
 */
particulars: Particulars, 
/**
 * Subject name the certificate will carry, once approved.
 */
certificate_subject: string | null, 
/**
 * When it changed last.
 */
changed_at: string | null, };

export type ApplicationView = { 
/**
 * The case as the service has it.
 */
application: Application, 
/**
 * How long this state usually takes.
 */
usual_time: Text | null, 
/**
 * Whether it can be taken back now.
 */
can_withdraw: boolean, 
/**
 * Where taking it back stands, while that is queued.
 */
withdrawal: QueuedView | null, 
/**
 * Where 制证 stands, while it is the applicant's turn to make the certificate.
 */
issuance: IssuanceView | null, };

export type AttachmentRecord = { 
/**
 * Which requirement it meets.
 */
requirement: RequirementId, 
/**
 * The upload that carried it.
 */
upload: string, 
/**
 * Its name at the applicant's.
 */
file_name: string, 
/**
 * Size, bytes.
 */
bytes: number, 
/**
 * SHA-256, lower-case hex.
 */
sha256: string, 
/**
 * For the form: whose key signed it, where one did and the service verified it.
 */
signed_by: FormSigner | null, };

export type AttachmentView = { 
/**
 * Name for commands.
 */
id: string, 
/**
 * Its requirement.
 */
requirement: RequirementId, 
/**
 * File name.
 */
name: string, 
/**
 * Kind by content.
 */
kind: FileKind, 
/**
 * Size, bytes.
 */
bytes: number, 
/**
 * Width and height of a picture or video, pixels.
 */
pixels: [number, number] | null, 
/**
 * Length of a video, milliseconds.
 */
duration_ms: number | null, 
/**
 * Whether this computer has the file, so that it can be looked at.
 */
on_this_computer: boolean, 
/**
 * How far it is.
 */
upload: UploadState, };

export type Business = "new" | "change" | "renew" | "revoke" | "replace";

export type Catalogue = { 
/**
 * Changes with every change of content.
 */
version: string, 
/**
 * Name of the certificate authority, as people know it.
 */
ca_name: string, 
/**
 * True for the demo CA: the screen says that it is not a licensed CA.
 */
demonstration: boolean, 
/**
 * 数字证书服务协议
 */
agreement: LegalText, 
/**
 * Consent for sensitive data (video, ID copies).
 */
sensitive_data: LegalText, 
/**
 * What each business asks of each kind of account.
 */
offers: Array<Offer>, 
/**
 * Usual time each state takes.
 */
usual_times: Array<UsualTime>, 
/**
 * When and how certificates are renewed.
 */
renewal: RenewalRule, 
/**
 * Days before the end of a certificate on which its holder is reminded, most first, for example 90, 60, 30, 15, 7, 1.
 */
reminder_days: Array<number>, 
/**
 * Telephone and hours of the helpdesk, one line.
 */
helpdesk: string, };

export type CertificateEncoding = "pem" | "der";

export type CertificateHit = { 
/**
 * SHA-256 of the DER, lower-case hex.
 */
fingerprint: string, 
/**
 * Holder: common name.
 */
holder: string, 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * Last instant.
 */
not_after: string, 
/**
 * Status at the service, as last seen; `None` where unknown.
 */
status: CertificateStatus | null, 
/**
 * What to mark wherever it is shown.
 */
pieces: Array<string>, };

export type CertificateStatus = "issued" | "active" | "expired" | "revoked";

export type CertificateView = { 
/**
 * SHA-256 of the DER, lower-case hex: its name for commands.
 */
fingerprint: string, 
/**
 * Holder: common name.
 */
holder: string, 
/**
 * Issuer: common name.
 */
issuer: string, 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * First instant.
 */
not_before: string, 
/**
 * Last instant.
 */
not_after: string, 
/**
 * Whole days left; negative once over.
 */
days_left: number, 
/**
 * Algorithm and size, for example `RSA 2048`, `ECDSA P-256`.
 */
key_algorithm: string, 
/**
 * What it may be used for, as names of the KeyUsage and EKU bits.
 */
usages: Array<string>, 
/**
 * Status at the service; `None` where unknown (offline, other issuer): never "good" by guess.
 */
status: CertificateStatus | null, 
/**
 * From when to when it can be renewed; `None` where it cannot or it is unknown.
 */
renewal: RenewalWindow | null, 
/**
 * Businesses that can be begun about it now.
 */
businesses: Array<Business>, 
/**
 * The certificate that took its place: serial number.
 */
successor: string | null, 
/**
 * When and why it was revoked.
 */
revocation: Revocation | null, 
/**
 * Keys (by [`KeyView::id`]) that hold it.
 */
on_keys: Array<string>, 
/**
 * Whether its private key is beside it there.
 */
has_private_key: boolean, 
/**
 * Every field, for the helpdesk: (name, value) in the certificate's order.
 */
details: Array<[string, string]>, 
/**
 * PEM text.
 */
pem: string, };

export type ChangeField = { 
/**
 * Its name in `Registration::CHANGEABLE`.
 */
field: string, 
/**
 * What the registration says now.
 */
now: string, };

export type CheckedCertificate = { 
/**
 * Holder: common name.
 */
holder: string, 
/**
 * Issuer: common name.
 */
issuer: string, 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * First instant.
 */
not_before: string, 
/**
 * Last instant.
 */
not_after: string, };

export type Circumstance = "lost" | "stolen" | "broken" | "locked";

export type CodePurpose = "password_reset" | "lost_key";

export type ConsentReceipt = { 
/**
 * Record number.
 */
id: string, 
/**
 * What was accepted.
 */
subject: ConsentSubject, 
/**
 * Version accepted.
 */
version: string, 
/**
 * The service's own time of the record.
 */
recorded_at: string, };

export type ConsentRecord = { 
/**
 * When it was withdrawn, if it was: it serves for nothing from then on.
 */
withdrawn_at: string | null, 
/**
 * Record number.
 */
id: string, 
/**
 * What was accepted.
 */
subject: ConsentSubject, 
/**
 * Version accepted.
 */
version: string, 
/**
 * The service's own time of the record.
 */
recorded_at: string, };

export type ConsentSubject = "agreement" | "sensitive_data";

export type DraftHit = { 
/**
 * Which one.
 */
draft: DraftSummary, 
/**
 * What to mark wherever it is shown.
 */
pieces: Array<string>, 
/**
 * What was found in it that the row does not show.
 */
said: string | null, };

export type DraftSummary = { 
/**
 * Case.
 */
id: string, 
/**
 * Business.
 */
business: Business, 
/**
 * A case that came back is being corrected: it is an application too.
 */
correction: boolean, 
/**
 * The step to continue with.
 */
step: Step, 
/**
 * Last change.
 */
changed_at: string, 
/**
 * Its submission, where that is queued.
 */
queued: QueuedView | null, };

export type DraftView = { 
/**
 * Case.
 */
id: string, 
/**
 * Business.
 */
business: Business, 
/**
 * `Draft` or `NeedsCorrection`; any other once the case has moved on: then it can only be read.
 */
state: State, 
/**
 * The step to continue with.
 */
step: Step, 
/**
 * What was typed, as typed.
 */
handler: Handler, 
/**
 * What the case is about: its certificate, what changes (`change.<field>` in `save_field`), why it is revoked
 * (`reason`).
 */
particulars: Particulars, 
/**
 * 变更: the fields that may be changed, with what they say now.
 */
change_fields: Array<ChangeField>, 
/**
 * The certificate it is about.
 */
certificate: CertificateView | null, 
/**
 * The steps this business has here, in order. 注销 has `submit` alone.
 */
steps: Array<Step>, 
/**
 * Whether the form can be signed with the key in place of print, stamp and scan; `None`: it cannot.
 */
form_signing: FormSigning | null, 
/**
 * Fields that were typed differently on another computer: nothing is lost, the applicant chooses.
 */
conflicts: Array<FieldConflict>, 
/**
 * Its submission, where that is queued: nothing can be changed until it is taken back.
 */
queued: QueuedView | null, 
/**
 * What is not right yet.
 */
faults: Array<FieldFault>, 
/**
 * The form, if made and still true to what was typed.
 */
form: FormView | null, 
/**
 * What the service asks for, with what is there.
 */
files: Array<RequirementView>, 
/**
 * Remarks of the reviewer.
 */
remarks: Array<Remark>, 
/**
 * Fields that may be changed: all in a draft, the remarked ones in a correction.
 */
editable_fields: Array<string>, 
/**
 * Whether the consent for sensitive data (video, ID copies) was given in its current version. Asked before step 3.
 */
sensitive_data_accepted: boolean, 
/**
 * The commitment video's script with names filled in, per language (zh, en).
 */
video_script: Text | null, 
/**
 * Last change that is safely on disk.
 */
saved_at: string, };

export type DriverOs = "windows" | "macos" | "linux_deb" | "linux_rpm";

export type DriverPackage = { 
/**
 * Its name in addresses, of `[a-z0-9-]`.
 */
id: string, 
/**
 * Its name for people.
 */
name: Text, 
/**
 * Which tokens need it, one sentence.
 */
serves: Text, 
/**
 * Who made and signed it.
 */
publisher: string, 
/**
 * Version as the publisher writes it.
 */
version: string, 
/**
 * For which system.
 */
os: DriverOs, 
/**
 * For which machines, as Rust names them: `x86_64`, `aarch64`; empty: all.
 */
architectures: Array<string>, 
/**
 * Name of the file, with the ending by which the system knows what to do with it.
 */
file_name: string, 
/**
 * Size, bytes.
 */
bytes: number, 
/**
 * SHA-256, lower-case hex.
 */
sha256: string, 
/**
 * Tokens it is for: ids of profiles (`pkcs11-profiles`), or USB numbers `vvvv:pppp`. Empty: only people can tell.
 */
tokens: Array<string>, 
/**
 * What the package itself says of who made it: `Maintainer` of a `.deb`, `Vendor` of a `.rpm`, the name in the
 * certificate that signed an `.exe`, `.msi` or `.pkg`. Compared before it is installed; `None`: its SHA-256 alone is.
 */
signer: string | null, 
/**
 * Arguments by which an `.exe` installs without questions. The other kinds have ways of their system.
 */
silent: Array<string>, };

export type DriverState = { "kind": "available", 
/**
 * Bytes.
 */
done: number, } | { "kind": "downloading", 
/**
 * Bytes here.
 */
done: number, } | { "kind": "checking" } | { "kind": "ready" } | { "kind": "installing" } | { "kind": "installed", 
/**
 * What the key still lacks; `None`: it is seen.
 */
missing: FindingCode | null, } | { "kind": "failed", 
/**
 * Why.
 */
failure: Failure, };

export type DriverView = { 
/**
 * What the service says of it.
 */
package: DriverPackage, 
/**
 * How far it is here.
 */
state: DriverState, 
/**
 * For a key that is plugged in and that no driver shows.
 */
for_key: boolean, };

export type DriversView = { 
/**
 * This computer's system and machine, to show, for example `Debian GNU/Linux 12 · x86_64`.
 */
system: string, 
/**
 * Those that fit it, in the service's order.
 */
drivers: Array<DriverView>, 
/**
 * How many the service has for other systems.
 */
others: number, };

export type Event = { "kind": "storage", 
/**
 * Now.
 */
storage: StorageView, } | { "kind": "pin_again", 
/**
 * What the dialog has to say.
 */
prompt: PinPrompt, 
/**
 * The PIN given before this was refused.
 */
refused: PinTries | null, } | { "kind": "keys", 
/**
 * Now.
 */
keys: KeyStrip, } | { "kind": "session", 
/**
 * Now.
 */
session: SessionView | null, 
/**
 * Why it ended, where nobody asked for that.
 */
unasked: Failure | null, } | { "kind": "service", 
/**
 * Now.
 */
service: ServiceState, } | { "kind": "upload", 
/**
 * Case.
 */
draft: string, 
/**
 * File.
 */
attachment: string, 
/**
 * Now.
 */
upload: UploadState, } | { "kind": "applications" } | { "kind": "draft", 
/**
 * Case.
 */
id: string, } | { "kind": "refused", 
/**
 * Case.
 */
case: string, 
/**
 * It was to be taken back; else to be handed in.
 */
withdrawal: boolean, } | { "kind": "notices", 
/**
 * How many are not read.
 */
unread: number, 
/**
 * Newest first.
 */
fresh: Array<Notice>, } | { "kind": "driver", 
/**
 * [`DriverPackage::id`].
 */
id: string, 
/**
 * Now.
 */
state: DriverState, } | { "kind": "examination", 
/**
 * Now.
 */
examination: Examination, } | { "kind": "issuance", 
/**
 * Now.
 */
issuance: IssuanceView, } | { "kind": "dropped", 
/**
 * From the left.
 */
x: number, 
/**
 * From the top.
 */
y: number, 
/**
 * How many.
 */
count: number, } | { "kind": "second_start" };

export type Examination = { 
/**
 * Probes that have not answered yet. Empty: the examination is done.
 */
waiting: Array<Probe>, 
/**
 * Problems first, then notes, then what is well; within a level in the order of [`FindingCode`].
 */
findings: Array<Finding>, 
/**
 * Whether a key could be used now.
 */
usable: boolean, };

export type Fact = { 
/**
 * What it is.
 */
name: FactName, 
/**
 * Its value, to show to the person in front of this computer.
 */
value: string, 
/**
 * The same in Chinese, where that is another word.
 */
zh: string | null, };

export type FactName = "system" | "system_version" | "machine" | "program" | "web_view" | "vendor" | "device" | "usb" | "node" | "reader" | "atr" | "driver" | "file" | "version" | "maker" | "signer" | "brought" | "issuer" | "libraries" | "found" | "needed" | "label" | "holder" | "serial" | "until" | "days" | "locks_after" | "count" | "address" | "proxy" | "minutes" | "milliseconds" | "kind" | "products" | "package" | "cause" | "probe";

export type FailingDriver = { 
/**
 * File name of the module.
 */
driver: string, 
/**
 * What it does wrong.
 */
failure: Failure, };

export type Failure = { 
/**
 * What the window acts on.
 */
code: FailureCode, 
/**
 * Whether the same act may succeed later without a change.
 */
retriable: boolean, 
/**
 * Exact cause for the helpdesk, without personal data: a return value's name, an HTTP status. For
 * `rare_character`: the characters.
 */
detail: string | null, 
/**
 * Refused fields.
 */
faults: Array<FieldFault>, 
/**
 * Seconds until another try makes sense.
 */
retry_after: number | null, };

export type FailureCode = LocalCode | ProblemCode;

export type Fault = "missing" | "too_short" | "too_long" | "bad_character" | "bad_format" | "bad_check_digit" | "bad_date" | "unknown_region" | "fixed" | "two_values";

export type Faults = { 
/**
 * In the order of the form.
 */
faults: Array<FieldFault>, };

export type FieldConflict = { 
/**
 * Name as `save_field` takes it.
 */
field: string, 
/**
 * As typed here.
 */
mine: string, 
/**
 * As typed on the other computer.
 */
theirs: string, };

export type FieldFault = { 
/**
 * Which field.
 */
field: string, 
/**
 * What is wrong with it.
 */
fault: Fault, };

export type FileKind = "pdf" | "jpeg" | "png" | "mp4" | "webm";

export type Finding = { 
/**
 * What its texts are found by.
 */
code: FindingCode, 
/**
 * What it is about.
 */
part: Part, 
/**
 * How well it is.
 */
level: Level, 
/**
 * What it was found by; also what fills the `{names}` of its texts.
 */
facts: Array<Fact>, 
/**
 * What the program can do about it.
 */
repair: Repair | null, };

export type FindingCode = "key_ready" | "key_none" | "key_without_driver" | "key_unseen" | "key_forbidden" | "key_unknown" | "card_without_driver" | "card_unseen" | "card_unknown" | "card_mute" | "reader_empty" | "card_known" | "card_seen" | "key_locked" | "key_last_try" | "key_few_tries" | "key_not_ready" | "key_empty" | "key_unfit" | "key_expired" | "key_ending" | "key_several" | "driver_works" | "driver_none" | "driver_other_machine" | "driver_lacks_libraries" | "driver_unloadable" | "driver_other_interface" | "driver_gone" | "driver_banned" | "driver_hung" | "driver_crashed" | "driver_failed" | "helper_broken" | "card_service_runs" | "card_service_stopped" | "card_service_missing" | "card_service_forbidden" | "card_service_hung" | "card_service_failed" | "card_service_library" | "service_answers" | "service_unset" | "service_name" | "service_connect" | "service_proxy" | "service_script" | "service_network_login" | "service_tls" | "service_untrusted" | "service_replaced" | "service_answer" | "clock_right" | "clock_wrong" | "computer" | "remote_session" | "virtual_machine" | "security_software" | "web_view_missing" | "probe_late";

export type FormSigner = { 
/**
 * Common name of the certificate.
 */
holder: string, 
/**
 * Its serial number, lower-case hex.
 */
serial: string, };

export type FormSigning = { 
/**
 * The requirement that the signed form meets.
 */
requirement: RequirementId, 
/**
 * Whether the form as it is now was signed.
 */
signed: boolean, };

export type FormView = { 
/**
 * SHA-256, lower-case hex.
 */
sha256: string, 
/**
 * Size, bytes.
 */
bytes: number, 
/**
 * Pages.
 */
pages: number, };

export type Handler = { 
/**
 * 统一社会信用代码 of the unit; empty for 个人.
 */
credit_code: string, 
/**
 * 注册地址 and 详细通讯地址.
 */
address: Address, 
/**
 * 经办人.
 */
person: Person, 
/**
 * 经办人手机号.
 */
phone: string, 
/**
 * 经办人邮箱.
 */
email: string, };

export type HistoryEntry = { 
/**
 * State reached.
 */
state: State, 
/**
 * When.
 */
at: string, 
/**
 * A sentence of the reviewer, where there is one.
 */
note: string | null, };

export type Home = { 
/**
 * Who is logged in.
 */
session: SessionView | null, 
/**
 * The key strip.
 */
keys: KeyStrip, 
/**
 * How the service is.
 */
service: ServiceState, 
/**
 * Language and look.
 */
settings: Settings, 
/**
 * True in the demo: a mark says so on every screen.
 */
demo: boolean, 
/**
 * Drafts that wait to be continued.
 */
drafts: Array<DraftSummary>, 
/**
 * Cases whose taking back is queued.
 */
withdrawals: Array<QueuedWithdrawal>, 
/**
 * Notices that were not read, as far as it is known.
 */
unread_notices: number, 
/**
 * What is kept on this computer, and the key to it.
 */
storage: StorageView, };

export type IdKind = "resident_id" | "passport" | "hk_macao_permit" | "taiwan_permit" | "foreign_permanent_resident" | "officer_id";

export type IssuanceStep = "ready" | "key_pair" | "request" | "certificate" | "written" | "proven" | "confirmed";

export type IssuanceView = { 
/**
 * Case.
 */
application: string, 
/**
 * The step reached last and journaled.
 */
step: IssuanceStep, 
/**
 * Key it happens on.
 */
key: string | null, 
/**
 * Algorithms the CA takes, preferred first.
 */
algorithms: Array<KeyAlgorithm>, 
/**
 * Serial number of the certificate it makes, as in [`CertificateView`](super::CertificateView), once it is issued.
 */
serial: string | null, 
/**
 * Why it stands still.
 */
failure: Failure | null, };

export type KeyAlgorithm = "rsa2048" | "rsa3072" | "rsa4096" | "ec_p256" | "ec_p384" | "sm2";

export type KeyKeeping = "key_store" | "passphrase" | "memory" | "demo";

export type KeyState = { "kind": "reading" } | { "kind": "present" } | { "kind": "no_key" } | { "kind": "no_driver" } | { "kind": "driver_failed", 
/**
 * File name of the module.
 */
driver: string, 
/**
 * What it does wrong.
 */
failure: Failure, } | { "kind": "key_without_driver", 
/**
 * The key, as people call it.
 */
vendor: Text, 
/**
 * USB numbers, `vvvv:pppp`; none of a card in a reader.
 */
usb: string | null, 
/**
 * The driver that the service has for it and this computer, as far as its list was seen.
 */
package: Text | null, } | { "kind": "module_unusable", 
/**
 * File name of the module.
 */
driver: string, 
/**
 * Why it is not loaded.
 */
fault: ModuleFault, };

export type KeyStrip = { 
/**
 * What is the case.
 */
state: KeyState, 
/**
 * The keys seen, in a stable order.
 */
keys: Array<KeyView>, 
/**
 * The drivers that fail, whether others show keys or not.
 */
failing: Array<FailingDriver>, };

export type KeyView = { 
/**
 * Stable name of the key for commands.
 */
id: string, 
/**
 * Label, trimmed.
 */
label: string, 
/**
 * Manufacturer.
 */
manufacturer: string, 
/**
 * Model.
 */
model: string, 
/**
 * Serial number as the token states it.
 */
serial: string, 
/**
 * Name of the holder, from the certificate that would be used to log in.
 */
holder: string | null, 
/**
 * Last instant that certificate is valid.
 */
valid_until: string | null, 
/**
 * Whether it can log in: a certificate with its private key is on it.
 */
can_log_in: boolean, 
/**
 * PIN tries.
 */
tries: PinTries, 
/**
 * Tries of the security officer's PIN, by which a locked key is unblocked.
 */
so_tries: PinTries, 
/**
 * It still has the PIN it was handed out with: nothing goes before a new one.
 */
pin_must_change: boolean, 
/**
 * PIN is typed on the key's own pad.
 */
pin_pad: boolean, 
/**
 * The token has been initialised and has a user PIN.
 */
ready: boolean, 
/**
 * Fewest and most bytes of its PIN, as the key states it; 0 as the most stands for no limit. Anything else is not sent.
 */
pin_length: [number, number], 
/**
 * What is known of the PINs of such keys besides: advice, which the key need not share.
 */
pin_advice: PinAdvice | null, };

export type LegalAct = "submit" | "withdraw";

export type LegalText = { 
/**
 * Version that is recorded with the consent.
 */
version: string, 
/**
 * Title.
 */
title: Text, 
/**
 * Paragraphs in order.
 */
paragraphs: Array<Text>, };

export type Level = "problem" | "note" | "good";

export type LocalCode = "no_service_address" | "bad_service_address" | "service_unreachable" | "proxy_unreachable" | "proxy_refused" | "proxy_login_needed" | "proxy_unsupported" | "proxy_script_unaddressed" | "proxy_script_unfetched" | "proxy_script_missing" | "proxy_script_threw" | "proxy_script_endless" | "proxy_script_nonsense" | "proxy_script_unspoken" | "proxy_script_not_run" | "bad_proxy" | "network_login" | "service_moved" | "service_replaced" | "tls_untrusted" | "service_garbled" | "clock_wrong" | "session_ended" | "session_key_pulled" | "offline_session" | "offline_unknown" | "offline_needs_key" | "offline_password_wrong" | "offline_too_soon" | "offline_certificate_expired" | "offline_certificate_revoked" | "draft_gone" | "submission_queued" | "withdrawal_queued" | "fields_incomplete" | "files_incomplete" | "form_not_made" | "rare_character" | "file_unreadable" | "file_empty" | "file_too_large" | "file_wrong_kind" | "file_changed" | "file_gone" | "not_a_certificate" | "signed_form_damaged" | "too_many_files" | "video_too_short" | "video_too_long" | "dialog_unavailable" | "disk_full" | "storage_failed" | "key_store_away" | "key_store_locked" | "wrong_passphrase" | "passphrase_too_short" | "storage_newer" | "storage_damaged" | "no_key" | "key_removed" | "pin_locked" | "pin_doubtful" | "pin_length" | "so_pin_locked" | "new_pin_length" | "new_pin_refused" | "pin_must_change" | "pin_incorrect" | "pin_withheld" | "last_try_unconfirmed" | "pin_needed" | "session_key_missing" | "certificate_in_use" | "issuance_unfinished" | "download_damaged" | "wrong_publisher" | "driver_busy" | "unlisted_driver" | "open_failed" | "repair_refused" | "repair_failed" | "prompt_gone" | "driver_missing" | "driver_failed" | "driver_hung" | "driver_wrong_architecture" | "not_a_driver" | "token_full" | "token_write_protected" | "token_not_ready" | "key_unable" | "key_generation_unsupported" | "no_certificate_on_key" | "certificate_unusable" | "certificate_mismatch" | "proof_failed" | "gone" | "bad_command" | "internal";

export type LocalData = { 
/**
 * In the order to show them; kinds that are not there are left out.
 */
items: Array<LocalDataItem>, };

export type LocalDataItem = { 
/**
 * Kind.
 */
kind: LocalDataKind, 
/**
 * How many.
 */
count: number, 
/**
 * Size, bytes.
 */
bytes: number, };

export type LocalDataKind = "drafts" | "forms" | "attachments" | "applications" | "certificates" | "notices" | "records" | "issuances" | "public" | "settings";

export type Locale = "zh-CN" | "en";

export type LostKeyReceipt = { 
/**
 * 申办编号 of the case; several certificates make several cases.
 */
numbers: Array<string>, 
/**
 * The service's time.
 */
reported_at: string, };

export type ModuleFault = { "kind": "not_a_library" } | { "kind": "not_a_module" } | { "kind": "other_machine", 
/**
 * Such as `x86`, `ARM64`.
 */
machine: string, 
/**
 * 32 or 64; 0 where the header does not tell.
 */
bits: number, } | { "kind": "missing_libraries", 
/**
 * Their names, as the module has them.
 */
names: Array<string>, } | { "kind": "other_interface", 
/**
 * `SKF` (GM/T 0016).
 */
name: string, } | { "kind": "banned" } | { "kind": "gone" };

export type ModuleOrigin = { "kind": "chosen" } | { "kind": "registered", 
/**
 * Whose list: `p11-kit`, `Firefox`.
 */
by: string, } | { "kind": "profile" };

export type ModuleUse = "auto" | "always" | "never";

export type ModuleView = { 
/**
 * Where it lies; its name for commands.
 */
path: string, 
/**
 * The last part of it.
 */
file_name: string, 
/**
 * What it is for, as people call it.
 */
name: string, 
/**
 * Maker of the tokens, where a profile knows it.
 */
vendor: string | null, 
/**
 * Id of that profile.
 */
profile: string | null, 
/**
 * What that profile tells whoever looks after such tokens.
 */
notes: string | null, 
/**
 * Who pointed to it.
 */
origin: ModuleOrigin, 
/**
 * A person added it, and may take it off the list again.
 */
added: boolean, 
/**
 * What a person wants of it.
 */
choice: ModuleUse, 
/**
 * Why it is not used; `None` where it is.
 */
fault: ModuleFault | null, 
/**
 * Keys it shows that another module shows better, so that they are on the strip once.
 */
folded_keys: number, };

export type ModulesView = { 
/**
 * All that were found, used or not.
 */
modules: Array<ModuleView>, 
/**
 * What is known of tokens and drivers.
 */
profiles: ProfilesView, };

export type NetworkSettings = { 
/**
 * Which proxy.
 */
proxy: ProxySetting, 
/**
 * KiB a second that files may take, up and down together; `None` for all there is.
 */
kib_a_second: number | null, };

export type NetworkView = { 
/**
 * What was chosen.
 */
settings: NetworkSettings, 
/**
 * Host and port of the proxy in use.
 */
in_use: string | null, 
/**
 * The script (PAC) by which the system finds its proxy, where it goes by one.
 */
script: ScriptView | null, 
/**
 * A name and password for the proxy are at hand.
 */
has_login: boolean, 
/**
 * They are kept for the next start.
 */
login_kept: boolean, 
/**
 * Why the service was not reached when it was tried just now.
 */
failure: Failure | null, };

export type NextActor = "applicant" | "service" | "nobody";

export type Notice = { 
/**
 * Its name.
 */
id: string, 
/**
 * When.
 */
at: string, 
/**
 * Whether its reader has seen it.
 */
read: boolean, 
/**
 * What about.
 */
subject: NoticeSubject, };

export type NoticeHit = { 
/**
 * Which one.
 */
notice: Notice, 
/**
 * What to mark wherever it is shown.
 */
pieces: Array<string>, };

export type NoticeSubject = { "kind": "application", 
/**
 * Case.
 */
application: string, 
/**
 * 申办编号
 */
number: string | null, 
/**
 * Business.
 */
business: Business, 
/**
 * State reached.
 */
state: State, } | { "kind": "expiry", 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * Holder: common name.
 */
subject: string, 
/**
 * Its last instant.
 */
not_after: string, 
/**
 * Which of the catalogue's reminder days it is; 0: it has ended.
 */
days: number, } | { "kind": "revoked", 
/**
 * Serial number, lower-case hex.
 */
serial: string, 
/**
 * Holder: common name.
 */
subject: string, };

export type NoticesView = { 
/**
 * Newest first.
 */
notices: Array<Notice>, 
/**
 * How many of them were not read.
 */
unread: number, 
/**
 * The service was not asked: as last seen, expiry by the service's time.
 */
offline: boolean, };

export type ObjectClass = "certificate" | "private_key" | "public_key" | "secret_key" | "data" | "other";

export type ObjectView = { 
/**
 * What it is.
 */
class: ObjectClass, 
/**
 * Kind of key or certificate in PKCS#11's words.
 */
kind: string | null, 
/**
 * Label.
 */
label: string, 
/**
 * `CKA_ID`, lower-case hex.
 */
id: string, 
/**
 * Bits in a key.
 */
bits: number | null, 
/**
 * Bytes in a public certificate or data object.
 */
bytes: number | null, 
/**
 * Attributes that are true, in PKCS#11's words without `CKA_`.
 */
flags: Array<string>, };

export type Offer = { 
/**
 * Business.
 */
business: Business, 
/**
 * For whom.
 */
account: AccountKind, 
/**
 * 申办须知, paragraphs.
 */
notes: Array<Text>, 
/**
 * Fees, in words.
 */
fees: Text, 
/**
 * Years the certificate is valid for.
 */
validity_years: number, 
/**
 * Key algorithms the CA certifies, preferred first.
 */
key_algorithms: Array<KeyAlgorithm>, 
/**
 * Files asked for, in the order to show them. Where one of them is the form, there is a form to make (step 2).
 */
requirements: Array<Requirement>, 
/**
 * Whether the service decides by itself, without a reviewer, what was signed with the certificate's key.
 */
automatic: boolean, 
/**
 * 变更: the fields that may be changed, by their names in `Registration::CHANGEABLE`; at least one must.
 */
change_fields: Array<string>, 
/**
 * 注销: the reasons to choose from.
 */
reasons: Array<ReasonChoice>, 
/**
 * What follows from it and must be known before, one sentence each: shown before handing in, ticked as read.
 */
consequences: Array<Text>, };

export type OfflineChoices = { 
/**
 * Somebody by account and password; who, is not told.
 */
by_password: boolean, 
/**
 * Keys that are plugged in and logged in here last ([`KeyView::id`]).
 */
keys: Array<string>, };

export type OfflineReading = { 
/**
 * When the service was heard of this account last.
 */
seen_at: string, };

export type Organisation = { 
/**
 * 单位名称, up to 120 characters.
 */
name: string, 
/**
 * 统一社会信用代码 (GB 32100-2015), 18 characters.
 */
credit_code: string, 
/**
 * 法定代表人 or 负责人.
 */
legal_representative: Person, };

export type Part = "key" | "driver" | "card_service" | "service" | "computer";

export type Particulars = { 
/**
 * The certificate that is changed, renewed or revoked: serial number, lower-case hex.
 */
certificate: string | null, 
/**
 * 变更: the new value of each field that changes, by the name [`Registration::CHANGEABLE`] has for it.
 */
changes: { [key in string]: string }, 
/**
 * 注销: why.
 */
reason: RevocationReason | null, };

export type Person = { 
/**
 * Name as on the document, up to 60 characters; rare characters (䶮) and `·` are welcome.
 */
name: string, 
/**
 * Kind of document.
 */
id_kind: IdKind, 
/**
 * Number of the document.
 */
id_number: string, };

export type PinAdvice = { 
/**
 * Fewest characters.
 */
min: number, 
/**
 * Most characters.
 */
max: number, 
/**
 * Of what it consists.
 */
characters: PinCharacters, 
/**
 * Wrong ones in a row that lock such a key as it leaves the factory. Says nothing of how many are left.
 */
tries: number | null, };

export type PinCharacters = "digits" | "letters_and_digits" | "printable";

export type PinOutcome = { "kind": "logged_in", 
/**
 * The session.
 */
session: SessionView, } | { "kind": "issued", 
/**
 * Where the journal stands: its end.
 */
issuance: IssuanceView, } | { "kind": "form_signed", 
/**
 * The draft after it.
 */
draft: DraftView, } | { "kind": "submitted", 
/**
 * The receipt.
 */
receipt: ReceiptView, } | { "kind": "withdrawn", 
/**
 * The case after it.
 */
application: ApplicationView, } | { "kind": "removed" } | { "kind": "pin_changed" } | { "kind": "unblocked" } | { "kind": "tested" } | { "kind": "objects", 
/**
 * Certificates and their keys first.
 */
objects: Array<ObjectView>, } | { "kind": "taken" } | { "kind": "refused", 
/**
 * What is known of the tries now.
 */
tries: PinTries, };

export type PinPrompt = { 
/**
 * Names this prompt; handed back with the PIN, good once.
 */
ticket: string, 
/**
 * The key meant.
 */
key: KeyView, 
/**
 * The last try: an explicit yes is needed.
 */
needs_confirmation: boolean, };

export type PinPurpose = { "kind": "log_in", 
/**
 * Key.
 */
key: string, } | { "kind": "read_offline", 
/**
 * Key.
 */
key: string, } | { "kind": "issue", 
/**
 * Key.
 */
key: string, 
/**
 * Case.
 */
application: string, 
/**
 * Algorithm of the key pair.
 */
algorithm: KeyAlgorithm, } | { "kind": "sign_form", 
/**
 * Key.
 */
key: string, 
/**
 * Draft.
 */
draft: string, } | { "kind": "submit", 
/**
 * Key.
 */
key: string, 
/**
 * Draft.
 */
draft: string, 
/**
 * As in `submit`.
 */
declared_true: boolean, } | { "kind": "withdraw", 
/**
 * Key.
 */
key: string, 
/**
 * Case.
 */
application: string, } | { "kind": "remove_certificate", 
/**
 * Key.
 */
key: string, 
/**
 * [`CertificateView::fingerprint`].
 */
fingerprint: string, } | { "kind": "change_pin", 
/**
 * Key.
 */
key: string, } | { "kind": "unblock", 
/**
 * Key.
 */
key: string, } | { "kind": "test_key", 
/**
 * Key.
 */
key: string, 
/**
 * [`CertificateView::fingerprint`].
 */
fingerprint: string, } | { "kind": "show_objects", 
/**
 * Key.
 */
key: string, };

export type PinTries = "no_warning" | "few" | "last" | "locked" | "unknown";

export type Probe = "keys" | "usb" | "card_service" | "card_readers" | "service" | "offers" | "computer";

export type ProblemCode = "bad_request" | "unauthenticated" | "wrong_credentials" | "account_locked" | "certificate_login_required" | "password_change_required" | "weak_password" | "login_refused" | "bad_signature" | "signature_expired" | "replayed" | "act_signature_required" | "form_signature_invalid" | "wrong_code" | "renewal_not_open" | "certificate_busy" | "draft_changed" | "changes_gone" | "case_changed" | "certificate_revoked" | "certificate_expired" | "not_found" | "method_not_allowed" | "wrong_state" | "idempotency_mismatch" | "in_progress" | "invalid_fields" | "missing_attachments" | "not_remarked" | "stale_consent" | "bad_csr" | "offset_mismatch" | "checksum_mismatch" | "upload_gone" | "too_large" | "wrong_file_kind" | "too_many_requests" | "internal" | "unavailable";

export type ProfilesRefusal = { "kind": "bad_signature" } | { "kind": "older" } | { "kind": "from_the_future" } | { "kind": "newer_format" } | { "kind": "unusable", 
/**
 * What is wrong, for the helpdesk.
 */
detail: string, };

export type ProfilesView = { 
/**
 * When the published profiles in use were signed; `None`: none are, the packaged ones count.
 */
signed_at: string | null, 
/**
 * How many of them there are.
 */
published: number, 
/**
 * All that is known, packaged and published.
 */
known: number, 
/**
 * Why what the service publishes now was not taken; the last good ones stay.
 */
refused: ProfilesRefusal | null, };

export type ProxySetting = { "kind": "system" } | { "kind": "direct" } | { "kind": "manual", 
/**
 * Name or address.
 */
host: string, 
/**
 * Port.
 */
port: number, };

export type Query = { 
/**
 * 申办编号
 */
number: string, 
/**
 * 统一社会信用代码 of the unit, or number of the applicant's or handler's identity document.
 */
identity: string, 
/**
 * 经办人手机号.
 */
phone: string, };

export type QueryAnswer = { 
/**
 * 申办编号, masked: `CD20261122****17`.
 */
number: string, 
/**
 * Business.
 */
business: Business, 
/**
 * State.
 */
state: State, 
/**
 * Who acts next.
 */
next_actor: NextActor, 
/**
 * How long this state usually takes, where the catalogue says so.
 */
usual_time: Text | null, 
/**
 * When the state was reached.
 */
updated_at: string, };

export type QueuedState = "files" | "waiting" | "sending" | "needs_key" | "refused";

export type QueuedView = { 
/**
 * Where it stands.
 */
state: QueuedState, 
/**
 * When it was queued.
 */
at: string, 
/**
 * How often it was tried.
 */
tries: number, 
/**
 * What came of the last try.
 */
failure: Failure | null, };

export type QueuedWithdrawal = { 
/**
 * Case.
 */
application: string, 
/**
 * Where that stands.
 */
queued: QueuedView, };

export type ReasonChoice = { 
/**
 * As the revocation list will have it.
 */
reason: RevocationReason, 
/**
 * In plain words.
 */
text: Text, };

export type Receipt = { 
/**
 * 申办编号
 */
number: string, 
/**
 * The service's time.
 */
submitted_at: string, 
/**
 * The case after it. The last of its `receipts` is the one of this act.
 */
application: Application, };

export type ReceiptRecord = { 
/**
 * Its name.
 */
id: string, 
/**
 * For what.
 */
act: LegalAct, 
/**
 * The service's time.
 */
at: string, 
/**
 * Whether the act was signed by a key on a token, and that signature is in the receipt.
 */
signed_by_key: boolean, };

export type ReceiptView = { 
/**
 * The receipt.
 */
receipt: Receipt, };

export type Region = { 
/**
 * 2 digits for a province, 4 for a city, 6 for a district.
 */
code: string, 
/**
 * Chinese name, as the standard writes it.
 */
name: string, 
/**
 * The divisions one level below; empty for a district.
 */
children?: Array<Region>, };

export type Registration = { 
/**
 * Kind of account.
 */
kind: AccountKind, 
/**
 * The unit; `None` for 个人.
 */
organisation: Organisation | null, 
/**
 * 个人: the applicant. Otherwise: the contact person 联系人.
 */
contact: Person, 
/**
 * Mobile phone that gets account and initial password by SMS.
 */
phone: string, 
/**
 * Mail address.
 */
email: string, 
/**
 * Where the applicant sits.
 */
address: Address, };

export type RegistrationReceipt = { 
/**
 * Phone the SMS went to, masked: `138****5678`.
 */
masked_phone: string, };

export type Remark = { 
/**
 * What it is about.
 */
target: RemarkTarget, 
/**
 * The reviewer's words, up to 500 characters.
 */
text: string, };

export type RemarkTarget = { "kind": "field", "name": string } | { "kind": "files", "name": RequirementId } | { "kind": "case" };

export type RenewalRule = { 
/**
 * Days before its end from which on a certificate can be renewed.
 */
opens_days: number, 
/**
 * Days after its end until which it still can; 0: not once it has ended.
 */
grace_days: number, 
/**
 * Whether the days that are left are added to the new certificate.
 */
carries_over: boolean, 
/**
 * Whether the old certificate is revoked (superseded) once the new one has proven itself.
 */
revokes_old: boolean, };

export type RenewalWindow = { 
/**
 * First instant.
 */
opens_at: string, 
/**
 * Last instant; may lie after the end of the certificate.
 */
closes_at: string, };

export type Repair = { "kind": "start_card_service" } | { "kind": "install_card_service" } | { "kind": "allow_keys" } | { "kind": "install_driver", 
/**
 * Its id.
 */
id: string, } | { "kind": "refresh_lists" } | { "kind": "look_again" };

export type RepairPlan = { 
/**
 * The command line as the system will get it; `None` where no other program runs.
 */
command: string | null, 
/**
 * Whether the system will ask for an administrator.
 */
asks_for_administrator: boolean, };

export type Requirement = { 
/**
 * Its name on the wire.
 */
id: RequirementId, 
/**
 * Its name for people.
 */
title: Text, 
/**
 * What to look out for, one or two sentences.
 */
hint: Text, 
/**
 * Kinds that are taken.
 */
kinds: Array<FileKind>, 
/**
 * Largest size, bytes.
 */
max_bytes: number, 
/**
 * Fewest files; 0 makes it optional.
 */
min_count: number, 
/**
 * Most files.
 */
max_count: number, 
/**
 * For the commitment video.
 */
video: VideoRule | null, 
/**
 * The signed and stamped copy of the form made in step 2.
 */
is_form: boolean, 
/**
 * For the form: in a session by key, the form signed with that key (PAdES) is taken in place of the stamped copy.
 */
key_signature: boolean, 
/**
 * What it proves, to be compared with it: fields by their names in `Handler::FIELDS` and `Registration::CHANGEABLE`.
 */
proves?: Array<string>, };

export type RequirementId = string;

export type RequirementView = { 
/**
 * What is asked.
 */
requirement: Requirement, 
/**
 * What is there.
 */
attachments: Array<AttachmentView>, 
/**
 * Whether enough files are there and uploaded.
 */
satisfied: boolean, 
/**
 * Whether files may be added or removed (in a correction: only where remarked).
 */
editable: boolean, };

export type Revocation = { 
/**
 * When.
 */
at: string, 
/**
 * Why.
 */
reason: RevocationReason, };

export type RevocationAnswer = { 
/**
 * Which one.
 */
certificate: CheckedCertificate, 
/**
 * How it stands.
 */
status: RevocationStatus, };

export type RevocationReason = "unspecified" | "key_compromise" | "ca_compromise" | "affiliation_changed" | "superseded" | "cessation_of_operation" | "certificate_hold" | "privilege_withdrawn" | "aa_compromise";

export type RevocationStatus = { "kind": "revoked", 
/**
 * When.
 */
at: string, 
/**
 * Why.
 */
reason: RevocationReason, 
/**
 * The list that says so.
 */
crl_number: number, } | { "kind": "good", 
/**
 * When the list was made.
 */
as_of: string, 
/**
 * Its number.
 */
crl_number: number, } | { "kind": "unknown", 
/**
 * Why not.
 */
why: UnknownWhy, };

export type SalvagedView = { 
/**
 * Drafts, with what was typed.
 */
drafts: number, 
/**
 * Picked files.
 */
files: number, 
/**
 * Applications as last seen.
 */
applications: number, 
/**
 * Whether all that there was could be read.
 */
all: boolean, };

export type SavedReport = { 
/**
 * Name of the file.
 */
name: string, 
/**
 * Its code, to read out.
 */
code: string, };

export type ScriptView = { 
/**
 * Its address; empty where the system is to search for it.
 */
address: string, 
/**
 * Why it found no way; `None` where it did, be it the direct one.
 */
failure: Failure | null, };

export type SearchView = { 
/**
 * My applications: that of the number asked for, then the newest.
 */
applications: Array<ApplicationHit>, 
/**
 * There are more of them.
 */
more_applications: boolean, 
/**
 * Drafts, changed last first.
 */
drafts: Array<DraftHit>, 
/**
 * Certificates, on the keys and at the service.
 */
certificates: Array<CertificateHit>, 
/**
 * There are more of them.
 */
more_certificates: boolean, 
/**
 * Notices, newest first.
 */
notices: Array<NoticeHit>, 
/**
 * There are more of them.
 */
more_notices: boolean, };

export type ServiceState = { 
/**
 * Host and port, to show.
 */
address: string, 
/**
 * Whether the last request was answered. `None` before the first.
 */
reachable: boolean | null, 
/**
 * Why it was not.
 */
failure: Failure | null, 
/**
 * When it answered last: what is shown while it is away is of then.
 */
seen_at: string | null, };

export type SessionKind = "password" | "token";

export type SessionView = { 
/**
 * By password or by key.
 */
kind: SessionKind, 
/**
 * The key that logged in ([`KeyView::id`]), whether it is still plugged in or not: legal acts ask for its PIN.
 */
key: string | null, 
/**
 * The first login: nothing else goes before a new password.
 */
must_change_password: boolean, 
/**
 * The account, its owner's own data unmasked.
 */
account: AccountView, 
/**
 * Read without the service, which knows nothing of this session: what is done waits for a login.
 */
offline: OfflineReading | null, };

export type Settings = { 
/**
 * Language.
 */
locale: Locale, 
/**
 * Look.
 */
theme: Theme, };

export type SmsMessage = { 
/**
 * Number it went to.
 */
phone: string, 
/**
 * Its text.
 */
text: string, 
/**
 * When.
 */
sent_at: string, };

export type State = "draft" | "submitted" | "in_review" | "needs_correction" | "approved" | "awaiting_issuance" | "completed" | "rejected" | "withdrawn";

export type Step = "handler" | "form" | "files" | "submit";

export type StorageNotice = { 
/**
 * Why.
 */
trouble: StorageTrouble, 
/**
 * Name of the file it is now, in the folder of the program's data.
 */
file: string, 
/**
 * Of a damaged file: what could be read of it and is here again.
 */
salvaged: SalvagedView | null, };

export type StorageQuestion = "choose_keeping" | "passphrase" | "key_store_away" | "newer";

export type StorageState = { "kind": "opening" } | { "kind": "asking", 
/**
 * What is asked.
 */
question: StorageQuestion, 
/**
 * Why.
 */
failure: Failure | null, } | { "kind": "failed", 
/**
 * Why.
 */
failure: Failure, } | { "kind": "open", 
/**
 * Where its key is kept.
 */
kept: KeyKeeping, };

export type StorageTrouble = "key_lost" | "damaged" | "begun_anew";

export type StorageView = { 
/**
 * Now.
 */
state: StorageState, 
/**
 * What happened to it, until it was read.
 */
notice: StorageNotice | null, };

export type Text = { 
/**
 * zh-CN
 */
zh: string, 
/**
 * English, a reading aid
 */
en: string, };

export type Theme = "system" | "light" | "dark";

export type UnknownWhy = "offline" | "stale" | "other_issuer" | "bad_list" | "rolled_back" | "clock";

export type UploadState = { "kind": "queued" } | { "kind": "hashing", 
/**
 * Bytes read.
 */
done: number, } | { "kind": "sending", 
/**
 * Bytes the service has.
 */
done: number, } | { "kind": "waiting", 
/**
 * Why.
 */
failure: Failure, } | { "kind": "done" } | { "kind": "failed", 
/**
 * Why.
 */
failure: Failure, } | { "kind": "cancelled" };

export type UsualTime = { 
/**
 * State.
 */
state: State, 
/**
 * For example 1 个工作日.
 */
text: Text, };

export type Verdict = { 
/**
 * [`Application::submissions`] of the case as it was looked at. Another number now is `case_changed`.
 */
submissions?: number | null, } & ({ "decision": "approve" } | { "decision": "return", 
/**
 * At least one.
 */
remarks: Array<Remark>, } | { "decision": "reject", 
/**
 * Why.
 */
reason: string, });

export type VideoRule = { 
/**
 * Shortest length, seconds.
 */
min_seconds: number, 
/**
 * Longest length, seconds.
 */
max_seconds: number, 
/**
 * What to read aloud. Placeholders: `{unit}`, `{handler}`, `{date}`.
 */
script: Text, };

const call = <T>(name: string, args: object): Promise<T> => invoke<T>("call", { name, args });

/** Every command of the program. Rejects with a `Failure`. */
export const commands = {
  home: (): Promise<Home> => call("home", {  }),
  saveSettings: (settings: Settings): Promise<void> => call("save_settings", { settings }),
  catalogue: (): Promise<Catalogue> => call("catalogue", {  }),
  regions: (): Promise<Array<Region>> => call("regions", {  }),
  network: (): Promise<NetworkView> => call("network", {  }),
  saveNetwork: (settings: NetworkSettings): Promise<NetworkView> => call("save_network", { settings }),
  logInToProxy: (name: string, password: string, keep: boolean): Promise<NetworkView> => call("log_in_to_proxy", { name, password, keep }),
  forgetProxyLogin: (): Promise<NetworkView> => call("forget_proxy_login", {  }),
  refreshKeys: (): Promise<KeyStrip> => call("refresh_keys", {  }),
  acceptConsent: (subject: ConsentSubject, version: string): Promise<ConsentReceipt> => call("accept_consent", { subject, version }),
  checkRegistration: (registration: Registration): Promise<Faults> => call("check_registration", { registration }),
  register: (registration: Registration): Promise<RegistrationReceipt> => call("register", { registration }),
  logInWithPassword: (account: string, password: string): Promise<SessionView> => call("log_in_with_password", { account, password }),
  offlineChoices: (): Promise<OfflineChoices> => call("offline_choices", {  }),
  readOffline: (account: string, password: string): Promise<SessionView> => call("read_offline", { account, password }),
  changePassword: (current: string, replacement: string): Promise<SessionView> => call("change_password", { current, replacement }),
  logOut: (): Promise<void> => call("log_out", {  }),
  preparePin: (purpose: PinPurpose): Promise<PinPrompt> => call("prepare_pin", { purpose }),
  withholdPin: (ticket: string): Promise<void> => call("withhold_pin", { ticket }),
  keyObjects: (key: string): Promise<Array<ObjectView>> => call("key_objects", { key }),
  startApplication: (business: Business, certificate: string | null): Promise<DraftView> => call("start_application", { business, certificate }),
  draft: (id: string): Promise<DraftView> => call("draft", { id }),
  saveField: (id: string, field: string, value: string): Promise<DraftView> => call("save_field", { id, field, value }),
  saveStep: (id: string, step: Step): Promise<DraftView> => call("save_step", { id, step }),
  makeForm: (id: string): Promise<DraftView> => call("make_form", { id }),
  signForm: (id: string): Promise<DraftView> => call("sign_form", { id }),
  resolveConflict: (id: string, field: string, mine: boolean): Promise<DraftView> => call("resolve_conflict", { id, field, mine }),
  discardDraft: (id: string): Promise<void> => call("discard_draft", { id }),
  pickFiles: (id: string, requirement: RequirementId): Promise<DraftView> => call("pick_files", { id, requirement }),
  addDropped: (id: string, requirement: RequirementId): Promise<DraftView> => call("add_dropped", { id, requirement }),
  removeAttachment: (attachment: string): Promise<DraftView> => call("remove_attachment", { attachment }),
  cancelUpload: (attachment: string): Promise<DraftView> => call("cancel_upload", { attachment }),
  retryUpload: (attachment: string): Promise<DraftView> => call("retry_upload", { attachment }),
  saveFormCopy: (id: string): Promise<string | null> => call("save_form_copy", { id }),
  mediaUrl: (attachment: string): Promise<string> => call("media_url", { attachment }),
  submit: (id: string, declared_true: boolean): Promise<ReceiptView> => call("submit", { id, declared_true }),
  queueSubmission: (id: string, declared_true: boolean): Promise<DraftView> => call("queue_submission", { id, declared_true }),
  takeBackSubmission: (id: string): Promise<DraftView> => call("take_back_submission", { id }),
  retrySubmission: (id: string): Promise<DraftView> => call("retry_submission", { id }),
  applications: (): Promise<Array<ApplicationView>> => call("applications", {  }),
  refreshApplications: (): Promise<void> => call("refresh_applications", {  }),
  applicationPage: (query: ApplicationQuery): Promise<ApplicationPage> => call("application_page", { query }),
  applicationCounts: (words: string): Promise<Array<ApplicationCount>> => call("application_counts", { words }),
  application: (id: string): Promise<ApplicationView> => call("application", { id }),
  startCorrection: (id: string): Promise<DraftView> => call("start_correction", { id }),
  certificates: (): Promise<Array<CertificateView>> => call("certificates", {  }),
  withdrawApplication: (id: string): Promise<ApplicationView> => call("withdraw_application", { id }),
  queueWithdrawal: (id: string): Promise<ApplicationView> => call("queue_withdrawal", { id }),
  dropWithdrawal: (id: string): Promise<ApplicationView> => call("drop_withdrawal", { id }),
  saveReceipt: (receipt: string): Promise<string | null> => call("save_receipt", { receipt }),
  saveCalendar: (fingerprint: string): Promise<string | null> => call("save_calendar", { fingerprint }),
  saveCertificate: (fingerprint: string, encoding: CertificateEncoding): Promise<string | null> => call("save_certificate", { fingerprint, encoding }),
  search: (question: string): Promise<SearchView> => call("search", { question }),
  storage: (): Promise<StorageView> => call("storage", {  }),
  retryStorage: (): Promise<StorageView> => call("retry_storage", {  }),
  keepNothing: (): Promise<StorageView> => call("keep_nothing", {  }),
  choosePassphrase: (passphrase: string): Promise<StorageView> => call("choose_passphrase", { passphrase }),
  unlockStorage: (passphrase: string): Promise<StorageView> => call("unlock_storage", { passphrase }),
  changePassphrase: (current: string, replacement: string): Promise<void> => call("change_passphrase", { current, replacement }),
  beginStorageAnew: (): Promise<StorageView> => call("begin_storage_anew", {  }),
  storageNoticeRead: (): Promise<StorageView> => call("storage_notice_read", {  }),
  requestCode: (purpose: CodePurpose, account: string): Promise<void> => call("request_code", { purpose, account }),
  resetPassword: (account: string, code: string, replacement: string): Promise<void> => call("reset_password", { account, code, replacement }),
  reportLostKey: (account: string, code: string, circumstance: Circumstance): Promise<LostKeyReceipt> => call("report_lost_key", { account, code, circumstance }),
  notices: (): Promise<NoticesView> => call("notices", {  }),
  markNoticesRead: (ids: Array<string>): Promise<NoticesView> => call("mark_notices_read", { ids }),
  refreshAccount: (): Promise<SessionView> => call("refresh_account", {  }),
  checkAccountChange: (change: AccountChange): Promise<Faults> => call("check_account_change", { change }),
  requestPhoneCode: (phone: string): Promise<void> => call("request_phone_code", { phone }),
  changeAccount: (change: AccountChange): Promise<SessionView> => call("change_account", { change }),
  consents: (): Promise<Array<ConsentRecord>> => call("consents", {  }),
  withdrawConsent: (id: string): Promise<Array<ConsentRecord>> => call("withdraw_consent", { id }),
  localData: (): Promise<LocalData> => call("local_data", {  }),
  exportLocalData: (): Promise<string | null> => call("export_local_data", {  }),
  deleteLocalData: (): Promise<void> => call("delete_local_data", {  }),
  drivers: (): Promise<DriversView> => call("drivers", {  }),
  downloadDriver: (id: string): Promise<DriversView> => call("download_driver", { id }),
  cancelDriver: (id: string): Promise<DriversView> => call("cancel_driver", { id }),
  modules: (): Promise<ModulesView> => call("modules", {  }),
  refreshProfiles: (): Promise<ProfilesView> => call("refresh_profiles", {  }),
  addModule: (): Promise<ModulesView> => call("add_module", {  }),
  setModule: (path: string, choice: ModuleUse): Promise<ModulesView> => call("set_module", { path, choice }),
  removeModule: (path: string): Promise<ModulesView> => call("remove_module", { path }),
  openDriver: (id: string): Promise<void> => call("open_driver", { id }),
  installDriver: (id: string): Promise<DriversView> => call("install_driver", { id }),
  pickDriver: (): Promise<DriversView | null> => call("pick_driver", {  }),
  examine: (): Promise<Examination> => call("examine", {  }),
  planRepair: (repair: Repair): Promise<RepairPlan> => call("plan_repair", { repair }),
  repair: (repair: Repair): Promise<Examination> => call("repair", { repair }),
  saveExamination: (): Promise<SavedReport | null> => call("save_examination", {  }),
  checkQuery: (query: Query): Promise<Faults> => call("check_query", { query }),
  queryApplications: (query: Query): Promise<Array<QueryAnswer>> => call("query_applications", { query }),
  announcements: (query: AnnouncementQuery): Promise<AnnouncementPage> => call("announcements", { query }),
  checkRevocationOfFile: (): Promise<RevocationAnswer | null> => call("check_revocation_of_file", {  }),
  checkRevocationOfKey: (key: string): Promise<RevocationAnswer> => call("check_revocation_of_key", { key }),
  demoSms: (): Promise<Array<SmsMessage>> => call("demo_sms", {  }),
  demoQueue: (): Promise<Array<Application>> => call("demo_queue", {  }),
  demoReview: (id: string, verdict: Verdict): Promise<Application> => call("demo_review", { id, verdict }),
};
