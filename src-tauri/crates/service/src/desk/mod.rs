//! The review desk's pages: the authority's staff looks at cases and decides them, in a browser, without a script.
//!
//! Server-rendered, under [`PATH`], with sessions of its own. Nothing of it is in the contract: no client speaks to it.

mod case;
mod door;
mod files;
mod pages;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use certdesk_contract::{ProblemCode, application::Verdict};
use certdesk_domain::{Business, State as CaseState};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use rusqlite::Connection;
use serde_json::json;
use url::form_urlencoded;
use uuid::Uuid;

use self::{
    case::{CaseView, Draft},
    door::{Answer, Form, Page, Visitor, or_page, to},
};
use crate::{
    audit::{self, Event},
    catalogue::Served,
    failure::{Failure, Outcome},
    pace::Door,
    portal::Portal,
    staff::{self, Role},
    store::{
        self,
        applications::{self, Case},
        looks::{self, Look},
        queue::{self, Wanted},
    },
    verdicts,
};

/// Where the desk is.
pub(crate) const PATH: &str = "/desk";
const LOGIN: &str = "/desk/login";
const LOGOUT: &str = "/desk/logout";
const LANGUAGE: &str = "/desk/language";
const PASSWORD: &str = "/desk/password";
const AUDIT: &str = "/desk/audit";
const STYLE: &str = "/desk/desk.css";
const ICON: &str = "/desk/icon.svg";

/// Lines of the queue on one page.
const LINES: u32 = 25;
/// Rows of the audit log on one page.
const ROWS: u32 = 50;
/// Longest text that is searched for, characters.
const LONGEST_SEARCH: usize = 100;

/// What a page may do: show itself, its style, its files, and send its forms here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; frame-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

type App = State<Arc<Portal>>;

/// All paths of the desk.
pub(crate) fn router() -> Router<Arc<Portal>> {
    Router::new()
        .route(PATH, get(get_queue))
        .route(LOGIN, get(get_login).post(post_login))
        .route(LOGOUT, post(post_logout))
        .route(LANGUAGE, post(post_language))
        .route(PASSWORD, get(get_password).post(post_password))
        .route(AUDIT, get(get_audit))
        .route(STYLE, get(get_style))
        .route(ICON, get(get_icon))
        .route("/desk/cases/{id}", get(get_case))
        .route("/desk/cases/{id}/decision", post(post_decision))
        .route("/desk/cases/{id}/reveal", post(post_reveal))
        .route("/desk/cases/{id}/files/{upload}", get(get_file))
        .route("/desk/", get(async || to(PATH)))
        .route("/desk/{*rest}", get(get_nothing))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(dressed))
}

/// What every page of the desk carries. `no-referrer`, as the rest of the service has it, would take the origin away
/// from our own forms.
async fn dressed(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    const HEADERS: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

async fn get_style(headers: HeaderMap) -> Response {
    static STYLE: std::sync::LazyLock<Served> =
        std::sync::LazyLock::new(|| Served::new(include_bytes!("desk.css").to_vec()));
    crate::http::serve_as("text/css; charset=utf-8", &STYLE, &headers)
}

async fn get_icon(headers: HeaderMap) -> Response {
    static ICON: std::sync::LazyLock<Served> =
        std::sync::LazyLock::new(|| Served::new(include_bytes!("icon.svg").to_vec()));
    crate::http::serve_as("image/svg+xml", &ICON, &headers)
}

async fn get_nothing(page: Page) -> Response {
    pages::refusal(&page.visitor, Some(&page.at_desk), ProblemCode::NotFound.into())
}

async fn get_login(visitor: Visitor, uri: Uri) -> Response {
    pages::login(&visitor, door::next(&query(&uri, "next")), "", None)
}

async fn post_login(
    State(portal): App,
    visitor: Visitor,
    extensions: http::Extensions,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let next = door::next(form.get("next"));
    let name = form.get("name");
    let passed =
        portal.pace.pass(Door::StaffLogin, crate::http::who(&portal, &extensions, &headers), std::time::Instant::now());
    let opened = match passed {
        Ok(()) => staff::log_in(&portal, name, form.get("password").to_owned()).await,
        Err(seconds) => {
            Err(certdesk_contract::Problem::new(ProblemCode::TooManyRequests).with_retry_after(seconds).into())
        }
    };
    match opened {
        Ok(token) => {
            // Who logs in anew takes the place of whoever this browser was logged in as.
            match staff::leave(&portal, visitor.earlier_session()).await {
                Ok(()) => door::opened(to(next), &token),
                Err(broken) => pages::refusal(&visitor, None, broken),
            }
        }
        Err(Failure::Refused(problem)) => pages::login(&visitor, next, name, Some(&problem)),
        Err(broken) => pages::refusal(&visitor, None, broken),
    }
}

async fn post_logout(State(portal): App, page: Page, _: Form) -> Answer {
    or_page(&page, staff::log_out(&portal, page.at_desk.clone()).await)?;
    Ok(door::closed(to(LOGIN)))
}

async fn post_language(visitor: Visitor, form: Form) -> Response {
    let lang = words::Lang::of(form.get("lang"));
    door::speaking(to(door::next(form.get("next"))), if visitor.lang == lang { visitor.lang } else { lang })
}

async fn get_password(page: Page) -> Response {
    pages::password(&page, None)
}

async fn post_password(State(portal): App, page: Page, form: Form) -> Response {
    if form.get("new") != form.get("again") {
        return pages::password(&page, Some(&certdesk_contract::Problem::new(ProblemCode::InvalidFields)));
    }
    let (old, new) = (form.get("old").to_owned(), form.get("new").to_owned());
    match staff::change_password(&portal, page.at_desk.clone(), old, new).await {
        Ok(token) => door::opened(to(PATH), &token),
        Err(Failure::Refused(problem)) => pages::password(&page, Some(&problem)),
        Err(broken) => pages::refusal(&page.visitor, Some(&page.at_desk), broken),
    }
}

async fn get_queue(State(portal): App, page: Page, uri: Uri) -> Answer {
    let search = query(&uri, "q").trim().chars().take(LONGEST_SEARCH).collect::<String>();
    let state = query(&uri, "state");
    let wanted = Wanted {
        waiting: !matches!(&*state, "all") && named::<CaseState>(&state).is_none(),
        state: named(&state),
        business: named::<Business>(&query(&uri, "business")),
        search: (!search.is_empty()).then_some(search),
    };
    let number = query(&uri, "page").parse::<u32>().unwrap_or(1).clamp(1, 100_000);
    let now = portal.now();
    let staff = page.at_desk.member.id;
    let asked = wanted.clone();
    let read = portal.store.act(move |db| {
        // Back at the queue: at no case any more.
        looks::end(db, staff)?;
        let (lines, total) = queue::page(db, &asked, (number - 1) * LINES, LINES)?;
        Ok((lines, total, verdicts::others(db, staff, now)?))
    });
    let (lines, total, others) = or_page(&page, read.await)?;
    Ok(pages::queue(&page, &pages::Queue { wanted, number, pages: total.div_ceil(LINES).max(1), lines, total, others }))
}

async fn get_case(State(portal): App, page: Page, Path(id): Path<String>) -> Answer {
    let view = or_page(&page, view(&portal, &page, &id, true).await)?;
    Ok(case::page(&page, &view, &Draft::default(), None))
}

/// All that the page of a case shows. `open`: it is being looked at anew.
async fn view(portal: &Arc<Portal>, page: &Page, id: &str, open: bool) -> Outcome<CaseView> {
    let id = Uuid::parse_str(id).map_err(|_| ProblemCode::NotFound)?;
    let (at_desk, now, act) = (page.at_desk.clone(), portal.now(), portal.clone());
    portal
        .store
        .act(move |db| {
            let mut case = handed_in(db, id)?;
            let staff = at_desk.member.id;
            let look = verdicts::look(db, staff, id, now)?;
            if open && look.is_none() {
                let about = verdicts::subject(db, id)?;
                audit::note(db, &at_desk.actor(), Event::CaseOpened, about, json!({}), now)?;
            }
            let look = Look {
                seen_at: now,
                ..look.unwrap_or(Look { application: id, seen_at: now, revealed: false, files: Vec::new() })
            };
            looks::set(db, staff, &look)?;
            if open && at_desk.member.role == Role::Reviewer {
                verdicts::start_review(db, &mut case, now)?;
            }
            CaseView::read(&act, db, case, &at_desk, look.revealed)
        })
        .await
}

async fn post_reveal(State(portal): App, page: Page, Path(id): Path<String>, form: Form) -> Answer {
    let id = or_page(&page, Uuid::parse_str(&id).map_err(|_| ProblemCode::NotFound.into()))?;
    let (at_desk, now, reveal) = (page.at_desk.clone(), portal.now(), form.get("show") == "all");
    let done = portal.store.act(move |db| {
        handed_in(db, id)?;
        let staff = at_desk.member.id;
        let Some(mut look) = verdicts::look(db, staff, id, now)? else { return Ok(()) };
        if reveal && !look.revealed {
            let about = verdicts::subject(db, id)?;
            audit::note(db, &at_desk.actor(), Event::Revealed, about, json!({}), now)?;
        }
        (look.revealed, look.seen_at) = (reveal, now);
        Ok(looks::set(db, staff, &look)?)
    });
    or_page(&page, done.await)?;
    Ok(to(&format!("{PATH}/cases/{id}")))
}

async fn post_decision(State(portal): App, page: Page, Path(id): Path<String>, form: Form) -> Answer {
    if page.at_desk.member.role != Role::Reviewer {
        return Err(pages::not_yours(&page).into());
    }
    let draft = Draft::of(&form);
    let decided = match draft.review() {
        None => Err(ProblemCode::BadRequest.into()),
        Some(review) => {
            let id = or_page(&page, Uuid::parse_str(&id).map_err(|_| ProblemCode::NotFound.into()))?;
            let verdict = Verdict { review, submissions: Some(form.get("submission").parse().unwrap_or_default()) };
            let (at_desk, now, act) = (page.at_desk.clone(), portal.now(), portal.clone());
            let decide = portal.store.act(move |db| {
                let case = handed_in(db, id)?;
                verdicts::decide(db, &act.ca, case, verdict, &at_desk.actor(), now)
            });
            decide.await
        }
    };
    match decided {
        Ok(_) => Ok(to(&format!("{PATH}/cases/{id}#decision"))),
        // The page says what came between, with what was typed still there.
        Err(Failure::Refused(problem)) if problem.code != ProblemCode::NotFound => {
            let view = or_page(&page, view(&portal, &page, &id, false).await)?;
            Ok(case::page(&page, &view, &draft, Some(&problem)))
        }
        Err(failure) => Err(pages::refusal(&page.visitor, Some(&page.at_desk), failure).into()),
    }
}

async fn get_file(
    State(portal): App,
    page: Page,
    Path((id, upload)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let parsed = |text: &str| or_page(&page, Uuid::parse_str(text).map_err(|_| ProblemCode::NotFound.into()));
    let (id, upload) = (parsed(&id)?, parsed(&upload)?);
    let (at_desk, now) = (page.at_desk.clone(), portal.now());
    let found = portal.store.act(move |db| {
        handed_in(db, id)?;
        let record = applications::attachments(db, id)?.into_iter().find(|file| file.upload == upload);
        let record = record.ok_or(ProblemCode::NotFound)?;
        let mut look = verdicts::look(db, at_desk.member.id, id, now)?;
        // A video is fetched in many pieces: that is one look.
        if look.as_ref().is_none_or(|look| !look.files.contains(&upload)) {
            let details = json!({ "requirement": record.requirement.0, "upload": upload });
            audit::note(db, &at_desk.actor(), Event::FileOpened, verdicts::subject(db, id)?, details, now)?;
            if let Some(look) = &mut look {
                look.files.push(upload);
                looks::set(db, at_desk.member.id, look)?;
            }
        }
        Ok(record)
    });
    let record = or_page(&page, found.await)?;
    let download = !query(&uri, "download").is_empty();
    let served = files::serve(&portal.files.path(upload), &record, download, &headers).await;
    or_page(&page, served.map_err(Failure::from))
}

async fn get_audit(State(portal): App, page: Page, uri: Uri) -> Answer {
    if page.at_desk.member.role != Role::Auditor {
        return Err(pages::not_yours(&page).into());
    }
    let below = query(&uri, "below").parse::<u64>().unwrap_or(u64::MAX);
    let read = portal.store.read(move |db| Ok((store::audit::below(db, below, ROWS)?, store::audit::head(db)?)));
    let (rows, head) = or_page(&page, read.await)?;
    Ok(pages::audit(&page, &rows, head.as_ref()))
}

/// A case that the desk may see: one that was handed in.
fn handed_in(db: &Connection, id: Uuid) -> Outcome<Case> {
    let case = applications::by_id(db, id)?.filter(|case| case.number.is_some());
    Ok(case.ok_or(ProblemCode::NotFound)?)
}

/// The first value of a query parameter, or nothing.
fn query(uri: &Uri, name: &str) -> String {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A word of the contract, where it is one.
fn named<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

fn page(status: StatusCode, body: maud::Markup) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body.into_string()).into_response()
}
