//! The whole journey in the real window, as a person goes it: each step asserted, each with its pictures.
//!
//! One person plays all parts: the applicant in the window, the phone and the reviewer by `certdesk-service` on the
//! service's own data, as a helpdesk would.

mod acts;
mod album;
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
    /// Title, Chinese.
    pub zh: &'static str,
    /// Title, English.
    pub en: &'static str,
}

/// The journey's steps, in order.
pub const STEPS: [Step; 13] = [
    step(1, "主页", "Home"),
    step(2, "确认条款", "Agreement"),
    step(3, "注册：企业、个人、主管部门", "Registration: enterprise, individual, authority"),
    step(4, "账号登录与新密码", "Password login, and a new password"),
    step(5, "新办：申办须知与经办人信息", "New: notes, then handler details"),
    step(6, "制作申请表", "Application form"),
    step(7, "上传电子文件", "Files"),
    step(8, "提交服务申请", "Review and submit"),
    step(9, "退回补正", "Returned for correction, and submitted again"),
    step(10, "审核通过与制证", "Approved, and the certificate made on the key"),
    step(11, "密码登录已停用", "The password no longer logs in"),
    step(12, "证书登录", "Login with the key"),
    step(13, "我的服务", "My certificates"),
];

const fn step(number: u8, zh: &'static str, en: &'static str) -> Step {
    Step { number, zh, en }
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
            album.fail(&error, &scene.words());
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
