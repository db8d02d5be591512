//! One token that several drivers show is one key. A maker's own module and OpenSC give it different names, slots and
//! labels; what it holds is the same.

use std::path::Path;

use certdesk_token::TokenInfo;

/// What tells whether two are the same.
#[derive(Clone)]
pub(crate) struct Look<'a> {
    module: &'a Path,
    id: &'a str,
    serial: &'a str,
    /// DER.
    certificates: Vec<&'a [u8]>,
    logged_in: bool,
}

impl<'a> Look<'a> {
    pub(crate) fn at(module: &'a Path, info: &'a TokenInfo) -> Self {
        let certificates = info.certificates.iter().map(|held| held.der.as_slice()).collect();
        Self { module, id: &info.id, serial: &info.serial, certificates, logged_in: info.logged_in }
    }
}

/// A token that another driver shows better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folded<T> {
    /// What is not shown.
    pub(crate) token: T,
    /// `TokenInfo::id` of the one that is.
    pub(crate) into: String,
}

/// Keeps each token once. `shown` comes in the order of the drivers' preference, each with the path of its module; where
/// somebody is logged in to a token, that one stays, whoever else shows it since.
pub(crate) fn fold<T>(shown: Vec<T>, look: impl Fn(&T) -> Look<'_>) -> (Vec<T>, Vec<Folded<T>>) {
    let mut ordered = shown;
    ordered.sort_by_key(|token| !look(token).logged_in);
    let mut kept: Vec<T> = Vec::new();
    let mut folded: Vec<Folded<T>> = Vec::new();
    for token in ordered {
        let new = look(&token);
        // Two keys may hold a copy of one certificate. One driver sees them side by side, so they are two.
        let is_other = |folded: &Folded<T>, known: &Look| {
            let other = look(&folded.token);
            folded.into == known.id && other.module == new.module && other.serial != new.serial
        };
        let same = kept.iter().map(&look).find(|known| {
            known.module != new.module && is_same(known, &new) && !folded.iter().any(|folded| is_other(folded, known))
        });
        match same.map(|known| known.id.to_owned()) {
            Some(into) => folded.push(Folded { token, into }),
            None => kept.push(token),
        }
    }
    (kept, folded)
}

/// Certificates tell; where one of them shows none, the serial numbers do.
fn is_same(one: &Look, other: &Look) -> bool {
    if one.id == other.id {
        return true;
    }
    if one.certificates.is_empty() || other.certificates.is_empty() {
        return matches!((serial(one), serial(other)), (Some(one), Some(other)) if one == other);
    }
    one.certificates.iter().any(|held| other.certificates.contains(held))
}

/// A serial number without what drivers write differently; `None` where it is too short to tell tokens apart.
fn serial(token: &Look) -> Option<String> {
    let plain: String = token.serial.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.trim_start_matches('0').to_ascii_lowercase();
    (plain.len() >= 6).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VENDOR: &str = "/usr/lib/libcastle.so";
    const OPENSC: &str = "/usr/lib/opensc-pkcs11.so";

    struct Shown {
        module: &'static str,
        id: &'static str,
        serial: &'static str,
        certificates: Vec<Vec<u8>>,
        logged_in: bool,
    }

    fn shown(module: &'static str, id: &'static str, serial: &'static str, certificates: &[u8]) -> Shown {
        let certificates = certificates.iter().map(|der| vec![*der]).collect();
        Shown { module, id, serial, certificates, logged_in: false }
    }

    /// Ids of what is kept, and what is folded into which.
    fn folded(all: Vec<Shown>) -> (Vec<&'static str>, Vec<(&'static str, String)>) {
        let (kept, folded) = fold(all, |shown| Look {
            module: Path::new(shown.module),
            id: shown.id,
            serial: shown.serial,
            certificates: shown.certificates.iter().map(Vec::as_slice).collect(),
            logged_in: shown.logged_in,
        });
        let kept = kept.into_iter().map(|shown| shown.id).collect();
        (kept, folded.into_iter().map(|folded| (folded.token.id, folded.into)).collect())
    }

    fn pair(token: &'static str, into: &str) -> (&'static str, String) {
        (token, into.to_owned())
    }

    #[test]
    fn the_same_certificate_through_two_drivers_is_one_key() {
        let all = vec![shown(VENDOR, "v", "0123456789", &[1, 2]), shown(OPENSC, "o", "", &[2])];
        assert_eq!(folded(all), (vec!["v"], vec![pair("o", "v")]), "the preferred driver's");
    }

    #[test]
    fn two_slots_of_one_card_fold_into_the_one_key_that_has_both() {
        let slots = [shown(OPENSC, "pin", "7777777", &[1]), shown(OPENSC, "sign", "7777777", &[2])];
        let all = [shown(VENDOR, "v", "x", &[1, 2])].into_iter().chain(slots).collect();
        assert_eq!(folded(all).0, ["v"]);
    }

    #[test]
    fn two_keys_with_a_copy_of_one_certificate_stay_two() {
        let all = vec![
            shown(VENDOR, "v1", "1111111", &[1]),
            shown(VENDOR, "v2", "2222222", &[1]),
            shown(OPENSC, "o1", "1111111", &[1]),
            shown(OPENSC, "o2", "2222222", &[1]),
        ];
        let (kept, folded) = folded(all);
        assert_eq!(kept, ["v1", "v2"], "one driver sees them side by side");
        assert_eq!(folded, [pair("o1", "v1"), pair("o2", "v2")], "each folds into one of its own");
    }

    #[test]
    fn an_empty_token_is_known_by_its_serial_number() {
        let all = vec![shown(VENDOR, "v", "00AB-1234567", &[1]), shown(OPENSC, "o", "ab1234567", &[])];
        assert_eq!(folded(all).0, ["v"], "however each driver writes it");
        let all = vec![shown(VENDOR, "v", "1", &[]), shown(OPENSC, "o", "1", &[])];
        assert_eq!(folded(all).0, ["v", "o"], "too short to tell");
        let all = vec![shown(VENDOR, "v", "1234567", &[1]), shown(OPENSC, "o", "1234567", &[2])];
        assert_eq!(folded(all).0, ["v", "o"], "two applets of one card, each with its own");
    }

    #[test]
    fn who_is_logged_in_stays() {
        let late = Shown { logged_in: true, ..shown(OPENSC, "o", "", &[1]) };
        let all = vec![shown(VENDOR, "v", "", &[1]), late];
        assert_eq!(folded(all), (vec!["o"], vec![pair("v", "o")]), "a driver that answers late changes no session");
    }
}
