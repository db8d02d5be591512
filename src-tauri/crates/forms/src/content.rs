//! What stands on the form, in the order it is read.

use certdesk_domain::{AccountKind, Business, IdKind, region};

use crate::{
    FormData,
    sheet::{Cell, Sheet, Signature},
};

/// The title, also in the metadata.
pub(crate) const TITLE: &str = "数字证书业务申请表";
/// In the footer of every page: none is worth anything without the others.
pub(crate) fn footer(data: &FormData) -> String {
    format!("本表由证办通依所填信息生成，涂改无效　编号：{}", data.reference)
}

/// Lays the whole form out.
pub(crate) fn write(data: &FormData) -> Sheet {
    let principal = if data.account == AccountKind::Authority { "负责人" } else { "法定代表人" };
    let organisation = data.account.is_organisation();
    let handler = &data.handler;
    let person = &handler.person;
    let mut sheet = Sheet::new();

    sheet.masthead(&data.ca_name, &format!("申请表编号：{}", data.reference));
    sheet.title(TITLE);

    let mut numerals = ["一", "二", "三", "四"].into_iter();
    let mut heading = |sheet: &mut Sheet, text: &str| {
        sheet.heading(&format!("{}、{text}", numerals.next().unwrap_or_default()));
    };

    heading(&mut sheet, "业务信息");
    sheet.table(&[
        vec![("业务类型", Cell::Choice(BUSINESSES.map(|(b, name)| (b == data.business, name)).to_vec()))],
        vec![("申请主体", Cell::Choice(ACCOUNTS.map(|(a, name)| (a == data.account, name)).to_vec()))],
        vec![("认证机构", Cell::text(&data.ca_name)), ("填表日期", Cell::text(&date(data.date)))],
    ]);

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
    // Each new character costs the file 200 bytes: these sentences are as short as they can be.
    let mut promises = vec![
        format!("{we}承诺所填信息与所提交的材料真实、完整、准确，如有不实，依法承担责任。"),
        format!("{we}已阅读并接受《数字证书服务协议》，将妥善保管认证锁及其 PIN，如有遗失，立即告知认证机构。"),
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
    sheet.note(if organisation {
        "请打印本表，签字并加盖公章，扫描后作为电子文件提交。"
    } else {
        "请打印本表，由本人签字，扫描后作为电子文件提交。"
    });
    sheet
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
