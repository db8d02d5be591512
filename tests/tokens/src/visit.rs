//! The acts, one after another, on one token.

use crate::{
    certificate::Authority,
    doctor,
    expected::{Cannot, Expected, Wrong},
    finding::{Act, Finding, Verdict},
    judge, shown,
};
use anyhow::{Context, Result, bail, ensure};
use certdesk_token::{
    Deadlines, HostProgram, KeyAlgorithm, KeyPair, Module, Pin, PinTries, SignatureScheme, TokenError, TokenInfo,
};
use pkcs11_profiles::Unblock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    ffi::OsString,
    fs,
    future::Future,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A module that stands ready, and a token of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subject {
    /// Name of its row.
    pub name: String,
    /// The module.
    pub module: PathBuf,
    /// Label of the token; the only initialised one where there is none.
    pub label: Option<String>,
    /// The user PIN.
    pub pin: Option<String>,
    /// The security officer's PIN.
    pub so_pin: Option<String>,
    /// `certdesk-token-host`
    pub host: PathBuf,
    /// What a process must find in its environment to see this token.
    pub environment: Vec<(OsString, OsString)>,
    /// A folder for what the acts leave.
    pub folder: PathBuf,
    /// Whether the whole journey is gone too, with a service of its own: its programs must have been built.
    pub journey: bool,
}

/// What a person's hand does to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Takes it out.
    Out,
    /// Puts it in.
    In,
    /// Takes it out in the middle of the next signature.
    OutAtSignature,
}

/// Moves a token; where there is none, nothing can be taken out.
pub type Hands = Option<Box<dyn FnMut(Hand) -> Result<()> + Send>>;

/// Longest that an insertion or removal may stay unseen by a module that is asked again and again.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks: several times faster than the program, and slow enough for PC/SC to notice a removal first.
const PACE: Duration = Duration::from_millis(250);

/// Does every act that is known to make sense, in order.
pub async fn visit(subject: &Subject, expected: &Expected, hands: Hands) -> Result<Vec<Finding>> {
    if let Some(words) = &expected.refused {
        let module = module(subject, expected);
        let refusal = async {
            match module.list().await {
                Err(error) if error.to_string().contains(words) => bail!("{error}"),
                other => bail!("the answer was to hold \"{words}\": {other:?}"),
            }
        };
        let because = Cannot { acts: Vec::new(), why: "it is not to be loaded".into(), answer: Some(words.clone()) };
        let mut finding = judged(Act::List, Some(&because), refusal).await;
        if let (Verdict::Cannot(why), Some(answer)) = (&mut finding.verdict, finding.note.take()) {
            *why = answer;
        }
        return Ok(vec![finding]);
    }
    if expected.empty {
        let nothing = async {
            let tokens = module(subject, expected).list().await?;
            ensure!(tokens.is_empty(), "there is nothing, but {tokens:?}");
            Ok(Some("no token".into()))
        };
        return Ok(vec![judged(Act::List, None, nothing).await]);
    }
    let mut visit = Visit {
        module: module(subject, expected),
        subject,
        expected,
        authority: Authority::new()?,
        id: String::new(),
        others: Vec::new(),
        made: Vec::new(),
        certificate: None,
        hands,
    };
    let mut findings = Vec::new();
    for act in Act::ALL {
        if visit.makes_sense(act) {
            findings.push(judged(act, expected.cannot(act), visit.act(act)).await);
        }
    }
    Ok(findings)
}

fn module(subject: &Subject, expected: &Expected) -> Module {
    let host = HostProgram { path: subject.host.clone(), environment: subject.environment.clone() };
    // A module that hangs in a signature is to be seen to, not waited for.
    let deadlines = Deadlines { sign: Duration::from_secs(10), ..Deadlines::default() };
    let mut quirks = pkcs11_profiles::quirks(&subject.module);
    if expected.unblock_by_puk {
        quirks.unblock = Unblock::Puk;
    }
    Module::with_quirks(host, subject.module.clone(), deadlines, quirks)
}

/// Sets what came of an act against what is known of it.
async fn judged(act: Act, cannot: Option<&Cannot>, outcome: impl Future<Output = Result<Option<String>>>) -> Finding {
    let start = Instant::now();
    let (verdict, note) = match cannot {
        Some(Cannot { why, answer: None, .. }) => (Verdict::Cannot(why.clone()), None),
        Some(Cannot { why, answer: Some(words), .. }) => match outcome.await {
            Err(error) if format!("{error:#}").contains(words) => {
                (Verdict::Cannot(why.clone()), Some(format!("{error:#}")))
            }
            Err(error) => (Verdict::Fails(format!("{error:#} (it was to say \"{words}\")")), None),
            Ok(_) => (Verdict::Fails(format!("it was thought to be unable: {why}")), None),
        },
        None => match outcome.await {
            Ok(note) => (Verdict::Ok, note),
            Err(error) => (Verdict::Fails(format!("{error:#}")), None),
        },
    };
    Finding { act, verdict, seconds: start.elapsed().as_secs_f64(), note }
}

struct Visit<'a> {
    module: Module,
    subject: &'a Subject,
    expected: &'a Expected,
    authority: Authority,
    id: String,
    /// The tokens beside it, by id.
    others: Vec<String>,
    made: Vec<KeyPair>,
    certificate: Option<Vec<u8>>,
    hands: Hands,
}

impl Visit<'_> {
    fn makes_sense(&self, act: Act) -> bool {
        match act {
            Act::List | Act::Certificates | Act::Objects => true,
            Act::Out | Act::In | Act::Lost => self.hands.is_some(),
            Act::Shown => self.expected.shown && self.hands.is_some(),
            Act::Doctor => {
                let in_reader = self.subject.environment.iter().any(|(name, _)| name == "PCSCLITE_CSOCK_NAME");
                in_reader && self.hands.is_some()
            }
            Act::Unblock => self.subject.so_pin.is_some() || self.expected.cannot(act).is_some(),
            Act::Journey => self.subject.journey && self.expected.journey.is_some(),
            Act::Lock => self.expected.wrong_pins.last() == Some(&Wrong::Locked),
            _ => self.subject.pin.is_some() || self.expected.cannot(act).is_some(),
        }
    }

    async fn act(&mut self, act: Act) -> Result<Option<String>> {
        if self.expected.login_for_each_key && (Act::MakeRsa..=Act::Write).contains(&act) {
            self.module.logout(&self.id).await?;
            self.log_in().await?;
        }
        match act {
            Act::List => return self.list().await,
            Act::Certificates => self.certificates().await,
            Act::WrongPin => self.wrong_pin(self.expected.wrong_pins.first().copied()).await,
            Act::Login => self.log_in().await,
            Act::MakeRsa => self.make(KeyAlgorithm::Rsa2048).await,
            Act::MakeEc => self.make(KeyAlgorithm::EcP256).await,
            Act::MakeP384 => self.make(KeyAlgorithm::EcP384).await,
            Act::SignPkcs1 => return self.sign(SignatureScheme::RsaPkcs1Sha256).await,
            Act::SignPss => return self.sign(SignatureScheme::RsaPssSha256).await,
            Act::SignEcdsa => return self.sign(SignatureScheme::EcdsaP256Sha256).await,
            Act::SignP384 => return self.sign(SignatureScheme::EcdsaP384Sha384).await,
            Act::Objects => return self.objects().await,
            Act::Write => self.write().await,
            Act::Remove => self.remove().await,
            Act::Logout => self.log_out().await,
            Act::Out => return self.moved(Hand::Out).await,
            Act::In => return self.moved(Hand::In).await,
            Act::Shown => {
                let hands = self.hands.as_mut().context("nothing can be taken out here")?;
                return shown::times(self.subject, hands).await.map(Some);
            }
            Act::Doctor => {
                let hands = self.hands.as_mut().context("nothing can be taken out here")?;
                return doctor::says(self.subject, hands).await.map(Some);
            }
            Act::Lost => return self.lost().await,
            Act::ChangePin => self.change_pin().await,
            Act::Journey => return self.journey(),
            Act::Lock => return self.lock().await,
            Act::Unblock => self.unblock().await,
        }
        .map(|()| None)
    }

    async fn list(&mut self) -> Result<Option<String>> {
        let tokens = self.module.list().await?;
        for token in &tokens {
            let texts = [&token.label, &token.manufacturer, &token.model, &token.serial];
            for text in texts {
                ensure!(text.trim() == text && !text.contains(char::is_control), "{text:?} still has its padding");
            }
            let same = tokens.iter().filter(|other| other.id == token.id).count();
            ensure!(same == 1 && token.id.len() == 64, "{same} tokens are called {}", token.id);
            ensure!(token.pin_max == 0 || token.pin_min <= token.pin_max, "no PIN fits: {token:?}");
        }
        let initialised: Vec<TokenInfo> = tokens.iter().filter(|token| token.initialised).cloned().collect();
        let token = self.find(tokens)?;
        let beside = initialised.into_iter().filter(|other| other.id != token.id);
        let (twins, others): (Vec<_>, Vec<_>) = beside.partition(|other| other.serial == token.serial);
        self.others = others.into_iter().map(|other| other.id).collect();
        let (beside, expected) = ((twins.len(), self.others.len()), (self.expected.twins, self.expected.others));
        ensure!(beside == expected, "twins and others: {beside:?} are listed, {expected:?} are there");
        ensure!(token.initialised && !token.logged_in, "a fresh token: {token:?}");
        ensure!(token.user_pin_set || self.subject.pin.is_none(), "it has a PIN: {token:?}");
        ensure!(token.write_protected == self.expected.write_protected, "write protection: {token:?}");
        ensure!(token.pin_pad == self.expected.pin_pad, "PIN pad: {token:?}");
        let serial = if token.serial.is_empty() { "no serial number" } else { &token.serial };
        let note = format!("{} · {} · {} · {serial}", token.label, token.manufacturer, token.model);
        self.id = token.id;
        Ok(Some(note))
    }

    async fn certificates(&self) -> Result<()> {
        let token = self.token().await?;
        let (there, expected) = (token.certificates.len(), self.expected.certificates);
        ensure!(there == expected, "{there} certificates were read, {expected} are there");
        for certificate in &token.certificates {
            let read = x509_parser::parse_x509_certificate(&certificate.der);
            ensure!(read.is_ok_and(|(rest, _)| rest.is_empty()), "{} does not read", certificate.label);
        }
        let keys = token.certificates.iter().filter(|certificate| certificate.has_private_key).count();
        ensure!(keys == self.expected.keys, "{keys} of them are said to have a key, {} have", self.expected.keys);
        Ok(())
    }

    async fn wrong_pin(&self, expected: Option<Wrong>) -> Result<()> {
        let expected = expected.context("modules.toml does not say what a wrong PIN is answered with")?;
        let told = self.module.login(&self.id, Pin::from_bytes(wrong(self.pin()?))).await;
        let (answer, tries) = match told {
            Err(TokenError::PinIncorrect { tries }) => (called(tries), Some(tries)),
            Err(TokenError::PinLocked) => (Wrong::Locked, None),
            other => bail!("a wrong PIN was answered with {other:?}"),
        };
        ensure!(answer == expected, "a wrong PIN was answered with {answer:?}, not {expected:?}");
        let token = self.token().await?;
        ensure!(!token.logged_in, "somebody is logged in after a wrong PIN");
        ensure!(tries.is_none_or(|tries| tries == token.tries), "the list says {:?} afterwards", token.tries);
        Ok(())
    }

    async fn log_in(&self) -> Result<()> {
        self.module.login(&self.id, self.typed_pin()?).await?;
        ensure!(self.token().await?.logged_in, "the list does not show the login");
        Ok(())
    }

    async fn make(&mut self, algorithm: KeyAlgorithm) -> Result<()> {
        let provisional = format!("provisional {algorithm:?}").into_bytes();
        let pair = match self.module.generate_key_pair(&self.id, algorithm, "证办通 lab", provisional).await {
            Ok(pair) => pair,
            Err(refused) => {
                // What a failed write left is looked for afresh, by a new helper where there is doubt; the key then wants its
                // PIN again, and must say so.
                if !self.token().await?.logged_in {
                    let pairs = self.module.key_pairs(&self.id).await;
                    ensure!(
                        pairs == Err(TokenError::NotLoggedIn),
                        "without login the keys were answered with {pairs:?}"
                    );
                    self.log_in().await?;
                }
                return Err(refused.into());
            }
        };
        ensure!(pair.algorithm == algorithm && !pair.has_certificate, "another pair was made: {pair:?}");
        let pairs = self.module.key_pairs(&self.id).await?;
        ensure!(pairs.contains(&pair), "the new pair is not listed: {pairs:?}");
        self.made.push(pair);
        Ok(())
    }

    async fn sign(&self, scheme: SignatureScheme) -> Result<Option<String>> {
        let key = self.key(scheme).await?;
        let message = format!("{scheme:?} by {}", self.subject.name).into_bytes();
        let (signature, note) = match self.module.sign(&self.id, &key.key_id, scheme, message.clone()).await {
            Err(TokenError::PinAgain) => {
                let digest = Sha256::digest(&message).to_vec();
                let with = |pin| self.module.sign_digest_with_pin(&self.id, &key.key_id, scheme, digest.clone(), pin);
                let refused = with(Pin::from_bytes(wrong(self.pin()?))).await;
                ensure!(
                    matches!(refused, Err(TokenError::PinIncorrect { .. })),
                    "a wrong PIN was answered {refused:?}"
                );
                // Some modules end the login with it; then the next signature begins with a login.
                let still = self.token().await?.logged_in;
                if !still {
                    self.log_in().await?;
                }
                let signed = with(self.typed_pin()?).await?;
                let left = if still { "" } else { "; the wrong one ended the login" };
                (signed, Some(format!("with the PIN typed again for it, wrong and right{left}")))
            }
            other => (other?, None),
        };
        judge::verify(&self.subject.folder, &key.spki_der, scheme, &message, &signature)?;
        Ok(note)
    }

    async fn objects(&self) -> Result<Option<String>> {
        let objects = self.module.objects(&self.id).await?;
        let made = self.made.iter().all(|pair| objects.iter().any(|object| object.id == pair.key_id));
        ensure!(made, "a key made here is not among them: {objects:?}");
        Ok(Some(format!("{} objects", objects.len())))
    }

    async fn write(&mut self) -> Result<()> {
        let pair = self.made.first().context("no key pair was made to write a certificate for")?;
        let der = self.authority.certify(&pair.spki_der, "福州云帆 lab")?;
        self.module.put_certificate(&self.id, &pair.key_id, der.clone(), "福州云帆").await?;
        self.module.logout(&self.id).await?;
        let token = self.token().await?;
        let there = token.certificates.iter().find(|certificate| certificate.der == der);
        let there = there.context("the certificate is not found without login")?;
        ensure!(there.has_private_key, "it is found without its key");
        ensure!(there.label == "福州云帆", "its label became {:?}", there.label);
        self.certificate = Some(der);
        self.log_in().await
    }

    async fn remove(&mut self) -> Result<()> {
        ensure!(!self.made.is_empty(), "nothing was made that could be removed");
        if let Some(der) = self.certificate.take() {
            self.module.remove_certificate(&self.id, der.clone()).await?;
            let token = self.token().await?;
            ensure!(token.certificates.iter().all(|left| left.der != der), "the certificate is still there");
        }
        for pair in std::mem::take(&mut self.made) {
            self.module.remove_key_pair(&self.id, &pair.key_id).await?;
            let left = self.module.key_pairs(&self.id).await?;
            ensure!(left.iter().all(|left| left.spki_der != pair.spki_der), "a key pair is still there");
        }
        Ok(())
    }

    async fn log_out(&self) -> Result<()> {
        self.module.logout(&self.id).await?;
        ensure!(!self.token().await?.logged_in, "the list still shows a login");
        let pairs = self.module.key_pairs(&self.id).await;
        ensure!(pairs == Err(TokenError::NotLoggedIn), "without login the keys were answered with {pairs:?}");
        Ok(())
    }

    async fn moved(&mut self, hand: Hand) -> Result<Option<String>> {
        self.hand(hand)?;
        let since = Instant::now();
        if hand == Hand::Out {
            tokio::time::sleep(PACE).await;
        }
        Ok(Some(self.seen(since, hand == Hand::In, false).await?))
    }

    async fn lost(&mut self) -> Result<Option<String>> {
        self.seen(Instant::now(), true, false).await?;
        self.log_in().await?;
        let (scheme, key) = match self.key(SignatureScheme::EcdsaP256Sha256).await {
            Ok(key) => (SignatureScheme::EcdsaP256Sha256, key),
            Err(_) => (SignatureScheme::RsaPkcs1Sha256, self.key(SignatureScheme::RsaPkcs1Sha256).await?),
        };
        self.hand(Hand::OutAtSignature)?;
        let start = Instant::now();
        let told = self.module.sign(&self.id, &key.key_id, scheme, b"lost".to_vec()).await;
        let mut told =
            format!("{} after {} ms", told.err().context("it was signed all the same")?, start.elapsed().as_millis());
        let after = async {
            told += &format!("; {}", self.seen(Instant::now(), false, true).await?);
            self.hand(Hand::In)?;
            told += &format!("; back {}", self.seen(Instant::now(), true, false).await?);
            self.log_in().await?;
            self.sign(scheme).await
        };
        match after.await {
            Ok(_) => Ok(Some(told)),
            Err(error) => Err(error.context(told)),
        }
    }

    async fn change_pin(&self) -> Result<()> {
        let token = self.token().await?;
        if token.pin_max > 0 {
            let long = Pin::from_bytes(vec![b'1'; token.pin_max as usize + 1]);
            let told = self.module.change_pin(&self.id, self.typed_pin()?, long).await;
            ensure!(told == Err(TokenError::NewPinLength), "a PIN that is too long was answered with {told:?}");
        }
        let other = || self.pin().map(|pin| Pin::from_bytes(wrong(pin)));
        self.module.change_pin(&self.id, self.typed_pin()?, other()?).await?;
        self.module.login(&self.id, other()?).await.context("the new PIN does not log in")?;
        self.module.change_pin(&self.id, other()?, self.typed_pin()?).await.context("it is not changed back")?;
        self.log_in().await?;
        self.log_out().await
    }

    /// By the command line, a process of its own, as a person's program would be one.
    fn journey(&self) -> Result<Option<String>> {
        let folder = self.subject.folder.join("journey");
        let algorithm = self.expected.journey.as_deref().context("modules.toml names no algorithm")?;
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("pin"), self.pin()?)?;
        // An operator decides which algorithms are taken; this one takes all that certificates are made for here.
        let root = stage::project_root()?;
        let own = fs::read_to_string(root.join("src-tauri/crates/service/data/catalogue.json"))?;
        let mut catalogue: serde_json::Value = serde_json::from_str(&own)?;
        for offer in catalogue["offers"].as_array_mut().into_iter().flatten() {
            offer["key_algorithms"] = serde_json::to_value([
                KeyAlgorithm::Rsa2048,
                KeyAlgorithm::Rsa3072,
                KeyAlgorithm::EcP256,
                KeyAlgorithm::EcP384,
            ])?;
        }
        let file = folder.join("catalogue.json");
        fs::write(&file, catalogue.to_string())?;
        let options = ["--catalogue".as_ref(), file.as_os_str()];
        let service = stage::Service::start_with(&folder.join("service"), "127.0.0.1:0", &options)?;
        let output = Command::new(stage::program("certdesk-cli")?)
            .args(["journey", "--json", "--algorithm", algorithm, "--demo"])
            .arg(&service.ready.file)
            .arg("--module")
            .arg(&self.subject.module)
            .args(self.subject.label.iter().flat_map(|label| ["--key", label]))
            .args(["--pin-file".as_ref(), folder.join("pin").as_os_str()])
            .args(["--files".as_ref(), root.join("tests/fixtures/files").as_os_str()])
            .args(["--data".as_ref(), folder.join("data").as_os_str()])
            .envs(self.subject.environment.iter().map(|(name, value)| (name, value)))
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", words.trim());
        Ok(Some(format!(
            "with an {algorithm} key, {} steps",
            words.lines().filter(|line| line.starts_with('·')).count()
        )))
    }

    async fn unblock(&self) -> Result<()> {
        let so_pin = self.subject.so_pin.as_deref().context("this token has no security officer")?;
        self.module.unblock(&self.id, Pin::from_bytes(so_pin.into()), self.typed_pin()?).await?;
        ensure!(self.token().await?.tries != PinTries::Locked, "unblocked, it is said to be locked");
        self.log_in().await?;
        ensure!(self.token().await?.tries != PinTries::Locked, "it still says that it is locked");
        self.log_out().await
    }

    async fn lock(&self) -> Result<Option<String>> {
        for (n, answer) in self.expected.wrong_pins.iter().enumerate() {
            self.wrong_pin(Some(*answer)).await.with_context(|| format!("wrong PIN number {}", n + 1))?;
        }
        let right = self.module.login(&self.id, self.typed_pin()?).await;
        ensure!(right == Err(TokenError::PinLocked), "the right PIN is now answered with {right:?}");
        let tries = self.token().await?.tries;
        Ok(Some(format!("after {} wrong PINs; the list says {tries:?}", self.expected.wrong_pins.len() - 1)))
    }

    async fn token(&self) -> Result<TokenInfo> {
        let tokens = self.module.list().await?;
        tokens.into_iter().find(|token| token.id == self.id).context("the token is gone from the list")
    }

    fn find(&self, mut tokens: Vec<TokenInfo>) -> Result<TokenInfo> {
        let all = format!("{tokens:?}");
        tokens.retain(|token| match &self.subject.label {
            Some(label) => token.label == *label,
            None => token.initialised,
        });
        ensure!(tokens.len() == 1, "one token {:?} is to be there: {all}", self.subject.label);
        Ok(tokens.remove(0))
    }

    /// One made here, else one that was there.
    async fn key(&self, scheme: SignatureScheme) -> Result<KeyPair> {
        let there = self.module.key_pairs(&self.id).await?;
        let fits = |pair: &&KeyPair| match scheme {
            SignatureScheme::RsaPssSha256 => pair.algorithm == KeyAlgorithm::Rsa2048,
            _ => pair.algorithm.scheme() == scheme,
        };
        let key = self.made.iter().find(fits).or_else(|| there.iter().find(fits));
        key.cloned().context("there is no such key to sign with")
    }

    /// Asks until the token is listed, or no more; where it may come back by itself, the end of its login will do.
    /// Tells how long that took and what else was answered meanwhile.
    async fn seen(&self, since: Instant, there: bool, or_logged_out: bool) -> Result<String> {
        let mut meanwhile = String::new();
        while since.elapsed() < SEEN_WITHIN {
            match self.module.list().await {
                Ok(tokens) => {
                    let token = tokens.iter().find(|token| token.id == self.id);
                    let others = self.others.iter().all(|id| tokens.iter().any(|token| token.id == *id));
                    ensure!(others, "another token went with it: {tokens:?}");
                    if token.is_some() == there || (or_logged_out && token.is_some_and(|token| !token.logged_in)) {
                        return Ok(format!("seen after {} ms{meanwhile}", since.elapsed().as_millis()));
                    }
                }
                Err(error) => meanwhile = format!(" ({error})"),
            }
            tokio::time::sleep(PACE).await;
        }
        bail!("the token is not seen to {} within {SEEN_WITHIN:?}{meanwhile}", if there { "come" } else { "go" })
    }

    fn hand(&mut self, hand: Hand) -> Result<()> {
        self.hands.as_mut().context("nothing can be taken out here")?(hand)
    }

    fn typed_pin(&self) -> Result<Pin> {
        self.pin().map(|pin| Pin::from_bytes(pin.into()))
    }

    fn pin(&self) -> Result<&str> {
        self.subject.pin.as_deref().context("this token has no PIN")
    }
}

/// Another PIN of the same length and the same kind of characters.
fn wrong(pin: &str) -> Vec<u8> {
    pin.bytes().map(|digit| b'0' + b'9' - digit).collect()
}

fn called(tries: PinTries) -> Wrong {
    match tries {
        PinTries::NoWarning => Wrong::NoWarning,
        PinTries::Few => Wrong::Few,
        PinTries::Last => Wrong::Last,
        PinTries::Locked => Wrong::WrongAndLocked,
        PinTries::Unknown => Wrong::Unknown,
    }
}
