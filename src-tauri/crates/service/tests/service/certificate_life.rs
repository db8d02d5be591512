//! What becomes of a certificate: renewed, changed, revoked, replaced; and what must not become of it.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    account::{AccountView, ConsentSubject},
    announcement::AnnouncementPage,
    application::*,
    certificate::*,
    path,
    session::Session,
};
use certdesk_domain::{
    AccountKind, Business, RevocationReason, State,
    form::{Handler, Particulars},
};
use certdesk_pki::Certificate;
use uuid::Uuid;

use crate::{
    token_login::Login,
    world::{self, Answer, Applicant, Client, Key, SECRET, World, file, handler},
};

const NEW_NAME: &str = "厦门云帆测试科技有限公司";
const DAY: u64 = 24 * 3600;

/// Somebody with a certificate in force.
struct Holder {
    person: Applicant,
    key: Key,
    der: Vec<u8>,
}

impl Holder {
    async fn new(world: &World, kind: AccountKind) -> Self {
        let person = world.applicant(kind).await;
        let key = Key::generate();
        let id = open(&person.client, Business::New, None).await.expect(200).json::<Application>().id;
        hand_in(&person, id, Particulars::default(), kind).await.expect(200);
        decide(world, id, Review::Approve).await.expect(200);
        let der = install(&person.client, id, &key).await;
        Self { person, key, der }
    }

    fn serial(&self) -> String {
        Certificate::parse(&self.der).unwrap().serial
    }

    /// Logs in by key.
    async fn by_key(&self, world: &World) -> Applicant {
        let session: Session = Login::new(world, &self.key, &self.der).honest().await.0.expect(201).json();
        Applicant { client: world.client().with_token(&session), account: self.person.account.clone() }
    }

    /// Logs in by password.
    async fn by_password(&self, world: &World) -> Applicant {
        let answer = world.client().log_in(&self.person.account, world::NEW_PASSWORD).await;
        let session: Session = answer.expect(201).json();
        Applicant { client: world.client().with_token(&session), account: self.person.account.clone() }
    }

    /// Renews up to 待制证, in one go: signed by the key.
    async fn renewed_up_to_issuance(&self, at: &Applicant) -> Uuid {
        let id = open(&at.client, Business::Renew, Some(&self.serial())).await.expect(200).json::<Application>().id;
        let receipt: Receipt = hand_in(at, id, about(&self.serial()), kind_of(at).await).await.expect(200).json();
        assert_eq!(receipt.application.state, State::AwaitingIssuance, "what the key signed is approved at once");
        id
    }
}

fn about(serial: &str) -> Particulars {
    Particulars { certificate: Some(serial.into()), ..Particulars::default() }
}

fn renamed(serial: &str) -> Particulars {
    Particulars { changes: [("organisation.name".to_owned(), NEW_NAME.to_owned())].into(), ..about(serial) }
}

fn revoked_for(serial: &str, reason: RevocationReason) -> Particulars {
    Particulars { reason: Some(reason), ..about(serial) }
}

async fn open(client: &Client, business: Business, certificate: Option<&str>) -> Answer {
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

async fn filled_in(person: &Applicant, case: &Application, particulars: Particulars, kind: AccountKind) -> Submission {
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
    let at = holder.by_key(&world).await;
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
    at.client.get(path::ACCOUNT).await.refused(ProblemCode::CertificateRevoked);

    let back = holder.by_password(&world).await;
    assert_eq!(businesses(&back.client).await, [Business::New], "who ended it on purpose starts anew");
    open(&back.client, Business::Revoke, Some(&serial)).await.refused(ProblemCode::CertificateRevoked);
    open(&back.client, Business::Replace, None).await.refused(ProblemCode::WrongState);
    assert_eq!(record(&back.client, &serial).await.revocation.unwrap().reason, RevocationReason::CessationOfOperation);
    let view: AccountView = back.client.get(path::ACCOUNT).await.expect(200).json();
    assert!(!view.fixed_fields.contains(&"contact.name".to_owned()), "no certificate fixes the name any more");
}
