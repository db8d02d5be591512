//! Checks of single values, each as its standard states it.

use serde::{Deserialize, Serialize};

/// What is wrong with a value. The screen has a sentence for each (`fault.<code>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing was entered.
    Missing,
    /// Shorter than allowed.
    TooShort,
    /// Longer than allowed.
    TooLong,
    /// A character that cannot occur here.
    BadCharacter,
    /// The pattern is not that of such a value.
    BadFormat,
    /// The last character does not fit the others: a typing error somewhere.
    BadCheckDigit,
    /// The date inside is no date.
    BadDate,
    /// No such administrative division.
    UnknownRegion,
}
