//! Requests that come again under their key: one effect, one answer.

use std::time::Duration;

use certdesk_contract::{
    IDEMPOTENCY_REPLAYED, ProblemCode,
    account::{AccountChange, AccountView, ConsentRecord, LostKey, PasswordChange, PhoneCodeRequest},
    application::*,
    notice::NoticesRead,
    path,
    signature::act_tag,
};
use certdesk_domain::{AccountKind, Business, RevocationReason, State};
use proptest::{prelude::*, test_runner::TestRunner};
use uuid::Uuid;

use crate::{
    certificate_life::{Holder, filled_in, open, revoked_for},
    world::{self, Answer, Applicant, Client, Key, NEW_PASSWORD, World},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// A request that can be sent again and again.
#[derive(Clone)]
struct Act {
    method: &'static str,
    path: String,
    key: Uuid,
    body: Vec<u8>,
}

impl Act {
    fn new(method: &'static str, path: impl Into<String>, body: &impl serde::Serialize) -> Self {
        Self { method, path: path.into(), key: Uuid::new_v4(), body: serde_json::to_vec(body).unwrap() }
    }

    fn bodiless(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), key: Uuid::new_v4(), body: Vec::new() }
    }

    async fn send(&self, client: &Client) -> Answer {
        let key = self.key.to_string();
        let headers = [("idempotency-key", &*key), JSON];
        let headers = if self.body.is_empty() { &headers[..1] } else { &headers[..] };
        client.send(self.method, &self.path, headers, self.body.clone()).await
    }
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header(IDEMPOTENCY_REPLAYED) == "true"
}

fn mail(email: &str) -> AccountChange {
    let now = world::registration(AccountKind::Enterprise);
    AccountChange {
        contact: now.contact,
        phone: now.phone,
        phone_code: None,
        email: email.into(),
        address: now.address,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_of_an_account_has_one_effect_and_one_answer_under_its_key() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    let (id, draft) = (Uuid::now_v7(), person.draft().await);
    let submission = person.submission(person.all_files(draft).await).await;
    let content = DraftContent { handler: world::handler(), ..DraftContent::default() };
    let consents: Vec<ConsentRecord> = client.get(path::ACCOUNT_CONSENTS).await.expect(200).json();
    let opening = Act::new("PUT", path::application(id), &ApplicationDraft::new(Business::New));
    let change = PasswordChange { old: NEW_PASSWORD.into(), new: "another horse 8".into() };
    let acts = [
        opening.clone(),
        Act::new("POST", path::submission(draft), &submission),
        Act::new("PUT", path::ACCOUNT, &mail("other@example.cn")),
        Act::new("POST", path::PHONE_CODES, &PhoneCodeRequest { phone: "13900139000".into() }),
        Act::new("POST", path::NOTICES_READ, &NoticesRead { ids: vec![Uuid::new_v4()] }),
        Act::bodiless("DELETE", path::application(id)),
        Act::bodiless("DELETE", path::account_consent(consents[0].receipt.id)),
        Act::new("PUT", path::PASSWORD, &change),
    ];
    for act in &acts {
        let first = act.send(client).await;
        assert!(first.status < 300, "{} {}: {}", act.method, act.path, String::from_utf8_lossy(&first.body));
        assert!(!is_replayed(&first), "the first time is no repetition");
        let again = act.send(client).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{} {}", act.method, act.path);
        assert!(is_replayed(&again), "{} {} says that it is the answer of before", act.method, act.path);
        let elsewhere = Act { path: format!("{}?again", act.path), ..act.clone() };
        elsewhere.send(client).await.refused(ProblemCode::IdempotencyMismatch);
        if !act.body.is_empty() {
            let mut body = act.body.clone();
            body.push(b' ');
            Act { body, ..act.clone() }.send(client).await.refused(ProblemCode::IdempotencyMismatch);
        }
    }
    let case: Application = client.get(&path::application(draft)).await.expect(200).json();
    assert_eq!((case.submissions, case.receipts.len()), (1, 1), "handed in once");
    let codes = client.sms().await.into_iter().filter(|sms| sms.phone == "13900139000").count();
    assert_eq!(codes, 1, "one code went out");
    let taken_back: Application = opening.send(client).await.expect(200).json();
    assert_eq!(taken_back.state, State::Draft, "the answer is the one of then");
    let now: Application = client.get(&path::application(id)).await.expect(200).json();
    assert_eq!(now.state, State::Withdrawn, "and opens nothing anew");

    // Conditional ones too: what was kept is not in its own way.
    let kept = person.draft().await;
    let key = Uuid::new_v4().to_string();
    let headers = [JSON, ("idempotency-key", &*key), ("if-none-match", "*")];
    let put = async || client.send("PUT", &path::draft(kept), &headers, serde_json::to_vec(&content).unwrap()).await;
    let first = put().await.expect(204).header("etag").to_owned();
    assert_eq!(put().await.expect(204).header("etag"), first);

    // A refusal did nothing, and is asked about anew.
    let early = Act::new("POST", path::submission(kept), &person.submission(Vec::new()).await);
    early.send(client).await.refused(ProblemCode::MissingAttachments);
    let ready = Act::new("POST", path::submission(kept), &person.submission(person.all_files(kept).await).await);
    Act { key: early.key, ..ready }.send(client).await.expect(200);
    let headers = [JSON, ("idempotency-key", "no uuid")];
    client.send("PUT", path::ACCOUNT, &headers, "{}").await.refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn issuance_goes_by_key_too() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let key = Key::generate();
    let request = certdesk_contract::certificate::CertificateRequest {
        csr_b64: base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key.csr()),
    };
    let issue = Act::new("POST", path::issuance(id), &request);
    let issued: certdesk_contract::certificate::IssuedCertificate = issue.send(&person.client).await.expect(200).json();
    let again = issue.send(&person.client).await.expect(200);
    assert!(is_replayed(&again));
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &issued.certificate_b64).unwrap();
    let confirm = Act::new("POST", path::installation(id), &key.installation(id, &der));
    let first: Application = confirm.send(&person.client).await.expect(200).json();
    let again = confirm.send(&person.client).await.expect(200);
    assert!(is_replayed(&again));
    assert_eq!((again.json::<Application>(), first.state), (first, State::Completed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_waits_while_the_first_is_under_way() {
    let world = World::new().await;
    let client = world.client();
    let lost = LostKey {
        account: "nobody here".into(),
        code: "123456".into(),
        circumstance: certdesk_contract::account::Circumstance::Lost,
    };
    let act = Act::new("POST", path::LOST_KEYS, &lost);
    let (one, two) = tokio::join!(act.send(&client), act.send(&client));
    let mut codes = [one.problem(), two.problem()].map(|problem| (problem.code.as_str(), problem.retry_after));
    codes.sort_unstable();
    assert_eq!(codes, [("in_progress", Some(1)), ("wrong_code", None)]);
    act.send(&client).await.refused(ProblemCode::WrongCode);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_act_that_comes_again_gets_its_receipt_whatever_became_of_the_key() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Individual).await;
    let at = holder.by_key(&world).await;
    let case: Application = open(&at.client, Business::Revoke, Some(&holder.serial())).await.expect(200).json();
    let why = revoked_for(&holder.serial(), RevocationReason::CessationOfOperation);
    let submission = filled_in(&at, &case, why, AccountKind::Individual).await;
    let act = Act::new("POST", path::submission(case.id), &submission);
    let receipt: Receipt = act.send(&at.client).await.expect(200).json();
    assert_eq!(receipt.application.state, State::Completed, "its own key revoked it");
    // The answer was lost: the key, which is good for nothing any more, signs anew.
    let tag = act_tag(LegalAct::Submit, Business::Revoke);
    let (key, body) = (act.key.to_string(), act.body.clone());
    let headers = [JSON, ("idempotency-key", &*key)];
    for tag in [Some(tag.as_str()), None] {
        let again = at.client.act("POST", &act.path, &headers, body.clone(), tag).await.expect(200);
        assert!(is_replayed(&again));
        assert_eq!(again.json::<Receipt>(), receipt, "one act has one receipt");
    }
    // Nobody else gets it by knowing the key.
    let other = world.applicant(AccountKind::Enterprise).await;
    act.send(&other.client).await.refused(ProblemCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_thirty_days_a_key_is_forgotten() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let act = Act::new("PUT", path::ACCOUNT, &mail("first@example.cn"));
    act.send(&person.client).await.expect(200);
    let later = async |days: u64| {
        world.clock.advance(Duration::from_secs(days * 24 * 3600));
        let session = person.client.log_in(&person.account, NEW_PASSWORD).await.expect(201).json();
        person.client.with_token(&session)
    };
    let client = later(29).await;
    client.put(path::ACCOUNT, &mail("second@example.cn")).await.expect(200);
    assert!(is_replayed(&act.send(&client).await.expect(200)), "it is known for thirty days");
    let view: AccountView = client.get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(view.registration.email, "second@example.cn", "and does nothing");
    let client = later(2).await;
    assert!(!is_replayed(&act.send(&client).await.expect(200)), "then it is a request like any other");
    assert!(is_replayed(&act.send(&client).await.expect(200)), "and known again");
}

/// Random duplicates, in random order, some at once: whatever came through, came through once.
#[test]
fn no_duplicates_and_no_interleaving_give_two_effects() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let batches = prop::collection::vec(prop::collection::vec(0..ACTS, 1..6), 1..6);
    let config = ProptestConfig { cases: 10, max_shrink_iters: 20, failure_persistence: None, ..Default::default() };
    let played = TestRunner::new(config).run(&batches, |batches| {
        runtime.block_on(play(&batches));
        Ok(())
    });
    played.unwrap_or_else(|error| panic!("{error}"));
}

const ACTS: usize = 6;

async fn play(batches: &[Vec<usize>]) {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let acts = acts_of(&person).await;
    let mut answers: [Vec<Answer>; ACTS] = Default::default();
    for batch in batches {
        let sent = batch.iter().map(|&act| {
            let (client, sent) = (person.client.clone(), acts[act].clone());
            tokio::spawn(async move { (act, sent.send(&client).await) })
        });
        for sent in sent.collect::<Vec<_>>() {
            let (act, answer) = sent.await.unwrap();
            answers[act].push(answer);
        }
    }
    // Each comes through in the end.
    for (act, answers) in acts.iter().zip(&mut answers) {
        answers.push(act.send(&person.client).await);
        assert!(answers.last().unwrap().status < 300, "{} {}", act.method, act.path);
    }
    for answers in &answers {
        for refused in answers.iter().filter(|answer| answer.status >= 300) {
            let code = refused.problem().code;
            // Taken back before it was there.
            assert!(matches!(code, ProblemCode::InProgress | ProblemCode::NotFound), "{code:?}");
        }
        let good: Vec<_> = answers.iter().filter(|answer| answer.status < 300).collect();
        assert!(good.iter().all(|answer| answer.body == good[0].body), "one answer");
        assert_eq!(good.iter().filter(|answer| !is_replayed(answer)).count(), 1, "one effect");
    }
    let submitted: Receipt = answers[1].last().unwrap().json();
    let case: Application = person.client.get(&path::application(submitted.application.id)).await.expect(200).json();
    assert_eq!((case.submissions, case.receipts.len(), case.history.len()), (1, 1, 2), "handed in once");
    let codes = person.client.sms().await.into_iter().filter(|sms| sms.phone == "13900139000").count();
    assert_eq!(codes, 1, "one code went out");
}

async fn acts_of(person: &Applicant) -> [Act; ACTS] {
    let draft = person.draft().await;
    let submission = person.submission(person.all_files(draft).await).await;
    let id = Uuid::now_v7();
    [
        Act::new("PUT", path::application(id), &ApplicationDraft::new(Business::New)),
        Act::new("POST", path::submission(draft), &submission),
        Act::new("PUT", path::ACCOUNT, &mail("other@example.cn")),
        Act::new("POST", path::PHONE_CODES, &PhoneCodeRequest { phone: "13900139000".into() }),
        Act::new("POST", path::NOTICES_READ, &NoticesRead { ids: vec![Uuid::new_v4()] }),
        Act::bodiless("DELETE", path::application(id)),
    ]
}
