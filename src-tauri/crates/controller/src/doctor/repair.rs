//! What the program can do about a finding.

use std::process::Stdio;

use super::{
    finding::{Repair, RepairPlan},
    machine::System as _,
};
use crate::{
    Controller,
    convert::internal,
    failure::{Failure, LocalCode},
};

/// What a repair will do.
pub(crate) async fn plan(controller: &Controller, repair: &Repair) -> Result<RepairPlan, Failure> {
    let command = match repair {
        Repair::InstallDriver { .. } | Repair::RefreshLists | Repair::LookAgain => None,
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
        Repair::InstallDriver { id } => controller.open_driver(id).await,
        Repair::RefreshLists => controller.drivers().await.map(|_| ()),
        Repair::LookAgain => controller.refresh_keys().await.map(|_| ()),
        other => {
            let machine = &controller.inner.options.machine;
            let elevated = machine.elevated(&other).ok_or(LocalCode::Gone)?;
            let mut command = machine.command(&elevated.program);
            command.args(&elevated.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
            let output = command.output().await.map_err(internal)?;
            if output.status.success() {
                return Ok(());
            }
            // pkexec(1): 126 dismissed or not allowed, 127 no authorisation.
            let refused = matches!(output.status.code(), Some(126 | 127));
            let code = if refused { LocalCode::RepairRefused } else { LocalCode::RepairFailed };
            let words = String::from_utf8_lossy(&output.stderr);
            Err(Failure::new(code).with_detail(words.lines().last().unwrap_or_default().to_owned()))
        }
    }
}
