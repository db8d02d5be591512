//! What an applicant fills in: registration and handler details, and how each field is checked.

use serde::{Deserialize, Serialize};

use crate::account::{AccountKind, IdKind};

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
    pub phone: String,
    /// Mail address.
    pub email: String,
    /// Where the applicant sits.
    pub address: Address,
}

/// 经办人信息, step 1 of the guide (manual 1.3.1, with the fields of its form).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Handler {
    /// 统一社会信用代码 of the unit; empty for 个人.
    pub credit_code: String,
    /// 注册地址 and 详细通讯地址.
    pub address: Address,
    /// 经办人.
    pub person: Person,
    /// 经办人手机号.
    pub phone: String,
    /// 经办人邮箱.
    pub email: String,
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
