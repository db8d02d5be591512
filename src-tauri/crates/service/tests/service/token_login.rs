//! Login by token, and everything that must not pass for one.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use certdesk_contract::{ProblemCode, account::AccountView, certificate::*, path, session::*};
use certdesk_domain::{AccountKind, token::SignatureScheme};
use certdesk_pki::{SessionKey, web_eid};

use crate::world::{Answer, Client, Key, Line, World};

/// What an honest client does; each lie replaces a part.
pub(crate) struct Login<'a> {
    world: &'a World,
    key: &'a Key,
    certificate: &'a [u8],
    session_key: Arc<SessionKey>,
}

impl<'a> Login<'a> {
    pub(crate) fn new(world: &'a World, key: &'a Key, certificate: &'a [u8]) -> Self {
        Self { world, key, certificate, session_key: world.client().session_key.unwrap() }
    }

    async fn challenge(&self, client: &Client, line: &mut Line) -> Challenge {
        let request = ChallengeRequest { jkt: self.session_key.thumbprint() };
        line.post(client, path::CHALLENGES, &request).await.expect(201).json()
    }

    fn origin(&self) -> String {
        self.world.running.base_url.origin().ascii_serialization()
    }

    fn answer(&self, challenge: &Challenge, origin: &str, exporter: &[u8]) -> TokenLogin {
        let kind = challenge.channel_bindings[0];
        let nonce =
            bound_nonce(&challenge.nonce, &self.session_key.thumbprint(), kind, &URL_SAFE_NO_PAD.encode(exporter));
        let (x, y) = self.session_key.jwk();
        TokenLogin {
            nonce: challenge.nonce.clone(),
            token: WebEidToken {
                format: "web-eid:1.0".into(),
                unverified_certificate: STANDARD.encode(self.certificate),
                algorithm: "ES256".into(),
                signature: STANDARD.encode(self.key.sign(&web_eid::signed_value(
                    SignatureScheme::EcdsaP256Sha256,
                    origin,
                    &nonce,
                ))),
                app_version: "https://certdesk.example/client/0.1.0".into(),
            },
            session_key: Jwk { kty: "EC".into(), crv: "P-256".into(), x, y },
            channel_binding: kind,
            consent: None,
        }
    }

    pub(crate) async fn honest(&self) -> (Answer, TokenLogin) {
        let client = self.world.client();
        let mut line = client.line().await;
        let challenge = self.challenge(&client, &mut line).await;
        let login = self.answer(&challenge, &self.origin(), &line.exporter.clone());
        (line.post(&client, path::TOKEN_SESSIONS, &login).await, login)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_logs_in_and_no_lie_does() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let key = Key::generate();
    let certificate = person.certified(&world.desk(), &key).await;
    let login = Login::new(&world, &key, &certificate);
    let client = world.client();

    let (answer, sent) = login.honest().await;
    let session: Session = answer.expect(201).json();
    assert_eq!((session.kind, session.must_change_password), (SessionKind::Token, false));
    let view: AccountView = client.with_token(&session).get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(view.name, person.account);

    // Replayed, on whatever connection.
    client.post(path::TOKEN_SESSIONS, &sent).await.refused(ProblemCode::LoginRefused);

    // A phishing site's origin.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    let relayed = login.answer(&challenge, "https://portal.example", &line.exporter.clone());
    line.post(&client, path::TOKEN_SESSIONS, &relayed).await.refused(ProblemCode::LoginRefused);
    // The nonce is spent by it.
    let honest = login.answer(&challenge, &login.origin(), &line.exporter.clone());
    line.post(&client, path::TOKEN_SESSIONS, &honest).await.refused(ProblemCode::LoginRefused);

    // A man in the middle: challenge on one connection, login on another.
    let (mut one, mut two) = (client.line().await, client.line().await);
    let challenge = login.challenge(&client, &mut one).await;
    let crossed = login.answer(&challenge, &login.origin(), &one.exporter.clone());
    two.post(&client, path::TOKEN_SESSIONS, &crossed).await.refused(ProblemCode::LoginRefused);

    // A weaker binding than the connection has.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    assert_eq!(challenge.channel_bindings, [ChannelBinding::TlsExporter]);
    let weaker = TokenLogin {
        channel_binding: ChannelBinding::TlsServerEndPoint,
        ..login.answer(&challenge, &login.origin(), &line.exporter.clone())
    };
    line.post(&client, path::TOKEN_SESSIONS, &weaker).await.refused(ProblemCode::LoginRefused);

    // Too late.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    world.clock.advance(Duration::from_secs(5 * 60));
    let late = login.answer(&challenge, &login.origin(), &line.exporter.clone());
    line.post(&client, path::TOKEN_SESSIONS, &late).await.refused(ProblemCode::LoginRefused);

    // Another session key than the challenge's.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    let session_key = Arc::new(SessionKey::generate());
    let thief = Login { session_key, ..Login::new(&world, &key, &certificate) };
    let stolen = thief.answer(&challenge, &login.origin(), &line.exporter.clone());
    line.post(&client, path::TOKEN_SESSIONS, &stolen).await.refused(ProblemCode::LoginRefused);

    // Another's key under this certificate.
    let stranger = Key::generate();
    let (answer, _) = Login::new(&world, &stranger, &certificate).honest().await;
    answer.refused(ProblemCode::LoginRefused);

    // A certificate of another authority that has the same names.
    let elsewhere = World::new().await;
    let other = elsewhere.applicant(AccountKind::Enterprise).await;
    let foreign = other.certified(&elsewhere.desk(), &key).await;
    let (answer, _) = Login::new(&world, &key, &foreign).honest().await;
    answer.refused(ProblemCode::LoginRefused);

    // Under TLS 1.2 the server's certificate binds, not the exporter.
    let older = Client::speaking(&[&rustls::version::TLS12], world.running.address, &world.running.root_der);
    let mut line = older.line().await;
    let challenge = login.challenge(&older, &mut line).await;
    assert_eq!(challenge.channel_bindings, [ChannelBinding::TlsServerEndPoint]);
    let bound = login.answer(&challenge, &login.origin(), &line.end_point.clone());
    line.post(&older, path::TOKEN_SESSIONS, &bound).await.expect(201);

    // Other algorithms than the key's, and none at all.
    for algorithm in ["RS256", "PS256", "HS256", "none", "es256", ""] {
        let mut line = client.line().await;
        let challenge = login.challenge(&client, &mut line).await;
        let mut confused = login.answer(&challenge, &login.origin(), &line.exporter.clone());
        confused.token.algorithm = algorithm.into();
        line.post(&client, path::TOKEN_SESSIONS, &confused).await.refused(ProblemCode::LoginRefused);
    }
    // A session key whose text would say more than two coordinates.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    let mut odd = login.answer(&challenge, &login.origin(), &line.exporter.clone());
    odd.session_key.x = format!("{}\",\"y\":\"{}", odd.session_key.x, odd.session_key.y);
    line.post(&client, path::TOKEN_SESSIONS, &odd).await.refused(ProblemCode::LoginRefused);
    // A channel that is told to be another's.
    let mut line = client.line().await;
    let challenge = login.challenge(&client, &mut line).await;
    let elsewhere_bound = login.answer(&challenge, &login.origin(), &[7; 32]);
    line.post(&client, path::TOKEN_SESSIONS, &elsewhere_bound).await.refused(ProblemCode::LoginRefused);

    // A thumbprint that is none.
    client.post(path::CHALLENGES, &ChallengeRequest { jkt: "x".into() }).await.refused(ProblemCode::BadRequest);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_active_certificate_logs_in() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let (first, second) = (Key::generate(), Key::generate());
    let der = |issued: IssuedCertificate| STANDARD.decode(issued.certificate_b64).unwrap();
    let first_der = der(person.certify(id, &first).await.expect(200).json());
    let (answer, _) = Login::new(&world, &first, &first_der).honest().await;
    answer.refused(ProblemCode::LoginRefused);

    let second_der = der(person.certify(id, &second).await.expect(200).json());
    let (answer, _) = Login::new(&world, &first, &first_der).honest().await;
    answer.refused(ProblemCode::CertificateRevoked);

    person.client.post(&path::installation(id), &second.installation(id, &second_der)).await.expect(200);
    let (answer, _) = Login::new(&world, &second, &second_der).honest().await;
    let session: Session = answer.expect(201).json();
    world.clock.advance(Duration::from_secs(366 * 24 * 3600));
    let (answer, _) = Login::new(&world, &second, &second_der).honest().await;
    answer.refused(ProblemCode::CertificateExpired);
    world.client().with_token(&session).get(path::ACCOUNT).await.refused(ProblemCode::Unauthenticated);
}
