//! 服务支持: what is offered, and a download that goes on where it broke.

use certdesk_contract::{ProblemCode, driver::DriverPackage, path};
use sha2::{Digest as _, Sha256};

use crate::world::World;

#[tokio::test]
async fn a_driver_is_listed_and_fetched_whole_or_from_where_a_download_broke() {
    let world = World::new().await;
    let client = world.client();
    let listed = client.get(path::DRIVERS).await.expect(200);
    let etag = listed.header("etag").to_owned();
    let packages: Vec<DriverPackage> = listed.json();
    let package = &packages[0];
    client.send("GET", path::DRIVERS, &[("if-none-match", &etag)], "").await.expect(304);

    let whole = client.get(&path::driver(&package.id)).await.expect(200);
    assert_eq!(whole.body.len() as u64, package.bytes);
    let digest: String = Sha256::digest(&whole.body).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, package.sha256, "what is sent is what the list says");
    assert!(whole.header("content-disposition").starts_with("attachment"), "a browser keeps it, and runs nothing");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");

    let rest = client.send("GET", &path::driver(&package.id), &[("range", "bytes=300-")], "").await.expect(206);
    assert_eq!(rest.header("content-range"), format!("bytes 300-{}/{}", package.bytes - 1, package.bytes));
    assert_eq!(rest.body, whole.body[300..], "the rest and nothing more");
    client.send("GET", &path::driver(&package.id), &[("range", "bytes=99999-")], "").await.expect(416);
}

#[tokio::test]
async fn nothing_else_is_fetched_this_way() {
    let world = World::new().await;
    let client = world.client();
    for id in ["drivers.json", "..%2fca%2froot.key.pem", "..%2f..%2fportal.db", "unknown"] {
        client.get(&path::driver(id)).await.expect(404).refused(ProblemCode::NotFound);
    }
    let none = World::with(|config| config.demo = None).await;
    let listed: Vec<DriverPackage> = none.client().get(path::DRIVERS).await.expect(200).json();
    assert_eq!(listed, [], "outside the demo nothing is offered that no operator put there");
}
