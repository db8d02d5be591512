//! Keys that the USB or a card reader shows and no driver does: why the strip is empty.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use certdesk_contract::{catalogue::Text, driver::DriverPackage};
use certdesk_token::{Card, card_readers};

use super::{CARD_PATIENCE, known_key::KnownKey, machine::System as _};
use crate::{
    Controller,
    view::{KeyState, ModuleFault},
};

/// How often the readers are asked while the strip is empty: it takes a process, and begins only where a reader is plugged in.
const CARDS_EVERY: Duration = Duration::from_secs(5);

/// The cards in the readers, by their answers to reset, as last asked.
#[derive(Default)]
pub(crate) struct Cards {
    asked: Option<Instant>,
    seen: Vec<Vec<u8>>,
}

/// A key without a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undriven {
    vendor: Text,
    usb: Option<String>,
    profiles: Vec<&'static str>,
    package: Option<Text>,
}

impl Undriven {
    /// Whether the package brings its driver.
    pub(crate) fn is_served_by(&self, package: &DriverPackage) -> bool {
        package.serves_token(self.usb.as_deref().unwrap_or_default(), &self.profiles)
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
        let by_usb = devices.iter().filter_map(|device| Some((KnownKey::of(device)?, Some(device.numbers.clone()))));
        let mut keys: Vec<_> = by_usb.collect();
        // A key that is a reader too is known by its numbers.
        if devices.iter().any(|device| device.is_reader && KnownKey::of(device).is_none()) {
            keys.extend(self.cards().iter().filter_map(|atr| Some((KnownKey::of_card(atr)?, None))));
        }
        let mut found = Vec::new();
        for (key, usb) in keys {
            let modules = self.inner.keys.found().await;
            if modules.iter().any(|module| key.is_driven_by(module)) {
                continue;
            }
            let offers = self.drivers_last_seen().await;
            let numbers = usb.as_deref().unwrap_or_default();
            let name = &key.profile.name;
            found.push(Undriven {
                vendor: Text { zh: key.profile.name_zh.as_ref().unwrap_or(name).clone(), en: name.clone() },
                package: offers.into_iter().find(|it| it.serves_token(numbers, &key.own)).map(|it| it.name),
                usb,
                profiles: key.own,
            });
        }
        found
    }

    /// The cards in the readers. What is answered is seen the next time: a service that hangs holds nobody up.
    fn cards(&self) -> Vec<Vec<u8>> {
        let mut cards = self.inner.doctor.cards.lock().unwrap_or_else(PoisonError::into_inner);
        if cards.asked.is_none_or(|asked| asked.elapsed() >= CARDS_EVERY) {
            cards.asked = Some(Instant::now());
            let (host, inner) = (self.inner.keys.host().clone(), Arc::downgrade(&self.inner));
            tokio::spawn(async move {
                let readers = card_readers::card_readers(&host, CARD_PATIENCE).await.unwrap_or_default();
                let cards = readers.into_iter().filter_map(|reader| match reader.card {
                    Card::Present { atr } => Some(atr),
                    Card::Absent | Card::Mute => None,
                });
                let Some(inner) = inner.upgrade() else { return };
                inner.doctor.cards.lock().unwrap_or_else(PoisonError::into_inner).seen = cards.collect();
            });
        }
        cards.seen.clone()
    }
}
