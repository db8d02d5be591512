//! A certificate is revoked, by its administrator or at the end of a case, and the list of all that were is signed.
//!
//! A revocation, the list that has it and its announcement are one transaction: whoever reads one of them finds the
//! others.

use std::{io::BufRead, path::Path, sync::Arc};

use anyhow::Context as _;
use certdesk_contract::{ProblemCode, announcement::Announcement};
use certdesk_domain::{RevocationReason, Timestamp};
use rusqlite::Connection;

use crate::{
    announcements::plain,
    applications as acts,
    ca::Ca,
    failure::Outcome,
    notices,
    portal::Portal,
    review::{Desk, DeskError},
    store::{
        self, announcements, applications,
        certificates::{self, CrlRow},
    },
};

/// Revokes a certificate as the administrator of a data directory, beside a running service or without one. Its account
/// logs in by password again; its key is refused from now on.
///
/// # Errors
/// [`DeskError::Refused`] with `not_found` or, for one that is not active, `wrong_state`.
pub fn revoke(data: &Path, serial: &str, reason: RevocationReason) -> Result<Announcement, DeskError> {
    Desk::open(data).map_err(DeskError::Broken)?.revoke(serial, reason)
}

/// Takes over what an earlier portal announced: one [`Announcement`] a line, JSON, oldest first and none older than what
/// is announced here already. All of it, or with the first line that cannot be taken nothing. Answers how many.
///
/// For people to look up alone: the revocation list stays with the authority that issued those certificates.
///
/// # Errors
/// [`DeskError::Broken`], which names the line.
pub fn import_announcements(data: &Path, lines: impl BufRead) -> Result<u64, DeskError> {
    let store = crate::server::open_store(data).map_err(DeskError::Broken)?;
    let take = |db: &Connection| -> anyhow::Result<u64> {
        let mut latest = announcements::latest(db)?;
        let mut taken = 0;
        for (number, line) in (1..).zip(lines.lines()) {
            let announcement = take_line(&line?, latest).with_context(|| format!("line {number}"))?;
            announcements::add(db, &announcement).with_context(|| format!("line {number}"))?;
            latest = Some(store::millis(announcement.revoked_at));
            taken += 1;
        }
        Ok(taken)
    };
    Ok(store.act_now(|db| Ok(take(db)?))?)
}

fn take_line(line: &str, latest: Option<i64>) -> anyhow::Result<Announcement> {
    let announcement: Announcement = serde_json::from_str(line).context("not an announcement")?;
    let written_plainly = !announcement.serial.is_empty() && plain(&announcement.serial) == announcement.serial;
    anyhow::ensure!(written_plainly, "the serial number is not lower-case hex without leading zeros");
    anyhow::ensure!(!announcement.subject.trim().is_empty(), "it names nobody");
    let in_order = latest.is_none_or(|latest| store::millis(announcement.revoked_at) >= latest);
    anyhow::ensure!(in_order, "it is older than the one before it");
    Ok(announcement)
}

/// The revocation list: the kept one while it says everything and is in the first half of its life, else a new one.
pub(crate) async fn crl(portal: &Arc<Portal>) -> Outcome<Vec<u8>> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let revoked = certificates::revoked(db)?;
            let kept = certificates::latest_crl(db)?
                .filter(|kept| kept.revoked_count == revoked.len())
                // Also not one of the future, made before the clock was set right.
                .filter(|kept| (kept.this_update..kept.this_update + crate::ca::CRL_LIFE / 2).contains(&now));
            if let Some(kept) = kept {
                return Ok(kept.der);
            }
            let number = store::count_up(db, "crl")?;
            let der = act.ca.crl(number, &revoked, now)?;
            certificates::replace_crl(
                db,
                number,
                &CrlRow { der: der.clone(), this_update: now, revoked_count: revoked.len() },
            )?;
            Ok(der)
        })
        .await
}

/// Revokes an active certificate, and says so in a new list and an announcement. An open case about it lapses.
pub(crate) fn announce(
    db: &Connection,
    ca: &Ca,
    serial: &str,
    reason: RevocationReason,
    now: Timestamp,
) -> Outcome<Announcement> {
    let row = certificates::by_serial(db, serial)?.ok_or(ProblemCode::NotFound)?;
    if !row.is_in_force(now) {
        return Err(ProblemCode::WrongState.into());
    }
    // A clock that was set back must not put the newest announcement behind older ones.
    let revoked_at = announcements::latest(db)?.map_or(now, |latest| now.max(store::time(latest)));
    certificates::revoke(db, serial, revoked_at)?;
    certificates::set_reason(db, serial, reason)?;
    let revoked = certificates::revoked(db)?;
    let crl_number = store::count_up(db, "crl")?;
    let der = ca.crl(crl_number, &revoked, now)?;
    certificates::replace_crl(db, crl_number, &CrlRow { der, this_update: now, revoked_count: revoked.len() })?;
    let certificate = certdesk_pki::Certificate::parse(&row.der).context("a kept certificate cannot be read")?;
    if let Some(mut case) = applications::open_about(db, serial)? {
        acts::lapse(db, &mut case, "证书已经注销，这项申办不再办理。", now)?;
    }
    let announcement = Announcement { serial: row.serial, subject: certificate.holder, revoked_at, reason, crl_number };
    announcements::add(db, &announcement)?;
    notices::revoked(db, row.account, &announcement.serial, &announcement.subject, now)?;
    Ok(announcement)
}
