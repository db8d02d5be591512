//! The same for SQLite: what a row is found by as tokens of an FTS5 table, and a question as FTS5 reads it.
//!
//! Each token begins with a mark of the account, so that one account's rows are no part of another's lists. A name is cut
//! into pairs of neighbouring characters, the last one alone: two characters are one token, one begins a token, more are
//! tokens in a row. (FTS5's own `trigram` finds nothing by two characters.) Tokens are ASCII letters and digits and
//! whatever is not ASCII, which is just what the tokenizer `ascii` takes for a token.

use std::fmt::Write as _;

use certdesk_contract::application::Application;
use certdesk_domain::State;
use rusqlite::{Connection, functions::FunctionFlags};
use sha2::{Digest as _, Sha256};

use super::{
    Day, Field, SERIAL, Search, TAIL, Word, Words,
    sound::{CUT, sounds},
};

/// Makes `found_by(column, account, content)` known to SQLite: what an application is found by, for one column of its
/// index. It gives the same for the same row always, for that is how a row is taken out again. Who changes it adds a
/// migration that fills the index anew.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("found_by", 3, flags, |arguments| {
        let (column, account, content): (String, String, String) =
            (arguments.get(0)?, arguments.get(1)?, arguments.get(2)?);
        // What a later version wrote and this one cannot read is shown nowhere, and found nowhere.
        let case = serde_json::from_str::<Application>(&content).ok().filter(|case| case.state != State::Draft);
        let words = case.map(|case| Words::of_application(&case)).unwrap_or_default();
        let mark = mark(&account);
        Ok(match column.as_str() {
            "text" => words.text(&mark),
            "facts" => words.facts(&mark),
            "sounds" => words.sounds(&mark),
            _ => [words.text(&mark), words.facts(&mark), words.sounds(&mark)].join("\n"),
        })
    })
}

/// Six hex digits of an account's own: more accounts than share a computer.
pub(crate) fn mark(account: &str) -> String {
    Sha256::digest(account).iter().take(3).fold(String::new(), |mut mark, byte| {
        let _ = write!(mark, "{byte:02x}");
        mark
    })
}

impl Words {
    fn text(&self, mark: &str) -> String {
        let texts = self.parts.iter().filter(|part| part.field.is_free() || part.field.is_named());
        texts.map(|part| pairs(&part.plain.letters, mark).join(" ")).collect::<Vec<_>>().join(" ")
    }

    fn sounds(&self, mark: &str) -> String {
        let names = self.parts.iter().filter(|part| part.field.is_name());
        let sounds = names.flat_map(|part| sounds(&part.plain.letters));
        sounds.map(|sound| format!("{mark}{sound}")).collect::<Vec<_>>().join(" ")
    }

    /// Days as `d20261122` and `m1122`, numbers as `n20261122` and, by their end, `t000017`, serial numbers as `s5f01ab23`.
    fn facts(&self, mark: &str) -> String {
        let mut facts: Vec<String> = Vec::new();
        for part in &self.parts {
            let letters = &part.plain.letters;
            let text: String = letters.iter().collect();
            match part.field {
                Field::Day => facts.extend([format!("d{text}"), format!("m{}", text.get(4..).unwrap_or_default())]),
                Field::Serial => facts.push(format!("s{}", cut(letters))),
                Field::Number => {
                    let digits = letters.iter().position(char::is_ascii_digit).unwrap_or(0);
                    facts.push(format!("n{}", cut(&letters[digits..])));
                    facts.push(format!("n{}", cut(letters)));
                    let tails = TAIL.filter_map(|count| letters.len().checked_sub(count));
                    facts.extend(tails.map(|at| format!("t{}", letters[at..].iter().collect::<String>())));
                }
                _ => {}
            }
        }
        facts.iter().filter(|fact| fact.chars().all(|c| c.is_ascii_alphanumeric())).fold(
            String::new(),
            |mut line, fact| {
                let _ = write!(line, "{mark}{fact} ");
                line
            },
        )
    }
}

impl Search {
    /// As FTS5 asks, about the rows of one account. Finds all that [`Search::matches`] takes, and a little more.
    pub(crate) fn question(&self, account: &str) -> String {
        let mark = mark(account);
        let words = self.words.iter().map(|word| format!("({})", word.question(&mark)));
        words.collect::<Vec<_>>().join(" AND ")
    }
}

impl Word {
    fn question(&self, mark: &str) -> String {
        let letters = &self.letters;
        let mut ways = vec![match pairs(letters, mark).as_slice() {
            [one] => format!("text : \"{one}\" *"),
            [pairs @ .., _] => format!("text : \"{}\"", pairs.join(" ")),
            [] => String::new(),
        }];
        let mut fact = |kind: char, fact: &str, whole: bool| {
            ways.push(format!("facts : \"{mark}{kind}{fact}\"{}", if whole { "" } else { " *" }));
        };
        match &self.day {
            Some(Day::Of(day)) => fact('d', day, false),
            Some(Day::OfAnyYear(day)) => fact('m', day, false),
            None => {}
        }
        let (ascii, short) = (letters.iter().all(char::is_ascii_alphanumeric), cut(letters));
        if ascii && letters.len() >= 2 {
            fact('n', &short, false);
        }
        if ascii && letters.len() >= SERIAL {
            fact('s', &short, false);
        }
        if ascii && TAIL.contains(&letters.len()) {
            fact('t', &short, true);
        }
        if letters.len() >= 2 && letters.iter().all(char::is_ascii_lowercase) {
            ways.push(format!("sounds : \"{mark}{short}\" *"));
        }
        ways.join(" OR ")
    }
}

impl Field {
    /// Words of our own.
    fn is_named(self) -> bool {
        matches!(self, Self::Business | Self::State)
    }
}

/// Each character with the one after it, the last alone.
fn pairs(letters: &[char], mark: &str) -> Vec<String> {
    (0..letters.len()).map(|at| letters[at..letters.len().min(at + 2)].iter().fold(mark.to_owned(), add)).collect()
}

fn cut(letters: &[char]) -> String {
    letters.iter().take(CUT).collect()
}

fn add(mut text: String, letter: &char) -> String {
    text.push(*letter);
    text
}
