//! A clerk's day, played again and again: the key out and in, searches, open cases, a draft that is typed in, a file picked
//! and taken out, notices, the service gone and back. What the program needs of memory afterwards, beside what it needed
//! once it was warm.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use certdesk_cli::journey::Journey;
use certdesk_controller::{
    Controller, Failure, Uuid,
    view::{ApplicationQuery, DraftView, KeyState, UploadState},
};
use certdesk_domain::{AccountKind, Business, RequirementId};
use journeys::{Stage, certified, specimens};

use crate::{
    figure::{Figure, Limit},
    rows,
    window::pss_mib,
};

/// Until then the program is getting warm; of a short day, a third.
const WARM: Duration = Duration::from_secs(300);
/// The service goes in one round of so many.
const AWAY: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(60);
/// What a clerk of years has seen.
const SEEN: u32 = 2000;

pub(crate) async fn measure(day: Duration) -> Result<Vec<Figure>> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Enterprise).await?;
    let certificate = journey.look_at_certificate().await?.serial;
    rows::fill(&stage.cache()?, "somebody else", SEEN)?;
    let draft = journey.controller.start_application(Business::Change, Some(certificate)).await.map_err(told)?.id;
    let mut clerk = Clerk { journey, account, draft, round: 0 };
    let (begin, warm) = (Instant::now(), WARM.min(day / 3));
    let mut before = None;
    while begin.elapsed() < day {
        clerk.round(&mut stage).await?;
        if before.is_none() && begin.elapsed() >= warm {
            before = Some(pss_mib(std::process::id()));
        }
    }
    eprintln!("{} rounds in {} s", clerk.round, begin.elapsed().as_secs());
    let after = pss_mib(std::process::id());
    Ok(vec![Figure {
        name: "memory after a scripted day (peer: once warm)",
        ours: after,
        peer: Some(before.unwrap_or(after)),
        unit: "MiB",
        limit: Limit::MoreByAtMost(8.0),
    }])
}

struct Clerk {
    journey: Journey,
    account: String,
    draft: Uuid,
    round: u32,
}

impl Clerk {
    async fn round(&mut self, stage: &mut Stage) -> Result<()> {
        self.round += 1;
        let certdesk = self.journey.controller.clone();
        if self.round.is_multiple_of(AWAY) {
            stage.service.kill();
            self.read(&certdesk).await?;
            self.write(&certdesk).await?;
            stage.restart_service()?;
            until("the service is back", async || {
                certdesk.refresh_applications().await.map_err(told)?;
                Ok(certdesk.home().await.map_err(told)?.service.reachable == Some(true))
            })
            .await?;
            // The session was the old service's: it is still good, for sessions are on its disk; else a new login.
            if certdesk.home().await.map_err(told)?.session.is_none() {
                self.journey.log_in_with_key(&self.account).await?;
            }
        }
        self.read(&certdesk).await?;
        self.write(&certdesk).await?;
        self.upload(&certdesk).await?;
        stage.pull_keys()?;
        until("the key is gone", async || Ok(keys(&certdesk).await? == 0)).await?;
        stage.plug_keys_in()?;
        until("the key is back", async || Ok(keys(&certdesk).await? > 0)).await
    }

    async fn read(&self, certdesk: &Controller) -> Result<()> {
        for question in ["云帆", "王䶮", "CD2026", "fzyf", "已完成", "查无此人"] {
            certdesk.search(question.to_owned()).await.map_err(told)?;
        }
        let page = certdesk.application_page(ApplicationQuery::default()).await.map_err(told)?;
        for row in page.rows {
            certdesk.application(row.id).await.map_err(told)?;
        }
        certdesk.application_counts(String::new()).await.map_err(told)?;
        certdesk.certificates().await.map_err(told)?;
        let notices = certdesk.notices().await.map_err(told)?;
        let ids = notices.notices.iter().map(|notice| notice.id).collect();
        certdesk.mark_notices_read(ids).await.map_err(told)?;
        Ok(())
    }

    async fn write(&self, certdesk: &Controller) -> Result<()> {
        let name = ["福州云帆智造测试有限公司", "福州云帆数字测试有限公司"][self.round as usize % 2];
        certdesk.save_field(self.draft, "change.organisation.name".into(), name.into()).await.map_err(told)?;
        Ok(())
    }

    /// A file picked, sent and taken out, so that the draft stays as small as it is.
    async fn upload(&self, certdesk: &Controller) -> Result<()> {
        let draft = certdesk.draft(self.draft).await.map_err(told)?;
        let row = row_of(&draft).context("a change asks for a file")?;
        let file = specimens()?.join("营业执照.jpg");
        certdesk.add_files(self.draft, row, vec![file]).await.map_err(told)?;
        until("the file is sent", async || {
            let draft = certdesk.draft(self.draft).await.map_err(told)?;
            let mut files = draft.files.iter().flat_map(|row| &row.attachments);
            Ok(files.all(|file| file.upload == UploadState::Done))
        })
        .await?;
        let draft = certdesk.draft(self.draft).await.map_err(told)?;
        for file in draft.files.iter().flat_map(|row| &row.attachments) {
            certdesk.remove_attachment(file.id).await.map_err(told)?;
        }
        Ok(())
    }
}

/// A row that takes pictures.
fn row_of(draft: &DraftView) -> Option<RequirementId> {
    let row = draft.files.iter().find(|row| row.requirement.video.is_none() && !row.requirement.is_form);
    row.map(|row| row.requirement.id.clone())
}

async fn keys(certdesk: &Controller) -> Result<usize> {
    let strip = certdesk.refresh_keys().await.map_err(told)?;
    Ok(if strip.state == KeyState::Reading { usize::MAX } else { strip.keys.len() })
}

async fn until(what: &str, condition: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !condition().await? {
        if begin.elapsed() > PATIENCE {
            bail!("not yet: {what}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn told(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}
