//! What the functions of proxy scripts answer, as they are documented (MDN, "Proxy Auto-Configuration (PAC) file"). What a
//! function cannot read is false, as for a browser.

use std::{
    cell::RefCell,
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};
use time::{OffsetDateTime, UtcOffset};

/// Names and what they resolve to, within bounds.
pub(super) struct Names {
    lookup: fn(&str, Duration) -> Vec<IpAddr>,
    most: usize,
    known: RefCell<Known>,
}

struct Known {
    addresses: HashMap<String, Option<IpAddr>>,
    time_left: Duration,
}

impl Names {
    pub(super) fn new(lookup: fn(&str, Duration) -> Vec<IpAddr>, most: usize, time: Duration) -> Self {
        Self { lookup, most, known: RefCell::new(Known { addresses: HashMap::new(), time_left: time }) }
    }

    /// An address of a name, IPv4 where it has one: scripts reckon with those. `None` beyond the bounds too.
    pub(super) fn resolve(&self, host: &str) -> Option<IpAddr> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Some(address);
        }
        let mut known = self.known.borrow_mut();
        if let Some(known) = known.addresses.get(host) {
            return *known;
        }
        if host.is_empty() || host.len() > 253 || known.addresses.len() >= self.most || known.time_left.is_zero() {
            return None;
        }
        let begun = Instant::now();
        let found = (self.lookup)(host, known.time_left);
        known.time_left = known.time_left.saturating_sub(begun.elapsed());
        let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
        known.addresses.insert(host.to_owned(), address);
        address
    }
}

pub(super) fn is_plain(host: &str) -> bool {
    !host.contains('.')
}

pub(super) fn is_of_domain(host: &str, domain: &str) -> bool {
    host.to_ascii_lowercase().ends_with(&domain.to_ascii_lowercase())
}

/// The name, or the start of it where the host has no domain.
pub(super) fn is_host_or_name(host: &str, name: &str) -> bool {
    host == name || (is_plain(host) && name.strip_prefix(host).is_some_and(|rest| rest.starts_with('.')))
}

pub(super) fn is_in_net(address: IpAddr, net: &str, mask: &str) -> bool {
    let parsed = |text: &str| text.parse::<Ipv4Addr>().ok().map(u32::from);
    match (address, parsed(net), parsed(mask)) {
        (IpAddr::V4(address), Some(net), Some(mask)) => u32::from(address) & mask == net & mask,
        _ => false,
    }
}

/// An IPv4 address as a number, 0 for anything else.
pub(super) fn number_of(address: &str) -> f64 {
    address.parse::<Ipv4Addr>().map_or(0.0, |address| f64::from(u32::from(address)))
}

/// Whether a text is as a pattern says, in which `*` stands for any characters and `?` for one. No time is lost on a
/// pattern of many stars: only the last star is gone back to.
pub(super) fn matches_shell(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((at, of));
                of += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[at] => {
                at += 1;
                of += 1;
            }
            _ => {
                let Some((taken, place)) = star else { return false };
                star = Some((taken + 1, place));
                at = taken + 1;
                of = place + 1;
            }
        }
    }
    pattern[of..].iter().all(|&rest| rest == '*')
}

/// `weekdayRange(first[, last][, "GMT"])`
pub(super) fn weekday_range(words: &[String], now: OffsetDateTime) -> bool {
    const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let (words, now) = in_zone(words, now);
    let day = |word: &String| place(&DAYS, word);
    let today = usize::from(now.weekday().number_days_from_sunday());
    match words {
        [day_alone] => day(day_alone) == Some(today),
        [first, last] => day(first).zip(day(last)).is_some_and(|(first, last)| around(first, today, last)),
        _ => false,
    }
}

/// A part of a date.
enum Part {
    Day(i32),
    Month(i32),
    Year(i32),
}

/// `dateRange` of a day, a month, a year or several of them, or from such to such, `"GMT"` at the end.
pub(super) fn date_range(words: &[String], now: OffsetDateTime) -> bool {
    use Part::{Day, Month, Year};
    let (words, now) = in_zone(words, now);
    let Some(parts) = words.iter().map(|word| part(word)).collect::<Option<Vec<_>>>() else { return false };
    let (day, month, year) = (i32::from(now.day()), i32::from(u8::from(now.month())), now.year());
    match parts[..] {
        [Day(one)] => one == day,
        [Month(one)] => one == month,
        [Year(one)] => one == year,
        [Day(first), Day(last)] => around(first, day, last),
        [Month(first), Month(last)] => around(first, month, last),
        [Year(first), Year(last)] => (first..=last).contains(&year),
        [Day(d1), Month(m1), Day(d2), Month(m2)] => around((m1, d1), (month, day), (m2, d2)),
        [Month(m1), Year(y1), Month(m2), Year(y2)] => ((y1, m1)..=(y2, m2)).contains(&(year, month)),
        [Day(d1), Month(m1), Year(y1), Day(d2), Month(m2), Year(y2)] => {
            ((y1, m1, d1)..=(y2, m2, d2)).contains(&(year, month, day))
        }
        _ => false,
    }
}

/// `timeRange` of an hour, or from an hour, a minute or a second to another, `"GMT"` at the end. The end of hours is when
/// the last one strikes.
pub(super) fn time_range(words: &[String], now: OffsetDateTime) -> bool {
    let (words, now) = in_zone(words, now);
    let number = |word: &String| word.trim().parse::<u32>().ok().filter(|number| *number < 60);
    let Some(numbers) = words.iter().map(number).collect::<Option<Vec<_>>>() else { return false };
    let hour = u32::from(now.hour());
    let second = (hour * 60 + u32::from(now.minute())) * 60 + u32::from(now.second());
    let at = |hour: u32, minute: u32, second: u32| (hour * 60 + minute) * 60 + second;
    match numbers[..] {
        [one] => one == hour,
        [first, last] if first == last => first == hour,
        [first, last] if first < last => (first..last).contains(&hour),
        [first, last] => hour >= first || hour < last,
        [h1, m1, h2, m2] => around(at(h1, m1, 0), second, at(h2, m2, 0)),
        [h1, m1, s1, h2, m2, s2] => around(at(h1, m1, s1), second, at(h2, m2, s2)),
        _ => false,
    }
}

/// The words without `GMT` at their end, and the time where they mean it.
fn in_zone(words: &[String], now: OffsetDateTime) -> (&[String], OffsetDateTime) {
    match words.split_last() {
        Some((last, rest)) if last.eq_ignore_ascii_case("gmt") => (rest, now.to_offset(UtcOffset::UTC)),
        _ => (words, now),
    }
}

fn part(word: &str) -> Option<Part> {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    if let Some(month) = place(&MONTHS, word) {
        return Some(Part::Month(month as i32 + 1));
    }
    match word.trim().parse::<i32>().ok()? {
        day @ 1..=31 => Some(Part::Day(day)),
        year => Some(Part::Year(year)),
    }
}

fn place(names: &[&str], word: &str) -> Option<usize> {
    names.iter().position(|name| name.eq_ignore_ascii_case(word))
}

/// From the first to the last, over the end of the week or the year where the first is the later one.
fn around<T: PartialOrd>(first: T, now: T, last: T) -> bool {
    if first <= last { first <= now && now <= last } else { first <= now || now <= last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    /// A Tuesday in the east, still Monday in Greenwich.
    const NOW: OffsetDateTime = datetime!(2026-03-17 07:40:30 +8);

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn days_of_the_week() {
        for (given, is) in [
            ("TUE", true),
            ("MON", false),
            ("MON GMT", true),
            ("MON FRI", true),
            ("WED MON", false),
            ("SAT TUE", true),
            ("tue", true),
            ("TUESDAY", false),
            ("", false),
        ] {
            assert_eq!(weekday_range(&words(given), NOW), is, "weekdayRange({given})");
        }
    }

    #[test]
    fn dates() {
        for (given, is) in [
            ("17", true),
            ("16 GMT", true),
            ("1 15", false),
            ("MAR", true),
            ("JAN MAR", true),
            ("NOV FEB", false),
            ("NOV APR", true),
            ("2026", true),
            ("1995 2025", false),
            ("1 JUN 15 AUG", false),
            ("24 DEC 17 MAR", true),
            ("OCT 2025 MAR 2026", true),
            ("1 JUN 1995 15 AUG 2030", true),
            ("18 MAR 2026 15 AUG 2030", false),
            ("17 2026", false),
            ("MARCH", false),
            ("", false),
        ] {
            assert_eq!(date_range(&words(given), NOW), is, "dateRange({given})");
        }
    }

    #[test]
    fn times() {
        for (given, is) in [
            ("7", true),
            ("8", false),
            ("23 GMT", true),
            ("7 8", true),
            ("6 7", false),
            ("22 8", true),
            ("7 30 7 45", true),
            ("7 41 17 0", false),
            ("0 0 0 7 40 30", true),
            ("0 0 0 7 40 29", false),
            ("1 2 3", false),
            ("seven", false),
            ("", false),
        ] {
            assert_eq!(time_range(&words(given), NOW), is, "timeRange({given})");
        }
    }

    #[test]
    fn shell_patterns() {
        for (text, pattern, is) in [
            ("abc", "abc", true),
            ("abc", "a?c", true),
            ("abc", "*", true),
            ("", "*", true),
            ("", "?", false),
            ("abc", "ab", false),
            ("abcabd", "*abd", true),
            ("a.b", "a.b*", true),
            ("axb", "a.b", false),
            ("Abc", "abc", false),
            ("证办通", "?办*", true),
        ] {
            assert_eq!(matches_shell(text, pattern), is, "{text} by {pattern}");
        }
        let many = "*a".repeat(2000);
        assert!(!matches_shell(&"a".repeat(1999), &many), "many stars cost no more than their length");
    }

    proptest! {
        #[test]
        fn any_words_are_read_without_harm(words in proptest::collection::vec("\\PC{0,8}|GMT|[0-9]{1,6}|JAN|MON", 0..8)) {
            let _ = (weekday_range(&words, NOW), date_range(&words, NOW), time_range(&words, NOW));
            for word in &words {
                let _ = (is_plain(word), number_of(word), is_of_domain(word, word));
                prop_assert!(matches_shell(word, "*"));
                prop_assert!(is_host_or_name(word, word));
            }
        }
    }
}
