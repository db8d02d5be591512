//! 注销公告: revoked by the administrator beside the running service, and public from that moment.

use certdesk_contract::{
    ProblemCode,
    announcement::{Announcement, AnnouncementPage},
    path,
    session::Session,
};
use certdesk_domain::{AccountKind, RevocationReason};
use certdesk_pki::{Certificate, crl::Crl};
use certdesk_service::review::DeskError;

use crate::world::{Key, NEW_PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_revoked_is_announced_listed_and_back_to_the_password() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let key = Key::generate();
    let der = person.certified(&world.desk(), &key).await;
    let serial = Certificate::parse(&der).unwrap().serial;
    let client = world.client();
    client.log_in(&person.account, NEW_PASSWORD).await.refused(ProblemCode::CertificateLoginRequired);
    let before = client.get(path::CRL).await.expect(200);
    let page: AnnouncementPage = client.get(path::ANNOUNCEMENTS).await.expect(200).json();
    assert_eq!(page.announcements, [], "nobody was revoked yet");

    let reason = RevocationReason::KeyCompromise;
    let announced = certdesk_service::revoke(world.data.path(), &serial.to_uppercase(), reason).unwrap();
    assert_eq!((&*announced.subject, announced.reason), ("福州云帆测试科技有限公司", reason));

    let found = async |query: &str| -> Vec<Announcement> {
        let page: AnnouncementPage = client.get(&format!("{}?{query}", path::ANNOUNCEMENTS)).await.expect(200).json();
        page.announcements
    };
    assert_eq!(found("").await.len(), 1);
    assert_eq!(found("search=%E4%BA%91%E5%B8%86").await[0].serial, serial, "by two characters of the name");
    assert_eq!(found(&format!("search={serial}")).await.len(), 1, "by serial number");
    assert_eq!(found("from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z").await, [], "not on another day");
    client.get(&format!("{}?cursor=x", path::ANNOUNCEMENTS)).await.refused(ProblemCode::BadRequest);
    client.get(&format!("{}?from=yesterday", path::ANNOUNCEMENTS)).await.refused(ProblemCode::BadRequest);
    let text = client.get(path::ANNOUNCEMENTS).await.body;
    let text = String::from_utf8(text).unwrap();
    assert!(
        !text.contains("91350100M000100Y43") && !text.contains("11010519491231002X"),
        "no number of anybody: {text}"
    );

    let old = [("if-none-match", before.header("etag"))];
    let after = client.send("GET", path::CRL, &old, "").await.expect(200);
    let issuer = client.get(path::CA_CERTIFICATE).await.expect(200).body;
    let list = Crl::verify(&after.body, &issuer).unwrap();
    assert_eq!(list.number, announced.crl_number, "the announcement names its list");
    let mut entries = Vec::new();
    list.scan(|entry| entries.push((certdesk_pki::crl::serial_bytes(&serial).unwrap() == entry.serial, entry.reason)))
        .unwrap();
    assert_eq!(entries, [(true, reason)], "the list says who and why");
    let same = [("if-none-match", after.header("etag"))];
    assert_eq!(client.send("GET", path::CRL, &same, "").await.status, 304, "a list that is known is not sent again");

    let _: Session = client.log_in(&person.account, NEW_PASSWORD).await.expect(201).json();
    let again = certdesk_service::revoke(world.data.path(), &serial, reason);
    assert!(matches!(again, Err(DeskError::Refused(problem)) if problem.code == ProblemCode::WrongState), "once");
    let nobody = certdesk_service::revoke(world.data.path(), "5f", reason);
    assert!(matches!(nobody, Err(DeskError::Refused(problem)) if problem.code == ProblemCode::NotFound));
}
