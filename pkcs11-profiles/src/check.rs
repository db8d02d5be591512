//! What the schema cannot say: whether a profile's facts make sense.

use crate::{
    path::{self, Os},
    profile::{Location, Package, PackageOs, Profile, Sm2},
};

impl Profile {
    /// What is wrong with it, each in one sentence; nothing where it can be used. `known` says whether there is a profile
    /// of an id.
    pub fn faults(&self, known: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut faults = Vec::new();
        let mut ask = |right: bool, fault: String| {
            if !right {
                faults.push(fault);
            }
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ask(
            !self.id.is_empty() && self.id.bytes().all(plain),
            format!("the file's name {:?} is not of small letters, digits and -", self.id),
        );
        ask(!self.name.trim().is_empty(), "`name` is empty".into());
        ask(!self.vendor.trim().is_empty(), "`vendor` is empty".into());
        ask(!self.source.is_empty(), "`source` is empty: without a source there is no profile".into());
        let tells =
            !(self.module.is_empty() && self.skf.is_empty() && self.usb.is_empty() && self.file_names.is_empty());
        ask(tells, "it names no module, no SKF library and no USB number".into());
        for usb in &self.usb {
            ask(is_usb_number(usb), format!("`usb`: {usb:?} is not vvvv:pppp in lower-case hex"));
        }
        for atr in &self.atr {
            ask(is_atr(atr), format!("`atr`: {atr:?} is not 2 to 33 bytes in lower-case hex"));
        }
        for id in &self.driven_by {
            ask(known(id), format!("`driven_by`: there is no profile {id:?}"));
        }
        for name in &self.file_names {
            ask(!name.is_empty() && path::file_name(name) == name, format!("`file_names`: {name:?} is no file name"));
        }
        if let Some(pin) = self.pin {
            ask(pin.min <= pin.max, "`pin`: `min` is more than `max`".into());
            ask(pin.tries != Some(0), "`pin`: no `tries` at all".into());
        }
        for code in &self.quirks.wrong_pin {
            let named = code.strip_prefix("CKR_").is_some_and(|name| {
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            });
            ask(named, format!("`wrong_pin`: {code:?} is no return value by the standard's name"));
        }
        let of_a_vendor = |number: u32| number >= 0x8000_0000;
        if let Some(Sm2 { key_type, sign, generate, .. }) = self.quirks.sm2 {
            let all = [Some(key_type), Some(sign), generate];
            ask(all.into_iter().flatten().all(of_a_vendor), "`sm2`: a vendor's numbers begin at 0x80000000".into());
        }
        for (list, locations) in [("module", &self.module), ("skf", &self.skf)] {
            for fault in locations.iter().flat_map(location_faults) {
                ask(false, format!("`{list}`: {fault}"));
            }
        }
        for fault in self.package.iter().filter_map(package_fault) {
            ask(false, format!("`package`: {fault}"));
        }
        faults
    }
}

fn location_faults(location: &Location) -> Vec<String> {
    if location.paths.is_empty() {
        return vec!["a place without paths".into()];
    }
    let wrong = |path: &&String| !path::is_absolute(path, location.os) || path.contains("..");
    let relative = location.paths.iter().filter(wrong);
    let mut faults: Vec<_> =
        relative.map(|path| format!("{path:?} is not absolute; it would be searched for")).collect();
    // A name of nothing else but `*` would take whatever lies there.
    let any =
        |path: &&String| path.split(['/', '\\']).any(|part| !part.is_empty() && part.trim_matches('*').is_empty());
    faults.extend(location.paths.iter().filter(any).map(|path| format!("{path:?} has a name that is only `*`")));
    let has = |placeholder: &str| location.paths.iter().any(|path| path.contains(placeholder));
    if location.os != Os::Linux && has("{multiarch}") {
        faults.push("{multiarch} is Debian's".into());
    }
    faults
}

fn package_fault(package: &Package) -> Option<&'static str> {
    let installer = [&package.url, &package.sha256, &package.publisher];
    let linux = matches!(package.os, PackageOs::LinuxDeb | PackageOs::LinuxRpm);
    match &package.name {
        Some(_) if installer.iter().any(|part| part.is_some()) => Some("either `name` or an installer, not both"),
        Some(_) if !linux => Some("`name` is for the packages of a Linux distribution"),
        Some(name) if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-_".contains(&b)) => {
            Some("`name` is no name of a package")
        }
        Some(_) => None,
        None if installer.iter().any(|part| part.is_none()) => Some("an installer has `url`, `sha256` and `publisher`"),
        None if !package.url.as_ref().is_some_and(|url| url.starts_with("https://")) => Some("`url` is not https"),
        None if !package.sha256.as_ref().is_some_and(|hash| hash.len() == 64 && is_hex(hash)) => {
            Some("`sha256` is not 64 digits of lower-case hex")
        }
        None => None,
    }
}

fn is_usb_number(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(vendor, product)| [vendor, product].iter().all(|number| number.len() == 4 && is_hex(number)))
}

fn is_atr(text: &str) -> bool {
    let pair = |pair: &[u8]| pair == b".." || (pair.len() == 2 && std::str::from_utf8(pair).is_ok_and(is_hex));
    (4..=66).contains(&text.len()) && text.as_bytes().chunks(2).all(pair)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
        name = "Lab"
        vendor = "Lab"
        trust = "reported"
        source = ["the lab"]
        usb = ["096e:0807"]
        atr = ["3b9f..31"]

        [[module]]
        os = "linux"
        paths = ["/usr/lib/{multiarch}/liblab.so", "/opt/lab-*/liblab.so"]

        [[package]]
        os = "linux_deb"
        name = "liblab1"
    "#;

    fn faults(text: &str) -> Vec<String> {
        Profile::parse("lab", text).expect("it reads").faults(&|id| id == "opensc")
    }

    #[test]
    fn what_makes_sense_has_no_faults() {
        assert_eq!(faults(SOUND), [""; 0]);
    }

    #[test]
    fn what_makes_none_is_told_in_words() {
        for (sound, broken, told) in [
            ("\"/usr/lib", "\"lib", "not absolute"),
            ("/opt/lab-*/", "/opt/*/", "only `*`"),
            ("/opt/lab-*/", "/opt/../", "not absolute"),
            ("096e:0807", "096E:0807", "vvvv:pppp"),
            ("3b9f..31", "3b9f.31", "`atr`"),
            ("[\"the lab\"]", "[]", "without a source"),
            ("name = \"liblab1\"", "url = \"https://lab/x\"", "`sha256` and `publisher`"),
            ("usb =", "driven_by = [\"opensk\"]\nusb =", "no profile"),
            ("linux_deb", "windows", "Linux distribution"),
            ("[[module]]", "[quirks]\nwrong_pin = [\"5\"]\n[[module]]", "`wrong_pin`"),
            ("[[module]]", "[quirks.sm2]\nkey_type = 3\nsign = 0x80010002\n[[module]]", "0x80000000"),
        ] {
            assert!(SOUND.contains(sound), "{sound} is in the sound one");
            let found = faults(&SOUND.replacen(sound, broken, 1));
            assert!(found.len() == 1 && found[0].contains(told), "{broken}: {found:?} should say {told}");
        }
    }

    #[test]
    fn a_card_is_known_by_its_answer() {
        let profile = Profile::parse("lab", SOUND).unwrap();
        assert!(profile.has_atr(&[0x3b, 0x9f, 0x00, 0x31]), "any byte where the dots are");
        assert!(!profile.has_atr(&[0x3b, 0x9f, 0x00, 0x32]) && !profile.has_atr(&[0x3b, 0x9f]));
    }
}
