//! A key that is there, by its USB numbers or its card's answer to reset, and that no module shows.

use super::Judge;
use crate::{
    doctor::{
        finding::{FactName, Finding, Repair},
        known_key::KnownKey,
    },
    keys::Asked,
};

impl Judge<'_> {
    /// Of a key that no driver shows: which finding it is, and what can be done. `None` where its driver fails, which is told
    /// of itself.
    pub(super) fn unshown(&self, key: &KnownKey, usb: &str, missing: Finding, unseen: Finding) -> Option<Finding> {
        let driver = self.driver_of(key);
        let (finding, otherwise) = match driver {
            None => (missing, Repair::RefreshLists),
            Some(driver) if matches!(driver.answer, Some(Ok(_))) => (unseen, Repair::LookAgain),
            Some(_) => return None,
        };
        let finding = self.offered(finding, key, usb).known(FactName::Driver, driver.map(|driver| &driver.found.name));
        Some(if finding.repair.is_some() { finding } else { finding.repair(otherwise) })
    }

    /// The finding with the key's name, and with the driver that the service has for it, where its own is not here.
    pub(super) fn offered(&self, finding: Finding, key: &KnownKey, usb: &str) -> Finding {
        let finding = finding.word(FactName::Vendor, &key.profile.name, key.profile.name_zh.as_deref());
        let own = |module: &&Asked| module.found.profile.as_deref().is_some_and(|id| key.own.contains(&id));
        let mut offers = self.sight.offers.iter().flatten();
        let offer = match self.driver_of(key).filter(own) {
            Some(_) => None,
            None => offers.find(|offer| offer.serves_token(usb, &key.own)),
        };
        match offer {
            Some(offer) => {
                let repair = Repair::InstallDriver { id: offer.id.clone() };
                finding.word(FactName::Package, &offer.name.en, Some(&offer.name.zh)).repair(repair)
            }
            None => finding,
        }
    }

    fn driver_of(&self, key: &KnownKey) -> Option<&Asked> {
        self.sight.keys.as_ref()?.modules.iter().find(|module| key.is_driven_by(&module.found))
    }
}
