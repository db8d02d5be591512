//! Every path of the service, in one place. `{id}` parts are filled by the functions below the constants.

use uuid::Uuid;

/// `GET` → [`crate::catalogue::Catalogue`], with `ETag`. Public.
pub const CATALOGUE: &str = "/v1/catalogue";
/// `GET` → `Vec<`[`certdesk_domain::region::Region`]`>`, with `ETag`. Public.
pub const REGIONS: &str = "/v1/regions";
/// `POST` [`crate::account::ConsentRequest`] → 201 [`crate::account::ConsentReceipt`]. Public.
pub const CONSENTS: &str = "/v1/consents";
/// `POST` [`crate::account::RegistrationRequest`] → 201 [`crate::account::RegistrationReceipt`]. Public, idempotent.
pub const REGISTRATIONS: &str = "/v1/registrations";
/// `POST` [`crate::session::PasswordLogin`] → 201 [`crate::session::Session`]. Public.
pub const PASSWORD_SESSIONS: &str = "/v1/sessions/password";
/// `POST` [`crate::session::ChallengeRequest`] → 201 [`crate::session::Challenge`]. Public.
pub const CHALLENGES: &str = "/v1/sessions/challenges";
/// `POST` [`crate::session::TokenLogin`] → 201 [`crate::session::Session`]. Public; on the connection of the challenge.
pub const TOKEN_SESSIONS: &str = "/v1/sessions/token";
/// `DELETE` → 204: log out.
pub const CURRENT_SESSION: &str = "/v1/sessions/current";
/// `GET` → [`crate::account::AccountView`]; `PUT` [`crate::account::AccountChange`] → the same.
pub const ACCOUNT: &str = "/v1/account";
/// `POST` [`crate::account::CodeRequest`] → 202, whether or not there is such an account. Public.
pub const CODES: &str = "/v1/codes";
/// `POST` [`crate::account::PasswordReset`] → 204. Public.
pub const PASSWORD_RESETS: &str = "/v1/password-resets";
/// `POST` [`crate::account::LostKey`] → 201 [`crate::account::LostKeyReceipt`]. Public, idempotent.
pub const LOST_KEYS: &str = "/v1/lost-keys";
/// `POST` [`crate::account::PhoneCodeRequest`] → 202.
pub const PHONE_CODES: &str = "/v1/account/phone-codes";
/// `GET` → `Vec<`[`crate::account::ConsentRecord`]`>`, newest first.
pub const ACCOUNT_CONSENTS: &str = "/v1/account/consents";
/// `DELETE` → 204: withdraws the consent.
pub const ACCOUNT_CONSENT: &str = "/v1/account/consents/{id}";
/// `GET`, the query [`crate::change::ChangesQuery`] → [`crate::change::Changes`]; `changes_gone` where the cursor is none of
/// now. Repeating changes nothing.
pub const CHANGES: &str = "/v1/changes";
/// `GET` → [`crate::notice::Notices`], with `ETag`.
pub const NOTICES: &str = "/v1/notices";
/// `POST` [`crate::notice::NoticesRead`] → 204.
pub const NOTICES_READ: &str = "/v1/notices/read";
/// `PUT` [`crate::account::PasswordChange`] → 204.
pub const PASSWORD: &str = "/v1/account/password";
/// `GET` → `Vec<`[`crate::application::Application`]`>`, newest first, with `ETag`.
pub const APPLICATIONS: &str = "/v1/applications";
/// `PUT` [`crate::application::ApplicationDraft`] → [`crate::application::Application`] (the client names the case, so
/// that a repeated PUT makes no second one); `GET` → the same, with `ETag`; `DELETE` → the same, withdraws it (a legal act, once it was
/// handed in).
pub const APPLICATION: &str = "/v1/applications/{id}";
/// `GET` → [`crate::application::DraftContent`] with `ETag`; `PUT` the same with `If-Match` (`If-None-Match: *` for the
/// first) → 204 with the new `ETag`; `draft_changed` where another computer was faster. While the case is editable.
pub const DRAFT: &str = "/v1/applications/{id}/draft";
/// `POST` [`crate::application::Submission`] → [`crate::application::Receipt`]. Idempotent. A legal act.
pub const SUBMISSION: &str = "/v1/applications/{id}/submission";
/// `GET` → `application/jose+json`: a signed receipt, see [`crate::receipt`].
pub const RECEIPT: &str = "/v1/receipts/{id}";
/// `POST` [`crate::certificate::CertificateRequest`] → [`crate::certificate::IssuedCertificate`]. Idempotent by key.
pub const ISSUANCE: &str = "/v1/applications/{id}/certificate";
/// `POST` [`crate::certificate::Installation`] → [`crate::application::Application`].
pub const INSTALLATION: &str = "/v1/applications/{id}/installation";
/// `GET` → `Vec<`[`crate::certificate::CertificateRecord`]`>`, with `ETag`.
pub const CERTIFICATES: &str = "/v1/certificates";
/// `POST` [`crate::query::Query`] → `Vec<`[`crate::query::QueryAnswer`]`>`, newest first; empty where nothing is found
/// or the items do not belong together, never told which. Fewer than two items: `invalid_fields`. Too often for one
/// address or one item: `too_many_requests`. Public; repeating changes nothing.
pub const QUERIES: &str = "/v1/queries";
/// `GET`, the query [`crate::announcement::AnnouncementQuery`] → [`crate::announcement::AnnouncementPage`]. Public.
pub const ANNOUNCEMENTS: &str = "/v1/announcements";
/// `GET` → `application/pkix-crl`, DER, with `ETag`. Public.
pub const CRL: &str = "/v1/ca/crl";
/// `GET` → `application/pkix-cert`, DER of the issuing CA's certificate. Public.
pub const CA_CERTIFICATE: &str = "/v1/ca/certificate";
/// tus 1.0.0: `OPTIONS`, `POST` (creation). See [`crate::upload`].
pub const UPLOADS: &str = "/v1/uploads";
/// tus 1.0.0: `HEAD`, `PATCH`, `DELETE`.
pub const UPLOAD: &str = "/v1/uploads/{id}";
/// `GET` → `Vec<`[`crate::driver::DriverPackage`]`>`, all systems. Public.
pub const DRIVERS: &str = "/v1/drivers";
/// `GET` → the package; a `Range` of it on demand. Public.
pub const DRIVER: &str = "/v1/drivers/{id}";
/// `GET` → [`crate::profiles::SignedProfiles`], with `ETag`; `not_found` where none are published. Public.
pub const PROFILES: &str = "/v1/profiles";
/// `GET` → 204. Public; for reachability and the clock.
pub const HEALTH: &str = "/v1/health";

/// Demo only (the service must be started with `--demo`): `GET` → `Vec<`[`crate::account::SmsMessage`]`>`, newest first.
pub const DEMO_SMS: &str = "/demo/sms";
/// Demo only: `GET` → `Vec<`[`crate::application::Application`]`>`, the reviewer's queue.
pub const DEMO_QUEUE: &str = "/demo/review";
/// Demo only: `POST` [`crate::application::Verdict`] → [`crate::application::Application`].
pub const DEMO_REVIEW: &str = "/demo/review/{id}";

/// Whether a path of a request, with or without its query, is one that anybody may ask without a session.
pub fn is_public(target: &str) -> bool {
    const PUBLIC: [&str; 19] = [
        CATALOGUE,
        REGIONS,
        CONSENTS,
        REGISTRATIONS,
        PASSWORD_SESSIONS,
        CHALLENGES,
        TOKEN_SESSIONS,
        CODES,
        PASSWORD_RESETS,
        LOST_KEYS,
        QUERIES,
        ANNOUNCEMENTS,
        CRL,
        CA_CERTIFICATE,
        DRIVERS,
        PROFILES,
        HEALTH,
        DEMO_SMS,
        DEMO_QUEUE,
    ];
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    PUBLIC.contains(&path) || below(DRIVERS) || below(DEMO_QUEUE)
}

/// [`APPLICATION`] of one case.
pub fn application(id: Uuid) -> String {
    APPLICATION.replace("{id}", &id.to_string())
}
/// [`DRAFT`] of one case.
pub fn draft(id: Uuid) -> String {
    DRAFT.replace("{id}", &id.to_string())
}
/// [`SUBMISSION`] of one case.
pub fn submission(id: Uuid) -> String {
    SUBMISSION.replace("{id}", &id.to_string())
}
/// [`ISSUANCE`] of one case.
pub fn issuance(id: Uuid) -> String {
    ISSUANCE.replace("{id}", &id.to_string())
}
/// [`INSTALLATION`] of one case.
pub fn installation(id: Uuid) -> String {
    INSTALLATION.replace("{id}", &id.to_string())
}
/// [`RECEIPT`] of one act.
pub fn receipt(id: Uuid) -> String {
    RECEIPT.replace("{id}", &id.to_string())
}
/// [`ACCOUNT_CONSENT`] of one consent.
pub fn account_consent(id: Uuid) -> String {
    ACCOUNT_CONSENT.replace("{id}", &id.to_string())
}
/// [`DRIVER`] of one package; ids are of `[a-z0-9-]`.
pub fn driver(id: &str) -> String {
    DRIVER.replace("{id}", id)
}
/// [`UPLOAD`] of one upload.
pub fn upload(id: Uuid) -> String {
    UPLOAD.replace("{id}", &id.to_string())
}
/// [`DEMO_REVIEW`] of one case.
pub fn demo_review(id: Uuid) -> String {
    DEMO_REVIEW.replace("{id}", &id.to_string())
}
