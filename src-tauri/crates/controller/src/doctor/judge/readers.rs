//! What is in the readers, compared with what the modules show.

use certdesk_token::{Card, CardReader};

use super::Judge;
use crate::doctor::{
    finding::{FactName, Finding, FindingCode, Level},
    known_key::KnownKey,
};

impl Judge<'_> {
    pub(super) fn readers(&mut self) {
        let Some(Ok(readers)) = &self.sight.readers else { return };
        let Some(seen) = &self.sight.keys else { return };
        let holds = |slot: &&String, reader: &CardReader| {
            !slot.is_empty() && (reader.name.starts_with(slot.as_str()) || slot.starts_with(&reader.name))
        };
        // A module may call its slots as it likes: each key that no reader is named for may be any card.
        let mut nameless = seen.slots.iter().filter(|slot| !readers.iter().any(|it| holds(slot, it))).count();
        let any_card = readers.iter().any(|reader| reader.card != Card::Absent);
        let bad = self.in_the_way();
        for reader in readers {
            let (name, serial) = parted_serial(&reader.name);
            let about = |code, level| {
                let finding = Finding::new(code, level).fact(FactName::Reader, &name);
                match &serial {
                    Some(serial) => finding.number(FactName::Serial, serial),
                    None => finding,
                }
            };
            let finding = match &reader.card {
                Card::Absent => {
                    let reason = seen.keys.is_empty() && !any_card && self.told.is_empty();
                    about(FindingCode::ReaderEmpty, if reason { Level::Problem } else { Level::Good })
                }
                Card::Mute => about(FindingCode::CardMute, bad),
                Card::Present { atr } => {
                    let about = |code, level| about(code, level).fact(FactName::Atr, hex(atr));
                    let key = KnownKey::of_card(atr);
                    let named = seen.slots.iter().any(|slot| holds(&slot, reader));
                    let is_shown = named || nameless > 0;
                    if is_shown && !named {
                        nameless -= 1;
                    }
                    match key {
                        Some(key) if is_shown => {
                            let finding = about(FindingCode::CardKnown, Level::Good);
                            finding.word(FactName::Vendor, &key.profile.name, key.profile.name_zh.as_deref())
                        }
                        None if is_shown => about(FindingCode::CardSeen, Level::Good),
                        // A key that is plugged in as a reader was told of by its USB numbers.
                        Some(key) if key.own.iter().any(|id| self.told.contains(id)) => continue,
                        None if !self.told.is_empty() => continue,
                        Some(key) => {
                            let (missing, unseen) =
                                (about(FindingCode::CardWithoutDriver, bad), about(FindingCode::CardUnseen, bad));
                            match self.unshown(&key, "", missing, unseen) {
                                Some(finding) => finding,
                                None => continue,
                            }
                        }
                        None => about(FindingCode::CardUnknown, bad),
                    }
                }
            };
            self.found.push(finding);
        }
    }
}

/// The name of a reader, and the serial number that some have in parentheses: `Maker K1 (70D7E2EE) 00 00`.
fn parted_serial(name: &str) -> (String, Option<String>) {
    let number = |text: &str| {
        text.len() > 3 && text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let found = name.match_indices('(').find_map(|(at, _)| {
        let (serial, _) = name[at + 1..].split_once(')')?;
        number(serial).then_some((at, serial))
    });
    match found {
        Some((at, serial)) => {
            let rest = &name[at + serial.len() + 2..];
            (format!("{} {}", name[..at].trim_end(), rest.trim_start()).trim_end().to_owned(), Some(serial.to_owned()))
        }
        None => (name.to_owned(), None),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{
        Sight,
        specimen::{codes, device, find, key, module, sight},
    };
    use super::*;
    use crate::doctor::finding::Repair;

    fn reader(name: &str, card: Card) -> CardReader {
        CardReader { name: name.into(), card }
    }

    /// A YubiKey 4 by its answer to reset.
    fn known_card() -> Card {
        let atr = pkcs11_profiles::by_id("yubico").unwrap().atr.last().unwrap();
        let byte = |at| u8::from_str_radix(&atr[at..at + 2], 16).unwrap();
        Card::Present { atr: (0..atr.len()).step_by(2).map(byte).collect() }
    }

    fn unknown_card() -> Card {
        Card::Present { atr: vec![0x3b, 0x00] }
    }

    fn with_readers(seen: Sight, readers: Vec<CardReader>) -> Sight {
        Sight { readers: Some(Ok(readers)), ..seen }
    }

    #[test]
    fn a_card_that_no_driver_shows_is_named_by_its_answer() {
        let alone = |card| {
            let seen = sight(vec![module("haitai", Ok(0))], Vec::new(), vec![device("058f:9540", true)]);
            with_readers(seen, vec![reader("Alcor Micro AU9540 00 00", card)])
        };
        let missing = find(&alone(known_card()), FindingCode::CardWithoutDriver);
        assert_eq!((missing.level, missing.repair), (Level::Problem, Some(Repair::RefreshLists)));
        assert!(missing.facts.iter().any(|fact| fact.name == FactName::Vendor && fact.value == "YubiKey (PIV)"));
        let seen = alone(unknown_card());
        let unknown = find(&seen, FindingCode::CardUnknown);
        assert!(unknown.facts.iter().any(|fact| fact.name == FactName::Atr && fact.value == "3b00"));
        for said in [FindingCode::KeyNone, FindingCode::KeyUnknown] {
            assert!(!codes(&seen).contains(&said), "{said:?} would say less than is known");
        }
        find(&alone(Card::Mute), FindingCode::CardMute);
        assert_eq!(
            find(&alone(Card::Absent), FindingCode::ReaderEmpty).level,
            Level::Problem,
            "it may be all there is"
        );
        let mut driven = alone(known_card());
        driven.keys = sight(vec![module("opensc", Ok(0))], Vec::new(), Vec::new()).keys;
        assert_eq!(
            find(&driven, FindingCode::CardUnseen).repair,
            Some(Repair::LookAgain),
            "its driver does not show it"
        );
    }

    #[test]
    fn a_card_that_a_driver_shows_is_well_and_another_beside_it_is_not() {
        let name = "Yubico YubiKey CCID 00 00";
        let mut seen = sight(vec![module("opensc", Ok(1))], vec![key()], Vec::new());
        seen.keys.as_mut().unwrap().slots = vec![name.into()];
        let one = with_readers(seen.clone(), vec![reader(name, known_card())]);
        assert_eq!(find(&one, FindingCode::CardKnown).level, Level::Good);
        let two = with_readers(seen.clone(), vec![reader(name, known_card()), reader("Other 01 00", unknown_card())]);
        assert_eq!(find(&two, FindingCode::CardUnknown).level, Level::Note, "a key can be used all the same");
        let empty = with_readers(seen.clone(), vec![reader(name, known_card()), reader("Other 01 00", Card::Absent)]);
        assert_eq!(find(&empty, FindingCode::ReaderEmpty).level, Level::Good, "a reader may be empty");
        // A driver that calls its slots otherwise: the card is taken for its key.
        seen.keys.as_mut().unwrap().slots = vec!["slot 0".into()];
        find(&with_readers(seen, vec![reader(name, unknown_card())]), FindingCode::CardSeen);
    }

    #[test]
    fn a_key_that_is_a_reader_too_is_told_of_once() {
        let lonely = sight(Vec::new(), Vec::new(), vec![device("096e:0807", true)]);
        for card in [unknown_card(), known_card()] {
            let seen = with_readers(lonely.clone(), vec![reader("Feitian ePass2003 00 00", card.clone())]);
            let told = codes(&seen);
            assert!(told.contains(&FindingCode::KeyWithoutDriver), "{told:?}");
            let again = told.contains(&FindingCode::CardUnknown);
            assert!(!again, "the same once more: {told:?}");
        }
    }

    #[test]
    fn a_readers_serial_number_is_a_fact_of_its_own() {
        let parted = |name| parted_serial(name);
        assert_eq!(parted("Maker K1 (70D7E2EE) 00 00"), ("Maker K1 00 00".into(), Some("70D7E2EE".into())));
        assert_eq!(parted("Maker [CCID Interface] (0042133) 01 00").1.as_deref(), Some("0042133"));
        for name in ["Maker K1 00 00", "Maker (PC Twin) 00 00", "Maker (1) 00 00", "Maker (0042"] {
            assert_eq!(parted(name), (name.into(), None));
        }
    }
}
