//! The calls that cryptoki does not offer as they are needed here: PINs as bytes, PINs that are typed on the token's pad
//! (NULL), and `C_Sign` by itself, between which and `C_SignInit` a key may want a login of its own.
#![expect(unsafe_code, reason = "calls through the module's function list")]

use certdesk_token::{Pin, TokenError};
use cryptoki::{
    context::Function,
    error::{Error, Rv},
    session::Session,
    slot::{Slot, TokenInfo},
    types::AuthPin,
};
use cryptoki_sys::{
    CK_FUNCTION_LIST, CK_FUNCTION_LIST_PTR, CK_RV, CK_SESSION_HANDLE, CK_TOKEN_INFO, CK_ULONG, CKF_CLOCK_ON_TOKEN,
};
use libloading::Library;
use std::{path::Path, ptr};
use zeroize::Zeroizing;

/// The function list of the loaded module.
pub(crate) struct Functions {
    /// None where the module gives a list of another instance each time it is asked (p11-kit's proxy): cryptoki's sessions
    /// are unknown to that one.
    list: Option<*const CK_FUNCTION_LIST>,
    /// Keeps the list where it is.
    _library: Library,
}

impl Functions {
    /// Of a module that cryptoki has loaded already: the system gives the same one again.
    pub(crate) fn of(module: &Path) -> Result<Self, TokenError> {
        let cannot = |reason: String| TokenError::CannotLoad { reason };
        // SAFETY: the module is loaded; its code has run, and runs no second time.
        let library = unsafe { Library::new(module) }.map_err(|error| cannot(error.to_string()))?;
        let ask = || {
            let mut list: CK_FUNCTION_LIST_PTR = ptr::null_mut();
            // SAFETY: every PKCS#11 module has this function with this signature (PKCS#11 v2.40 §5.2); it writes one pointer.
            let code = unsafe {
                let get = library
                    .get::<unsafe extern "C" fn(*mut CK_FUNCTION_LIST_PTR) -> CK_RV>(b"C_GetFunctionList\0")
                    .map_err(|error| cannot(error.to_string()))?;
                get(&mut list)
            };
            Rv::from(code)
                .into_result(Function::GetFunctionList)
                .map_err(|error| cannot(crate::failure::token_error(error).to_string()))?;
            Ok(list)
        };
        let (list, again) = (ask()?, ask()?);
        match list.is_null() {
            true => Err(cannot("its function list is missing".into())),
            false => Ok(Self { list: (list == again).then_some(list), _library: library }),
        }
    }

    /// `C_GetTokenInfo` without the time: cryptoki takes none of the answer where the token's clock does not read, such as
    /// openCryptoki's "10:31:41".
    pub(crate) fn token_info_without_clock(&self, slot: Slot) -> Result<TokenInfo, Error> {
        let mut info = self.token_info(slot)?;
        info.flags &= !CKF_CLOCK_ON_TOKEN;
        TokenInfo::try_from(info)
    }

    /// Label, manufacturer, model and serial number as the token writes them.
    pub(crate) fn token_texts(&self, slot: Slot) -> Result<[Vec<u8>; 4], Error> {
        let info = self.token_info(slot)?;
        Ok([info.label.to_vec(), info.manufacturerID.to_vec(), info.model.to_vec(), info.serialNumber.to_vec()])
    }

    fn token_info(&self, slot: Slot) -> Result<CK_TOKEN_INFO, Error> {
        let list = self.list.ok_or(Error::NullFunctionPointer)?;
        let mut info = CK_TOKEN_INFO::default();
        // SAFETY: the list is that of a loaded module, which writes into a structure that lives through the call.
        unsafe {
            let get = (*list).C_GetTokenInfo.ok_or(Error::NullFunctionPointer)?;
            Rv::from(get(slot.into(), &mut info))
        }
        .into_result(Function::GetTokenInfo)?;
        Ok(info)
    }

    /// `C_SetPIN` with the old and the new PIN, or with both typed on the pad.
    pub(crate) fn set_pin(&self, session: &Session, pins: Option<(&Pin, &Pin)>) -> Result<(), Error> {
        let Some(list) = self.list else {
            let (old, new) = pins.ok_or(Error::NullFunctionPointer)?;
            return session.set_pin(&text(old)?, &text(new)?);
        };
        let session = handle(session)?;
        let (mut old, mut new) = (Bytes::of(pins.map(|(old, _)| old)), Bytes::of(pins.map(|(_, new)| new)));
        // SAFETY: the list is that of a loaded module; pointers and lengths are those of buffers that live through the
        // call, or NULL and 0, which stand for the pad.
        unsafe {
            let set = (*list).C_SetPIN.ok_or(Error::NullFunctionPointer)?;
            Rv::from(set(session, old.pointer(), old.length(), new.pointer(), new.length()))
        }
        .into_result(Function::SetPIN)
    }

    /// `C_InitPIN` with the new PIN, or with one typed on the pad.
    pub(crate) fn init_pin(&self, session: &Session, pin: Option<&Pin>) -> Result<(), Error> {
        let Some(list) = self.list else {
            return session.init_pin(&text(pin.ok_or(Error::NullFunctionPointer)?)?);
        };
        let session = handle(session)?;
        let mut pin = Bytes::of(pin);
        // SAFETY: as in `set_pin`.
        unsafe {
            let init = (*list).C_InitPIN.ok_or(Error::NullFunctionPointer)?;
            Rv::from(init(session, pin.pointer(), pin.length()))
        }
        .into_result(Function::InitPIN)
    }

    /// `C_Sign` after `C_SignInit`. The longest signature there is (RSA 16384) has room, so that it is called once.
    pub(crate) fn sign(&self, session: &Session, data: &[u8]) -> Result<Vec<u8>, Error> {
        let list = self.list.ok_or(Error::NullFunctionPointer)?;
        let session = handle(session)?;
        let mut data = data.to_vec();
        let mut signature = vec![0u8; 2048];
        let mut length = signature.len() as CK_ULONG;
        // SAFETY: pointers and lengths are those of buffers that live through the call.
        unsafe {
            let sign = (*list).C_Sign.ok_or(Error::NullFunctionPointer)?;
            let length_of_data = data.len() as CK_ULONG;
            Rv::from(sign(session, data.as_mut_ptr(), length_of_data, signature.as_mut_ptr(), &mut length))
        }
        .into_result(Function::Sign)?;
        signature.truncate(length as usize);
        Ok(signature)
    }
}

/// The module's own number of a session, which cryptoki tells in words alone.
fn handle(session: &Session) -> Result<CK_SESSION_HANDLE, Error> {
    session.to_string().parse().map_err(|_| Error::InvalidValue)
}

/// A PIN as cryptoki takes it, wiped afterwards: text alone.
fn text(pin: &Pin) -> Result<AuthPin, Error> {
    std::str::from_utf8(pin.expose()).map(AuthPin::from).map_err(|_| Error::InvalidValue)
}

/// A PIN as the module takes it: a copy that may be written to, wiped afterwards.
struct Bytes(Option<Zeroizing<Vec<u8>>>);

impl Bytes {
    fn of(pin: Option<&Pin>) -> Self {
        Self(pin.map(|pin| Zeroizing::new(pin.expose().to_vec())))
    }

    fn pointer(&mut self) -> *mut u8 {
        self.0.as_mut().map_or(ptr::null_mut(), |bytes| bytes.as_mut_ptr())
    }

    fn length(&self) -> CK_ULONG {
        self.0.as_ref().map_or(0, |bytes| bytes.len()) as CK_ULONG
    }
}
