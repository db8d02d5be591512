//! The pictures, and `tour.md` that shows them.

use std::{fmt::Write as _, fs, path::PathBuf, time::Duration};

use anyhow::Result;
use serde_json::{Value, json};

use super::{Locale, Options, Step};
use crate::{Finding, Window};

/// What the journey showed.
#[derive(Debug)]
pub struct Album {
    out: PathBuf,
    locale: Locale,
    size: (u32, u32),
    steps: Vec<Shown>,
    /// Why the journey stopped.
    pub failure: Option<String>,
}

/// One step as it went.
#[derive(Debug)]
pub struct Shown {
    /// The step.
    pub step: Step,
    /// How long it took.
    pub time: Duration,
    /// Its pictures.
    pub pictures: Vec<Picture>,
}

/// One picture.
#[derive(Debug)]
pub struct Picture {
    file: String,
    caption: &'static str,
    /// What axe-core found on the page.
    pub findings: Vec<Finding>,
}

impl Album {
    /// An empty one; pictures of an earlier journey in the same language and size go.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let Options { out, locale, size } = options.clone();
        let album = Self { out, locale, size, steps: Vec::new(), failure: None };
        let pictures = album.out.join(album.folder());
        if pictures.exists() {
            fs::remove_dir_all(&pictures)?;
        }
        fs::create_dir_all(pictures)?;
        Ok(album)
    }

    pub(crate) fn begin(&mut self, step: Step) {
        eprintln!("{:>2} {}", step.number, self.said(step.zh, step.en));
        self.steps.push(Shown { step, time: Duration::ZERO, pictures: Vec::new() });
    }

    pub(crate) fn end(&mut self, time: Duration) {
        if let Some(step) = self.steps.last_mut() {
            step.time = time;
        }
    }

    /// Takes a picture of what is shown, and has it judged.
    pub(crate) async fn picture(&mut self, window: &Window, zh: &'static str, en: &'static str) -> Result<()> {
        let caption = self.said(zh, en);
        let folder = self.folder();
        let Some(step) = self.steps.last_mut() else { return Ok(()) };
        let file = format!("{folder}/{:02}-{}.png", step.step.number, step.pictures.len() + 1);
        window.screenshot(&self.out.join(&file)).await?;
        let findings = window.accessibility().await?;
        step.pictures.push(Picture { file, caption, findings });
        Ok(())
    }

    pub(crate) fn fail(&mut self, error: &anyhow::Error, log: &str) {
        self.failure = Some(format!("{error:#}"));
        eprintln!("   {error:#}\n{log}");
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let step = |shown: &Shown| {
            json!({
                "number": shown.step.number,
                "rows": shown.step.rows,
                "title": self.said(shown.step.zh, shown.step.en),
                "seconds": shown.time.as_secs_f64(),
                "pictures": shown.pictures.len(),
            })
        };
        let steps: Vec<_> = self.steps.iter().map(step).collect();
        let findings: Vec<_> = self.findings().collect();
        json!({ "steps": steps, "failure": self.failure, "accessibility": findings })
    }

    /// What axe-core found anywhere, as sentences.
    pub fn findings(&self) -> impl Iterator<Item = String> {
        let pictures = self.steps.iter().flat_map(|shown| &shown.pictures);
        pictures.flat_map(|picture| {
            picture.findings.iter().map(|finding| {
                let Finding { rule, impact, why, where_seen } = finding;
                format!("{}: {rule} ({impact}) at {}: {why}", picture.file, where_seen.join(", "))
            })
        })
    }

    pub(crate) fn write(&self) -> Result<()> {
        let mut text = String::new();
        let (width, height) = self.size;
        let title = self.said("证办通：一张证书的一生", "Certdesk: the life of a certificate");
        let lead = self.said(
            "由 `cargo xtask demo --headless` 在真实窗口中逐步完成并截图。",
            "Each step was done in the real window by `cargo xtask demo --headless`.",
        );
        writeln!(text, "# {title}\n\n{lead} {width} × {height}\n")?;
        for shown in &self.steps {
            let Step { number, rows, zh, en } = shown.step;
            writeln!(text, "## {number} {} ({rows})\n", self.said(zh, en))?;
            for picture in &shown.pictures {
                writeln!(text, "{caption}\n\n![{caption}]({file})\n", caption = picture.caption, file = picture.file)?;
            }
        }
        if let Some(failure) = &self.failure {
            writeln!(text, "> {}: {failure}\n", self.said("未完成", "Not finished"))?;
        }
        for finding in self.findings() {
            writeln!(text, "- {finding}")?;
        }
        let name = if self.locale == Locale::Zh { "tour.md" } else { "tour.en.md" };
        fs::write(self.out.join(name), text)?;
        Ok(())
    }

    fn folder(&self) -> String {
        let (width, height) = self.size;
        format!("{}-{width}x{height}", if self.locale == Locale::Zh { "zh-CN" } else { "en" })
    }

    fn said(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.locale == Locale::Zh { zh } else { en }
    }
}
