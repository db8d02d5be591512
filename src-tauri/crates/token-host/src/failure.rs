//! PKCS#11 return values in the words of [`TokenError`].

use certdesk_token::TokenError;
use cryptoki::error::{Error, RvError};

/// The failure of a call as such. Only `CKR_PIN_INCORRECT` says that a PIN is wrong; it has no meaning outside a login
/// and is handled there.
pub(crate) fn token_error(error: Error) -> TokenError {
    let Error::Pkcs11(code, function) = error else {
        return TokenError::Driver { call: "cryptoki".into(), code: error.to_string() };
    };
    match code {
        RvError::PinLocked => TokenError::PinLocked,
        RvError::PinLenRange => TokenError::PinLength,
        RvError::PinExpired => TokenError::PinMustChange,
        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::SlotIdInvalid => TokenError::NoToken,
        // A session ends without our doing when its token leaves, and the login with it.
        RvError::UserNotLoggedIn | RvError::SessionHandleInvalid | RvError::SessionClosed => TokenError::NotLoggedIn,
        RvError::DeviceMemory => TokenError::TokenFull,
        RvError::TokenWriteProtected | RvError::SessionReadOnly => TokenError::WriteProtected,
        RvError::TokenNotRecognized | RvError::UserPinNotInitialized => TokenError::NotInitialised,
        _ => TokenError::Driver { call: format!("C_{function:?}"), code: name(code) },
    }
}

/// The same for making keys and signing, where the token may be sound but not able.
pub(crate) fn unable(what: &str) -> impl Fn(Error) -> TokenError {
    move |error| match error {
        Error::Pkcs11(
            RvError::MechanismInvalid
            | RvError::MechanismParamInvalid
            | RvError::FunctionNotSupported
            | RvError::KeySizeRange
            | RvError::CurveNotSupported
            | RvError::DomainParamsInvalid
            | RvError::KeyFunctionNotPermitted,
            _,
        )
        | Error::NullFunctionPointer => TokenError::Unsupported { what: what.into() },
        other => token_error(other),
    }
}

/// Whether the session that gave this error is of no more use.
pub(crate) fn ends_session(error: &TokenError) -> bool {
    matches!(error, TokenError::NoToken | TokenError::NotLoggedIn)
}

/// The standard's own name of a return value: `PinLenRange` is `CKR_PIN_LEN_RANGE`.
pub(crate) fn name(code: RvError) -> String {
    match code {
        RvError::VendorDefined(number) => format!("CKR_VENDOR_DEFINED 0x{number:08x}"),
        RvError::UnknownErrorCode(number) => format!("CKR 0x{number:08x}"),
        known => {
            let mut name = String::from("CKR");
            for letter in format!("{known:?}").chars() {
                if letter.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(letter.to_ascii_uppercase());
            }
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    #[test]
    fn return_values_keep_the_standards_names() {
        assert_eq!(name(RvError::PinLenRange), "CKR_PIN_LEN_RANGE");
        assert_eq!(name(RvError::UserAlreadyLoggedIn), "CKR_USER_ALREADY_LOGGED_IN");
        assert_eq!(name(RvError::VendorDefined(0x8000_0001)), "CKR_VENDOR_DEFINED 0x80000001");
        let error = token_error(Error::Pkcs11(RvError::GeneralError, Function::GetTokenInfo));
        assert_eq!(error, TokenError::Driver { call: "C_GetTokenInfo".into(), code: "CKR_GENERAL_ERROR".into() });
    }

    #[test]
    fn only_a_login_may_call_a_pin_wrong() {
        let all_others = [RvError::GeneralError, RvError::DeviceError, RvError::FunctionFailed, RvError::PinInvalid];
        for code in all_others {
            let error = token_error(Error::Pkcs11(code, Function::Login));
            assert!(matches!(error, TokenError::Driver { .. }), "{code:?} is no proof of a wrong PIN");
        }
    }
}
