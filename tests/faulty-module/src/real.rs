//! The real module behind this one.
#![expect(unsafe_code, reason = "loads and calls a C library")]

use crate::stage::Stage;
use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CK_SLOT_ID, CK_TOKEN_INFO, CKR_OK, Pkcs11};
use std::sync::OnceLock;

/// A loaded module.
pub(crate) struct Real {
    /// Never unloaded: its function list must stay.
    _library: Pkcs11,
    pub(crate) functions: &'static CK_FUNCTION_LIST,
}

// SAFETY: the list is read only, and PKCS#11 functions may be called from several threads as far as the caller of
// C_Initialize has agreed with the module; both are passed on unchanged.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

/// The module the script names; loaded at the first call. `None` where it cannot be.
pub(crate) fn real(stage: &Stage) -> Option<&'static Real> {
    static REAL: OnceLock<Option<Real>> = OnceLock::new();
    REAL.get_or_init(|| {
        for (name, value) in &stage.script.environment {
            // SAFETY: a helper loads its module before anything else, and nothing else in it reads its environment.
            unsafe { std::env::set_var(name, value) };
        }
        let path = stage.script.module.as_ref()?;
        // SAFETY: loading runs the real module's code; that is what the test wants.
        let library = unsafe { Pkcs11::new(path) }.ok()?;
        let mut list = std::ptr::null_mut();
        // SAFETY: `list` is a place for the pointer. The library is kept for good in `Real`, so the list lives on.
        let functions = unsafe {
            if library.C_GetFunctionList(&mut list) != CKR_OK || list.is_null() {
                return None;
            }
            &*list
        };
        Some(Real { _library: library, functions })
    })
    .as_ref()
}

impl Real {
    /// The slots, or why there is no list.
    pub(crate) fn slots(&self, with_token: bool) -> Result<Vec<CK_SLOT_ID>, CK_RV> {
        let Some(list) = self.functions.C_GetSlotList else { return Err(cryptoki_sys::CKR_FUNCTION_NOT_SUPPORTED) };
        let mut count = 0;
        // SAFETY: a null list asks for the count alone.
        let answer = unsafe { list(with_token.into(), std::ptr::null_mut(), &mut count) };
        if answer != CKR_OK {
            return Err(answer);
        }
        let mut slots = vec![0; count as usize];
        // SAFETY: the list holds `count` places.
        let answer = unsafe { list(with_token.into(), slots.as_mut_ptr(), &mut count) };
        slots.truncate(count as usize);
        if answer == CKR_OK { Ok(slots) } else { Err(answer) }
    }

    /// The slot of the token with this label.
    pub(crate) fn slot_of(&self, label: &str) -> Option<CK_SLOT_ID> {
        let info = self.functions.C_GetTokenInfo?;
        let labelled = |slot: &CK_SLOT_ID| {
            let mut token = CK_TOKEN_INFO::default();
            // SAFETY: `token` is a place for the answer.
            let answer = unsafe { info(*slot, &mut token) };
            answer == CKR_OK && String::from_utf8_lossy(&{ token.label }).trim_end() == label
        };
        self.slots(true).ok()?.into_iter().find(labelled)
    }

    /// Ends every session, as pulling the key does; logins end with them.
    pub(crate) fn end_sessions(&self) {
        let Some(close) = self.functions.C_CloseAllSessions else { return };
        for slot in self.slots(true).unwrap_or_default() {
            // SAFETY: takes a number.
            unsafe { close(slot) };
        }
    }
}
