//! 通知消息: what happens to a case without its applicant, revocations, and certificates that end soon.
//!
//! Written in the transaction of what they tell, so neither is without the other. Reminders are made by the tidying
//! every few minutes and whenever somebody asks, each exactly once.

use std::sync::Arc;

use anyhow::Context as _;
use certdesk_contract::{
    ProblemCode,
    notice::{self, ENDED_LATELY, MOST, NoticeSubject, Notices, NoticesRead},
};
use certdesk_domain::{Act, State, Timestamp};
use rusqlite::Connection;
use time::Duration;

use crate::{
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    sessions::Caller,
    store::{applications::Case, certificates, notices},
};

/// How long notices are kept.
const KEPT: Duration = Duration::days(365);

/// The caller's notices.
pub(crate) async fn list(portal: &Arc<Portal>, caller: Caller) -> Outcome<Notices> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            remind(&act.catalogue.reminder_days, db, Some(caller.account.id), now)?;
            Ok(Notices { notices: notices::of_account(db, caller.account.id)? })
        })
        .await
}

/// Notes what the caller has seen. What is not there is left out without a word.
pub(crate) async fn read(portal: &Arc<Portal>, caller: Caller, read: NoticesRead, once: Once) -> Outcome<()> {
    if read.ids.len() > MOST {
        return Err(ProblemCode::BadRequest.into());
    }
    let account = caller.account.id;
    let now = portal.now();
    let act = move |db: &Connection| {
        once.run(db, now, || Ok(read.ids.iter().try_for_each(|&id| notices::set_read(db, account, id))?))
    };
    portal.store.act(act).await
}

/// A case reached its state by `act`. What its applicant did, and what followed from that at once, is no news to them;
/// of several states reached at once the last is told.
pub(crate) fn moved(db: &Connection, case: &Case, act: Act, at: Timestamp) -> rusqlite::Result<()> {
    if matches!(act, Act::Submit | Act::Withdraw | Act::ConfirmInstallation) || is_answered(db, case, at)? {
        return Ok(());
    }
    notices::take_back(db, case.id, at)?;
    let subject = NoticeSubject::Application {
        application: case.id,
        number: case.number.clone(),
        business: case.business,
        state: case.state,
    };
    notices::add(db, case.account, &subject, None, at)
}

/// A certificate that was in force was revoked.
pub(crate) fn revoked(
    db: &Connection,
    account: i64,
    serial: &str,
    holder: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let subject = NoticeSubject::Revoked { serial: serial.to_owned(), subject: holder.to_owned() };
    notices::add(db, account, &subject, Some(&format!("revoked {serial}")), at)
}

/// Makes the reminders that are due on these days before an end, of one account or all. Where several days were missed, only the nearest.
pub(crate) fn remind(days: &[u16], db: &Connection, account: Option<i64>, now: Timestamp) -> Outcome<()> {
    let Some(&first) = days.iter().max() else { return Ok(()) };
    let until = now + Duration::days(i64::from(first));
    for row in certificates::ending(db, account, now - ENDED_LATELY, until)? {
        let Some(days) = notice::due(row.not_after, days, now) else { continue };
        let once = format!("expiry {} {days}", row.serial);
        if notices::is_known(db, &once)? {
            continue;
        }
        let certificate = certdesk_pki::Certificate::parse(&row.der).context("a kept certificate cannot be read")?;
        let (serial, not_after) = (row.serial, row.not_after);
        let subject = NoticeSubject::Expiry { serial, subject: certificate.holder, not_after, days };
        notices::add(db, row.account, &subject, Some(&once), now)?;
    }
    Ok(())
}

/// Makes the reminders of all accounts and forgets what is old.
pub(crate) async fn tidy(portal: &Arc<Portal>) -> Outcome<()> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            remind(&act.catalogue.reminder_days, db, None, now)?;
            Ok(notices::forget_before(db, now - KEPT)?)
        })
        .await
}

/// Whether the applicant handed the case in at this very instant: its answer tells the state.
fn is_answered(db: &Connection, case: &Case, at: Timestamp) -> rusqlite::Result<bool> {
    crate::store::applications::was_in_state_at(db, case.id, State::Submitted, at)
}

#[cfg(test)]
mod tests {
    use certdesk_contract::certificate::CertificateStatus;
    use certdesk_domain::{AccountKind, Business, IdKind, form::*};

    use super::*;
    use crate::{
        ca::Ca,
        store::{Store, accounts, applications, certificates::CertificateRow},
    };

    const DAYS: &[u16] = &[90, 60, 30, 15, 7, 1];

    fn registration() -> Registration {
        Registration {
            kind: AccountKind::Individual,
            organisation: None,
            contact: Person {
                name: "王䶮".into(),
                id_kind: IdKind::ResidentId,
                id_number: "11010519491231002X".into(),
            },
            phone: "13800138000".into(),
            email: "wang.yan@example.cn".into(),
            address: Address { region: "350102".into(), detail: "测试路 1 号".into() },
        }
    }

    /// Somebody with a certificate in force; answers account, serial number and end.
    fn holder(db: &Connection, ca: &Ca, now: Timestamp) -> (i64, String, Timestamp) {
        accounts::add(db, "gr00000001", &registration(), "", now).unwrap();
        let account = accounts::by_name(db, "gr00000001").unwrap().unwrap().id;
        let id = uuid::Uuid::now_v7();
        let case = Case::new(id, account, Business::New, None);
        applications::add(db, &case, now).unwrap();
        let spki = rcgen::PublicKeyData::subject_public_key_info(&rcgen::KeyPair::generate().unwrap());
        let end = now + Duration::days(365);
        let issued = ca.issue(&spki, &registration(), end, "https://portal.example/crl".into(), now).unwrap();
        let row = CertificateRow {
            serial: issued.serial.clone(),
            application: id,
            account,
            key_hash: [7; 32],
            der: issued.der,
            status: CertificateStatus::Active,
            not_before: issued.not_before,
            not_after: issued.not_after,
            successor: None,
            revocation: None,
        };
        certificates::add(db, &row).unwrap();
        (account, issued.serial, issued.not_after)
    }

    #[test]
    fn the_end_of_a_certificate_is_reminded_of_on_its_days_each_once_and_never_of_a_revoked_one() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("portal.db")).unwrap();
        let now = Timestamp::now_utc().replace_nanosecond(0).unwrap();
        let ca = Ca::open(&folder.path().join("ca"), now).unwrap();
        store
            .act_now(|db| {
                let (account, serial, end) = holder(db, &ca, now);
                let told = |at: Timestamp, whose: Option<i64>| {
                    remind(DAYS, db, whose, at).unwrap();
                    let days = |notice: certdesk_contract::notice::Notice| match notice.subject {
                        NoticeSubject::Expiry { days, serial: named, subject, not_after } => {
                            assert_eq!((named, subject.as_str(), not_after), (serial.clone(), "王䶮", end));
                            days
                        }
                        other => panic!("{other:?} is no reminder"),
                    };
                    notices::of_account(db, account).unwrap().into_iter().map(days).collect::<Vec<_>>()
                };
                let before = |days: i64| end - Duration::days(days);
                let none: Vec<u16> = Vec::new();
                assert_eq!(told(now, None), none, "a fresh certificate reminds nobody");
                assert_eq!(told(before(90) - Duration::seconds(1), None), none, "nor does it a second too early");
                assert_eq!(told(before(90), None), [90]);
                assert_eq!(told(before(89), Some(account)), [90], "each day once, whoever makes it");
                assert_eq!(
                    told(before(10), Some(account)),
                    [15, 90],
                    "of the days that were missed, the nearest alone"
                );
                assert_eq!(told(before(0) + Duration::seconds(1), None), [0, 15, 90], "that it has ended is said too");
                assert_eq!(told(end + Duration::days(29), None), [0, 15, 90], "once");
                certificates::revoke(db, &serial, end).unwrap();
                assert_eq!(told(end + Duration::days(29), None), none, "a revoked one reminds nobody any more");
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_certificate_that_ended_long_ago_is_no_news() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("portal.db")).unwrap();
        let now = Timestamp::now_utc();
        let ca = Ca::open(&folder.path().join("ca"), now).unwrap();
        store
            .act_now(|db| {
                let (account, _, end) = holder(db, &ca, now);
                remind(DAYS, db, None, end + Duration::days(31)).unwrap();
                assert_eq!(notices::of_account(db, account).unwrap(), []);
                Ok(())
            })
            .unwrap();
    }
}
