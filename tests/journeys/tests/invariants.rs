//! Invariants of ARCHITECTURE.md that the tree itself can show.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use stage::project_root;

#[test]
fn the_word_pin_does_not_occur_where_no_pin_may_go() -> Result<()> {
    for room in ["contract", "portal", "cache", "service"] {
        for file in rust_files(&project_root()?.join("src-tauri/crates").join(room).join("src"))? {
            let text = fs::read_to_string(&file)?;
            let found = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "PIN");
            assert!(!found, "{} speaks of a PIN, which has no business there", file.display());
        }
    }
    Ok(())
}

#[test]
fn unsafe_code_is_in_the_helper_and_what_is_faulty_on_purpose_alone() -> Result<()> {
    let root = project_root()?;
    for tree in ["src-tauri", "pkcs11-profiles", "packaging", "tests"] {
        for file in rust_files(&root.join(tree))? {
            let allowed = ["src-tauri/crates/token-host", "tests/faulty-module", "tests/faulty-disk"];
            let inside = allowed.iter().any(|place| file.starts_with(root.join(place)));
            let text = fs::read_to_string(&file)?;
            let opens_a_block =
                |line: &str| line.split_whitespace().collect::<Vec<_>>().windows(2).any(|w| w == ["unsafe", "{"]);
            let found = text.lines().any(|line| !line.trim_start().starts_with("//") && opens_a_block(line));
            assert!(inside || !found, "{} contains unsafe code", file.display());
        }
    }
    Ok(())
}

#[test]
fn only_the_shell_depends_on_tauri() -> Result<()> {
    let crates = project_root()?.join("src-tauri/crates");
    for entry in fs::read_dir(crates)? {
        let manifest = entry?.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest)?;
        let depends = text.lines().any(|line| line.starts_with("tauri"));
        assert!(!depends, "{} depends on Tauri", manifest.display());
    }
    Ok(())
}

#[test]
fn the_tests_that_the_security_page_names_are_there() -> Result<()> {
    let root = project_root()?;
    let page = fs::read_to_string(root.join("docs/security.md"))?;
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("`,") || line.ends_with("` |"));
    let named: Vec<_> =
        rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|name| name.contains('_')).collect();
    assert!(named.len() >= 15, "the page names its tests");
    let mut sources = String::new();
    for tree in ["src-tauri", "tests"] {
        for file in rust_files(&root.join(tree))? {
            sources.push_str(&fs::read_to_string(file)?);
        }
    }
    for name in named {
        assert!(sources.contains(&format!("fn {name}(")), "docs/security.md names {name}, and there is no such test");
    }
    Ok(())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
