//! One driven window, from its start to its end.

use std::{
    ffi::OsString,
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::CmdError, key::Key, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use stage::{Desktop, Running, descendants, end_tree};

use crate::within::{PATIENCE, until, within};

/// What to start.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program.
    pub binary: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables beside the desktop's own.
    pub environment: Vec<(OsString, OsString)>,
}

/// The real program with a driver on it. Call [`Window::close`] in the end; dropping it ends both as well, the hard way.
#[derive(Debug)]
pub struct Window {
    client: Client,
    app: u32,
    // Ended on drop, with the program and WebKit's processes below it.
    driver: Running,
}

impl Window {
    /// Starts the program on `desktop` and waits until its page is loaded.
    ///
    /// # Errors
    /// When the driver or the program does not start, or the program was built without `e2e`.
    pub async fn start(desktop: &Desktop, start: &Start) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Running::start(
            desktop
                .command("WebKitWebDriver")?
                .args(["--host=127.0.0.1", &format!("--port={port}"), "--replace-on-new-session"])
                .envs(start.environment.iter().cloned())
                .env("TAURI_WEBVIEW_AUTOMATION", "true")
                // Where a print dialog puts its file.
                .current_dir(desktop.home()),
        )?;
        until("the driver's port", PATIENCE, async || TcpStream::connect(("127.0.0.1", port)).ok()).await?;

        let binary =
            fs::canonicalize(&start.binary).with_context(|| format!("no program {}", start.binary.display()))?;
        let arguments: Vec<_> = start.arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        let mut wishes = Capabilities::new();
        wishes.insert("webkitgtk:browserOptions".into(), json!({ "binary": binary, "args": arguments }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(wishes);
        let address = format!("http://127.0.0.1:{port}");
        let client = within("the window's start", Duration::from_secs(60), connecting.connect(&address)).await?;
        let is_app = |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == binary);
        let app =
            descendants(driver.pid()).into_iter().find(is_app).context("the driven program is not to be found")?;
        let window = Self { client, app, driver };
        until("the page", PATIENCE, async || {
            let state = window.script("return document.readyState + location.protocol").await.ok()?;
            (state.as_str() == Some("completetauri:")).then_some(())
        })
        .await?;
        Ok(window)
    }

    /// Process id of the program.
    pub fn pid(&self) -> u32 {
        self.app
    }

    /// Closes the window as a person would not notice, and waits until nothing of it runs.
    ///
    /// # Errors
    /// When the program does not end.
    pub async fn close(self) -> Result<()> {
        let Self { client, app, driver } = self;
        let all: Vec<_> = std::iter::once(app).chain(descendants(app)).collect();
        within("the end of the session", PATIENCE, client.close()).await?;
        // A driver that is ended too early leaves the program running.
        let gone = |pid: &u32| !Path::new(&format!("/proc/{pid}")).exists();
        let ended =
            until("the program's end", Duration::from_secs(5), async || all.iter().all(gone).then_some(())).await;
        drop(driver);
        all.into_iter().filter(|pid| !gone(pid)).for_each(end_tree);
        ended
    }

    /// Ends the program at once, as a power cut would, with whatever it started. The window is of no use afterwards.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn kill(&self) -> Result<()> {
        let below = descendants(self.app);
        let status = Command::new("kill").args(["-KILL", &self.app.to_string()]).status()?;
        ensure!(status.success(), "the program had ended before it could be killed");
        below.into_iter().for_each(end_tree);
        Ok(())
    }

    /// Waits until the element marked `data-testid="id"` is shown.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn by_testid(&self, id: &str) -> Result<Element> {
        let selector = testid(id);
        until(&format!("“{id}” on the page"), PATIENCE, async || {
            let element = self.client.find(Locator::Css(&selector)).await.ok()?;
            element.is_displayed().await.ok()?.then_some(element)
        })
        .await
    }

    /// Waits until it carries this attribute with this value, for example `data-state`.
    ///
    /// # Errors
    /// When it does not; the message says what it carried.
    pub async fn wait_for_attribute(&self, id: &str, name: &str, value: &str) -> Result<()> {
        let mut seen = None;
        let found = until(&format!("{name}={value} of “{id}”"), PATIENCE, async || {
            seen = self.client.find(Locator::Css(&testid(id))).await.ok()?.attr(name).await.ok()?;
            (seen.as_deref() == Some(value)).then_some(())
        })
        .await;
        found.with_context(|| format!("it was {seen:?}"))
    }

    /// Whether it is shown now.
    pub async fn shows(&self, id: &str) -> bool {
        let Ok(element) = self.client.find(Locator::Css(&testid(id))).await else { return false };
        element.is_displayed().await.unwrap_or(false)
    }

    /// Waits until it is gone.
    ///
    /// # Errors
    /// When it stays.
    pub async fn wait_gone(&self, id: &str) -> Result<()> {
        until(&format!("the end of “{id}”"), PATIENCE, async || (!self.shows(id).await).then_some(())).await
    }

    /// Waits until it is enabled, then clicks it.
    ///
    /// # Errors
    /// When it does not come, stays disabled or is covered.
    pub async fn click(&self, id: &str) -> Result<()> {
        self.again_and_again("a click on", id, async || self.click_now(id).await).await
    }

    /// Clicks a button that stays busy while the system asks the person something; again where a click went beside it.
    ///
    /// # Errors
    /// When it does not come or does not get busy.
    pub async fn click_until_busy(&self, id: &str) -> Result<()> {
        let selector = testid(id);
        let mut clicked = false;
        self.again_and_again("a click that is heard by", id, async || {
            let button = self.client.find(Locator::Css(&selector)).await.map_err(told)?;
            let busy = button.attr("aria-busy").await.map_err(told)?.as_deref() == Some("true");
            ensure!(clicked || !busy, "“{id}” is busy with something from before");
            if !busy {
                self.click_now(id).await?;
                clicked = true;
            }
            ensure!(busy, "“{id}” was clicked and is not busy yet");
            Ok(())
        })
        .await
    }

    /// Clicks it as it stands.
    ///
    /// # Errors
    /// When it is not there, disabled or covered.
    pub async fn click_now(&self, id: &str) -> Result<()> {
        let element = self.client.find(Locator::Css(&testid(id))).await.map_err(told)?;
        ensure!(element.is_enabled().await.map_err(told)?, "“{id}” is disabled");
        // Reka's buttons say it by the attribute.
        let disabled = element.attr("aria-disabled").await.map_err(told)?;
        ensure!(disabled.as_deref() != Some("true"), "“{id}” is disabled");
        element.click().await.map_err(told)
    }

    /// Replaces what a field holds by `text`, typed.
    ///
    /// # Errors
    /// When the field does not come or does not take it.
    pub async fn type_into(&self, id: &str, text: &str) -> Result<()> {
        self.again_and_again("typing into", id, async || self.try_type(id, text).await).await
    }

    async fn try_type(&self, id: &str, text: &str) -> Result<()> {
        let field = self.client.find(Locator::Css(&testid(id))).await.map_err(told)?;
        field.clear().await.map_err(told)?;
        field.send_keys(text).await.map_err(told)?;
        let value = field.prop("value").await.map_err(told)?.unwrap_or_default();
        let secret = field.attr("type").await.map_err(told)?.as_deref() == Some("password");
        ensure!(value == text || (secret && value.len() == text.len()), "“{id}” holds “{value}”, not “{text}”");
        Ok(())
    }

    /// Pages draw themselves anew while they are used, and things hide under what sticks to the window's edges: what
    /// failed is tried again on the page of now, scrolled to as a person would.
    async fn again_and_again(&self, what: &str, id: &str, mut act: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let selector = testid(id);
        let closer = format!("document.querySelector('{selector}')?.scrollIntoView({{ block: 'center' }})");
        let mut last = String::new();
        let done = until(&format!("{what} “{id}”"), PATIENCE, async || {
            let Err(error) = act().await else { return Some(()) };
            last = format!("{error:#}");
            let _ = self.client.execute(&closer, Vec::new()).await;
            None
        })
        .await;
        done.with_context(|| last)
    }

    /// Chooses an option of a native `<select>` by its value.
    ///
    /// # Errors
    /// When it has no such option.
    pub async fn select(&self, id: &str, value: &str) -> Result<()> {
        let field = self.by_testid(id).await?;
        until(&format!("the option {value} of “{id}”"), PATIENCE, async || field.select_by_value(value).await.ok())
            .await
    }

    /// What a field holds.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn value_of(&self, id: &str) -> Result<String> {
        Ok(self.by_testid(id).await?.prop("value").await.map_err(told)?.unwrap_or_default())
    }

    /// The words of an element.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn text_of(&self, id: &str) -> Result<String> {
        self.by_testid(id).await?.text().await.map_err(told)
    }

    /// Waits until the element holds `text`, and answers with all its words.
    ///
    /// # Errors
    /// When it does not; the message says what it held.
    pub async fn wait_for_text(&self, id: &str, text: &str) -> Result<String> {
        let mut seen = String::new();
        let found = until(&format!("“{text}” in “{id}”"), PATIENCE, async || {
            seen = self.client.find(Locator::Css(&testid(id))).await.ok()?.text().await.ok()?;
            seen.contains(text).then(|| seen.clone())
        })
        .await;
        found.with_context(|| format!("it held “{seen}”"))
    }

    /// Presses one key, where the keyboard's focus is.
    ///
    /// # Errors
    /// When nothing has the focus.
    pub async fn press(&self, key: Key) -> Result<()> {
        self.client.active_element().await.map_err(told)?.send_keys(&key.to_string()).await.map_err(told)
    }

    /// Goes to the open window of this title, for example the demo's desk.
    ///
    /// # Errors
    /// When there is none.
    pub async fn switch_to(&self, title: &str) -> Result<()> {
        until(&format!("the window {title}"), PATIENCE, async || {
            for window in self.client.windows().await.ok()? {
                self.client.switch_to_window(window).await.ok()?;
                if self.client.title().await.ok()?.contains(title) {
                    return Some(());
                }
            }
            None
        })
        .await
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// What it throws.
    pub async fn script(&self, script: &str) -> Result<Value> {
        within("a script", PATIENCE, self.client.execute(script, Vec::new())).await
    }

    /// Runs a script that answers through its last argument.
    ///
    /// # Errors
    /// What it throws, and when it does not answer.
    pub async fn script_async(&self, script: &str) -> Result<Value> {
        within("a script", PATIENCE, self.client.execute_async(script, Vec::new())).await
    }

    /// Scrolls the element into sight and tells where its middle is on the screen, pixels.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn middle_on_screen(&self, id: &str) -> Result<(i64, i64)> {
        self.by_testid(id).await?;
        let script = format!(
            "const element = document.querySelector('{}'); element.scrollIntoView({{ block: 'center' }}); \
             const box = element.getBoundingClientRect(); \
             return [screenX + box.left + box.width / 2, screenY + box.top + box.height / 2].map(Math.round)",
            testid(id)
        );
        let place = self.script(&script).await?;
        let number = |index: usize| place[index].as_i64().with_context(|| format!("“{id}” has no place: {place}"));
        Ok((number(0)?, number(1)?))
    }

    /// Sets the window's size, pixels.
    ///
    /// # Errors
    /// When it has another one afterwards.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        within("the window's new size", PATIENCE, self.client.set_window_size(width, height)).await?;
        self.settle().await
    }

    /// Writes what is shown to `file` (PNG).
    ///
    /// # Errors
    /// When the picture cannot be taken or written.
    pub async fn screenshot(&self, file: &Path) -> Result<()> {
        self.settle().await?;
        let picture = within("a screenshot", PATIENCE, self.client.screenshot()).await?;
        if picture.is_empty() {
            bail!("the screenshot is empty");
        }
        fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Waits until what the page holds has been painted: two frames on, and fonts and pictures there. A picture taken at
    /// once shows the frame before.
    async fn settle(&self) -> Result<()> {
        let script = "const done = arguments[arguments.length - 1]; \
                      Promise.all([document.fonts.ready, ...Array.from(document.images, i => i.decode().catch(() => 0)), \
                      ...document.getAnimations().filter(a => a.effect.getComputedTiming().endTime < 2000) \
                      .map(a => a.finished.catch(() => 0))]) \
                      .then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));";
        self.script_async(script).await.map(drop)
    }
}

/// The driver's own word for it (`ElementNotInteractable`) is in the debug form alone.
fn told(error: CmdError) -> anyhow::Error {
    match error {
        CmdError::Standard(answer) => anyhow!("{:?} {}", answer.error, answer.message),
        other => anyhow!("{other:?}"),
    }
}

/// Marks with spaces between them lie one within the other.
fn testid(id: &str) -> String {
    id.split(' ').map(|part| format!("[data-testid=\"{part}\"]")).collect::<Vec<_>>().join(" ")
}
