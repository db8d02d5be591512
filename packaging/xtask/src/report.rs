//! What a verb answers: rows under headings, facts, and whether it holds.

use std::fmt;

use serde_json::{Map, Value, json};

/// The answer of a verb.
#[derive(Debug, Default)]
pub(crate) struct Report {
    columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
    facts: Map<String, Value>,
    shortfalls: Vec<String>,
    closing: Option<String>,
}

impl Report {
    /// An empty table with these headings; they name the members in JSON too.
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        Self { columns, ..Self::default() }
    }

    /// Adds a row, one value a heading.
    pub(crate) fn row(&mut self, values: impl IntoIterator<Item = Value>) {
        self.rows.push(values.into_iter().collect());
    }

    /// Adds a named value beside the table.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// Notes that something falls short, as a sentence: the verb then exits non-zero.
    pub(crate) fn falls_short(&mut self, sentence: impl Into<String>) {
        self.shortfalls.push(sentence.into());
    }

    /// A last line of its own.
    pub(crate) fn closing(&mut self, line: String) {
        self.closing = Some(line);
    }

    /// Whether nothing fell short.
    pub(crate) fn holds(&self) -> bool {
        self.shortfalls.is_empty()
    }

    /// For machines.
    pub(crate) fn json(&self) -> Value {
        let named = |row: &Vec<Value>| -> Map<String, Value> {
            self.columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect()
        };
        let rows: Vec<_> = self.rows.iter().map(named).collect();
        json!({ "ok": self.holds(), "rows": rows, "facts": self.facts, "shortfalls": self.shortfalls, "closing": self.closing })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let body = self.rows.iter().map(|row| row.iter().map(shown).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
        let numeric = |column: usize| self.rows.iter().any(|row| row.get(column).is_some_and(Value::is_number));
        let widest = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| width(cell)).max();
        for line in lines.iter().filter(|_| !self.rows.is_empty()) {
            let cells = line.iter().enumerate().map(|(column, cell)| {
                let space = " ".repeat(widest(column).unwrap_or(0) - width(cell));
                if numeric(column) { format!("{space}{cell}") } else { format!("{cell}{space}") }
            });
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        for (name, value) in &self.facts {
            writeln!(out, "{name}: {}", shown(value))?;
        }
        self.shortfalls.iter().try_for_each(|sentence| writeln!(out, "falls short: {sentence}"))?;
        self.closing.iter().try_for_each(|line| writeln!(out, "\n{line}"))
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if number.abs() < 10.0 { format!("{number:.2}") } else { format!("{number:.1}") }
        }
        other => other.to_string(),
    }
}

/// Columns on a terminal: Chinese takes two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffef}' | '\u{20000}'..) { 2 } else { 1 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_under_chinese_too() {
        let mut report = Report::new(&["step", "seconds"]);
        report.row([json!("制证"), json!(1.25)]);
        report.row([json!("a"), json!(12.0)]);
        report.fact("pin", "123456");
        assert_eq!(report.to_string(), "step  seconds\n制证     1.25\na        12.0\npin: 123456\n");
    }

    #[test]
    fn a_shortfall_is_told_to_machines() {
        let mut report = Report::new(&["stage"]);
        report.row([json!("clippy")]);
        report.falls_short("clippy has complaints");
        let json = report.json();
        assert_eq!(json["ok"], false, "a report with a shortfall must not be ok");
        assert_eq!(json["rows"][0]["stage"], "clippy");
    }
}
