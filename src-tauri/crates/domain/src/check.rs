//! Checks of single values, each as its standard states it, and of the forms made of them.
//!
//! Values come in tidy: letters upper case and half width (see [`crate::form`]). Knows nothing of who asks: the page
//! while somebody types, and the service once more, get the same answer.

use serde::{Deserialize, Serialize};

use crate::{
    account::{AccountKind, IdKind},
    application::Business,
    form::{Address, FieldFault, FieldName, Handler, Organisation, Particulars, Person, Query, Registration},
    region,
    revocation::RevocationReason,
};

/// Most characters of a person's name.
pub const PERSON_NAME_MAX: usize = 60;
/// Most characters of a unit's name.
pub const UNIT_NAME_MAX: usize = 120;
/// Most characters of street and number.
pub const ADDRESS_MAX: usize = 120;
/// Most bytes of a mail address (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL_MAX: usize = 254;

/// Digits and letters of a credit code in the order of their values, 0 to 30 (GB 32100-2015, table 1).
const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// First two digits of GB/T 2260, which an identity number starts with; 83 is on the residence permits of people from
/// Taiwan. Everything below the province may have been renamed or dissolved since the number was given.
const PROVINCES: &[&str] = &[
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
];

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
    /// Stands in a certificate: 变更 alone changes it.
    Fixed,
    /// Typed differently on two computers: one of the two is to be chosen.
    TwoValues,
}

/// 统一社会信用代码, GB 32100-2015: 18 characters, the last one a check of the others.
pub fn credit_code(code: &str) -> Result<(), Fault> {
    let value = |c: char| CREDIT_ALPHABET.iter().position(|&a| char::from(a) == c);
    length(code, 18, 18)?;
    let values: Vec<usize> = code.chars().map(value).collect::<Option<_>>().ok_or(Fault::BadCharacter)?;
    // Characters 3 to 8 are the division of the registering office.
    if values[2..8].iter().any(|&v| v > 9) {
        return Err(Fault::BadFormat);
    }
    // The weight of place i (from 0) is 3^i mod 31.
    let (sum, _) = values[..17].iter().fold((0, 1), |(sum, weight), v| (sum + v * weight, weight * 3 % 31));
    if values[17] != (31 - sum % 31) % 31 {
        return Err(Fault::BadCheckDigit);
    }
    Ok(())
}

/// 居民身份证号, GB 11643-1999: 18 characters. A division that no longer exists is right: people keep their number.
pub fn resident_id(number: &str) -> Result<(), Fault> {
    checked_id(number)?;
    if !PROVINCES.contains(&&number[..2]) {
        return Err(Fault::UnknownRegion);
    }
    Ok(())
}

/// Number of an identity document of the given kind.
pub fn id_number(kind: IdKind, number: &str) -> Result<(), Fault> {
    match kind {
        IdKind::ResidentId => resident_id(number),
        IdKind::Passport => {
            length(number, 1, 25)?;
            all(number, |c| c.is_ascii_alphanumeric())
        }
        // H or M and the number of the person, 8 digits; older cards go on with 2 digits for the issue.
        IdKind::HkMacaoPermit => {
            length(number, 9, 11)?;
            all(number, |c| c.is_ascii_digit() || matches!(c, 'H' | 'M'))?;
            format(number.starts_with(['H', 'M']) && digits(&number[1..]) && number.len() != 10)
        }
        // 8 digits; older booklets 10.
        IdKind::TaiwanPermit => {
            length(number, 8, 10)?;
            all(number, |c| c.is_ascii_digit())?;
            format(number.len() != 9)
        }
        // Until 2023: country and 12 digits. Since: 9, place, country, and the rest as GB 11643 has it.
        IdKind::ForeignPermanentResident => {
            length(number, 15, 18)?;
            if number.starts_with('9') {
                return checked_id(number);
            }
            all(number, |c| c.is_ascii_uppercase() || c.is_ascii_digit())?;
            format(number.len() == 15 && number[..3].bytes().all(|b| b.is_ascii_uppercase()) && digits(&number[3..]))
        }
        // 军字第2001988号: the words of the issuing branch around the digits.
        IdKind::OfficerId => {
            length(number, 4, 20)?;
            all(number, char::is_alphanumeric)?;
            format(number.chars().filter(char::is_ascii_digit).count() >= 4)
        }
    }
}

/// A mobile phone number of the mainland: 11 digits, `1[3-9]` first.
pub fn mobile_phone(number: &str) -> Result<(), Fault> {
    present(number)?;
    all(number, |c| c.is_ascii_digit())?;
    length(number, 11, 11)?;
    format(number.starts_with('1') && matches!(number.as_bytes()[1], b'3'..=b'9'))
}

/// A mail address as people write it: dot-atom local part, domain with at least two labels (RFC 5321 §4.1.2, without
/// quoting, comments, address literals and internationalised parts).
pub fn email(address: &str) -> Result<(), Fault> {
    length(address, 1, EMAIL_MAX)?;
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    all(address, |c| atom(c) || matches!(c, '.' | '@'))?;
    let (local, domain) = address.split_once('@').ok_or(Fault::BadFormat)?;
    let local_fits = local.len() <= 64 && local.split('.').all(|part| !part.is_empty());
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let top_fits = labels.last().is_some_and(|top| top.len() >= 2 && top.bytes().any(|b| b.is_ascii_alphabetic()));
    format(local_fits && labels.len() >= 2 && top_fits && labels.into_iter().all(label))
}

/// A person's name as on the document: letters of any script, with `·` and the marks that names carry.
pub fn person_name(name: &str) -> Result<(), Fault> {
    text(name, 2, PERSON_NAME_MAX)?;
    all(name, |c| c.is_alphabetic() || is_combining(c) || "·•‧・．. -'’,".contains(c))?;
    format(name.contains(char::is_alphabetic) && !name.starts_with(is_combining))
}

/// Name of a unit as on its licence.
pub fn unit_name(name: &str) -> Result<(), Fault> {
    text(name, 2, UNIT_NAME_MAX)?;
    format(name.contains(char::is_alphabetic))
}

/// Street and number.
pub fn address_detail(detail: &str) -> Result<(), Fault> {
    text(detail, 2, ADDRESS_MAX)
}

/// A district of today (GB/T 2260), six digits.
pub fn region(code: &str) -> Result<(), Fault> {
    present(code)?;
    region::names(code).map(|_| ()).ok_or(Fault::UnknownRegion)
}

/// Everything that is not right yet in a registration, in the order of its page.
pub fn registration(registration: &Registration) -> Vec<FieldFault> {
    let mut faults = Faults::default();
    if registration.kind.is_organisation() {
        let nothing = Organisation::default();
        let unit = registration.organisation.as_ref().unwrap_or(&nothing);
        faults.note("organisation.name", unit_name(&unit.name));
        faults.note("organisation.credit_code", credit_code(&unit.credit_code));
        faults.person("organisation.legal_representative", &unit.legal_representative);
    } else if registration.organisation.is_some() {
        faults.note("organisation", Err(Fault::BadFormat));
    }
    faults.person("contact", &registration.contact);
    faults.note("phone", mobile_phone(&registration.phone));
    faults.note("email", email(&registration.email));
    faults.address(&registration.address);
    faults.0
}

/// Everything that is not right yet in the handler's details, in the order of the page.
pub fn handler(handler: &Handler, account: AccountKind) -> Vec<FieldFault> {
    let mut faults = Faults::default();
    if account.is_organisation() || !handler.credit_code.is_empty() {
        faults.note("credit_code", credit_code(&handler.credit_code));
    }
    faults.address(&handler.address);
    faults.person("person", &handler.person);
    faults.note("phone", mobile_phone(&handler.phone));
    faults.note("email", email(&handler.email));
    faults.0
}

/// Everything that is not right yet in what a case is about, of an account with this registration: `change_fields` may
/// change and `reasons` be given, as the service offers them. Fields are named `certificate`, `change.<field>` and
/// `reason`; `change` alone is the change as a whole, which must change something.
pub fn particulars(
    particulars: &Particulars,
    business: Business,
    change_fields: &[FieldName],
    reasons: &[RevocationReason],
    current: &Registration,
) -> Vec<FieldFault> {
    let mut faults = Faults::default();
    match &particulars.certificate {
        None if business.needs_certificate() => faults.note("certificate", Err(Fault::Missing)),
        Some(serial) if business.needs_certificate() => faults.note("certificate", serial_number(serial)),
        None => {}
        Some(_) => faults.note("certificate", Err(Fault::BadFormat)),
    }
    if business == Business::Change {
        faults.changes(particulars, change_fields, current);
    } else {
        particulars.changes.keys().for_each(|field| faults.note(&format!("change.{field}"), Err(Fault::BadFormat)));
    }
    match particulars.reason {
        None if business == Business::Revoke => faults.note("reason", Err(Fault::Missing)),
        Some(reason) if business != Business::Revoke || !reasons.contains(&reason) => {
            faults.note("reason", Err(Fault::BadFormat));
        }
        _ => {}
    }
    faults.0
}

/// Serial number of a certificate as the wire has it: lower-case hex without leading zeros, of up to 20 bytes (RFC 5280
/// §4.1.2.2).
pub fn serial_number(serial: &str) -> Result<(), Fault> {
    length(serial, 1, 40)?;
    all(serial, |c| matches!(c, '0'..='9' | 'a'..='f'))?;
    format(!serial.starts_with('0'))
}

/// Everything that is not right yet in a query, in the order of the page. Where fewer than two are given, each of the
/// others is missing.
pub fn query(query: &Query) -> Vec<FieldFault> {
    let mut faults = Faults::default();
    let enough = query.given().count() >= Query::ENOUGH;
    let mut note = |field, value: &str, check: fn(&str) -> Result<(), Fault>| {
        if !(enough && value.is_empty()) {
            faults.note(field, check(value));
        }
    };
    note("number", &query.number, application_number);
    note("identity", &query.identity, identity);
    note("phone", &query.phone, mobile_phone);
    faults.0
}

/// 申办编号: given by the service, so no more is known of it than that it is short and plain.
pub fn application_number(number: &str) -> Result<(), Fault> {
    length(number, 6, 32)?;
    all(number, |c| c.is_ascii_alphanumeric() || c == '-')
}

/// A credit code or the number of a document whose kind is not said. Eighteen characters have a check digit in any
/// case, and nobody but who is in the middle of typing those has eleven digits or more.
pub fn identity(value: &str) -> Result<(), Fault> {
    if value.is_ascii() && value.len() == 18 {
        let person = resident_id(value).or_else(|fault| checked_id(value).map_err(|_| fault));
        let looks_like_a_person = digits(&value[..17]);
        return credit_code(value).or_else(|fault| person.map_err(|own| if looks_like_a_person { own } else { fault }));
    }
    if digits(value) && value.len() > 10 {
        return Err(if value.len() < 18 { Fault::TooShort } else { Fault::TooLong });
    }
    let officer = id_number(IdKind::OfficerId, value);
    id_number(IdKind::Passport, value).or_else(|fault| officer.map_err(|_| fault))
}

/// Collects what is wrong under the dotted names of the fields.
#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn note(&mut self, field: &str, outcome: Result<(), Fault>) {
        if let Err(fault) = outcome {
            self.0.push(FieldFault { field: field.to_owned(), fault });
        }
    }

    fn person(&mut self, of: &str, person: &Person) {
        self.note(&format!("{of}.name"), person_name(&person.name));
        self.note(&format!("{of}.id_number"), id_number(person.id_kind, &person.id_number));
    }

    /// Each new value as at registration. The number of a document is judged anew with its kind; what neither it nor
    /// its kind changes is as it was, and no matter of this case.
    fn changes(&mut self, particulars: &Particulars, offered: &[FieldName], current: &Registration) {
        let changed = current.with(&particulars.changes);
        let differs = |field: &str| changed.get(field) != current.get(field);
        let wrong = registration(&changed);
        for field in offered {
            let kind = field.strip_suffix("id_number").map(|of| format!("{of}id_kind"));
            let touched = differs(field) || kind.is_some_and(|kind| differs(&kind));
            if let Some(found) = wrong.iter().find(|found| touched && found.field == *field) {
                self.note(&format!("change.{field}"), Err(found.fault));
            }
        }
        for (field, value) in &particulars.changes {
            if !offered.contains(field) || !current.clone().set(field, value) {
                self.note(&format!("change.{field}"), Err(Fault::BadFormat));
            }
        }
        if !offered.iter().any(|field| differs(field)) && self.0.iter().all(|f| !f.field.starts_with("change.")) {
            self.note("change", Err(Fault::Missing));
        }
    }

    fn address(&mut self, address: &Address) {
        self.note("address.region", region(&address.region));
        self.note("address.detail", address_detail(&address.detail));
    }
}

/// The check digit and the date of birth that GB 11643 puts into 18 characters, whatever the first six mean.
fn checked_id(number: &str) -> Result<(), Fault> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    present(number)?;
    all(number, |c| c.is_ascii_digit() || c == 'X')?;
    length(number, 18, 18)?;
    if !digits(&number[..17]) {
        return Err(Fault::BadFormat);
    }
    let sum: u32 = number.bytes().zip(WEIGHTS).map(|(b, weight)| u32::from(b - b'0') * weight).sum();
    if b"10X98765432"[(sum % 11) as usize] != number.as_bytes()[17] {
        return Err(Fault::BadCheckDigit);
    }
    date(&number[6..14])
}

/// Eight digits, `yyyymmdd`, that are a day of the calendar since 1800.
fn date(digits: &str) -> Result<(), Fault> {
    let part = |range: std::ops::Range<usize>| digits[range].parse::<u16>().map_err(|_| Fault::BadDate);
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let month = time::Month::try_from(month as u8).map_err(|_| Fault::BadDate)?;
    time::Date::from_calendar_date(year.into(), month, day as u8).map_err(|_| Fault::BadDate)?;
    if year < 1800 { Err(Fault::BadDate) } else { Ok(()) }
}

/// Free text: not empty, not too long, nothing that cannot be seen.
fn text(value: &str, min: usize, max: usize) -> Result<(), Fault> {
    length(value.trim(), min, max)?;
    // Surrounding spaces do not count, but they are not let in by the thousand either.
    length(value, min, max)?;
    all(value, |c| !is_invisible(c))
}

fn present(value: &str) -> Result<(), Fault> {
    if value.is_empty() { Err(Fault::Missing) } else { Ok(()) }
}

/// In characters, not bytes: 王䶮 has two.
fn length(value: &str, min: usize, max: usize) -> Result<(), Fault> {
    match value.chars().count() {
        0 => Err(Fault::Missing),
        n if n < min => Err(Fault::TooShort),
        n if n > max => Err(Fault::TooLong),
        _ => Ok(()),
    }
}

fn all(value: &str, allowed: impl Fn(char) -> bool) -> Result<(), Fault> {
    if value.chars().all(allowed) { Ok(()) } else { Err(Fault::BadCharacter) }
}

fn format(fits: bool) -> Result<(), Fault> {
    if fits { Ok(()) } else { Err(Fault::BadFormat) }
}

fn digits(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit())
}

/// Marks that stand on the letter before them.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Controls, line ends, direction marks, zero-width and blank characters (some of them letters to Unicode), selectors of
/// a variant, private use: what would make two texts look alike, or one look different on the next computer.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{2800}' | '\u{3164}' | '\u{FFA0}' | '\u{1D173}'..='\u{1D17A}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{E000}'..='\u{F8FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CREDIT: &str = "91350100M000100Y43";
    const ID: &str = "11010519491231002X";

    #[test]
    fn the_standards_own_samples_pass() {
        assert_eq!(credit_code(CREDIT), Ok(()));
        assert_eq!(resident_id(ID), Ok(()));
        assert_eq!(credit_code("91350100M000100Y4A"), Err(Fault::BadCheckDigit));
        assert_eq!(
            credit_code("9123FB81441920HR7U"),
            Err(Fault::BadFormat),
            "the manual's sample has letters in its division"
        );
        assert_eq!(credit_code("91350100M000100I43"), Err(Fault::BadCharacter), "I never occurs: it looks like 1");
        assert_eq!(credit_code(""), Err(Fault::Missing));
        assert_eq!(credit_code("9135"), Err(Fault::TooShort));
        assert_eq!(resident_id("110105194912310021"), Err(Fault::BadCheckDigit));
        assert_eq!(resident_id("1101051949123100XX"), Err(Fault::BadFormat), "X stands at the end only");
        assert_eq!(resident_id("११०१०५१९४९१२३१००२X"), Err(Fault::BadCharacter), "digits are those of ASCII");
    }

    #[test]
    fn a_retired_division_is_right_and_an_unknown_province_is_not() {
        let with_check = |first17: &str| {
            "0123456789X"
                .chars()
                .map(|c| format!("{first17}{c}"))
                .find(|n| checked_id(n) != Err(Fault::BadCheckDigit))
                .unwrap()
        };
        assert_eq!(
            resident_id(&with_check("23900519800101001")),
            Ok(()),
            "239005 is history, its people's numbers are not"
        );
        assert_eq!(resident_id(&with_check("99010519800101001")), Err(Fault::UnknownRegion));
        assert_eq!(resident_id(&with_check("11010519800230001")), Err(Fault::BadDate), "30 February");
        assert_eq!(resident_id(&with_check("11010517500101001")), Err(Fault::BadDate), "nobody alive was born in 1750");
        assert_eq!(
            id_number(IdKind::ForeignPermanentResident, &with_check("91184019800101001")),
            Ok(()),
            "card of 2023"
        );
    }

    #[test]
    fn not_everybody_has_eighteen_digits() {
        for (kind, good) in [
            (IdKind::Passport, "E12345678"),
            (IdKind::Passport, "1"),
            (IdKind::HkMacaoPermit, "H12345678"),
            (IdKind::HkMacaoPermit, "M1234567800"),
            (IdKind::TaiwanPermit, "12345678"),
            (IdKind::TaiwanPermit, "1234567890"),
            (IdKind::ForeignPermanentResident, "USA110080010101"),
            (IdKind::OfficerId, "军字第2001988号"),
            (IdKind::OfficerId, "20019881"),
        ] {
            assert_eq!(id_number(kind, good), Ok(()), "{good} is a number of {kind:?}");
        }
        for (kind, bad, fault) in [
            (IdKind::Passport, "E1234-5678", Fault::BadCharacter),
            (IdKind::HkMacaoPermit, "H123456789", Fault::BadFormat),
            (IdKind::HkMacaoPermit, "12345678H", Fault::BadFormat),
            (IdKind::TaiwanPermit, "123456789", Fault::BadFormat),
            (IdKind::ForeignPermanentResident, "US1110080010101", Fault::BadFormat),
            (IdKind::OfficerId, "军字第号", Fault::BadFormat),
            (IdKind::TaiwanPermit, "", Fault::Missing),
        ] {
            assert_eq!(id_number(kind, bad), Err(fault), "{bad} is no number of {kind:?}");
        }
    }

    #[test]
    fn names_keep_their_rare_characters_and_dots() {
        for good in ["王䶮", "阿卜杜拉·买买提", "𠮷野", "Jean-Pierre O'Neill", "Nguyễn Văn A", "㛃𬱖"]
        {
            assert_eq!(person_name(good), Ok(()), "{good} is a name");
        }
        assert_eq!(person_name("王"), Err(Fault::TooShort));
        assert_eq!(person_name("  "), Err(Fault::Missing));
        assert_eq!(person_name("··"), Err(Fault::BadFormat));
        assert_eq!(person_name("张3"), Err(Fault::BadCharacter));
        assert_eq!(person_name("张\u{200B}三"), Err(Fault::BadCharacter), "nothing invisible");
        for invisible in ['\u{202E}', '\u{2066}', '\u{FEFF}', '\u{3164}', '\u{115F}', '\u{FFA0}', '\u{34F}', '\u{2800}']
        {
            let name = format!("张{invisible}三");
            assert_eq!(person_name(&name), Err(Fault::BadCharacter), "{invisible:?} cannot be seen");
            assert_eq!(unit_name(&name), Err(Fault::BadCharacter), "{invisible:?} cannot be seen");
            assert_eq!(address_detail(&name), Err(Fault::BadCharacter), "{invisible:?} cannot be seen");
        }
        assert_eq!(person_name("\u{301}e\u{301}a"), Err(Fault::BadFormat), "a mark stands on a letter");
        assert_eq!(person_name("张\u{E863}"), Err(Fault::BadCharacter), "private use looks different on each computer");
        assert_eq!(person_name(&"王".repeat(61)), Err(Fault::TooLong));
        assert_eq!(unit_name("福州云帆测试科技有限公司（仓山·一分）No.1"), Ok(()));
        assert_eq!(unit_name("123456"), Err(Fault::BadFormat));
        assert_eq!(unit_name("福州\n云帆"), Err(Fault::BadCharacter));
        assert_eq!(unit_name(&"云".repeat(120)), Ok(()));
        assert_eq!(address_detail("仓山区金山大道 618 号 3-201"), Ok(()));
    }

    #[test]
    fn phones_and_mail() {
        assert_eq!(mobile_phone("13800138000"), Ok(()));
        assert_eq!(mobile_phone("12800138000"), Err(Fault::BadFormat));
        assert_eq!(mobile_phone("1380013800"), Err(Fault::TooShort));
        assert_eq!(mobile_phone("0591-1234567"), Err(Fault::BadCharacter));
        for good in ["a@b.cn", "wang.yan+ca@test-mail.example.com", "10086@qq.com"] {
            assert_eq!(email(good), Ok(()), "{good} is an address");
        }
        for bad in ["a", "@b.cn", "a@b", "a@@b.cn", "a@b.cn.", ".a@b.cn", "a..b@c.cn", "a@-b.cn", "a@b.1", "a@b@c.cn"] {
            assert_eq!(email(bad), Err(Fault::BadFormat), "{bad} is no address");
        }
        assert_eq!(email("王@b.cn"), Err(Fault::BadCharacter));
        assert_eq!(email(&format!("{}@b.cn", "a".repeat(250))), Err(Fault::TooLong));
    }

    #[test]
    fn a_form_names_its_faults_in_the_order_of_the_page() {
        let empty = |kind| Registration {
            kind,
            organisation: None,
            contact: Person::default(),
            phone: String::new(),
            email: String::new(),
            address: Address::default(),
        };
        let fields = |faults: Vec<FieldFault>| faults.into_iter().map(|f| f.field).collect::<Vec<_>>();
        assert_eq!(
            fields(registration(&empty(AccountKind::Enterprise))),
            [
                "organisation.name",
                "organisation.credit_code",
                "organisation.legal_representative.name",
                "organisation.legal_representative.id_number",
                "contact.name",
                "contact.id_number",
                "phone",
                "email",
                "address.region",
                "address.detail"
            ]
        );
        assert_eq!(
            fields(registration(&empty(AccountKind::Individual))).first().map(String::as_str),
            Some("contact.name")
        );
        let mut person_with_unit = empty(AccountKind::Individual);
        person_with_unit.organisation = Some(Organisation::default());
        assert!(fields(registration(&person_with_unit)).contains(&"organisation".to_owned()), "a person has no unit");
        assert_eq!(fields(handler(&Handler::default(), AccountKind::Authority))[0], "credit_code");
        assert_eq!(fields(handler(&Handler::default(), AccountKind::Individual))[0], "address.region");
    }

    #[test]
    fn what_a_case_is_about_is_checked_by_its_business() {
        use std::collections::BTreeMap;
        let person = |name: &str| Person { name: name.into(), id_kind: IdKind::ResidentId, id_number: ID.into() };
        let unit = Registration {
            kind: AccountKind::Enterprise,
            organisation: Some(Organisation {
                name: "福州云帆测试科技有限公司".into(),
                credit_code: CREDIT.into(),
                legal_representative: person("王䶮"),
            }),
            contact: person("林测试"),
            phone: String::new(),
            email: String::new(),
            address: Address::default(),
        };
        let (name, kind, number) = (
            "organisation.name",
            "organisation.legal_representative.id_kind",
            "organisation.legal_representative.id_number",
        );
        let offered = [name, kind, number].map(str::to_owned);
        let reasons = [RevocationReason::CessationOfOperation];
        let about = |certificate: Option<&str>, changes: &[(&str, &str)], reason| Particulars {
            certificate: certificate.map(str::to_owned),
            changes: changes.iter().map(|(f, v)| ((*f).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
            reason,
        };
        let faults = |business, about: &Particulars| -> Vec<(String, Fault)> {
            let found = particulars(about, business, &offered, &reasons, &unit);
            found.into_iter().map(|f| (f.field, f.fault)).collect()
        };
        let fault = |field: &str, fault| (field.to_owned(), fault);
        let serial = Some("5fa0");

        let renamed = about(serial, &[(name, "厦门云帆测试科技有限公司")], None);
        assert_eq!(faults(Business::Change, &renamed), []);
        let same = about(serial, &[(name, "福州云帆测试科技有限公司")], None);
        assert_eq!(faults(Business::Change, &same), [fault("change", Fault::Missing)], "the old name is no change");
        assert_eq!(faults(Business::Change, &about(serial, &[], None)), [fault("change", Fault::Missing)]);
        let empty = about(serial, &[(name, "")], None);
        assert_eq!(faults(Business::Change, &empty), [fault("change.organisation.name", Fault::Missing)]);
        let other = about(serial, &[("contact.name", "林小满"), (name, "云帆")], None);
        assert_eq!(faults(Business::Change, &other), [fault("change.contact.name", Fault::BadFormat)], "not offered");
        let passport = about(serial, &[(kind, "passport")], None);
        assert_eq!(faults(Business::Change, &passport), [], "eighteen characters may be a passport's too");
        let taiwan = about(serial, &[(kind, "taiwan_permit")], None);
        let judged = fault("change.organisation.legal_representative.id_number", Fault::TooLong);
        assert_eq!(faults(Business::Change, &taiwan), [judged], "another kind of document has another number");
        let unknown = about(serial, &[(kind, "library_card")], None);
        let judged = fault("change.organisation.legal_representative.id_kind", Fault::BadFormat);
        assert_eq!(faults(Business::Change, &unknown), [judged]);

        let ended = Some(RevocationReason::CessationOfOperation);
        assert_eq!(faults(Business::Revoke, &about(serial, &[], ended)), []);
        assert_eq!(faults(Business::Revoke, &about(serial, &[], None)), [fault("reason", Fault::Missing)]);
        let authority = Some(RevocationReason::CaCompromise);
        assert_eq!(faults(Business::Revoke, &about(serial, &[], authority)), [fault("reason", Fault::BadFormat)]);
        assert_eq!(faults(Business::Renew, &about(None, &[], None)), [fault("certificate", Fault::Missing)]);
        for strange in ["5FA0", "05fa", "0x5f", "5f 0"] {
            assert_eq!(faults(Business::Renew, &about(Some(strange), &[], None)).len(), 1, "{strange}");
        }
        assert_eq!(faults(Business::New, &about(None, &[], None)), []);
        let odd = about(serial, &[(name, "云帆")], ended);
        assert_eq!(faults(Business::New, &odd).len(), 3, "a first certificate is about none of these");
    }

    #[test]
    fn a_query_wants_any_two_and_names_what_is_wrong() {
        let faults = |number: &str, identity: &str, phone: &str| {
            let asked = Query { number: number.into(), identity: identity.into(), phone: phone.into() };
            query(&asked).into_iter().map(|f| (f.field, f.fault)).collect::<Vec<_>>()
        };
        let missing = |field: &str| (field.to_owned(), Fault::Missing);
        let (number, phone) = ("CD20261122000017", "13800138000");
        assert_eq!(faults(number, CREDIT, ""), [], "number and credit code are two");
        assert_eq!(faults(number, "", phone), []);
        assert_eq!(faults("", ID, phone), []);
        assert_eq!(faults(number, "", ""), [missing("identity"), missing("phone")], "one is too few");
        assert_eq!(faults("", "", ""), [missing("number"), missing("identity"), missing("phone")]);
        assert_eq!(faults("CD2026 17", ID, phone), [("number".to_owned(), Fault::BadCharacter)]);
        assert_eq!(faults(number, ID, "138"), [("phone".to_owned(), Fault::TooShort)], "what is given must be right");
    }

    #[test]
    fn an_identity_is_taken_without_its_kind_and_typing_errors_are_still_noticed() {
        for good in [CREDIT, ID, "E12345678", "H12345678", "USA110080010101", "军字第2001988号", "12345678"] {
            assert_eq!(identity(good), Ok(()), "{good} is somebody's number");
        }
        for (bad, fault) in [
            ("110105194912310021", Fault::BadCheckDigit),
            ("91350100M000100Y44", Fault::BadCheckDigit),
            ("11010519491231", Fault::TooShort),
            ("1101051949123100211", Fault::TooLong),
            ("E1234!", Fault::BadCharacter),
            ("", Fault::Missing),
        ] {
            assert_eq!(identity(bad), Err(fault), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_always_noticed_in_a_credit_code(place in 0usize..18, other in 0usize..31) {
            let mut code = CREDIT.as_bytes().to_vec();
            prop_assume!(code[place] != CREDIT_ALPHABET[other]);
            code[place] = CREDIT_ALPHABET[other];
            prop_assert!(credit_code(std::str::from_utf8(&code).unwrap()).is_err());
        }

        #[test]
        fn one_wrong_character_is_always_noticed_in_an_identity_number(place in 0usize..18, other in 0usize..11) {
            let mut number = ID.as_bytes().to_vec();
            prop_assume!(number[place] != b"0123456789X"[other]);
            number[place] = b"0123456789X"[other];
            prop_assert!(resident_id(std::str::from_utf8(&number).unwrap()).is_err());
        }

        #[test]
        fn two_exchanged_neighbours_are_always_noticed_in_a_credit_code(place in 0usize..17) {
            let mut code = CREDIT.as_bytes().to_vec();
            prop_assume!(code[place] != code[place + 1]);
            code.swap(place, place + 1);
            prop_assert!(credit_code(std::str::from_utf8(&code).unwrap()).is_err());
        }

        #[test]
        fn nothing_that_is_typed_stops_a_check(value in any::<String>()) {
            let _ = (identity(&value), application_number(&value));
            let _ = (credit_code(&value), mobile_phone(&value), email(&value), person_name(&value), unit_name(&value), region(&value));
            for kind in IdKind::ALL {
                let _ = id_number(kind, &value);
            }
        }
    }
}
