//! The table of commands: name, arguments, answer. One row a command, and nothing else knows the list.
//!
//! The shell forwards `call(name, args)` to [`dispatch`]; the window's `bindings.ts` is printed from the same rows. What
//! does not fit JSON (PIN, PDF and preview bytes) has its own door in the shell.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;
use uuid::Uuid;

use certdesk_contract::{account::*, announcement::*, application::Verdict, catalogue::Catalogue, query::*};
use certdesk_domain::{
    Business, RequirementId,
    form::{FieldFault, Registration},
    region::Region,
};

use crate::doctor::{
    finding::{Examination, Repair, RepairPlan},
    report::SavedReport,
};
use crate::{Controller, announcements::RevocationAnswer, failure::Failure, failure::LocalCode, view::*};

/// Prints one row for TypeScript: name, argument object, answer.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<(&'static str, String)>,
    pub(crate) answer: String,
}

/// Makes a future where it is to stay: one that held each command's would be larger than a thread's stack bears, where it is
/// moved about in a build without optimisation.
#[inline(never)]
fn on_heap<F>(make: impl FnOnce() -> F) -> std::pin::Pin<Box<F>> {
    Box::pin(make())
}

macro_rules! commands {
    ($($(#[doc = $doc:literal])* $name:ident($($arg:ident: $ty:ty),*) -> $answer:ty;)*) => {
        /// Runs the command `name` with the JSON object `args`.
        ///
        /// # Errors
        /// `bad_command` for an unknown name or arguments of another shape; else what the command says.
        pub async fn dispatch(controller: &Controller, name: &str, args: Value) -> Result<Value, Failure> {
            controller.inner.offline.note_use();
            match name {
                $(stringify!($name) => {
                    #[derive(Deserialize)]
                    #[serde(deny_unknown_fields)]
                    struct Args { $($arg: $ty,)* }
                    let Args { $($arg),* } = serde_json::from_value(args).map_err(bad)?;
                    let answer: $answer = on_heap(|| controller.$name($($arg),*)).await?;
                    serde_json::to_value(answer).map_err(bad)
                })*
                _ => Err(Failure::new(LocalCode::BadCommand).with_detail(name)),
            }
        }

        /// The rows, with types named as TypeScript has them; `visit` sees each type once.
        pub(crate) fn rows(config: &ts_rs::Config, visitor: &mut impl ts_rs::TypeVisitor) -> Vec<Row> {
            $($(visitor.visit::<$ty>();)* visitor.visit::<$answer>();)*
            vec![$(Row {
                name: stringify!($name),
                arguments: vec![$((stringify!($arg), <$ty as TS>::name(config))),*],
                answer: <$answer as TS>::name(config),
            }),*]
        }
    };
}

fn bad(error: serde_json::Error) -> Failure {
    Failure::new(LocalCode::BadCommand).with_detail(error.to_string())
}

/// Registration as typed, with its faults: what the page shows beside the fields.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Faults {
    /// In the order of the form.
    pub faults: Vec<FieldFault>,
}

commands! {
    // Home and settings
    home() -> Home;
    save_settings(settings: Settings) -> ();
    catalogue() -> Catalogue;
    regions() -> Vec<Region>;
    /// Proxy, bandwidth: how this computer reaches the service.
    network() -> NetworkView;
    save_network(settings: NetworkSettings) -> NetworkView;
    /// Gives the proxy a name and password and tries them.
    log_in_to_proxy(name: String, password: String, keep: bool) -> NetworkView;
    forget_proxy_login() -> NetworkView;
    /// Asks all drivers again, now.
    refresh_keys() -> KeyStrip;

    // Agreement, account
    accept_consent(subject: ConsentSubject, version: String) -> ConsentReceipt;
    check_registration(registration: Registration) -> Faults;
    register(registration: Registration) -> RegistrationReceipt;
    log_in_with_password(account: String, password: String) -> SessionView;
    /// Who can read what was seen while the service is away.
    offline_choices() -> OfflineChoices;
    /// Reads what was seen of an account without the service, by the password of its last login here.
    read_offline(account: String, password: String) -> SessionView;
    change_password(current: String, replacement: String) -> SessionView;
    log_out() -> ();
    /// Asks for the PIN dialog's facts; the PIN itself goes through the shell's own door with the ticket.
    prepare_pin(purpose: PinPurpose) -> PinPrompt;
    /// The person does not give the PIN that an act under way asked for.
    withhold_pin(ticket: String) -> ();

    // 我的认证锁
    /// What can be seen on a key without its PIN.
    key_objects(key: String) -> Vec<ObjectView>;

    // The guide
    /// Opens the draft of this business (about this certificate, by its serial number, where it is about one), a new one
    /// if there is none.
    start_application(business: Business, certificate: Option<String>) -> DraftView;
    draft(id: Uuid) -> DraftView;
    /// Saves one field at once: dotted name as in `Handler`, `change.<field>` (变更; empty takes the change back), `reason`
    /// (注销).
    save_field(id: Uuid, field: String, value: String) -> DraftView;
    save_step(id: Uuid, step: Step) -> DraftView;
    make_form(id: Uuid) -> DraftView;
    /// Signs the form with the key of the session and puts it under its requirement; `pin_needed` where the key must be
    /// unlocked first.
    sign_form(id: Uuid) -> DraftView;
    /// Settles fields that were typed differently on another computer: `mine` keeps what was typed here.
    resolve_conflict(id: Uuid, field: String, mine: bool) -> DraftView;
    discard_draft(id: Uuid) -> ();
    /// Asks for files by the native dialog and adds them.
    pick_files(id: Uuid, requirement: RequirementId) -> DraftView;
    /// Adds the files dropped last.
    add_dropped(id: Uuid, requirement: RequirementId) -> DraftView;
    remove_attachment(attachment: Uuid) -> DraftView;
    cancel_upload(attachment: Uuid) -> DraftView;
    retry_upload(attachment: Uuid) -> DraftView;
    /// Saves a copy of the form by the native dialog; `None` when cancelled, else the name it got.
    save_form_copy(id: Uuid) -> Option<String>;
    /// Address from which the window may play a picked video, guarded by a token.
    media_url(attachment: Uuid) -> String;
    /// Hands in. In a session by key the key signs too; `pin_needed` where it must be unlocked first, and for 注销 always.
    submit(id: Uuid, declared_true: bool) -> ReceiptView;
    /// Queues the submission: it goes by itself once its files and the service are there.
    queue_submission(id: Uuid, declared_true: bool) -> DraftView;
    /// Takes a queued submission back, also one that was refused: the draft can be changed again.
    take_back_submission(id: Uuid) -> DraftView;
    /// Sends a submission that was refused once more.
    retry_submission(id: Uuid) -> DraftView;

    // My applications, my certificates
    applications() -> Vec<ApplicationView>;
    /// Asks the service for my applications; when it is away, what was seen last stays.
    refresh_applications() -> ();
    /// A page of them, as last seen.
    application_page(query: ApplicationQuery) -> ApplicationPage;
    application_counts(words: String) -> Vec<ApplicationCount>;
    application(id: Uuid) -> ApplicationView;
    /// Opens a returned case for correction.
    start_correction(id: Uuid) -> DraftView;
    certificates() -> Vec<CertificateView>;
    /// Takes a case back; `pin_needed` as for `submit`.
    withdraw_application(id: Uuid) -> ApplicationView;
    /// Queues that a case is taken back: it goes by itself once the service is there.
    queue_withdrawal(id: Uuid) -> ApplicationView;
    /// The case is not taken back after all, or that it was refused is known.
    drop_withdrawal(id: Uuid) -> ApplicationView;
    /// Saves a signed receipt by the native dialog; `None` when cancelled, else the name it got.
    save_receipt(receipt: Uuid) -> Option<String>;
    /// Saves the end of a certificate as a calendar file by the native dialog.
    save_calendar(fingerprint: String) -> Option<String>;
    /// Saves a certificate by the native dialog.
    save_certificate(fingerprint: String, encoding: CertificateEncoding) -> Option<String>;

    /// Everything known here that fits: applications, drafts, certificates, notices. Asks no service.
    search(question: String) -> SearchView;

    // What is kept on this computer
    storage() -> StorageView;
    /// Asks the key store once more.
    retry_storage() -> StorageView;
    /// Nothing is kept beyond this run.
    keep_nothing() -> StorageView;
    choose_passphrase(passphrase: String) -> StorageView;
    unlock_storage(passphrase: String) -> StorageView;
    change_passphrase(current: String, replacement: String) -> ();
    /// Sets aside what cannot be opened.
    begin_storage_anew() -> StorageView;
    storage_notice_read() -> StorageView;

    // Without a key: forgotten password, lost key
    request_code(purpose: CodePurpose, account: String) -> ();
    reset_password(account: String, code: String, replacement: String) -> ();
    report_lost_key(account: String, code: String, circumstance: Circumstance) -> LostKeyReceipt;

    // 通知消息
    notices() -> NoticesView;
    mark_notices_read(ids: Vec<Uuid>) -> NoticesView;

    // 用户信息
    /// Asks the service anew whose session it is.
    refresh_account() -> SessionView;
    check_account_change(change: AccountChange) -> Faults;
    request_phone_code(phone: String) -> ();
    change_account(change: AccountChange) -> SessionView;
    consents() -> Vec<ConsentRecord>;
    withdraw_consent(id: Uuid) -> Vec<ConsentRecord>;
    local_data() -> LocalData;
    /// Saves everything kept here about the account as one file by the native dialog.
    export_local_data() -> Option<String>;
    /// Forgets everything kept here about the account, and logs out. What the service has stays.
    delete_local_data() -> ();

    // 服务支持
    drivers() -> DriversView;
    download_driver(id: String) -> DriversView;
    cancel_driver(id: String) -> DriversView;
    /// The driver modules (PKCS#11) of this computer.
    modules() -> ModulesView;
    /// Asks the service for newer profiles of tokens and drivers, now.
    refresh_profiles() -> ProfilesView;
    /// Asks for a module by the native dialog and adds it.
    add_module() -> ModulesView;
    set_module(path: String, choice: ModuleUse) -> ModulesView;
    /// Takes a module that a person added off the list again.
    remove_module(path: String) -> ModulesView;
    /// Opens the installer by the system's own way, after its SHA-256 was checked once more.
    open_driver(id: String) -> ();
    /// Fetches where it must, checks content and maker, installs by the system's own way, and looks for the key.
    install_driver(id: String) -> DriversView;
    /// Asks for the package by the native dialog, for computers without a network; `None` when cancelled.
    pick_driver() -> Option<DriversView>;
    /// Looks at everything that a key needs on this computer; `examination` events tell of each step.
    examine() -> Examination;
    /// What a repair will do, to be read before it is done.
    plan_repair(repair: Repair) -> RepairPlan;
    /// Repairs, the system asking for an administrator where it must, and looks again.
    repair(repair: Repair) -> Examination;
    /// Saves a redacted report of the last examination by the native dialog; `None` when cancelled.
    save_examination() -> Option<SavedReport>;

    // Look up without login
    /// What is not right in a query yet; fewer than two items are `missing`.
    check_query(query: Query) -> Faults;
    query_applications(query: Query) -> Vec<QueryAnswer>;

    // 注销公告
    announcements(query: AnnouncementQuery) -> AnnouncementPage;
    /// Asks for a certificate file by the native dialog; `None` when cancelled.
    check_revocation_of_file() -> Option<RevocationAnswer>;
    check_revocation_of_key(key: String) -> RevocationAnswer;

    // Demo only
    demo_sms() -> Vec<SmsMessage>;
    demo_queue() -> Vec<certdesk_contract::application::Application>;
    demo_review(id: Uuid, verdict: Verdict) -> certdesk_contract::application::Application;
}
