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

#[tokio::test]
async fn what_an_earlier_portal_announced_is_taken_over_whole_or_not_at_all() {
    let world = World::new().await;
    let line = |serial: &str, at: &str| {
        format!(r#"{{"serial":"{serial}","subject":"王䶮","revoked_at":"{at}","reason":"superseded","crl_number":7}}"#)
    };
    let import = |lines: String| certdesk_service::import_announcements(world.data.path(), lines.as_bytes());
    let (one, two) = (line("5f01", "2020-01-01T00:00:00Z"), line("5f02", "2021-01-01T00:00:00Z"));
    let disordered = import(format!("{two}\n{one}\n")).expect_err("older than the one before");
    assert!(format!("{disordered:#}").contains("line 2"), "the line is named: {disordered:#}");
    import(format!("{one}\n{one}\n")).expect_err("one certificate is announced once");
    import(format!("{one}\nnonsense\n")).expect_err("no announcement");
    import(line("005F", "2020-01-01T00:00:00Z")).expect_err("a serial number in another spelling");
    assert_eq!(import(format!("{one}\n{two}\n")).expect("in order"), 2);
    let page: AnnouncementPage =
        world.client().get("/v1/announcements?search=%E7%8E%8B%E4%B6%AE").await.expect(200).json();
    let found: Vec<_> = page.announcements.iter().map(|a| a.serial.as_str()).collect();
    assert_eq!(found, ["5f02", "5f01"], "newest first, and nothing of the tries that failed");
}
