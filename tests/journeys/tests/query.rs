//! 查询服务: somebody who is not logged in, on another computer, knows two things about an application.

use anyhow::Result;
use certdesk_contract::query::Query;
use certdesk_controller::Controller;
use certdesk_domain::{AccountKind, Business, NextActor, State, token::KeyAlgorithm};
use journeys::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn two_things_about_an_application_show_where_it_stands() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    journey.register().await?;
    let draft = journey.fill_in().await?;
    let number = journey.hand_in(draft.id).await?;
    let handler = draft.handler;

    let mut options = stage.options()?;
    options = journeys::kept_at(options, stage.scratch().join("stranger"));
    let stranger = Controller::start(options);
    let ask = async |number: &str, identity: &str, phone: &str| {
        let query = Query { number: number.into(), identity: identity.into(), phone: phone.into() };
        stranger.query_applications(query).await
    };
    for (number, identity, phone) in [
        (&*number, &*handler.credit_code, ""),
        (&*number, &*handler.person.id_number, ""),
        (&*number, "", &*handler.phone),
        ("", &*handler.credit_code, &*handler.phone),
        ("", &*handler.person.id_number, &*handler.phone),
    ] {
        let answers = ask(number, identity, phone).await.expect("a public question is answered without login");
        let [answer] = &*answers else { panic!("{number} {identity} {phone} finds the application: {answers:?}") };
        assert_eq!((answer.business, answer.state), (Business::New, State::Submitted), "it says how far things are");
        assert_eq!(answer.next_actor, NextActor::Service, "and whose turn it is");
        assert!(answer.usual_time.is_some(), "and how long that usually takes");
    }
    assert_eq!(ask(&number, "", "13900139000").await, Ok(Vec::new()), "a wrong pair finds nothing and says no more");
    assert_eq!(ask("CD20200101000001", "", "13900139000").await, Ok(Vec::new()), "as does one that is nobody's");
    let one = ask(&number, "", "").await.expect_err("one item is too little");
    assert_eq!(one.faults.len(), 2, "the others are named");
    assert!(stranger.home().await.expect("the program is there").session.is_none(), "nobody was logged in for that");
    Ok(())
}
