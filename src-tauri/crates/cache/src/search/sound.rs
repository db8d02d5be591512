//! How a Chinese name sounds: pinyin without tones, all readings of each character.

use std::collections::{BTreeSet, HashSet};

use pinyin::ToPinyinMulti as _;

/// Longest sound that is kept of each place of a name, letters; what is typed beyond is compared afterwards.
pub(super) const CUT: usize = 8;
/// Readings of one place that are kept: names have two or three characters with more than one.
const MOST: usize = 32;

/// What begins at each place of a name: its syllables, and their first letters; each up to [`CUT`] letters.
pub(super) fn sounds(name: &[char]) -> Vec<String> {
    let readings: Vec<_> = name.iter().map(|&c| readings(c)).collect();
    let mut sounds = Vec::new();
    for at in (0..name.len()).filter(|&at| !name[at].is_ascii()) {
        for initials in [false, true] {
            sounds.extend(run(&readings[at..], initials));
        }
    }
    sounds.sort();
    sounds.dedup();
    sounds
}

/// Whether a name begins with what was typed, spelled out or by first letters; with how many characters of it.
pub(super) fn sounds_like(name: &[char], typed: &[char]) -> Option<usize> {
    if name.first().is_none_or(char::is_ascii) {
        return None;
    }
    let typed: String = typed.iter().collect();
    begins(name, &typed, true).or_else(|| begins(name, &typed, false))
}

/// Walks along the name with all the ways in which what was typed can be read so far.
fn begins(name: &[char], typed: &str, initials: bool) -> Option<usize> {
    let mut reached = BTreeSet::from([0]);
    for (at, &c) in name.iter().enumerate() {
        let mut next = BTreeSet::new();
        for reading in readings(c) {
            let Some(reading) = (if initials { reading.get(..1) } else { Some(reading.as_str()) }) else { continue };
            for &from in &reached {
                if reading.starts_with(&typed[from..]) {
                    return Some(at + 1);
                }
                if typed[from..].starts_with(reading) {
                    next.insert(from + reading.len());
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        reached = next;
    }
    None
}

fn run(readings: &[Vec<String>], initials: bool) -> Vec<String> {
    let mut runs = vec![String::new()];
    for next in readings {
        let parts: Vec<&str> =
            next.iter().filter_map(|reading| if initials { reading.get(..1) } else { Some(reading) }).collect();
        if parts.is_empty() || runs.iter().all(|run| run.len() >= CUT) {
            break;
        }
        let mut longer: Vec<String> =
            parts.iter().flat_map(|part| runs.iter().map(move |run| format!("{run}{part}"))).collect();
        longer.iter_mut().for_each(|run| run.truncate(CUT));
        let mut seen = HashSet::new();
        longer.retain(|run| seen.insert(run.clone()));
        longer.truncate(MOST);
        runs = longer;
    }
    runs.retain(|run| run.len() >= 2);
    runs
}

/// Letters and digits sound as they are written. `ü` is typed as v or as u.
fn readings(c: char) -> Vec<String> {
    if c.is_ascii_alphanumeric() {
        return vec![c.to_ascii_lowercase().to_string()];
    }
    let mut readings: Vec<String> = Vec::new();
    for reading in c.to_pinyin_multi().into_iter().flatten() {
        for written in ["v", "u"].map(|u| reading.plain().replace('ü', u)) {
            if written.is_ascii() && !readings.contains(&written) {
                readings.push(written);
            }
        }
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(name: &str, sound: &str) -> bool {
        sounds(&name.chars().collect::<Vec<_>>()).iter().any(|kept| kept.starts_with(sound))
    }

    #[test]
    fn every_reading_of_a_character_is_kept() {
        for (name, sound) in [
            ("厦门银行", "xiamen"),
            ("厦门银行", "xmyh"),
            ("重庆", "chongqin"),
            ("重庆", "cq"),
            ("长乐", "changle"),
            ("吕萍", "lvping"),
            ("吕萍", "luping"),
            ("云帆A4科技", "fana4ke"),
            ("单田芳", "shan"),
        ] {
            assert!(has(name, sound), "{name} sounds {sound}");
        }
        assert!(!has("王", "ang") && !has("云帆", "n"), "a sound begins with a character");
    }

    #[test]
    fn a_name_of_many_readings_stays_small() {
        let name: Vec<_> = "行重长乐单曾解盖乐行重长".chars().collect();
        assert!(sounds(&name).len() <= name.len() * 2 * MOST);
    }
}
