//! What comes after the first certificate: it is renewed, changed, asked about, lost, replaced and revoked.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::{
    Album, Scene,
    acts::{log_in_with_password, my_case, on_the_desk, pick_all, read_to_end},
};
use crate::Window;

/// The unit's name after 变更.
const NEW_NAME: &str = "福州云帆智造测试有限公司";

pub(super) async fn renew(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    my_certificates(window).await?;
    window.click("certificate-renew").await?;
    window.by_testid("guide-notes").await?;
    album.picture(window, "续订须知：新密钥意味着什么", "What a new key means, said beforehand").await?;
    tick_consequences(window).await?;
    window.click("guide-notes-accept").await?;
    window.by_testid("stays").await?;
    album.picture(window, "资料已填好，哪些不变", "Filled in already; what stays is said").await?;
    window.click("guide-next").await?;
    sign_form(scene, album).await?;
    window.click("guide-next").await?;
    accept_sensitive(window).await?;
    window.wait_for_attribute("requirement-application_form", "data-state", "done").await?;
    album.picture(window, "签名后的申请表就是要交的文件", "The signed form is the file that is asked for").await?;
    window.click("guide-next").await?;
    hand_in(scene, album).await?;
    let window = &scene.window;
    window.click("receipt-issue").await?;
    window.by_testid("issuance-keeps").await?;
    album
        .picture(
            window,
            "旧证书保留到新证书验证通过",
            "The old certificate is kept until the new one has proven itself",
        )
        .await?;
    issue(scene).await?;
    let window = &scene.window;
    album.picture(window, "新证书已在锁里", "The new certificate is on the key").await?;
    my_certificates(window).await?;
    window.by_testid("certificate-successor").await?;
    album.picture(window, "旧证书注明由谁接替", "The old one says which took its place").await
}

pub(super) async fn change(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("certificate-change").await?;
    window.by_testid("guide-notes").await?;
    tick_consequences(window).await?;
    window.click("guide-notes-accept").await?;
    window.type_into("field-change.organisation.name", NEW_NAME).await?;
    album.picture(window, "变更：新旧名称并排", "The new name beside the old").await?;
    window.click("guide-next").await?;
    sign_form(scene, album).await?;
    window.click("guide-next").await?;
    window.by_testid("requirement-business_license").await?;
    let files: [(&str, &[&str]); 3] = [
        ("business_license", &["营业执照.jpg"]),
        ("change_proof", &["授权委托书.pdf"]),
        ("handler_id", &["身份证正面.jpg", "身份证反面.jpg"]),
    ];
    pick_all(scene, &files).await?;
    album.picture(window, "变更的证明材料", "The proofs of the change").await?;
    window.click("guide-next").await?;
    hand_in(scene, album).await?;
    approve(scene).await?;
    let window = &scene.window;
    window.click("application-act-issue").await?;
    issue(scene).await?;
    let window = &scene.window;
    my_certificates(window).await?;
    window.wait_for_text("certificate-card", NEW_NAME).await?;
    album
        .picture(window, "证书上已是新名称，旧证书已注销", "The certificate has the new name, the old one is revoked")
        .await
}

pub(super) async fn notices(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("brand").await?;
    album.picture(window, "主页：未读通知", "Home: notices that were not read").await?;
    window.click("bell").await?;
    window.by_testid("notice").await?;
    album.picture(window, "通知消息", "Notices").await?;
    window.click("notices-all-read").await?;
    window.wait_for_attribute("notices-unread", "data-count", "0").await
}

pub(super) async fn my_data(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("session").await?;
    window.click("session-account-page").await?;
    window.by_testid("account-name").await?;
    album.picture(window, "用户信息：号码默认遮盖", "My data: numbers are masked").await?;
    window.click("account-edit").await?;
    window.type_into("field-email", "new.office@example.cn").await?;
    album.picture(window, "修改联系方式", "Contact details are changed").await?;
    window.click("account-save").await?;
    window.by_testid("account-saved").await?;
    window.click("tab-access").await?;
    window.by_testid("consent").await?;
    album.picture(window, "密码与同意记录", "Password and consents").await?;
    window.click("tab-local").await?;
    window.by_testid("local-export").await?;
    album.picture(window, "本机数据：可导出，可删除", "What is kept on this computer: to export, to delete").await
}

pub(super) async fn query(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    let number = scene.number.as_deref().context("nothing is handed in")?;
    window.click("brand").await?;
    window.click("menu-query").await?;
    window.type_into("query-number", number).await?;
    window.type_into("query-identity", "91350100M000100Y43").await?;
    window.click("query-submit").await?;
    window.by_testid("query-answer").await?;
    album.picture(window, "查询服务：任意两项即可", "Any two items find an application").await
}

pub(super) async fn drivers(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("brand").await?;
    window.click("menu-support").await?;
    window.by_testid("support-key").await?;
    if !Path::new("/usr/bin/dpkg").exists() {
        // A system of other packages than the demo's: the page says so.
        window.by_testid("drivers-none").await?;
        return album.picture(window, "服务支持", "Drivers").await;
    }
    window.by_testid("driver-get").await?;
    album.picture(window, "服务支持：本机需要的驱动", "The drivers for this computer").await?;
    window.click("driver-get").await?;
    window.by_testid("driver-open").await?;
    window.click("driver-details").await?;
    album.picture(window, "已下载并校验，可以安装", "Downloaded and checked, ready to be installed").await
}

pub(super) async fn lost_key(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let account = scene.account.as_ref().context("nobody is registered")?.name.clone();
    let window = &scene.window;
    window.click("session").await?;
    window.click("log-out").await?;
    window.click("brand").await?;
    window.click("log-in").await?;
    window.click("login-lost-key").await?;
    window.type_into("field-account", &account).await?;
    window.click("code-send").await?;
    window.by_testid("code-sent").await?;
    album.picture(window, "挂失：凭账号与短信验证码", "Reported by account and a code by SMS").await?;
    let code = six_digits(&scene.sms("13800138000")?)?;
    window.type_into("field-code", &code).await?;
    window.click("lost-key-next").await?;
    window.click("circumstance-lost").await?;
    window.click("field-understood").await?;
    album.picture(window, "说明情况与后果", "What happened, and what follows").await?;
    window.click("lost-key-submit").await?;
    let number = window.text_of("lost-key-number").await?;
    album.picture(window, "已挂失，待审核", "Reported; a reviewer decides").await?;
    on_the_desk(window, &number).await?;
    window.click("desk-approve").await?;
    window.wait_for_attribute(&format!("desk-case-{number}"), "data-state", "completed").await
}

pub(super) async fn announcements(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("brand").await?;
    window.click("menu-announcements").await?;
    window.type_into("announcements-search", NEW_NAME).await?;
    window.wait_for_text("announcement-row", NEW_NAME).await?;
    album.picture(window, "注销公告：按名称查询", "Announcements, by name").await?;
    window.click("revocation-key").await?;
    window.wait_for_attribute("revocation-status", "data-status", "revoked").await?;
    album.picture(window, "插着的锁里的证书已注销", "The certificate on the key is revoked").await
}

pub(super) async fn replace(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("brand").await?;
    window.click("log-in").await?;
    log_in_with_password(scene).await?;
    window.click("brand").await?;
    window.click("menu-apply").await?;
    read_to_end(window, "agreement-body").await?;
    window.click("agreement-accept").await?;
    window.click("agreement-next").await?;
    window.by_testid("business-replace").await?;
    ensure!(!window.shows("business-new").await, "新办 is offered to somebody whose key was lost");
    album
        .picture(window, "挂失后可用密码登录，办理补办", "After the loss the password logs in, and 补办 is offered")
        .await?;
    window.click("business-replace").await?;
    window.by_testid("guide-notes").await?;
    tick_consequences(window).await?;
    window.click("guide-notes-accept").await?;
    window.by_testid("field-phone").await?;
    window.click("guide-next").await?;
    window.wait_for_attribute("form-canvas", "data-drawn", "true").await?;
    window.click("guide-next").await?;
    accept_sensitive(window).await?;
    window.by_testid("requirement-application_form").await?;
    let files: [(&str, &[&str]); 3] = [
        ("application_form", &["申请表 盖章件📄.png"]),
        ("handler_id", &["身份证正面.jpg", "身份证反面.jpg"]),
        ("commitment_video", &["承诺视频.mp4"]),
    ];
    pick_all(scene, &files).await?;
    window.click("guide-next").await?;
    hand_in(scene, album).await?;
    approve(scene).await?;
    let window = &scene.window;
    window.click("application-act-issue").await?;
    issue(scene).await?;
    album.picture(&scene.window, "补办的证书已写入认证锁", "The new certificate is on the key").await
}

pub(super) async fn revoke(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("issuance-logout").await?;
    window.click("brand").await?;
    window.click("log-in").await?;
    window.click("tab-token").await?;
    window.click("login-pin").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    window.click("pin-submit").await?;
    window.wait_gone("pin-dialog").await?;
    my_certificates(window).await?;
    window.click("certificate-revoke").await?;
    window.click("revoke-reason-cessation_of_operation").await?;
    tick_consequences(window).await?;
    album.picture(window, "注销：原因、后果", "Why, and what follows").await?;
    window.click("revoke-send").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    album.picture(window, "用 PIN 确认", "Confirmed with the PIN").await?;
    window.click("pin-submit").await?;
    window.by_testid("receipt-number").await?;
    window.wait_gone("pin-dialog").await?;
    album.picture(window, "已注销，附签名回执", "Revoked, with a signed receipt").await
}

async fn my_certificates(window: &Window) -> Result<()> {
    window.click("brand").await?;
    window.click("menu-certificates").await?;
    window.by_testid("certificate-card").await.map(drop)
}

async fn tick_consequences(window: &Window) -> Result<()> {
    window.by_testid("consequence-0").await?;
    let mut index = 0;
    while window.shows(&format!("consequence-{index}")).await {
        window.click(&format!("consequence-{index}")).await?;
        index += 1;
    }
    Ok(())
}

/// Consents to sensitive data where that is asked for anew.
async fn accept_sensitive(window: &Window) -> Result<()> {
    if window.shows("consent-sensitive-body").await {
        read_to_end(window, "consent-sensitive-body").await?;
        window.click("consent-sensitive-accept").await?;
        window.click("consent-sensitive-next").await?;
    }
    Ok(())
}

/// Signs the form with the key; a PIN where the key was locked meanwhile. Other people's programs judge the file.
async fn sign_form(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.wait_for_attribute("form-canvas", "data-drawn", "true").await?;
    window.click("form-sign-act").await?;
    window.wait_for_attribute("form-sign", "data-signed", "true").await?;
    window.click_until_busy("form-save-copy").await?;
    let copy = scene.home("签名的申请表.pdf");
    scene.file_dialog(scene.said("保存申请表副本", "Save a copy of the form")).await?.save_as(&copy).await?;
    window.wait_for_text("form-saved", "签名的申请表.pdf").await?;
    // The signed sheet has taken the place of the one before.
    window.wait_for_attribute("form-canvas", "data-drawn", "true").await?;
    album
        .picture(window, "申请表已用认证锁签名，不必打印盖章", "The form is signed with the key: no print, no stamp")
        .await?;
    let judged = Command::new("pdfsig").arg("-nocert").arg(&copy).output().context("pdfsig is not installed")?;
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    ensure!(said.contains("Signature is Valid") && said.contains("Total document signed"), "pdfsig: {said}");
    std::fs::remove_file(&copy)?;
    Ok(())
}

/// Declares, hands in, keeps the signed receipt and has it judged.
async fn hand_in(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("submit-declare").await?;
    window.click("submit-send").await?;
    let number = window.text_of("receipt-number").await?;
    window.click_until_busy("receipt-save").await?;
    let file = scene.home(&format!("{number}.json"));
    scene.file_dialog(scene.said("保存签名回执", "Save the signed receipt")).await?.save_as(&file).await?;
    album.picture(window, "签名回执，可保存备查", "A signed receipt, to keep").await?;
    scene.judge_receipt(&file)?;
    scene.number = Some(number);
    Ok(())
}

/// The reviewer accepts; then the case is open, ready for 制证.
async fn approve(scene: &Scene) -> Result<()> {
    let window = &scene.window;
    let number = scene.number.as_deref().context("nothing is handed in")?;
    on_the_desk(window, number).await?;
    window.click("desk-approve").await?;
    window.wait_for_attribute(&format!("desk-case-{number}"), "data-state", "awaiting_issuance").await?;
    my_case(window, number, "awaiting_issuance").await
}

/// Makes the certificate on the key.
async fn issue(scene: &Scene) -> Result<()> {
    let window = &scene.window;
    window.click("issuance-start").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    window.click("pin-submit").await?;
    window.by_testid("issuance-certificate").await.map(drop)
}

fn six_digits(sms: &str) -> Result<String> {
    let digits = sms.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6);
    digits.map(str::to_owned).with_context(|| format!("the message holds no code: {sms}"))
}
