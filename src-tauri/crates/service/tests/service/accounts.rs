//! Registration, passwords, sessions.

use std::time::Duration;

use certdesk_contract::{
    ProblemCode,
    account::*,
    path,
    session::{PasswordLogin, Session},
};
use certdesk_domain::{AccountKind, Business, IdKind};
use certdesk_service::Clock;
use uuid::Uuid;

use crate::world::{Client, Key, NEW_PASSWORD, World, credentials, registration};

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_checked_and_harmless_to_repeat() {
    let world = World::new().await;
    let client = world.client();
    let consent = client.consent(ConsentSubject::Agreement).await;

    let mut wrong = registration(AccountKind::Enterprise);
    wrong.organisation.as_mut().unwrap().credit_code = "91350100M000100Y4A".into();
    wrong.phone = "12345".into();
    let request = RegistrationRequest { registration: wrong, consent };
    let faults = client.post(path::REGISTRATIONS, &request).await.refused(ProblemCode::InvalidFields).problem().faults;
    let fields: Vec<_> = faults.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["organisation.credit_code", "phone"], "each wrong field is named");

    let request = RegistrationRequest { registration: registration(AccountKind::Enterprise), consent };
    let unheard = RegistrationRequest { consent: Uuid::new_v4(), ..request.clone() };
    client.post(path::REGISTRATIONS, &unheard).await.refused(ProblemCode::StaleConsent);
    let stale = ConsentRequest { subject: ConsentSubject::Agreement, version: "1999".into() };
    client.post(path::CONSENTS, &stale).await.refused(ProblemCode::StaleConsent);

    let key = Uuid::new_v4();
    let (one, two) = tokio::join!(
        client.post_once(path::REGISTRATIONS, key, &request),
        client.post_once(path::REGISTRATIONS, key, &request)
    );
    let (one, two): (RegistrationReceipt, RegistrationReceipt) = (one.expect(201).json(), two.expect(201).json());
    assert_eq!(one, two);
    assert_eq!(one.masked_phone, "138****8000");
    assert_eq!(client.sms().await.len(), 1, "a repeated registration sends one message");
    client.post_once(path::REGISTRATIONS, key, &unheard).await.refused(ProblemCode::IdempotencyMismatch);

    // The same unit once more, from another phone: the same receipt, and the owner is reminded, not the stranger.
    let mut again = request.clone();
    again.registration.phone = "13900139000".into();
    again.consent = client.consent(ConsentSubject::Agreement).await;
    let receipt: RegistrationReceipt = client.post(path::REGISTRATIONS, &again).await.expect(201).json();
    assert_eq!(receipt.masked_phone, "139****9000", "the answer does not tell that there is an account");
    let messages = client.sms().await;
    let (account, _) = credentials(&messages[1].text);
    assert_eq!(messages.len(), 2);
    assert!(
        messages[0].phone == "13800138000"
            && messages[0].text.contains(&account)
            && !messages[0].text.contains("初始密码")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_initial_password_opens_nothing_but_its_replacement() {
    let world = World::new().await;
    let client = world.client();
    let consent = client.consent(ConsentSubject::Agreement).await;
    let request = RegistrationRequest { registration: registration(AccountKind::Individual), consent };
    client.post(path::REGISTRATIONS, &request).await.expect(201);
    let (account, password) = credentials(&client.sms().await[0].text);
    assert!(account.starts_with("gr") && account.len() == 10 && password.len() == 10);

    let session: Session = client.log_in(&account, &password).await.expect(201).json();
    let client = client.with_token(&session);
    client.get(path::ACCOUNT).await.refused(ProblemCode::PasswordChangeRequired);
    client.get(path::APPLICATIONS).await.refused(ProblemCode::PasswordChangeRequired);
    let change = |old: &str, new: &str| PasswordChange { old: old.into(), new: new.into() };
    client.put(path::PASSWORD, &change(&password, "short")).await.refused(ProblemCode::WeakPassword);
    client.put(path::PASSWORD, &change(&password, &password)).await.refused(ProblemCode::WeakPassword);
    let phone = request.registration.phone.clone();
    for easy in ["password123", "1234567890", &account, &phone] {
        client.put(path::PASSWORD, &change(&password, easy)).await.refused(ProblemCode::WeakPassword);
    }
    client.put(path::PASSWORD, &change("wrong", NEW_PASSWORD)).await.refused(ProblemCode::WrongCredentials);
    client.put(path::PASSWORD, &change(&password, NEW_PASSWORD)).await.expect(204);
    let view: AccountView = client.get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(
        (view.name, view.businesses),
        (account.clone(), vec![Business::New]),
        "without a certificate 新办 alone is offered"
    );

    client.log_in(&account, &password).await.refused(ProblemCode::WrongCredentials);
    client.log_in(&format!(" {} ", account.to_uppercase()), NEW_PASSWORD).await.expect(201);
    client.send("DELETE", path::CURRENT_SESSION, &[], "").await.expect(204);
    client.get(path::ACCOUNT).await.refused(ProblemCode::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    world.clock.advance(Duration::from_secs(29 * 60));
    person.client.get(path::ACCOUNT).await.expect(200);
    world.clock.advance(Duration::from_secs(29 * 60));
    person.client.get(path::ACCOUNT).await.expect(200);
    world.clock.advance(Duration::from_secs(31 * 60));
    person.client.get(path::ACCOUNT).await.refused(ProblemCode::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_wait_longer_and_longer_and_the_lock_opens_by_itself() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let unknown = "qy00000000";
    assert_ne!(person.account, unknown);

    // Known and unknown names are answered alike, step by step.
    for (count, delay) in [
        (1, None),
        (2, None),
        (3, Some(2)),
        (4, Some(4)),
        (5, Some(8)),
        (6, Some(16)),
        (7, Some(32)),
        (8, Some(64)),
        (9, Some(128)),
    ] {
        for name in [&*person.account, unknown] {
            let problem = client.log_in(name, "wrong").await.refused(ProblemCode::WrongCredentials).problem();
            assert_eq!(problem.retry_after, delay, "after {count} wrong passwords");
        }
        if let Some(delay) = delay {
            let early = client.log_in(&person.account, NEW_PASSWORD).await.refused(ProblemCode::TooManyRequests);
            assert_eq!(early.header("retry-after"), delay.to_string(), "too early is not even looked at");
            world.clock.advance(Duration::from_secs(u64::from(delay)));
        }
    }
    for name in [&*person.account, unknown] {
        let problem = client.log_in(name, "wrong").await.refused(ProblemCode::AccountLocked).problem();
        assert_eq!(problem.retry_after, Some(900));
        client.log_in(name, NEW_PASSWORD).await.refused(ProblemCode::AccountLocked);
    }
    world.clock.advance(Duration::from_secs(15 * 60));
    client.log_in(&person.account, NEW_PASSWORD).await.expect(201);
    client.log_in(&person.account, "wrong").await.refused(ProblemCode::WrongCredentials);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_is_never_counted_as_wrong() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let stale = PasswordLogin {
        account: person.account.clone(),
        password: NEW_PASSWORD.into(),
        consent: Some(Uuid::new_v4()),
        session_key: client.jwk(),
    };
    for _ in 0..4 {
        client.post(path::PASSWORD_SESSIONS, &stale).await.refused(ProblemCode::StaleConsent);
    }
    person.certified(&world.desk(), &Key::generate()).await;
    for _ in 0..12 {
        client.log_in(&person.account, NEW_PASSWORD).await.refused(ProblemCode::CertificateLoginRequired);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_a_clock_that_ran_ahead_ends_when_it_is_set_right() {
    let World { data, clock, running } = World::new().await;
    let client = Client::new(running.address, &running.root_der);
    clock.advance(Duration::from_secs(400 * 24 * 3600));
    for _ in 0..3 {
        client.log_in("qy00000000", "wrong").await.refused(ProblemCode::WrongCredentials);
    }
    running.stop().await;
    let running = crate::world::start(data.path(), &Clock::system()).await;
    let client = Client { address: running.address, ..client };
    client.log_in("qy00000000", "wrong").await.refused(ProblemCode::WrongCredentials);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_flooded_with_messages_and_the_answers_tell_nothing() {
    let world = World::new().await;
    let client = world.client();
    let consent = client.consent(ConsentSubject::Agreement).await;
    let register = async |id_number: &str, phone: &str| {
        let mut registration = registration(AccountKind::Individual);
        registration.contact.id_kind = IdKind::Passport;
        registration.contact.id_number = id_number.into();
        registration.phone = phone.into();
        client.post(path::REGISTRATIONS, &RegistrationRequest { registration, consent }).await
    };
    let sent_to = async |phone: &str| client.sms().await.iter().filter(|m| m.phone == phone).count();
    let (owner, stranger) = ("13800138001", "13900139000");
    register("E00000000", owner).await.expect(201);
    for _ in 0..6 {
        register("E00000000", stranger).await.expect(201);
    }
    assert_eq!(sent_to(owner).await, 3, "the welcome and two reminders, however often a stranger tries");
    assert_eq!(sent_to(stranger).await, 0);
    for n in 1..=10 {
        register(&format!("E{n:08}"), stranger).await.expect(201);
    }
    let unknown = register("E00000099", stranger).await.refused(ProblemCode::TooManyRequests).problem();
    let known = register("E00000000", stranger).await.refused(ProblemCode::TooManyRequests).problem();
    assert_eq!(unknown, known, "a phone that had enough does not tell who has an account");
    assert_eq!(sent_to(stranger).await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_side_by_side_do_not_outrun_the_count() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = world.client();
    let tries = (0..8).map(|_| client.log_in(&person.account, "wrong"));
    let answers = futures_util::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|a| a.problem().code == ProblemCode::WrongCredentials).count();
    assert_eq!(looked_at, 3, "the third wrong password makes all others wait");
}
