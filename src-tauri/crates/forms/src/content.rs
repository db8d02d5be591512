//! What stands on the form, in the order it is read.

use certdesk_domain::{AccountKind, Business, IdKind, region};

use crate::{
    FormChange, FormData,
    sheet::{Cell, Sheet, Signature},
};

/// The title, also in the metadata.
pub(crate) fn title(business: Business) -> &'static str {
    match business {
        Business::New => "数字证书业务申请表",
        Business::Change => "数字证书变更申请表",
        Business::Renew => "数字证书续订申请表",
        Business::Revoke => "数字证书注销申请表",
        Business::Replace => "数字证书补办申请表",
    }
}

/// In the footer of every page: none is worth anything without the others.
pub(crate) fn footer(data: &FormData) -> String {
    // What a key signed cannot be scribbled on.
    let paper = if data.key_signature { "" } else { "，涂改无效" };
    format!("本表由证办通依所填信息生成{paper}　编号：{}", data.reference)
}

/// Lays the whole form out.
pub(crate) fn write(data: &FormData) -> Sheet {
    let principal = if data.account == AccountKind::Authority { "负责人" } else { "法定代表人" };
    let organisation = data.account.is_organisation();
    let handler = &data.handler;
    let person = &handler.person;
    let mut sheet = Sheet::new();

    sheet.masthead(&data.ca_name, &format!("申请表编号：{}", data.reference));
    sheet.title(title(data.business));

    let mut numerals = ["一", "二", "三", "四", "五", "六"].into_iter();
    let mut heading = |sheet: &mut Sheet, text: &str| {
        sheet.heading(&format!("{}、{text}", numerals.next().unwrap_or_default()));
    };

    heading(&mut sheet, "业务信息");
    sheet.table(&[
        vec![("业务类型", choice(data, BUSINESSES.map(|(b, name)| (b == data.business, name)).to_vec()))],
        vec![("申请主体", choice(data, ACCOUNTS.map(|(a, name)| (a == data.account, name)).to_vec()))],
        vec![("认证机构", Cell::text(&data.ca_name)), ("填表日期", Cell::text(&date(data.date)))],
    ]);

    if let Some(rows) = about(data) {
        heading(&mut sheet, "证书信息");
        sheet.table(&rows);
    }
    if !data.changes.is_empty() {
        heading(&mut sheet, "变更内容");
        let rows: Vec<_> = data.changes.iter().map(|change| changed(change, principal, organisation)).collect();
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|[(old, before), (new, after)]| {
                vec![(old.as_str(), Cell::text(before)), (new.as_str(), Cell::text(after))]
            })
            .collect();
        sheet.table(&rows);
    }

    let address = vec![
        vec![(
            "所在地区",
            Cell::text(&region::line(&handler.address.region).unwrap_or(handler.address.region.clone())),
        )],
        vec![("详细地址", Cell::text(&handler.address.detail))],
    ];
    if organisation {
        heading(&mut sheet, "申请单位信息");
        let mut rows = vec![
            vec![("单位名称", Cell::text(data.unit_name.as_deref().unwrap_or_default()))],
            vec![
                ("统一社会信用代码", Cell::text(&handler.credit_code)),
                (principal, Cell::text(data.legal_representative.as_deref().unwrap_or_default())),
            ],
        ];
        rows.extend(address.clone());
        sheet.table(&rows);
    }

    heading(&mut sheet, if organisation { "经办人信息" } else { "申请人信息" });
    let mut rows = vec![
        vec![("姓名", Cell::text(&person.name)), ("手机号码", Cell::text(&handler.phone))],
        vec![("证件类型", Cell::text(id_kind(person.id_kind))), ("证件号码", Cell::text(&person.id_number))],
        vec![("电子邮箱", Cell::text(&handler.email))],
    ];
    if !organisation {
        rows.extend(address);
    }
    sheet.table(&rows);

    sheet.keep_together(if organisation { 300.0 } else { 230.0 });
    heading(&mut sheet, if organisation { "声明与签章" } else { "声明与签字" });
    let we = if organisation { "本单位" } else { "本人" };
    // Promised with the first certificate of a key.
    let loss = if data.certificate.is_none() { "，如有遗失，立即告知认证机构" } else { "" };
    // Each new character costs the file 200 bytes: these sentences are as short as they can be.
    let mut promises = vec![
        format!("{we}承诺所填信息与所提交的材料真实、完整、准确，如有不实，依法承担责任。"),
        format!("{we}已阅读并接受《数字证书服务协议》，将妥善保管认证锁及其 PIN{loss}。"),
        format!("{we}同意{}为办理本业务核验上述信息，并依法保存记录。", data.ca_name),
    ];
    if organisation {
        promises.push("本单位授权上述经办人办理本业务，并承担由此产生的责任。".into());
    }
    sheet.list(&promises);
    sheet.signatures(&if organisation {
        Signature {
            lines: vec!["经办人签字".into(), format!("{principal}签字或盖章")],
            seal: Some("单位（加盖公章处）"),
        }
    } else {
        Signature { lines: vec!["申请人（本人签字）".into()], seal: None }
    });
    sheet.note(match (data.key_signature, organisation) {
        (true, true) => "请以认证锁签字；或打印本表，签字并加盖公章，扫描后提交。",
        (true, false) => "请以认证锁签字；或打印本表，由本人签字，扫描后提交。",
        (false, true) => "请打印本表，签字并加盖公章，扫描后作为电子文件提交。",
        (false, false) => "请打印本表，由本人签字，扫描后作为电子文件提交。",
    });
    sheet
}

/// All there is to choose from, with the one that is meant ticked. A form about a certificate has more to say and names
/// that one alone: the characters of the others would cost it 3 KB.
fn choice(data: &FormData, choices: Vec<(bool, &'static str)>) -> Cell {
    if data.certificate.is_none() {
        return Cell::Choice(choices);
    }
    Cell::text(choices.into_iter().find_map(|(meant, name)| meant.then_some(name)).unwrap_or_default())
}

/// The certificate it is about, and why it is to be revoked.
fn about(data: &FormData) -> Option<Vec<Vec<(&'static str, Cell)>>> {
    let mut rows = Vec::new();
    if let Some(certificate) = &data.certificate {
        rows.push(vec![("证书序列号", Cell::text(&certificate.serial.to_uppercase()))]);
        if let Some(valid_until) = certificate.valid_until {
            rows.push(vec![("有效期至", Cell::text(&date(valid_until)))]);
        }
    }
    if let Some(reason) = &data.reason {
        rows.push(vec![("注销原因", Cell::text(reason))]);
    }
    (!rows.is_empty()).then_some(rows)
}

/// What changes, before and after, each with its label.
fn changed(change: &FormChange, principal: &str, organisation: bool) -> [(String, String); 2] {
    let contact = if organisation { "联系人" } else { "申请人" };
    let (whose, what) = match change.field.rsplit_once('.') {
        Some(("organisation", "name")) => ("", "单位名称"),
        Some((person, field)) => {
            let whose = if person == "contact" { contact } else { principal };
            let what = match field {
                "name" => "姓名",
                "id_kind" => "证件类型",
                _ => "证件号码",
            };
            (whose, what)
        }
        None => ("", change.field.as_str()),
    };
    let shown = |value: &str| match IdKind::from_name(value) {
        Some(kind) if what == "证件类型" => id_kind(kind).to_owned(),
        _ => value.to_owned(),
    };
    [(format!("原{whose}{what}"), shown(&change.old)), (format!("新{whose}{what}"), shown(&change.new))]
}

const BUSINESSES: [(Business, &str); 5] = [
    (Business::New, "新办"),
    (Business::Change, "变更"),
    (Business::Renew, "续订"),
    (Business::Revoke, "注销"),
    (Business::Replace, "补办"),
];

const ACCOUNTS: [(AccountKind, &str); 3] =
    [(AccountKind::Enterprise, "企业"), (AccountKind::Individual, "个人"), (AccountKind::Authority, "主管部门")];

fn id_kind(kind: IdKind) -> &'static str {
    match kind {
        IdKind::ResidentId => "居民身份证",
        IdKind::Passport => "护照",
        IdKind::HkMacaoPermit => "港澳居民来往内地通行证",
        IdKind::TaiwanPermit => "台湾居民来往大陆通行证",
        IdKind::ForeignPermanentResident => "外国人永久居留身份证",
        IdKind::OfficerId => "军官证",
    }
}

fn date(date: time::Date) -> String {
    format!("{}年{}月{}日", date.year(), u8::from(date.month()), date.day())
}
