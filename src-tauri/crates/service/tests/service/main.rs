//! The service over real TLS on a free port, as clients meet it.

// Here a broken expectation is the test's result.
#![allow(clippy::unwrap_used)]

mod abuse;
mod accounts;
mod announcements;
mod certificate_life;
mod changes;
mod desk;
mod desk_pages;
mod drafts;
mod drivers;
mod form_signature;
mod hardening;
mod idempotency;
mod kill;
mod life;
mod people;
mod queries;
mod signatures;
mod token_login;
mod tus;
mod wire;
mod world;

/// The committed `docs/openapi.json` says what the code says, and every path of the contract is in it.
#[test]
fn the_openapi_file_is_fresh() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/openapi.json");
    let made = certdesk_service::openapi_json();
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(committed == made, "{file} is stale: run `cargo xtask tidy`");
    let described: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(described["openapi"], "3.1.0");
    let contract = include_str!("../../../contract/src/path.rs");
    for path in contract.split('"').filter(|text| text.starts_with("/v1/")) {
        assert!(described["paths"][path].is_object(), "{path} of the contract is not described");
    }
    // A client that holds a session back goes by this: what needs one is never taken for public, and the other way round.
    for (path, operations) in described["paths"].as_object().unwrap() {
        let asks = |operation: &serde_json::Value| operation["security"].is_array();
        let needs_session = operations.as_object().unwrap().values().any(asks);
        assert_eq!(certdesk_contract::path::is_public(path), !needs_session, "{path}");
    }
}
