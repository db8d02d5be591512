//! What is not simply passed on: the slots, what the token says of itself, its PINs, and how it writes points and signatures.
#![expect(unsafe_code, reason = "C functions that call C functions")]

use crate::{real::Real, script::Text, soft_sm2, stage::Stage};
use cryptoki_sys::*;
use std::{collections::HashSet, sync::Mutex};

/// The slot of the one key that is shown.
const SHOWN: CK_SLOT_ID = 42;
/// Slots that the script adds, beyond the 31 bits of SoftHSM's own.
const ADDED: CK_SLOT_ID = 0x9000_0000;

/// The real slot behind the one we show.
pub(crate) fn real_slot(stage: &Stage, real: &Real, slot: CK_SLOT_ID) -> Result<CK_SLOT_ID, CK_RV> {
    match stage.shown() {
        _ if slot >= ADDED => Err(CKR_TOKEN_NOT_RECOGNIZED),
        Some(label) if slot == SHOWN => real.slot_of(&label).ok_or(CKR_TOKEN_NOT_PRESENT),
        Some(_) => Err(CKR_SLOT_ID_INVALID),
        None => Ok(slot),
    }
}

/// # Safety
/// `count` points to a number; `list` is null or has as many places as the number says.
pub(crate) unsafe fn slot_list(
    stage: &Stage,
    real: &Real,
    with_token: CK_BBOOL,
    list: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    let with_token = with_token != 0;
    if count.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let mut slots = match real.slots(with_token) {
        Ok(slots) => slots,
        Err(code) => return code,
    };
    if let Some(label) = stage.shown() {
        slots = if real.slot_of(&label).is_some() { vec![SHOWN] } else { Vec::new() };
    }
    slots.extend((0..stage.script.more_slots).map(|n| ADDED + n));
    if with_token && stage.away().is_some() {
        slots.clear();
    }
    let there = slots.len() as CK_ULONG;
    // SAFETY: `count` is not null and, by our own condition, points to a number.
    let places = unsafe { *count };
    let (answer, told) = if list.is_null() {
        (CKR_OK, stage.script.claimed_slots.unwrap_or(there))
    } else if stage.script.growing_slots {
        (CKR_BUFFER_TOO_SMALL, places + 1)
    } else if places < there {
        (CKR_BUFFER_TOO_SMALL, there)
    } else {
        // SAFETY: the list has `places` places, which is enough for all of them.
        unsafe { std::ptr::copy_nonoverlapping(slots.as_ptr(), list, slots.len()) };
        (CKR_OK, there)
    };
    // SAFETY: as above.
    unsafe { *count = told };
    answer
}

/// # Safety
/// `info` is a place for the answer, or null.
pub(crate) unsafe fn slot_info(stage: &Stage, real: &Real, slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    let Some(function) = real.functions.C_GetSlotInfo else { return CKR_FUNCTION_NOT_SUPPORTED };
    let slot = match real_slot(stage, real, slot) {
        Ok(slot) => slot,
        Err(code) => return code,
    };
    // SAFETY: passed on as it came.
    let answer = unsafe { function(slot, info) };
    if answer == CKR_OK && stage.away().is_some() {
        // SAFETY: the real module has just filled it in.
        unsafe { (*info).flags &= !CKF_TOKEN_PRESENT };
    }
    answer
}

/// # Safety
/// `info` is a place for the answer, or null.
pub(crate) unsafe fn token_info(stage: &Stage, real: &Real, slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    let Some(function) = real.functions.C_GetTokenInfo else { return CKR_FUNCTION_NOT_SUPPORTED };
    let slot = match real_slot(stage, real, slot) {
        Ok(slot) => slot,
        Err(code) => return code,
    };
    // SAFETY: passed on as it came.
    let answer = unsafe { function(slot, info) };
    if answer == CKR_OK {
        // SAFETY: the real module has just filled it in, and nobody else knows of it yet.
        describe(stage, unsafe { &mut *info });
    }
    answer
}

fn describe(stage: &Stage, info: &mut CK_TOKEN_INFO) {
    let script = &stage.script;
    let user = [CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED];
    let so = [CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED];
    for (most, of, [low, last, locked]) in [(script.tries, "tries", user), (script.so_tries, "so-tries", so)] {
        let Some(most) = most else { continue };
        info.flags &= !(low | last | locked);
        info.flags |= match stage.tries_left(of, most) {
            0 => locked,
            1 => low | last,
            left if left < most => low,
            _ => 0,
        };
    }
    if script.must_change_pin && stage.read("pin-changed").is_none() {
        info.flags |= CKF_USER_PIN_TO_BE_CHANGED;
    }
    if script.pin_pad.is_some() {
        info.flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    }
    if script.frozen_flags {
        match stage.read("flags").and_then(|flags| flags.parse().ok()) {
            Some(flags) => info.flags = flags,
            None => stage.write("flags", &{ info.flags }.to_string()),
        }
    }
    if let Some((least, most)) = script.pin_length {
        (info.ulMinPinLen, info.ulMaxPinLen) = (least, most);
    }
    for (text, bytes) in &script.texts {
        match text {
            Text::Label => fill(&mut info.label, bytes),
            Text::Manufacturer => fill(&mut info.manufacturerID, bytes),
            Text::Model => fill(&mut info.model, bytes),
            Text::Serial => fill(&mut info.serialNumber, bytes),
            Text::Clock => {
                info.flags |= CKF_CLOCK_ON_TOKEN;
                fill(&mut info.utcTime, bytes);
            }
        }
    }
    for (flag, on) in &script.flags {
        info.flags = if *on { info.flags | flag } else { info.flags & !flag };
    }
    if script.padded_with_nul {
        for field in [&mut info.label[..], &mut info.manufacturerID, &mut info.model, &mut info.serialNumber] {
            field.iter_mut().rev().take_while(|byte| **byte == b' ').for_each(|byte| *byte = 0);
        }
    }
}

fn fill(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field.fill(b' ');
    field[..length].copy_from_slice(&text[..length]);
}

/// # Safety
/// `info` is a place for the answer, or null.
pub(crate) unsafe fn session_info(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    info: *mut CK_SESSION_INFO,
) -> CK_RV {
    let Some(function) = real.functions.C_GetSessionInfo else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: passed on as it came.
    let answer = unsafe { function(session, info) };
    if answer == CKR_OK && stage.shown().is_some() {
        // SAFETY: the real module has just filled it in.
        unsafe { (*info).slotID = SHOWN };
    }
    answer
}

/// # Safety
/// `pin` is null or holds `length` bytes.
pub(crate) unsafe fn login(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    let Some(function) = real.functions.C_Login else { return CKR_FUNCTION_NOT_SUPPORTED };
    let mut cached = CACHED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if stage.script.cached_pin
        && user == CKU_USER
        && let Some(known) = cached.as_ref()
    {
        // SAFETY: the bytes outlive the call, which only reads them.
        return unsafe { function(session, user, known.as_ptr().cast_mut(), known.len() as CK_ULONG) };
    }
    let answer = counted(stage, user == CKU_SO, || match &stage.script.pin_pad {
        // SAFETY: the pad's bytes outlive the call, which only reads them.
        Some(pad) if pin.is_null() => unsafe {
            function(session, user, pad.pin.as_ptr().cast_mut(), pad.pin.len() as CK_ULONG)
        },
        // SAFETY: passed on as it came.
        _ => unsafe { function(session, user, pin, length) },
    });
    if stage.script.cached_pin && answer == CKR_OK && user == CKU_USER && !pin.is_null() {
        // SAFETY: by our own condition.
        *cached = Some(unsafe { std::slice::from_raw_parts(pin, length as usize) }.to_vec());
    }
    answer
}

/// The PIN that was right in this process.
static CACHED: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// # Safety
/// `old` and `new` are null or hold as many bytes as said.
pub(crate) unsafe fn set_pin(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    old: *mut CK_BYTE,
    old_length: CK_ULONG,
    new: *mut CK_BYTE,
    new_length: CK_ULONG,
) -> CK_RV {
    let Some(function) = real.functions.C_SetPIN else { return CKR_FUNCTION_NOT_SUPPORTED };
    let is_so = is_so(real, session);
    let answer = counted(stage, is_so, || match &stage.script.pin_pad {
        // SAFETY: the pad's bytes outlive the call, which only reads them.
        Some(pad) if old.is_null() => unsafe {
            let (old, new) = (&pad.pin, &pad.new_pin);
            let length = |pin: &[u8]| pin.len() as CK_ULONG;
            function(session, old.as_ptr().cast_mut(), length(old), new.as_ptr().cast_mut(), length(new))
        },
        // SAFETY: passed on as it came.
        _ => unsafe { function(session, old, old_length, new, new_length) },
    });
    if answer == CKR_OK && !is_so {
        stage.write("pin-changed", "");
    }
    answer
}

/// # Safety
/// `pin` is null or holds `length` bytes.
pub(crate) unsafe fn init_pin(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    pin: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    let Some(function) = real.functions.C_InitPIN else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: passed on as it came.
    let answer = unsafe { function(session, pin, length) };
    if answer == CKR_OK
        && let Some(most) = stage.script.tries
    {
        stage.write("tries", &most.to_string());
    }
    answer
}

fn is_so(real: &Real, session: CK_SESSION_HANDLE) -> bool {
    let mut info = CK_SESSION_INFO::default();
    // SAFETY: `info` is a place for the answer.
    let answer = real.functions.C_GetSessionInfo.map(|function| unsafe { function(session, &mut info) });
    answer == Some(CKR_OK) && info.state == CKS_RW_SO_FUNCTIONS
}

/// A try of a PIN, counted where the script says so.
fn counted(stage: &Stage, so: bool, attempt: impl FnOnce() -> CK_RV) -> CK_RV {
    let (of, most) = if so { ("so-tries", stage.script.so_tries) } else { ("tries", stage.script.tries) };
    let left = most.map(|most| stage.tries_left(of, most));
    if left == Some(0) {
        return CKR_PIN_LOCKED;
    }
    let answer = attempt();
    match (answer, left, most) {
        (CKR_PIN_INCORRECT, Some(left), _) => stage.write(of, &(left - 1).to_string()),
        (CKR_OK, _, Some(most)) => stage.write(of, &most.to_string()),
        _ => {}
    }
    match stage.script.wrong_pin {
        Some(code) if answer == CKR_PIN_INCORRECT => code,
        _ => answer,
    }
}

/// # Safety
/// Templates hold as many attributes as said; the last two are places for handles.
#[expect(clippy::too_many_arguments, reason = "as many as the standard has")]
pub(crate) unsafe fn generate_key_pair(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    // SAFETY: passed on as it came.
    let ours =
        unsafe { soft_sm2::generate(stage, real, session, mechanism, public, public_count, public_key, private_key) };
    if let Some(answer) = ours {
        return answer;
    }
    let Some(function) = real.functions.C_GenerateKeyPair else { return CKR_FUNCTION_NOT_SUPPORTED };
    let mut template = Vec::new();
    if !private.is_null() {
        // SAFETY: it holds `private_count` attributes.
        template.extend_from_slice(unsafe { std::slice::from_raw_parts(private, private_count as usize) });
    }
    let mut yes = CK_TRUE;
    if stage.script.always_authenticate {
        let value = std::ptr::from_mut(&mut yes).cast();
        template.push(CK_ATTRIBUTE { type_: CKA_ALWAYS_AUTHENTICATE, pValue: value, ulValueLen: 1 });
    }
    let count = template.len() as CK_ULONG;
    // SAFETY: as it came, but for the private key's template, which lives through the call.
    unsafe { function(session, mechanism, public, public_count, template.as_mut_ptr(), count, public_key, private_key) }
}

/// # Safety
/// As `C_GetAttributeValue` asks of its caller.
pub(crate) unsafe fn get_attributes(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    if soft_sm2::is_ours(object) {
        // SAFETY: passed on as it came.
        return unsafe { soft_sm2::get_attributes(stage, object, template, count) };
    }
    let Some(function) = real.functions.C_GetAttributeValue else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the template has `count` attributes.
    let bare = stage.script.bare_points && count == 1 && unsafe { (*template).type_ } == CKA_EC_POINT;
    if !bare {
        // SAFETY: passed on as it came.
        return unsafe { function(session, object, template, count) };
    }
    let mut wrapped = [0; 256];
    let value = wrapped.as_mut_ptr().cast();
    let mut own = CK_ATTRIBUTE { type_: CKA_EC_POINT, pValue: value, ulValueLen: wrapped.len() as CK_ULONG };
    // SAFETY: the buffer has as many bytes as said.
    let answer = unsafe { function(session, object, &mut own, 1) };
    if answer != CKR_OK {
        return answer;
    }
    // The OCTET STRING of a point on our curves has two bytes before it.
    let bare = &wrapped[2..own.ulValueLen as usize];
    // SAFETY: it is there, and nobody else writes to it meanwhile.
    let asked = unsafe { &mut *template };
    if asked.pValue.is_null() {
        asked.ulValueLen = bare.len() as CK_ULONG;
        return CKR_OK;
    }
    // SAFETY: the attribute tells how many bytes its value has room for.
    unsafe { soft_sm2::give(bare, asked.pValue.cast(), &raw mut asked.ulValueLen) }
}

/// Sessions that are about to sign by CKM_ECDSA.
static ECDSA: Mutex<Option<HashSet<CK_SESSION_HANDLE>>> = Mutex::new(None);

/// # Safety
/// As `C_SignInit` asks of its caller.
pub(crate) unsafe fn sign_init(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    // SAFETY: passed on as it came.
    if let Some(answer) = unsafe { soft_sm2::sign_init(stage, real, session, mechanism, key) } {
        return answer;
    }
    let Some(function) = real.functions.C_SignInit else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the caller's mechanism is null or one.
    let is_ecdsa = unsafe { mechanism.as_ref() }.is_some_and(|mechanism| mechanism.mechanism == CKM_ECDSA);
    let mut all = ECDSA.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let all = all.get_or_insert_with(HashSet::new);
    if is_ecdsa {
        all.insert(session)
    } else {
        all.remove(&session)
    };
    // SAFETY: passed on as it came.
    unsafe { function(session, mechanism, key) }
}

/// # Safety
/// As `C_Sign` asks of its caller.
pub(crate) unsafe fn sign(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    out: *mut CK_BYTE,
    out_length: *mut CK_ULONG,
) -> CK_RV {
    // SAFETY: passed on as it came.
    if let Some(answer) = unsafe { soft_sm2::sign(stage, session, data, length, out, out_length) } {
        return answer;
    }
    let Some(function) = real.functions.C_Sign else { return CKR_FUNCTION_NOT_SUPPORTED };
    let all = ECDSA.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_ecdsa = all.as_ref().is_some_and(|all| all.contains(&session));
    drop(all);
    if out.is_null() || !is_ecdsa || !stage.script.der_signatures {
        // SAFETY: passed on as it came.
        let answer = unsafe { function(session, data, length, out, out_length) };
        if answer == CKR_OK && is_ecdsa && stage.script.der_signatures {
            // SAFETY: the real module has just filled it in. A sequence, two numbers, and a zero before each.
            unsafe { *out_length += 8 };
        }
        return answer;
    }
    let mut raw = [0; 128];
    let mut raw_length = raw.len() as CK_ULONG;
    // SAFETY: the buffer has as many bytes as said.
    let answer = unsafe { function(session, data, length, raw.as_mut_ptr(), &mut raw_length) };
    if answer != CKR_OK {
        return answer;
    }
    // SAFETY: `out` has as many bytes as its length says.
    unsafe { soft_sm2::give(&soft_sm2::der_signature(&raw[..raw_length as usize]), out, out_length) }
}
