//! The language of a script: one sentence a line, `#` begins a remark. What does not read is passed over (and noted in
//! the log of calls), for a test may be writing it this moment.
//!
//! ```text
//! module /usr/lib/softhsm/libsofthsm2.so   the real module
//! env SOFTHSM2_CONF /tmp/lab/softhsm2.conf set before it is loaded
//!
//! C_Sign hang                              FUNCTION [WHEN] ACTION; FUNCTION is a name, `*`, or `C_Find*`
//! C_Sign once crash                        WHEN: once | nth:3 | from:3, counted over all processes until the script changes
//! C_Login return CKR_GENERAL_ERROR         in its place; any value as 0x80000001
//! C_CreateObject after return CKR_DEVICE_ERROR   it is done, and denied; `after` goes with each action
//! * slow 200                               milliseconds, then on to the next rule
//! C_SignInit pull CKR_DEVICE_REMOVED       the key is out from here on, until it is put back; sessions answer this
//! C_SignInit swap LABEL                    the key with this label is in the slot from here on
//! C_Sign length +8                         the answer claims so many bytes or entries more (or `-8`, `=8`)
//! unload hang                              when the library is unloaded: hang | crash
//!
//! slot shows LABEL                         of the real tokens only this one, in slot 42
//! slots more 5000                          as many slots more, with tokens that are not recognised
//! slots grow                               each answer is one longer than was just announced
//! slots claim 4000000000                   so many are announced
//!
//! flag CKF_USER_PIN_TO_BE_CHANGED on       or `off`
//! flags frozen                             as at the first look, for good
//! label hex B8A3D6DD                       also `label text 福州`; so with manufacturer, model, serial
//! pad nul                                  texts end with NUL where the standard wants blanks
//! clock text 2026                          `utcTime`, with CKF_CLOCK_ON_TOKEN
//! pin-length 6 8
//!
//! tries 3                                  wrong PINs are counted, flags follow, then CKR_PIN_LOCKED; `so-tries 3`
//! wrong-pin CKR_GENERAL_ERROR              said in place of CKR_PIN_INCORRECT
//! must-change-pin                          CKF_USER_PIN_TO_BE_CHANGED until C_SetPIN has succeeded
//! pin-pad 135790 [246813]                  the PIN is typed on the key: this one (and for C_SetPIN the new one)
//! always-authenticate                      new private keys want the PIN for each signature
//! cached-pin                               a PIN that was right once is held until the process ends: any other passes then
//!
//! sm2 80010001,80010002,80010003,raw       SM2 by these numbers: key type, signing, making pairs (or `-`); or `der`
//! ec-point bare                            `CKA_EC_POINT` without the OCTET STRING around it
//! ecdsa der                                signatures of CKM_ECDSA as `SEQUENCE { r, s }`
//! ```

use crate::codes;
use cryptoki_sys::{CK_FLAGS, CK_KEY_TYPE, CK_MECHANISM_TYPE, CK_RV, CK_ULONG, CKR_DEVICE_REMOVED};
use std::{path::PathBuf, time::Duration};

/// What a script says.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) module: Option<PathBuf>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) unload: Option<Action>,
    pub(crate) shows: Option<String>,
    pub(crate) more_slots: CK_ULONG,
    pub(crate) growing_slots: bool,
    pub(crate) claimed_slots: Option<CK_ULONG>,
    pub(crate) flags: Vec<(CK_FLAGS, bool)>,
    pub(crate) frozen_flags: bool,
    pub(crate) texts: Vec<(Text, Vec<u8>)>,
    pub(crate) padded_with_nul: bool,
    pub(crate) pin_length: Option<(CK_ULONG, CK_ULONG)>,
    pub(crate) tries: Option<u32>,
    pub(crate) so_tries: Option<u32>,
    pub(crate) wrong_pin: Option<CK_RV>,
    pub(crate) must_change_pin: bool,
    pub(crate) pin_pad: Option<PinPad>,
    pub(crate) always_authenticate: bool,
    pub(crate) cached_pin: bool,
    pub(crate) sm2: Option<Sm2Numbers>,
    pub(crate) bare_points: bool,
    pub(crate) der_signatures: bool,
    /// Lines that do not read.
    pub(crate) unread: Vec<String>,
}

/// What happens at a call.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The line, by which its uses are counted.
    pub(crate) line: String,
    function: String,
    pub(crate) when: When,
    /// Only when the real module has done what was asked.
    pub(crate) after: bool,
    pub(crate) action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    Nth(u64),
    From(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Hang,
    Crash,
    Slow(Duration),
    Return(CK_RV),
    Pull(CK_RV),
    Swap(String),
    Length(Length),
}

/// How a length in an answer is falsified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    More(CK_ULONG),
    Less(CK_ULONG),
    Exactly(CK_ULONG),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Label,
    Manufacturer,
    Model,
    Serial,
    Clock,
}

/// A vendor's numbers for SM2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sm2Numbers {
    pub(crate) key_type: CK_KEY_TYPE,
    pub(crate) sign: CK_MECHANISM_TYPE,
    pub(crate) generate: Option<CK_MECHANISM_TYPE>,
    /// Signatures are given as `SEQUENCE { r, s }`.
    pub(crate) is_der: bool,
}

/// What is typed on the key's own pad.
#[derive(Debug)]
pub(crate) struct PinPad {
    pub(crate) pin: Vec<u8>,
    pub(crate) new_pin: Vec<u8>,
}

impl Script {
    pub(crate) fn read(text: &str) -> Self {
        let mut script = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if script.take(line).is_none() {
                script.unread.push(line.to_owned());
            }
        }
        script
    }

    /// The rules for a function, in their order.
    pub(crate) fn rules_for(&self, function: &str) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| match rule.function.strip_suffix('*') {
            Some(start) => function.starts_with(start),
            None => rule.function == function,
        })
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match first {
            "module" => self.module = Some(rest.into()),
            "env" => {
                let (name, value) = rest.split_once(' ')?;
                self.environment.push((name.to_owned(), value.to_owned()));
            }
            "unload" => self.unload = Some(action(rest)?),
            "slot" => self.shows = Some(rest.strip_prefix("shows ")?.to_owned()),
            "slots" => match rest.split_once(' ') {
                None if rest == "grow" => self.growing_slots = true,
                Some(("more", number)) => self.more_slots = number.parse().ok()?,
                Some(("claim", number)) => self.claimed_slots = Some(number.parse().ok()?),
                _ => return None,
            },
            "flag" => {
                let (name, on) = rest.split_once(' ')?;
                self.flags.push((codes::token_flag(name)?, on == "on"));
            }
            "flags" if rest == "frozen" => self.frozen_flags = true,
            "label" => self.texts.push((Text::Label, bytes(rest)?)),
            "manufacturer" => self.texts.push((Text::Manufacturer, bytes(rest)?)),
            "model" => self.texts.push((Text::Model, bytes(rest)?)),
            "serial" => self.texts.push((Text::Serial, bytes(rest)?)),
            "clock" => self.texts.push((Text::Clock, bytes(rest)?)),
            "pad" if rest == "nul" => self.padded_with_nul = true,
            "pin-length" => {
                let (least, most) = rest.split_once(' ')?;
                self.pin_length = Some((least.parse().ok()?, most.parse().ok()?));
            }
            "tries" => self.tries = Some(rest.parse().ok()?),
            "so-tries" => self.so_tries = Some(rest.parse().ok()?),
            "wrong-pin" => self.wrong_pin = Some(codes::return_value(rest)?),
            "must-change-pin" => self.must_change_pin = true,
            "pin-pad" => {
                let (pin, new_pin) = rest.split_once(' ').unwrap_or((rest, ""));
                self.pin_pad = Some(PinPad { pin: pin.into(), new_pin: new_pin.into() });
            }
            "always-authenticate" => self.always_authenticate = true,
            "cached-pin" => self.cached_pin = true,
            "sm2" => self.sm2 = Some(sm2_numbers(rest)?),
            "ec-point" if rest == "bare" => self.bare_points = true,
            "ecdsa" if rest == "der" => self.der_signatures = true,
            function if function.starts_with("C_") || function == "*" => {
                let (when, rest) = when(rest);
                let after = rest.strip_prefix("after ");
                let action = action(after.unwrap_or(rest))?;
                let (line, function, after) = (line.to_owned(), function.to_owned(), after.is_some());
                self.rules.push(Rule { line, function, when, after, action });
            }
            _ => return None,
        }
        Some(())
    }
}

fn when(text: &str) -> (When, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = |prefix: &str| word.strip_prefix(prefix).and_then(|number| number.parse().ok());
    if word == "once" {
        (When::Nth(1), rest)
    } else if let Some(nth) = number("nth:") {
        (When::Nth(nth), rest)
    } else if let Some(from) = number("from:") {
        (When::From(from), rest)
    } else {
        (When::Always, text)
    }
}

fn action(text: &str) -> Option<Action> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(match word {
        "hang" => Action::Hang,
        "crash" => Action::Crash,
        "slow" => Action::Slow(Duration::from_millis(rest.parse().ok()?)),
        "return" => Action::Return(codes::return_value(rest)?),
        "pull" if rest.is_empty() => Action::Pull(CKR_DEVICE_REMOVED),
        "pull" => Action::Pull(codes::return_value(rest)?),
        "swap" => Action::Swap(rest.to_owned()),
        "length" => Action::Length(match rest.split_at_checked(1)? {
            ("+", number) => Length::More(number.parse().ok()?),
            ("-", number) => Length::Less(number.parse().ok()?),
            ("=", number) => Length::Exactly(number.parse().ok()?),
            _ => return None,
        }),
        _ => return None,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if let Some(text) = text.strip_prefix("text ") {
        return Some(text.into());
    }
    hex(text.strip_prefix("hex ")?)
}

pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn sm2_numbers(text: &str) -> Option<Sm2Numbers> {
    let parts: Vec<_> = text.split(',').collect();
    let [key_type, sign, generate, encoding] = parts[..] else { return None };
    let number = |text: &str| CK_ULONG::from_str_radix(text, 16).ok();
    let generate = if generate == "-" { None } else { Some(number(generate)?) };
    let is_der = match encoding {
        "raw" => false,
        "der" => true,
        _ => return None,
    };
    Some(Sm2Numbers { key_type: number(key_type)?, sign: number(sign)?, generate, is_der })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki_sys::{CKF_USER_PIN_LOCKED, CKR_DEVICE_ERROR, CKR_GENERAL_ERROR};

    #[test]
    fn the_sentences_of_the_language_are_read() {
        let script = Script::read(
            "# a remark\nmodule /a b/c.so\nenv A b c\nC_Sign nth:3 after return CKR_DEVICE_ERROR\n* slow 20\n\
             C_Find* pull\nflag CKF_USER_PIN_LOCKED on\nlabel hex B8 A3\nwrong-pin CKR_GENERAL_ERROR\nC_Sign length -3",
        );
        assert!(script.unread.is_empty(), "every line reads: {:?}", script.unread);
        assert_eq!(script.module, Some("/a b/c.so".into()), "a path may hold blanks");
        assert_eq!(script.environment, [("A".to_owned(), "b c".to_owned())]);
        let sign: Vec<_> = script.rules_for("C_Sign").collect();
        assert_eq!(sign.len(), 3, "its own two rules and the one for all");
        assert_eq!((sign[0].when, sign[0].after), (When::Nth(3), true));
        assert_eq!(sign[0].action, Action::Return(CKR_DEVICE_ERROR));
        assert_eq!(sign[2].action, Action::Length(Length::Less(3)));
        assert_eq!(script.rules_for("C_FindObjects").count(), 2, "a star stands for the rest of a name");
        assert_eq!(script.flags, [(CKF_USER_PIN_LOCKED, true)]);
        assert_eq!(script.texts, [(Text::Label, vec![0xb8, 0xa3])]);
        assert_eq!(script.wrong_pin, Some(CKR_GENERAL_ERROR));
    }

    #[test]
    fn what_does_not_read_is_named_and_changes_nothing() {
        let script = Script::read("C_Sign return CKR_NO_SUCH\nslots many\ntries few\nnonsense\nsm2 1,2");
        assert_eq!(script.unread.len(), 5, "each of the lines is named");
        assert!(script.rules.is_empty() && script.tries.is_none());
    }
}
