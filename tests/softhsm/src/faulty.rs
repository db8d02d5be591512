//! The faulty module (`tests/faulty-module`): copies of it, each in a folder of its own, and how a test drives one.

use crate::{SoftHsm, built};
use std::{
    ffi::OsString,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// One copy of the faulty module before a real module. Several copies in one program are several drivers. Its folder goes
/// with it.
#[derive(Debug)]
pub struct FaultyModule {
    /// The module to load, absolute.
    pub path: PathBuf,
    folder: tempfile::TempDir,
    /// The lines that are always in the script: the real module and its environment.
    real: String,
}

impl FaultyModule {
    /// A faulty module before SoftHSM with this store. It behaves until [`FaultyModule::play`].
    ///
    /// # Panics
    /// Where it does not build or its folder cannot be made.
    pub fn before(store: &SoftHsm) -> Self {
        Self::named("libfaulty_module.so", &store.module, &store.environment)
    }

    /// The same before any module, under a file name of its own: by it a driver is named, and its profile found.
    ///
    /// # Panics
    /// As [`FaultyModule::before`].
    pub fn named(name: &str, real: &Path, environment: &[(OsString, OsString)]) -> Self {
        let folder = tempfile::Builder::new().prefix("certdesk-faulty-").tempdir().expect("a folder can be made");
        let path = folder.path().join(name);
        // A link takes no room; across file systems there is none.
        fs::hard_link(library(), &path)
            .or_else(|_| fs::copy(library(), &path).map(drop))
            .expect("the library can be put into its folder");
        let mut lines = format!("module {}\n", real.display());
        for (name, value) in environment {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            writeln!(lines, "env {name} {value}").expect("a text takes lines");
        }
        let module = Self { path, folder, real: lines };
        fs::write(module.file("calls"), "").expect("the log can be made");
        module.play("");
        module
    }

    /// Shows the token with this label alone, whatever the script says: SoftHSM always has a slot with a blank one too.
    ///
    /// # Panics
    /// Where the folder is gone.
    #[must_use]
    pub fn showing(mut self, label: &str) -> Self {
        writeln!(self.real, "slot shows {label}").expect("a text takes lines");
        self.play("");
        self
    }

    /// Gives it a script, one sentence a line; the language is told in `tests/faulty-module/src/script.rs`. What was said
    /// before is forgotten, also how often a rule was used; what the key itself remembers (tries) is not. Takes effect at
    /// the next call. A helper that hangs stays hung.
    ///
    /// # Panics
    /// Where the folder is gone.
    pub fn play(&self, script: &str) {
        for entry in fs::read_dir(self.folder.path()).expect("the folder is there").flatten() {
            if entry.file_name().to_string_lossy().starts_with("used ") {
                fs::remove_file(entry.path()).expect("a count can be forgotten");
            }
        }
        self.write("script", &format!("{}{script}\n", self.real));
    }

    /// Pulls the key: slots are empty, sessions answer `CKR_DEVICE_REMOVED`.
    ///
    /// # Panics
    /// Where the folder is gone.
    pub fn pull(&self) {
        self.write("away", "CKR_DEVICE_REMOVED");
    }

    /// Puts the key in (again), and into no session that was open before.
    ///
    /// # Panics
    /// Where the folder is gone.
    pub fn put_in(&self) {
        let inserted = fs::read_to_string(self.file("inserted")).unwrap_or_default();
        let (count, label) = inserted.split_once(' ').unwrap_or((&inserted, ""));
        let count: u64 = count.trim().parse().unwrap_or(0);
        self.write("inserted", format!("{} {label}", count + 1).trim_end());
        let _was_in_already = fs::remove_file(self.file("away"));
    }

    /// Puts in the key with this label, in place of whatever is in: only where one is shown ([`FaultyModule::showing`]).
    ///
    /// # Panics
    /// Where the folder is gone.
    pub fn insert(&self, label: &str) {
        let inserted = fs::read_to_string(self.file("inserted")).unwrap_or_default();
        let count: u64 = inserted.split(' ').next().and_then(|count| count.trim().parse().ok()).unwrap_or(0);
        self.write("inserted", &format!("{} {label}", count + 1));
        let _was_in_already = fs::remove_file(self.file("away"));
    }

    /// Whether the key is out, by hand or by a rule.
    pub fn is_out(&self) -> bool {
        self.file("away").exists()
    }

    /// All calls so far, without the answers: `C_Login user`, `C_Sign`, …
    ///
    /// # Panics
    /// Where a line of the script did not read.
    pub fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.file("calls")).expect("the log is there");
        let lines: Vec<_> = log.lines().filter_map(|line| line.split_once(' ')).map(|(_process, call)| call).collect();
        let unread = lines.iter().find(|line| line.starts_with("cannot read"));
        assert!(unread.is_none(), "the script of the faulty module does not read: {unread:?}");
        lines.into_iter().filter(|line| !line.contains(" = ")).map(str::to_owned).collect()
    }

    /// How often a function was called.
    ///
    /// # Panics
    /// As [`FaultyModule::calls`].
    pub fn count(&self, function: &str) -> usize {
        self.calls().iter().filter(|call| call.split(' ').next() == Some(function)).count()
    }

    /// How often a PIN came to the module: logins of every kind, and changes.
    ///
    /// # Panics
    /// As [`FaultyModule::calls`].
    pub fn pin_tries(&self) -> usize {
        self.count("C_Login") + self.count("C_SetPIN")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        // Renamed into place: the module may read it this moment.
        let new = self.file("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, self.file(name))).expect("the folder can be written");
    }
}

/// The library, built once if need be; `CERTDESK_FAULTY_MODULE` names one that is built already.
fn library() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("CERTDESK_FAULTY_MODULE") {
        Some(path) => path.into(),
        None => {
            let mut files = built("faulty-module", "faulty_module").into_iter();
            let library = files.find(|file| file.extension().is_some_and(|end| end == std::env::consts::DLL_EXTENSION));
            library.expect("cargo names the library it built")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn pkcs11_tool(module: &FaultyModule, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("pkcs11-tool").arg("--module").arg(&module.path).args(arguments).output();
        let output = output.expect("install opensc");
        let words = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&words).into_owned())
    }

    fn key() -> (SoftHsm, FaultyModule) {
        let store = SoftHsm::new();
        store.add_token("福州云帆", "1234");
        let module = FaultyModule::before(&store);
        (store, module)
    }

    #[test]
    fn without_a_script_it_is_the_real_module() {
        let (store, module) = key();
        let sign = ["--login", "--pin", "1234", "--keypairgen", "--key-type", "EC:prime256v1", "--id", "01"];
        let (done, words) = pkcs11_tool(&module, &sign);
        assert!(done, "a key pair is made through it: {words}");
        let objects = store.pkcs11_tool(["--login", "--pin", "1234", "--list-objects"]);
        assert!(objects.contains("Private Key Object"), "and it is on the real key: {objects}");
        assert_eq!((module.count("C_GenerateKeyPair"), module.pin_tries()), (1, 1), "each call is noted once");
        let log = module.calls().join("\n");
        assert!(log.contains("C_Login user") && !log.contains("1234"), "a login is noted, its PIN is not: {log}");
    }

    #[test]
    fn a_key_is_out_until_it_is_put_in() {
        let (_store, module) = key();
        module.pull();
        let (_, words) = pkcs11_tool(&module, &["--list-token-slots"]);
        assert!(!words.contains("福州云帆"), "a pulled key is not seen: {words}");
        module.put_in();
        let (_, words) = pkcs11_tool(&module, &["--list-token-slots"]);
        assert!(words.contains("福州云帆"), "put in, it is: {words}");
        module.play("C_OpenSession once pull");
        let (done, words) = pkcs11_tool(&module, &["--login", "--pin", "1234", "--list-objects"]);
        assert!(!done && module.is_out(), "pulled in the middle of a call: {words}");
    }

    #[test]
    fn tries_are_counted_told_and_end() {
        let (_store, module) = key();
        module.play("tries 3");
        let flags = || pkcs11_tool(&module, &["--list-token-slots"]).1;
        let wrong = || pkcs11_tool(&module, &["--login", "--pin", "0000", "--list-objects"]).1;
        assert!(!flags().contains("count low"), "before the first wrong PIN nothing is said");
        assert!(wrong().contains("CKR_PIN_INCORRECT"));
        assert!(flags().contains("user PIN count low"), "{}", flags());
        wrong();
        assert!(flags().contains("final user PIN try"), "{}", flags());
        wrong();
        assert!(flags().contains("user PIN locked"), "{}", flags());
        let right = pkcs11_tool(&module, &["--login", "--pin", "1234", "--list-objects"]).1;
        assert!(right.contains("CKR_PIN_LOCKED"), "the right PIN comes too late: {right}");
        assert_eq!(module.pin_tries(), 4, "each try is counted");
    }

    #[test]
    fn a_token_says_what_the_script_says() {
        let (_store, module) = key();
        module.play("label text Renamed\nserial text 0042\npad nul\nflag CKF_USER_PIN_TO_BE_CHANGED on\nslots more 2");
        let (_, words) = pkcs11_tool(&module, &["--list-slots"]);
        for expected in ["Renamed", "0042", "user PIN to be changed", "Slot 3"] {
            assert!(words.contains(expected), "{expected} is missing: {words}");
        }
        let two = SoftHsm::new();
        two.add_token("first key", "1234");
        two.add_token("second key", "1234");
        let module = FaultyModule::before(&two);
        module.play("slot shows first key\nC_OpenSession once swap second key");
        let (_, words) = pkcs11_tool(&module, &["--list-token-slots"]);
        assert!(words.contains("first key") && !words.contains("second key"), "one key is shown: {words}");
        pkcs11_tool(&module, &["--list-objects"]);
        let (_, words) = pkcs11_tool(&module, &["--list-token-slots"]);
        assert!(words.contains("second key"), "then it is another: {words}");
    }

    #[test]
    fn a_crash_is_a_crash_and_counts_across_processes() {
        let (_store, module) = key();
        module.play("C_GetTokenInfo nth:2 crash");
        let list = || pkcs11_tool(&module, &["--list-token-slots"]).0;
        let outcomes = [list(), list(), list()];
        assert_eq!(outcomes.iter().filter(|done| !**done).count(), 1, "one process of three crashed: {outcomes:?}");
        module.play("C_Initialize return 0x80000042");
        let (_, words) = pkcs11_tool(&module, &["--list-token-slots"]);
        assert!(words.contains("0x80000042"), "a vendor's own code is passed on: {words}");
    }
}
