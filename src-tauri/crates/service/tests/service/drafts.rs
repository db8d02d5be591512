//! What is typed and not handed in, kept for the applicant's other computers.

use certdesk_contract::{
    ProblemCode,
    application::{DraftContent, Remark, RemarkTarget, Review},
    path,
};
use certdesk_domain::AccountKind;
use uuid::Uuid;

use crate::world::{Answer, Applicant, Client, World, handler, registration};

fn typed(street: &str) -> DraftContent {
    let mut content = DraftContent { handler: handler(), ..DraftContent::default() };
    content.handler.address.detail = street.to_owned();
    content
}

async fn put(client: &Client, id: Uuid, condition: (&str, &str), content: &DraftContent) -> Answer {
    let headers = [("content-type", "application/json"), condition];
    client.send("PUT", &path::draft(id), &headers, serde_json::to_string(content).unwrap()).await
}

async fn kept(client: &Client, id: Uuid) -> DraftContent {
    client.get(&path::draft(id)).await.expect(200).json()
}

const FIRST: (&str, &str) = ("if-none-match", "*");

async fn hand_in(applicant: &Applicant, id: Uuid) {
    let submission = applicant.submission(applicant.all_files(id).await).await;
    applicant.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_kept_as_typed_and_never_written_over_unseen() {
    let world = World::new().await;
    let applicant = world.applicant(AccountKind::Enterprise).await;
    let (client, id) = (&applicant.client, applicant.draft().await);
    client.get(&path::draft(id)).await.refused(ProblemCode::NotFound);

    let first = put(client, id, FIRST, &typed("测试路 1 号")).await.expect(204);
    let first = first.header("etag").to_owned();
    assert_eq!(kept(client, id).await, typed("测试路 1 号"), "it is there as it was typed");
    let seen = client.send("GET", &path::draft(id), &[("if-none-match", &first)], "").await.expect(304);
    assert_eq!(seen.header("etag"), first, "who has it is told so");
    put(client, id, FIRST, &typed("别的路")).await.refused(ProblemCode::DraftChanged);

    let second = put(client, id, ("if-match", &first), &typed("测试路 2 号")).await.expect(204);
    assert_ne!(second.header("etag"), first, "another draft has another mark");
    put(client, id, ("if-match", &first), &typed("测试路 3 号")).await.refused(ProblemCode::DraftChanged);
    assert_eq!(kept(client, id).await, typed("测试路 2 号"), "what was refused changed nothing");
    let blind = serde_json::to_string(&typed("")).unwrap();
    let json = [("content-type", "application/json")];
    client.send("PUT", &path::draft(id), &json, blind).await.refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_forgotten_once_it_is_handed_in_or_taken_back() {
    let world = World::new().await;
    let applicant = world.applicant(AccountKind::Enterprise).await;
    let (client, id) = (&applicant.client, applicant.draft().await);
    put(client, id, FIRST, &typed("测试路 1 号")).await.expect(204);
    hand_in(&applicant, id).await;
    client.get(&path::draft(id)).await.refused(ProblemCode::NotFound);
    put(client, id, FIRST, &typed("太晚了")).await.refused(ProblemCode::WrongState);

    let remarks = vec![Remark { target: RemarkTarget::Field("email".into()), text: "请填写单位邮箱。".into() }];
    world.desk().decide(&id.to_string(), Review::Return { remarks }).unwrap();
    client.get(&path::draft(id)).await.refused(ProblemCode::NotFound);
    put(client, id, FIRST, &typed("补正")).await.expect(204);
    client.send("DELETE", &path::application(id), &[], "").await;
    client.get(&path::draft(id)).await.refused(ProblemCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_draft_is_not_there_and_a_book_is_no_draft() {
    let world = World::new().await;
    let applicant = world.applicant(AccountKind::Enterprise).await;
    let (client, id) = (&applicant.client, applicant.draft().await);
    put(client, id, FIRST, &typed("测试路 1 号")).await.expect(204);

    let stranger = world.applicant(AccountKind::Individual).await;
    let answers = [
        stranger.client.get(&path::draft(id)).await,
        put(&stranger.client, id, FIRST, &typed("")).await,
        stranger.client.get(&path::draft(Uuid::new_v4())).await,
        put(&stranger.client, Uuid::new_v4(), FIRST, &typed("")).await,
    ];
    for answer in answers {
        answer.refused(ProblemCode::NotFound);
    }
    world.client().get(&path::draft(id)).await.refused(ProblemCode::Unauthenticated);

    put(client, id, FIRST, &typed(&"长".repeat(10_000))).await.refused(ProblemCode::TooLarge);
    let mut odd = typed("");
    odd.particulars.changes = [("phone".to_owned(), registration(AccountKind::Enterprise).phone)].into();
    put(client, id, FIRST, &odd).await.refused(ProblemCode::TooLarge);
    assert_eq!(kept(client, id).await, typed("测试路 1 号"));
}
