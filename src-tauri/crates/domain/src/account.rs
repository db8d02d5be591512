//! Who applies.

use serde::{Deserialize, Serialize};

/// The three kinds of account of the manual, 1.2.2.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// 企业
    Enterprise,
    /// 个人
    Individual,
    /// 主管部门
    Authority,
}

impl AccountKind {
    /// All kinds, in the order the registration page offers them.
    pub const ALL: [Self; 3] = [Self::Enterprise, Self::Individual, Self::Authority];

    /// Whether the account is an organisation with a credit code and a legal representative.
    pub fn is_organisation(self) -> bool {
        self != Self::Individual
    }
}

/// Kind of identity document. Never everybody has an 18-digit number (domain notes §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// 居民身份证, GB 11643-1999
    ResidentId,
    /// 护照
    Passport,
    /// 港澳居民来往内地通行证
    HkMacaoPermit,
    /// 台湾居民来往大陆通行证
    TaiwanPermit,
    /// 外国人永久居留身份证
    ForeignPermanentResident,
    /// 军官证
    OfficerId,
}

impl IdKind {
    /// All kinds, the most usual first.
    pub const ALL: [Self; 6] = [
        Self::ResidentId,
        Self::Passport,
        Self::HkMacaoPermit,
        Self::TaiwanPermit,
        Self::ForeignPermanentResident,
        Self::OfficerId,
    ];

    /// The name on the wire and in [`crate::form::Handler::get`].
    pub fn name(self) -> &'static str {
        match self {
            Self::ResidentId => "resident_id",
            Self::Passport => "passport",
            Self::HkMacaoPermit => "hk_macao_permit",
            Self::TaiwanPermit => "taiwan_permit",
            Self::ForeignPermanentResident => "foreign_permanent_resident",
            Self::OfficerId => "officer_id",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_name_everywhere() {
        for kind in IdKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name(), "the wire and the form name {kind:?} alike");
            assert_eq!(IdKind::from_name(kind.name()), Some(kind));
        }
    }
}
