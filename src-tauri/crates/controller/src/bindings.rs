//! Prints `ui/src/bindings.ts`: every type, command and event of the window. Committed; a test holds it fresh.

use std::{any::TypeId, collections::BTreeMap, collections::HashSet, fmt::Write};

use ts_rs::{Config, TS, TypeVisitor};

use crate::{command, view};

/// The whole file.
pub fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut types = Declarations { config: &config, seen: HashSet::new(), text: BTreeMap::new() };
    let rows = command::rows(&config, &mut types);
    types.visit::<view::Event>();
    types.visit::<view::PinOutcome>();

    let mut out = String::from(
        "// Generated from Rust by `cargo xtask tidy`. Do not edit: a test compares this file with its source.\n\
         import { invoke } from \"@tauri-apps/api/core\";\n\n",
    );
    for text in types.text.values() {
        let _ = writeln!(out, "export {text}\n");
    }
    out.push_str(
        "const call = <T>(name: string, args: object): Promise<T> => invoke<T>(\"call\", { name, args });\n\n",
    );
    out.push_str("/** Every command of the program. Rejects with a `Failure`. */\nexport const commands = {\n");
    for row in rows {
        let fields: Vec<_> = row.arguments.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let names: Vec<_> = row.arguments.iter().map(|(name, _)| *name).collect();
        let answer = if row.answer == "null" { "void" } else { &row.answer };
        let _ = writeln!(
            out,
            "  {}: ({}): Promise<{answer}> => call(\"{}\", {{ {} }}),",
            camel(row.name),
            fields.join(", "),
            row.name,
            names.join(", "),
        );
    }
    out.push_str("};\n");
    out
}

fn camel(snake: &str) -> String {
    let mut parts = snake.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(1.min(part.len()));
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
    }
    name
}

/// Collects each declarable type once, sorted by name.
struct Declarations<'a> {
    config: &'a Config,
    seen: HashSet<TypeId>,
    text: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
        if T::output_path().is_some() {
            self.text.insert(T::ident(self.config), T::decl(self.config));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_bindings_are_fresh() {
        let committed = include_str!("../../../../ui/src/bindings.ts");
        assert!(
            committed == super::typescript(),
            "ui/src/bindings.ts is not what the Rust types say: run `cargo xtask tidy`"
        );
    }
}
