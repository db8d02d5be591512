//! 行政区划: provinces, cities and districts (GB/T 2260), packaged with the program.

use serde::{Deserialize, Serialize};

/// One division with its subdivisions, down to the district.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Region {
    /// 2 digits for a province, 4 for a city, 6 for a district.
    pub code: String,
    /// Chinese name, as the standard writes it.
    pub name: String,
    /// The divisions one level below; empty for a district.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<Region>,
}
