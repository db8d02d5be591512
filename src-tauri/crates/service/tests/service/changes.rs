//! Delta sync over TLS: what changed for whom, what keeps a session and what does not; entity tags of lists.

use std::time::Duration;

use certdesk_contract::{
    ProblemCode,
    application::{Remark, RemarkTarget, Review},
    change::{Changes, Part},
    path,
};
use certdesk_domain::{AccountKind, State};

use crate::world::{Applicant, World, applicant, registration};

async fn since(person: &Applicant, cursor: &str) -> Changes {
    let changes: Changes =
        person.client.get(&format!("{}?cursor={cursor}&unasked=true", path::CHANGES)).await.expect(200).json();
    assert_eq!((changes.part, changes.more), (Part::Since, false));
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_desk_decides_is_told_to_whom_it_concerns_and_nobody_else() {
    let world = World::new().await;
    let desk = world.desk();
    let person = world.applicant(AccountKind::Enterprise).await;
    let mut other = registration(AccountKind::Individual);
    other.phone = "13700137000".into();
    let other = applicant(&world.client(), other).await;
    let id = person.submitted().await;
    let whole: Changes = person.client.get(path::CHANGES).await.expect(200).json();
    assert_eq!((whole.part, whole.applications.len(), whole.more), (Part::WholeEnd, 1, false));
    let theirs: Changes = other.client.get(path::CHANGES).await.expect(200).json();
    assert!(theirs.applications.is_empty() && theirs.notices.is_empty(), "another's is not there");

    let number = whole.applications[0].number.clone().expect("it was handed in");
    let remarks = vec![Remark { target: RemarkTarget::Case, text: "请补正".into() }];
    desk.decide(&number, Review::Return { remarks }).unwrap();
    let news = since(&person, &whole.cursor).await;
    let told: Vec<_> = news.applications.iter().map(|case| (case.id, case.state)).collect();
    assert_eq!((told, news.notices.len()), (vec![(id, State::NeedsCorrection)], 1), "the case, and its notice");
    let again = since(&person, &whole.cursor).await;
    assert_eq!((again.applications, again.notices), (news.applications, news.notices), "asked again it is told again");
    assert!(since(&person, &news.cursor).await.applications.is_empty(), "and with its own cursor no more");
    let theirs = since(&other, &theirs.cursor).await;
    assert!(theirs.applications.is_empty() && theirs.notices.is_empty(), "another is told nothing of it");
    let stolen = format!("{}?cursor={}", path::CHANGES, news.cursor);
    let gone = other.client.get(&stolen).await.refused(ProblemCode::ChangesGone);
    assert_eq!(gone.status, 410);
    world.client().get(path::CHANGES).await.refused(ProblemCode::Unauthenticated);
    person.client.get(&format!("{}?unasked=perhaps", path::CHANGES)).await.refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_asks_by_itself_does_not_keep_a_session_from_ending_and_a_person_does() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let ask = async |unasked: bool| person.client.get(&format!("{}?unasked={unasked}", path::CHANGES)).await;
    for unasked in [false, false, true, true] {
        world.clock.advance(Duration::from_secs(14 * 60));
        ask(unasked).await.expect(200);
    }
    world.clock.advance(Duration::from_secs(3 * 60));
    ask(true).await.refused(ProblemCode::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.submitted().await;
    for path in [path::APPLICATIONS, path::CERTIFICATES, path::NOTICES, &path::application(id)] {
        let first = person.client.get(path).await.expect(200);
        let etag = first.header("etag").to_owned();
        assert_eq!(first.header("cache-control"), "no-store", "somebody's own is kept by nobody on the way");
        let second = person.client.send("GET", path, &[("if-none-match", &etag)], "").await.expect(304);
        assert!(second.body.is_empty() && !etag.is_empty(), "{path} has not changed");
        let other = person.client.send("GET", path, &[("if-none-match", "\"other\"")], "").await.expect(200);
        assert_eq!(other.body, first.body);
    }
}
