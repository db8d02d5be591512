//! Keys that the USB shows and no driver does: why the strip is empty.

use std::sync::PoisonError;

use certdesk_contract::{catalogue::Text, driver::DriverPackage};

use super::{known_key::KnownKey, machine::System as _};
use crate::{
    Controller,
    view::{KeyState, ModuleFault},
};

/// A key without a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undriven {
    vendor: Text,
    usb: String,
    profiles: Vec<&'static str>,
    package: Option<Text>,
}

impl Undriven {
    /// Whether the package brings its driver.
    pub(crate) fn is_served_by(&self, package: &DriverPackage) -> bool {
        package.serves_token(&self.usb, &self.profiles)
    }
}

/// Whether the drivers leave open why no key is seen. One that is here and fails is told of itself.
fn leaves_open(state: &KeyState) -> bool {
    match state {
        KeyState::NoKey | KeyState::NoDriver => true,
        KeyState::ModuleUnusable { fault, .. } => *fault == ModuleFault::Gone,
        _ => false,
    }
}

impl Controller {
    /// Looks for keys without a driver, while no key is seen.
    pub(crate) async fn look_for_undriven(&self) {
        let seen = if self.inner.keys.tokens().is_empty() { self.undriven().await } else { Vec::new() };
        *self.inner.doctor.undriven.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// The reason, where what was looked for is one.
    pub(crate) fn explained(&self, state: KeyState) -> KeyState {
        let undriven = self.inner.doctor.undriven.lock().unwrap_or_else(PoisonError::into_inner);
        match (state, undriven.first().cloned()) {
            (state, Some(Undriven { vendor, usb, package, .. })) if leaves_open(&state) => {
                KeyState::KeyWithoutDriver { vendor, usb, package }
            }
            (state, _) => state,
        }
    }

    pub(crate) async fn undriven(&self) -> Vec<Undriven> {
        let machine = self.inner.options.machine.clone();
        let devices = tokio::task::spawn_blocking(move || machine.usb()).await;
        let devices = devices.ok().and_then(Result::ok).unwrap_or_default();
        let mut found = Vec::new();
        for device in &devices {
            let Some(key) = KnownKey::of(device) else { continue };
            let modules = self.inner.keys.found().await;
            if modules.iter().any(|module| key.is_driven_by(module)) {
                continue;
            }
            let offers = self.drivers_last_seen().await;
            let name = &key.profile.name;
            found.push(Undriven {
                vendor: Text { zh: key.profile.name_zh.as_ref().unwrap_or(name).clone(), en: name.clone() },
                usb: device.numbers.clone(),
                package: offers.into_iter().find(|it| it.serves_token(&device.numbers, &key.own)).map(|it| it.name),
                profiles: key.own,
            });
        }
        found
    }
}
