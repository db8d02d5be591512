//! The authority's staff: who may work at the review desk. Knows nothing of applicants' accounts and sessions, and they
//! nothing of it.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use certdesk_contract::ProblemCode;
use certdesk_domain::{Timestamp, check::is_invisible};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::Duration;

use crate::{
    Clock, accounts,
    audit::{self, Actor, Event, Subject},
    failure::{Failure, Outcome},
    passwords,
    portal::Portal,
    random,
    store::{
        self, Store, looks,
        staff::{self, Member, StaffSession},
    },
};

/// A session ends this long after it was last used,
const IDLE: Duration = Duration::minutes(30);
/// and this long after it began, whatever happens.
const LONGEST: Duration = Duration::hours(8);
/// Use is noted at most this often.
const NOTED_EVERY: Duration = Duration::minutes(1);
/// Longest name for people, characters.
const LONGEST_DISPLAY_NAME: usize = 40;

/// What a member of staff may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 审核员: looks at cases and decides them.
    Reviewer,
    /// 审计员: looks at cases and at the audit log, decides nothing.
    Auditor,
}

/// One member of staff, as the administrator sees them.
#[derive(Debug, Serialize)]
pub struct StaffMember {
    /// What they log in with.
    pub name: String,
    /// What others see.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// Since when they may not log in any more.
    #[serde(with = "time::serde::rfc3339::option")]
    pub disabled_at: Option<Timestamp>,
}

impl From<Member> for StaffMember {
    fn from(member: Member) -> Self {
        Self {
            name: member.name,
            display_name: member.display_name,
            role: member.role,
            disabled_at: member.disabled_at,
        }
    }
}

/// An account of the demo's desk, with its password.
#[derive(Clone, Serialize)]
pub struct DemoStaff {
    /// What to log in with.
    pub name: String,
    /// What others see.
    pub display_name: String,
    /// New at each start.
    pub password: String,
}

impl std::fmt::Debug for DemoStaff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DemoStaff({}, redacted)", self.name)
    }
}

/// The staff of one data directory, for its administrator. Blocking; works beside a running service.
pub struct StaffBook {
    store: Store,
    clock: Clock,
}

impl StaffBook {
    /// Opens the staff of a data directory that a service has used.
    ///
    /// # Errors
    /// Where there is none, or it is of a newer version.
    pub fn open(data: &Path) -> anyhow::Result<Self> {
        Ok(Self { store: crate::server::open_store(data)?, clock: Clock::system() })
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn list(&self) -> anyhow::Result<Vec<StaffMember>> {
        self.act(|db, _| Ok(staff::all(db)?.into_iter().map(StaffMember::from).collect()))
    }

    /// Adds a member with a first password: the one given, or a new one. It is answered, and must be replaced at the
    /// first login.
    ///
    /// # Errors
    /// A name that is taken, reserved or none; a display name with invisible characters; a weak password.
    pub fn add(&self, name: &str, display_name: &str, role: Role, password: Option<String>) -> anyhow::Result<String> {
        let name = name.trim().to_ascii_lowercase();
        let display_name = display_name.trim();
        ensure!(
            is_name(&name),
            "a name has 2 to 32 characters of a-z 0-9 . _ - and is none of administrator, demo, service, unknown"
        );
        ensure!(is_display_name(display_name), "a display name has 1 to {LONGEST_DISPLAY_NAME} visible characters");
        let password = chosen(password, &name)?;
        let hash = passwords::hash(&password)?;
        self.act(|db, now| {
            let member = Member {
                id: 0,
                name: name.clone(),
                display_name: display_name.to_owned(),
                role,
                password: hash,
                must_change: true,
                disabled_at: None,
                created_at: now,
            };
            if !staff::add(db, &member)? {
                return Err(anyhow::anyhow!("{name} is there already").into());
            }
            note(db, Event::StaffAdded, json!({ "staff": name, "role": role }), now)
        })?;
        Ok(password)
    }

    /// Gives a member another password: the one given, or a new one. It is answered, must be replaced at the next login,
    /// and ends all their sessions.
    ///
    /// # Errors
    /// Nobody of that name; a weak password.
    pub fn set_password(&self, name: &str, password: Option<String>) -> anyhow::Result<String> {
        let password = chosen(password, name)?;
        let hash = passwords::hash(&password)?;
        self.act(|db, now| {
            let member = known(db, name)?;
            staff::set_password(db, member.id, &hash, true)?;
            staff::end_sessions(db, member.id)?;
            store::attempts::forget(db, &name_hash(&member.name))?;
            note(db, Event::StaffPassword, json!({ "staff": member.name }), now)
        })?;
        Ok(password)
    }

    /// Shuts a member out, at once, or lets them in again.
    ///
    /// # Errors
    /// Nobody of that name.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> anyhow::Result<()> {
        self.act(|db, now| {
            let member = known(db, name)?;
            staff::set_disabled(db, member.id, disabled.then_some(now))?;
            staff::end_sessions(db, member.id)?;
            looks::end(db, member.id)?;
            let event = if disabled { Event::StaffDisabled } else { Event::StaffEnabled };
            note(db, event, json!({ "staff": member.name }), now)
        })
    }

    fn act<T>(&self, act: impl FnOnce(&Connection, Timestamp) -> Outcome<T>) -> anyhow::Result<T> {
        let now = self.clock.now();
        self.store.act_now(|db| act(db, now)).map_err(Failure::into_error)
    }
}

/// Who is at the desk.
#[derive(Clone)]
pub(crate) struct AtDesk {
    pub(crate) member: Member,
    pub(crate) token_hash: [u8; 32],
}

impl AtDesk {
    /// For the log.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Staff(self.member.name.clone())
    }
}

/// Logs a member of staff in; answers the token of the new session.
pub(crate) async fn log_in(portal: &Arc<Portal>, name: &str, password: String) -> Outcome<String> {
    let name = name.trim().to_ascii_lowercase();
    let name_hash = name_hash(&name);
    let now = portal.now();
    let (member, counted) = portal
        .store
        .act(move |db| {
            let member = staff::by_name(db, &name)?;
            let counted = accounts::count_try(db, &name_hash, now);
            if let Err(Failure::Refused(problem)) = &counted {
                refused(db, member.as_ref(), problem.code, now)?;
            }
            Ok((member, counted))
        })
        .await?;
    let delay = counted?;
    let phc = member.as_ref().map(|member| member.password.clone());
    let right = accounts::verify(portal, password, phc).await?;
    let now = portal.now();
    portal
        .store
        .act(move |db| {
            // They may have been disabled, or given another password, while this one was being verified.
            let current = member.as_ref().map(|member| staff::by_id(db, member.id)).transpose()?;
            let verified = |current: &Member| Some(&current.password) == member.as_ref().map(|m| &m.password);
            let Some(member) = current.filter(|m| right && m.disabled_at.is_none() && verified(m)) else {
                refused(db, member.as_ref(), ProblemCode::WrongCredentials, now)?;
                return Ok(Err(accounts::wrong(delay)));
            };
            store::attempts::forget(db, &name_hash)?;
            let token = random::token(32);
            let session = StaffSession { staff: member.id, started_at: now, seen_at: now };
            staff::add_session(db, &Sha256::digest(&token), &session)?;
            audit::note(db, &Actor::Staff(member.name), Event::LoggedIn, Subject::default(), json!({}), now)?;
            Ok(Ok(token))
        })
        .await?
}

/// Recognises who is at the desk by the token of their session.
pub(crate) async fn recognise(portal: &Arc<Portal>, token: &str) -> Outcome<Option<AtDesk>> {
    let token_hash: [u8; 32] = Sha256::digest(token).into();
    let now = portal.now();
    let found = portal
        .store
        .read(move |db| {
            let Some(session) = staff::session(db, &token_hash)?.filter(|session| now < ends_at(session)) else {
                return Ok(None);
            };
            let member = staff::by_id(db, session.staff)?;
            let at_desk = member.disabled_at.is_none().then_some(AtDesk { member, token_hash });
            Ok(at_desk.map(|at_desk| (at_desk, session.seen_at)))
        })
        .await?;
    let Some((at_desk, seen_at)) = found else { return Ok(None) };
    if now - seen_at >= NOTED_EVERY {
        portal.store.act(move |db| Ok(staff::seen(db, &token_hash, now)?)).await?;
    }
    Ok(Some(at_desk))
}

/// Logs out whoever has this token, if it is anybody's.
pub(crate) async fn leave(portal: &Arc<Portal>, token: Option<&str>) -> Outcome<()> {
    let Some(token) = token else { return Ok(()) };
    match recognise(portal, token).await? {
        Some(at_desk) => log_out(portal, at_desk).await,
        None => Ok(()),
    }
}

/// Logs out.
pub(crate) async fn log_out(portal: &Arc<Portal>, at_desk: AtDesk) -> Outcome<()> {
    let now = portal.now();
    portal
        .store
        .act(move |db| {
            staff::end_session(db, &at_desk.token_hash)?;
            looks::end(db, at_desk.member.id)?;
            audit::note(db, &at_desk.actor(), Event::LoggedOut, Subject::default(), json!({}), now)
        })
        .await
}

/// Replaces one's own password; one's other sessions end. Answers the token of the session that takes the place of this.
pub(crate) async fn change_password(
    portal: &Arc<Portal>,
    at_desk: AtDesk,
    old: String,
    new: String,
) -> Outcome<String> {
    let AtDesk { member, .. } = &at_desk;
    if !passwords::is_strong_enough(&new, &[&member.name, &member.display_name]) || new == old {
        return Err(ProblemCode::WeakPassword.into());
    }
    let name_hash = name_hash(&at_desk.member.name);
    let now = portal.now();
    let delay = portal.store.act(move |db| accounts::count_try(db, &name_hash, now)).await?;
    if !accounts::verify(portal, old, Some(at_desk.member.password.clone())).await? {
        return Err(accounts::wrong(delay));
    }
    let hash = portal.passwords.hash(new).await?;
    portal
        .store
        .act(move |db| {
            let Some(session) = staff::session(db, &at_desk.token_hash)? else {
                return Err(ProblemCode::Unauthenticated.into());
            };
            let member = &at_desk.member;
            store::attempts::forget(db, &name_hash)?;
            staff::set_password(db, member.id, &hash, false)?;
            staff::end_sessions(db, member.id)?;
            let token = random::token(32);
            staff::add_session(db, &Sha256::digest(&token), &StaffSession { seen_at: now, ..session })?;
            let details = json!({ "staff": member.name });
            audit::note(db, &at_desk.actor(), Event::StaffPassword, Subject::default(), details, now)?;
            Ok(token)
        })
        .await
}

/// The two accounts of a demo's desk, with new passwords. Blocking.
pub(crate) fn of_demo(store: &Store, now: Timestamp) -> anyhow::Result<Vec<DemoStaff>> {
    let made = |(name, display_name): (&str, &str)| {
        let password = random::initial_password();
        let hash = passwords::hash(&password)?;
        let kept = store.act_now(|db| {
            let member = Member {
                id: 0,
                name: name.to_owned(),
                display_name: display_name.to_owned(),
                role: Role::Reviewer,
                password: hash.clone(),
                must_change: false,
                disabled_at: None,
                created_at: now,
            };
            let details = json!({ "staff": name, "role": Role::Reviewer });
            if staff::add(db, &member)? {
                return audit::note(db, &Actor::Demo, Event::StaffAdded, Subject::default(), details, now);
            }
            let member = known(db, name)?;
            staff::set_password(db, member.id, &hash, false)?;
            audit::note(db, &Actor::Demo, Event::StaffPassword, Subject::default(), details, now)
        });
        kept.map_err(|failure| anyhow::anyhow!("making the demo's staff: {failure:?}"))?;
        Ok(DemoStaff { name: name.to_owned(), display_name: display_name.to_owned(), password })
    };
    [("shenhe.jia", "审核员甲"), ("shenhe.yi", "审核员乙")].into_iter().map(made).collect()
}

/// A member who may log in and has the role, for a command that acts in their name.
pub(crate) fn acting(db: &Connection, name: &str, role: Role) -> Outcome<Actor> {
    let member = known(db, name)?;
    if member.disabled_at.is_some() {
        return Err(anyhow::anyhow!("{name} is disabled").into());
    }
    if member.role != role {
        return Err(anyhow::anyhow!("{name} is an auditor: looks at the desk's pages and decides nothing").into());
    }
    Ok(Actor::Staff(member.name))
}

fn known(db: &Connection, name: &str) -> Outcome<Member> {
    let member = staff::by_name(db, &name.trim().to_ascii_lowercase())?;
    Ok(member.with_context(|| format!("there is no member of staff `{name}`"))?)
}

fn refused(db: &Connection, member: Option<&Member>, why: ProblemCode, now: Timestamp) -> Outcome<()> {
    // What was typed is logged only where it is somebody's name: it may be a password in the wrong field.
    let details = json!({ "staff": member.map(|m| &m.name), "why": why.as_str() });
    audit::note(db, &Actor::Unknown, Event::LoginRefused, Subject::default(), details, now)
}

fn note(db: &Connection, event: Event, details: serde_json::Value, now: Timestamp) -> Outcome<()> {
    audit::note(db, &Actor::Administrator, event, Subject::default(), details, now)
}

/// Never the same as that of an applicants' account of this name.
fn name_hash(name: &str) -> [u8; 32] {
    Sha256::digest(format!("staff:{name}")).into()
}

fn chosen(password: Option<String>, name: &str) -> anyhow::Result<String> {
    let Some(password) = password else { return Ok(random::initial_password()) };
    ensure!(
        passwords::is_strong_enough(&password, &[name]),
        "a password has 10 to 128 characters, or 8 with letters and digits among them, and is not easy to guess"
    );
    Ok(password)
}

fn ends_at(session: &StaffSession) -> Timestamp {
    (session.seen_at + IDLE).min(session.started_at + LONGEST)
}

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    (2..=32).contains(&name.len()) && name.bytes().all(plain) && !Actor::RESERVED.contains(&name)
}

fn is_display_name(name: &str) -> bool {
    (1..=LONGEST_DISPLAY_NAME).contains(&name.chars().count()) && !name.chars().any(is_invisible)
}
