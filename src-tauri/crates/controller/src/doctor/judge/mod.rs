//! From what the probes saw to what is found. Pure: the same sight, the same findings.
//!
//! A room for each subject; they share what was seen, and this order.

mod card_service;
mod computer;
mod devices;
mod keys;
mod modules;
mod readers;
mod service;
#[cfg(test)]
mod specimen;
mod unshown;

use certdesk_contract::driver::DriverPackage;
use certdesk_domain::Timestamp;
use certdesk_portal::Line;
use certdesk_token::{CardReader, CardServiceError};

use super::{
    finding::{Examination, FactName, Finding, FindingCode, Level, Probe, Repair},
    machine::{CardService, Computer, UsbDevice},
};
use crate::{failure::Failure, keys::Asked, view::KeyView};

/// What was seen so far; `None` where a probe has not answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub(crate) keys: Option<KeysSight>,
    pub(crate) usb: Option<Result<Vec<UsbDevice>, String>>,
    pub(crate) card_service: Option<Option<CardService>>,
    pub(crate) readers: Option<Result<Vec<CardReader>, CardServiceError>>,
    pub(crate) service: Option<ServiceSight>,
    /// Drivers that the service has for this computer.
    pub(crate) offers: Option<Vec<DriverPackage>>,
    pub(crate) computer: Option<Computer>,
    /// Probes that ran out of time.
    pub(crate) late: Vec<Probe>,
    /// Repairs that this system has.
    pub(crate) repairs: Vec<Repair>,
}

/// Modules and keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeysSight {
    pub(crate) modules: Vec<Asked>,
    pub(crate) keys: Vec<KeyView>,
    /// What the modules call the slots of the keys.
    pub(crate) slots: Vec<String>,
}

/// The portal service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceSight {
    pub(crate) address: String,
    pub(crate) line: Result<Line, Failure>,
    /// How much this computer's clock is ahead.
    pub(crate) skew: Option<time::Duration>,
}

/// What is found, the worst first.
pub(crate) fn judge(sight: &Sight, now: Timestamp) -> Examination {
    let keys = sight.keys.as_ref();
    let usable = keys.is_some_and(|seen| seen.keys.iter().any(|key| keys::is_usable(key, now)));
    let judge = Judge { sight, now, usable, found: Vec::new(), told: Vec::new() };
    let mut findings = judge.all();
    findings.sort_by_key(|finding| (finding.level, finding.code));
    let waiting = Probe::ALL.iter().copied().filter(|probe| sight.waits_for(*probe)).collect();
    Examination { waiting, findings, usable }
}

impl Sight {
    fn waits_for(&self, probe: Probe) -> bool {
        let answered = match probe {
            Probe::Keys => self.keys.is_some(),
            Probe::Usb => self.usb.is_some(),
            Probe::CardService => self.card_service.is_some(),
            Probe::CardReaders => self.readers.is_some(),
            Probe::Service => self.service.is_some(),
            Probe::Offers => self.offers.is_some(),
            Probe::Computer => self.computer.is_some(),
        };
        !answered && !self.late.contains(&probe)
    }
}

struct Judge<'a> {
    sight: &'a Sight,
    now: Timestamp,
    usable: bool,
    found: Vec<Finding>,
    /// Profiles of what was told of by its USB numbers and is a reader to the smart card service.
    told: Vec<&'static str>,
}

impl Judge<'_> {
    fn all(mut self) -> Vec<Finding> {
        self.keys();
        self.devices();
        self.readers();
        self.modules();
        self.card_service();
        self.service();
        self.computer();
        for probe in &self.sight.late {
            self.find(FindingCode::ProbeLate, Level::Note, |finding| finding.fact(FactName::Probe, name_of(*probe)));
        }
        self.found
    }

    fn find(&mut self, code: FindingCode, level: Level, tell: impl FnOnce(Finding) -> Finding) {
        self.found.push(tell(Finding::new(code, level)));
    }

    /// A problem, unless a key can be used all the same.
    fn in_the_way(&self) -> Level {
        if self.usable { Level::Note } else { Level::Problem }
    }

    /// The repair, where this system has it.
    fn with(&self, finding: Finding, repair: Repair) -> Finding {
        if self.sight.repairs.contains(&repair) { finding.repair(repair) } else { finding }
    }
}

fn name_of(probe: Probe) -> String {
    serde_json::to_value(probe).ok().and_then(|value| value.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::specimen::{NOW, find, sight};
    use super::*;

    #[test]
    fn what_is_waited_for_is_told_and_what_was_late_is_not_waited_for() {
        let mut seen = sight(Vec::new(), Vec::new(), Vec::new());
        seen.late = vec![Probe::Service];
        let examination = judge(&seen, NOW);
        assert_eq!(examination.waiting, [Probe::CardService, Probe::CardReaders, Probe::Offers, Probe::Computer]);
        find(&seen, FindingCode::ProbeLate);
        assert_eq!(examination.findings[0].level, Level::Problem, "problems come first");
    }
}
