//! What the program can do about a finding.

use std::time::Duration;

use super::{
    finding::{Repair, RepairPlan},
    machine::System as _,
};
use crate::{
    Controller,
    failure::{Failure, LocalCode},
};

/// The system's question and the repair take no longer than this.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What a repair will do.
pub(crate) async fn plan(controller: &Controller, repair: &Repair) -> Result<RepairPlan, Failure> {
    let command = match repair {
        Repair::RefreshLists | Repair::LookAgain => None,
        Repair::InstallDriver { id } => controller.driver_command(id).await?,
        _ => controller.inner.options.machine.elevated(repair).map(|command| command.to_string()),
    };
    let asks = command.is_some() || matches!(repair, Repair::InstallDriver { .. });
    Ok(RepairPlan { command, asks_for_administrator: asks })
}

/// Does it.
///
/// # Errors
/// `repair_refused` where the person or the system said no, `repair_failed` where the command failed, `gone` where this
/// system has no such repair.
pub(crate) async fn run(controller: &Controller, repair: Repair) -> Result<(), Failure> {
    match repair {
        Repair::InstallDriver { id } => controller.install_driver_now(&id).await.map(|_| ()),
        Repair::RefreshLists => controller.drivers().await.map(|_| ()),
        Repair::LookAgain => {
            controller.inner.keys.look_again().await;
            controller.refresh_keys().await.map(|_| ())
        }
        other => {
            let elevated = controller.inner.options.machine.elevated(&other).ok_or(LocalCode::Gone)?;
            controller.run_elevated(&elevated, PATIENCE).await
        }
    }
}
