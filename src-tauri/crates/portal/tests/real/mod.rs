//! The real service on loopback, and an account in it.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::{
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use certdesk_contract::{
    account::{ConsentRequest, ConsentSubject, PasswordChange, RegistrationRequest},
    application::ApplicationDraft,
    catalogue::Catalogue,
    session::PasswordLogin,
};
use certdesk_domain::{
    AccountKind, Business, FileKind, IdKind, RequirementId,
    form::{Address, Handler, Organisation, Person, Registration},
};
use certdesk_portal::{Fetched, FileGuard, Portal, PortalConfig, Progress, UploadSpec, hash_file};
use certdesk_service::{Config, DemoSecret, Running, Service};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

pub const SECRET: &str = "demo secret of this test";
pub const PASSWORD: &str = "a new password 1";

/// A service and what it keeps.
pub struct Real {
    pub service: Running,
    pub dir: TempDir,
}

impl Real {
    pub async fn start() -> Self {
        Self::start_as(None).await
    }

    /// `public_url`: its address as clients have it, where that is not the one it listens on.
    pub async fn start_as(public_url: Option<Url>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path().join("service"), "127.0.0.1:0".parse().unwrap());
        config.public_url = public_url;
        config.demo = Some(DemoSecret::new(SECRET));
        let service = Service::start(config).await.expect("the service starts without set-up");
        Self { service, dir }
    }

    pub fn portal(&self) -> Portal {
        self.portal_at(self.service.base_url.clone())
    }

    pub fn portal_at(&self, base: Url) -> Portal {
        self.portal_trusting(base, vec![self.service.root_der.clone()])
    }

    pub fn portal_trusting(&self, base: Url, extra_roots: Vec<Vec<u8>>) -> Portal {
        Portal::new(PortalConfig { base, extra_roots, user_agent: "certdesk-test/1".into() }).unwrap()
    }

    /// A file of `bytes` bytes that begins as its kind does; the rest is a hole or a pattern.
    pub fn file(&self, name: &str, kind: FileKind, bytes: u64, pattern: bool) -> PathBuf {
        let head: &[u8] = match kind {
            FileKind::Pdf => b"%PDF-1.7\n",
            FileKind::Jpeg => &[0xFF, 0xD8, 0xFF, 0xE0],
            FileKind::Png => b"\x89PNG\r\n\x1a\n",
            FileKind::Mp4 => b"\0\0\0\x20ftypisom",
            FileKind::Webm => b"\x1A\x45\xDF\xA3\x42\x82\x84webm",
        };
        let path = self.dir.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        file.set_len(bytes).unwrap();
        if pattern {
            let block: Vec<u8> = (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            for at in (0..bytes).step_by(block.len()) {
                let length = block.len().min((bytes - at) as usize);
                file.write_all(&block[..length]).unwrap();
            }
            file.seek(SeekFrom::Start(0)).unwrap();
        }
        file.write_all(head).unwrap();
        path
    }
}

pub async fn catalogue(portal: &Portal) -> Catalogue {
    match portal.catalogue(None).await.expect("the catalogue is public") {
        Fetched::New { value, .. } => value,
        Fetched::NotModified => panic!("nothing was known before"),
    }
}

pub fn person() -> Person {
    Person { name: "王䶮".into(), id_kind: IdKind::ResidentId, id_number: "11010519491231002X".into() }
}

pub fn handler() -> Handler {
    Handler {
        credit_code: "91350100M000100Y43".into(),
        address: Address { region: "350102".into(), detail: "东街口 1 号".into() },
        person: person(),
        phone: "13800138000".into(),
        email: "handler@example.cn".into(),
    }
}

/// Accepts the agreement, registers, reads the SMS, logs in, and replaces the first password. Answers the account.
pub async fn registered(portal: &Portal) -> String {
    let version = catalogue(portal).await.agreement.version;
    let consent = portal.consent(&ConsentRequest { subject: ConsentSubject::Agreement, version }).await.unwrap().id;
    let registration = Registration {
        kind: AccountKind::Enterprise,
        organisation: Some(Organisation {
            name: "福州云帆测试科技有限公司".into(),
            credit_code: "91350100M000100Y43".into(),
            legal_representative: person(),
        }),
        contact: person(),
        phone: "13800138000".into(),
        email: "contact@example.cn".into(),
        address: handler().address,
    };
    let request = RegistrationRequest { registration, consent };
    let key = Uuid::new_v4();
    let receipt = portal.register(&request, key).await.expect("registration");
    assert_eq!(
        portal.register(&request, key).await.expect("the same again"),
        receipt,
        "registering again changes nothing"
    );
    let sms = portal.demo_sms(SECRET).await.expect("the demo's outbox");
    assert_eq!(sms.len(), 1, "one registration, one SMS");
    let between = |from: &str, to: &str| sms[0].text.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
    let (account, first) = (between("账号：", "，"), between("初始密码：", "。"));

    let login =
        PasswordLogin { account: account.clone(), password: first.clone(), consent: Some(consent), session_key: None };
    let session = portal.log_in_with_password(&login).await.expect("login with the password of the SMS");
    assert!(session.session.must_change_password, "the first password is for one use");
    portal.set_session(&session);
    portal
        .change_password(&PasswordChange { old: first, new: PASSWORD.into() }, Uuid::new_v4())
        .await
        .expect("change of password");
    log_in(portal, &account).await;
    account
}

pub async fn log_in(portal: &Portal, account: &str) {
    let login = PasswordLogin { account: account.into(), password: PASSWORD.into(), consent: None, session_key: None };
    let session = portal.log_in_with_password(&login).await.expect("login with the new password");
    portal.set_session(&session);
}

/// Opens a case of 新办.
pub async fn opened(portal: &Portal) -> Uuid {
    let id = Uuid::now_v7();
    portal.put_application(id, &ApplicationDraft::new(Business::New)).await.expect("a case is opened");
    id
}

pub fn silent() -> Progress {
    Arc::new(|_| ())
}

/// Announces the file; answers the upload's name.
pub async fn announced(
    portal: &Portal,
    application: Uuid,
    requirement: &RequirementId,
    path: &Path,
) -> (Uuid, FileGuard) {
    let guard = FileGuard::of(path).unwrap();
    let sha256 = hash_file(path, guard, silent(), &CancellationToken::new()).await.unwrap();
    let file_name = path.file_name().unwrap().to_str().unwrap().to_owned();
    let spec = UploadSpec { application, requirement: requirement.clone(), file_name, bytes: guard.bytes, sha256 };
    (portal.create_upload(&spec).await.expect("an upload is announced"), guard)
}
