//! What is done, and what must then be seen, step by step.

use anyhow::{Context, Result, bail, ensure};

use super::{Album, Locale, Scene, scene::Account};
use crate::Window;

/// The password chosen at the first login.
const PASSWORD: &str = "Yunfan-2026-ok";

/// Does the step of this number.
pub(crate) async fn act(number: u8, scene: &mut Scene, album: &mut Album) -> Result<()> {
    match number {
        1 => home(scene, album).await,
        2 => agreement(scene, album).await,
        3 => registration(scene, album).await,
        4 => password_login(scene, album).await,
        _ => Ok(()),
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
    let script =
        "const text = document.querySelector('[data-testid=agreement-body]'); text.scrollTop = text.scrollHeight;";
    window.script(script).await?;
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
        let input = format!("field-{field}{part}");
        window.click(&input).await?;
        window.by_testid(&input).await?.send_keys(name).await?;
        window.click(&format!("region-{code}")).await?;
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
