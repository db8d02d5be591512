//! The doors of the desk: cookies, sessions, and forms that come from our own pages alone.
//!
//! A form is taken when the browser says that it comes from this origin (`Sec-Fetch-Site`, `Origin`) and it carries the
//! token that only a page of the same session has. Both, for each has had its gaps in some browser. A page or file of a
//! case, whose opening is noted, is shown to who asks from here or types its address, not to another site's page.

use std::sync::Arc;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certdesk_contract::ProblemCode;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

use super::{LOGIN, PASSWORD, pages, words::Lang};
use crate::{failure::Failure, portal::Portal, random, staff, staff::AtDesk};

/// The session of a member of staff.
const SESSION: &str = "__Host-certdesk-desk";
/// Binds the login form to the browser that asked for it, before there is a session.
const VISIT: &str = "__Host-certdesk-visit";
const LANGUAGE: &str = "__Host-certdesk-language";

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Largest form: remarks on every field and file.
const FORM_BYTES: usize = 512 * 1024;

/// Whoever asks for a page.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) lang: Lang,
    /// Path and query of the page.
    pub(super) at: String,
    session: Option<String>,
    visit: Option<String>,
}

impl Visitor {
    fn of(parts: &Parts) -> Self {
        let session = cookie(&parts.headers, SESSION);
        Self {
            lang: Lang::of(&cookie(&parts.headers, LANGUAGE).unwrap_or_default()),
            at: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            session,
            visit: cookie(&parts.headers, VISIT),
        }
    }

    /// The token of the session that the browser still has, if any.
    pub(super) fn earlier_session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// What the forms of this session's pages carry.
    pub(super) fn form_token(&self) -> String {
        form_token(self.session.as_deref().unwrap_or_default())
    }

    /// What the login form carries, and the cookie to set for it where the browser has none.
    pub(super) fn login_token(&self) -> (String, Option<HeaderValue>) {
        match &self.visit {
            Some(visit) => (form_token(visit), None),
            None => {
                let visit = random::token(32);
                (form_token(&visit), set_cookie(VISIT, &visit, None))
            }
        }
    }
}

impl FromRequestParts<Arc<Portal>> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// A member of staff at a page. Who is not logged in is sent to the login page, who has a first password to replace to
/// that page.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) visitor: Visitor,
    pub(super) at_desk: AtDesk,
}

impl std::ops::Deref for Page {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl FromRequestParts<Arc<Portal>> for Page {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Response> {
        let visitor = Visitor::of(parts);
        let at_desk = match &visitor.session {
            None => None,
            // The cookie is for our own pages alone; a browser that sends it for another's is not obeyed.
            Some(_) if is_from_another_site(&parts.headers) => return Err(pages::forged(&visitor)),
            Some(token) => match staff::recognise(portal, token).await {
                Ok(found) => found,
                Err(failure) => return Err(pages::refusal(&visitor, None, failure)),
            },
        };
        let Some(at_desk) = at_desk else {
            let next: String = form_urlencoded::byte_serialize(visitor.at.as_bytes()).collect();
            let is_page = parts.method == http::Method::GET && visitor.at != super::PATH;
            return Err(to(&if is_page { format!("{LOGIN}?next={next}") } else { LOGIN.to_owned() }));
        };
        if at_desk.member.must_change && !visitor.at.starts_with(PASSWORD) && parts.uri.path() != super::LOGOUT {
            return Err(to(PASSWORD));
        }
        Ok(Self { visitor, at_desk })
    }
}

/// The fields of a form that came from one of our pages.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The first value of a field, or nothing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// All fields, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl FromRequest<Arc<Portal>> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visitor = Visitor::of(&parts);
        if !is_from_here(&parts.headers, &portal.origin) {
            return Err(pages::forged(&visitor));
        }
        let refuse = |code: ProblemCode| pages::refusal(&visitor, None, code.into());
        let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if !media_type.starts_with("application/x-www-form-urlencoded") {
            return Err(refuse(ProblemCode::BadRequest));
        }
        let arrived = tokio::time::timeout(portal.pace.body_time(), axum::body::to_bytes(body, FORM_BYTES)).await;
        let Ok(Ok(bytes)) = arrived else { return Err(refuse(ProblemCode::BadRequest)) };
        let form = Self(form_urlencoded::parse(&bytes).into_owned().collect());
        let secrets = match parts.uri.path() {
            LOGIN => [visitor.visit.as_deref(), None],
            super::LANGUAGE => [visitor.session.as_deref(), visitor.visit.as_deref()],
            _ => [visitor.session.as_deref(), None],
        };
        let given = form.get("token").as_bytes();
        let right = secrets.into_iter().flatten().any(|secret| form_token(secret).as_bytes().ct_eq(given).into());
        if right { Ok(form) } else { Err(pages::forged(&visitor)) }
    }
}

/// Sets the cookie of a new session and forgets what the login form was bound to.
pub(super) fn opened(mut response: Response, token: &str) -> Response {
    add_cookie(&mut response, set_cookie(SESSION, token, None));
    add_cookie(&mut response, set_cookie(VISIT, "", Some(0)));
    response
}

/// Takes the cookie of a session away, and what the browser may have kept of its pages against our word.
pub(super) fn closed(mut response: Response) -> Response {
    add_cookie(&mut response, set_cookie(SESSION, "", Some(0)));
    let everything_but_cookies = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), everything_but_cookies);
    response
}

/// Remembers the language.
pub(super) fn speaking(mut response: Response, lang: Lang) -> Response {
    add_cookie(&mut response, set_cookie(LANGUAGE, lang.word(), Some(365 * 24 * 60 * 60)));
    response
}

pub(super) fn add_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// To another page of ours, after a form (RFC 9110 §15.4.4).
pub(super) fn to(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// A page of the desk to go on to, never one of another site.
pub(super) fn next(path: &str) -> &str {
    let rest = path.strip_prefix(super::PATH);
    let ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if ours { path } else { super::PATH }
}

/// Whether the browser says that a page of another site made this request.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

/// Whether the browser says that a request comes from a page of this service.
fn is_from_here(headers: &HeaderMap, origin: &str) -> bool {
    let get = |name| headers.get(name).map(HeaderValue::as_bytes);
    let site = get(SEC_FETCH_SITE);
    let given = get(header::ORIGIN);
    let host = get(header::HOST).map(|host| [b"https://", host].concat());
    let own = |given: &[u8]| given == origin.as_bytes() || Some(given) == host.as_deref();
    (site.is_some() || given.is_some()) && site.is_none_or(|site| site == b"same-origin") && given.is_none_or(own)
}

fn form_token(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("certdesk desk form {secret}")))
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value.to_owned()).next()
}

/// `__Host-`: this host alone, over TLS, on every path (RFC 6265bis §4.1.3.2). Without an age it ends with the browser.
fn set_cookie(name: &str, value: &str, max_age: Option<u32>) -> Option<HeaderValue> {
    let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{age}")).ok()
}

/// What a handler answers.
pub(super) type Answer = Result<Response, Refused>;

/// A page that tells why something was not done; boxed, for it is large and seldom.
pub(super) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// Turns a failure into its page.
pub(super) fn or_page<T>(page: &Page, outcome: Result<T, Failure>) -> Result<T, Refused> {
    outcome.map_err(|failure| pages::refusal(&page.visitor, Some(&page.at_desk), failure).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_send_forms() {
        let ours = "https://portal.example.cn";
        let from = |site: Option<&'static str>, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("portal.example.cn"));
            site.map(|site| headers.insert("sec-fetch-site", HeaderValue::from_static(site)));
            origin.map(|origin| headers.insert("origin", HeaderValue::from_static(origin)));
            is_from_here(&headers, ours)
        };
        assert!(from(Some("same-origin"), Some(ours)) && from(None, Some(ours)) && from(Some("same-origin"), None));
        for other in
            ["https://evil.example", "https://portal.example.cn.evil.example", "http://portal.example.cn", "null"]
        {
            assert!(!from(None, Some(other)) && !from(Some("same-origin"), Some(other)), "{other} is not ours");
        }
        for site in ["cross-site", "same-site", "none"] {
            assert!(!from(Some(site), Some(ours)), "{site} is not our own page");
        }
        assert!(!from(None, None), "a browser says where a form comes from");
    }

    #[test]
    fn another_sites_page_opens_nothing_here() {
        let from = |site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            site.map(|site| headers.insert(SEC_FETCH_SITE, HeaderValue::from_static(site)));
            is_from_another_site(&headers)
        };
        assert!(!from(Some("same-origin")) && !from(Some("none")), "our own pages do, and an address that was typed");
        assert!(!from(None), "an old browser says nothing; its cookie is for our own pages all the same");
        assert!(from(Some("cross-site")) && from(Some("same-site")) && from(Some("anything")), "others do not");
    }

    #[test]
    fn nobody_is_sent_away_from_the_desk() {
        for ours in ["/desk", "/desk/cases/1?x=2", "/desk?page=2"] {
            assert_eq!(next(ours), ours);
        }
        for other in
            ["", "https://evil.example", "//evil.example", "/desk\\@evil", "/deskevil", "/v1/account", "/desk/\r\nx: y"]
        {
            assert_eq!(next(other), "/desk", "{other:?} leads elsewhere");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("x__Host-certdesk-desk=wrong; __Host-certdesk-desk=a-b_c"));
        assert_eq!(cookie(&headers, SESSION).as_deref(), Some("a-b_c"));
        assert_eq!(cookie(&headers, VISIT), None);
    }
}
