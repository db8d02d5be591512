//! What an applicant fills in: registration and handler details.
//!
//! Codes, numbers and addresses of mail become tidy on their way in (upper case, half width, no spaces around), be it from a keyboard or a wire; so
//! there is one way to write each, here, at the service and in the database. Whether they are right is told by
//! [`crate::check`].

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    account::{AccountKind, IdKind},
    revocation::RevocationReason,
};

/// A postal address with its division code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Address {
    /// District code (GB/T 2260), six digits; empty while not chosen.
    pub region: String,
    /// Street and number, up to 120 characters.
    pub detail: String,
}

/// A person with an identity document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Person {
    /// Name as on the document, up to 60 characters; rare characters (䶮) and `·` are welcome.
    pub name: String,
    /// Kind of document.
    pub id_kind: IdKind,
    /// Number of the document.
    #[serde(deserialize_with = "read_code")]
    pub id_number: String,
}

impl Default for Person {
    fn default() -> Self {
        Self { name: String::new(), id_kind: IdKind::ResidentId, id_number: String::new() }
    }
}

/// The unit an organisation's account stands for (企业, 主管部门).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Organisation {
    /// 单位名称, up to 120 characters.
    pub name: String,
    /// 统一社会信用代码 (GB 32100-2015), 18 characters.
    #[serde(deserialize_with = "read_code")]
    pub credit_code: String,
    /// 法定代表人 or 负责人.
    pub legal_representative: Person,
}

/// What registration asks (manual 1.2.2). `organisation` is there exactly for 企业 and 主管部门.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Registration {
    /// Kind of account.
    pub kind: AccountKind,
    /// The unit; `None` for 个人.
    pub organisation: Option<Organisation>,
    /// 个人: the applicant. Otherwise: the contact person 联系人.
    pub contact: Person,
    /// Mobile phone that gets account and initial password by SMS.
    #[serde(deserialize_with = "read_phone")]
    pub phone: String,
    /// Mail address.
    #[serde(deserialize_with = "read_mail")]
    pub email: String,
    /// Where the applicant sits.
    pub address: Address,
}

/// 经办人信息, step 1 of the guide (manual 1.3.1, with the fields of its form).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Handler {
    /// 统一社会信用代码 of the unit; empty for 个人.
    #[serde(deserialize_with = "read_code")]
    pub credit_code: String,
    /// 注册地址 and 详细通讯地址.
    pub address: Address,
    /// 经办人.
    pub person: Person,
    /// 经办人手机号.
    #[serde(deserialize_with = "read_phone")]
    pub phone: String,
    /// 经办人邮箱.
    #[serde(deserialize_with = "read_mail")]
    pub email: String,
}

impl Handler {
    /// Names of all fields, in the order of the page.
    pub const FIELDS: &[&str] = &[
        "credit_code",
        "address.region",
        "address.detail",
        "person.name",
        "person.id_kind",
        "person.id_number",
        "phone",
        "email",
    ];

    /// Sets one field by its dotted name. `false`: there is no such field, or no such kind of document; nothing changed.
    pub fn set(&mut self, field: &str, value: &str) -> bool {
        match field {
            "credit_code" => self.credit_code = code(value),
            "address.region" => self.address.region = narrow(value),
            "address.detail" => self.address.detail = value.to_owned(),
            "person.name" => self.person.name = value.to_owned(),
            "person.id_kind" => match IdKind::from_name(value) {
                Some(kind) => self.person.id_kind = kind,
                None => return false,
            },
            "person.id_number" => self.person.id_number = code(value),
            "phone" => self.phone = phone(value),
            "email" => self.email = narrow(value),
            _ => return false,
        }
        true
    }

    /// One field by its dotted name, as [`Handler::set`] takes it.
    pub fn get(&self, field: &str) -> Option<String> {
        let value = match field {
            "credit_code" => &self.credit_code,
            "address.region" => &self.address.region,
            "address.detail" => &self.address.detail,
            "person.name" => &self.person.name,
            "person.id_kind" => return Some(self.person.id_kind.name().to_owned()),
            "person.id_number" => &self.person.id_number,
            "phone" => &self.phone,
            "email" => &self.email,
            _ => return None,
        };
        Some(value.clone())
    }
}

/// What a case is about, besides who handles it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(default)]
pub struct Particulars {
    /// The certificate that is changed, renewed or revoked: serial number, lower-case hex.
    pub certificate: Option<String>,
    /// 变更: the new value of each field that changes, by the name [`Registration::CHANGEABLE`] has for it.
    pub changes: BTreeMap<FieldName, String>,
    /// 注销: why.
    pub reason: Option<RevocationReason>,
}

impl Registration {
    /// Fields a certificate fixes: 变更 alone changes them.
    pub const CHANGEABLE: &[&str] = &[
        "organisation.name",
        "organisation.legal_representative.name",
        "organisation.legal_representative.id_kind",
        "organisation.legal_representative.id_number",
        "contact.name",
        "contact.id_kind",
        "contact.id_number",
    ];

    /// One of [`Registration::CHANGEABLE`]; `None` for another name, or where this kind of account has no such field.
    pub fn get(&self, field: &str) -> Option<String> {
        let unit = self.organisation.as_ref();
        let value = match field {
            "organisation.name" => &unit?.name,
            "organisation.legal_representative.name" => &unit?.legal_representative.name,
            "organisation.legal_representative.id_kind" => {
                return Some(unit?.legal_representative.id_kind.name().to_owned());
            }
            "organisation.legal_representative.id_number" => &unit?.legal_representative.id_number,
            "contact.name" => &self.contact.name,
            "contact.id_kind" => return Some(self.contact.id_kind.name().to_owned()),
            "contact.id_number" => &self.contact.id_number,
            _ => return None,
        };
        Some(value.clone())
    }

    /// Sets one of [`Registration::CHANGEABLE`]. `false`: there is no such field here, or no such kind of document;
    /// nothing changed.
    pub fn set(&mut self, field: &str, value: &str) -> bool {
        let unit = self.organisation.as_mut();
        if field == "organisation.name" {
            return unit.map(|unit| unit.name = value.to_owned()).is_some();
        }
        let person = match field.rsplit_once('.') {
            Some(("contact", _)) => Some(&mut self.contact),
            Some(("organisation.legal_representative", _)) => unit.map(|unit| &mut unit.legal_representative),
            _ => None,
        };
        let Some(person) = person else { return false };
        match field.rsplit('.').next() {
            Some("name") => person.name = value.to_owned(),
            Some("id_kind") => match IdKind::from_name(value) {
                Some(kind) => person.id_kind = kind,
                None => return false,
            },
            Some("id_number") => person.id_number = code(value),
            _ => return false,
        }
        true
    }

    /// The registration as it is with `changes`; what cannot be set is left as it was.
    pub fn with(&self, changes: &BTreeMap<FieldName, String>) -> Self {
        let mut changed = self.clone();
        for (field, value) in changes {
            changed.set(field, value);
        }
        changed
    }
}

/// What an application is looked up by (查询服务, manual 1.4.1): any two of three. Empty is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(default)]
pub struct Query {
    /// 申办编号
    #[serde(deserialize_with = "read_code")]
    pub number: String,
    /// 统一社会信用代码 of the unit, or number of the applicant's or handler's identity document.
    #[serde(deserialize_with = "read_code")]
    pub identity: String,
    /// 经办人手机号.
    #[serde(deserialize_with = "read_phone")]
    pub phone: String,
}

impl Query {
    /// How many must be given.
    pub const ENOUGH: usize = 2;

    /// Name and value of what is given, in the order of the page.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [("number", &self.number), ("identity", &self.identity), ("phone", &self.phone)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.as_str()))
    }
}

/// The one way to write a code or the number of a document: plain characters, upper case.
fn code(value: &str) -> String {
    narrow(value).to_ascii_uppercase()
}

/// The one way to write a phone number: `138-0013 8000` is pasted, digits are kept.
fn phone(value: &str) -> String {
    narrow(value).replace([' ', '-'], "")
}

/// Plain characters for the full-width ones that Chinese input methods produce, and no spaces around.
fn narrow(value: &str) -> String {
    let plain = |c: char| match c {
        '\u{3000}' => ' ',
        '。' => '.',
        // Full-width forms lie 0xFEE0 above their ASCII twins.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    value.chars().map(plain).collect::<String>().trim().to_owned()
}

/// Reads a code or the number of a document, tidied.
pub fn read_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(code(&String::deserialize(deserializer)?))
}

/// Reads a phone number or a code of digits, tidied.
pub fn read_phone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(phone(&String::deserialize(deserializer)?))
}

/// Reads a mail address, tidied.
pub fn read_mail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(narrow(&String::deserialize(deserializer)?))
}

/// Names every field that can be typed or remarked on, in dotted form as the wire and the screen use it,
/// for example `person.id_number`.
pub type FieldName = String;

/// One field that is not right yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct FieldFault {
    /// Which field.
    pub field: FieldName,
    /// What is wrong with it.
    pub fault: crate::check::Fault,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_set_and_read_by_its_name() {
        let mut handler = Handler::default();
        for &field in Handler::FIELDS {
            let value = if field == "person.id_kind" { "passport" } else { "A1" };
            assert!(handler.set(field, value), "{field} can be set");
            assert_eq!(handler.get(field).as_deref(), Some(value), "{field} reads as it was set");
        }
        let before = handler.clone();
        assert!(!handler.set("person.shoe_size", "43") && !handler.set("person.id_kind", "library_card"));
        assert_eq!(handler, before, "a name that does not exist changes nothing");
    }

    #[test]
    fn what_a_certificate_fixes_is_set_and_read_by_its_name() {
        let unit = Registration {
            kind: AccountKind::Enterprise,
            organisation: Some(Organisation::default()),
            contact: Person::default(),
            phone: String::new(),
            email: String::new(),
            address: Address::default(),
        };
        for &field in Registration::CHANGEABLE {
            let value = if field.ends_with("id_kind") { "passport" } else { "A1" };
            let changed = unit.with(&BTreeMap::from([(field.to_owned(), value.to_owned())]));
            assert_eq!(changed.get(field).as_deref(), Some(value), "{field} reads as it was set");
        }
        let odd = BTreeMap::from([("phone".to_owned(), "1".to_owned()), ("contact.shoe".to_owned(), "43".to_owned())]);
        assert_eq!(unit.with(&odd), unit, "what no certificate fixes is not changed this way");
        let person = Registration { kind: AccountKind::Individual, organisation: None, ..unit };
        assert_eq!(person.get("organisation.name"), None, "a person has no unit");
    }

    #[test]
    fn what_an_input_method_produces_is_understood() {
        assert_eq!(code("　91350100m000100y43 "), "91350100M000100Y43");
        assert_eq!(code("军字第2001988号"), "军字第2001988号");
        assert_eq!(phone("１３８-００１３ ８０００"), "13800138000");
        assert_eq!(narrow("Wang.Yan＠test。cn"), "Wang.Yan@test.cn", "a mail address keeps its letters");
    }

    #[test]
    fn values_from_a_wire_are_tidy_too() {
        let person: Person =
            serde_json::from_str(r#"{"name":"王䶮","id_kind":"resident_id","id_number":" 11010519491231002x"}"#)
                .unwrap();
        assert_eq!(person.id_number, "11010519491231002X");
    }
}
