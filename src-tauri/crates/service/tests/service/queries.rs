//! 查询服务: what a stranger learns, and what a stranger does not.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use certdesk_contract::{
    ProblemCode,
    application::Review,
    path,
    query::{Query, QueryAnswer},
};
use certdesk_domain::{AccountKind, Business, Fault, NextActor, State};
use certdesk_service::{Clock, Config, Rate, Service};
use uuid::Uuid;

use crate::world::{Answer, Applicant, Client, World, applicant, registration};

const CREDIT_CODE: &str = "91350100M000100Y43";
const ID_NUMBER: &str = "11010519491231002X";
const PHONE: &str = "13800138000";

fn query(number: &str, identity: &str, phone: &str) -> Query {
    Query { number: number.into(), identity: identity.into(), phone: phone.into() }
}

async fn ask(client: &Client, number: &str, identity: &str, phone: &str) -> Answer {
    client.post(path::QUERIES, &query(number, identity, phone)).await
}

async fn found(client: &Client, number: &str, identity: &str, phone: &str) -> Vec<QueryAnswer> {
    ask(client, number, identity, phone).await.expect(200).json()
}

/// Hands a case in and answers its id and number.
async fn handed_in(applicant: &Applicant) -> (Uuid, String) {
    let id = applicant.draft().await;
    let submission = applicant.submission(applicant.all_files(id).await).await;
    let answer = applicant.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await;
    (id, answer.expect(200).json::<certdesk_contract::application::Receipt>().number)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_pair_finds_the_case_and_tells_what_an_outsider_may_know() {
    let world = World::new().await;
    let applicant = world.applicant(AccountKind::Enterprise).await;
    let draft = applicant.draft().await;
    let stranger = world.client();
    assert!(found(&stranger, "", CREDIT_CODE, PHONE).await.is_empty(), "a draft is its owner's alone");
    applicant.client.send("DELETE", &path::application(draft), &[], "").await.expect(200);
    assert!(found(&stranger, "", CREDIT_CODE, PHONE).await.is_empty(), "nor one withdrawn before it was handed in");

    let (id, number) = handed_in(&applicant).await;
    let masked = format!("{}****{}", &number[..10], &number[14..]);
    for (number, identity, phone) in [
        (&*number, CREDIT_CODE, ""),
        (&*number, ID_NUMBER, ""),
        (&*number, "", PHONE),
        ("", CREDIT_CODE, PHONE),
        ("", ID_NUMBER, PHONE),
        (&*number, CREDIT_CODE, PHONE),
        (&*number.to_lowercase(), " ９1350100m000100y43 ", "138-0013 8000"),
    ] {
        let answers = found(&stranger, number, identity, phone).await;
        let [answer] = &*answers else { panic!("{number} {identity} {phone} finds one case: {answers:?}") };
        assert_eq!((answer.business, answer.state), (Business::New, State::Submitted));
        assert_eq!((answer.number.as_str(), answer.next_actor), (&*masked, NextActor::Service));
        assert!(answer.usual_time.is_some(), "the catalogue says how long that usually takes");
    }

    let before = found(&stranger, &number, CREDIT_CODE, "").await;
    world.desk().decide(&id.to_string(), Review::Reject { reason: "营业执照已过期".into() }).unwrap();
    let answer = ask(&stranger, &number, CREDIT_CODE, "").await.expect(200);
    let after: Vec<QueryAnswer> = answer.json();
    assert_eq!((after[0].state, after[0].next_actor), (State::Rejected, NextActor::Nobody));
    assert!(after[0].updated_at >= before[0].updated_at, "the answer tells when the state was reached");
    let body = String::from_utf8(answer.body).unwrap();
    for private in ["执照已过期", "林测试", "王䶮", "云帆", PHONE, CREDIT_CODE, ID_NUMBER, &number, &id.to_string()]
    {
        assert!(!body.contains(private), "{private} is nothing for an outsider: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_and_a_wrong_pair_are_the_same_answer_and_take_as_long() {
    let world = World::new().await;
    let (_, number) = handed_in(&world.applicant(AccountKind::Enterprise).await).await;
    let stranger = world.client();
    let began = Instant::now();
    let (wrong_phone, wrong_number, wrong_third, nobody) = tokio::join!(
        ask(&stranger, &number, "", "13900139000"),
        ask(&stranger, "CD20200101000001", CREDIT_CODE, ""),
        ask(&stranger, &number, CREDIT_CODE, "13900139000"),
        ask(&stranger, "CD20200101000001", "", "13900139000"),
    );
    assert!(began.elapsed() >= Duration::from_millis(150), "no answer comes before its time");
    for answer in [wrong_phone, wrong_number, wrong_third, nobody] {
        assert_eq!((answer.status, &*answer.body), (200, &b"[]"[..]), "nothing tells which of the items is right");
        assert_eq!(answer.headers.len(), 9, "nor do the headers: {:?}", answer.headers);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_item_is_refused_and_so_is_what_cannot_be() {
    let world = World::new().await;
    let stranger = world.client();
    let fields = |answer: Answer| -> Vec<(String, Fault)> {
        answer.refused(ProblemCode::InvalidFields).problem().faults.into_iter().map(|f| (f.field, f.fault)).collect()
    };
    let missing = |field: &str| (field.to_owned(), Fault::Missing);
    assert_eq!(fields(ask(&stranger, "CD20261122000017", "", "").await), [missing("identity"), missing("phone")]);
    assert_eq!(fields(ask(&stranger, "", "", PHONE).await), [missing("number"), missing("identity")]);
    let none = stranger.send("POST", path::QUERIES, &[("content-type", "application/json")], "{}").await;
    assert_eq!(fields(none).len(), 3, "nothing at all is no question");
    let wrong = fields(ask(&stranger, "CD20261122000017", "", "1380013").await);
    assert_eq!(wrong, [("phone".to_owned(), Fault::TooShort)]);
    stranger
        .post(path::QUERIES, &serde_json::json!({ "phone": 13800138000u64 }))
        .await
        .refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_stays_anothers() {
    let world = World::new().await;
    let (_, first) = handed_in(&world.applicant(AccountKind::Enterprise).await).await;
    // Another unit, whose handler has another phone and another document.
    let mut other = registration(AccountKind::Enterprise);
    other.organisation.as_mut().unwrap().credit_code = "11350100M000100Y6H".into();
    other.phone = "13700137000".into();
    let other = applicant(&world.client(), other).await;
    let id = other.draft().await;
    let mut submission = other.submission(other.all_files(id).await).await;
    submission.handler.credit_code = "11350100M000100Y6H".into();
    submission.handler.phone = "13700137000".into();
    submission.handler.person.id_number = "110105194912310046".into();
    let answer = other.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await;
    let second = answer.expect(200).json::<certdesk_contract::application::Receipt>().number;

    let stranger = world.client();
    let mine = found(&stranger, "", CREDIT_CODE, PHONE).await;
    assert_eq!(mine.len(), 1, "only what both items belong to is found");
    assert_eq!(found(&stranger, "", "11350100M000100Y6H", "13700137000").await.len(), 1);
    for (number, identity, phone) in [
        (&*first, "11350100M000100Y6H", ""),
        (&*second, CREDIT_CODE, ""),
        (&*first, "", "13700137000"),
        (&*second, "", PHONE),
        ("", CREDIT_CODE, "13700137000"),
        ("", "11350100M000100Y6H", PHONE),
    ] {
        assert!(found(&stranger, number, identity, phone).await.is_empty(), "{number} {identity} {phone} is nobody's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hammering_on_an_item_is_limited_and_ends_by_itself() {
    let world = World::new().await;
    // At the beginning of an hour, so that it does not end under the test.
    let past = time::OffsetDateTime::now_utc().unix_timestamp().rem_euclid(3600);
    world.clock.advance(Duration::from_secs(3600 - past.unsigned_abs() + 1));
    let stranger = world.client();
    let guesses: Vec<String> = (0..25).map(|n| format!("CD20261122{n:06}")).collect();
    let asked = guesses.iter().map(|number| ask(&stranger, number, "", "13900139000"));
    let answers = futures_util::future::join_all(asked).await;
    let limited: Vec<_> = answers.into_iter().filter(|answer| answer.status != 200).collect();
    assert_eq!(limited.len(), 5, "twenty guesses with one phone within an hour are enough, whosever it is");
    for answer in limited {
        let problem = answer.refused(ProblemCode::TooManyRequests).problem();
        assert!((1..=3600).contains(&problem.retry_after.unwrap()), "it says when to come back: {problem:?}");
    }
    assert!(found(&stranger, &guesses[0], CREDIT_CODE, "").await.is_empty(), "other items are not held up");

    let kept = std::fs::read(world.data.path().join("portal.db-wal")).unwrap();
    assert!(!kept.windows(11).any(|w| w == b"13900139000"), "what was asked for is not kept in plain words");

    world.clock.advance(Duration::from_secs(3600));
    assert!(found(&stranger, &guesses[0], "", "13900139000").await.is_empty(), "an hour later it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn hammering_from_an_address_is_limited_and_others_do_not_feel_it() {
    let data = tempfile::tempdir().unwrap();
    let mut config = Config::new(data.path(), "127.0.0.1:0".parse().unwrap());
    config.clock = Clock::system();
    config.trusted_proxies = vec![Ipv4Addr::LOCALHOST.into()];
    config.limits.queries = Rate { burst: 3, every: Duration::from_secs(3600) };
    let running = Service::start(config).await.unwrap();
    let client = Client::new(running.address, &running.root_der);
    let body = serde_json::to_vec(&query("CD20261122000017", "", PHONE)).unwrap();
    let from = async |address: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        client.send("POST", path::QUERIES, &headers, body.clone()).await
    };
    for _ in 0..3 {
        from("198.51.100.7").await.expect(200);
    }
    let problem = from("198.51.100.7").await.refused(ProblemCode::TooManyRequests).problem();
    assert!(problem.retry_after.is_some(), "it says when to come back");
    from("198.51.100.8").await.expect(200);
    running.stop().await;
}
