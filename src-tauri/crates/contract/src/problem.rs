//! Problem details (RFC 9457) with stable codes: `application/problem+json`.

use certdesk_domain::form::FieldFault;
use serde::{Deserialize, Serialize};

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:certdesk:problem:<code>`
    #[serde(rename = "type")]
    pub kind: String,
    /// A short English sentence for logs; people read the text the client has for `code`.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What the client acts on.
    pub code: ProblemCode,
    /// Fields that were refused, where `code` is `invalid_fields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FieldFault>,
    /// Seconds after which another try makes sense, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem with the code's own title and status.
    pub fn new(code: ProblemCode) -> Self {
        Self {
            kind: format!("urn:certdesk:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            faults: Vec::new(),
            retry_after: None,
        }
    }

    /// The same, naming the refused fields.
    pub fn with_faults(mut self, faults: Vec<FieldFault>) -> Self {
        self.faults = faults;
        self
    }

    /// The same, saying when to come back.
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

// `tt`, not `literal`: the schema derive does not see through the latter.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:tt, $status:literal, $title:literal;)*) => {
        /// Stable codes. A code is born when a client acts on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
        pub enum ProblemCode { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl ProblemCode {
            /// All codes, for tests that every one has its texts.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The code as on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $text,)* } }
            /// Its HTTP status.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// Its English title.
            pub fn title(self) -> &'static str { match self { $(Self::$name => $title,)* } }
        }
    };
}

codes! {
    /// The body is not what the contract says.
    BadRequest = "bad_request", 400, "The request is not what the contract says.";
    /// No session, or it has ended.
    Unauthenticated = "unauthenticated", 401, "There is no session, or it has ended.";
    /// Account or password wrong; never which.
    WrongCredentials = "wrong_credentials", 401, "Account or password is wrong.";
    /// Too many wrong passwords; `retry_after` says for how long.
    AccountLocked = "account_locked", 429, "Too many wrong passwords; the account is locked for a while.";
    /// The account holds a valid certificate: only the key logs in.
    CertificateLoginRequired = "certificate_login_required", 403, "This account holds a valid certificate and logs in with its key only.";
    /// The initial password must be replaced first.
    PasswordChangeRequired = "password_change_required", 403, "The initial password must be replaced first.";
    /// The new password is too weak.
    WeakPassword = "weak_password", 422, "The new password is too weak.";
    /// The token login did not verify.
    LoginRefused = "login_refused", 401, "The login by token did not verify.";
    /// A signature of the request is missing, does not verify, or does not cover what it must.
    BadSignature = "bad_signature", 401, "A signature of the request is missing or does not verify.";
    /// A signature is not of now: sign anew, by the service's `Date`.
    SignatureExpired = "signature_expired", 401, "A signature of the request is too old or of the future.";
    /// This very signature was seen before.
    Replayed = "replayed", 401, "This signed request was seen before.";
    /// In a session by key, this act must be signed by the key too.
    ActSignatureRequired = "act_signature_required", 403, "This act must be signed by the key.";
    /// The form is not signed by the certificate of the session, or was changed after.
    FormSignatureInvalid = "form_signature_invalid", 422, "The form's signature is not valid.";
    /// The code of the SMS is wrong, used up or too old; never which, nor whether there is such an account.
    WrongCode = "wrong_code", 403, "The code is wrong or has expired.";
    /// The certificate cannot be renewed now.
    RenewalNotOpen = "renewal_not_open", 409, "This certificate cannot be renewed now.";
    /// An open case is about this certificate already.
    CertificateBusy = "certificate_busy", 409, "Another open application is about this certificate.";
    /// The draft was changed on another computer meanwhile (RFC 9110 §15.5.13).
    DraftChanged = "draft_changed", 412, "The draft was changed elsewhere.";
    /// Nothing is known of what changed since that cursor: everything has to be asked for anew, without one.
    ChangesGone = "changes_gone", 410, "This cursor is not known here; begin without one.";
    /// The case was changed since it was looked at.
    CaseChanged = "case_changed", 409, "The application was changed since it was looked at.";
    /// The certificate has been revoked.
    CertificateRevoked = "certificate_revoked", 403, "The certificate has been revoked.";
    /// The certificate is outside its validity.
    CertificateExpired = "certificate_expired", 403, "The certificate is outside its validity.";
    /// Not there, or not yours: never told which.
    NotFound = "not_found", 404, "There is no such thing here.";
    /// The method is not allowed here.
    MethodNotAllowed = "method_not_allowed", 405, "This method is not allowed here.";
    /// The state of the case does not allow this act.
    WrongState = "wrong_state", 409, "The state of the application does not allow this.";
    /// Same idempotency key, another request.
    IdempotencyMismatch = "idempotency_mismatch", 422, "This idempotency key was used for another request.";
    /// The same request is being worked on: `retry_after`.
    InProgress = "in_progress", 409, "The same request is being worked on.";
    /// Some fields are not right: `faults`.
    InvalidFields = "invalid_fields", 422, "Some fields are not right.";
    /// A required file is missing, or there are too many.
    MissingAttachments = "missing_attachments", 422, "Required files are missing.";
    /// Only what was remarked may be changed in a correction.
    NotRemarked = "not_remarked", 422, "Only what was remarked may be changed.";
    /// The notes or agreement were replaced meanwhile.
    StaleConsent = "stale_consent", 409, "A newer agreement must be accepted first.";
    /// The certificate request does not verify or its key is not allowed.
    BadCsr = "bad_csr", 422, "The certificate request is not acceptable.";
    /// `Upload-Offset` is not where the upload stands.
    OffsetMismatch = "offset_mismatch", 409, "The upload stands at another offset.";
    /// The bytes do not match `Upload-Checksum` or the announced digest (tus checksum extension).
    ChecksumMismatch = "checksum_mismatch", 460, "The bytes do not match their checksum.";
    /// The upload is gone.
    UploadGone = "upload_gone", 410, "The upload has expired or was terminated.";
    /// The file is larger than its requirement allows.
    TooLarge = "too_large", 413, "This is larger than allowed.";
    /// The content is none of the kinds asked for.
    WrongFileKind = "wrong_file_kind", 415, "The content is of a kind that was not asked for.";
    /// Too many requests; `retry_after`.
    TooManyRequests = "too_many_requests", 429, "Too many requests.";
    /// The service failed; the case is unchanged.
    Internal = "internal", 500, "The service failed.";
    /// The service is not ready.
    Unavailable = "unavailable", 503, "The service is not ready.";
}
