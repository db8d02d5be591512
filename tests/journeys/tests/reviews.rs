//! What `docs/asvs.md` and `docs/security.md` say of service and window, held against the tree.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;
use stage::project_root;

/// Requirements of levels 1 and 2 of ASVS 5.0.0, section by section: 253 in all.
const REQUIREMENTS: &str = "1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1-1 3.2.1-2 3.3.1-4 \
    3.4.1-6 3.5.1-5 3.7.1-2 4.1.1-3 4.2.1-1 4.3.1-2 4.4.1-4 5.1.1-1 5.2.1-3 5.3.1-2 5.4.1-3 6.1.1-3 6.2.1-12 6.3.1-4 \
    6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1-1 8.4.1-1 \
    9.1.1-3 9.2.1-4 10.1.1-2 10.2.1-2 10.3.1-4 10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.1-3 \
    11.4.1-4 11.5.1-1 11.6.1-1 12.1.1-3 12.2.1-2 12.3.1-4 13.1.1-1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4 \
    14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7 16.1.1-1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1-1 17.2.1-4 17.3.1-2";

#[test]
fn each_requirement_of_asvs_has_one_verdict_and_what_holds_is_shown() -> Result<()> {
    let root = project_root()?;
    let page = fs::read_to_string(root.join("docs/asvs.md"))?;
    let sources = sources(&root, &["src-tauri", "tests", "packaging", "pkcs11-profiles"])?;
    let mut verdicts = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()) {
        let cells: Vec<_> = row.trim_matches('|').splitn(3, '|').map(str::trim).collect();
        let [numbers, verdict, shown] = cells[..] else { anyhow::bail!("{row} has not three cells") };
        assert!(["holds", "in part", "not", "n/a"].contains(&verdict), "{numbers}: {verdict} is no verdict");
        assert!(!shown.is_empty(), "{numbers}: a verdict says by what, or why");
        for number in expanded(numbers, '–') {
            assert_eq!(verdicts.insert(number.clone(), verdict), None, "{number} stands there twice");
        }
        let mut evidence = 0;
        for name in shown.split('`').skip(1).step_by(2) {
            if let Some((path, word)) = name.split_once('#') {
                let places = [root.join("src-tauri/crates").join(path), root.join(path)];
                let file = places.iter().find(|place| place.is_file());
                let text = fs::read_to_string(file.with_context(|| format!("{numbers}: there is no {path}"))?)?;
                assert!(text.contains(word), "{numbers}: {path} does not have {word}");
                evidence += 1;
            } else if is_a_tests_name(name) {
                assert!(sources.contains(&format!("fn {name}(")), "{numbers}: there is no test {name}");
                evidence += 1;
            }
        }
        assert!(verdict != "holds" || evidence > 0, "{numbers} is said to hold, and nothing shows it");
    }
    let expected: Vec<_> = REQUIREMENTS.split_whitespace().flat_map(|range| expanded(range, '-')).collect();
    assert_eq!(expected.len(), 253);
    let missing: Vec<_> = expected.iter().filter(|number| !verdicts.contains_key(*number)).collect();
    assert!(missing.is_empty(), "no verdict on {missing:?}");
    let unknown: Vec<_> = verdicts.keys().filter(|number| !expected.contains(number)).collect();
    assert!(unknown.is_empty(), "levels 1 and 2 know no {unknown:?}");
    Ok(())
}

#[test]
fn the_service_starts_no_program_and_calls_nobody() -> Result<()> {
    let root = project_root()?;
    let service = sources(&root, &["src-tauri/crates/service/src"])?;
    for outward in ["process::Command", "TcpStream::connect", "UdpSocket", "UnixStream", "reqwest", "lookup_host"] {
        assert!(!service.contains(outward), "the service uses {outward}: see docs/asvs.md, 1.2.5, 1.3.6 and 12.3.1");
    }
    Ok(())
}

#[test]
fn the_windows_configuration_is_the_hardened_one() -> Result<()> {
    let root = project_root()?;
    let config: Value = serde_json::from_slice(&fs::read(root.join("src-tauri/tauri.conf.json"))?)?;
    let (app, build) = (&config["app"], &config["build"]);
    let security = &app["security"];
    assert_eq!(app["withGlobalTauri"], false, "no page finds Tauri's functions lying about");
    assert_eq!(security["freezePrototype"], true, "no script changes what all objects inherit");
    assert_eq!(app["windows"], serde_json::json!([]), "windows are opened in one place, with their rules");
    assert_eq!(build["frontendDist"], "../ui/dist", "what is shown is packed with the program");
    assert!(build["devUrl"].is_null(), "nothing is fetched from a server to be shown");
    let known = ["csp", "freezePrototype", "capabilities"];
    for (name, _) in security.as_object().context("app.security")? {
        assert!(known.contains(&name.as_str()), "app.security.{name}: each of these switches opens something");
    }
    assert!(config["plugins"].is_null(), "no plugin is configured");

    let policy = security["csp"].as_str().context("a policy")?;
    let directives: BTreeMap<_, Vec<_>> = policy
        .split(';')
        .filter_map(|part| part.trim().split_once(' '))
        .map(|(k, v)| (k, v.split(' ').collect()))
        .collect();
    assert_eq!(directives["default-src"], ["'self'"]);
    for closed in ["object-src", "frame-src", "base-uri", "form-action"] {
        assert_eq!(directives[closed], ["'none'"], "{closed} is closed");
    }
    assert!(!directives.contains_key("script-src"), "scripts are those of the program: default-src");
    for (name, sources) in &directives {
        for source in sources {
            let own = ["'self'", "'none'", "blob:", "data:", "ipc:", "http://ipc.localhost"].contains(source);
            let player = *name == "media-src" && *source == "http://127.0.0.1:*";
            let styles = *name == "style-src" && *source == "'unsafe-inline'";
            assert!(own || player || styles, "{name} lets {source} in");
        }
        let pictures = ["img-src", "worker-src"].contains(name);
        assert!(pictures || !sources.iter().any(|s| ["blob:", "data:"].contains(s)), "{name} takes what is made up");
    }
    Ok(())
}

#[test]
fn a_window_has_the_capabilities_of_its_file_and_none_is_for_a_remote_page() -> Result<()> {
    let root = project_root()?;
    let config: Value = serde_json::from_slice(&fs::read(root.join("src-tauri/tauri.conf.json"))?)?;
    let named: Vec<_> = config["app"]["security"]["capabilities"].as_array().into_iter().flatten().collect();
    let build = fs::read_to_string(root.join("src-tauri/build.rs"))?;
    let mut files = 0;
    for entry in fs::read_dir(root.join("src-tauri/capabilities"))? {
        let path = entry?.path();
        let capability: Value = serde_json::from_slice(&fs::read(&path)?)?;
        assert!(named.contains(&&capability["identifier"]), "{} is not among the chosen", path.display());
        assert!(capability["remote"].is_null(), "{} is for remote pages too", path.display());
        assert_eq!(capability["webviews"], Value::Null, "{} names windows", path.display());
        assert_eq!(capability["windows"], serde_json::json!([capability["identifier"]]), "one file, one window");
        for permission in capability["permissions"].as_array().context("permissions")? {
            let permission = permission.as_str().context("a permission without a scope")?;
            let listening = ["core:event:allow-listen", "core:event:allow-unlisten"].contains(&permission);
            let own = permission.strip_prefix("allow-").map(|name| format!("\"{}\"", name.replace('-', "_")));
            assert!(
                listening || own.is_some_and(|name| build.contains(&name)),
                "{permission} is not one of our commands"
            );
        }
        files += 1;
    }
    assert_eq!(files, named.len(), "every capability that is chosen is there");
    let desk = fs::read_to_string(root.join("src-tauri/capabilities/desk.json"))?;
    assert!(!desk.contains("pin") && !desk.contains("allow-call"), "the demo's desk has one command");
    Ok(())
}

#[test]
fn no_window_opens_without_its_rules() -> Result<()> {
    let root = project_root()?;
    let mut windows = 0;
    for file in rust_files(&root.join("src-tauri/src"))? {
        let text = fs::read_to_string(&file)?;
        for window in text.split("WebviewWindowBuilder::new(").skip(1) {
            let until_built = window.split(".build()").next().unwrap_or_default();
            assert!(until_built.contains("WebviewUrl::App("), "a window of {} shows a remote page", file.display());
            assert!(until_built.contains(".on_navigation(is_ours)"), "a window of {} can be led away", file.display());
            assert!(until_built.contains("NewWindowResponse::Deny"), "a window of {} opens others", file.display());
            assert!(!until_built.contains("devtools"), "a window of {} has the inspector", file.display());
            windows += 1;
        }
        for opening in
            ["WebviewBuilder::new", "WindowBuilder::new(", "open_devtools", ".eval(", "initialization_script"]
        {
            // One script is the shell's: a constant that asks a command which every page may ask.
            let plain =
                text.replace("WebviewWindowBuilder::new(", "").replace(".initialization_script(FIRST_QUESTION)", "");
            assert!(!plain.contains(opening), "{} uses {opening}", file.display());
        }
    }
    assert!(windows >= 2, "main window and demo desk");
    Ok(())
}

#[test]
fn a_release_has_no_inspector_no_driver_and_no_protocol_for_files() -> Result<()> {
    let root = project_root()?;
    let workspace = fs::read_to_string(root.join("Cargo.toml"))?;
    let tauri = workspace.lines().find(|line| line.starts_with("tauri = ")).context("the workspace has tauri")?;
    assert!(tauri.contains("default-features = false"), "features of Tauri are named one by one");
    for feature in ["devtools", "protocol-asset", "isolation", "unstable", "test", "webview-data-url"] {
        assert!(!tauri.contains(&format!("\"{feature}\"")), "Tauri's feature {feature} is on");
    }
    let shell = fs::read_to_string(root.join("src-tauri/Cargo.toml"))?;
    assert!(shell.contains("\ne2e = []"), "the feature that lets WebDriver in adds nothing else");
    assert!(!shell.lines().any(|line| line.trim_start().starts_with("default =")), "and is no default");
    let dist = fs::read_to_string(root.join("packaging/xtask/src/dist.rs"))?;
    assert!(!dist.contains("e2e") && !dist.contains("--features"), "nor is it on in what is delivered");
    let environment = fs::read_to_string(root.join("src-tauri/src/environment.rs"))?;
    for variable in ["TAURI_WEBVIEW_AUTOMATION", "WEBKIT_INSPECTOR_SERVER", "WEBVIEW2_ADDITIONAL_BROWSER_ARGUMENTS"] {
        assert!(environment.contains(variable), "{variable} would let others script the page");
    }
    let started = fs::read_to_string(root.join("src-tauri/src/main.rs"))?;
    let first = started.split("fn main() {").nth(1).and_then(|body| body.trim_start().lines().next());
    assert_eq!(first, Some("environment::refuse_automation();"), "before anything else is read");
    Ok(())
}

#[test]
fn the_page_makes_no_markup_of_text_and_no_code_of_either() -> Result<()> {
    let root = project_root()?;
    let ui = root.join("ui/src");
    let shown = files(&ui, &["vue", "ts"])?.into_iter().filter(|file| !file.to_string_lossy().contains(".test."));
    for file in shown {
        let text = fs::read_to_string(&file)?;
        for way in
            ["v-html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function("]
        {
            assert!(!text.contains(way), "{} uses {way}", file.display());
        }
        assert!(!text.contains("<iframe"), "{} has a frame", file.display());
    }
    Ok(())
}

/// `6.1.1–3` is 6.1.1, 6.1.2 and 6.1.3.
fn expanded(range: &str, dash: char) -> Vec<String> {
    let (first, last) = range.split_once(dash).unwrap_or((range, ""));
    let (section, from) = first.rsplit_once('.').unwrap_or((first, ""));
    let from: u32 = from.parse().unwrap_or_default();
    let to = last.parse().unwrap_or(from);
    (from..=to).map(|number| format!("{section}.{number}")).collect()
}

fn is_a_tests_name(name: &str) -> bool {
    name.matches('_').count() >= 2 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn sources(root: &Path, trees: &[&str]) -> Result<String> {
    let mut all = String::new();
    for tree in trees {
        for file in rust_files(&root.join(tree))? {
            all.push_str(&fs::read_to_string(file)?);
        }
    }
    Ok(all)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    files(folder, &["rs"])
}

fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            found.extend(files(&path, endings)?);
        } else if path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| endings.contains(&ending)) {
            found.push(path);
        }
    }
    Ok(found)
}
