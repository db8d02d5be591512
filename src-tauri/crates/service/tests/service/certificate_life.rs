//! What becomes of a certificate: renewed, changed, revoked, replaced; and what must not become of it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    account::{AccountView, Circumstance, CodePurpose, CodeRequest, ConsentSubject, LostKey, LostKeyReceipt},
    announcement::AnnouncementPage,
    application::*,
    certificate::*,
    path,
    session::Session,
};
use certdesk_domain::{
    AccountKind, Business, RevocationReason, State, Timestamp,
    form::{Handler, Particulars},
};
use certdesk_pki::Certificate;
use certdesk_service::Config;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    form_signature,
    token_login::Login,
    world::{self, Answer, Applicant, Client, Key, SECRET, World, file, handler, hex},
};

const NEW_NAME: &str = "厦门云帆测试科技有限公司";
const DAY: u64 = 24 * 3600;

/// Somebody with a certificate in force.
pub(crate) struct Holder {
    pub(crate) person: Applicant,
    pub(crate) key: Key,
    pub(crate) der: Vec<u8>,
}

impl Holder {
    pub(crate) async fn new(world: &World, kind: AccountKind) -> Self {
        let person = world.applicant(kind).await;
        let key = Key::generate();
        let id = open(&person.client, Business::New, None).await.expect(200).json::<Application>().id;
        hand_in(&person, id, Particulars::default(), kind).await.expect(200);
        decide(world, id, Review::Approve).await.expect(200);
        let der = install(&person.client, id, &key).await;
        Self { person, key, der }
    }

    pub(crate) fn serial(&self) -> String {
        Certificate::parse(&self.der).unwrap().serial
    }

    /// Logs in by key.
    pub(crate) async fn by_key(&self, world: &World) -> Applicant {
        let session: Session = Login::new(world, &self.key, &self.der).honest().await.0.expect(201).json();
        let act_key = Some((self.key.clone(), self.der.clone()));
        let client = Client { act_key, ..world.client().with_token(&session) };
        Applicant { client, account: self.person.account.clone() }
    }

    /// Logs in by password.
    async fn by_password(&self, world: &World) -> Applicant {
        let answer = world.client().log_in(&self.person.account, world::NEW_PASSWORD).await;
        let session: Session = answer.expect(201).json();
        Applicant { client: world.client().with_token(&session), account: self.person.account.clone() }
    }

    /// What is handed in, with a form that the key signed.
    async fn with_signed_form(&self, at: &Applicant, id: Uuid, mut submission: Submission) -> Submission {
        let form = form_signature::form("A");
        submission.form_sha256 = Some(hex(&Sha256::digest(&form)));
        let signed = form_signature::signed(&form, &self.key, &self.der);
        let place = submission.attachments.iter_mut().find(|file| file.requirement.0 == form_signature::FORM).unwrap();
        place.upload = at.upload(id, form_signature::FORM, &signed).await;
        submission
    }

    /// Renews up to 待制证, in one go: signed by the key.
    async fn renewed_up_to_issuance(&self, at: &Applicant) -> Uuid {
        let id = open(&at.client, Business::Renew, Some(&self.serial())).await.expect(200).json::<Application>().id;
        let case: Application = at.client.get(&path::application(id)).await.expect(200).json();
        let submission = filled_in(at, &case, about(&self.serial()), kind_of(at).await).await;
        let submission = self.with_signed_form(at, id, submission).await;
        let answer = at.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await;
        let receipt: Receipt = answer.expect(200).json();
        assert_eq!(receipt.application.state, State::AwaitingIssuance, "what the key signed is approved at once");
        id
    }
}

fn about(serial: &str) -> Particulars {
    Particulars { certificate: Some(serial.into()), ..Particulars::default() }
}

pub(crate) fn renamed(serial: &str) -> Particulars {
    Particulars { changes: [("organisation.name".to_owned(), NEW_NAME.to_owned())].into(), ..about(serial) }
}

pub(crate) fn revoked_for(serial: &str, reason: RevocationReason) -> Particulars {
    Particulars { reason: Some(reason), ..about(serial) }
}

pub(crate) async fn open(client: &Client, business: Business, certificate: Option<&str>) -> Answer {
    let draft = ApplicationDraft { business, certificate: certificate.map(str::to_owned) };
    client.put(&path::application(Uuid::now_v7()), &draft).await
}

async fn kind_of(person: &Applicant) -> AccountKind {
    person.client.get(path::ACCOUNT).await.expect(200).json::<AccountView>().kind()
}

/// Hands a case in with every file that its offer asks for.
async fn hand_in(person: &Applicant, id: Uuid, particulars: Particulars, kind: AccountKind) -> Answer {
    let client = &person.client;
    let case: Application = client.get(&path::application(id)).await.expect(200).json();
    let submission = filled_in(person, &case, particulars, kind).await;
    client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await
}

pub(crate) async fn filled_in(
    person: &Applicant,
    case: &Application,
    particulars: Particulars,
    kind: AccountKind,
) -> Submission {
    let client = &person.client;
    let catalogue: certdesk_contract::catalogue::Catalogue = client.get(path::CATALOGUE).await.expect(200).json();
    let offer = catalogue.offer(case.business, kind).unwrap();
    let mut attachments = Vec::new();
    for requirement in &offer.requirements {
        let kind = match requirement.kinds[0].extensions()[0] {
            "jpg" | "jpeg" => "jpeg",
            other => other,
        };
        for _ in 0..requirement.min_count {
            let upload = person.upload(case.id, &requirement.id.0, &file(kind, 600)).await;
            attachments.push(SubmittedAttachment { requirement: requirement.id.clone(), upload });
        }
    }
    let sensitive = !offer.requirements.is_empty();
    let handler = if kind.is_organisation() { handler() } else { Handler { credit_code: String::new(), ..handler() } };
    Submission {
        handler,
        particulars,
        form_sha256: offer.form().map(|_| "0".repeat(64)),
        attachments,
        declared_true: true,
        sensitive_data_consent: match sensitive {
            true => Some(client.consent(ConsentSubject::SensitiveData).await),
            false => None,
        },
    }
}

/// Decides at the service's own time.
async fn decide(world: &World, id: Uuid, review: Review) -> Answer {
    let headers = [("content-type", "application/json"), ("x-demo-secret", SECRET)];
    let body = serde_json::to_vec(&Verdict::from(review)).unwrap();
    world.client().send("POST", &path::demo_review(id), &headers, body).await
}

async fn issue(client: &Client, id: Uuid, key: &Key) -> Answer {
    client.post(&path::issuance(id), &CertificateRequest { csr_b64: STANDARD.encode(key.csr()) }).await
}

fn certificate_of(answer: Answer) -> Vec<u8> {
    STANDARD.decode(answer.expect(200).json::<IssuedCertificate>().certificate_b64).unwrap()
}

/// From 待制证 to 已完成; answers the certificate.
async fn install(client: &Client, id: Uuid, key: &Key) -> Vec<u8> {
    let der = certificate_of(issue(client, id, key).await);
    let done: Application = client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200).json();
    assert_eq!(done.state, State::Completed);
    der
}

async fn records(client: &Client) -> Vec<CertificateRecord> {
    client.get(path::CERTIFICATES).await.expect(200).json()
}

async fn record(client: &Client, serial: &str) -> CertificateRecord {
    records(client).await.into_iter().find(|record| record.serial == serial).unwrap()
}

/// Another catalogue than the embedded one, from now on.
fn with_catalogue(folder: &tempfile::TempDir, change: impl FnOnce(&mut serde_json::Value)) -> impl FnOnce(&mut Config) {
    let mut catalogue = serde_json::from_str(include_str!("../../data/catalogue.json")).unwrap();
    change(&mut catalogue);
    catalogue["version"] = "of a test".into();
    let path = folder.path().join("catalogue.json");
    std::fs::write(&path, catalogue.to_string()).unwrap();
    move |config| config.catalogue = Some(path)
}

/// Reports the key by the code that goes to the phone.
async fn report_lost(world: &World, account: &str, circumstance: Circumstance) -> Answer {
    let client = world.client();
    let request = CodeRequest { purpose: CodePurpose::LostKey, account: account.into() };
    client.post(path::CODES, &request).await.expect(202);
    let text = client.sms().await.into_iter().next().unwrap().text;
    let code = text.split_once("验证码：").unwrap().1.chars().take(6).collect();
    let lost = LostKey { account: account.into(), code, circumstance };
    client.post_once(path::LOST_KEYS, Uuid::new_v4(), &lost).await
}

async fn businesses(client: &Client) -> Vec<Business> {
    client.get(path::ACCOUNT).await.expect(200).json::<AccountView>().businesses
}

async fn announced(world: &World) -> Vec<(String, RevocationReason)> {
    let page: AnnouncementPage = world.client().get(path::ANNOUNCEMENTS).await.expect(200).json();
    page.announcements.into_iter().map(|a| (a.serial, a.reason)).collect()
}

fn days(count: u64) -> Duration {
    Duration::from_secs(count * DAY)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_in_one_sitting() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let before = record(&holder.person.client, &serial).await;
    let window = before.renewal.clone().expect("a certificate in force can be renewed some day");
    assert_eq!(window.opens_at, before.not_after - time::Duration::days(90));
    assert_eq!(window.closes_at, before.not_after + time::Duration::days(30));
    assert_eq!(businesses(&holder.person.client).await, [Business::Change, Business::Revoke], "not yet");

    world.clock.advance(days(300));
    let at = holder.by_key(&world).await;
    assert_eq!(businesses(&at.client).await, [Business::Change, Business::Renew, Business::Revoke]);
    let id = holder.renewed_up_to_issuance(&at).await;
    let case: Application = at.client.get(&path::application(id)).await.expect(200).json();
    let states: Vec<_> = case.history.iter().map(|entry| entry.state).collect();
    use State::*;
    assert_eq!(states, [Draft, Submitted, Approved, AwaitingIssuance], "the history tells each step");
    assert_eq!((case.particulars.certificate.as_deref(), case.submissions), (Some(&*serial), 1));

    // A new key: not the old one, which has its certificate.
    issue(&at.client, id, &holder.key).await.refused(ProblemCode::BadCsr);
    let key = Key::generate();
    let der = certificate_of(issue(&at.client, id, &key).await);
    assert_eq!(certificate_of(issue(&at.client, id, &key).await), der, "asked for again after a crash: the same one");
    assert_eq!(record(&at.client, &serial).await.status, CertificateStatus::Active, "the old one works until then");
    let confirm = key.installation(id, &der);
    for _ in 0..2 {
        let done: Application = at.client.post(&path::installation(id), &confirm).await.expect(200).json();
        assert_eq!(done.state, Completed, "confirmed again after a crash: as good as once");
    }
    assert_eq!(certificate_of(issue(&at.client, id, &key).await), der, "and it can still be fetched");
    issue(&at.client, id, &Key::generate()).await.refused(ProblemCode::WrongState);

    // The session that did it goes on; the old key is out, the new one in.
    let new = Certificate::parse(&der).unwrap();
    let old = record(&at.client, &serial).await;
    assert_eq!(old.status, CertificateStatus::Revoked);
    assert_eq!(old.revocation.unwrap().reason, RevocationReason::Superseded);
    assert_eq!((old.successor, old.renewal), (Some(new.serial.clone()), None), "who was succeeded reminds nobody");
    let renewed = record(&at.client, &new.serial).await;
    let a_year_on = before.not_after.replace_year(before.not_after.year() + 1).unwrap();
    assert_eq!(renewed.not_after, a_year_on, "the days that were left are not lost, to the second");
    assert_eq!(announced(&world).await, [(serial.clone(), RevocationReason::Superseded)]);
    Login::new(&world, &holder.key, &holder.der).honest().await.0.refused(ProblemCode::CertificateRevoked);
    Login::new(&world, &key, &der).honest().await.0.expect(201);
    assert_eq!(businesses(&at.client).await, [Business::Change, Business::Revoke], "renewed is renewed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_comes_into_force_with_its_certificate() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let old_end = record(&holder.person.client, &serial).await.not_after;
    world.clock.advance(days(100));
    let at = holder.by_key(&world).await;
    let view: AccountView = at.client.get(path::ACCOUNT).await.expect(200).json();
    assert!(view.fixed_fields.contains(&"organisation.name".to_owned()), "a certificate fixes the name");
    assert!(!view.fixed_fields.contains(&"contact.name".to_owned()), "but not who is called");

    let id = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json::<Application>().id;
    let same = Particulars {
        changes: [("organisation.name".to_owned(), "福州云帆测试科技有限公司".to_owned())].into(),
        ..about(&serial)
    };
    let problem = hand_in(&at, id, same, AccountKind::Enterprise).await.refused(ProblemCode::InvalidFields).problem();
    assert_eq!(problem.faults[0].field, "change", "the old name is no change");
    let mut wrong = renamed(&serial);
    wrong.changes.insert("organisation.credit_code".into(), "91350100M000100Y43".into());
    let problem = hand_in(&at, id, wrong, AccountKind::Enterprise).await.refused(ProblemCode::InvalidFields).problem();
    assert_eq!(problem.faults[0].field, "change.organisation.credit_code", "a unit is not changed into another");

    let receipt: Receipt = hand_in(&at, id, renamed(&serial), AccountKind::Enterprise).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Submitted, "a new name is looked at");
    assert_eq!(receipt.application.particulars, renamed(&serial));

    // Returned for the name alone: it may change, the handler may not.
    let remark = |field: &str| Remark { target: RemarkTarget::Field(field.into()), text: "与执照不符".into() };
    let unknown = Review::Return { remarks: vec![remark("change.contact.name")] };
    decide(&world, id, unknown).await.refused(ProblemCode::BadRequest);
    let unknown = Review::Return { remarks: vec![remark("reason")] };
    decide(&world, id, unknown).await.refused(ProblemCode::BadRequest);
    decide(&world, id, Review::Return { remarks: vec![remark("change.organisation.name")] }).await.expect(200);
    let case: Application = at.client.get(&path::application(id)).await.expect(200).json();
    let mut corrected = filled_in(&at, &case, renamed(&serial), AccountKind::Enterprise).await;
    corrected.attachments = case
        .attachments
        .iter()
        .map(|file| SubmittedAttachment { requirement: file.requirement.clone(), upload: file.upload })
        .collect();
    let sneaked = Submission {
        particulars: Particulars {
            changes: [("organisation.legal_representative.name".to_owned(), "林小满".to_owned())].into(),
            ..renamed(&serial)
        },
        ..corrected.clone()
    };
    let submit = path::submission(id);
    at.client.post_once(&submit, Uuid::new_v4(), &sneaked).await.refused(ProblemCode::NotRemarked);
    let name = "厦门云帆测试科技股份有限公司";
    corrected.particulars.changes.insert("organisation.name".into(), name.into());
    at.client.post_once(&submit, Uuid::new_v4(), &corrected).await.expect(200);
    let approved: Application = decide(&world, id, Review::Approve).await.expect(200).json();
    assert_eq!(approved.certificate_subject.as_deref(), Some(name));

    let key = Key::generate();
    let der = certificate_of(issue(&at.client, id, &key).await);
    let certificate = Certificate::parse(&der).unwrap();
    assert_eq!(certificate.holder, name, "the certificate has the new name");
    let named = async || {
        let view: AccountView = at.client.get(path::ACCOUNT).await.expect(200).json();
        view.registration.organisation.unwrap().name
    };
    assert_eq!(named().await, "福州云帆测试科技有限公司", "until it is on the key the old name is in force");
    at.client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200);
    assert_eq!(named().await, name, "and from then on the new one");
    let old = record(&at.client, &serial).await;
    assert_eq!(old.revocation.unwrap().reason, RevocationReason::Superseded);
    assert_eq!(old.successor.as_ref(), Some(&certificate.serial));
    assert_eq!(record(&at.client, &certificate.serial).await.not_after, old_end, "a change gives no time");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_revokes_with_the_key_is_announced_at_once() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Individual).await;
    let serial = holder.serial();
    let (at, elsewhere) = (holder.by_key(&world).await, holder.by_key(&world).await);
    let id = open(&at.client, Business::Revoke, Some(&serial)).await.expect(200).json::<Application>().id;
    let unreasoned = hand_in(&at, id, about(&serial), AccountKind::Individual).await;
    assert_eq!(unreasoned.refused(ProblemCode::InvalidFields).problem().faults[0].field, "reason");
    let why = revoked_for(&serial, RevocationReason::CaCompromise);
    let not_offered = hand_in(&at, id, why, AccountKind::Individual).await;
    assert_eq!(not_offered.refused(ProblemCode::InvalidFields).problem().faults[0].field, "reason");

    let why = revoked_for(&serial, RevocationReason::CessationOfOperation);
    let receipt: Receipt = hand_in(&at, id, why, AccountKind::Individual).await.expect(200).json();
    let states: Vec<_> = receipt.application.history.iter().map(|entry| entry.state).collect();
    use State::*;
    assert_eq!(states, [Draft, Submitted, Approved, Completed]);
    assert_eq!(announced(&world).await, [(serial.clone(), RevocationReason::CessationOfOperation)]);
    elsewhere.client.get(path::ACCOUNT).await.refused(ProblemCode::CertificateRevoked);
    let kept: Application = at.client.get(&path::application(id)).await.expect(200).json();
    assert_eq!(kept, receipt.application, "who did it can still read what they did");
    open(&at.client, Business::Revoke, Some(&serial)).await.refused(ProblemCode::CertificateRevoked);

    let back = holder.by_password(&world).await;
    assert_eq!(businesses(&back.client).await, [Business::New], "who ended it on purpose starts anew");
    open(&back.client, Business::Revoke, Some(&serial)).await.refused(ProblemCode::CertificateRevoked);
    open(&back.client, Business::Replace, None).await.refused(ProblemCode::WrongState);
    assert_eq!(record(&back.client, &serial).await.revocation.unwrap().reason, RevocationReason::CessationOfOperation);
    let view: AccountView = back.client.get(path::ACCOUNT).await.expect(200).json();
    assert!(!view.fixed_fields.contains(&"contact.name".to_owned()), "no certificate fixes the name any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn renewal_opens_and_closes_to_the_second() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let record = record(&holder.person.client, &serial).await;
    let window = record.renewal.unwrap();
    let ahead_to = |then: Timestamp| {
        let ahead = (then - Timestamp::now_utc()).whole_milliseconds();
        Duration::from_millis(ahead.try_into().unwrap())
    };
    let clock = |then: Timestamp, gone: &mut Duration| {
        let ahead = ahead_to(then);
        world.clock.advance(ahead - *gone);
        *gone = ahead;
    };
    let mut gone = Duration::ZERO;
    let renew = async |client: &Client| open(client, Business::Renew, Some(&serial)).await;

    clock(window.opens_at - time::Duration::minutes(1), &mut gone);
    renew(&holder.by_key(&world).await.client).await.refused(ProblemCode::RenewalNotOpen);
    clock(window.opens_at + time::Duration::seconds(1), &mut gone);
    let at = holder.by_key(&world).await;
    let draft: Application = renew(&at.client).await.expect(200).json();
    at.client.send("DELETE", &path::application(draft.id), &[], "").await.expect(200);

    // Ended: the key logs in no more, the password does, and for a while it can still be renewed.
    clock(record.not_after + time::Duration::days(10), &mut gone);
    Login::new(&world, &holder.key, &holder.der).honest().await.0.refused(ProblemCode::CertificateExpired);
    let at = holder.by_password(&world).await;
    assert_eq!(businesses(&at.client).await, [Business::Renew, Business::New], "renewed, or begun anew");
    open(&at.client, Business::Change, Some(&serial)).await.refused(ProblemCode::CertificateExpired);
    open(&at.client, Business::Revoke, Some(&serial)).await.refused(ProblemCode::CertificateExpired);
    let draft: Application = renew(&at.client).await.expect(200).json();
    let receipt: Receipt = hand_in(&at, draft.id, about(&serial), AccountKind::Enterprise).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Submitted, "no key signed it, so somebody looks");

    // The window closes while the service looks: who came in time is served.
    clock(window.closes_at + time::Duration::days(1), &mut gone);
    let at = holder.by_password(&world).await;
    decide(&world, draft.id, Review::Approve).await.expect(200);
    let key = Key::generate();
    let der = install(&at.client, draft.id, &key).await;
    let renewed = self::record(&at.client, &Certificate::parse(&der).unwrap().serial).await;
    let year = renewed.not_after - renewed.not_before;
    assert!((365..=366).contains(&year.whole_days()), "nothing was left, so it counts from now: {year}");
    let old = self::record(&at.client, &serial).await;
    assert_eq!((old.status, old.revocation), (CertificateStatus::Expired, None), "what has ended is not revoked too");
    assert_eq!(old.successor, Some(renewed.serial));
    assert_eq!(announced(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_too_long_ago_is_not_renewed() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Individual).await;
    let serial = holder.serial();
    let draft_in_time = {
        world.clock.advance(days(365 + 29));
        let at = holder.by_password(&world).await;
        open(&at.client, Business::Renew, Some(&serial)).await.expect(200).json::<Application>().id
    };
    world.clock.advance(days(3));
    let at = holder.by_password(&world).await;
    let late = hand_in(&at, draft_in_time, about(&serial), AccountKind::Individual).await;
    late.refused(ProblemCode::RenewalNotOpen);
    open(&at.client, Business::Renew, Some(&serial)).await.refused(ProblemCode::RenewalNotOpen);
    assert_eq!(businesses(&at.client).await, [Business::New], "a certificate that ended is not one that was lost");
    assert_eq!(record(&at.client, &serial).await.renewal, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_case_at_a_time_is_about_a_certificate() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    world.clock.advance(days(300));
    let at = holder.by_key(&world).await;
    let (one, two) = tokio::join!(
        open(&at.client, Business::Renew, Some(&serial)),
        open(&at.client, Business::Revoke, Some(&serial))
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "of two computers one is first");
    let (first, second) = if one.status == 200 { (one, two) } else { (two, one) };
    second.refused(ProblemCode::CertificateBusy);
    let first: Application = first.json();
    open(&at.client, Business::Change, Some(&serial)).await.refused(ProblemCode::CertificateBusy);

    // The same draft again is the same case; under the same name another one is none.
    let again = ApplicationDraft { business: first.business, certificate: Some(serial.clone()) };
    let same: Application = at.client.put(&path::application(first.id), &again).await.expect(200).json();
    assert_eq!(same, first);
    let other = ApplicationDraft { certificate: None, ..again };
    at.client.put(&path::application(first.id), &other).await.refused(ProblemCode::WrongState);

    // Taken back, it makes room.
    at.client.send("DELETE", &path::application(first.id), &[], "").await.expect(200);
    let next: Application = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json();
    hand_in(&at, next.id, renamed(&serial), AccountKind::Enterprise).await.expect(200);
    let withdrawn: Application =
        at.client.send("DELETE", &path::application(next.id), &[], "").await.expect(200).json();
    assert_eq!(withdrawn.state, State::Withdrawn, "also what was handed in, while nobody has opened it");
    let next: Application = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json();
    hand_in(&at, next.id, renamed(&serial), AccountKind::Enterprise).await.expect(200);
    decide(&world, next.id, Review::Reject { reason: "执照未变更".into() }).await.expect(200);
    open(&at.client, Business::Renew, Some(&serial)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_certificate_is_not_there() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let other = Holder::new(&world, AccountKind::Individual).await;
    world.clock.advance(days(300));
    let at = other.by_key(&world).await;
    for business in [Business::Change, Business::Renew, Business::Revoke] {
        let mut answers = Vec::new();
        for serial in [holder.serial(), "5f00".into(), other.serial().to_uppercase(), String::new()] {
            answers.push(open(&at.client, business, Some(&serial)).await.refused(ProblemCode::NotFound).body);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "whose it is, or whether it is, is not told");
        open(&at.client, business, None).await.refused(ProblemCode::BadRequest);
    }
    // Nor is a case about one's own turned to another's.
    let draft: Application = open(&at.client, Business::Revoke, Some(&other.serial())).await.expect(200).json();
    let why = revoked_for(&holder.serial(), RevocationReason::CessationOfOperation);
    let problem = hand_in(&at, draft.id, why, AccountKind::Individual).await.refused(ProblemCode::InvalidFields);
    assert_eq!(problem.problem().faults[0].field, "certificate");
    let owner = holder.by_key(&world).await;
    owner.client.get(&path::application(draft.id)).await.refused(ProblemCode::NotFound);
    assert_eq!(record(&owner.client, &holder.serial()).await.status, CertificateStatus::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_reported_lost_ends_what_was_begun_with_it() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let old_end = record(&holder.person.client, &serial).await.not_after;
    world.clock.advance(days(300));
    let at = holder.by_key(&world).await;
    let renewal = holder.renewed_up_to_issuance(&at).await;
    let stolen = Key::generate();
    let der = certificate_of(issue(&at.client, renewal, &stolen).await);

    let account = holder.person.account.as_str();
    let receipt: LostKeyReceipt = report_lost(&world, account, Circumstance::Stolen).await.expect(201).json();
    assert_eq!(receipt.numbers.len(), 1);
    let ended: Application = at.client.get(&path::application(renewal)).await.expect(200).json();
    assert_eq!(ended.state, State::Rejected, "the renewal ends");
    assert!(ended.reason.unwrap().contains("挂失"), "and says why");
    issue(&at.client, renewal, &Key::generate()).await.refused(ProblemCode::WrongState);
    let confirm = stolen.installation(renewal, &der);
    at.client.post(&path::installation(renewal), &confirm).await.refused(ProblemCode::WrongState);

    // Reported again, it is the same case; a reviewer decides, never the service alone.
    world.clock.advance(Duration::from_secs(120));
    let again: LostKeyReceipt = report_lost(&world, account, Circumstance::Lost).await.expect(201).json();
    assert_eq!(again.numbers, receipt.numbers, "what is reported twice has one number");
    world.client().log_in(account, world::NEW_PASSWORD).await.refused(ProblemCode::CertificateLoginRequired);
    let cases: Vec<Application> = at.client.get(path::APPLICATIONS).await.expect(200).json();
    let case = cases.iter().find(|case| case.business == Business::Revoke).unwrap();
    assert_eq!(case.state, State::Submitted);
    assert_eq!(case.handler.as_ref().unwrap().phone, "13800138000", "the handler is who was registered");

    // A reviewer has a question: reporting once more answers it, for nobody can log in.
    let remark = Remark { target: RemarkTarget::Case, text: "请来电确认".into() };
    decide(&world, case.id, Review::Return { remarks: vec![remark] }).await.expect(200);
    world.clock.advance(Duration::from_secs(120));
    report_lost(&world, account, Circumstance::Lost).await.expect(201);
    let done: Application = decide(&world, case.id, Review::Approve).await.expect(200).json();
    assert_eq!(done.state, State::Completed);
    assert_eq!(announced(&world).await, [(serial.clone(), RevocationReason::KeyCompromise)]);
    at.client.get(path::ACCOUNT).await.refused(ProblemCode::CertificateRevoked);

    // Back by password; 补办 goes on until the lost one would have ended.
    let back = holder.by_password(&world).await;
    assert_eq!(businesses(&back.client).await, [Business::Replace], "补办, not 新办");
    open(&back.client, Business::Replace, Some(&serial)).await.refused(ProblemCode::BadRequest);
    let id = open(&back.client, Business::Replace, None).await.expect(200).json::<Application>().id;
    hand_in(&back, id, Particulars::default(), AccountKind::Enterprise).await.expect(200);
    decide(&world, id, Review::Approve).await.expect(200);
    let key = Key::generate();
    let der = install(&back.client, id, &key).await;
    let new = record(&back.client, &Certificate::parse(&der).unwrap().serial).await;
    assert_eq!(new.not_after, old_end, "the term that was paid for is kept");
    assert_eq!(record(&back.client, &serial).await.successor, Some(new.serial));
    world.clock.advance(Duration::from_secs(120));
    let broken: LostKeyReceipt = report_lost(&world, account, Circumstance::Broken).await.expect(201).json();
    assert_ne!(broken.numbers, receipt.numbers, "another key is another case");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_issued_for_a_certificate_that_was_revoked_meanwhile() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let other = Holder::new(&world, AccountKind::Authority).await;
    world.clock.advance(days(300));
    let at = holder.by_key(&world).await;
    let id = holder.renewed_up_to_issuance(&at).await;
    let key = Key::generate();
    let der = certificate_of(issue(&at.client, id, &key).await);
    let changing = other.by_key(&world).await;
    let change: Application = open(&changing.client, Business::Change, Some(&other.serial())).await.expect(200).json();
    hand_in(&changing, change.id, renamed(&other.serial()), AccountKind::Authority).await.expect(200);
    let spare = open(&at.client, Business::Revoke, Some(&holder.serial())).await;
    spare.refused(ProblemCode::CertificateBusy);

    for serial in [holder.serial(), other.serial()] {
        certdesk_service::revoke(world.data.path(), &serial, RevocationReason::KeyCompromise).unwrap();
    }
    at.client.get(path::APPLICATIONS).await.refused(ProblemCode::CertificateRevoked);
    let back = holder.by_password(&world).await;
    issue(&back.client, id, &key).await.refused(ProblemCode::CertificateRevoked);
    issue(&back.client, id, &Key::generate()).await.refused(ProblemCode::CertificateRevoked);
    let confirm = key.installation(id, &der);
    back.client.post(&path::installation(id), &confirm).await.refused(ProblemCode::CertificateRevoked);
    let case: Application = back.client.get(&path::application(id)).await.expect(200).json();
    assert_eq!((case.state, case.reason.is_some()), (State::Rejected, true), "the case ends and says why");
    decide(&world, change.id, Review::Approve).await.refused(ProblemCode::WrongState);
    let issued = Certificate::parse(&der).unwrap().serial;
    assert_eq!(record(&back.client, &issued).await.status, CertificateStatus::Revoked, "nobody has a use for it");
    let crl = back.client.get(path::CRL).await.expect(200).body;
    let (_, crl) = x509_parser::parse_x509_crl(&crl).unwrap();
    assert_eq!(crl.iter_revoked_certificates().count(), 3, "both certificates, and the one that never came to its key");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_certificates_own_key_does_without_a_reviewer() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    // The session by password, from before the certificate, is still there.
    let id = open(&holder.person.client, Business::Revoke, Some(&serial)).await.expect(200).json::<Application>().id;
    let why = revoked_for(&serial, RevocationReason::CessationOfOperation);
    let receipt: Receipt = hand_in(&holder.person, id, why, AccountKind::Enterprise).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Submitted, "no key stands for it");
    assert_eq!(announced(&world).await, []);

    // Returned for its reason: that alone may change.
    let remark = Remark { target: RemarkTarget::Field("reason".into()), text: "请说明原因".into() };
    decide(&world, id, Review::Return { remarks: vec![remark] }).await.expect(200);
    let case: Application = holder.person.client.get(&path::application(id)).await.expect(200).json();
    let other = revoked_for(&serial, RevocationReason::AffiliationChanged);
    let corrected = filled_in(&holder.person, &case, other, AccountKind::Enterprise).await;
    holder.person.client.post_once(&path::submission(id), Uuid::new_v4(), &corrected).await.expect(200);
    decide(&world, id, Review::Approve).await.expect(200);
    assert_eq!(announced(&world).await, [(serial, RevocationReason::AffiliationChanged)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_moved_while_the_client_was_away_is_answered_as_it_is() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let at = holder.by_key(&world).await;
    let id = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json::<Application>().id;
    let case: Application = at.client.get(&path::application(id)).await.expect(200).json();
    let submission = filled_in(&at, &case, renamed(&serial), AccountKind::Enterprise).await;
    let (submit, key) = (path::submission(id), Uuid::new_v4());
    let receipt: Receipt = at.client.post_once(&submit, key, &submission).await.expect(200).json();

    // The answer was lost; meanwhile the case was approved. The same request gets the same receipt.
    decide(&world, id, Review::Approve).await.expect(200);
    let again: Receipt = at.client.post_once(&submit, key, &submission).await.expect(200).json();
    assert_eq!(again, receipt, "handed in once, however often it is sent");
    at.client.post_once(&submit, Uuid::new_v4(), &submission).await.refused(ProblemCode::WrongState);
    at.client.send("DELETE", &path::application(id), &[], "").await.refused(ProblemCode::WrongState);
    let stale = Verdict { review: Review::Approve, submissions: Some(2) };
    let headers = [("content-type", "application/json"), ("x-demo-secret", SECRET)];
    let body = serde_json::to_vec(&stale).unwrap();
    let answer = world.client().send("POST", &path::demo_review(id), &headers, body).await;
    answer.refused(ProblemCode::CaseChanged);
    install(&at.client, id, &Key::generate()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_between_two_steps_goes_on_where_they_were() {
    let World { data, clock, running } = World::new().await;
    let mut world = World { data, clock, running };
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let at = holder.by_key(&world).await;
    let id = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json::<Application>().id;
    hand_in(&at, id, renamed(&serial), AccountKind::Enterprise).await.expect(200);
    decide(&world, id, Review::Approve).await.expect(200);
    let key = Key::generate();
    let again = async |world: World| {
        // Dropped, not stopped: as if killed.
        let World { data, clock, running } = world;
        drop(running);
        let running = world::start(data.path(), &clock).await;
        World { data, clock, running }
    };
    world = again(world).await;
    let client = |world: &World| Client { token: at.client.token.clone(), ..world.client() };
    let der = certificate_of(issue(&client(&world), id, &key).await);
    world = again(world).await;
    assert_eq!(certificate_of(issue(&client(&world), id, &key).await), der, "the key finds its certificate again");
    let confirm = key.installation(id, &der);
    client(&world).post(&path::installation(id), &confirm).await.expect(200);
    world = again(world).await;
    client(&world).post(&path::installation(id), &confirm).await.expect(200);
    let records = records(&client(&world)).await;
    let active: Vec<_> = records.iter().filter(|r| r.status == CertificateStatus::Active).collect();
    assert_eq!(active.len(), 1, "one certificate works");
    assert_eq!(announced(&world).await, [(serial, RevocationReason::Superseded)], "and one was superseded, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_catalogue_asks_for_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let change = with_catalogue(&folder, |catalogue| {
        catalogue["renewal"] = serde_json::json!(
            {"opens_days": 200, "grace_days": 0, "carries_over": false, "revokes_old": false}
        );
        for offer in catalogue["offers"].as_array_mut().unwrap() {
            let (business, account) = (offer["business"].clone(), offer["account"].clone());
            let requirements = offer["requirements"].as_array_mut().unwrap();
            if business == "new" {
                requirements.last_mut().unwrap()["video"]["max_seconds"] = 25.into();
            }
            if business == "renew" && account == "enterprise" {
                let mut more = requirements[0].clone();
                more["id"] = "tax_certificate".into();
                more["is_form"] = false.into();
                more["key_signature"] = false.into();
                requirements.push(more);
                offer["validity_years"] = 3.into();
            }
        }
        catalogue["offers"].as_array_mut().unwrap().retain(|offer| offer["business"] != "change");
    });
    let world = World::with(change).await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let serial = holder.serial();
    let served: certdesk_contract::catalogue::Catalogue = world.client().get(path::CATALOGUE).await.expect(200).json();
    let first = served.offer(Business::New, AccountKind::Enterprise).unwrap();
    let video = first.requirements.iter().find_map(|requirement| requirement.video.as_ref()).unwrap();
    assert_eq!((&*served.version, video.max_seconds), ("of a test", 25), "the client is told the other limit");
    open(&holder.person.client, Business::Change, Some(&serial)).await.refused(ProblemCode::WrongState);

    world.clock.advance(days(170));
    let at = holder.by_key(&world).await;
    assert_eq!(businesses(&at.client).await, [Business::Renew, Business::Revoke], "another window, no 变更");
    let id = open(&at.client, Business::Renew, Some(&serial)).await.expect(200).json::<Application>().id;
    let case: Application = at.client.get(&path::application(id)).await.expect(200).json();
    let full = filled_in(&at, &case, about(&serial), AccountKind::Enterprise).await;
    let full = holder.with_signed_form(&at, id, full).await;
    let short = Submission { attachments: full.attachments[..1].to_vec(), ..full.clone() };
    let submit = path::submission(id);
    at.client.post_once(&submit, Uuid::new_v4(), &short).await.refused(ProblemCode::MissingAttachments);
    at.client.post_once(&submit, Uuid::new_v4(), &full).await.expect(200);
    let key = Key::generate();
    let der = install(&at.client, id, &key).await;

    // The old one lives on beside the new one, but is not renewed again; neither is what was carried over.
    let new = record(&at.client, &Certificate::parse(&der).unwrap().serial).await;
    let years = (new.not_after - new.not_before).whole_days();
    assert!((3 * 365..=3 * 365 + 1).contains(&years), "three years from now, nothing carried over: {years} days");
    let old = record(&at.client, &serial).await;
    assert_eq!((old.status, old.renewal), (CertificateStatus::Active, None));
    assert_eq!(old.successor.as_deref(), Some(&*new.serial));
    assert_eq!(new.renewal.unwrap().closes_at, new.not_after, "no grace here");
    open(&at.client, Business::Renew, Some(&serial)).await.refused(ProblemCode::RenewalNotOpen);

    // Two keys: who logs in with one and revokes the other is looked at.
    let revoke = open(&at.client, Business::Revoke, Some(&new.serial)).await.expect(200).json::<Application>().id;
    let why = revoked_for(&new.serial, RevocationReason::CessationOfOperation);
    let receipt: Receipt = hand_in(&at, revoke, why, AccountKind::Enterprise).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Submitted, "another key than the certificate's own");
    let numbers = report_lost(&world, &holder.person.account, Circumstance::Locked).await.expect(201);
    let numbers = numbers.json::<LostKeyReceipt>().numbers;
    assert_eq!(numbers.len(), 2, "each certificate in force has its case");
    assert!(numbers.contains(&receipt.number), "the one that was open already goes on under its number");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_new_document_is_found_by_it() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Individual).await;
    let serial = holder.serial();
    let at = holder.by_key(&world).await;
    let change = |values: &[(&str, &str)]| Particulars {
        changes: values.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect(),
        ..about(&serial)
    };
    let id = open(&at.client, Business::Change, Some(&serial)).await.expect(200).json::<Application>().id;
    let unfit = change(&[("contact.id_kind", "taiwan_permit")]);
    let problem = hand_in(&at, id, unfit, AccountKind::Individual).await.refused(ProblemCode::InvalidFields).problem();
    assert_eq!(problem.faults[0].field, "change.contact.id_number", "the old number is none of the new document");
    let passport = change(&[("contact.id_kind", "passport"), ("contact.id_number", " e12345678 ")]);
    let receipt: Receipt = hand_in(&at, id, passport, AccountKind::Individual).await.expect(200).json();
    let kept = receipt.application.particulars.changes;
    assert_eq!(kept["contact.id_number"], "E12345678", "kept the one way it is written");
    decide(&world, id, Review::Approve).await.expect(200);

    let codes = async || {
        let request = CodeRequest { purpose: CodePurpose::LostKey, account: "E12345678".into() };
        world.client().post(path::CODES, &request).await.expect(202);
        world.client().sms().await.iter().filter(|message| message.text.contains("验证码：")).count()
    };
    assert_eq!(codes().await, 0, "nobody is known by it yet");
    install(&at.client, id, &Key::generate()).await;
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(codes().await, 1, "from now on it names its owner");
}
