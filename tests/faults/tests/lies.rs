//! What a token may say of itself without being right, and what follows for whoever types a PIN.

mod faulty;

use std::time::Duration;

use certdesk_token::{Deadlines, PinTries, TokenError};

use faulty::{Key, LABEL, PIN};

/// Behind a module that nobody knows.
fn key(script: &str) -> Key {
    let deadlines = Deadlines { list: Duration::from_secs(2), ..Deadlines::default() };
    Key::behind("libfaulty_module.so", script, deadlines)
}

#[tokio::test]
async fn tries_that_are_counted_are_told_to_the_last() {
    let key = key("tries 3");
    assert_eq!(key.token().await.tries, PinTries::NoWarning);
    for left in [PinTries::Few, PinTries::Last, PinTries::Locked] {
        assert_eq!(key.log_in("000000").await, Err(TokenError::PinIncorrect { tries: left }));
        assert_eq!(key.token().await.tries, left, "the list says what the answer said");
    }
    assert_eq!(key.log_in(PIN).await, Err(TokenError::PinLocked), "the right one comes too late");
    assert_eq!(key.faulty.pin_tries(), 4, "each PIN typed went out once");
}

#[tokio::test]
async fn flags_that_never_change_are_no_reason_to_try_again() {
    let key = key("flags frozen\ntries 3");
    assert_eq!(key.token().await.tries, PinTries::NoWarning);
    for _ in 0..3 {
        assert_eq!(key.log_in("000000").await, Err(TokenError::PinIncorrect { tries: PinTries::NoWarning }));
    }
    assert_eq!(key.log_in(PIN).await, Err(TokenError::PinLocked), "what the token answers goes before its flags");
    assert_eq!(key.faulty.pin_tries(), 4, "each PIN typed went out once");
}

#[tokio::test]
async fn what_is_not_called_a_wrong_pin_is_not_told_as_one() {
    for code in ["CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED", "CKR_DEVICE_ERROR", "CKR_PIN_INVALID", "0x80000042"] {
        let key = key(&format!("tries 3\nwrong-pin {code}"));
        let error = key.log_in("000000").await.unwrap_err();
        assert!(matches!(error, TokenError::Driver { .. }), "{code} is no proof of a wrong PIN: {error:?}");
        assert_eq!(key.faulty.pin_tries(), 1, "{code}: nothing was tried again");
        key.log_in(PIN).await.expect("the right one logs in");
    }
}

#[tokio::test]
async fn flags_that_say_locked_do_not_keep_a_pin_from_being_asked() {
    let key = key("flag CKF_USER_PIN_LOCKED on");
    assert_eq!(key.token().await.tries, PinTries::Locked, "it is told as the flags have it");
    key.log_in(PIN).await.expect("the token itself decides");
    assert_eq!(key.log_in("000000").await, Err(TokenError::PinLocked), "and its refusal is believed with its flags");
}

#[tokio::test]
async fn texts_and_clocks_of_every_kind_hide_no_key() {
    for script in [
        "label hex B8A3D6DDD4C6B7AB",
        "pad nul",
        "label hex FF00FE\nserial hex 00",
        "label hex 20202020",
        "clock text 9999999999999999",
        "clock hex 00000000000000000000000000000000",
        "flag 0xffffffff on\nflag CKF_USER_PIN_LOCKED off\nflag CKF_CLOCK_ON_TOKEN off",
        "pin-length 4294967295 0",
    ] {
        let key = key(script);
        let listed = key.module.list().await;
        assert!(listed.as_ref().is_ok_and(|tokens| tokens.len() == 1), "{script}: the key is seen, not {listed:?}");
    }
}

#[tokio::test]
async fn slot_lists_of_every_length_end_within_the_deadline() {
    for script in ["slots more 5000", "slots grow", "slots claim 4000000000", "slots claim 18446744073709551615"] {
        let key = key(script);
        let started = std::time::Instant::now();
        let listed = key.module.list().await;
        assert!(started.elapsed() < Duration::from_secs(8), "{script}: {listed:?} took {:?}", started.elapsed());
        match listed {
            Ok(tokens) => assert_eq!(tokens.len(), 1, "{script}: the one key is found among them"),
            Err(error) => assert!(
                matches!(error, TokenError::Hung { .. } | TokenError::Crashed | TokenError::Driver { .. }),
                "{script}: {error:?}"
            ),
        }
        key.faulty.play("");
        assert_eq!(key.token().await.label, LABEL, "{script}: and afterwards it is there");
    }
}

#[tokio::test]
async fn a_driver_that_hangs_when_it_ends_delays_nobody() {
    for script in ["C_Finalize hang\nunload hang", "C_Finalize crash\nunload crash"] {
        let key = key(script);
        key.token().await;
        let ended = std::time::Instant::now();
        drop(key);
        assert!(ended.elapsed() < Duration::from_secs(1), "{script}: letting go took {:?}", ended.elapsed());
    }
}
