//! SM2 keys beside those of the real module, by numbers of a vendor's own (`sm2 KEY_TYPE,SIGN,GENERATE,ENCODING` in a
//! script). They lie in a file of the folder, so they outlive the process as those on a token do. Their certificates are
//! ordinary objects of the real module. The curve is RustCrypto's; no hash is taken here: what comes in is signed.
#![expect(unsafe_code, reason = "reads and fills in what C callers hand over")]

use crate::{real::Real, script::Sm2Numbers, stage::Stage};
use cryptoki_sys::*;
use sm2::{
    SecretKey,
    dsa::{Signature, SigningKey, signature::hazmat::PrehashSigner},
    elliptic_curve::sec1::ToSec1Point,
};
use std::{collections::HashMap, fmt::Write, sync::Mutex};

/// Handles from here on are ours; SoftHSM counts from 1.
const FIRST: CK_OBJECT_HANDLE = 0x5A00_0000;
/// `sm2p256v1`, as `CKA_EC_PARAMS`.
const CURVE: &[u8] = b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d";
/// As many bytes as a DER signature has at most.
const LONGEST_DER: CK_ULONG = 72;

/// What a session has found of ours and not handed out yet.
static FOUND: Mutex<Option<HashMap<CK_SESSION_HANDLE, Vec<CK_OBJECT_HANDLE>>>> = Mutex::new(None);
/// With which of our keys a session is about to sign.
static SIGNING: Mutex<Option<HashMap<CK_SESSION_HANDLE, SigningKey>>> = Mutex::new(None);

/// One half of a key pair.
struct Half {
    handle: CK_OBJECT_HANDLE,
    is_private: bool,
    secret: Vec<u8>,
    label: Vec<u8>,
    id: Vec<u8>,
}

/// Whether this is the handle of one of our objects.
pub(crate) fn is_ours(object: CK_OBJECT_HANDLE) -> bool {
    object >= FIRST
}

/// Makes a pair, where the mechanism is that of the script.
///
/// # Safety
/// As `C_GenerateKeyPair` asks of its caller.
#[expect(clippy::too_many_arguments, reason = "as many as the standard has")]
pub(crate) unsafe fn generate(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> Option<CK_RV> {
    let numbers = stage.script.sm2?;
    // SAFETY: the caller's mechanism is null or one.
    let asked = unsafe { mechanism.as_ref() }?.mechanism;
    if Some(asked) != numbers.generate {
        return None;
    }
    if !is_logged_in(real, session) {
        return Some(CKR_USER_NOT_LOGGED_IN);
    }
    // SAFETY: the template has `public_count` attributes.
    let template = unsafe { attributes(public, public_count) };
    let given = |kind| template.iter().find(|(known, _)| *known == kind).map(|(_, value)| value.clone());
    if given(CKA_EC_PARAMS).as_deref() != Some(CURVE) {
        return Some(CKR_DOMAIN_PARAMS_INVALID);
    }
    let Some(secret) = random_secret(real, session) else { return Some(CKR_DEVICE_ERROR) };
    let mut halves = read(stage);
    let next = halves.iter().map(|half| half.handle + 1).max().unwrap_or(FIRST);
    for (handle, is_private) in [(next, false), (next + 1, true)] {
        let (label, id) = (given(CKA_LABEL).unwrap_or_default(), given(CKA_ID).unwrap_or_default());
        halves.push(Half { handle, is_private, secret: secret.clone(), label, id });
    }
    write(stage, &halves);
    // SAFETY: places for the two handles.
    unsafe { (*public_key, *private_key) = (next, next + 1) };
    Some(CKR_OK)
}

/// # Safety
/// As `C_FindObjectsInit` asks of its caller.
pub(crate) unsafe fn find_init(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let Some(function) = real.functions.C_FindObjectsInit else { return CKR_FUNCTION_NOT_SUPPORTED };
    if let Some(numbers) = stage.script.sm2 {
        // SAFETY: the template has `count` attributes.
        let wanted = unsafe { attributes(template, count) };
        let logged_in = is_logged_in(real, session);
        let fits = |half: &Half| {
            let value = |kind| half.value(kind, &numbers, stage.script.bare_points);
            (logged_in || !half.is_private) && wanted.iter().all(|(kind, wanted)| value(*kind).as_ref() == Some(wanted))
        };
        let found = read(stage).iter().filter(|half| fits(half)).map(|half| half.handle).collect();
        with(&FOUND, |all| all.insert(session, found));
    }
    // SAFETY: passed on as it came.
    unsafe { function(session, template, count) }
}

/// # Safety
/// As `C_FindObjects` asks of its caller.
pub(crate) unsafe fn find(
    _stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    let Some(function) = real.functions.C_FindObjects else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: passed on as it came.
    let answer = unsafe { function(session, objects, most, count) };
    if answer == CKR_OK {
        // SAFETY: the real module has just filled it in.
        let mut there = unsafe { *count };
        with(&FOUND, |all| {
            let ours = all.entry(session).or_default();
            while there < most && !ours.is_empty() {
                // SAFETY: the list has `most` places, and `there` are taken.
                unsafe { *objects.add(there as usize) = ours.remove(0) };
                there += 1;
            }
        });
        // SAFETY: as above.
        unsafe { *count = there };
    }
    answer
}

/// # Safety
/// As `C_GetAttributeValue` asks of its caller; the object is one of ours.
pub(crate) unsafe fn get_attributes(
    stage: &Stage,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    let halves = read(stage);
    let (Some(half), Some(numbers)) = (halves.iter().find(|half| half.handle == object), stage.script.sm2) else {
        return CKR_OBJECT_HANDLE_INVALID;
    };
    let mut answer = CKR_OK;
    for at in 0..count as usize {
        // SAFETY: the template has `count` attributes, and nobody else writes to them meanwhile.
        let attribute = unsafe { &mut *template.add(at) };
        let Some(value) = half.value(attribute.type_, &numbers, stage.script.bare_points) else {
            attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
            answer = CKR_ATTRIBUTE_TYPE_INVALID;
            continue;
        };
        if !attribute.pValue.is_null() {
            if (attribute.ulValueLen as usize) < value.len() {
                attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
                answer = CKR_BUFFER_TOO_SMALL;
                continue;
            }
            // SAFETY: there is room for the value.
            unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), attribute.pValue.cast(), value.len()) };
        }
        attribute.ulValueLen = value.len() as CK_ULONG;
    }
    answer
}

/// # Safety
/// As `C_SetAttributeValue` asks of its caller.
pub(crate) unsafe fn set_attributes(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    if !is_ours(object) {
        let Some(function) = real.functions.C_SetAttributeValue else { return CKR_FUNCTION_NOT_SUPPORTED };
        // SAFETY: passed on as it came.
        return unsafe { function(session, object, template, count) };
    }
    let mut halves = read(stage);
    let Some(half) = halves.iter_mut().find(|half| half.handle == object) else { return CKR_OBJECT_HANDLE_INVALID };
    // SAFETY: the template has `count` attributes.
    for (kind, value) in unsafe { attributes(template, count) } {
        match kind {
            CKA_ID => half.id = value,
            CKA_LABEL => half.label = value,
            _ => return CKR_ATTRIBUTE_READ_ONLY,
        }
    }
    write(stage, &halves);
    CKR_OK
}

/// # Safety
/// As `C_DestroyObject` asks of its caller.
pub(crate) unsafe fn destroy(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
) -> CK_RV {
    if !is_ours(object) {
        let Some(function) = real.functions.C_DestroyObject else { return CKR_FUNCTION_NOT_SUPPORTED };
        // SAFETY: passed on as it came.
        return unsafe { function(session, object) };
    }
    let mut halves = read(stage);
    halves.retain(|half| half.handle != object);
    write(stage, &halves);
    CKR_OK
}

/// Begins a signature with a key of ours; `None` where the real module is meant.
///
/// # Safety
/// As `C_SignInit` asks of its caller.
pub(crate) unsafe fn sign_init(
    stage: &Stage,
    real: &Real,
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Option<CK_RV> {
    with(&SIGNING, |all| all.remove(&session));
    let numbers = stage.script.sm2?;
    // SAFETY: the caller's mechanism is null or one.
    let asked = unsafe { mechanism.as_ref() }?.mechanism;
    match (asked == numbers.sign, is_ours(key)) {
        (false, false) => return None,
        (true, true) => {}
        _ => return Some(CKR_KEY_TYPE_INCONSISTENT),
    }
    if !is_logged_in(real, session) {
        return Some(CKR_USER_NOT_LOGGED_IN);
    }
    let halves = read(stage);
    let half = halves.iter().find(|half| half.handle == key && half.is_private);
    let Some(key) = half.and_then(|half| SigningKey::from_slice(NOBODY, &half.secret).ok()) else {
        return Some(CKR_KEY_HANDLE_INVALID);
    };
    with(&SIGNING, |all| all.insert(session, key));
    Some(CKR_OK)
}

/// Signs what comes in, where a key of ours is to.
///
/// # Safety
/// As `C_Sign` asks of its caller.
pub(crate) unsafe fn sign(
    stage: &Stage,
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
    out: *mut CK_BYTE,
    out_length: *mut CK_ULONG,
) -> Option<CK_RV> {
    let key = with(&SIGNING, |all| all.get(&session).cloned())?;
    let is_der = stage.script.sm2?.is_der;
    if out.is_null() {
        // SAFETY: a place for the length.
        unsafe { *out_length = if is_der { LONGEST_DER } else { 64 } };
        return Some(CKR_OK);
    }
    with(&SIGNING, |all| all.remove(&session));
    // SAFETY: the data has `length` bytes.
    let digest = unsafe { std::slice::from_raw_parts(data, length as usize) };
    let signature: Signature = match key.sign_prehash(digest) {
        Ok(signature) if digest.len() == 32 => signature,
        _ => return Some(CKR_DATA_LEN_RANGE),
    };
    let raw = signature.to_bytes();
    let signature = if is_der { der_signature(&raw) } else { raw.to_vec() };
    // SAFETY: a place for the length, and `out` has that many bytes.
    unsafe { give(&signature, out, out_length) }.into()
}

/// `SEQUENCE { r, s }` of a raw `r‖s`.
pub(crate) fn der_signature(raw: &[u8]) -> Vec<u8> {
    let mut numbers = Vec::new();
    for number in raw.chunks(raw.len() / 2) {
        let zeros = number.iter().take_while(|byte| **byte == 0).count().min(number.len() - 1);
        let mut number = number[zeros..].to_vec();
        if number[0] > 0x7f {
            number.insert(0, 0);
        }
        numbers.extend([2, number.len() as u8]);
        numbers.extend(number);
    }
    [vec![0x30, numbers.len() as u8], numbers].concat()
}

/// Answers with these bytes.
///
/// # Safety
/// `out_length` tells how many bytes `out` has.
pub(crate) unsafe fn give(bytes: &[u8], out: *mut CK_BYTE, out_length: *mut CK_ULONG) -> CK_RV {
    // SAFETY: a place for the length; on Windows it may lie anywhere, for structures are packed there.
    let room = unsafe {
        let room = out_length.read_unaligned();
        out_length.write_unaligned(bytes.len() as CK_ULONG);
        room
    };
    if (room as usize) < bytes.len() {
        return CKR_BUFFER_TOO_SMALL;
    }
    // SAFETY: there is room.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), out, bytes.len()) };
    CKR_OK
}

/// The signer's identity is part of what comes in; the library only wants one to be named.
const NOBODY: &str = "";

impl Half {
    fn value(&self, kind: CK_ATTRIBUTE_TYPE, numbers: &Sm2Numbers, bare_points: bool) -> Option<Vec<u8>> {
        let number = |number: CK_ULONG| Some(number.to_ne_bytes().to_vec());
        let truth = |truth: bool| Some(vec![truth.into()]);
        match kind {
            CKA_CLASS => number(if self.is_private { CKO_PRIVATE_KEY } else { CKO_PUBLIC_KEY }),
            CKA_KEY_TYPE => number(numbers.key_type),
            CKA_LABEL => Some(self.label.clone()),
            CKA_ID => Some(self.id.clone()),
            CKA_EC_PARAMS => Some(CURVE.to_vec()),
            CKA_EC_POINT if !self.is_private => {
                let point = SecretKey::from_slice(&self.secret).ok()?.public_key().to_sec1_point(false);
                let head = if bare_points { vec![] } else { vec![4, 65] };
                Some([head, point.as_bytes().to_vec()].concat())
            }
            CKA_TOKEN | CKA_MODIFIABLE | CKA_LOCAL => truth(true),
            CKA_PRIVATE => truth(self.is_private),
            CKA_SIGN | CKA_SENSITIVE | CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE if self.is_private => truth(true),
            CKA_EXTRACTABLE | CKA_ALWAYS_AUTHENTICATE if self.is_private => truth(false),
            CKA_VERIFY if !self.is_private => truth(true),
            _ => None,
        }
    }
}

fn is_logged_in(real: &Real, session: CK_SESSION_HANDLE) -> bool {
    let mut info = CK_SESSION_INFO::default();
    // SAFETY: `info` is a place for the answer.
    let answer = real.functions.C_GetSessionInfo.map(|function| unsafe { function(session, &mut info) });
    answer == Some(CKR_OK) && matches!({ info.state }, CKS_RW_USER_FUNCTIONS | CKS_RO_USER_FUNCTIONS)
}

fn random_secret(real: &Real, session: CK_SESSION_HANDLE) -> Option<Vec<u8>> {
    let random = real.functions.C_GenerateRandom?;
    let mut secret = vec![0; 32];
    // Few numbers of this size are no key.
    for _ in 0..8 {
        // SAFETY: the buffer has as many bytes as said.
        let answer = unsafe { random(session, secret.as_mut_ptr(), secret.len() as CK_ULONG) };
        if answer == CKR_OK && SecretKey::from_slice(&secret).is_ok() {
            return Some(secret);
        }
    }
    None
}

/// # Safety
/// The template is null or has `count` attributes, each with as many bytes as it says.
unsafe fn attributes(template: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)> {
    if template.is_null() {
        return Vec::new();
    }
    // SAFETY: by our own condition.
    let given = unsafe { std::slice::from_raw_parts(template, count as usize) };
    let value = |attribute: &CK_ATTRIBUTE| match attribute.pValue.is_null() {
        true => Vec::new(),
        // SAFETY: by our own condition.
        false => unsafe {
            std::slice::from_raw_parts(attribute.pValue.cast::<u8>(), attribute.ulValueLen as usize).to_vec()
        },
    };
    given.iter().map(|attribute| (attribute.type_, value(attribute))).collect()
}

fn with<K, V, T>(all: &Mutex<Option<HashMap<K, V>>>, act: impl FnOnce(&mut HashMap<K, V>) -> T) -> T {
    let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    act(all.get_or_insert_with(HashMap::new))
}

/// One line a half: handle, which half, secret, label, id; `-` before what may be empty.
fn read(stage: &Stage) -> Vec<Half> {
    let text = stage.read("sm2").unwrap_or_default();
    let half = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let [handle, half, secret, label, id] = words[..] else { return None };
        let bytes = |text: &str| crate::script::hex(text.strip_prefix('-')?);
        Some(Half {
            handle: handle.parse().ok()?,
            is_private: half == "private",
            secret: bytes(secret)?,
            label: bytes(label)?,
            id: bytes(id)?,
        })
    };
    text.lines().filter_map(half).collect()
}

fn write(stage: &Stage, halves: &[Half]) {
    let mut text = String::new();
    for Half { handle, is_private, secret, label, id } in halves {
        let half = if *is_private { "private" } else { "public" };
        let hex = |bytes: &[u8]| bytes.iter().fold("-".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        let _ = writeln!(text, "{handle} {half} {} {} {}", hex(secret), hex(label), hex(id));
    }
    stage.write("sm2", &text);
}
