//! Keys that profiles know by what is plugged in: by its USB numbers, or by its card's answer to reset.

use certdesk_token::FoundModule;
use pkcs11_profiles::Profile;

use super::machine::UsbDevice;

/// A device or card that profiles know as a key.
pub(crate) struct KnownKey {
    /// The first of them, which names it.
    pub(crate) profile: &'static Profile,
    /// Ids of the profiles of its maker's own drivers.
    pub(crate) own: Vec<&'static str>,
    /// The same, and those of others that drive it too.
    pub(crate) drivers: Vec<&'static str>,
}

impl KnownKey {
    /// What profiles know of a device; `None` where none knows it.
    pub(crate) fn of(device: &UsbDevice) -> Option<Self> {
        Self::by(|profile| profile.usb.contains(&device.numbers))
    }

    /// What profiles know of a card by its answer to reset; `None` where none knows it.
    pub(crate) fn of_card(atr: &[u8]) -> Option<Self> {
        Self::by(|profile| profile.has_atr(atr))
    }

    fn by(is_it: impl Fn(&Profile) -> bool) -> Option<Self> {
        let profiles: Vec<_> = pkcs11_profiles::all().iter().filter(|profile| is_it(profile)).collect();
        let own: Vec<_> = profiles.iter().map(|profile| profile.id.as_str()).collect();
        let others = profiles.iter().flat_map(|profile| &profile.driven_by).map(String::as_str);
        let drivers = own.iter().copied().chain(others).collect();
        Some(Self { profile: profiles.first()?, own, drivers })
    }

    /// Whether a module is loaded that drives it.
    pub(crate) fn is_driven_by(&self, module: &FoundModule) -> bool {
        module.fault.is_none() && module.profile.as_deref().is_some_and(|id| self.drivers.contains(&id))
    }
}
