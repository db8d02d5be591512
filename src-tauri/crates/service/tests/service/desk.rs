//! The operator's side: the desk's commands, and who may read what is kept.

use std::process::Command;

use certdesk_contract::path;
use certdesk_domain::AccountKind;
use uuid::Uuid;

use crate::world::{World, file, id_of};

const PROGRAM: &str = env!("CARGO_BIN_EXE_certdesk-service");

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_sees_everything_and_nothing_that_deceives() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.draft().await;
    let mut attachments = person.all_files(id).await;
    let pdf = file("pdf", 100);
    let upload = person.announce(id, "business_license", "../执照\u{202E}fdp.exe", 100, None).await;
    let upload = upload.map_err(|a| a.status).unwrap();
    person.patch(&upload, 0, true, &pdf).await.expect(204);
    let place = attachments.iter().position(|a| a.requirement.0 == "business_license").unwrap();
    attachments[place].upload = id_of(&upload);
    let mut submission = person.submission(attachments).await;
    submission.handler.credit_code = "91350100M000100Y43".into();
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);

    let data = world.data.path();
    let review = |arguments: &[&str]| {
        let output = Command::new(PROGRAM).arg("review").args(arguments).arg("--data").arg(data).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (_, list, _) = review(&["list"]);
    assert!(list.contains("submitted") && list.contains("UTC"), "the list tells states and since when: {list}");
    let (_, shown, _) = review(&["show", &id.to_string()]);
    for part in [
        "in_review",
        "福州云帆测试科技有限公司",
        "resident_id 11010519491231002X",
        "clerk@example.com",
        "测试路 1 号",
        "350102 福建省福州市鼓楼区",
        "address.detail",
        "business_license",
        "sha256 ",
        "review files",
    ] {
        assert!(shown.contains(part), "the reviewer must see {part}:\n{shown}");
    }
    assert!(!shown.contains('\u{202E}') && shown.contains("\\u{202e}"), "nothing turns the line around:\n{shown}");

    let folder = tempfile::tempdir().unwrap();
    let copies = folder.path().join("case");
    let (copied, names, _) = review(&["files", &id.to_string(), "--to", copies.to_str().unwrap()]);
    assert!(copied && names.lines().count() == submission.attachments.len(), "{names}");
    let license = copies.join(format!("{:02}-business_license.pdf", place + 1));
    assert_eq!(std::fs::read(&license).unwrap(), pdf, "the copy is the file, under a name that viewers open");
    let (again, _, why) = review(&["files", &id.to_string(), "--to", copies.to_str().unwrap()]);
    assert!(!again && why.contains("case"), "nothing is written over: {why}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&copies).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_its_owners_also_in_a_folder_that_is_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let open = |mode| std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(data.path(), open(0o755)).unwrap();
    // As an earlier version left it.
    std::fs::write(data.path().join("portal.db"), "").unwrap();
    std::fs::set_permissions(data.path().join("portal.db"), open(0o644)).unwrap();
    let running = crate::world::start(data.path(), &certdesk_service::Clock::system()).await;
    let mode = |name: &str| std::fs::metadata(data.path().join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["portal.db", "portal.db-wal", "portal.db-shm", "ca/root.key.pem", "ca/issuing.key.pem"] {
        assert_eq!(mode(name), 0o600, "{name} is for its owner's eyes only");
    }
    assert_eq!(mode("uploads"), 0o700);
    running.stop().await;
}
