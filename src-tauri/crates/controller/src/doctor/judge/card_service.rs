//! The smart card service.

use certdesk_token::{CardServiceError, TokenError};

use super::{Judge, devices::device_name};
use crate::doctor::{
    finding::{FactName, Finding, FindingCode, Level, Repair},
    machine::CardService,
};

impl Judge<'_> {
    pub(super) fn card_service(&mut self) {
        let state = self.sight.card_service.flatten();
        let Some(Ok(devices)) = &self.sight.usb else { return };
        let Some(seen) = &self.sight.keys else { return };
        // Only readers and keys of that class need it; many keys bring a driver that reaches them by itself. A driver
        // that answers an error may miss it.
        let needed = devices.iter().find(|device| device.is_reader);
        let missed = seen.modules.iter().any(|module| matches!(module.answer, Some(Err(TokenError::Driver { .. }))));
        let level = if needed.is_some() || missed { self.in_the_way() } else { Level::Note };
        let tell = |finding: Finding| finding.known(FactName::Device, needed.map(device_name));
        let about = |code| tell(Finding::new(code, level));
        let stopped = || self.with(about(FindingCode::CardServiceStopped), Repair::StartCardService);
        let missing = |code| self.with(about(code), Repair::InstallCardService);
        // Who asked it knows better than who looked for it.
        let finding = match (&self.sight.readers, state) {
            (Some(Ok(_)), _) => Finding::new(FindingCode::CardServiceRuns, Level::Good),
            (Some(Err(CardServiceError::Forbidden)), _) => about(FindingCode::CardServiceForbidden),
            (Some(Err(CardServiceError::Hung { after })), _) => {
                let finding = about(FindingCode::CardServiceHung).repair(Repair::LookAgain);
                finding.fact(FactName::Cause, format!("{} s", after.as_secs()))
            }
            (Some(Err(error @ CardServiceError::Failed { .. })), _) => {
                about(FindingCode::CardServiceFailed).fact(FactName::Cause, error)
            }
            (Some(Err(CardServiceError::NoLibrary { reason })), state) if state != Some(CardService::Missing) => {
                missing(FindingCode::CardServiceLibrary).fact(FactName::Cause, reason)
            }
            (_, Some(CardService::Missing)) => missing(FindingCode::CardServiceMissing),
            (_, Some(CardService::Stopped)) | (Some(Err(CardServiceError::NotRunning)), _) => stopped(),
            (_, Some(CardService::Forbidden)) => about(FindingCode::CardServiceForbidden),
            (_, Some(CardService::Runs)) => Finding::new(FindingCode::CardServiceRuns, Level::Good),
            (_, None) => return,
        };
        self.found.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Sight,
        specimen::{device, find, module, sight},
    };
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_smart_card_service_is_a_problem_where_a_reader_needs_it() {
        let mut seen = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("096e:0807", true)]);
        seen.card_service = Some(Some(CardService::Stopped));
        seen.repairs = vec![Repair::StartCardService];
        let stopped = find(&seen, FindingCode::CardServiceStopped);
        assert_eq!((stopped.level, stopped.repair), (Level::Problem, Some(Repair::StartCardService)));
        seen.usb = Some(Ok(Vec::new()));
        assert_eq!(find(&seen, FindingCode::CardServiceStopped).level, Level::Note, "no reader, no need");
        let error = TokenError::Driver { call: "C_GetSlotList".into(), code: "CKR_DEVICE_ERROR".into() };
        seen.keys = sight(vec![module("yubico", Err(error))], Vec::new(), Vec::new()).keys;
        assert_eq!(find(&seen, FindingCode::CardServiceStopped).level, Level::Problem, "the driver may miss it");
    }

    #[test]
    fn why_the_readers_are_not_known_is_told() {
        let asked = |state, error| {
            let mut seen = sight(vec![module("opensc", Ok(0))], Vec::new(), vec![device("058f:9540", true)]);
            seen.repairs = vec![Repair::StartCardService, Repair::InstallCardService];
            seen.card_service = Some(state);
            seen.readers = Some(Err(error));
            seen
        };
        let (none, hung) = (CardServiceError::NotRunning, CardServiceError::Hung { after: Duration::from_secs(5) });
        let library = CardServiceError::NoLibrary { reason: "libpcsclite.so.1".into() };
        let failed = CardServiceError::Failed { call: "SCardListReaders".into(), code: "0x8010001F".into() };
        let cases = [
            (Some(CardService::Stopped), none.clone(), FindingCode::CardServiceStopped, Some(Repair::StartCardService)),
            (Some(CardService::Runs), none.clone(), FindingCode::CardServiceStopped, Some(Repair::StartCardService)),
            (Some(CardService::Missing), none, FindingCode::CardServiceMissing, Some(Repair::InstallCardService)),
            (Some(CardService::Runs), hung, FindingCode::CardServiceHung, Some(Repair::LookAgain)),
            (
                Some(CardService::Missing),
                library.clone(),
                FindingCode::CardServiceMissing,
                Some(Repair::InstallCardService),
            ),
            (Some(CardService::Stopped), library, FindingCode::CardServiceLibrary, Some(Repair::InstallCardService)),
            (None, CardServiceError::Forbidden, FindingCode::CardServiceForbidden, None),
            (Some(CardService::Runs), failed, FindingCode::CardServiceFailed, None),
        ];
        for (state, error, code, repair) in cases {
            let found = find(&asked(state, error.clone()), code);
            assert_eq!((found.level, found.repair), (Level::Problem, repair), "{state:?}, {error:?}");
        }
        let answered =
            Sight { readers: Some(Ok(Vec::new())), ..asked(Some(CardService::Stopped), CardServiceError::NotRunning) };
        find(&answered, FindingCode::CardServiceRuns);
    }
}
