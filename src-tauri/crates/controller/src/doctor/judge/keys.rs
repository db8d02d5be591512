//! What is said of each key that a driver shows.

use certdesk_domain::{Timestamp, token::PinTries};
use time::format_description::well_known::Iso8601;

use super::Judge;
use crate::{
    doctor::finding::{FactName, Finding, FindingCode, Level},
    view::KeyView,
};

/// Expiry is worth a word from here on.
const SOON: time::Duration = time::Duration::days(60);

impl Judge<'_> {
    pub(super) fn keys(&mut self) {
        let Some(seen) = &self.sight.keys else { return };
        for key in &seen.keys {
            let about = |finding: Finding| {
                let finding = finding.person(FactName::Label, &key.label).number(FactName::Serial, &key.serial);
                let finding = finding.fact(FactName::Device, format!("{} {}", key.manufacturer, key.model).trim());
                match (&key.holder, key.valid_until) {
                    (Some(holder), Some(until)) => {
                        let finding = finding.person(FactName::Holder, holder).fact(FactName::Until, day(until));
                        finding.fact(FactName::Days, (until - self.now).whole_days())
                    }
                    _ => finding,
                }
            };
            if is_usable(key, self.now) {
                self.found.push(about(Finding::new(FindingCode::KeyReady, Level::Good)));
            }
            let tries = match key.tries {
                _ if !key.ready => Some((FindingCode::KeyNotReady, Level::Problem)),
                PinTries::Locked => Some((FindingCode::KeyLocked, Level::Problem)),
                PinTries::Last => Some((FindingCode::KeyLastTry, Level::Problem)),
                PinTries::Few => Some((FindingCode::KeyFewTries, Level::Note)),
                PinTries::NoWarning | PinTries::Unknown => None,
            };
            if let Some((code, level)) = tries {
                let locks_after = key.pin_advice.and_then(|advice| advice.tries).filter(|_| key.ready);
                self.found.push(about(Finding::new(code, level)).known(FactName::LocksAfter, locks_after));
            }
            let mut note = |code, level| self.found.push(about(Finding::new(code, level)));
            match key.valid_until {
                _ if !key.ready => {}
                None => note(FindingCode::KeyEmpty, Level::Note),
                Some(_) if !key.can_log_in => note(FindingCode::KeyUnfit, Level::Problem),
                Some(until) if until < self.now => note(FindingCode::KeyExpired, Level::Problem),
                Some(until) if until < self.now + SOON => note(FindingCode::KeyEnding, Level::Note),
                Some(_) => {}
            }
        }
        if seen.keys.len() > 1 {
            let count = seen.keys.len();
            self.find(FindingCode::KeySeveral, Level::Note, |finding| finding.fact(FactName::Count, count));
        }
    }
}

/// Whether somebody can log in with it now.
pub(super) fn is_usable(key: &KeyView, now: Timestamp) -> bool {
    let in_force = key.valid_until.is_some_and(|until| until >= now);
    key.ready && key.can_log_in && in_force && key.tries != PinTries::Locked
}

fn day(at: Timestamp) -> String {
    at.date().format(&Iso8601::DATE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{
        judge,
        specimen::{NOW, codes, device, find, key, module, sight},
    };
    use super::*;
    use crate::view::{PinAdvice, PinCharacters};

    #[test]
    fn a_key_that_can_be_used_is_said_to_be() {
        let seen = sight(vec![module("feitian-epass2003", Ok(1))], vec![key()], vec![device("096e:0807", true)]);
        assert!(judge(&seen, NOW).usable, "certificate in force, PIN not locked");
        assert_eq!(codes(&seen), [FindingCode::KeyReady, FindingCode::DriverWorks], "and nothing is wrong");
    }

    #[test]
    fn each_state_of_a_key_has_its_finding() {
        let with = |change: fn(&mut KeyView)| {
            let mut key = key();
            change(&mut key);
            sight(vec![module("feitian-epass2003", Ok(1))], vec![key], Vec::new())
        };
        type Change = fn(&mut KeyView);
        let cases: [(Change, FindingCode, bool); 7] = [
            (|key| key.tries = PinTries::Locked, FindingCode::KeyLocked, false),
            (|key| key.tries = PinTries::Last, FindingCode::KeyLastTry, true),
            (|key| key.tries = PinTries::Few, FindingCode::KeyFewTries, true),
            (|key| key.ready = false, FindingCode::KeyNotReady, false),
            (|key| (key.valid_until, key.holder, key.can_log_in) = (None, None, false), FindingCode::KeyEmpty, false),
            (|key| key.valid_until = Some(NOW - time::Duration::days(1)), FindingCode::KeyExpired, false),
            (|key| key.valid_until = Some(NOW + time::Duration::days(9)), FindingCode::KeyEnding, true),
        ];
        for (change, code, usable) in cases {
            let seen = with(change);
            find(&seen, code);
            assert_eq!(judge(&seen, NOW).usable, usable, "{code:?}");
        }
    }

    #[test]
    fn after_how_many_tries_such_keys_lock_is_told_beside_the_warning() {
        let advice = PinAdvice { min: 6, max: 8, characters: PinCharacters::Digits, tries: Some(3) };
        let few = KeyView { tries: PinTries::Few, pin_advice: Some(advice), ..key() };
        let found = find(&sight(Vec::new(), vec![few], Vec::new()), FindingCode::KeyFewTries);
        assert!(found.facts.iter().any(|fact| fact.name == FactName::LocksAfter && fact.value == "3"));
    }
}
