//! The account's own affairs against the real service.

#![allow(clippy::unwrap_used)]

mod real;

use certdesk_contract::{ProblemCode, account::*, notice::NoticesRead, session::PasswordLogin};
use certdesk_portal::{Portal, PortalError};
use real::{PASSWORD, Real, SECRET, registered};
use uuid::Uuid;

fn refusal<T>(answer: Result<T, PortalError>) -> ProblemCode {
    match answer {
        Err(PortalError::Problem(problem)) => problem.code,
        Err(other) => panic!("no problem of the service: {other}"),
        Ok(_) => panic!("it went through"),
    }
}

async fn code(portal: &Portal) -> String {
    let sms = portal.demo_sms(SECRET).await.unwrap();
    let text = sms.into_iter().find(|sms| sms.text.contains("验证码：")).expect("a code came").text;
    text.split_once("验证码：").unwrap().1.chars().take(6).collect()
}

#[tokio::test]
async fn codes_basic_data_consents_and_notices() {
    let real = Real::start().await;
    let portal = real.portal();
    let account = registered(&portal).await;

    let view = portal.account().await.unwrap();
    let registration = view.registration;
    let mut change = AccountChange {
        contact: registration.contact,
        phone: registration.phone.clone(),
        phone_code: None,
        email: "new@example.cn".into(),
        address: registration.address,
    };
    assert_eq!(portal.change_account(&change).await.unwrap().registration.email, "new@example.cn");
    change.phone = "13700137000".into();
    portal.request_phone_code(&PhoneCodeRequest { phone: change.phone.clone() }).await.expect("a code is on its way");
    change.phone_code = Some(code(&portal).await);
    assert_eq!(portal.change_account(&change).await.unwrap().registration.phone, "13700137000");

    let consents = portal.consents().await.unwrap();
    assert_eq!(consents.len(), 1);
    portal.withdraw_consent(consents[0].receipt.id).await.expect("it is withdrawn");
    assert!(portal.consents().await.unwrap()[0].withdrawn_at.is_some());
    assert_eq!(refusal(portal.withdraw_consent(Uuid::new_v4()).await), ProblemCode::NotFound);
    assert!(portal.notices().await.unwrap().notices.is_empty());
    portal.mark_notices_read(&NoticesRead { ids: vec![Uuid::new_v4()] }).await.expect("nothing to mark is fine");

    let request = CodeRequest { purpose: CodePurpose::PasswordReset, account: account.clone() };
    portal.request_code(&request).await.expect("a code is on its way");
    let reset = |code: String| PasswordReset { account: account.clone(), code, new: "a newer password 2".into() };
    assert_eq!(refusal(portal.reset_password(&reset("000".into())).await), ProblemCode::WrongCode);
    portal.reset_password(&reset(code(&portal).await)).await.expect("the password is new");
    assert_eq!(refusal(portal.account().await), ProblemCode::Unauthenticated, "every session has ended");
    let login = |password: &str| PasswordLogin {
        account: account.clone(),
        password: password.into(),
        consent: None,
        session_key: None,
    };
    assert_eq!(refusal(portal.log_in_with_password(&login(PASSWORD)).await), ProblemCode::WrongCredentials);
    let fresh = refusal(portal.log_in_with_password(&login("a newer password 2")).await);
    assert_eq!(fresh, ProblemCode::StaleConsent, "the agreement was withdrawn: it is asked for again");

    let lost = LostKey { account: account.clone(), code: "000000".into(), circumstance: Circumstance::Lost };
    assert_eq!(refusal(portal.report_lost_key(&lost, Uuid::new_v4()).await), ProblemCode::WrongCode);
}
