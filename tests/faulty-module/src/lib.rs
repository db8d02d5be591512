//! A PKCS#11 module that forwards to a real one and misbehaves as a script says.
//!
//! It lies in a folder of its own; beside it lie its script and its state, so that several copies in one program are
//! several keys. Tests write the script through `softhsm_lab::FaultyModule`, also while the module is in use: it is read
//! anew at each call. The language of the script is told in `script.rs`, the files in `stage.rs`.

#![allow(non_snake_case, reason = "the functions of PKCS#11 have the names the standard gives them")]

mod codes;
mod forward;
mod lies;
mod real;
mod script;
mod soft_sm2;
mod stage;

use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CKR_ARGUMENTS_BAD, CKR_OK};

/// The one function a module exports.
///
/// # Safety
/// `list` is null or points to a place for a pointer, as PKCS#11 §5.4.4 (`C_GetFunctionList`) asks.
#[expect(unsafe_code, reason = "a PKCS#11 module is a C library")]
// SAFETY: no other library in a process that loads this one is linked by this name; modules are found by their handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    forward::loading();
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    // SAFETY: not null, and the caller vouches for the rest. Nobody writes to the list through this pointer: PKCS#11
    // gives it away without `const` and forbids to change it.
    unsafe { *list = std::ptr::from_ref(&forward::FUNCTIONS).cast_mut() };
    CKR_OK
}
