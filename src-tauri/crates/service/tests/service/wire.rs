//! HTTP and TLS themselves.

use certdesk_contract::{ProblemCode, application::ApplicationDraft, catalogue::Catalogue, path};
use certdesk_domain::{AccountKind, Business, region::Region};
use certdesk_service::{Config, Service, StartError, Tls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use uuid::Uuid;

use crate::world::{Client, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_a_problem() {
    let world = World::new().await;
    let client = world.client();
    client.get("/nothing").await.refused(ProblemCode::NotFound).expect(404);
    client.get(&path::application(Uuid::new_v4())).await.refused(ProblemCode::Unauthenticated).expect(401);
    client.send("DELETE", path::CATALOGUE, &[], "").await.refused(ProblemCode::MethodNotAllowed).expect(405);
    let json = ("content-type", "application/json");
    client.send("POST", path::CONSENTS, &[json], "{ no json").await.refused(ProblemCode::BadRequest).expect(400);
    client
        .send("POST", path::CONSENTS, &[json], r#"{"subject":"agreement"}"#)
        .await
        .refused(ProblemCode::BadRequest)
        .expect(400);
    client
        .send("POST", path::CONSENTS, &[("content-type", "text/plain")], "{}")
        .await
        .refused(ProblemCode::BadRequest)
        .expect(415);
    client.send("POST", path::CONSENTS, &[json], vec![b' '; 70_000]).await.refused(ProblemCode::TooLarge).expect(413);
    client
        .send("GET", path::ACCOUNT, &[("authorization", "Basic eDp5")], "")
        .await
        .refused(ProblemCode::Unauthenticated);
    client
        .send("GET", path::ACCOUNT, &[("authorization", "Bearer guessed")], "")
        .await
        .refused(ProblemCode::Unauthenticated);

    let person = world.applicant(AccountKind::Enterprise).await;
    person.client.get("/v1/applications/no-id").await.refused(ProblemCode::NotFound);
    let renew = ApplicationDraft::new(Business::Renew);
    person.client.put(&path::application(Uuid::new_v4()), &renew).await.refused(ProblemCode::WrongState);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_dressed_and_cached_as_they_should() {
    let world = World::new().await;
    let client = world.client();
    let health = client.get(path::HEALTH).await.expect(204);
    assert!(health.header("date").ends_with("GMT"), "a client tells a wrong clock by Date");
    assert_eq!(health.header("cache-control"), "no-store");
    assert_eq!(health.header("x-content-type-options"), "nosniff");

    for path in [path::CATALOGUE, path::REGIONS] {
        let first = client.get(path).await.expect(200);
        let known = client.send("GET", path, &[("if-none-match", first.header("etag"))], "").await.expect(304);
        assert!(known.body.is_empty() && known.header("etag") == first.header("etag"));
        client.send("GET", path, &[("if-none-match", "\"other\"")], "").await.expect(200);
    }
    let catalogue: Catalogue = client.get(path::CATALOGUE).await.json();
    assert!(catalogue.demonstration, "the screen must say that this is no licensed CA");
    let regions: Vec<Region> = client.get(path::REGIONS).await.json();
    assert!(regions.len() >= 31, "all provinces are there");
    let ca = client.get(path::CA_CERTIFICATE).await.expect(200);
    assert!(certdesk_pki::Certificate::parse(&ca.body).unwrap().holder.contains("not licensed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_and_strangers_get_nothing() {
    let world = World::new().await;
    let mut plain = TcpStream::connect(world.running.address).await.unwrap();
    plain.write_all(b"GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "a request without TLS is not answered");

    let client = world.client();
    for path in [path::DEMO_SMS, path::DEMO_QUEUE] {
        client.get(path).await.refused(ProblemCode::Unauthenticated);
        client.send("GET", path, &[("x-demo-secret", "guess")], "").await.refused(ProblemCode::Unauthenticated);
    }
    let data = tempfile::tempdir().unwrap();
    let closed = Service::start(Config::new(data.path(), "127.0.0.1:0".parse().unwrap())).await.unwrap();
    let client = Client::new(closed.address, &closed.root_der);
    client.get(path::DEMO_SMS).await.refused(ProblemCode::NotFound);
    closed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_be_says_why() {
    let world = World::new().await;
    let start = async |change: &dyn Fn(&mut Config)| {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::new(data.path(), "127.0.0.1:0".parse().unwrap());
        change(&mut config);
        Service::start(config).await.err().expect("the service must not start")
    };
    let in_use = start(&|c| c.data = world.data.path().to_owned()).await;
    assert!(matches!(in_use, StartError::InUse(_)), "{in_use}");
    let taken = start(&|c| c.listen = world.running.address).await;
    assert!(matches!(taken, StartError::Listen { .. }), "{taken}");
    let no_file =
        start(&|c| c.tls = Tls::Files { certificate: "/no/such.pem".into(), key: "/no/such.key".into() }).await;
    assert!(no_file.to_string().contains("/no/such.pem"), "{no_file}");
    let no_catalogue = start(&|c| c.catalogue = Some("/no/catalogue.json".into())).await;
    assert!(no_catalogue.to_string().contains("/no/catalogue.json"), "{no_catalogue}");
    let everywhere = start(&|c| c.listen = "0.0.0.0:0".parse().unwrap()).await;
    assert!(everywhere.to_string().contains("--public-url"), "{everywhere}");
    let plain = start(&|c| c.public_url = Some("http://portal.example".parse().unwrap())).await;
    assert!(plain.to_string().contains("https"), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_files_that_no_client_could_accept_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let made = |years: std::ops::Range<i32>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(["portal.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let ((good, key), (past, past_key), (_, other_key)) = (made(2020..2090), made(2000..2001), made(2020..2090));
    let (good, key) = (write("good.pem", &good), write("good.key", &key));
    let start = async |certificate: &std::path::Path, key: &std::path::Path, host: &str| {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::new(data.path(), "127.0.0.1:0".parse().unwrap());
        config.public_url = Some(format!("https://{host}").parse().unwrap());
        config.tls = Tls::Files { certificate: certificate.to_owned(), key: key.to_owned() };
        match Service::start(config).await {
            Ok(running) => running.stop().await,
            Err(error) => return error.to_string(),
        }
        String::new()
    };
    assert_eq!(start(&good, &key, "portal.example").await, "", "a fitting pair is taken");
    let empty = write("empty.pem", "");
    for (certificate, key, host, why) in [
        (&good, &write("other.key", &other_key), "portal.example", "KeyMismatch"),
        (&good, &good, "portal.example", "good.pem"),
        (&key, &good, "portal.example", "good.key"),
        (&empty, &key, "portal.example", "empty.pem"),
        (&good, &key, "elsewhere.example", "elsewhere.example"),
        (&write("past.pem", &past), &write("past.key", &past_key), "portal.example", "valid from 2000"),
    ] {
        let said = start(certificate, key, host).await;
        assert!(said.contains(why), "{said:?} must tell {why}");
    }
}
