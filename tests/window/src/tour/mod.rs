//! The whole journey in the real window, as a person goes it: each step asserted, each with its pictures.
//!
//! One person plays all parts: the applicant in the window, the phone and the reviewer by `certdesk-service` on the
//! service's own data, as a helpdesk would.

mod acts;
mod album;
mod life;
mod scene;

use std::{path::PathBuf, time::Instant};

use anyhow::Result;

pub use album::{Album, Shown};
pub use scene::Scene;

/// A numbered step of the journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Number, as the pictures are named.
    pub number: u8,
    /// The rows of the manual that it shows (design §2).
    pub rows: &'static str,
    /// Title, Chinese.
    pub zh: &'static str,
    /// Title, English.
    pub en: &'static str,
}

/// The journey's steps, in order: a certificate from the first word to its end.
pub const STEPS: [Step; 23] = [
    step(1, "M1", "主页", "Home"),
    step(2, "M2", "确认条款", "Agreement"),
    step(3, "M5 M6 M7", "注册：企业、个人、主管部门", "Registration: enterprise, individual, authority"),
    step(4, "M4", "账号登录与新密码", "Password login, and a new password"),
    step(5, "M8 M9", "新办：申办须知与经办人信息", "New: notes, then handler details"),
    step(6, "M10", "制作申请表", "Application form"),
    step(7, "M11", "上传电子文件", "Files"),
    step(8, "M12 M13", "提交服务申请", "Review and submit"),
    step(9, "M13", "退回补正", "Returned for correction, and submitted again"),
    step(10, "M8", "审核通过与制证", "Approved, and the certificate made on the key"),
    step(11, "M4", "密码登录已停用", "The password no longer logs in"),
    step(12, "M3", "证书登录", "Login with the key"),
    step(13, "M17", "我的服务", "My certificates"),
    step(14, "M15", "续订", "Renew: signed with the key, a new key pair, the old one kept until then"),
    step(15, "M14", "变更", "Change: a new name of the unit"),
    step(16, "M18", "通知消息", "Notices"),
    step(17, "M19", "用户信息", "My data"),
    step(18, "M20", "查询服务", "How an application stands, without login"),
    step(19, "M21", "服务支持", "Drivers"),
    step(20, "M16", "注销：认证锁丢失，挂失", "Revoke: the key is lost, reported without it"),
    step(21, "M22", "注销公告", "Revocation announcements"),
    step(22, "M16", "补办", "A new certificate after the loss"),
    step(23, "M16", "注销：不再使用", "Revoke: no longer used, confirmed with the PIN"),
];

const fn step(number: u8, rows: &'static str, zh: &'static str, en: &'static str) -> Step {
    Step { number, rows, zh, en }
}

/// How to go.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for `tour.md` and its pictures.
    pub out: PathBuf,
    /// Language.
    pub locale: Locale,
    /// Width and height of the window, pixels.
    pub size: (u32, u32),
}

/// Language of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// 简体中文
    Zh,
    /// English
    En,
}

/// Goes the whole way and writes `tour.md`, also when a step fails; the album then says which.
///
/// # Errors
/// When the stage cannot be set or the pictures cannot be written.
pub async fn run(options: &Options) -> Result<Album> {
    let mut album = Album::open(options)?;
    let mut scene = Scene::set(options).await?;
    for step in STEPS {
        album.begin(step);
        let start = Instant::now();
        let done = acts::act(step.number, &mut scene, &mut album).await;
        album.end(start.elapsed());
        if let Err(error) = done {
            let _ = album.picture(&scene.window, "此步未成功", "this step failed").await;
            let page = scene.window.script("return document.body.innerText").await.unwrap_or_default();
            let page = page.as_str().unwrap_or("nothing: the page does not answer");
            album.fail(&error, &format!("The page said:\n{page}\n{}", scene.words()));
            break;
        }
    }
    let closed = scene.close().await;
    if let (None, Err(error)) = (&album.failure, closed) {
        album.fail(&error, "");
    }
    album.write()?;
    Ok(album)
}
