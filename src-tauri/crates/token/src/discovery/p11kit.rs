//! p11-kit's configuration, pkcs11.conf(5): folders of `.module` files, read as p11-kit reads them.

use super::places::Registration;
use pkcs11_profiles::{Arch, Os};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The names under which `enable-in` and `disable-in` may mean us.
const OUR_NAMES: [&str; 2] = ["certdesk", "certdesk-token-host"];

/// More bytes than any configuration has.
const LONGEST: u64 = 1 << 16;

/// Where an installation of p11-kit keeps its files.
#[derive(Clone, Debug, Default)]
pub(super) struct Folders {
    /// The administrator's: `pkcs11.conf`, and `modules`.
    pub(super) system: Vec<PathBuf>,
    /// The packages': `modules`.
    pub(super) packages: Vec<PathBuf>,
    /// The person's: `pkcs11.conf`, and `modules`.
    pub(super) user: Option<PathBuf>,
    /// Where a module lies whose path is relative.
    pub(super) modules: Vec<PathBuf>,
}

impl Folders {
    pub(super) fn of(os: Os, arch: Arch, home: Option<&Path>) -> Self {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let user = home.map(|home| home.join(".config/pkcs11"));
        match os {
            Os::Linux => Self {
                system: paths(&["/etc/pkcs11"]),
                packages: paths(&["/usr/share/p11-kit", "/usr/local/share/p11-kit"]),
                user,
                modules: [
                    PathBuf::from(format!("/usr/lib/{}/pkcs11", arch.multiarch())),
                    "/usr/lib64/pkcs11".into(),
                    "/usr/lib/pkcs11".into(),
                    "/usr/local/lib/pkcs11".into(),
                ]
                .into(),
            },
            Os::Macos => Self {
                system: paths(&["/opt/homebrew/etc/pkcs11", "/usr/local/etc/pkcs11", "/opt/local/etc/pkcs11"]),
                packages: paths(&[
                    "/opt/homebrew/share/p11-kit",
                    "/usr/local/share/p11-kit",
                    "/opt/local/share/p11-kit",
                ]),
                user,
                modules: paths(&["/opt/homebrew/lib/pkcs11", "/usr/local/lib/pkcs11", "/opt/local/lib/pkcs11"]),
            },
            // A system-wide p11-kit has no fixed place there; a person's own configuration has.
            Os::Windows => Self { user, ..Self::default() },
        }
    }
}

/// The modules p11-kit would give us, by priority (the highest first), then by name.
pub(super) fn registered(folders: &Folders) -> Vec<Registration> {
    let mut user = UserConfig::Merge;
    for folder in &folders.system {
        user = UserConfig::read(&folder.join("pkcs11.conf")).unwrap_or(user);
    }
    if let (true, Some(folder)) = (user != UserConfig::None, &folders.user) {
        user = UserConfig::read(&folder.join("pkcs11.conf")).unwrap_or(user);
    }
    // The first to say something is right: the person, then the administrator, then the package.
    let mut configs = BTreeMap::new();
    if let (true, Some(folder)) = (user != UserConfig::None, &folders.user) {
        merge(&mut configs, &folder.join("modules"));
    }
    if user != UserConfig::Only {
        for folder in folders.system.iter().chain(&folders.packages) {
            merge(&mut configs, &folder.join("modules"));
        }
    }
    let mut modules: Vec<_> =
        configs.iter().filter_map(|(name, config)| module(name, config, &folders.modules)).collect();
    modules.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
    modules.into_iter().map(|(_, module)| module).collect()
}

type Config = BTreeMap<String, String>;

/// `user-config`: whether a person's own files count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UserConfig {
    None,
    Merge,
    Only,
}

impl UserConfig {
    fn read(file: &Path) -> Option<Self> {
        match parse(&text(file)?).get("user-config")?.as_str() {
            "none" => Some(Self::None),
            "merge" => Some(Self::Merge),
            "only" | "override" => Some(Self::Only),
            _ => None,
        }
    }
}

/// Adds what the folder's files say to what is known; what is known stays.
fn merge(configs: &mut BTreeMap<String, Config>, folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str().and_then(|name| name.strip_suffix(".module")) else { continue };
        let Some(text) = text(&entry.path()) else { continue };
        let config = configs.entry(name.to_owned()).or_default();
        for (key, value) in parse(&text) {
            config.entry(key).or_insert(value);
        }
    }
}

fn text(file: &Path) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(file).ok()?.take(LONGEST).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `key: value` lines; `#` begins a comment line; of two lines with one key the later counts.
fn parse(text: &str) -> Config {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let pairs = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Priority and place of a module, where it is one for us.
fn module(name: &str, config: &Config, folders: &[PathBuf]) -> Option<(i32, Registration)> {
    let value = |key: &str| config.get(key).map(String::as_str).unwrap_or_default();
    let named = |key: &str| {
        let mut names = value(key).split([' ', ',', '\t']);
        names.any(|name| OUR_NAMES.contains(&name))
    };
    let switched_on = match (config.contains_key("enable-in"), config.contains_key("disable-in")) {
        (true, _) => named("enable-in"),
        (false, true) => !named("disable-in"),
        (false, false) => true,
    };
    // A list of trusted certificates is no token; a remote module (`remote:`) has no file.
    if !switched_on || value("trust-policy") == "yes" || value("module").is_empty() {
        return None;
    }
    let path = place(value("module"), folders)?;
    let priority = value("priority").parse().unwrap_or(0);
    Some((priority, Registration { name: name.to_owned(), path, by: "p11-kit" }))
}

/// An absolute path as it stands; a relative one in the module folder that has it, or else in the first.
fn place(written: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let written = Path::new(written);
    if written.is_absolute() {
        return Some(written.to_owned());
    }
    let places: Vec<_> = folders.iter().map(|folder| folder.join(written)).collect();
    places.iter().find(|place| place.is_file()).or(places.first()).cloned()
}

/// [`parse`] and [`module`], for `tests/fuzz`.
#[cfg(feature = "fuzz")]
pub fn read_bytes(bytes: &[u8]) -> String {
    format!("{:?}", module("any", &parse(&String::from_utf8_lossy(bytes)), &["/usr/lib/pkcs11".into()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An installation of p11-kit in a folder of its own.
    struct Installed {
        root: tempfile::TempDir,
        folders: Folders,
    }

    fn installed(files: &[(&str, &str)]) -> Installed {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        let at = |name: &str| root.path().join(name);
        let folders = Folders {
            system: vec![at("etc")],
            packages: vec![at("share")],
            user: Some(at("user")),
            modules: vec![at("lib"), at("lib64")],
        };
        Installed { root, folders }
    }

    impl Installed {
        fn modules(&self) -> Vec<(String, String)> {
            let short =
                |path: &Path| path.strip_prefix(&self.root).unwrap_or(path).to_str().unwrap().replace('\\', "/");
            registered(&self.folders).iter().map(|module| (module.name.clone(), short(&module.path))).collect()
        }
    }

    fn pair(name: &str, path: &str) -> (String, String) {
        (name.to_owned(), path.to_owned())
    }

    #[test]
    fn the_highest_priority_comes_first_and_a_relative_path_lies_in_a_module_folder() {
        let here = installed(&[
            ("share/modules/a.module", "# a comment\nmodule: a.so\n"),
            ("share/modules/b.module", "module: b.so\npriority: 10"),
            ("share/modules/c.txt", "module: c.so"),
            ("lib64/a.so", ""),
        ]);
        let found = here.modules();
        assert_eq!(found, [pair("b", "lib/b.so"), pair("a", "lib64/a.so")], "by priority, in the folder that has it");
    }

    #[test]
    fn a_person_and_an_administrator_overrule_a_package() {
        let (a, mine) = if cfg!(windows) { ("C:/a.dll", "C:/mine.dll") } else { ("/opt/a.so", "/home/me/mine.so") };
        let here = installed(&[
            ("share/modules/a.module", "module: a.so\npriority: 3"),
            ("share/modules/b.module", "module: b.so"),
            ("etc/modules/a.module", &format!("module: {a}")),
            ("user/modules/b.module", "module:"),
        ]);
        assert_eq!(here.modules(), [pair("a", a)], "the administrator's path, and b switched off");
        let only = installed(&[
            ("share/modules/a.module", "module: a.so"),
            ("user/pkcs11.conf", "user-config: only"),
            ("user/modules/mine.module", &format!("module: {mine}")),
        ]);
        assert_eq!(only.modules(), [pair("mine", mine)], "`only` means only the person's own");
        let none = installed(&[
            ("etc/pkcs11.conf", "user-config: none"),
            ("user/pkcs11.conf", "user-config: only"),
            ("user/modules/mine.module", "module: /home/me/mine.so"),
        ]);
        assert_eq!(none.modules(), [], "where the administrator says so, the person's files do not count");
    }

    #[test]
    fn modules_for_other_programs_are_theirs() {
        let here = installed(&[
            ("etc/modules/a.module", "module: a.so\nenable-in: firefox, certdesk"),
            ("etc/modules/b.module", "module: b.so\nenable-in: firefox"),
            ("etc/modules/c.module", "module: c.so\ndisable-in: certdesk gnome-keyring"),
            ("etc/modules/d.module", "module: d.so\ndisable-in: firefox"),
            ("etc/modules/e.module", "module: e.so\ntrust-policy: yes"),
            ("etc/modules/f.module", "remote: |ssh other p11-kit remote"),
        ]);
        let names: Vec<_> = here.modules().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "d"], "what is for us or for all, has a file, and is no list of trust");
    }

    proptest! {
        #[test]
        fn any_configuration_is_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let config = parse(&String::from_utf8_lossy(&bytes));
            let _ = module("any", &config, &["/usr/lib/pkcs11".into()]);
        }
    }
}
