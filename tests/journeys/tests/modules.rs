//! Which driver modules are used: found, added, preferred, switched off, and remembered.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use certdesk_controller::{
    Controller, LocalCode, Options,
    view::{ModuleFault, ModuleOrigin, ModuleUse, ModuleView, ModulesView},
};
use journeys::{Stage, failed, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_two_modules_show_is_shown_once_and_a_person_may_choose_by_which() -> Result<()> {
    let stage = Stage::set()?;
    let softhsm = stage.options()?.modules.first().context("the stage has a module")?.canonicalize()?;
    let certdesk = Controller::start(looking_around(&stage)?);
    assert_eq!(our_keys(&certdesk).await?, 1, "the profiles find the driver, it shows the key");
    let view = certdesk.modules().await.map_err(failed)?;
    let found = module(&view, &softhsm)?;
    assert_eq!((found.profile.as_deref(), &found.fault), (Some("softhsm"), &None), "{found:?}");

    let twin = stage.scratch().join("驱动 副本").join("libtwin.so");
    std::fs::create_dir_all(twin.parent().context("it has a folder")?)?;
    std::fs::copy(&softhsm, &twin)?;
    let view = certdesk.add_module_file(twin.clone()).await.map_err(failed)?;
    let added = module(&view, &twin)?;
    assert!(added.added && added.origin == ModuleOrigin::Chosen && added.fault.is_none(), "it is added: {added:?}");
    let shown = async |certdesk: &Controller| -> Result<(usize, u32, u32)> {
        let keys = our_keys(certdesk).await?;
        let view = certdesk.modules().await.map_err(failed)?;
        Ok((keys, module(&view, &softhsm)?.folded_keys, module(&view, &twin)?.folded_keys))
    };
    assert_eq!(shown(&certdesk).await?, (1, 1, 0), "one key; what a person added goes first");
    certdesk.set_module(found.path.clone(), ModuleUse::Always).await.map_err(failed)?;
    assert_eq!(shown(&certdesk).await?, (1, 0, 1), "and what a person pinned goes before that");
    let view = certdesk.set_module(found.path.clone(), ModuleUse::Never).await.map_err(failed)?;
    assert_eq!(module(&view, &softhsm)?.fault, Some(ModuleFault::Banned), "switched off");
    assert_eq!(shown(&certdesk).await?, (1, 0, 0), "the other one shows the key alone");
    drop(certdesk);

    let again = Controller::start(looking_around(&stage)?);
    assert_eq!(shown(&again).await?, (1, 0, 0), "the next start remembers");
    let view = again.modules().await.map_err(failed)?;
    assert_eq!(module(&view, &softhsm)?.choice, ModuleUse::Never);
    let view = again.remove_module(added.path.clone()).await.map_err(failed)?;
    assert!(module(&view, &twin).is_err(), "what was added can be taken off again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_driver_is_not_added() -> Result<()> {
    let stage = Stage::set()?;
    let certdesk = Controller::start(looking_around(&stage)?);
    let before = certdesk.modules().await.map_err(failed)?.modules.len();
    let letter = stage.scratch().join("说明.so");
    std::fs::write(&letter, "请先安装驱动")?;
    assert_eq!(told(certdesk.add_module_file(letter).await)?, LocalCode::NotADriver, "a letter");
    let program = std::env::current_exe()?;
    assert_eq!(told(certdesk.add_module_file(program).await)?, LocalCode::NotADriver, "a program without the entry");
    let narrow = stage.scratch().join("libnarrow.so");
    let mut head = vec![0; 64];
    head[..6].copy_from_slice(b"\x7fELF\x01\x01");
    head[18] = 3;
    std::fs::write(&narrow, head)?;
    let told_of = told(certdesk.add_module_file(narrow).await)?;
    assert_eq!(told_of, LocalCode::DriverWrongArchitecture, "a 32-bit driver is named as that");
    let gone = stage.scratch().join("libgone.so");
    assert_eq!(told(certdesk.add_module_file(gone).await)?, LocalCode::DriverMissing, "a file that is not there");
    assert_eq!(told(certdesk.set_module("/etc/passwd".into(), ModuleUse::Always).await)?, LocalCode::Gone);
    assert_eq!(certdesk.modules().await.map_err(failed)?.modules.len(), before, "nothing was added");
    Ok(())
}

/// How often the stage's key is on the strip. The computer may have drivers that show other tokens.
async fn our_keys(certdesk: &Controller) -> Result<usize> {
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    Ok(strip.keys.iter().filter(|key| key.label == "证办通测试锁").count())
}

/// A program that is told of no module and looks for itself.
fn looking_around(stage: &Stage) -> Result<Options> {
    Ok(Options { modules: Vec::new(), ..stage.options()? })
}

fn module(view: &ModulesView, path: &Path) -> Result<ModuleView> {
    let is_it = |module: &&ModuleView| PathBuf::from(&module.path).canonicalize().is_ok_and(|real| real == path);
    view.modules.iter().find(is_it).cloned().with_context(|| format!("{} is not among {view:?}", path.display()))
}
