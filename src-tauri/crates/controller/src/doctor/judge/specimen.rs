//! What the tests of the rooms look at: keys, modules and devices as they are seen, and what is found of them.

use certdesk_domain::{Timestamp, token::PinTries};
use certdesk_token::{FoundModule, ModuleFault, ModuleOrigin, TokenError};

use super::{KeysSight, Sight, judge};
use crate::{
    doctor::{
        finding::{Finding, FindingCode},
        machine::UsbDevice,
    },
    keys::Asked,
    view::KeyView,
};

pub(super) const NOW: Timestamp = time::macros::datetime!(2026-11-23 08:00 UTC);

pub(super) fn codes(sight: &Sight) -> Vec<FindingCode> {
    judge(sight, NOW).findings.into_iter().map(|finding| finding.code).collect()
}

pub(super) fn find(sight: &Sight, code: FindingCode) -> Finding {
    let found = judge(sight, NOW).findings.into_iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("{code:?} is not among {:?}", codes(sight)))
}

pub(super) fn key() -> KeyView {
    KeyView {
        id: "1".into(),
        label: "林小满".into(),
        manufacturer: "Feitian".into(),
        model: "ePass2003".into(),
        serial: "2611230042".into(),
        holder: Some("福州云帆测试科技有限公司".into()),
        valid_until: Some(NOW + time::Duration::days(300)),
        can_log_in: true,
        tries: PinTries::NoWarning,
        so_tries: PinTries::NoWarning,
        pin_must_change: false,
        pin_pad: false,
        ready: true,
        pin_length: (6, 16),
        pin_advice: None,
    }
}

pub(super) fn found(profile: &str, fault: Option<ModuleFault>) -> FoundModule {
    FoundModule {
        path: "/usr/lib/libcastle.so.1.0.0".into(),
        name: "Feitian ePass2003".into(),
        profile: Some(profile.into()),
        origin: ModuleOrigin::Profile,
        helper: None,
        fault,
    }
}

pub(super) fn module(profile: &str, answer: Result<usize, TokenError>) -> Asked {
    Asked { found: found(profile, None), answer: Some(answer), library: None, provenance: None }
}

pub(super) fn unusable(fault: ModuleFault) -> Asked {
    Asked { found: found("haitai", Some(fault)), answer: None, library: None, provenance: None }
}

pub(super) fn device(numbers: &str, is_reader: bool) -> UsbDevice {
    UsbDevice { numbers: numbers.into(), name: None, is_reader, node: None, allowed: Some(true) }
}

/// What was seen of keys and USB; nothing of the rest.
pub(super) fn sight(modules: Vec<Asked>, keys: Vec<KeyView>, devices: Vec<UsbDevice>) -> Sight {
    let slots = keys.iter().map(|_| String::new()).collect();
    Sight { keys: Some(KeysSight { modules, keys, slots }), usb: Some(Ok(devices)), ..Sight::default() }
}
