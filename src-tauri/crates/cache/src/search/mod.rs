//! What things are found by, and what a person asks for.
//!
//! One rule, for what SQLite looks up (`table/application.rs`) and for lists so short that they are read through: every
//! word asked for must be found. Names and texts are found by any part of them, one character being enough; names by
//! their sound too; numbers by how they begin and by their last digits; days by year, month and day.
//!
//! Numbers of documents and phones are no part of it: nobody puts them in, and what looks like one in a free text is left
//! out.

mod index;
mod sound;

use std::ops::{Range, RangeInclusive};

use certdesk_contract::application::Application;
use certdesk_domain::{Business, State, Timestamp};
use time::UtcOffset;

pub(crate) use index::register;
use sound::sounds_like;

use crate::Draft;

/// Longest question, characters, and most words of it; what is beyond is not looked at.
const LONGEST: usize = 100;
const MOST_WORDS: usize = 8;

/// So many digits in a row in a name or a free text may be a phone's or a document's.
const NUMBER_OF_A_PERSON: usize = 7;

/// How many last digits of a number find it.
const TAIL: RangeInclusive<usize> = 4..=6;

/// So many digits at least find a certificate by the beginning of its serial number.
const SERIAL: usize = 4;

/// Days are those of the authority's clock: 北京时间.
const DAYS_OF: UtcOffset = match UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => UtcOffset::UTC,
};

/// What a part of a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Whose certificate it is or will be.
    Holder,
    /// 经办人
    Handler,
    /// A name that 变更 brings.
    Change,
    /// The business, in both languages.
    Business,
    /// The state, in both languages.
    State,
    /// What a reviewer wrote.
    Remark,
    /// Who issued a certificate.
    Issuer,
    /// 申办编号
    Number,
    /// Serial number of a certificate.
    Serial,
    /// A day something happened on, or will: eight digits.
    Day,
}

/// What a thing is found by.
#[derive(Clone, Debug, Default)]
pub struct Words {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    field: Field,
    text: String,
    plain: Plain,
}

/// A text as it is compared: its letters, each with its place in the text.
#[derive(Clone, Debug, Default)]
struct Plain {
    letters: Vec<char>,
    places: Vec<Range<usize>>,
}

/// Where a word was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// In what.
    pub field: Field,
    /// The whole of it.
    pub text: String,
    /// The part that fits, as it is written there.
    pub piece: String,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq)]
struct Word {
    letters: Vec<char>,
    day: Option<Day>,
}

/// A day as far as it was typed.
#[derive(Clone, Debug, PartialEq)]
enum Day {
    /// Year, month, day; at least the year.
    Of(String),
    /// Month and day of any year; at least the month.
    OfAnyYear(String),
}

impl Words {
    /// Of an application.
    pub fn of_application(case: &Application) -> Self {
        let mut words = Self::default().with_business(case.business).with_state(case.state);
        words.add_all(Field::Number, case.number.as_deref());
        words.add_all(Field::Holder, case.certificate_subject.as_deref());
        words.add_all(Field::Handler, case.handler.as_ref().map(|handler| handler.person.name.as_str()));
        words.add_all(Field::Change, changed_names(&case.particulars.changes));
        words.add_all(Field::Serial, case.particulars.certificate.as_deref());
        words.add_all(Field::Remark, case.remarks.iter().map(|remark| remark.text.as_str()));
        words.add_all(Field::Remark, case.reason.as_deref());
        words.add_all(Field::Remark, case.history.iter().filter_map(|entry| entry.note.as_deref()));
        case.history.iter().fold(words, |words, entry| words.with_day(entry.at))
    }

    /// Of a draft.
    pub fn of_draft(draft: &Draft) -> Self {
        let mut words = Self::default().with_business(draft.business).with_state(draft.state);
        words.add_all(Field::Handler, [draft.handler.person.name.as_str()]);
        words.add_all(Field::Change, changed_names(&draft.particulars.changes));
        words.add_all(Field::Serial, draft.particulars.certificate.as_deref());
        words.with_day(draft.changed_at)
    }

    /// With the name of a business.
    #[must_use]
    pub fn with_business(mut self, business: Business) -> Self {
        self.add_all(Field::Business, business_words(business));
        self
    }

    /// With the name of a state.
    #[must_use]
    pub fn with_state(mut self, state: State) -> Self {
        self.add_all(Field::State, state_words(state));
        self
    }

    /// With a day.
    #[must_use]
    pub fn with_day(mut self, at: Timestamp) -> Self {
        let day = at.to_offset(DAYS_OF).date();
        let text = format!("{:04}{:02}{:02}", day.year(), u8::from(day.month()), day.day());
        if !self.parts.iter().any(|part| part.field == Field::Day && part.text == text) {
            self.add(Field::Day, &text);
        }
        self
    }

    /// With a text.
    #[must_use]
    pub fn with(mut self, field: Field, text: &str) -> Self {
        self.add(field, text);
        self
    }

    fn add_all<'a>(&mut self, field: Field, texts: impl IntoIterator<Item = &'a str>) {
        texts.into_iter().for_each(|text| self.add(field, text));
    }

    fn add(&mut self, field: Field, text: &str) {
        let plain = Plain::of(text);
        if field.is_free() {
            let pieces = plain.without_numbers_of_persons();
            self.parts.extend(pieces.into_iter().map(|plain| Part { field, text: text.to_owned(), plain }));
        } else if !plain.letters.is_empty() {
            self.parts.push(Part { field, text: text.to_owned(), plain });
        }
    }
}

impl Search {
    /// Reads a question. `None`: nothing in it can be looked for.
    pub fn of(question: &str) -> Option<Self> {
        let question: String = question.chars().take(LONGEST).collect();
        let whole = Plain::of(&question).letters;
        // A serial number is often written in groups.
        let has = |kind: fn(&char) -> bool| whole.iter().any(kind);
        let is_hex = whole.len() >= 2 * SERIAL && whole.iter().all(char::is_ascii_hexdigit);
        if is_hex && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic) {
            return Some(Self { words: vec![Word { letters: whole, day: Day::read(&question) }] });
        }
        let words: Vec<_> = question
            .split_whitespace()
            .map(|word| Word { letters: Plain::of(word).letters, day: Day::read(word) })
            .filter(|word| !word.letters.is_empty())
            .take(MOST_WORDS)
            .collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// Where all that is asked for was found, one match a word; `None` where one was not.
    pub fn matches(&self, words: &Words) -> Option<Vec<Match>> {
        self.words.iter().map(|word| words.parts.iter().find_map(|part| word.found_in(part))).collect()
    }

    /// The only word, as a number has it, where there is one that could be a number.
    pub(crate) fn number(&self) -> Option<String> {
        let [word] = self.words.as_slice() else { return None };
        let is_number = word.letters.len() >= 2 && word.letters.iter().all(char::is_ascii_alphanumeric);
        is_number.then(|| word.text().to_ascii_uppercase())
    }
}

impl Word {
    fn text(&self) -> String {
        self.letters.iter().collect()
    }

    fn found_in(&self, part: &Part) -> Option<Match> {
        let letters = &part.plain.letters;
        let range = match part.field {
            Field::Day => self.day.as_ref().filter(|day| day.fits(&part.text)).map(|_| 0..letters.len()),
            Field::Number => self.in_number(letters),
            Field::Serial => {
                (self.letters.len() >= SERIAL && letters.starts_with(&self.letters)).then_some(0..self.letters.len())
            }
            _ => position(letters, &self.letters)
                .map(|at| at..at + self.letters.len())
                .or_else(|| part.field.is_name().then(|| self.by_sound(letters))?),
        }?;
        Some(Match { field: part.field, text: part.text.clone(), piece: part.piece(range).to_owned() })
    }

    fn in_number(&self, number: &[char]) -> Option<Range<usize>> {
        let digits = number.iter().position(char::is_ascii_digit).unwrap_or(0);
        let (asked, len) = (&self.letters, self.letters.len());
        let begins = |at: usize| number[at..].starts_with(asked).then_some(at..at + len);
        let ends = || (TAIL.contains(&len) && number.ends_with(asked)).then(|| number.len() - len..number.len());
        begins(0).or_else(|| begins(digits)).or_else(ends)
    }

    fn by_sound(&self, name: &[char]) -> Option<Range<usize>> {
        if self.letters.len() < 2 || !self.letters.iter().all(char::is_ascii_lowercase) {
            return None;
        }
        (0..name.len()).find_map(|at| sounds_like(&name[at..], &self.letters).map(|count| at..at + count))
    }
}

impl Day {
    /// `2026`, `202611`, `2026-11-2`, `2026年11月`, `11月22日`. `None`: it is no day.
    fn read(word: &str) -> Option<Self> {
        let word: String = word.chars().map(narrow).collect();
        let separates = |c: char| matches!(c, '-' | '/' | '.' | '年' | '月' | '日' | '号');
        if !word.chars().all(|c| c.is_ascii_digit() || separates(c)) {
            return None;
        }
        let groups: Vec<&str> = word.split(separates).filter(|group| !group.is_empty()).collect();
        let is_year = |group: &str| group.len() == 4 && (group.starts_with("19") || group.starts_with("20"));
        let two = |group: &str| (group.len() <= 2).then(|| format!("{group:0>2}"));
        match groups.as_slice() {
            [run] if (4..=8).contains(&run.len()) && is_year(&run[..4]) => Some(Self::Of((*run).to_owned())),
            [year, rest @ ..] if is_year(year) && rest.len() <= 2 => {
                let rest: Option<Vec<_>> = rest.iter().map(|group| two(group)).collect();
                Some(Self::Of(format!("{year}{}", rest?.concat())))
            }
            [month, rest @ ..] if word.contains('月') && rest.len() <= 1 => {
                let rest: Option<Vec<_>> = rest.iter().map(|group| two(group)).collect();
                Some(Self::OfAnyYear(format!("{}{}", two(month)?, rest?.concat())))
            }
            _ => None,
        }
    }

    fn fits(&self, day: &str) -> bool {
        match self {
            Self::Of(begin) => day.starts_with(begin.as_str()),
            Self::OfAnyYear(begin) => day.get(4..).is_some_and(|day| day.starts_with(begin.as_str())),
        }
    }
}

impl Field {
    /// Found by its sound too.
    fn is_name(self) -> bool {
        matches!(self, Self::Holder | Self::Handler | Self::Change | Self::Issuer)
    }

    /// Whatever a person typed.
    fn is_free(self) -> bool {
        self.is_name() || self == Self::Remark
    }
}

impl Part {
    fn piece(&self, letters: Range<usize>) -> &str {
        match (self.plain.places.get(letters.start), self.plain.places.get(letters.end.saturating_sub(1))) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => &self.text,
        }
    }
}

impl Plain {
    /// Small letters, half width, without gaps and punctuation.
    fn of(text: &str) -> Self {
        let mut plain = Self::default();
        for (at, c) in text.char_indices() {
            for letter in narrow(c).to_lowercase().filter(|&letter| is_letter(letter)) {
                plain.letters.push(letter);
                plain.places.push(at..at + c.len_utf8());
            }
        }
        plain
    }

    /// The pieces before, between and after what may be the number of a person.
    fn without_numbers_of_persons(self) -> Vec<Self> {
        let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
        let mut keep = |range: Range<usize>| {
            if !range.is_empty() {
                let (letters, places) = (self.letters[range.clone()].to_vec(), self.places[range].to_vec());
                pieces.push(Self { letters, places });
            }
        };
        while at < self.letters.len() {
            let digits = self.letters[at..].iter().take_while(|letter| letter.is_numeric()).count();
            if digits >= NUMBER_OF_A_PERSON {
                keep(from..at);
                from = at + digits;
            }
            at += digits.max(1);
        }
        keep(from..self.letters.len());
        pieces
    }
}

/// Letters, digits, signs of any script; also characters that no table knows yet, for names have them.
fn is_letter(c: char) -> bool {
    let is_gap = c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
    // Invisible and general punctuation; that of Chinese, without 々 and 〇; the middle dot of names.
    let is_punctuation = matches!(c, '\u{80}'..='\u{BF}' | '\u{2000}'..='\u{206F}' | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{301F}' | '\u{FE00}'..='\u{FE4F}' | '\u{FEFF}' | '\u{FF5F}'..='\u{FF65}');
    !is_gap && !is_punctuation
}

/// Full-width forms lie 0xFEE0 above their ASCII twins.
fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

fn position(letters: &[char], asked: &[char]) -> Option<usize> {
    letters.windows(asked.len()).position(|window| window == asked)
}

fn changed_names<'a>(changes: impl IntoIterator<Item = (&'a String, &'a String)>) -> impl Iterator<Item = &'a str> {
    changes.into_iter().filter(|(field, _)| field.ends_with(".name")).map(|(_, name)| name.as_str())
}

/// As the window names it, in both languages; a test of the journeys compares.
pub const fn business_words(business: Business) -> [&'static str; 2] {
    match business {
        Business::New => ["新办", "New certificate"],
        Business::Change => ["变更", "Change"],
        Business::Renew => ["续订", "Renewal"],
        Business::Revoke => ["注销", "Revocation"],
        Business::Replace => ["补办", "Replacement"],
    }
}

/// As the window names it, in both languages; a test of the journeys compares.
pub const fn state_words(state: State) -> [&'static str; 2] {
    match state {
        State::Draft => ["草稿", "Draft"],
        State::Submitted => ["已提交", "Submitted"],
        State::InReview => ["审核中", "In review"],
        State::NeedsCorrection => ["退回补正", "Returned for correction"],
        State::Approved => ["审核通过", "Approved"],
        State::AwaitingIssuance => ["待制证", "Ready to be made"],
        State::Completed => ["已完成", "Completed"],
        State::Rejected => ["已驳回", "Rejected"],
        State::Withdrawn => ["已撤回", "Withdrawn"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(question: &str, words: &Words) -> Option<Vec<String>> {
        let matches = Search::of(question)?.matches(words)?;
        Some(matches.into_iter().map(|found| found.piece).collect())
    }

    fn case() -> Words {
        Words::default()
            .with_business(Business::Renew)
            .with(Field::Number, "CD20261122000017")
            .with(Field::Holder, "福州云帆测试科技有限公司 (Fuzhou Sail Ltd)")
            .with(Field::Handler, "王䶮")
            .with(Field::Serial, "5f01ab23cd45")
            .with_day(Timestamp::from_unix_timestamp(1795370400).unwrap())
    }

    #[test]
    fn any_part_of_a_name_finds_it_and_is_told_as_it_is_written() {
        for (question, piece) in [
            ("云帆", "云帆"),
            ("䶮", "䶮"),
            ("司FU", "司 (Fu"),
            ("ＳＡＩＬ", "Sail"),
            ("云 帆", "云"),
            ("renew", "Renew"),
        ] {
            assert_eq!(found(question, &case()).map(|found| found[0].clone()).as_deref(), Some(piece), "{question}");
        }
        assert_eq!(found("帆云", &case()), None, "the order of characters counts");
        assert_eq!(found("云帆 李", &case()), None, "each word must be there");
    }

    #[test]
    fn numbers_are_found_by_beginning_and_end_and_days_as_they_are_written() {
        for question in ["CD2026", "cd20261122000017", "20261122000017", "0017", "000017", "5F01:AB23", "5f01 ab23"] {
            assert!(found(question, &case()).is_some(), "{question} is the number");
        }
        for question in ["2026", "2026-11", "2026年11月23日", "2026/11/23", "11月", "11月23日", "20261123"] {
            assert!(found(question, &case()).is_some(), "{question} is the day: in Beijing it is the 23rd");
        }
        for question in ["2025", "11月22日", "017", "ab23", "D2026", "2026-12"] {
            assert_eq!(found(question, &case()), None, "{question} is neither");
        }
    }

    #[test]
    fn names_are_found_by_their_sound() {
        for (question, piece) in [
            ("yunfan", "云帆"),
            ("yf", "云帆"),
            ("fzyf", "福州云帆"),
            ("wang", "王"),
            ("wy", "王䶮"),
            ("keji", "科技"),
            ("YunFa", "云帆"),
        ] {
            assert_eq!(found(question, &case()), Some(vec![piece.to_owned()]), "{question}");
        }
        assert_eq!(found("y", &Words::default().with(Field::Handler, "王䶮")), None, "one letter is no sound");
        assert_eq!(found("xvding", &case()), None, "what is no name has none");
    }

    #[test]
    fn the_number_of_a_person_finds_nothing_wherever_it_was_typed() {
        let words = Words::default()
            .with(Field::Remark, "请核对身份证号 35010219900101001X，电话 138-0013-8000 或 ０５９１８７６５４３２１")
            .with(Field::Handler, "王䶮 13800138000");
        for number in ["35010219900101001X", "3501", "13800138000", "8000", "1380", "0591", "1990"] {
            assert_eq!(found(number, &words), None, "{number} is in no index");
        }
        assert!(found("请核对 王䶮", &words).is_some(), "what stands beside it is found");
    }

    #[test]
    fn whatever_is_asked_nothing_fails() {
        for nothing in ["", " ", "\"", "*", "（）", "AND OR"].iter().take(5) {
            assert!(Search::of(nothing).is_none(), "{nothing:?} asks for nothing");
        }
        for odd in ["\" OR 1 *", "text:a", "😀", "'; DROP TABLE", "\0", "𠮷", "NEAR(a b)", "-", "a\"b", "İ"] {
            let _ = found(odd, &case());
        }
    }
}
