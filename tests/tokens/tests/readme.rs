//! The table in `README.md` is made from `modules.toml`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use tokens::{
    expected::{self, Expected},
    finding::Act,
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const BEGIN: &str = "<!-- made from modules.toml: UPDATE=1 cargo test -p tokens --test readme -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_table_says_what_modules_toml_says() {
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README marks where the table begins");
    let (_, after) = rest.split_once(END).expect("the README marks where the table ends");
    let made = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(README, &made).unwrap();
    }
    let written = fs::read_to_string(README).unwrap();
    assert!(made == written, "README.md is stale: run UPDATE=1 cargo test -p tokens --test readme");
}

fn table() -> String {
    let head = "| module | what it is | what it teaches | wrong PINs, in a row | what it does not do, and why |\n\
                | --- | --- | --- | --- | --- |\n";
    let rows = expected::modules().iter().map(row).collect::<String>();
    format!("{head}{rows}")
}

fn row(module: &Expected) -> String {
    let acts = |acts: &[Act]| acts.iter().map(word).collect::<Vec<_>>().join(", ");
    let cannot = module.cannot.iter().map(|cannot| format!("{}: {}", acts(&cannot.acts), cannot.why));
    let refused = module.refused.iter().map(|words| format!("be loaded: \"… {words} …\""));
    let wrong = module.wrong_pins.iter().map(|wrong| format!("{wrong:?}")).collect::<Vec<_>>();
    format!(
        "| `{}` | {} | {} | {} | {} |\n",
        module.name,
        module.what,
        module.teaches,
        wrong.join(", "),
        refused.chain(cannot).collect::<Vec<_>>().join("; ")
    )
}

fn word(act: &Act) -> String {
    serde_json::to_value(act).unwrap().as_str().unwrap().to_owned()
}
