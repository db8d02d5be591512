//! Every function of PKCS#11 2.40: noted, judged by the script, then passed on.
#![expect(unsafe_code, reason = "C functions that call C functions")]

use crate::{
    lies,
    real::{Real, real},
    script::{Action, Length},
    soft_sm2,
    stage::Stage,
};
use cryptoki_sys::*;
use std::{ffi::c_void, sync::Mutex, thread, time::Duration};

/// `C_GetFunctionList` itself may misbehave.
pub(crate) fn loading() {
    let stage = Stage::now();
    stage.log("C_GetFunctionList");
    let rules: Vec<_> = stage.script.rules_for("C_GetFunctionList").cloned().collect();
    for rule in rules {
        if stage.applies(&rule) {
            misbehave(&rule.action);
        }
    }
}

/// What a call is about: while the key is out, slots and sessions answer differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Library,
    Slot,
    Session,
}

/// One call: noted, judged, passed on.
fn call(
    name: &str,
    about: About,
    note: &str,
    pass_on: impl FnOnce(&Stage, &Real) -> CK_RV,
    falsify: impl Fn(&dyn Fn(CK_ULONG) -> CK_ULONG),
) -> CK_RV {
    let stage = Stage::now();
    stage.log(&format!("{name}{note}"));
    for line in &stage.script.unread {
        stage.log(&format!("cannot read: {line}"));
    }
    let answer = judged(&stage, name, about, pass_on, falsify);
    stage.log(&format!("{name} = 0x{answer:x}"));
    answer
}

fn judged(
    stage: &Stage,
    name: &str,
    about: About,
    pass_on: impl FnOnce(&Stage, &Real) -> CK_RV,
    falsify: impl Fn(&dyn Fn(CK_ULONG) -> CK_ULONG),
) -> CK_RV {
    let rules: Vec<_> = stage.script.rules_for(name).filter(|rule| stage.applies(rule)).collect();
    for rule in rules.iter().filter(|rule| !rule.after) {
        match &rule.action {
            Action::Return(code) => return *code,
            Action::Pull(code) => stage.pull(*code),
            Action::Swap(label) => stage.swap(label),
            other => misbehave(other),
        }
    }
    let Some(real) = real(stage) else { return CKR_GENERAL_ERROR };
    notice_insertion(stage, real);
    match (stage.away(), about) {
        (Some(_), About::Slot) => return CKR_TOKEN_NOT_PRESENT,
        (Some(code), About::Session) => return code,
        _ => {}
    }
    let answer = pass_on(stage, real);
    for rule in rules {
        match &rule.action {
            Action::Length(length) => falsify(&|true_length| match length {
                Length::More(more) => true_length.saturating_add(*more),
                Length::Less(less) => true_length.saturating_sub(*less),
                Length::Exactly(length) => *length,
            }),
            _ if !rule.after => {}
            Action::Return(code) => return *code,
            Action::Pull(code) => stage.pull(*code),
            Action::Swap(label) => stage.swap(label),
            other => misbehave(other),
        }
    }
    answer
}

/// A key that was out meanwhile knows nothing of the sessions before.
fn notice_insertion(stage: &Stage, real: &Real) {
    static LAST: Mutex<Option<String>> = Mutex::new(None);
    let inserted = stage.inserted();
    let Ok(mut last) = LAST.lock() else { return };
    let changed = last.as_ref().is_some_and(|last| *last != inserted);
    *last = Some(inserted);
    if changed {
        real.end_sessions();
    }
}

fn misbehave(action: &Action) {
    match action {
        Action::Hang => loop {
            thread::sleep(Duration::from_secs(3600));
        },
        Action::Crash => std::process::abort(),
        Action::Slow(time) => thread::sleep(*time),
        Action::Return(_) | Action::Pull(_) | Action::Swap(_) | Action::Length(_) => {}
    }
}

/// What the library does when it is unloaded or the process ends in the ordinary way.
#[cfg(target_os = "linux")]
extern "C" fn unloading() {
    if let Some(action) = Stage::now().script.unload {
        misbehave(&action);
    }
}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: a pointer to a function without parameters is what this section holds (System V ABI, "Initialization and
// Termination Functions").
#[unsafe(link_section = ".fini_array")]
static UNLOADING: extern "C" fn() = unloading;

/// Writes one function: `NAME about (parameters) [= special] [[length]] [, noting text]`.
///
/// `special` has the parameters of the function after stage and real module, and does more than pass on; `length` is the
/// parameter whose number a script may falsify; the text goes into the log of calls.
macro_rules! functions {
    ($($name:ident $about:ident ($($arg:ident: $type:ty),*) $(= $special:path)? $([$length:ident])? $(, noting $note:expr)?;)*) => {
        $(
            /// # Safety
            /// As PKCS#11 asks of the caller of the function of this name; everything is passed on as it came.
            unsafe extern "C" fn $name($($arg: $type),*) -> CK_RV {
                let note = String::new() $(+ $note)?;
                let pass_on = |stage: &Stage, real: &Real| {
                    // SAFETY: the caller keeps what PKCS#11 asks of it, and the real module is called with the same.
                    unsafe { pass_on!(stage, real, $name, $about, ($($arg),*) $(, $special)?) }
                };
                let falsify = |_change: &dyn Fn(CK_ULONG) -> CK_ULONG| {
                    $(
                        if !$length.is_null() {
                            // SAFETY: PKCS#11 wants a place for the length here, and it is not null.
                            unsafe { *$length = _change(*$length) };
                        }
                    )?
                };
                call(stringify!($name), About::$about, &note, pass_on, falsify)
            }
        )*

        /// The list of all functions.
        pub(crate) static FUNCTIONS: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            C_GetFunctionList: Some(crate::C_GetFunctionList),
            $($name: Some($name),)*
        };
    };
}

macro_rules! pass_on {
    ($stage:ident, $real:ident, $name:ident, $about:ident, ($($arg:ident),*), $special:path) => {{
        $special($stage, $real, $($arg),*)
    }};
    ($stage:ident, $real:ident, $name:ident, Slot, ($slot:ident $(, $arg:ident)*)) => {{
        match ($real.functions.$name, lies::real_slot($stage, $real, $slot)) {
            (Some(function), Ok(slot)) => function(slot $(, $arg)*),
            (None, _) => CKR_FUNCTION_NOT_SUPPORTED,
            (_, Err(code)) => code,
        }
    }};
    ($stage:ident, $real:ident, $name:ident, $about:ident, ($($arg:ident),*)) => {{
        let _ = $stage;
        match $real.functions.$name {
            Some(function) => function($($arg),*),
            None => CKR_FUNCTION_NOT_SUPPORTED,
        }
    }};
}

fn who(user: CK_USER_TYPE, pin: *mut CK_BYTE) -> &'static str {
    match (user, pin.is_null()) {
        (CKU_SO, _) => " so",
        (CKU_USER, false) => " user",
        (CKU_USER, true) => " user by pad",
        (CKU_CONTEXT_SPECIFIC, _) => " context",
        _ => " other",
    }
}

type Bytes = *mut CK_BYTE;
type Count = *mut CK_ULONG;
type Template = *mut CK_ATTRIBUTE;
type Mechanism = *mut CK_MECHANISM;
type Session = CK_SESSION_HANDLE;
type Object = CK_OBJECT_HANDLE;

functions! {
    C_Initialize Library (arguments: *mut c_void);
    C_Finalize Library (reserved: *mut c_void);
    C_GetInfo Library (info: *mut CK_INFO);
    C_GetSlotList Library (with_token: CK_BBOOL, list: *mut CK_SLOT_ID, count: Count) = lies::slot_list [count];
    C_GetSlotInfo Library (slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) = lies::slot_info;
    C_GetTokenInfo Slot (slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) = lies::token_info;
    C_GetMechanismList Slot (slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: Count) [count];
    C_GetMechanismInfo Slot (slot: CK_SLOT_ID, kind: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO);
    C_InitToken Slot (slot: CK_SLOT_ID, pin: Bytes, length: CK_ULONG, label: Bytes);
    C_InitPIN Session (session: Session, pin: Bytes, length: CK_ULONG) = lies::init_pin;
    C_SetPIN Session (session: Session, old: Bytes, old_length: CK_ULONG, new: Bytes, new_length: CK_ULONG) = lies::set_pin;
    C_OpenSession Slot (slot: CK_SLOT_ID, flags: CK_FLAGS, application: *mut c_void, notify: CK_NOTIFY, session: *mut Session);
    C_CloseSession Library (session: Session);
    C_CloseAllSessions Slot (slot: CK_SLOT_ID);
    C_GetSessionInfo Session (session: Session, info: *mut CK_SESSION_INFO) = lies::session_info;
    C_GetOperationState Session (session: Session, state: Bytes, length: Count) [length];
    C_SetOperationState Session (session: Session, state: Bytes, length: CK_ULONG, encryption: Object, authentication: Object);
    C_Login Session (session: Session, user: CK_USER_TYPE, pin: Bytes, length: CK_ULONG) = lies::login, noting who(user, pin);
    C_Logout Session (session: Session);
    C_CreateObject Session (session: Session, template: Template, count: CK_ULONG, object: *mut Object);
    C_CopyObject Session (session: Session, object: Object, template: Template, count: CK_ULONG, new: *mut Object);
    C_DestroyObject Session (session: Session, object: Object) = soft_sm2::destroy;
    C_GetObjectSize Session (session: Session, object: Object, size: Count) [size];
    C_GetAttributeValue Session (session: Session, object: Object, template: Template, count: CK_ULONG) = lies::get_attributes;
    C_SetAttributeValue Session (session: Session, object: Object, template: Template, count: CK_ULONG) = soft_sm2::set_attributes;
    C_FindObjectsInit Session (session: Session, template: Template, count: CK_ULONG) = soft_sm2::find_init;
    C_FindObjects Session (session: Session, objects: *mut Object, most: CK_ULONG, count: Count) = soft_sm2::find [count];
    C_FindObjectsFinal Session (session: Session);
    C_EncryptInit Session (session: Session, mechanism: Mechanism, key: Object);
    C_Encrypt Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_EncryptUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_EncryptFinal Session (session: Session, out: Bytes, out_length: Count) [out_length];
    C_DecryptInit Session (session: Session, mechanism: Mechanism, key: Object);
    C_Decrypt Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DecryptUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DecryptFinal Session (session: Session, out: Bytes, out_length: Count) [out_length];
    C_DigestInit Session (session: Session, mechanism: Mechanism);
    C_Digest Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DigestUpdate Session (session: Session, data: Bytes, length: CK_ULONG);
    C_DigestKey Session (session: Session, key: Object);
    C_DigestFinal Session (session: Session, out: Bytes, out_length: Count) [out_length];
    C_SignInit Session (session: Session, mechanism: Mechanism, key: Object) = lies::sign_init;
    C_Sign Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) = lies::sign [out_length];
    C_SignUpdate Session (session: Session, data: Bytes, length: CK_ULONG);
    C_SignFinal Session (session: Session, out: Bytes, out_length: Count) [out_length];
    C_SignRecoverInit Session (session: Session, mechanism: Mechanism, key: Object);
    C_SignRecover Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_VerifyInit Session (session: Session, mechanism: Mechanism, key: Object);
    C_Verify Session (session: Session, data: Bytes, length: CK_ULONG, signature: Bytes, signature_length: CK_ULONG);
    C_VerifyUpdate Session (session: Session, data: Bytes, length: CK_ULONG);
    C_VerifyFinal Session (session: Session, signature: Bytes, length: CK_ULONG);
    C_VerifyRecoverInit Session (session: Session, mechanism: Mechanism, key: Object);
    C_VerifyRecover Session (session: Session, signature: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DigestEncryptUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DecryptDigestUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_SignEncryptUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_DecryptVerifyUpdate Session (session: Session, data: Bytes, length: CK_ULONG, out: Bytes, out_length: Count) [out_length];
    C_GenerateKey Session (session: Session, mechanism: Mechanism, template: Template, count: CK_ULONG, key: *mut Object);
    C_GenerateKeyPair Session (session: Session, mechanism: Mechanism, public: Template, public_count: CK_ULONG, private: Template, private_count: CK_ULONG, public_key: *mut Object, private_key: *mut Object) = lies::generate_key_pair;
    C_WrapKey Session (session: Session, mechanism: Mechanism, wrapping: Object, key: Object, out: Bytes, out_length: Count) [out_length];
    C_UnwrapKey Session (session: Session, mechanism: Mechanism, unwrapping: Object, wrapped: Bytes, length: CK_ULONG, template: Template, count: CK_ULONG, key: *mut Object);
    C_DeriveKey Session (session: Session, mechanism: Mechanism, base: Object, template: Template, count: CK_ULONG, key: *mut Object);
    C_SeedRandom Session (session: Session, seed: Bytes, length: CK_ULONG);
    C_GenerateRandom Session (session: Session, out: Bytes, length: CK_ULONG);
    C_GetFunctionStatus Session (session: Session);
    C_CancelFunction Session (session: Session);
    C_WaitForSlotEvent Library (flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void);
}
