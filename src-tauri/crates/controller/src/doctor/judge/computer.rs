//! The computer, and what of it may stand between a key and the program.

use super::Judge;
use crate::doctor::finding::{FactName, FindingCode, Level};

impl Judge<'_> {
    pub(super) fn computer(&mut self) {
        let Some(computer) = &self.sight.computer else { return };
        self.find(FindingCode::Computer, Level::Good, |finding| {
            finding
                .fact(FactName::System, &computer.system)
                .known(FactName::SystemVersion, computer.version.as_ref())
                .fact(FactName::Machine, std::env::consts::ARCH)
                .fact(FactName::Program, env!("CARGO_PKG_VERSION"))
                .known(FactName::WebView, computer.web_view.as_ref())
        });
        if computer.web_view.is_none() {
            self.find(FindingCode::WebViewMissing, Level::Note, |finding| finding);
        }
        // Where a key is seen, it got through.
        let unseen = self.sight.keys.as_ref().is_some_and(|seen| seen.keys.is_empty());
        if let Some(kind) = &computer.remote {
            let level = if unseen { Level::Problem } else { Level::Note };
            self.find(FindingCode::RemoteSession, level, |finding| finding.fact(FactName::Kind, kind));
        }
        if let Some(kind) = &computer.virtual_machine {
            self.find(FindingCode::VirtualMachine, Level::Note, |finding| finding.fact(FactName::Kind, kind));
        }
        if !computer.security.is_empty() {
            let products = computer.security.join(", ");
            self.find(FindingCode::SecuritySoftware, Level::Note, |f| f.fact(FactName::Products, products));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        Sight,
        specimen::{find, key, module, sight},
    };
    use super::*;
    use crate::doctor::machine::Computer;

    #[test]
    fn a_remote_session_is_the_reason_where_no_key_is_seen() {
        let computer = Computer { remote: Some("Remote Desktop".into()), ..Computer::default() };
        let with =
            |keys| Sight { computer: Some(computer.clone()), ..sight(vec![module("opensc", Ok(0))], keys, Vec::new()) };
        assert_eq!(find(&with(Vec::new()), FindingCode::RemoteSession).level, Level::Problem);
        assert_eq!(find(&with(vec![key()]), FindingCode::RemoteSession).level, Level::Note, "the key came through");
    }
}
