//! What is done, and what must then be seen, step by step.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use fantoccini::key::Key;

use super::{Album, Locale, Scene, life, scene::Account};
use crate::{
    Window,
    within::{PATIENCE, until},
};

/// The password chosen at the first login.
const PASSWORD: &str = "Yunfan-2026-ok";

/// Does the step of this number.
pub(crate) async fn act(number: u8, scene: &mut Scene, album: &mut Album) -> Result<()> {
    match number {
        1 => home(scene, album).await,
        2 => agreement(scene, album).await,
        3 => registration(scene, album).await,
        4 => password_login(scene, album).await,
        5 => handler(scene, album).await,
        6 => form(scene, album).await,
        7 => files(scene, album).await,
        8 => submission(scene, album).await,
        9 => correction(scene, album).await,
        10 => issuance(scene, album).await,
        11 => closed_password(scene, album).await,
        12 => key_login(scene, album).await,
        13 => {
            certificates(scene, album).await?;
            search(scene, album).await?;
            offline(scene, album).await
        }
        14 => life::renew(scene, album).await,
        15 => life::change(scene, album).await,
        16 => life::notices(scene, album).await,
        17 => life::my_data(scene, album).await,
        18 => life::query(scene, album).await,
        19 => life::drivers(scene, album).await,
        20 => life::lost_key(scene, album).await,
        21 => life::announcements(scene, album).await,
        22 => life::replace(scene, album).await,
        23 => life::revoke(scene, album).await,
        _ => bail!("there is no step {number}"),
    }
}

async fn home(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    for menu in ["menu-apply", "menu-query", "menu-support", "menu-announcements"] {
        window.by_testid(menu).await?;
    }
    if scene.locale == Locale::En {
        window.click("language").await?;
        window.wait_for_text("language", "中文").await?;
    }
    window.wait_for_text("key-strip", &scene.key.label).await?;
    album.picture(window, "四个菜单与认证锁状态", "The four menus, and the state of the key").await
}

async fn agreement(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("menu-apply").await?;
    window.by_testid("agreement-body").await?;
    let tick = window.by_testid("agreement-accept").await?;
    ensure!(!tick.is_enabled().await?, "the agreement could be accepted before it was read to its end");
    album.picture(window, "服务协议，读完之前不能勾选", "The agreement cannot be accepted before it is read").await?;
    read_to_end(window, "agreement-body").await?;
    window.click("agreement-accept").await?;
    album.picture(window, "读到末尾并勾选", "Read to its end, and accepted").await?;
    window.click("agreement-next").await?;
    window.by_testid("login-register").await.map(drop)
}

/// A field of the registration and what is typed into it.
type Typed = (&'static str, &'static str);

struct Registrant {
    kind: &'static str,
    phone: &'static str,
    fields: &'static [Typed],
    captions: [(&'static str, &'static str); 2],
}

/// The one who then goes on comes last.
const REGISTRANTS: [Registrant; 3] = [
    Registrant {
        kind: "authority",
        phone: "13700137000",
        fields: &[
            ("organisation.name", "样张市测试管理局"),
            ("organisation.credit_code", "11350100M000100Y6H"),
            ("organisation.legal_representative.name", "李测试"),
            ("organisation.legal_representative.id_number", "11010519491231002X"),
        ],
        captions: [
            ("主管部门注册", "A department registers"),
            ("账号与初始密码由短信送达", "Account and password come by SMS"),
        ],
    },
    Registrant {
        kind: "individual",
        phone: "13900139000",
        fields: &[],
        captions: [
            ("个人注册", "A person registers"),
            ("账号与初始密码由短信送达", "Account and password come by SMS"),
        ],
    },
    Registrant {
        kind: "enterprise",
        phone: "13800138000",
        fields: &[
            ("organisation.name", "福州云帆测试科技有限公司"),
            ("organisation.credit_code", "91350100M000100Y43"),
            ("organisation.legal_representative.name", "李测试"),
            ("organisation.legal_representative.id_number", "11010519491231002X"),
        ],
        captions: [
            ("企业注册", "An enterprise registers"),
            ("账号与初始密码由短信送达", "Account and password come by SMS"),
        ],
    },
];

async fn registration(scene: &mut Scene, album: &mut Album) -> Result<()> {
    for registrant in REGISTRANTS {
        let window = &scene.window;
        window.click("tab-password").await?;
        window.click("login-register").await?;
        window.click(&format!("register-kind-{}", registrant.kind)).await?;
        let common = [
            ("contact.name", "王䶮"),
            ("contact.id_number", "11010519491231002X"),
            ("phone", registrant.phone),
            ("email", "wang.yan@example.cn"),
            ("address.detail", "测试路 1 号云帆大厦 5 层"),
        ];
        for (field, value) in registrant.fields.iter().chain(&common) {
            window.type_into(&format!("field-{field}"), value).await?;
        }
        choose_region(window, "address.region").await?;
        let [(zh, en), (done_zh, done_en)] = registrant.captions;
        window.script("document.querySelector('main').scrollTop = 0").await?;
        album.picture(window, zh, en).await?;
        window.click("register-submit").await?;
        window.by_testid("registered").await?;
        album.picture(window, done_zh, done_en).await?;
        scene.account = Some(account_in(&scene.sms(registrant.phone)?)?);
        scene.window.click("registered-login").await?;
    }
    Ok(())
}

/// Finds each of the three by typing its name, and takes it.
async fn choose_region(window: &Window, field: &str) -> Result<()> {
    for (part, code, name) in [("", "35", "福建"), ("-city", "3501", "福州"), ("-district", "350102", "鼓楼")] {
        let (input, option) = (format!("field-{field}{part}"), format!("region-{code}"));
        window.click(&input).await?;
        // The list moves while it narrows: a click may go beside it, and is made again.
        until(&format!("the choice of {name}"), PATIENCE, async || {
            let chosen = window.value_of(&input).await.ok()?;
            if chosen.starts_with(name) && chosen != name {
                return Some(());
            }
            if chosen != name {
                window.type_into(&input, name).await.ok()?;
            }
            let _ = window.click_now(&option).await;
            None
        })
        .await?;
    }
    Ok(())
}

/// Account name and password, as a person reads them off the phone: after the words for them.
fn account_in(sms: &str) -> Result<Account> {
    let after = |word: &str| {
        let (_, rest) = sms.split_once(word)?;
        let end = rest.find(|c: char| !c.is_ascii_graphic()).unwrap_or(rest.len());
        Some(rest[..end].to_owned()).filter(|text| !text.is_empty())
    };
    match (after("账号："), after("密码：")) {
        (Some(name), Some(password)) => Ok(Account { name, password }),
        _ => bail!("the message names no account and password: {sms}"),
    }
}

async fn password_login(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    let account = scene.account.as_mut().context("nobody is registered")?;
    window.click("tab-password").await?;
    window.type_into("login-account", &account.name).await?;
    window.type_into("login-password", "not-the-password-1").await?;
    window.click("login-submit").await?;
    window.by_testid("failure").await?;
    album.picture(window, "密码错误：不提示哪一项有误", "A wrong password: no hint which part was wrong").await?;

    window.type_into("login-account", &account.name).await?;
    window.type_into("login-password", &account.password).await?;
    window.click("login-submit").await?;
    window.by_testid("password-new").await?;
    window.type_into("password-current", &account.password).await?;
    window.type_into("password-new", PASSWORD).await?;
    window.type_into("password-again", PASSWORD).await?;
    album.picture(window, "首次登录须设置新密码", "The first login asks for a new password").await?;
    window.click("password-submit").await?;
    account.password = PASSWORD.to_owned();

    window.by_testid("business-new").await?;
    for closed in ["business-change", "business-renew", "business-revoke"] {
        ensure!(!window.shows(closed).await, "{closed} is offered to somebody without a certificate");
    }
    album.picture(window, "尚无证书，只能新办", "Without a certificate only 新办 is offered").await
}

/// Scrolls a text to its end, as one who reads it.
pub(super) async fn read_to_end(window: &Window, text: &str) -> Result<()> {
    window.by_testid(text).await?;
    let script =
        format!("const text = document.querySelector('[data-testid=\"{text}\"]'); text.scrollTop = text.scrollHeight;");
    window.script(&script).await.map(drop)
}

async fn handler(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("business-new").await?;
    window.by_testid("guide-notes").await?;
    album.picture(window, "新办：申办须知", "New: what to know beforehand").await?;
    window.click("guide-notes-accept").await?;
    window.type_into("field-phone", "1380013").await?;
    window.click("guide-next").await?;
    window.wait_for_attribute("field-phone", "aria-invalid", "true").await?;
    album
        .picture(window, "边填边查：手机号少了几位", "Checked as typed: digits are missing in the phone number")
        .await?;
    window.type_into("field-phone", "13800138001").await?;
    // An update comes while somebody types: this window goes on, the next start is the new one's.
    scene.update()?;
    window.type_into("field-address.detail", "测试路 2 号云帆大厦 6 层").await?;
    window.wait_for_attribute("guide-saved", "data-state", "saved").await?;
    window.wait_for_text("key-strip", &scene.key.label).await?;

    scene.restart().await?;
    let window = &scene.window;
    window.click("log-in").await?;
    log_in_with_password(scene).await?;
    window.by_testid("resume").await?;
    album
        .picture(
            window,
            "程序更新、又被强行结束后再打开：草稿还在",
            "Updated, killed and started again: the draft is there",
        )
        .await?;
    window.click("resume-continue").await?;
    window.by_testid("field-phone").await?;
    for (field, typed) in [("field-phone", "13800138001"), ("field-address.detail", "测试路 2 号云帆大厦 6 层")]
    {
        let kept = window.value_of(field).await?;
        ensure!(kept == typed, "{field} came back as “{kept}” after a kill; “{typed}” had been saved");
    }
    album.picture(window, "经办人信息", "Handler details").await?;
    window.click("guide-next").await
}

pub(super) async fn log_in_with_password(scene: &Scene) -> Result<()> {
    let window = &scene.window;
    let account = scene.account.as_ref().context("nobody is registered")?;
    window.click("tab-password").await?;
    window.type_into("login-account", &account.name).await?;
    window.type_into("login-password", &account.password).await?;
    window.click("login-submit").await
}

async fn form(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.wait_for_attribute("form-canvas", "data-drawn", "true").await?;
    album.picture(window, "申请表在本机生成并显示", "The form, made and shown on this computer").await?;
    window.click_until_busy("form-save-copy").await?;
    let copy = scene.home("申请表副本.pdf");
    scene.file_dialog(scene.said("保存申请表副本", "Save a copy of the form")).await?.save_as(&copy).await?;
    window.wait_for_text("form-saved", "申请表副本.pdf").await?;
    judge_form(&copy)?;
    album.picture(window, "已保存副本", "A copy is saved").await?;
    print(scene).await?;
    window.click("guide-next").await
}

/// Prints to a file by the system's own dialog: the sheets, and nothing of the window around them.
async fn print(scene: &Scene) -> Result<()> {
    scene.window.click_until_busy("form-print").await?;
    scene.file_dialog("Print").await?.print().await?;
    let sheet = scene.home("output.pdf");
    let pages = until("the printed sheet", PATIENCE, async || {
        let told = Command::new("pdfinfo").arg(&sheet).output().ok()?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        told.lines().find_map(|line| line.strip_prefix("Pages:")?.trim().parse::<u32>().ok())
    })
    .await?;
    ensure!(pages == 1, "one sheet was to be printed, {pages} were");
    // And the window shows it still.
    scene.window.wait_for_attribute("form-canvas", "data-drawn", "true").await
}

/// Other people's programs read the form: it is sound, and its Chinese is text.
fn judge_form(file: &Path) -> Result<()> {
    let sound = Command::new("qpdf").arg("--check").arg(file).output().context("qpdf is not installed")?;
    ensure!(sound.status.success(), "qpdf: {}", String::from_utf8_lossy(&sound.stdout));
    let text = Command::new("pdftotext").arg(file).arg("-").output().context("pdftotext is not installed")?;
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for expected in ["王䶮", "福州云帆测试科技有限公司", "13800138001"] {
        ensure!(text.contains(expected), "the saved form does not say {expected}");
    }
    Ok(())
}

/// What is handed in, and the specimen files for it.
const FILES: [(&str, &[&str]); 5] = [
    ("application_form", &["申请表 盖章件📄.png"]),
    ("business_license", &["营业执照.jpg"]),
    ("handler_id", &["身份证正面.jpg", "身份证反面.jpg"]),
    ("legal_representative_id", &["法人身份证.png"]),
    ("commitment_video", &["承诺视频.mp4"]),
];
/// What is dragged there from another program.
const DRAGGED: (&str, &str) = ("power_of_attorney", "授权委托书.pdf");

async fn files(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.by_testid("consent-sensitive-body").await?;
    read_to_end(window, "consent-sensitive-body").await?;
    window.click("consent-sensitive-accept").await?;
    album.picture(window, "敏感个人信息单独同意", "Separate consent for sensitive data").await?;
    window.click("consent-sensitive-next").await?;
    window.by_testid("requirement-application_form").await?;
    album.picture(window, "需要上传的电子文件", "The files that are asked for").await?;
    pick_all(scene, &FILES).await?;
    let (requirement, name) = (format!("requirement-{}", DRAGGED.0), DRAGGED.1);
    scene.drag(&scene.specimen(name)?, &requirement).await?;
    window.wait_for_text(&requirement, name).await?;
    window.wait_for_attribute(&requirement, "data-state", "done").await?;
    album.picture(window, "全部上传完毕", "All are there").await?;
    window.click("requirement-commitment_video attachment-preview").await?;
    window.by_testid("preview-video").await?;
    let plays = "const done = arguments[arguments.length - 1]; const video = document.querySelector('video'); \
                 video.muted = true; video.addEventListener('timeupdate', () => video.currentTime > 0 && done(true)); \
                 video.addEventListener('error', () => done(false)); video.play().catch(() => done(false));";
    ensure!(window.script_async(plays).await? == true, "the commitment video does not play");
    window.script("document.querySelector('video').pause()").await?;
    album.picture(window, "承诺视频可在程序里播放", "The commitment video plays in the program").await?;
    window.click("dialog-close").await?;
    window.click("guide-next").await
}

/// Picks these files under their requirements, and waits until the service has them.
pub(super) async fn pick_all(scene: &Scene, files: &[(&str, &[&str])]) -> Result<()> {
    for (requirement, names) in files {
        for name in *names {
            pick(scene, requirement, name).await?;
        }
        scene.window.wait_for_attribute(&format!("requirement-{requirement}"), "data-state", "done").await?;
    }
    scene.nothing_is_recent().await
}

async fn pick(scene: &Scene, requirement: &str, name: &str) -> Result<()> {
    scene.window.click_until_busy(&format!("pick-{requirement}")).await?;
    let dialog = scene.file_dialog(scene.said("选择文件", "Choose a file")).await?;
    dialog.pick(&scene.specimen(name)?).await.with_context(|| format!("picking {name}"))
}

async fn submission(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("submit-declare").await?;
    album.picture(window, "核对并声明属实", "Everything once more, and the declaration").await?;
    window.click("submit-send").await?;
    let number = window.text_of("receipt-number").await?;
    ensure!(number.starts_with("CD"), "the receipt's number is “{number}”");
    album.picture(window, "受理回执与申办编号", "The receipt with its number").await?;
    window.click("receipt-applications").await?;
    window.by_testid(&format!("applications-row-{number}")).await?;
    album.picture(window, "我的申办", "My applications").await?;
    scene.number = Some(number);
    Ok(())
}

/// Opens the case on the reviewer's desk.
pub(super) async fn on_the_desk(window: &Window, number: &str) -> Result<()> {
    window.click("demo-desk").await?;
    window.click(&format!("desk-case-{number}")).await
}

/// Opens the case among one's own, once it is in this state.
pub(super) async fn my_case(window: &Window, number: &str, state: &str) -> Result<()> {
    window.click("brand").await?;
    window.click("menu-applications").await?;
    let row = format!("applications-row-{number}");
    window.wait_for_attribute(&row, "data-state", state).await?;
    window.click(&row).await?;
    window.wait_for_attribute("application-state", "data-state", state).await
}

async fn correction(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    let number = scene.number.as_deref().context("nothing is handed in")?;
    on_the_desk(window, number).await?;
    window.click("desk-return").await?;
    window.click("desk-remark-field-email").await?;
    window.click("desk-remark-files-business_license").await?;
    album.picture(window, "演示台：审核员退回补正", "The demo desk: the reviewer sends it back").await?;
    window.click("desk-return-send").await?;
    window.wait_for_attribute(&format!("desk-case-{number}"), "data-state", "needs_correction").await?;

    my_case(window, number, "needs_correction").await?;
    window.by_testid("application-remarks").await?;
    album.picture(window, "申办被退回，意见逐条列出", "Returned, with each remark").await?;
    window.click("application-act-correct").await?;
    window.by_testid("remark-email").await?;
    ensure!(!window.shows("field-phone").await, "a field that nobody remarked is open in the correction");
    window.type_into("field-email", "office@example.cn").await?;
    album.picture(window, "意见就在相应的栏目旁", "The remark stands at its field").await?;
    window.click("guide-next").await?;
    window.wait_for_attribute("form-canvas", "data-drawn", "true").await?;
    window.click("guide-next").await?;
    window.by_testid("remark-business_license").await?;
    window.click("requirement-business_license attachment-remove").await?;
    window.click("remove-confirm").await?;
    pick(scene, "business_license", "营业执照.jpg").await?;
    window.wait_for_attribute("requirement-business_license", "data-state", "done").await?;
    album.picture(window, "只补交有意见的文件", "Only the remarked file is replaced").await?;
    window.click("guide-next").await?;
    window.click("submit-declare").await?;
    window.click("submit-send").await?;
    let again = window.text_of("receipt-number").await?;
    ensure!(again == number, "the correction got a number of its own: {again}");
    Ok(())
}

async fn issuance(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    let number = scene.number.as_deref().context("nothing is handed in")?;
    on_the_desk(window, number).await?;
    window.click("desk-approve").await?;
    window.wait_for_attribute(&format!("desk-case-{number}"), "data-state", "awaiting_issuance").await?;
    my_case(window, number, "awaiting_issuance").await?;
    album.picture(window, "审核通过，待制证", "Approved: the certificate waits to be made").await?;
    window.click("application-act-issue").await?;
    window.by_testid("issuance-key").await?;
    album.picture(window, "制证将在认证锁里进行", "What will happen on the key").await?;
    window.click("issuance-start").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    album.picture(window, "输入 PIN", "The PIN").await?;
    window.click("pin-submit").await?;
    window.by_testid("issuance-certificate").await?;
    judge_key(scene)?;
    album.picture(window, "证书已写入认证锁并验证", "The certificate is on the key, and proven").await
}

/// OpenSC lists key and certificate under one id.
fn judge_key(scene: &Scene) -> Result<()> {
    let listed = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(&scene.key.module)
        .args(["--login", "--pin", &scene.key.pin, "--list-objects"])
        .envs(scene.key.environment())
        .output()
        .context("pkcs11-tool is not installed")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let ids: Vec<_> = listed.lines().filter_map(|line| line.trim().strip_prefix("ID:")).map(str::trim).collect();
    ensure!(ids.len() == 3, "private key, public key and certificate were expected on the key: {listed}");
    ensure!(ids.iter().all(|id| *id == ids[0]), "key and certificate have different ids: {listed}");
    Ok(())
}

async fn closed_password(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("issuance-logout").await?;
    log_in_with_password(scene).await?;
    window.by_testid("login-use-token").await?;
    album.picture(window, "已有证书，账号登录已停用", "Who has a certificate logs in with it alone").await?;
    window.click("login-use-token").await
}

async fn key_login(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.click("login-pin").await?;
    window.type_into("pin-input", "000000").await?;
    window.click("pin-submit").await?;
    window.by_testid("pin-refused").await?;
    album
        .picture(window, "PIN 不正确：只试一次，由人决定是否再试", "A wrong PIN is never tried again by itself")
        .await?;
    window.click("pin-again").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    window.click("pin-submit").await?;
    window.wait_gone("pin-dialog").await?;
    window.by_testid("session").await.map(drop)
}

async fn certificates(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    window.wait_for_attribute("certificate-status", "data-status", "active").await?;
    window.wait_for_attribute("certificate-where", "data-keys", "1").await?;
    album.picture(window, "我的服务：证书在锁里，在服务端有效", "On the key, and good at the service").await?;
    window.click("certificate-details").await?;
    window.by_testid("certificate-dialog").await?;
    album.picture(window, "证书详情", "Its details").await?;
    window.click("certificate-close").await?;
    window.wait_gone("certificate-dialog").await
}

/// One box finds the case by initials of the unit's name, and leads to it.
async fn search(scene: &Scene, album: &mut Album) -> Result<()> {
    let window = &scene.window;
    let number = scene.number.as_deref().context("nothing is handed in")?;
    window.click("search").await?;
    window.type_into("search-input", "fzyf").await?;
    window.wait_for_attribute("search-found", "data-answered", "fzyf").await?;
    window.by_testid("search-certificates").await?;
    album.picture(window, "按拼音首字母搜索", "Found by the initials of its pinyin").await?;
    window.type_into("search-input", number).await?;
    window.wait_for_attribute("search-found", "data-answered", number).await?;
    window.press(Key::Enter).await?;
    window.wait_for_attribute("application-state", "data-state", "completed").await?;
    window.click("brand").await
}

/// The service goes, the program starts anew: what was seen is read by the PIN, and a login makes it the present again.
async fn offline(scene: &mut Scene, album: &mut Album) -> Result<()> {
    let number = scene.number.clone().context("nothing is handed in")?;
    scene.service_goes();
    scene.restart().await?;
    let window = &scene.window;
    window.click("log-in").await?;
    window.by_testid("offline-offer").await?;
    album.picture(window, "服务连不上：可以离线查看", "The service is away: what was seen can be read").await?;
    window.click("offline-read").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    window.click("pin-submit").await?;
    window.wait_gone("pin-dialog").await?;
    window.by_testid("offline-banner").await?;
    my_case(window, &number, "completed").await?;
    album.picture(window, "离线查看上次看到的内容", "Read offline, as last seen").await?;

    scene.service_returns()?;
    let window = &scene.window;
    window.wait_for_attribute("offline-banner", "data-back", "true").await?;
    window.click("offline-log-in").await?;
    window.click("login-pin").await?;
    window.type_into("pin-input", &scene.key.pin).await?;
    window.click("pin-submit").await?;
    window.wait_gone("pin-dialog").await?;
    window.wait_gone("offline-banner").await?;
    window.click("brand").await
}

#[cfg(test)]
mod tests {
    use super::account_in;

    #[test]
    fn account_and_password_are_read_off_the_message() {
        let account =
            account_in("【证办通】您的企业账号已开通。账号：qy82640193，初始密码：Ab3-xyz9。首次登录须修改密码。")
                .unwrap();
        assert_eq!((account.name.as_str(), account.password.as_str()), ("qy82640193", "Ab3-xyz9"));
        assert!(account_in("【证办通】您的申请已提交。").is_err(), "a message without an account was taken for one");
    }
}
