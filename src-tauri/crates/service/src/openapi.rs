//! The OpenAPI 3.1 description of the contract's v1 paths, made from the contract's own types.

use certdesk_contract::{
    IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, Problem, account::*, announcement::*, application::*, catalogue::Catalogue,
    certificate::*, change::Changes, driver::DriverPackage, notice::*, path, profiles::SignedProfiles, query::*,
    session::*, upload,
};
use certdesk_domain::region::Region;
use utoipa::{
    ToSchema,
    openapi::{
        Components, Content, ContentBuilder, HeaderBuilder, Info, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, Required,
        Response, ResponseBuilder, Schema, SecurityRequirement,
        path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type},
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// The description, JSON. Committed as `docs/openapi.json`, rewritten by `cargo xtask tidy`.
pub fn openapi_json() -> String {
    let mut json = describe().to_pretty_json().expect("a description is JSON");
    json.push('\n');
    json
}

fn describe() -> OpenApi {
    let mut api = Api::default();
    use HttpMethod::{Delete, Get, Head, Options, Patch, Post, Put};

    api.add(Get, path::HEALTH, op("Reachability and the clock").answers(204));
    api.add(Get, path::CATALOGUE, op("What the service asks for and says; with ETag").answers_json::<Catalogue>(200));
    api.add(Get, path::REGIONS, op("行政区划; with ETag").answers_list::<Region>(200));
    api.add(
        Post,
        path::CONSENTS,
        op("Records that a text was accepted")
            .once(false)
            .takes::<ConsentRequest>()
            .answers_json::<ConsentReceipt>(201),
    );
    api.add(
        Post,
        path::REGISTRATIONS,
        op("Opens an account; its name and initial password go out by SMS")
            .once(false)
            .takes::<RegistrationRequest>()
            .answers_json::<RegistrationReceipt>(201),
    );
    api.add(
        Post,
        path::PASSWORD_SESSIONS,
        op("Logs in by password").takes::<PasswordLogin>().answers_json::<Session>(201),
    );
    api.add(
        Post,
        path::CHALLENGES,
        op("Asks for a login nonce").takes::<ChallengeRequest>().answers_json::<Challenge>(201),
    );
    api.add(
        Post,
        path::TOKEN_SESSIONS,
        op("Logs in by token, on the challenge's connection").takes::<TokenLogin>().answers_json::<Session>(201),
    );
    api.add(Delete, path::CURRENT_SESSION, op("Logs out").with_session().answers(204));
    api.add(Get, path::ACCOUNT, op("The session's account").with_session().answers_json::<AccountView>(200));
    api.add(
        Put,
        path::ACCOUNT,
        op("Changes basic data").with_session().once(false).takes::<AccountChange>().answers_json::<AccountView>(200),
    );
    api.add(
        Post,
        path::CODES,
        op("Asks for a code by SMS to the phone on record; the same answer where there is no such account")
            .takes::<CodeRequest>()
            .answers(202),
    );
    api.add(
        Post,
        path::PASSWORD_RESETS,
        op("Sets a new password by a code").once(false).takes::<PasswordReset>().answers(204),
    );
    api.add(
        Post,
        path::LOST_KEYS,
        op("挂失 by a code: opens a case of 注销 about every certificate in force")
            .once(true)
            .takes::<LostKey>()
            .answers_json::<LostKeyReceipt>(201),
    );
    api.add(
        Post,
        path::PHONE_CODES,
        op("Asks for a code to a new phone").with_session().once(false).takes::<PhoneCodeRequest>().answers(202),
    );
    api.add(
        Get,
        path::ACCOUNT_CONSENTS,
        op("The account's consents, newest first").with_session().answers_list::<ConsentRecord>(200),
    );
    api.add(
        Delete,
        path::ACCOUNT_CONSENT,
        op("Withdraws a consent: it serves for nothing from then on; what was handed in under it stays")
            .once(false)
            .with_session()
            .answers(204),
    );
    api.add(
        Get,
        path::CHANGES,
        op("What changed since a cursor, as it is now; everything without one. changes_gone: begin without one")
            .with_session()
            .query("cursor")
            .query("unasked")
            .answers_json::<Changes>(200),
    );
    api.add(Get, path::NOTICES, op("通知消息, newest first; with ETag").with_session().answers_json::<Notices>(200));
    api.add(
        Post,
        path::NOTICES_READ,
        op("Notes what was seen").with_session().once(false).takes::<NoticesRead>().answers(204),
    );
    api.add(
        Put,
        path::PASSWORD,
        op("Replaces the password").with_session().once(false).takes::<PasswordChange>().answers(204),
    );
    api.add(
        Get,
        path::APPLICATIONS,
        op("The account's applications, newest first; with ETag").with_session().answers_list::<Application>(200),
    );
    api.add(Get, path::APPLICATION, op("One application; with ETag").with_session().answers_json::<Application>(200));
    api.add(
        Put,
        path::APPLICATION,
        op("Opens an application under the client's id; repeatable")
            .once(false)
            .with_session()
            .takes::<ApplicationDraft>()
            .answers_json::<Application>(200),
    );
    api.add(
        Delete,
        path::APPLICATION,
        op("Withdraws an application; a legal act").with_session().once(false).answers_json::<Application>(200),
    );
    api.add(
        Get,
        path::DRAFT,
        op("What is typed of an application that is not handed in; with ETag")
            .with_session()
            .answers_json::<DraftContent>(200),
    );
    api.add(
        Put,
        path::DRAFT,
        op("Keeps what is typed, in place of what If-Match names; If-None-Match: * for the first")
            .once(false)
            .with_session()
            .header("If-Match", false)
            .header("If-None-Match", false)
            .takes::<DraftContent>()
            .answers(204),
    );
    api.add(
        Post,
        path::SUBMISSION,
        op("Hands an application in; a legal act")
            .with_session()
            .once(true)
            .takes::<Submission>()
            .answers_json::<Receipt>(200),
    );
    api.add(
        Get,
        path::RECEIPT,
        op("A signed receipt, JWS").with_session().answers_bytes(200, certdesk_contract::receipt::MEDIA_TYPE),
    );
    api.add(
        Post,
        path::ISSUANCE,
        op("Certifies a key; the same key gets the same certificate")
            .once(false)
            .with_session()
            .takes::<CertificateRequest>()
            .answers_json::<IssuedCertificate>(200),
    );
    api.add(
        Post,
        path::INSTALLATION,
        op("Confirms that the certificate is on its key")
            .once(false)
            .with_session()
            .takes::<Installation>()
            .answers_json::<Application>(200),
    );
    api.add(
        Get,
        path::CERTIFICATES,
        op("The account's certificates, newest first; with ETag").with_session().answers_list::<CertificateRecord>(200),
    );
    api.add(
        Post,
        path::QUERIES,
        op("How applications stand, by any two of number, identity and phone")
            .takes::<Query>()
            .answers_list::<QueryAnswer>(200),
    );
    api.add(
        Get,
        path::ANNOUNCEMENTS,
        op("注销公告, newest first, fifty a page")
            .query("search")
            .query("from")
            .query("to")
            .query("cursor")
            .answers_json::<AnnouncementPage>(200),
    );
    api.add(Get, path::CRL, op("Revocation list, DER; with ETag").answers_bytes(200, "application/pkix-crl"));
    api.add(
        Get,
        path::CA_CERTIFICATE,
        op("Certificate of the issuing CA, DER").answers_bytes(200, "application/pkix-cert"),
    );
    api.add(
        Get,
        path::PROFILES,
        op("Profiles of tokens and drivers, signed; with ETag").answers_json::<SignedProfiles>(200),
    );
    api.add(Get, path::DRIVERS, op("服务支持: drivers, all systems; with ETag").answers_list::<DriverPackage>(200));
    api.add(
        Get,
        path::DRIVER,
        op("The package; a range of it on demand").answers_bytes(200, "application/octet-stream"),
    );
    api.add(Options, path::UPLOADS, op("tus: what this server can").answers(204));
    api.add(
        Post,
        path::UPLOADS,
        op("tus: announces an upload")
            .with_session()
            .tus()
            .header("Upload-Length", true)
            .header("Upload-Metadata", true)
            .answers(201),
    );
    api.add(Head, path::UPLOAD, op("tus: how far an upload has come").with_session().tus().answers(200));
    api.add(
        Patch,
        path::UPLOAD,
        op("tus: the next chunk")
            .with_session()
            .tus()
            .header("Upload-Offset", true)
            .header("Upload-Checksum", false)
            .takes_bytes(upload::OFFSET_OCTET_STREAM)
            .answers(204),
    );
    api.add(Delete, path::UPLOAD, op("tus: ends an upload").with_session().tus().answers(204));
    api.finish()
}

#[derive(Default)]
struct Api {
    paths: Paths,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Api {
    fn add(&mut self, method: HttpMethod, path: &str, mut op: Op) {
        if path.contains("{id}") {
            let id = ParameterBuilder::new()
                .name("id")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(uuid()));
            op.operation = op.operation.parameter(id);
        }
        self.schemas.append(&mut op.schemas);
        let operation: Operation = op.operation.response("default", problem()).build();
        self.paths.add_path_operation(path, vec![method], operation);
    }

    fn finish(mut self) -> OpenApi {
        collect::<Problem>(&mut self.schemas);
        let mut components = Components::new();
        components.schemas.extend(self.schemas);
        components.add_security_scheme("session", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let mut info = Info::new("Certdesk portal service", "1");
        info.description = Some(format!(
            "{} Errors are problem details (RFC 9457) with stable codes. Every request of a session is signed by its \
                 session key (RFC 9421 with RFC 9530), legal acts of a session by token by the token's key too. A request \
                 with an Idempotency-Key that was taken before gets its answer again, for 30 days; another request under \
                 that key is refused (422), and so is a second one while the first is being worked on (409).",
            crate::NOT_LICENSED
        ));
        OpenApiBuilder::new().info(info).paths(self.paths).components(Some(components)).build()
    }
}

/// One operation in the making.
struct Op {
    operation: OperationBuilder,
    once: bool,
    schemas: Vec<(String, RefOr<Schema>)>,
}

fn op(summary: &str) -> Op {
    Op { operation: OperationBuilder::new().summary(Some(summary)), once: false, schemas: Vec::new() }
}

impl Op {
    fn with_session(mut self) -> Self {
        self.operation = self.operation.security(SecurityRequirement::new("session", Vec::<String>::new()));
        self
    }

    fn query(mut self, name: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).schema(Some(text()));
        self.operation = self.operation.parameter(parameter);
        self
    }

    fn header(mut self, name: &str, required: bool) -> Self {
        let required = if required { Required::True } else { Required::False };
        let schema = if name == IDEMPOTENCY_KEY { uuid() } else { text() };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(required)
            .schema(Some(schema));
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// May be repeated under its key.
    fn once(mut self, required: bool) -> Self {
        self.once = true;
        self.header(IDEMPOTENCY_KEY, required)
    }

    fn tus(self) -> Self {
        self.header("Tus-Resumable", true)
    }

    fn takes<T: ToSchema>(mut self) -> Self {
        collect::<T>(&mut self.schemas);
        let body = RequestBodyBuilder::new()
            .required(Some(Required::True))
            .content("application/json", Content::new(Some(reference::<T>())));
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    fn takes_bytes(mut self, media_type: &str) -> Self {
        let body =
            RequestBodyBuilder::new().required(Some(Required::True)).content(media_type, ContentBuilder::new().build());
        self.operation = self.operation.request_body(Some(body.build()));
        self
    }

    fn answers(mut self, status: u16) -> Self {
        let done = self.done().build();
        self.operation = self.operation.response(status.to_string(), done);
        self
    }

    fn answers_json<T: ToSchema>(mut self, status: u16) -> Self {
        collect::<T>(&mut self.schemas);
        self.answers_content(status, "application/json", Content::new(Some(reference::<T>())))
    }

    fn answers_list<T: ToSchema>(mut self, status: u16) -> Self {
        collect::<T>(&mut self.schemas);
        let list = ArrayBuilder::new().items(reference::<T>()).build();
        self.answers_content(status, "application/json", Content::new(Some(Schema::Array(list))))
    }

    fn answers_bytes(self, status: u16, media_type: &str) -> Self {
        self.answers_content(status, media_type, ContentBuilder::new().build())
    }

    fn answers_content(mut self, status: u16, media_type: &str, content: Content) -> Self {
        let response = self.done().content(media_type, content).build();
        self.operation = self.operation.response(status.to_string(), response);
        self
    }

    /// What every good answer has.
    fn done(&self) -> ResponseBuilder {
        let done = ResponseBuilder::new().description("Done");
        let replayed =
            || HeaderBuilder::new().description(Some("`true`: the answer of the first time")).schema(Some(text()));
        if self.once { done.header(IDEMPOTENCY_REPLAYED, replayed().build()) } else { done }
    }
}

fn collect<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

fn problem() -> Response {
    let content = Content::new(Some(reference::<Problem>()));
    ResponseBuilder::new().description("A problem").content("application/problem+json", content).build()
}

fn uuid() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .build()
        .into()
}

fn text() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}
