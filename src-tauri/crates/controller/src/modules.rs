//! 服务支持, driver modules: which this computer has, why one is not used, and what a person wants of them.

use std::path::PathBuf;

use certdesk_token::{FoundModule, ModuleFault};
use serde::{Deserialize, Serialize};

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    picker::OpenQuestion,
    view::{Locale, ModuleUse, ModuleView, ModulesView},
};

/// What a person wants of modules, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Choices {
    /// Named by a person.
    pub(crate) added: Vec<PathBuf>,
    /// Preferred to every other, and loaded although a library seems to be missing.
    pub(crate) always: Vec<PathBuf>,
    /// Not loaded.
    pub(crate) never: Vec<PathBuf>,
}

impl Choices {
    fn of(&self, path: &PathBuf) -> ModuleUse {
        match (self.never.contains(path), self.always.contains(path)) {
            (true, _) => ModuleUse::Never,
            (_, true) => ModuleUse::Always,
            _ => ModuleUse::Auto,
        }
    }

    fn choose(&mut self, path: &PathBuf, choice: ModuleUse) {
        for list in [&mut self.always, &mut self.never] {
            list.retain(|held| held != path);
        }
        match choice {
            ModuleUse::Auto => {}
            ModuleUse::Always => self.always.push(path.clone()),
            ModuleUse::Never => self.never.push(path.clone()),
        }
    }
}

const CHOICES: &str = "modules";

impl Controller {
    /// The modules of this computer, as found now.
    pub async fn modules(&self) -> Result<ModulesView, Failure> {
        self.load_module_choices().await;
        let choices = self.inner.keys.choices();
        let found = self.inner.keys.found().await;
        let folded = self.inner.keys.folded();
        let modules = found.iter().map(|module| {
            let also = folded.iter().filter(|path| **path == module.path).count();
            module_view(module, &choices, u32::try_from(also).unwrap_or(u32::MAX))
        });
        Ok(ModulesView { modules: modules.collect(), profiles: self.profiles_view() })
    }

    /// Asks for a module by the native dialog and adds it.
    ///
    /// # Errors
    /// `not_a_driver` and `driver_wrong_architecture`: nothing was added.
    pub async fn add_module(&self) -> Result<ModulesView, Failure> {
        let locale = self.state().settings.locale;
        let (title, filter) = match locale {
            Locale::ZhCn => ("选择认证锁驱动文件", "驱动文件"),
            Locale::En => ("Choose the key's driver file", "Driver files"),
        };
        let filter = (filter.to_owned(), ENDINGS.iter().map(|ending| (*ending).to_owned()).collect());
        let question = OpenQuestion { title: title.to_owned(), filter, many: false };
        match self.inner.options.picker.open(question).await?.and_then(|paths| paths.into_iter().next()) {
            Some(path) => self.add_module_file(path).await,
            None => self.modules().await,
        }
    }

    /// Adds a module by its absolute path.
    ///
    /// # Errors
    /// As [`Controller::add_module`].
    pub async fn add_module_file(&self, path: PathBuf) -> Result<ModulesView, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What is kept is text.
        let fits = path.is_absolute() && path.to_str().is_some();
        if !fits {
            return Err(Failure::new(LocalCode::NotADriver).with_detail(name));
        }
        match self.inner.keys.judge(path.clone()).await.and_then(|found| found.fault) {
            Some(ModuleFault::NotALibrary | ModuleFault::NotAModule | ModuleFault::OtherInterface { .. }) => {
                Err(Failure::new(LocalCode::NotADriver).with_detail(name))
            }
            Some(ModuleFault::Gone) => Err(Failure::new(LocalCode::DriverMissing).with_detail(name)),
            Some(ModuleFault::OtherMachine { machine, bits }) => {
                let detail = format!("{name}: {machine}, {bits} bit");
                Err(Failure::new(LocalCode::DriverWrongArchitecture).with_detail(detail))
            }
            Some(ModuleFault::MissingLibraries { .. } | ModuleFault::Banned) | None => {
                self.change_choices(|choices| {
                    choices.never.retain(|held| *held != path);
                    if !choices.added.contains(&path) {
                        choices.added.push(path);
                    }
                })
                .await
            }
        }
    }

    /// Whether a module is used: as the program sees fit, in any case, or not at all.
    ///
    /// # Errors
    /// `gone`: no such module is known here.
    pub async fn set_module(&self, path: String, choice: ModuleUse) -> Result<ModulesView, Failure> {
        let path = self.known_module(path).await?;
        self.change_choices(|choices| choices.choose(&path, choice)).await
    }

    /// Takes a module that a person added off the list again.
    ///
    /// # Errors
    /// `gone`: no such module is known here.
    pub async fn remove_module(&self, path: String) -> Result<ModulesView, Failure> {
        let path = self.known_module(path).await?;
        self.change_choices(|choices| {
            choices.choose(&path, ModuleUse::Auto);
            choices.added.retain(|held| *held != path);
        })
        .await
    }

    /// Reads once what was chosen at an earlier start; nothing where that fails.
    pub(crate) async fn load_module_choices(&self) {
        // What is known of modules decides which are found.
        self.load_profiles().await;
        let load = async || match self.with_cache(|cache| cache.setting::<Choices>(CHOICES)).await {
            Ok(kept) => self.inner.keys.choose(kept.unwrap_or_default()).await,
            Err(failure) => tracing::warn!(code = ?failure.code, "choices of modules not read"),
        };
        self.inner.modules_read.get_or_init(load).await;
    }

    /// The page names modules that it was shown, and no others.
    async fn known_module(&self, path: String) -> Result<PathBuf, Failure> {
        self.load_module_choices().await;
        let path = PathBuf::from(path);
        let added = self.inner.keys.choices().added.contains(&path);
        let known = added || self.inner.keys.found().await.iter().any(|module| module.path == path);
        known.then_some(path).ok_or(LocalCode::Gone.into())
    }

    async fn change_choices(&self, change: impl FnOnce(&mut Choices)) -> Result<ModulesView, Failure> {
        self.load_module_choices().await;
        let mut choices = self.inner.keys.choices();
        change(&mut choices);
        let kept = choices.clone();
        self.with_cache(move |cache| cache.put_setting(CHOICES, &kept)).await?;
        self.inner.keys.choose(choices).await;
        self.refresh_keys().await?;
        self.modules().await
    }
}

/// Endings of modules, for the dialog. On Linux many carry their version behind; a macOS framework's has none.
const ENDINGS: &[&str] = match std::env::consts::OS.as_bytes() {
    b"windows" => &["dll"],
    b"macos" => &["*"],
    _ => &["so", "so.*"],
};

fn module_view(module: &FoundModule, choices: &Choices, folded_keys: u32) -> ModuleView {
    let profile = module.profile.as_deref().and_then(pkcs11_profiles::by_id);
    ModuleView {
        path: module.path.to_string_lossy().into_owned(),
        file_name: module.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        name: module.name.clone(),
        vendor: profile.map(|profile| profile.vendor.clone()),
        profile: module.profile.clone(),
        notes: profile.and_then(|profile| profile.notes.clone()),
        origin: module.origin.clone(),
        added: choices.added.contains(&module.path),
        choice: choices.of(&module.path),
        fault: module.fault.clone(),
        folded_keys,
    }
}
