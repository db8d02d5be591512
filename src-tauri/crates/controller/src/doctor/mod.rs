//! The doctor (检查本机): why a key cannot be used here, and what to do.
//!
//! Probes look side by side, each for a bounded time, and none of them judges ([`machine`] for what only the system can
//! tell). [`judge`] makes findings of what was seen so far, whenever a probe answered, so the screen fills as it goes.
//! [`repair`] does what a button promises, with the system's own question for an administrator. [`report`] is what may
//! leave this computer: redacted, with a short code to compare by telephone.

pub mod finding;
mod judge;
mod known_key;
pub(crate) mod machine;
mod repair;
pub mod report;
mod undriven;

pub use machine::Machine;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use certdesk_contract::driver::DriverPackage;
use certdesk_token::{ModuleFault, card_readers};
use futures_util::future::join_all;

use crate::{
    Controller,
    failure::Failure,
    keys,
    picker::SaveQuestion,
    view::{Event, Locale},
};
use finding::{Examination, Probe, Repair};
use judge::{KeysSight, ServiceSight, Sight};
use machine::System as _;
use report::SavedReport;

/// No probe is waited for longer: what is not known by then is said to be unknown.
const PATIENCE: Duration = Duration::from_secs(20);

/// A smart card service that hangs is said to by then.
const CARD_PATIENCE: Duration = Duration::from_secs(5);

/// The examination at hand, or the last one.
#[derive(Default)]
pub(crate) struct Doctor {
    last: Mutex<Examination>,
    /// Keys that are plugged in without a driver, as last looked for.
    undriven: Mutex<Vec<undriven::Undriven>>,
    cards: Mutex<undriven::Cards>,
    /// One examination at a time; who asks meanwhile waits for a new one.
    turn: tokio::sync::Mutex<()>,
}

impl Controller {
    /// Looks at everything that a key needs here, and says what was found. [`Event::Examination`] tells of each step.
    pub async fn examine(&self) -> Result<Examination, Failure> {
        let _turn = self.inner.doctor.turn.lock().await;
        let machine = &self.inner.options.machine;
        let sight = Arc::new(Mutex::new(Sight { repairs: self.repairs_here(), ..Sight::default() }));
        self.told(&sight);
        let keys = self.probe(&sight, Probe::Keys, self.see_keys(), |sight, seen| sight.keys = Some(seen));
        let usb = {
            let machine = machine.clone();
            let look = async move {
                let seen = tokio::task::spawn_blocking(move || machine.usb()).await;
                seen.map_err(|error| error.to_string()).and_then(|seen| seen.map_err(|error| error.to_string()))
            };
            self.probe(&sight, Probe::Usb, look, |sight, seen| sight.usb = Some(seen))
        };
        let card_service = self.probe(&sight, Probe::CardService, machine.card_service(), |sight, seen| {
            sight.card_service = Some(seen);
        });
        let readers = async { card_readers::card_readers(self.inner.keys.host(), CARD_PATIENCE).await };
        let readers = self.probe(&sight, Probe::CardReaders, readers, |sight, seen| sight.readers = Some(seen));
        let service = self.probe(&sight, Probe::Service, self.see_service(), |sight, seen| sight.service = Some(seen));
        let offers = self.probe(&sight, Probe::Offers, self.see_offers(), |sight, seen| sight.offers = Some(seen));
        let computer = self.probe(&sight, Probe::Computer, machine.computer(), |sight, seen| {
            sight.computer = Some(seen);
        });
        tokio::join!(keys, usb, card_service, readers, service, offers, computer);
        Ok(self.last_examination())
    }

    /// What a repair will do, to be read before it is done.
    pub async fn plan_repair(&self, repair: Repair) -> Result<finding::RepairPlan, Failure> {
        repair::plan(self, &repair).await
    }

    /// Does it, the system asking for an administrator where it must, and looks again.
    pub async fn repair(&self, repair: Repair) -> Result<Examination, Failure> {
        repair::run(self, repair).await?;
        self.examine().await
    }

    /// Saves what the last examination found, redacted, by the native dialog; `None` when cancelled.
    pub async fn save_examination(&self) -> Result<Option<SavedReport>, Failure> {
        let report = self.report();
        let (title, file_name) = match self.state().settings.locale {
            Locale::ZhCn => ("保存检查报告", format!("检查报告 {}.json", report.code)),
            Locale::En => ("Save the report", format!("report {}.json", report.code)),
        };
        let question = SaveQuestion { title: title.to_owned(), file_name };
        let saved = self.save_file(question, report.to_json().into_bytes()).await?;
        Ok(saved.map(|name| SavedReport { name, code: report.code }))
    }

    /// What the last examination found, as it may leave this computer.
    pub fn report(&self) -> report::Report {
        report::Report::of(&self.last_examination(), self.service_now())
    }

    /// What the last examination found.
    pub fn last_examination(&self) -> Examination {
        self.inner.doctor.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets one probe look, for a bounded time, and tells what that leads to.
    async fn probe<T>(
        &self,
        sight: &Arc<Mutex<Sight>>,
        probe: Probe,
        look: impl Future<Output = T>,
        note: impl FnOnce(&mut Sight, T),
    ) {
        let seen = tokio::time::timeout(PATIENCE, look).await;
        {
            let mut sight = sight.lock().unwrap_or_else(PoisonError::into_inner);
            match seen {
                Ok(seen) => note(&mut sight, seen),
                Err(_) => sight.late.push(probe),
            }
        }
        self.told(sight);
    }

    fn told(&self, sight: &Arc<Mutex<Sight>>) {
        let sight = sight.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let examination = judge::judge(&sight, self.service_now());
        *self.inner.doctor.last.lock().unwrap_or_else(PoisonError::into_inner) = examination.clone();
        self.emit(Event::Examination { examination });
    }

    fn repairs_here(&self) -> Vec<Repair> {
        let all = [Repair::StartCardService, Repair::InstallCardService, Repair::AllowKeys];
        all.into_iter().filter(|repair| self.inner.options.machine.elevated(repair).is_some()).collect()
    }

    async fn see_keys(&self) -> KeysSight {
        let keys = self.refresh_keys().await.map(|strip| strip.keys).unwrap_or_default();
        let mut modules = self.inner.keys.asked().await;
        let trace = async |module: &keys::Asked| match module.found.fault {
            Some(ModuleFault::Gone) => None,
            _ => self.inner.options.machine.provenance(&module.found.path).await,
        };
        let told = join_all(modules.iter().map(trace)).await;
        for (module, told) in modules.iter_mut().zip(told) {
            module.provenance = told;
        }
        self.inner.keys.introduce(&mut modules).await;
        let slots = self.inner.keys.tokens().into_iter().map(|token| token.reader).collect();
        KeysSight { modules, keys, slots }
    }

    async fn see_service(&self) -> ServiceSight {
        let address = self.inner.options.service.clone().unwrap_or_default();
        let portal = match self.portal() {
            Ok(portal) => portal,
            Err(failure) => return ServiceSight { address, line: Err(failure), skew: None },
        };
        let line = portal.examine_line().await;
        let skew = line.answer.is_ok().then(|| portal.clock_skew()).flatten();
        ServiceSight { address, line: Ok(line), skew }
    }

    /// The drivers for this computer; none where the service cannot be asked, which is told elsewhere.
    async fn see_offers(&self) -> Vec<DriverPackage> {
        let view = self.drivers().await;
        view.map(|view| view.drivers.into_iter().map(|driver| driver.package).collect()).unwrap_or_default()
    }
}
