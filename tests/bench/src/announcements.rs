//! 注销公告 with a million rows: how long a person waits for an answer, over HTTPS and through the client. The worst of the
//! usual questions counts: by a whole name, by two characters of many names, by serial number, by time, and far down.

use std::{
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, ensure};
use certdesk_cli::journey;
use certdesk_contract::announcement::AnnouncementQuery;
use certdesk_controller::{Controller, Demo};
use stage::{Service, program};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::figure::{Figure, Limit, median, ms};

const ROWS: u32 = 1_000_000;
const ROUNDS: usize = 31;
/// Names to find and names beside them.
pub(crate) const UNITS: [&str; 8] = [
    "福州云帆测试科技有限公司",
    "厦门海沧林测试商行",
    "泉州市王䶮工作室",
    "样张市测试管理局",
    "漳州南靖土楼测试旅社",
    "莆田荔城测试鞋业有限公司",
    "Fuzhou Sail Ltd",
    "林小满",
];

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let service = Service::start(&folder.join("service"), "127.0.0.1:0")?;
    fill(&folder.join("service/data"))?;
    let (address, demo) = Demo::read(&service.ready.file).map_err(anyhow::Error::msg)?;
    let mut options = journey::options(folder.join("client"), address, Vec::new(), program("certdesk-token-host")?);
    options.demo = Some(demo);
    let certdesk = Controller::start(options);

    let search = |text: &str| AnnouncementQuery { search: text.to_owned(), ..Default::default() };
    let middle = first_time() + Duration::minutes(i64::from(ROWS / 2));
    let questions = [
        search("福州云帆测试科技有限公司777777"),
        search("测试"),
        search("王䶮"),
        search(&serial(500_000)),
        search("nobody of this name"),
        AnnouncementQuery { from: Some(middle), to: Some(middle + Duration::days(1)), ..Default::default() },
        AnnouncementQuery::default(),
    ];
    let mut worst = 0.0_f64;
    for question in questions {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            certdesk.announcements(question.clone()).await.map_err(|failure| anyhow!("{failure:?}"))?;
            times.push(ms(start.elapsed()));
        }
        worst = worst.max(median(times));
    }
    Ok(vec![Figure {
        name: "search of 1 M announcements",
        ours: worst,
        peer: None,
        unit: "ms",
        limit: Limit::AtMost(50.0),
    }])
}

fn fill(data: &Path) -> Result<()> {
    let mut import = Command::new(program("certdesk-service")?)
        .args(["announcements", "import", "--data"])
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut lines = BufWriter::new(import.stdin.take().context("nothing can be written to the import")?);
    for i in 0..ROWS {
        let subject = format!("{}{i}", UNITS[i as usize % UNITS.len()]);
        let at = (first_time() + Duration::minutes(i64::from(i))).format(&Rfc3339)?;
        let serial = serial(i);
        writeln!(
            lines,
            r#"{{"serial":"{serial}","subject":"{subject}","revoked_at":"{at}","reason":"superseded","crl_number":{i}}}"#
        )?;
    }
    drop(lines);
    ensure!(import.wait()?.success(), "the announcements were not taken over");
    Ok(())
}

fn first_time() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(365 * 45)
}

fn serial(i: u32) -> String {
    format!("5f{:030x}", u128::from(i) * 7_919)
}
