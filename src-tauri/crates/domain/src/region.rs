//! 行政区划: provinces, cities and districts (GB/T 2260), packaged with the program (`data/README.md`).

use std::{collections::BTreeMap, sync::OnceLock};

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

/// All provinces with everything below them, by code.
pub fn all() -> &'static [Region] {
    static TREE: OnceLock<Vec<Region>> = OnceLock::new();
    TREE.get_or_init(|| below("", 2))
}

/// Province, city and district of a six-digit code of today.
pub fn names(code: &str) -> Option<[&'static str; 3]> {
    if code.len() != 6 {
        return None;
    }
    let name = |digits| table().get(code.get(..digits)?).copied();
    Some([name(2)?, name(4)?, name(6)?])
}

/// The same as one line: words that repeat or say nothing (市辖区, 北京市北京市) are left out.
pub fn line(code: &str) -> Option<String> {
    let mut line = String::new();
    let mut last = "";
    for name in names(code)? {
        if name != last && !matches!(name, "市辖区" | "县" | "省直辖县级行政区划" | "自治区直辖县级行政区划")
        {
            line.push_str(name);
        }
        last = name;
    }
    Some(line)
}

/// Code → name, for all three levels.
fn table() -> &'static BTreeMap<&'static str, &'static str> {
    static TABLE: OnceLock<BTreeMap<&'static str, &'static str>> = OnceLock::new();
    TABLE.get_or_init(|| {
        serde_json::from_str(include_str!("../data/regions.json")).expect("packaged, and read by a test")
    })
}

/// Divisions whose code is `digits` long and starts with `prefix`.
fn below(prefix: &str, digits: usize) -> Vec<Region> {
    table()
        .range(prefix..)
        .take_while(|(code, _)| code.starts_with(prefix))
        .filter(|(code, _)| code.len() == digits)
        .map(|(code, name)| Region {
            code: (*code).to_owned(),
            name: (*name).to_owned(),
            children: if digits < 6 { below(code, digits + 2) } else { Vec::new() },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_division_leads_to_a_district() {
        assert_eq!(all().len(), 34, "34 provinces");
        for city in all().iter().flat_map(|province| &province.children) {
            assert!(!city.children.is_empty(), "{} can be chosen down to a district", city.name);
            for district in &city.children {
                assert!(names(&district.code).is_some(), "{} is found by its code", district.name);
            }
        }
        let rows: usize =
            all().iter().map(|p| 1 + p.children.iter().map(|c| 1 + c.children.len()).sum::<usize>()).sum();
        assert_eq!(rows, table().len(), "no row of the data is out of reach");
    }

    #[test]
    fn codes_have_names() {
        assert_eq!(names("350104"), Some(["福建省", "福州市", "仓山区"]));
        assert_eq!(names("441900"), Some(["广东省", "东莞市", "东莞市"]));
        assert_eq!(names("3501"), None);
        assert_eq!(names("35010四"), None);
        assert_eq!(names("999999"), None);
        assert_eq!(line("350104").as_deref(), Some("福建省福州市仓山区"));
        assert_eq!(line("110105").as_deref(), Some("北京市朝阳区"));
        assert_eq!(line("441900").as_deref(), Some("广东省东莞市"));
        assert_eq!(line("810000").as_deref(), Some("香港特别行政区"));
    }
}
