//! What the environment and the system say about proxies.
//!
//! The environment goes first, as with every program that reads it. Then Windows' Internet settings of this person, macOS'
//! `scutil --proxy`, or GNOME's settings, which UKUI, Cinnamon and MATE share. KDE's own file is not read. A script (PAC) is
//! named here, and asked in `script`.

use hyper_util::client::proxy::matcher::Matcher;

/// What the system says.
pub(super) struct SystemProxy {
    pub(super) matcher: Matcher,
    pub(super) script: Option<String>,
}

impl Default for SystemProxy {
    /// Before the system was asked: what the environment says.
    fn default() -> Self {
        Self { matcher: Matcher::from_env(), script: None }
    }
}

impl SystemProxy {
    /// Reads it. Blocks.
    pub(super) fn read() -> Self {
        const NAMES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        if NAMES.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
            return Self::default();
        }
        said().unwrap_or_default().into()
    }
}

/// The same on every system.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// `host:port` for `https` addresses, empty for none.
    https: String,
    /// Names and networks that are reached directly, with commas.
    no: String,
    script: Option<String>,
}

impl From<Said> for SystemProxy {
    fn from(said: Said) -> Self {
        Self { matcher: Matcher::builder().https(said.https).no(said.no).build(), script: said.script }
    }
}

#[cfg(windows)]
fn said() -> Option<Said> {
    const SETTINGS: &str = "Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings";
    let settings = windows_registry::CURRENT_USER.open(SETTINGS).ok()?;
    let text = |name| settings.get_string(name).unwrap_or_default();
    let enabled = settings.get_u32("ProxyEnable").unwrap_or_default() != 0;
    Some(of_windows(enabled, &text("ProxyServer"), &text("ProxyOverride"), &text("AutoConfigURL")))
}

#[cfg(target_os = "macos")]
fn said() -> Option<Said> {
    told_by("/usr/sbin/scutil", &["--proxy"]).map(|text| of_macos(&text))
}

#[cfg(not(any(windows, target_os = "macos")))]
fn said() -> Option<Said> {
    told_by("gsettings", &["list-recursively", "org.gnome.system.proxy"]).map(|text| of_gnome(&text))
}

#[cfg(not(windows))]
fn told_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        std::process::Command::new(program).args(arguments).stdin(std::process::Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Of Windows' registry: `host:port`, or `http=host:port;https=host:port`.
#[cfg(any(windows, test))]
fn of_windows(enabled: bool, server: &str, exceptions: &str, script: &str) -> Said {
    let of_https = |server: &str| {
        let mut parts = server.split(';').map(str::trim);
        match server.contains('=') {
            true => parts.find_map(|part| part.strip_prefix("https=")).unwrap_or_default().to_owned(),
            false => parts.next().unwrap_or_default().to_owned(),
        }
    };
    Said {
        https: if enabled { of_https(server) } else { String::new() },
        no: bare(exceptions.split(';')),
        script: (!script.is_empty()).then(|| script.to_owned()),
    }
}

/// Of `scutil --proxy`.
#[cfg(any(target_os = "macos", test))]
fn of_macos(text: &str) -> Said {
    let value = |name: &str| {
        text.lines()
            .filter_map(|line| line.trim().split_once(" : "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let on = |name| value(name) == Some("1");
    let https = match (on("HTTPSEnable"), value("HTTPSProxy")) {
        (true, Some(host)) => format!("{host}:{}", value("HTTPSPort").unwrap_or("443")),
        _ => String::new(),
    };
    // The list stands on lines of its own: "0 : *.local".
    let list =
        text.split_once("ExceptionsList : <array> {").map_or("", |(_, after)| after.split('}').next().unwrap_or(""));
    Said {
        https,
        no: bare(list.lines().filter_map(|line| line.split_once(" : ")).map(|(_, name)| name)),
        script: value("ProxyAutoConfigURLString").filter(|_| on("ProxyAutoConfigEnable")).map(str::to_owned),
    }
}

/// Of `gsettings list-recursively org.gnome.system.proxy`.
#[cfg(any(not(any(windows, target_os = "macos")), test))]
fn of_gnome(text: &str) -> Said {
    let value = |schema: &str, key: &str| {
        let start = format!("{schema} {key} ");
        text.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().trim().trim_matches('\'').to_owned()
    };
    const PROXY: &str = "org.gnome.system.proxy";
    let list = value(PROXY, "ignore-hosts");
    let no = bare(list.trim_matches(['[', ']']).split(',').map(|name| name.trim().trim_matches('\'')));
    match value(PROXY, "mode").as_str() {
        "manual" => {
            let host = value("org.gnome.system.proxy.https", "host");
            let port = value("org.gnome.system.proxy.https", "port");
            let https = if host.is_empty() || port == "0" { String::new() } else { format!("{host}:{port}") };
            Said { https, no, script: None }
        }
        // No address means: found by the name `wpad`.
        "auto" => Said { script: Some(value(PROXY, "autoconfig-url")), ..Said::default() },
        _ => Said::default(),
    }
}

/// Exceptions as the matcher has them: names without `*.`, networks written out.
fn bare<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names = names.map(str::trim).filter(|name| !name.is_empty() && *name != "<local>");
    let bare = names.map(|name| network(name).unwrap_or_else(|| name.trim_start_matches("*.").to_owned()));
    bare.collect::<Vec<_>>().join(",")
}

/// `10.1.*` and `10.1/16` as `10.1.0.0/16`.
fn network(name: &str) -> Option<String> {
    let (start, bits) = match name.split_once('/') {
        Some((start, bits)) => (start, Some(bits.parse::<u8>().ok()?)),
        None => (name.find(".*").map(|at| &name[..at])?, None),
    };
    let mut octets: Vec<u8> = start.split('.').map(|octet| octet.parse().ok()).collect::<Option<_>>()?;
    let bits = bits.map_or(octets.len() * 8, usize::from);
    octets.resize(4, 0);
    let octets: Vec<_> = octets.iter().map(u8::to_string).collect();
    Some(format!("{}/{bits}", octets.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(https: &str, no: &str, script: Option<&str>) -> Said {
        Said { https: https.into(), no: no.into(), script: script.map(str::to_owned) }
    }

    #[test]
    fn windows_settings() {
        let one = of_windows(true, "proxy:8080", "*.corp.example;<local>;10.*", "");
        assert_eq!(one, said("proxy:8080", "corp.example,10.0.0.0/8", None));
        let each = of_windows(true, "http=a:1;https=b:2", "", "http://wpad/proxy.pac");
        assert_eq!(each, said("b:2", "", Some("http://wpad/proxy.pac")), "one for each protocol, and a script");
        assert_eq!(of_windows(true, "http=a:1", "", ""), said("", "", None), "none for https");
        assert_eq!(of_windows(false, "proxy:8080", "", ""), said("", "", None), "a proxy that is switched off");
    }

    #[test]
    fn macos_settings() {
        let text = "<dictionary> {\n  ExceptionsList : <array> {\n    0 : *.local\n    1 : 169.254/16\n  }\n  \
                    HTTPSEnable : 1\n  HTTPSPort : 3128\n  HTTPSProxy : proxy.example\n  ProxyAutoConfigEnable : 0\n  \
                    ProxyAutoConfigURLString : http://a/b.pac\n}\n";
        assert_eq!(of_macos(text), said("proxy.example:3128", "local,169.254.0.0/16", None));
        let script = "<dictionary> {\n  ProxyAutoConfigEnable : 1\n  ProxyAutoConfigURLString : http://a/b.pac\n}\n";
        assert_eq!(of_macos(script), said("", "", Some("http://a/b.pac")));
    }

    #[test]
    fn gnome_settings() {
        let text = |mode: &str| {
            format!(
                "org.gnome.system.proxy autoconfig-url 'http://a/b.pac'\n\
                 org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '*.corp.example']\n\
                 org.gnome.system.proxy mode '{mode}'\n\
                 org.gnome.system.proxy.https host 'proxy.example'\norg.gnome.system.proxy.https port 3128\n"
            )
        };
        assert_eq!(of_gnome(&text("none")), said("", "", None), "what is switched off is not in force");
        let manual = of_gnome(&text("manual"));
        assert_eq!(manual, said("proxy.example:3128", "localhost,127.0.0.0/8,corp.example", None));
        assert_eq!(of_gnome(&text("auto")), said("", "", Some("http://a/b.pac")));
        let system = SystemProxy::from(manual);
        let at = |name: &str| system.matcher.intercept(&format!("https://{name}").parse().expect("an address"));
        assert!(
            at("portal.example").is_some() && at("portal.corp.example").is_none(),
            "exceptions are gone to directly"
        );
    }
}
