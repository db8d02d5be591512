//! What is plugged in, compared with what the modules show.

use super::Judge;
use crate::doctor::{
    finding::{FactName, Finding, FindingCode, Level, Repair},
    known_key::KnownKey,
    machine::UsbDevice,
};

impl Judge<'_> {
    pub(super) fn devices(&mut self) {
        let Some(Ok(devices)) = &self.sight.usb else { return };
        let Some(seen) = &self.sight.keys else { return };
        // What the smart card service shows of readers says more than that there is one.
        let readers = self.sight.readers.as_ref().and_then(|seen| seen.as_ref().ok()).map_or(0, Vec::len);
        let shown = readers >= devices.iter().filter(|device| device.is_reader).count();
        let mut known = readers > 0;
        for device in devices {
            let Some(key) = KnownKey::of(device) else {
                if device.is_reader && seen.keys.is_empty() && !shown {
                    known = true;
                    self.find(FindingCode::KeyUnknown, Level::Problem, |finding| about_device(finding, device));
                }
                continue;
            };
            known = true;
            if !seen.keys.is_empty() {
                continue;
            }
            let about = |code| about_device(Finding::new(code, Level::Problem), device);
            let finding = if device.allowed == Some(false) && !device.is_reader {
                let finding = self.offered(about(FindingCode::KeyForbidden), &key, &device.numbers);
                Some(self.with(finding, Repair::AllowKeys))
            } else {
                let (missing, unseen) = (about(FindingCode::KeyWithoutDriver), about(FindingCode::KeyUnseen));
                self.unshown(&key, &device.numbers, missing, unseen)
            };
            if device.is_reader {
                self.told.extend(&key.own);
            }
            self.found.extend(finding);
        }
        // A driver that fails is told of itself, and says nothing of keys.
        let works = seen.modules.iter().any(|module| matches!(module.answer, Some(Ok(_))));
        if seen.keys.is_empty() && !known && works {
            self.find(FindingCode::KeyNone, Level::Problem, |finding| finding.repair(Repair::LookAgain));
        }
    }
}

fn about_device(finding: Finding, device: &UsbDevice) -> Finding {
    finding
        .fact(FactName::Device, device_name(device))
        .fact(FactName::Usb, &device.numbers)
        .known(FactName::Node, device.node.as_ref().map(|node| node.display().to_string()))
}

/// As it calls itself, or by its numbers.
pub(super) fn device_name(device: &UsbDevice) -> String {
    device.name.clone().unwrap_or_else(|| format!("USB {}", device.numbers))
}

#[cfg(test)]
mod tests {
    use super::super::specimen::{codes, device, find, module, sight};
    use super::*;
    use certdesk_contract::driver::DriverPackage;

    #[test]
    fn a_key_without_its_driver_is_named_and_offered_what_the_service_has() {
        let mut seen = sight(Vec::new(), Vec::new(), vec![device("096e:0807", true)]);
        let lonely = find(&seen, FindingCode::KeyWithoutDriver);
        assert_eq!(lonely.repair, Some(Repair::RefreshLists), "nothing is offered: the list may be old");
        assert!(lonely.facts.iter().any(|fact| fact.zh.as_deref() == Some("飞天诚信 ePass2003")), "its maker is named");
        let text = certdesk_contract::catalogue::Text { zh: "飞天驱动".into(), en: "ePass driver".into() };
        let offer = |token: &str| DriverPackage {
            id: "epass".into(),
            name: text.clone(),
            serves: text.clone(),
            publisher: "Feitian".into(),
            version: "1".into(),
            os: certdesk_contract::driver::DriverOs::LinuxDeb,
            architectures: Vec::new(),
            file_name: "epass_1_all.deb".into(),
            bytes: 1,
            sha256: "00".repeat(32),
            tokens: vec![token.into()],
            signer: None,
            silent: Vec::new(),
        };
        for serves in ["096e:0807", "feitian-epass2003"] {
            seen.offers = Some(vec![offer(serves)]);
            let offered = find(&seen, FindingCode::KeyWithoutDriver).repair;
            assert_eq!(offered, Some(Repair::InstallDriver { id: "epass".into() }), "matched by {serves}");
        }
        seen.offers = Some(vec![offer("1234:5678")]);
        let other = find(&seen, FindingCode::KeyWithoutDriver).repair;
        assert_eq!(other, Some(Repair::RefreshLists), "another key's driver is not offered");
    }

    #[test]
    fn a_driver_that_does_not_see_its_key_is_the_reason() {
        let seen = sight(vec![module("feitian-epass2003", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        assert_eq!(find(&seen, FindingCode::KeyUnseen).repair, Some(Repair::LookAgain));
        let other = sight(vec![module("yubico", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        find(&other, FindingCode::KeyWithoutDriver);
        let shared = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        find(&shared, FindingCode::KeyUnseen);
    }

    #[test]
    fn a_device_that_may_not_be_reached_is_the_reason_only_where_the_driver_reaches_it_by_itself() {
        let forbidden = |is_reader| UsbDevice { allowed: Some(false), ..device("055c:e618", is_reader) };
        let mut seen = sight(vec![module("longmai-gm3000", Ok(0))], Vec::new(), vec![forbidden(false)]);
        assert_eq!(find(&seen, FindingCode::KeyForbidden).repair, None, "no repair where the system has none");
        seen.repairs = vec![Repair::AllowKeys];
        assert_eq!(find(&seen, FindingCode::KeyForbidden).repair, Some(Repair::AllowKeys));
        seen.usb = Some(Ok(vec![forbidden(true)]));
        assert!(!codes(&seen).contains(&FindingCode::KeyForbidden), "a reader is reached by the smart card service");
    }
}
