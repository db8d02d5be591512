//! The forms that are printed, signed, stamped and handed in, as PDF.
//!
//! A form is PDF/A-2a and PDF/UA-1: tagged, with its fonts inside, readable in ten years and by a screen reader. The
//! same data give the same bytes. Knows fonts and paper, and no clock, file or network; the date comes in.
//!
//! From words to paper: `content` says what stands there, `sheet` where, `font` with which glyphs, `pdf` writes it down.

mod content;
mod font;
mod pdf;
mod sheet;

use certdesk_domain::{
    AccountKind, Business,
    form::{FieldName, Handler},
};

/// What the form is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormData {
    /// Business.
    pub business: Business,
    /// Who applies.
    pub account: AccountKind,
    /// 单位名称; `None` for 个人.
    pub unit_name: Option<String>,
    /// Name of the 法定代表人; `None` for 个人.
    pub legal_representative: Option<String>,
    /// Step 1 of the guide.
    pub handler: Handler,
    /// The certificate it is about; `None` for a first one.
    pub certificate: Option<FormCertificate>,
    /// 变更: what changes, in the order to show it.
    pub changes: Vec<FormChange>,
    /// 注销: why, in plain words.
    pub reason: Option<String>,
    /// Whether the key may sign the form in place of print, stamp and scan: then it says so.
    pub key_signature: bool,
    /// Name of the certificate authority.
    pub ca_name: String,
    /// Names the case, short: paper finds its case again.
    pub reference: String,
    /// Day it is made; also the date inside the PDF.
    pub date: time::Date,
}

/// The certificate that a form is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormCertificate {
    /// Serial number, lower-case hex.
    pub serial: String,
    /// Day it ends, in China, where it is known.
    pub valid_until: Option<time::Date>,
}

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormChange {
    /// Its name in `Registration::CHANGEABLE`.
    pub field: FieldName,
    /// What the registration says; kinds of document by their names on the wire.
    pub old: String,
    /// What it is to say.
    pub new: String,
}

/// A finished form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormPdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// Pages.
    pub pages: u32,
}

/// Why no form was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// No font here has these characters, in the order they were met. A box in their place would be a false name.
    #[error("no font has {}", .0.iter().collect::<String>())]
    MissingCharacters(Vec<char>),
    /// The PDF would break its standard: a fault of this program.
    #[error("the form cannot be written: {0}")]
    Invalid(String),
}

/// Makes 数字证书业务申请表.
///
/// # Errors
/// [`FormError::MissingCharacters`] where a value has characters that cannot be drawn.
pub fn application_form(data: &FormData) -> Result<FormPdf, FormError> {
    let sheet = content::write(data);
    if !sheet.missing().is_empty() {
        return Err(FormError::MissingCharacters(sheet.missing().to_vec()));
    }
    pdf::export(&sheet, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_domain::{
        IdKind,
        form::{Address, Person},
    };
    use proptest::prelude::*;
    use std::process::Command;

    fn enterprise() -> FormData {
        FormData {
            business: Business::New,
            account: AccountKind::Enterprise,
            unit_name: Some("福州云帆测试科技有限公司".into()),
            legal_representative: Some("林䶮".into()),
            handler: Handler {
                credit_code: "91350100M000100Y43".into(),
                address: Address { region: "350104".into(), detail: "金山大道 618 号 3 号楼 201 室".into() },
                person: Person {
                    name: "王䶮".into(),
                    id_kind: IdKind::ResidentId,
                    id_number: "11010519491231002X".into(),
                },
                phone: "13800138000".into(),
                email: "wang.yan@yunfan-test.example.com".into(),
            },
            certificate: None,
            changes: Vec::new(),
            reason: None,
            key_signature: false,
            ca_name: "云帆演示数字证书认证中心".into(),
            reference: "019A-7C3E-51D2".into(),
            date: time::macros::date!(2026 - 11 - 22),
        }
    }

    fn individual() -> FormData {
        let mut data =
            FormData { account: AccountKind::Individual, unit_name: None, legal_representative: None, ..enterprise() };
        data.handler.credit_code.clear();
        data.handler.person =
            Person { name: "阿卜杜拉·买买提".into(), id_kind: IdKind::Passport, id_number: "E12345678".into() };
        data
    }

    fn long() -> FormData {
        let mut data = enterprise();
        data.business = Business::Change;
        data.account = AccountKind::Authority;
        data.unit_name = Some("福州市仓山区".repeat(20));
        data.legal_representative =
            Some("Maximilian-Alexander Freiherr von und zu Hohenstein-Lichtenberg Jr".chars().take(60).collect());
        data.handler.address.detail = "Shanghai-Pudong-International-Business-Centre-Tower-3-Floor-42-Room-4207-"
            .repeat(2)
            .chars()
            .take(120)
            .collect();
        data.handler.person.name = "Maria del Carmen Fernandez de Cordoba y Alvarez de las Astur".into();
        data.handler.email = format!("{}@{}.example.com", "a".repeat(64), "b".repeat(60));
        data
    }

    /// The output of one of the tools that judge a PDF; `None` where it is not installed.
    fn judged_by(tool: &str, arguments: &[&str], pdf: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("form.pdf");
        std::fs::write(&path, pdf).unwrap();
        let arguments: Vec<_> =
            arguments.iter().map(|a| if *a == "FORM" { path.to_str().unwrap() } else { a }).collect();
        let output = match Command::new(tool).args(arguments).output() {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{tool}: {error}"),
        };
        assert!(output.status.success(), "{tool} accepts the form: {}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap())
    }

    fn text(form: &FormPdf) -> Option<String> {
        judged_by("pdftotext", &["-layout", "FORM", "-"], &form.bytes)
    }

    #[test]
    fn the_same_data_give_the_same_bytes() {
        let form = application_form(&enterprise()).unwrap();
        assert_eq!(form, application_form(&enterprise()).unwrap());
        assert_eq!(form.pages, 1, "an ordinary form is one page");
        assert!(form.bytes.len() <= 60_000, "{} bytes are more than the 60 KB we promise", form.bytes.len());
        let other = application_form(&FormData { reference: "019A-7C3E-51D3".into(), ..enterprise() }).unwrap();
        assert_ne!(form.bytes, other.bytes);
    }

    #[test]
    fn outside_judges_accept_it() {
        for data in every_business().into_iter().chain([individual(), long()]) {
            let form = application_form(&data).unwrap();
            judged_by("qpdf", &["--check", "FORM"], &form.bytes);
            if let Some(fonts) = judged_by("pdffonts", &["FORM"], &form.bytes) {
                let rows: Vec<_> = fonts.lines().skip(2).collect();
                assert!(!rows.is_empty(), "there are fonts");
                for row in rows {
                    assert!(row.contains("+NotoSansSC"), "only a subset of the font is inside: {row}");
                    assert!(row.contains("yes yes yes"), "embedded, subset, with a way back to Unicode: {row}");
                }
            }
            if let Some(info) = judged_by("pdfinfo", &["FORM"], &form.bytes) {
                assert!(info.contains("Tagged:          yes"), "tagged: {info}");
                assert!(info.contains(content::title(data.business)), "with its title: {info}");
                assert!(info.contains("595.2"), "A4: {info}");
            }
        }
    }

    #[test]
    fn what_was_typed_can_be_read_back() {
        let Some(text) = text(&application_form(&enterprise()).unwrap()) else { return };
        for expected in [
            "数字证书业务申请表",
            "福州云帆测试科技有限公司",
            "91350100M000100Y43",
            "林䶮",
            "王䶮",
            "11010519491231002X",
            "13800138000",
            "wang.yan@yunfan-test.example.com",
            "福建省福州市仓山区",
            "金山大道 618 号 3 号楼 201 室",
            "019A-7C3E-51D2",
            "2026年11月22日",
            "✓ 新办",
            "✓ 企业",
        ] {
            assert!(text.contains(expected), "the form says {expected}:\n{text}");
        }
    }

    #[test]
    fn a_persons_form_has_no_unit_and_no_seal() {
        let Some(text) = text(&application_form(&individual()).unwrap()) else { return };
        assert!(text.contains("阿卜杜拉·买买提") && text.contains("护照"), "{text}");
        for absent in ["单位名称", "统一社会信用代码", "公章", "法定代表人"] {
            assert!(!text.contains(absent), "a person's form does not speak of {absent}");
        }
    }

    #[test]
    fn long_values_wrap_and_nothing_is_cut() {
        let data = long();
        let form = application_form(&data).unwrap();
        let Some(text) = judged_by("pdftotext", &["FORM", "-"], &form.bytes) else { return };
        // pdftotext joins lines, and drops a hyphen where it does.
        let flat = |text: &str| text.replace(|c: char| c.is_whitespace() || c == '-', "");
        let text = flat(&text);
        for value in [
            data.unit_name.unwrap(),
            data.legal_representative.unwrap(),
            data.handler.address.detail,
            data.handler.person.name,
            data.handler.email,
        ] {
            assert!(text.contains(&flat(&value)), "{value} is there from its first to its last character:\n{text}");
        }
    }

    /// Every business, with all that its form can say.
    fn every_business() -> Vec<FormData> {
        let certificate = Some(FormCertificate {
            serial: "4f1a90c2b7d3e85566aa01f2".into(),
            valid_until: Some(time::macros::date!(2027 - 1 - 31)),
        });
        let change =
            |field: &str, old: &str, new: &str| FormChange { field: field.into(), old: old.into(), new: new.into() };
        let changes = vec![
            change("organisation.name", "福州云帆测试科技有限公司", "厦门云帆测试科技有限公司"),
            change("organisation.legal_representative.name", "林䶮", "王䶮"),
        ];
        let base = FormData { certificate, key_signature: true, ..enterprise() };
        vec![
            enterprise(),
            FormData { business: Business::Renew, ..base.clone() },
            FormData { business: Business::Change, changes, ..base.clone() },
            FormData {
                business: Business::Revoke, reason: Some("单位注销或不再需要这张证书".into()), ..base.clone()
            },
            FormData { business: Business::Replace, key_signature: false, ..base },
        ]
    }

    #[test]
    fn each_business_says_what_it_is_about_and_stays_small() {
        for data in every_business() {
            let form = application_form(&data).unwrap();
            assert!(
                form.bytes.len() <= 60_000,
                "{:?}: {} bytes are more than we promise",
                data.business,
                form.bytes.len()
            );
            let Some(text) = text(&form) else { continue };
            let says = |expected: &str| assert!(text.contains(expected), "{:?}: {expected}:\n{text}", data.business);
            says(content::title(data.business));
            if data.certificate.is_some() {
                says("4F1A90C2B7D3E85566AA01F2");
                says("2027年1月31日");
            }
            match data.business {
                Business::Change => {
                    for expected in ["原单位名称", "新单位名称", "厦门云帆测试科", "林䶮", "王䶮", "六、声明"]
                    {
                        says(expected);
                    }
                }
                Business::Revoke => says("单位注销或不再需要这张证书"),
                _ => {}
            }
            says(if data.key_signature { "请以认证锁签字" } else { "请打印本表，签字并加盖公章" });
        }
    }

    #[test]
    fn a_changed_document_is_named_as_people_name_it() {
        let change =
            |field: &str, old: &str, new: &str| FormChange { field: field.into(), old: old.into(), new: new.into() };
        let changes = vec![
            change("contact.id_kind", "resident_id", "passport"),
            change("contact.id_number", "11010519491231002X", "E12345678"),
        ];
        let form = FormData { business: Business::Change, changes, ..individual() };
        let Some(text) = text(&application_form(&form).unwrap()) else { return };
        for expected in ["原申请人证件", "居民身份证", "新申请人证件", "护照", "11010519491231002X", "E12345678"]
        {
            assert!(text.contains(expected), "the form says {expected}:\n{text}");
        }
    }

    #[test]
    fn a_character_no_font_has_is_named() {
        let mut data = enterprise();
        data.handler.person.name = "𠮷野𠮷龘".into();
        data.unit_name = Some("云帆🚀".into());
        assert_eq!(
            application_form(&data),
            Err(FormError::MissingCharacters(vec!['🚀', '𠮷'])),
            "each once, none drawn as a box"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn whatever_is_typed_makes_a_form_or_names_what_is_missing(
            name in "\\PC{0,60}", unit in "[一-龥 a-zA-Z（）]{0,120}", detail in any::<String>()
        ) {
            let mut data = enterprise();
            data.handler.person.name = name;
            data.handler.address.detail = detail;
            data.unit_name = Some(unit);
            if let Err(FormError::Invalid(why)) = application_form(&data) {
                prop_assert!(false, "{}", why);
            }
        }
    }
}
