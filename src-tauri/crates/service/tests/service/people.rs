//! Codes by SMS and what they open; basic data, consents, notices.

use std::time::{Duration, Instant};

use certdesk_contract::{
    ProblemCode,
    account::*,
    application::{Remark, RemarkTarget, Review, Submission},
    notice::{Notice, NoticeSubject, Notices, NoticesRead},
    path,
    session::{PasswordLogin, Session},
};
use certdesk_domain::{AccountKind, Fault, State};
use certdesk_service::Rate;
use uuid::Uuid;

use crate::world::{Answer, Applicant, Client, Key, NEW_PASSWORD, World, applicant, credentials, registration};

const PHONE: &str = "13800138000";
const CREDIT_CODE: &str = "91350100M000100Y43";
const NEWER_PASSWORD: &str = "another horse 8";

async fn ask(client: &Client, purpose: CodePurpose, account: &str) -> Answer {
    client.post(path::CODES, &CodeRequest { purpose, account: account.into() }).await
}

/// The code of the newest message to a phone.
async fn code(client: &Client, phone: &str) -> String {
    let messages = client.sms().await;
    let text = &messages.iter().find(|m| m.phone == phone && m.text.contains("验证码：")).expect("a code came").text;
    text.split_once("验证码：").unwrap().1.chars().take(6).collect()
}

async fn codes_sent(client: &Client) -> usize {
    client.sms().await.iter().filter(|message| message.text.contains("验证码")).count()
}

/// Six digits that are not these.
fn other_than(code: &str) -> String {
    let first = if code.starts_with('9') { '0' } else { '9' };
    format!("{first}{}", &code[1..])
}

async fn reset(client: &Client, account: &str, code: &str, new: &str) -> Answer {
    let reset = PasswordReset { account: account.into(), code: code.into(), new: new.into() };
    client.post(path::PASSWORD_RESETS, &reset).await
}

fn a_minute_later(world: &World) {
    world.clock.advance(Duration::from_secs(61));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_by_a_code_and_every_session_ends() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let stranger = world.client();
    // Locked out by guesses of somebody else.
    for _ in 0..3 {
        stranger.log_in(&person.account, "guess").await.refused(ProblemCode::WrongCredentials);
    }
    ask(&stranger, CodePurpose::PasswordReset, CREDIT_CODE).await.expect(202);
    let message = stranger.sms().await.remove(0);
    assert_eq!(message.phone, PHONE, "the code goes to the phone on record");
    assert!(message.text.contains(&person.account), "it names the account, which may be forgotten too: {message:?}");
    let code = code(&stranger, PHONE).await;
    reset(&stranger, CREDIT_CODE, &code, "weak").await.refused(ProblemCode::WeakPassword);
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    reset(&stranger, &person.account, &spaced, NEWER_PASSWORD).await.expect(204);
    person.client.get(path::ACCOUNT).await.refused(ProblemCode::Unauthenticated);
    stranger.log_in(&person.account, NEWER_PASSWORD).await.expect(201);
    stranger.log_in(&person.account, NEW_PASSWORD).await.refused(ProblemCode::WrongCredentials);
    reset(&stranger, CREDIT_CODE, &code, NEW_PASSWORD).await.refused(ProblemCode::WrongCode);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_initial_password_is_none_that_must_be_replaced_after_a_reset() {
    let world = World::new().await;
    let client = world.client();
    let consent = client.consent(ConsentSubject::Agreement).await;
    let request = RegistrationRequest { registration: registration(AccountKind::Individual), consent };
    client.post(path::REGISTRATIONS, &request).await.expect(201);
    ask(&client, CodePurpose::PasswordReset, " 11010519491231002x ").await.expect(202);
    let code = code(&client, PHONE).await;
    reset(&client, "11010519491231002X", &code, NEW_PASSWORD).await.expect(204);
    let (account, _) = credentials(&client.sms().await.iter().find(|m| m.text.contains("初始密码")).unwrap().text);
    let session: Session = client.log_in(&account, NEW_PASSWORD).await.expect(201).json();
    assert!(!session.must_change_password, "the password is the owner's own choice");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_a_code_ends_after_five_tries_and_each_try_counts() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    ask(&client, CodePurpose::PasswordReset, &person.account).await.expect(202);
    let right = code(&client, PHONE).await;
    for _ in 0..5 {
        reset(&client, &person.account, &other_than(&right), NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);
    }
    reset(&client, &person.account, &right, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);

    // Guesses side by side are no more than one after the other.
    a_minute_later(&world);
    ask(&client, CodePurpose::PasswordReset, &person.account).await.expect(202);
    let fresh = code(&client, PHONE).await;
    let guesses = (0..8).map(|_| reset(&client, &person.account, "abc123", NEWER_PASSWORD));
    for answer in futures_util::future::join_all(guesses).await {
        answer.refused(ProblemCode::WrongCode);
    }
    reset(&client, &person.account, &fresh, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);
    client.log_in(&person.account, NEW_PASSWORD).await.expect(201);

    a_minute_later(&world);
    ask(&client, CodePurpose::PasswordReset, &person.account).await.expect(202);
    let late = code(&client, PHONE).await;
    world.clock.advance(Duration::from_secs(5 * 60));
    reset(&client, &person.account, &late, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_its_purpose_and_its_account_alone_and_the_newest_is_in_force() {
    let world = World::new().await;
    let unit = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let mut other = registration(AccountKind::Authority);
    other.organisation.as_mut().unwrap().credit_code = "11350100M000100Y6H".into();
    other.phone = "13700137000".into();
    let other = applicant(&client, other).await;

    ask(&client, CodePurpose::LostKey, &unit.account).await.expect(202);
    let message = client.sms().await.remove(0);
    assert!(message.text.contains("挂失") && message.text.contains("注销"), "the message says what for: {message:?}");
    let lost = code(&client, PHONE).await;
    reset(&client, &unit.account, &lost, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);
    ask(&client, CodePurpose::PasswordReset, &other.account).await.expect(202);
    let others = code(&client, "13700137000").await;
    reset(&client, &unit.account, &others, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);

    ask(&client, CodePurpose::PasswordReset, &unit.account).await.expect(202);
    let first = code(&client, PHONE).await;
    a_minute_later(&world);
    ask(&client, CodePurpose::PasswordReset, &unit.account).await.expect(202);
    let second = code(&client, PHONE).await;
    if first != second {
        reset(&client, &unit.account, &first, NEWER_PASSWORD).await.refused(ProblemCode::WrongCode);
    }
    reset(&client, &unit.account, &second, NEWER_PASSWORD).await.expect(204);

    let kept = std::fs::read(world.data.path().join("portal.db-wal")).unwrap();
    let plain = |text: &str| format!("\"code\":\"{text}\"").into_bytes();
    assert!(!kept.windows(15).any(|w| w == plain(&second)), "no code is kept in plain words");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_codes_who_has_an_account() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let unknown = if person.account == "qy00000000" { "qy00000001" } else { "qy00000000" };
    let timed = async |account: &str| {
        let began = Instant::now();
        let answer = ask(&client, CodePurpose::PasswordReset, account).await;
        (answer, began.elapsed())
    };
    let ((known, first), (none, second)) = (timed(&person.account).await, timed(unknown).await);
    assert_eq!((known.status, &known.body, known.headers.len()), (none.status, &none.body, none.headers.len()));
    assert_eq!((known.status, known.body.len()), (202, 0), "both are answered alike");
    for time in [first, second] {
        assert!(time >= Duration::from_millis(150), "no answer comes before its time: {time:?}");
    }
    assert_eq!(codes_sent(&client).await, 1);
    // Asked again at once, both have to wait alike.
    let (known, none) = (timed(&person.account).await.0, timed(unknown).await.0);
    let waits = [known, none].map(|answer| answer.refused(ProblemCode::TooManyRequests).problem().retry_after.unwrap());
    assert!(waits.iter().all(|seconds| (50..=61).contains(seconds)), "a minute, whoever it is: {waits:?}");

    let (wrong, nobody) = (
        reset(&client, &person.account, "000000", NEWER_PASSWORD).await,
        reset(&client, unknown, "000000", NEWER_PASSWORD).await,
    );
    assert_eq!((wrong.status, &wrong.body), (nobody.status, &nobody.body), "a wrong code tells nothing either");
    let lost =
        |account: &str| LostKey { account: account.into(), code: "000000".into(), circumstance: Circumstance::Lost };
    for account in [&person.account, unknown] {
        client.post(path::LOST_KEYS, &lost(account)).await.refused(ProblemCode::BadRequest);
        client.post_once(path::LOST_KEYS, Uuid::new_v4(), &lost(account)).await.refused(ProblemCode::WrongCode);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_gets_one_code_a_minute_and_ten_a_day_whatever_name_was_typed() {
    let many = Rate { burst: 100, every: Duration::from_secs(1) };
    let world = World::with(|config| config.limits.codes = many).await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    ask(&client, CodePurpose::PasswordReset, &person.account).await.expect(202);
    ask(&client, CodePurpose::PasswordReset, CREDIT_CODE).await.expect(202);
    assert_eq!(codes_sent(&client).await, 1, "by its other name, too, it has had its code");
    ask(&client, CodePurpose::LostKey, CREDIT_CODE).await.expect(202);
    assert_eq!(codes_sent(&client).await, 2, "who took the wrong way need not wait for the other");
    for round in 0..9 {
        a_minute_later(&world);
        let (name, purpose) =
            [(person.account.as_str(), CodePurpose::PasswordReset), (CREDIT_CODE, CodePurpose::LostKey)][round % 2];
        ask(&client, purpose, name).await.expect(202);
    }
    assert_eq!(codes_sent(&client).await, 10, "ten a day are enough");
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    ask(&client, CodePurpose::LostKey, CREDIT_CODE).await.expect(202);
    assert_eq!(codes_sent(&client).await, 11, "a day later it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_data_is_changed_and_each_wrong_field_is_named() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    let before: AccountView = client.get(path::ACCOUNT).await.expect(200).json();
    assert!(before.fixed_fields.is_empty(), "without a certificate nothing of a unit is fixed");
    let change = AccountChange {
        contact: before.registration.contact.clone(),
        phone: PHONE.into(),
        phone_code: None,
        email: "ｎew＠example.com".into(),
        address: before.registration.address.clone(),
    };
    let view: AccountView = client.put(path::ACCOUNT, &change).await.expect(200).json();
    assert_eq!(view.registration.email, "new@example.com", "as an input method wrote it");

    let mut wrong = AccountChange { phone: "13900139000".into(), email: "none".into(), ..change.clone() };
    wrong.contact.id_number = "1".into();
    wrong.address.detail.clear();
    let faults = client.put(path::ACCOUNT, &wrong).await.refused(ProblemCode::InvalidFields).problem().faults;
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["contact.id_number", "email", "address.detail", "phone_code"]);

    let moved = AccountChange { phone: "13900139000".into(), ..change.clone() };
    let code_to = |phone: &str| PhoneCodeRequest { phone: phone.into() };
    client.post(path::PHONE_CODES, &code_to("1390013")).await.refused(ProblemCode::InvalidFields);
    client.post(path::PHONE_CODES, &code_to("139-0013 9000")).await.expect(202);
    client.post(path::PHONE_CODES, &code_to("13900139000")).await.refused(ProblemCode::TooManyRequests);
    let right = code(client, "13900139000").await;
    let with =
        |phone: &str, code: &str| AccountChange { phone: phone.into(), phone_code: Some(code.into()), ..moved.clone() };
    client.put(path::ACCOUNT, &with("13900139000", &other_than(&right))).await.refused(ProblemCode::WrongCode);
    client.put(path::ACCOUNT, &with("13900139001", &right)).await.refused(ProblemCode::WrongCode);
    let view: AccountView = client.put(path::ACCOUNT, &with("13900139000", &right)).await.expect(200).json();
    assert_eq!(view.registration.phone, "13900139000");
    let told = client.sms().await.remove(0);
    assert!(told.phone == PHONE && told.text.contains("139****9000"), "the phone before is told: {told:?}");
    client.put(path::ACCOUNT, &with("13900139001", &right)).await.refused(ProblemCode::WrongCode);
    ask(&world.client(), CodePurpose::PasswordReset, CREDIT_CODE).await.expect(202);
    assert_eq!(world.client().sms().await[0].phone, "13900139000", "from now on codes go to the new phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_certificate_says_is_changed_by_a_case_alone() {
    let world = World::new().await;
    let unit = world.applicant(AccountKind::Enterprise).await;
    unit.certified(&world.desk(), &Key::generate()).await;
    let view: AccountView = unit.client.get(path::ACCOUNT).await.expect(200).json();
    assert!(view.fixed_fields.iter().any(|field| field == "organisation.name"), "{:?}", view.fixed_fields);
    assert!(!view.fixed_fields.iter().any(|field| field == "contact.name"), "a unit's contact is no part of it");

    let mut person = registration(AccountKind::Individual);
    person.phone = "13700137000".into();
    let person = applicant(&world.client(), person).await;
    let view: AccountView = person.client.get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(view.fixed_fields, ["contact.id_kind", "contact.id_number"], "what registered a person stays");
    let registration = view.registration;
    let mut change = AccountChange {
        contact: registration.contact,
        phone: registration.phone,
        phone_code: None,
        email: registration.email,
        address: registration.address,
    };
    change.contact.name = "林改名".into();
    let view: AccountView = person.client.put(path::ACCOUNT, &change).await.expect(200).json();
    assert_eq!(view.registration.contact.name, "林改名", "a slip in the name is mended before it is certified");
    change.contact.id_number = "110105194912310046".into();
    let faults = person.client.put(path::ACCOUNT, &change).await.refused(ProblemCode::InvalidFields).problem().faults;
    assert_eq!((faults[0].field.as_str(), faults[0].fault), ("contact.id_number", Fault::Fixed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_serves_for_nothing_and_what_was_handed_in_stays() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    let id = person.draft().await;
    let submission = person.submission(person.all_files(id).await).await;
    client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    let consents: Vec<ConsentRecord> = client.get(path::ACCOUNT_CONSENTS).await.expect(200).json();
    let subjects: Vec<_> = consents.iter().map(|consent| consent.receipt.subject).collect();
    assert_eq!(subjects, [ConsentSubject::SensitiveData, ConsentSubject::Agreement], "newest first");

    let mut other = registration(AccountKind::Individual);
    other.phone = "13700137000".into();
    let other = applicant(&world.client(), other).await;
    let withdraw =
        async |who: &Applicant, id: Uuid| who.client.send("DELETE", &path::account_consent(id), &[], "").await;
    withdraw(&other, consents[0].receipt.id).await.refused(ProblemCode::NotFound);
    for consent in &consents {
        withdraw(&person, consent.receipt.id).await.expect(204);
        withdraw(&person, consent.receipt.id).await.expect(204);
    }
    let after: Vec<ConsentRecord> = client.get(path::ACCOUNT_CONSENTS).await.expect(200).json();
    assert!(after.iter().all(|consent| consent.withdrawn_at.is_some()));

    let remarks = vec![Remark { target: RemarkTarget::Case, text: "请补正。".into() }];
    world.desk().decide(&id.to_string(), Review::Return { remarks }).unwrap();
    let again =
        async |submission: &Submission| client.post_once(&path::submission(id), Uuid::new_v4(), submission).await;
    again(&submission).await.refused(ProblemCode::StaleConsent);
    let consent = Some(client.consent(ConsentSubject::SensitiveData).await);
    again(&Submission { sensitive_data_consent: consent, ..submission.clone() }).await.expect(200);

    client.get(path::ACCOUNT).await.expect(200);
    world.client().log_in(&person.account, NEW_PASSWORD).await.refused(ProblemCode::StaleConsent);
    let login = |consent| PasswordLogin {
        account: person.account.clone(),
        password: NEW_PASSWORD.into(),
        consent: Some(consent),
        session_key: client.jwk(),
    };
    let withdrawn = login(consents[1].receipt.id);
    client.post(path::PASSWORD_SESSIONS, &withdrawn).await.refused(ProblemCode::StaleConsent);
    let fresh = login(client.consent(ConsentSubject::Agreement).await);
    client.post(path::PASSWORD_SESSIONS, &fresh).await.expect(201);
    world.client().log_in(&person.account, NEW_PASSWORD).await.expect(201);
}

async fn notices(client: &Client) -> Vec<Notice> {
    client.get(path::NOTICES).await.expect(200).json::<Notices>().notices
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_without_the_applicant_is_noticed_once_and_read_once() {
    let world = World::new().await;
    let desk = world.desk();
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&desk).await;
    let told = notices(&person.client).await;
    let [Notice { read: false, subject: NoticeSubject::Application { application, number, state, .. }, .. }] = &*told
    else {
        panic!("approved and waiting in one stroke is one notice: {told:?}")
    };
    assert_eq!((*application, *state, number.is_some()), (id, State::AwaitingIssuance, true));

    let mut other = registration(AccountKind::Individual);
    other.phone = "13700137000".into();
    let other = applicant(&world.client(), other).await;
    assert!(notices(&other.client).await.is_empty(), "another's notices are another's");
    let seen = NoticesRead { ids: vec![told[0].id, Uuid::new_v4()] };
    other.client.post(path::NOTICES_READ, &seen).await.expect(204);
    assert!(!notices(&person.client).await[0].read, "nor are they read by another");
    person.client.post(path::NOTICES_READ, &seen).await.expect(204);
    assert!(notices(&person.client).await[0].read);
    let many = NoticesRead { ids: (0..201).map(|_| Uuid::new_v4()).collect() };
    person.client.post(path::NOTICES_READ, &many).await.refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_reported_by_code_once_and_what_comes_of_it_is_noticed() {
    let world = World::new().await;
    let desk = world.desk();
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let lost = |code: &str, circumstance| LostKey { account: person.account.clone(), code: code.into(), circumstance };
    ask(&client, CodePurpose::LostKey, &person.account).await.expect(202);
    let right = code(&client, PHONE).await;
    let report = async |key: Uuid, lost: &LostKey| client.post_once(path::LOST_KEYS, key, lost).await;
    let wrong = lost(&other_than(&right), Circumstance::Lost);
    report(Uuid::new_v4(), &wrong).await.refused(ProblemCode::WrongCode);
    // Who has the right code may know that there is nothing to report, and keeps the code.
    let first = lost(&right, Circumstance::Stolen);
    report(Uuid::new_v4(), &first).await.refused(ProblemCode::WrongState);

    person.certified(&desk, &Key::generate()).await;
    let key = Uuid::new_v4();
    let (one, two) = tokio::join!(report(key, &first), report(key, &first));
    let (one, two): (LostKeyReceipt, LostKeyReceipt) = (one.expect(201).json(), two.expect(201).json());
    assert_eq!((one.numbers.len(), &one), (1, &two), "sent twice it is one report");
    report(Uuid::new_v4(), &first).await.refused(ProblemCode::WrongCode);
    report(key, &lost(&right, Circumstance::Broken)).await.refused(ProblemCode::IdempotencyMismatch);

    desk.decide(&one.numbers[0], Review::Approve).unwrap();
    let session: Session = client.log_in(&person.account, NEW_PASSWORD).await.expect(201).json();
    let told = notices(&client.with_token(&session)).await;
    let kinds: Vec<_> = told
        .iter()
        .map(|notice| match &notice.subject {
            NoticeSubject::Revoked { subject, .. } => subject.clone(),
            NoticeSubject::Application { state, business, .. } => format!("{business:?} {state:?}"),
            NoticeSubject::Expiry { .. } => panic!("nothing ends yet"),
        })
        .collect();
    assert!(kinds.contains(&"福州云帆测试科技有限公司".to_owned()), "that its certificate was revoked: {kinds:?}");
    assert!(kinds.contains(&"Revoke Completed".to_owned()), "and that the case is through: {kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_notices_does_not_keep_a_session_from_ending() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(14 * 60));
        notices(&person.client).await;
    }
    world.clock.advance(Duration::from_secs(3 * 60));
    person.client.get(path::NOTICES).await.refused(ProblemCode::Unauthenticated);
}
