//! What the packages are made of, as CycloneDX 1.5: the crates linked into each program, by `cargo metadata`, and the
//! scripts bundled into the window, by npm itself.
//!
//! What only builds or tests is not in it. C sources come under the name of the crate that brings them; where that is a
//! crate of sources alone (`sqlcipher-src`, `openssl-src`), cargo takes it for a tool, and we do not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use cyclonedx_bom::{
    external_models::uri::Purl,
    models::{
        bom::{Bom, SpecVersion},
        component::{Classification, Component, Components},
        dependency::{Dependencies, Dependency},
        hash::{Hash, HashAlgorithm, HashValue, Hashes},
        license::{LicenseChoice, Licenses},
        metadata::Metadata,
    },
};
use serde_json::Value;

use crate::{
    node::Node,
    terminal::{cargo, output},
};

/// A program that is delivered, and the crates it begins with.
const PROGRAMS: [(&str, &[&str]); 2] =
    [("certdesk", &["certdesk", "certdesk-token-host", "certdesk-cli"]), ("certdesk-service", &["certdesk-service"])];

/// Writes the bills of materials into a folder; answers their files and how many parts each names.
///
/// # Errors
/// When cargo or npm do not tell, or a part has no licence.
pub(crate) fn write(node: &Node, folder: &Path, target: &str) -> Result<Vec<(PathBuf, usize)>> {
    fs::create_dir_all(folder)?;
    let mut written = Vec::new();
    for (program, roots) in PROGRAMS {
        let bom = of_crates(program, roots, target)?;
        let mut text = Vec::new();
        bom.clone().output_as_json_v1_5(&mut text)?;
        let file = folder.join(format!("{program}.cdx.json"));
        fs::write(&file, text)?;
        written.push((file, bom.components.map_or(0, |components| components.0.len())));
    }
    let text = of_scripts(node)?;
    let file = folder.join("certdesk-window.cdx.json");
    let parts = serde_json::from_str::<Value>(&text)?["components"].as_array().map_or(0, Vec::len);
    fs::write(&file, text)?;
    written.push((file, parts));
    Ok(written)
}

/// The crates that are linked into a program on a system.
fn of_crates(program: &str, roots: &[&str], target: &str) -> Result<Bom> {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]))
        .context("cargo tells nothing of the crates")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<_, _> =
        list(&metadata["packages"]).into_iter().map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<_, _> =
        list(&metadata["resolve"]["nodes"]).into_iter().map(|node| (text(&node["id"]), list(&node["deps"]))).collect();
    // `kind` is null for what is linked, and names what only builds or tests.
    let linked = |id: &str| -> Vec<String> {
        let are_sources = |id: &str| text(&packages[id]["name"]).ends_with("-src");
        let is_linked = |dep: &Value| {
            let sources = are_sources(&text(&dep["pkg"]));
            let mut kinds = list(&dep["dep_kinds"]).into_iter();
            // What a crate of sources depends on compiles them.
            sources || (!are_sources(id) && kinds.any(|kind| kind["kind"].is_null()))
        };
        nodes.get(id).into_iter().flatten().filter(|dep| is_linked(dep)).map(|dep| text(&dep["pkg"])).collect()
    };
    let is_root =
        |package: &Value| package["source"].is_null() && roots.contains(&package["name"].as_str().unwrap_or_default());
    let mut open: Vec<_> = packages.iter().filter(|(_, package)| is_root(package)).map(|(id, _)| id.clone()).collect();
    ensure!(open.len() == roots.len(), "not all of {roots:?} are in the workspace");
    let mut all = BTreeSet::new();
    while let Some(id) = open.pop() {
        if all.insert(id.clone()) {
            open.extend(linked(&id));
        }
    }

    let hashes = hashes()?;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    let reference = |id: &str| {
        let package = &packages[id];
        format!("pkg:cargo/{}@{}", text(&package["name"]), text(&package["version"]))
    };
    for id in &all {
        let package = &packages[id];
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let mut component = Component::new(Classification::Library, &name, &version, Some(reference(id)));
        component.purl = Some(Purl::new("cargo", &name, &version)?);
        let licence = package["license"].as_str().with_context(|| format!("{name} {version} names no licence"))?;
        // As crates.io once had it.
        component.licenses = Some(Licenses(vec![LicenseChoice::expression(&licence.replace('/', " OR "))]));
        let hash = hashes
            .get(&(name, version))
            .map(|hash| Hash { alg: HashAlgorithm::SHA_256, content: HashValue(hash.clone()) });
        component.hashes = hash.map(|hash| Hashes(vec![hash]));
        components.push(component);
        let below = linked(id).iter().map(|id| reference(id)).collect::<BTreeSet<_>>().into_iter().collect();
        dependencies.push(Dependency { dependency_ref: reference(id), dependencies: below });
    }
    let version = roots.first().and_then(|root| components.iter().find(|one| one.name.to_string() == *root));
    let version = version.and_then(|root| root.version.as_ref()).map(ToString::to_string).unwrap_or_default();
    let whole = Component::new(Classification::Application, program, &version, Some(format!("{program}@{version}")));
    Ok(Bom {
        version: 1,
        // Neither a time nor a number of its own: the same sources make the same bill.
        serial_number: None,
        metadata: Some(Metadata { component: Some(whole), ..Metadata::default() }),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        spec_version: SpecVersion::V1_5,
        ..Bom::default()
    })
}

/// SHA-256 of each crate's package, by name and version, as the lock file has it.
fn hashes() -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = fs::read_to_string("Cargo.lock")?.parse()?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock has no packages")?;
    let text = |package: &toml::Value, name: &str| package.get(name).and_then(toml::Value::as_str).map(str::to_owned);
    let hashed =
        |package: &toml::Value| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?));
    Ok(packages.iter().filter_map(hashed).collect())
}

/// The scripts that are bundled into the window, by the lock file.
fn of_scripts(node: &Node) -> Result<String> {
    let mut npm = node.command("npm");
    npm.args(["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"]);
    npm.args(["--omit", "dev", "--omit", "optional", "--omit", "peer"]).current_dir("ui");
    output(&mut npm).context("npm tells nothing of the window's scripts (npm 10 can)")
}

#[cfg(test)]
mod tests {
    use cyclonedx_bom::validation::Validate as _;

    use super::*;

    fn in_project() -> Result<()> {
        Ok(std::env::set_current_dir(stage::project_root()?)?)
    }

    #[test]
    fn the_bill_of_materials_names_what_ships_and_nothing_else() -> Result<()> {
        in_project()?;
        for (program, roots) in PROGRAMS {
            let bom = of_crates(program, roots, "x86_64-unknown-linux-gnu")?;
            let mut text = Vec::new();
            bom.clone().output_as_json_v1_5(&mut text)?;
            let read = Bom::parse_from_json_v1_5(text.as_slice())?;
            let verdict = read.validate();
            assert!(verdict.passed(), "{program}: the bill is no CycloneDX 1.5: {verdict:?}");
            let components = read.components.map(|components| components.0).unwrap_or_default();
            let names: BTreeSet<_> = components.iter().map(|component| component.name.to_string()).collect();
            for linked in roots.iter().copied().chain(["libsqlite3-sys", "sqlcipher-src", "ring", "rustls", "serde"]) {
                assert!(names.contains(linked), "{program} is linked with {linked}");
            }
            for tool in ["proptest", "fantoccini", "cc", "tauri-build", "cyclonedx-bom", "mutatis", "stage"] {
                assert!(!names.contains(tool), "{tool} is not in {program}");
            }
            assert_eq!(names.contains("tauri"), program == "certdesk", "only the window stands on Tauri");
            for component in &components {
                let name = &component.name;
                assert!(component.licenses.as_ref().is_some_and(|all| !all.0.is_empty()), "{name} has no licence");
                assert!(component.purl.is_some(), "{name} cannot be found again");
                let ours = name.to_string().starts_with("certdesk") || name.to_string() == "pkcs11-profiles";
                assert!(ours || component.hashes.is_some(), "{name} has no hash");
            }
        }
        Ok(())
    }

    #[test]
    fn the_bill_of_the_window_names_its_scripts() -> Result<()> {
        in_project()?;
        let Some(node) = Node::found() else { return Ok(()) };
        let text = of_scripts(&node)?;
        let bom = Bom::parse_from_json_v1_5(text.as_bytes())?;
        assert!(bom.validate().passed(), "npm's bill is CycloneDX 1.5");
        let components = bom.components.map(|components| components.0).unwrap_or_default();
        let names: BTreeSet<_> = components.iter().map(|component| component.name.to_string()).collect();
        assert!(names.contains("vue") || names.contains("@vue/runtime-dom") || names.contains("reka-ui"), "{names:?}");
        assert!(!names.contains("vitest") && !names.contains("vite"), "what only builds is not bundled");
        for component in &components {
            assert!(
                component.licenses.as_ref().is_some_and(|all| !all.0.is_empty()),
                "{} has no licence",
                component.name
            );
        }
        Ok(())
    }
}
