//! HTTP: which path is which act. Nothing is decided here.

mod extract;
mod tus;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Instant,
};

use axum::{
    Json, Router,
    body::Body as HttpBody,
    extract::{DefaultBodyLimit, MatchedPath, Path as PathOf, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{delete, get, head, post, put},
};
use certdesk_contract::{
    IDEMPOTENCY_REPLAYED, Problem, ProblemCode,
    account::{
        AccountChange, AccountView, CodeRequest, ConsentRecord, ConsentRequest, LostKey, PasswordChange, PasswordReset,
        PhoneCodeRequest, RegistrationRequest, SmsMessage,
    },
    announcement::{AnnouncementPage, AnnouncementQuery},
    application::{Application, ApplicationDraft, DraftContent, Submission, Verdict},
    certificate::{CertificateRequest, Installation},
    change::{Changes, ChangesQuery},
    notice::NoticesRead,
    path,
    query::{Query, QueryAnswer},
    session::{Challenge, ChallengeRequest, PasswordLogin, Session, TokenLogin},
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use self::extract::{AnyCaller, Body, DemoKey, Id, Key};
use crate::{
    accounts, announcements, applications,
    catalogue::Served,
    challenges, changes, codes, consents, demo, drafts,
    failure::{Failure, Outcome},
    idempotency::{Once, Owner},
    notices,
    pace::{Door, Peer},
    portal::Portal,
    profile, queries,
    receipts::{self, ActRequest},
    recovery, revocation,
    sessions::{self, Caller},
    signatures::Incoming,
    tls::TlsConnection,
};

/// Largest JSON body, bytes.
const JSON_BYTES: usize = 64 * 1024;

/// What a browser may do with an answer that was never meant for one: nothing.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every handler shares.
pub(crate) type App = State<Arc<Portal>>;

/// All paths of the contract.
pub(crate) fn router(portal: Arc<Portal>) -> Router {
    let at_pace = |door| from_fn_with_state((portal.clone(), door), paced);
    let opening = || at_pace(Door::Opening);
    let mut router = Router::new()
        .route(path::HEALTH, get(async || StatusCode::NO_CONTENT))
        .route(path::CATALOGUE, get(get_catalogue))
        .route(path::REGIONS, get(get_regions))
        .route(path::CONSENTS, post(post_consent).layer(opening()))
        .route(path::REGISTRATIONS, post(post_registration).layer(at_pace(Door::Registration)))
        .route(path::PASSWORD_SESSIONS, post(post_password_session).layer(at_pace(Door::PasswordLogin)))
        .route(path::CHALLENGES, post(post_challenge).layer(opening()))
        .route(path::TOKEN_SESSIONS, post(post_token_session).layer(opening()))
        .route(path::CURRENT_SESSION, delete(delete_session))
        .route(path::ACCOUNT, get(get_account).put(put_account))
        .route(path::CODES, post(post_code).layer(at_pace(Door::Code)))
        .route(path::PASSWORD_RESETS, post(post_password_reset).layer(at_pace(Door::PasswordLogin)))
        .route(path::LOST_KEYS, post(post_lost_key).layer(at_pace(Door::PasswordLogin)))
        .route(path::PHONE_CODES, post(post_phone_code))
        .route(path::ACCOUNT_CONSENTS, get(get_consents))
        .route(path::ACCOUNT_CONSENT, delete(delete_consent))
        .route(path::CHANGES, get(get_changes))
        .route(path::NOTICES, get(get_notices))
        .route(path::NOTICES_READ, post(post_notices_read))
        .route(path::PASSWORD, put(put_password))
        .route(path::APPLICATIONS, get(get_applications))
        .route(path::APPLICATION, get(get_application).put(put_application).delete(delete_application))
        .route(path::DRAFT, get(get_draft).put(put_draft))
        .route(path::SUBMISSION, post(post_submission))
        .route(path::RECEIPT, get(get_receipt))
        .route(path::ISSUANCE, post(post_certificate))
        .route(path::INSTALLATION, post(post_installation))
        .route(path::CERTIFICATES, get(get_certificates))
        .route(path::QUERIES, post(post_query).layer(at_pace(Door::Query)))
        .route(path::ANNOUNCEMENTS, get(get_announcements))
        .route(path::CRL, get(get_crl))
        .route(path::CA_CERTIFICATE, get(get_ca_certificate))
        .route(path::PROFILES, get(get_profiles))
        .route(path::DRIVERS, get(get_drivers))
        .route(path::DRIVER, get(get_driver).layer(opening()))
        .route(path::UPLOADS, post(tus::create).layer(opening()).options(tus::options))
        // A PATCH streams and counts for itself.
        .route(
            path::UPLOAD,
            head(tus::head)
                .patch(tus::patch)
                .delete(tus::delete)
                .options(tus::options)
                .layer(DefaultBodyLimit::disable()),
        );
    if portal.demo.is_some() {
        router = router
            .route(path::DEMO_SMS, get(get_demo_sms))
            .route(path::DEMO_QUEUE, get(get_demo_queue))
            .route(path::DEMO_REVIEW, post(post_demo_review));
    }
    router
        .merge(crate::desk::router())
        .fallback(async || Failure::from(ProblemCode::NotFound))
        .method_not_allowed_fallback(async || Failure::from(ProblemCode::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(JSON_BYTES))
        .layer(from_fn_with_state(portal.clone(), dressed))
        .with_state(portal)
}

/// Proxies that know GET and POST alone: `X-HTTP-Method-Override` of a POST is its method (tus 1.0.0, "Core protocol").
pub(crate) fn overridden(mut request: http::Request<HttpBody>) -> http::Request<HttpBody> {
    if request.method() != Method::POST || !request.uri().path().starts_with(path::UPLOADS) {
        return request;
    }
    let wanted = request.headers().get("x-http-method-override").map(HeaderValue::as_bytes);
    let method =
        [Method::PATCH, Method::DELETE, Method::HEAD].into_iter().find(|m| Some(m.as_str().as_bytes()) == wanted);
    if let Some(method) = method {
        *request.method_mut() = method;
    }
    request
}

/// Lets an address through a door at its pace.
async fn paced(State((portal, door)): State<(Arc<Portal>, Door)>, request: Request, next: Next) -> Response {
    let visitor = who(&portal, request.extensions(), request.headers());
    match portal.pace.pass(door, visitor, Instant::now()) {
        Ok(()) => next.run(request).await,
        Err(seconds) => {
            tracing::warn!(?door, "an address asks too often");
            Failure::from(Problem::new(ProblemCode::TooManyRequests).with_retry_after(seconds)).into_response()
        }
    }
}

/// The address that asks.
pub(crate) fn who(portal: &Portal, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    // Every connection has its peer; where it were missing, all without one would share a pace.
    let peer = extensions.get::<Peer>().copied().unwrap_or(Peer(Ipv4Addr::UNSPECIFIED.into()));
    let forwarded: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    portal.pace.visitor(peer, forwarded.into_iter())
}

/// What every answer carries, and the one line it leaves in the log: no query, no body, no names.
async fn dressed(State(portal): App, matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let from = portal.mark(&who(&portal, request.extensions(), request.headers()).to_string());
    let mut response = next.run(request).await;
    const HEADERS: [(HeaderName, HeaderValue); 6] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains")),
        (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    let path = matched.as_ref().map_or("-", MatchedPath::as_str);
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, path, status = response.status().as_u16(), ms, from, "answered");
    response
}

/// Logs an act by which somebody proves who they are, or changes how: what it was, whose, and what came of it.
fn noted<T>(portal: &Portal, act: &'static str, whose: &str, outcome: Outcome<T>) -> Outcome<T> {
    let whose = portal.mark(&whose.trim().to_ascii_lowercase());
    match &outcome {
        Ok(_) => tracing::info!(act, whose, "done"),
        Err(Failure::Refused(problem)) => tracing::warn!(act, whose, why = problem.code.as_str(), "refused"),
        Err(Failure::Broken(_)) => tracing::error!(act, whose, "broke"),
    }
    outcome
}

async fn get_catalogue(State(portal): App, headers: HeaderMap) -> Response {
    serve(&portal.catalogue_served, &headers)
}

async fn get_regions(State(portal): App, headers: HeaderMap) -> Response {
    serve(&portal.regions_served, &headers)
}

/// JSON that seldom changes: asked for again, a client that has it gets 304.
fn serve(served: &Served, headers: &HeaderMap) -> Response {
    serve_as("application/json", served, headers)
}

/// Somebody's own, by what it says now.
fn serve_own<T: serde::Serialize>(own: &T, headers: &HeaderMap) -> Outcome<Response> {
    Ok(kept_by_nobody(serve(&Served::new(serde_json::to_vec(own)?), headers)))
}

/// Unlike a catalogue it is kept by nobody on the way.
fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same as another type of media.
pub(crate) fn serve_as(media_type: &'static str, served: &Served, headers: &HeaderMap) -> Response {
    let etag = HeaderValue::from_str(&served.etag).unwrap_or(HeaderValue::from_static("\"\""));
    let fresh = [(header::ETAG, etag), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    let has = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|v| v == "*" || v.split(',').any(|tag| tag.trim().trim_start_matches("W/") == served.etag))
    };
    if headers.get_all(header::IF_NONE_MATCH).iter().any(has) {
        return (StatusCode::NOT_MODIFIED, fresh).into_response();
    }
    (fresh, [(header::CONTENT_TYPE, media_type)], served.body.clone()).into_response()
}

/// An answer, marked where it is one of before.
fn marked(once: &Once, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if once.is_replayed() {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

async fn post_consent(State(portal): App, key: Key, body: Body<ConsentRequest>) -> Outcome<Response> {
    let once = key.begin(&portal, Owner::Anybody("consent"), &body.hash)?;
    let receipt = accounts::consent(&portal, body.value, once.clone()).await?;
    Ok(marked(&once, (StatusCode::CREATED, Json(receipt))))
}

async fn post_registration(State(portal): App, key: Key, body: Body<RegistrationRequest>) -> Outcome<Response> {
    let once = key.begin(&portal, Owner::Anybody("registration"), &body.hash)?;
    let receipt = accounts::register(&portal, body.value, once.clone()).await?;
    Ok(marked(&once, (StatusCode::CREATED, Json(receipt))))
}

async fn post_password_session(State(portal): App, body: Body<PasswordLogin>) -> Outcome<(StatusCode, Json<Session>)> {
    let whose = body.value.account.clone();
    let opened = accounts::log_in(&portal, body.value).await;
    Ok((StatusCode::CREATED, Json(noted(&portal, "login by password", &whose, opened)?)))
}

async fn post_challenge(
    State(portal): App,
    connection: axum::Extension<TlsConnection>,
    body: Body<ChallengeRequest>,
) -> Outcome<(StatusCode, Json<Challenge>)> {
    Ok((StatusCode::CREATED, Json(challenges::give(&portal, body.value, &connection).await?)))
}

async fn post_token_session(
    State(portal): App,
    connection: axum::Extension<TlsConnection>,
    body: Body<TokenLogin>,
) -> Outcome<(StatusCode, Json<Session>)> {
    let whose = body.value.token.unverified_certificate.clone();
    let opened = challenges::log_in(&portal, body.value, &connection).await;
    Ok((StatusCode::CREATED, Json(noted(&portal, "login by key", &whose, opened)?)))
}

async fn delete_session(State(portal): App, AnyCaller(caller): AnyCaller) -> Outcome<StatusCode> {
    let whose = caller.account.name.clone();
    noted(&portal, "logout", &whose, sessions::end(&portal, caller).await)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_account(State(portal): App, caller: Caller) -> Outcome<Json<AccountView>> {
    let now = portal.now();
    let act = portal.clone();
    Ok(Json(portal.store.read(move |db| accounts::view(&act, db, &caller.account, now)).await?))
}

async fn put_account(State(portal): App, caller: Caller, key: Key, body: Body<AccountChange>) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let whose = caller.account.name.clone();
    let changed = profile::change(&portal, caller, body.value, once.clone()).await;
    let account = noted(&portal, "change of basic data", &whose, changed)?;
    Ok(marked(&once, Json(account)))
}

async fn post_code(State(portal): App, body: Body<CodeRequest>) -> Outcome<StatusCode> {
    let whose = body.value.account.clone();
    noted(&portal, "code by SMS", &whose, codes::request(&portal, body.value).await)?;
    Ok(StatusCode::ACCEPTED)
}

async fn post_phone_code(
    State(portal): App,
    caller: Caller,
    key: Key,
    body: Body<PhoneCodeRequest>,
) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let whose = caller.account.name.clone();
    let sent = codes::request_for_phone(&portal, caller, body.value, once.clone()).await;
    noted(&portal, "code for a new phone", &whose, sent)?;
    Ok(marked(&once, StatusCode::ACCEPTED))
}

async fn post_password_reset(State(portal): App, key: Key, body: Body<PasswordReset>) -> Outcome<Response> {
    let once = key.begin(&portal, Owner::Anybody("password-reset"), &body.hash)?;
    let whose = body.value.account.clone();
    let reset = recovery::reset_password(&portal, body.value, once.clone()).await;
    noted(&portal, "new password by code", &whose, reset)?;
    Ok(marked(&once, StatusCode::NO_CONTENT))
}

async fn post_lost_key(State(portal): App, key: Key, body: Body<LostKey>) -> Outcome<Response> {
    let once = key.required()?.begin(&portal, Owner::Anybody("lost-key"), &body.hash)?;
    let whose = body.value.account.clone();
    let reported = recovery::report_lost_key(&portal, body.value, once.clone()).await;
    let receipt = noted(&portal, "lost key by code", &whose, reported)?;
    Ok(marked(&once, (StatusCode::CREATED, Json(receipt))))
}

async fn get_consents(State(portal): App, caller: Caller) -> Outcome<Json<Vec<ConsentRecord>>> {
    Ok(Json(consents::list(&portal, caller).await?))
}

async fn delete_consent(State(portal): App, caller: Caller, Id(id): Id, key: Key) -> Outcome<Response> {
    let once = key.of_bodiless(&portal, &caller)?;
    consents::withdraw(&portal, caller, id, once.clone()).await?;
    Ok(marked(&once, StatusCode::NO_CONTENT))
}

async fn get_changes(State(portal): App, caller: Caller, uri: Uri) -> Outcome<Json<Changes>> {
    let query = axum::extract::Query::<ChangesQuery>::try_from_uri(&uri).map_err(|_| ProblemCode::BadRequest)?;
    Ok(Json(changes::page(&portal, caller, query.0).await?))
}

async fn get_notices(State(portal): App, caller: Caller, headers: HeaderMap) -> Outcome<Response> {
    serve_own(&notices::list(&portal, caller).await?, &headers)
}

async fn post_notices_read(State(portal): App, caller: Caller, key: Key, body: Body<NoticesRead>) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    notices::read(&portal, caller, body.value, once.clone()).await?;
    Ok(marked(&once, StatusCode::NO_CONTENT))
}

async fn put_password(
    State(portal): App,
    AnyCaller(caller): AnyCaller,
    key: Key,
    body: Body<PasswordChange>,
) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let whose = caller.account.name.clone();
    let changed = accounts::change_password(&portal, caller, body.value, once.clone()).await;
    noted(&portal, "change of password", &whose, changed)?;
    Ok(marked(&once, StatusCode::NO_CONTENT))
}

async fn get_applications(State(portal): App, caller: Caller, headers: HeaderMap) -> Outcome<Response> {
    serve_own(&applications::list(&portal, caller).await?, &headers)
}

async fn get_application(State(portal): App, caller: Caller, Id(id): Id, headers: HeaderMap) -> Outcome<Response> {
    serve_own(&applications::show(&portal, caller, id).await?, &headers)
}

async fn put_application(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    key: Key,
    body: Body<ApplicationDraft>,
) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let application = applications::open(&portal, caller, id, body.value, once.clone()).await?;
    Ok(marked(&once, Json(application)))
}

async fn delete_application(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    key: Key,
    incoming: Incoming,
) -> Outcome<Response> {
    if incoming.has_body {
        return Err(ProblemCode::BadRequest.into());
    }
    let once = key.of_bodiless(&portal, &caller)?;
    let request = ActRequest { incoming, body: Vec::new() };
    let application = applications::withdraw(&portal, caller, id, once.clone(), request).await?;
    Ok(marked(&once, Json(application)))
}

async fn get_draft(State(portal): App, caller: Caller, Id(id): Id, headers: HeaderMap) -> Outcome<Response> {
    Ok(kept_by_nobody(serve(&drafts::show(&portal, caller, id).await?, &headers)))
}

async fn put_draft(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    headers: HeaderMap,
    key: Key,
    body: Body<DraftContent>,
) -> Outcome<Response> {
    let tags = |name| {
        let values = headers.get_all(name).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(|tag| tag.trim().to_owned()).collect::<Vec<_>>()
    };
    let expected = match (tags(header::IF_MATCH), tags(header::IF_NONE_MATCH).as_slice()) {
        (seen, []) if !seen.is_empty() => drafts::Expected::OneOf(seen),
        (seen, [any]) if seen.is_empty() && any == "*" => drafts::Expected::Nothing,
        _ => return Err(ProblemCode::BadRequest.into()),
    };
    let once = key.of(&portal, &caller, &body.hash)?;
    let etag = drafts::put(&portal, caller, id, body.value, expected, once.clone()).await?;
    Ok(marked(&once, (StatusCode::NO_CONTENT, [(header::ETAG, etag)])))
}

async fn post_submission(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    key: Key,
    incoming: Incoming,
    body: Body<Submission>,
) -> Outcome<Response> {
    let once = key.required()?.of(&portal, &caller, &body.hash)?;
    let request = ActRequest { incoming, body: body.bytes.into() };
    let receipt = applications::submit(&portal, caller, id, body.value, once.clone(), request).await?;
    Ok(marked(&once, Json(receipt)))
}

async fn get_receipt(State(portal): App, caller: Caller, Id(id): Id) -> Outcome<Response> {
    let receipt = receipts::show(&portal, caller, id).await?;
    Ok(([(header::CONTENT_TYPE, certdesk_contract::receipt::MEDIA_TYPE)], receipt).into_response())
}

async fn post_certificate(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    key: Key,
    body: Body<CertificateRequest>,
) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let issued = applications::issue(&portal, caller, id, body.value, once.clone()).await?;
    Ok(marked(&once, Json(issued)))
}

async fn post_installation(
    State(portal): App,
    caller: Caller,
    Id(id): Id,
    key: Key,
    body: Body<Installation>,
) -> Outcome<Response> {
    let once = key.of(&portal, &caller, &body.hash)?;
    let application = applications::confirm(&portal, caller, id, body.value, once.clone()).await?;
    Ok(marked(&once, Json(application)))
}

async fn get_certificates(State(portal): App, caller: Caller, headers: HeaderMap) -> Outcome<Response> {
    serve_own(&applications::certificates_of(&portal, caller).await?, &headers)
}

async fn post_query(State(portal): App, body: Body<Query>) -> Outcome<Json<Vec<QueryAnswer>>> {
    Ok(Json(queries::ask(&portal, body.value).await?))
}

async fn get_announcements(State(portal): App, uri: Uri) -> Outcome<Json<AnnouncementPage>> {
    let query = axum::extract::Query::<AnnouncementQuery>::try_from_uri(&uri).map_err(|_| ProblemCode::BadRequest)?;
    Ok(Json(announcements::look_up(&portal, query.0).await?))
}

async fn get_crl(State(portal): App, headers: HeaderMap) -> Outcome<Response> {
    let crl = revocation::crl(&portal).await?;
    Ok(serve_as("application/pkix-crl", &Served::new(crl), &headers))
}

async fn get_ca_certificate(State(portal): App) -> Response {
    let der = portal.ca.issuing_der().to_vec();
    ([(header::CONTENT_TYPE, "application/pkix-cert"), (header::CACHE_CONTROL, "no-cache")], der).into_response()
}

async fn get_profiles(State(portal): App, headers: HeaderMap) -> Outcome<Response> {
    let served = tokio::task::spawn_blocking(move || portal.profiles.served()).await.map_err(anyhow::Error::new)?;
    Ok(serve(&*served.ok_or(ProblemCode::NotFound)?, &headers))
}

async fn get_drivers(State(portal): App, headers: HeaderMap) -> Response {
    serve(portal.drivers.served(), &headers)
}

/// The package itself, a range of it on demand (RFC 9110 §14): a slow line goes on where it broke.
async fn get_driver(State(portal): App, PathOf(id): PathOf<String>, request: Request) -> Outcome<Response> {
    let (package, file) = portal.drivers.find(&id).ok_or(ProblemCode::NotFound)?;
    let octets = "application/octet-stream".parse().map_err(anyhow::Error::new)?;
    let mut response = ServeFile::new_with_mime(file, &octets).oneshot(request).await.into_response();
    let name = format!("attachment; filename=\"{}\"", package.file_name);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name.parse().map_err(anyhow::Error::new)?);
    Ok(response)
}

async fn get_demo_sms(State(portal): App, _key: DemoKey) -> Outcome<Json<Vec<SmsMessage>>> {
    Ok(Json(demo::sms(&portal).await?))
}

async fn get_demo_queue(State(portal): App, _key: DemoKey) -> Outcome<Json<Vec<Application>>> {
    Ok(Json(demo::queue(&portal).await?))
}

async fn post_demo_review(
    State(portal): App,
    _key: DemoKey,
    Id(id): Id,
    body: Body<Verdict>,
) -> Outcome<Json<Application>> {
    Ok(Json(demo::decide(&portal, id, body.value).await?))
}
