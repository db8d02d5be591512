//! What this program keeps on this computer: counted, handed over as one file, forgotten.
//!
//! What the service has is not touched. Files that were picked lie where they lay; only their names are kept here.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::AccountData;
use certdesk_domain::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    picker::SaveQuestion,
    view::{IssuanceStep, LocalData, LocalDataItem, LocalDataKind, Locale},
};

/// Said in the file itself: whoever has it reads everything.
const NOTE: &str =
    "本文件含有未经遮盖的个人信息，请妥善保管。This file has personal data in plain words: keep it safe.";

impl Controller {
    /// What is kept: of the account that is logged in, and of no account.
    pub async fn local_data(&self) -> Result<LocalData, Failure> {
        let data = match self.account_name() {
            Ok(account) => self.with_cache(move |cache| cache.data_of(&account)).await?,
            Err(_) => AccountData::default(),
        };
        let (documents, size) = self.with_cache(|cache| cache.public_data()).await?;
        let folder = self.inner.options.data.join("drivers");
        let downloads = tokio::task::spawn_blocking(move || folder_size(&folder)).await;
        let (files, downloaded) = downloads.map_err(crate::convert::internal)?;
        let settings = self.state().settings.clone();
        let all = [
            (LocalDataKind::Drafts, count(&data.drafts), size_of(&data.drafts)?),
            (LocalDataKind::Forms, count(&data.forms), data.forms.iter().map(|(_, pdf)| pdf.len() as u64).sum()),
            (LocalDataKind::Attachments, count(&data.attachments), size_of(&data.attachments)?),
            (LocalDataKind::Applications, count(&data.applications), size_of(&data.applications)?),
            documents_of(&data, LocalDataKind::Certificates, |name| name.starts_with("certificates/"))?,
            documents_of(&data, LocalDataKind::Notices, |name| name.starts_with("notices/"))?,
            with_login(
                &data,
                documents_of(&data, LocalDataKind::Records, |name| {
                    !name.starts_with("certificates/") && !name.starts_with("notices/")
                })?,
            )?,
            (LocalDataKind::Issuances, count(&data.issuances), size_of(&data.issuances)?),
            (LocalDataKind::Public, documents + files, size + downloaded),
            (LocalDataKind::Settings, 1, size_of(&settings)?),
        ];
        let items = all.into_iter().filter(|(_, count, _)| *count > 0);
        Ok(LocalData { items: items.map(|(kind, count, bytes)| LocalDataItem { kind, count, bytes }).collect() })
    }

    /// Saves everything kept of the account as one file (JSON) by the native dialog, in plain words: it is the person's
    /// own. `None`: cancelled. Else the file's name.
    pub async fn export_local_data(&self) -> Result<Option<String>, Failure> {
        let session = self.session_view()?;
        let account = session.account.name.clone();
        let data = self.with_cache(move |cache| cache.data_of(&account)).await?;
        let settings = self.state().settings.clone();
        let forms =
            data.forms.iter().map(|(draft, pdf)| json!({"draft": draft, "pdf_b64": BASE64_STANDARD.encode(pdf)}));
        let attachments = data.attachments.iter().map(|held| {
            let mut row = serde_json::to_value(held).map_err(crate::convert::internal)?;
            // It opens a file of this computer, and belongs nowhere else.
            row.as_object_mut().map(|row| row.remove("key"));
            row["path"] = held.path.to_string_lossy().into();
            Ok(row)
        });
        let whole = json!({
            "note": NOTE,
            "exported_at": Timestamp::now_utc().format(&Rfc3339).map_err(crate::convert::internal)?,
            "account": session.account,
            "drafts": data.drafts,
            "forms": forms.collect::<Vec<_>>(),
            "attachments": attachments.collect::<Result<Vec<Value>, Failure>>()?,
            "applications": data.applications,
            "issuances": data.issuances,
            "outgoing": data.outgoing,
            // Without the proof: it opens what lies on this computer, and belongs nowhere else.
            "read_offline_by": data.offline_login.map(|login| login.known.proof.kind()),
            "documents": data.documents.into_iter().collect::<serde_json::Map<_, _>>(),
            "settings": settings,
        });
        let bytes = serde_json::to_vec_pretty(&whole).map_err(crate::convert::internal)?;
        let (title, file_name) = match settings.locale {
            Locale::ZhCn => ("导出本机数据（含未遮盖的个人信息）", "证办通本机数据.json"),
            Locale::En => ("Export local data (personal data in plain words)", "certdesk-data.json"),
        };
        self.save_file(SaveQuestion { title: title.to_owned(), file_name: file_name.to_owned() }, bytes).await
    }

    /// Forgets everything kept of the account, and logs out.
    ///
    /// # Errors
    /// `issuance_unfinished` while a certificate is being made on a key: without its journal, what was begun could not be
    /// gone on with.
    pub async fn delete_local_data(&self) -> Result<(), Failure> {
        let account = self.account_name()?;
        let named = account.clone();
        let data = self.with_cache(move |cache| cache.data_of(&named)).await?;
        let is_open =
            |application| data.applications.iter().any(|seen| seen.id == application && !seen.state.is_final());
        let unfinished = data
            .issuances
            .iter()
            .any(|journal| is_open(journal.application) && journal.step != IssuanceStep::Confirmed.as_str());
        if unfinished {
            return Err(LocalCode::IssuanceUnfinished.into());
        }
        self.log_out().await?;
        // What still runs for the account writes nothing after this: it looks for its session, or for its row.
        let _notices_are_done = self.inner.notices.lock().await;
        self.with_cache(move |cache| cache.forget(&account)).await?;
        self.sweep_signed_forms().await;
        Ok(())
    }
}

fn documents_of(
    data: &AccountData,
    kind: LocalDataKind,
    fits: impl Fn(&str) -> bool,
) -> Result<(LocalDataKind, u32, u64), Failure> {
    let values: Vec<_> = data.documents.iter().filter(|(name, _)| fits(name)).map(|(_, value)| value).collect();
    // A list counts by what is in it.
    let entries = |value: &&Value| value.as_array().or(value["notices"].as_array()).map_or(1, Vec::len);
    let count = u32::try_from(values.iter().map(entries).sum::<usize>()).unwrap_or(u32::MAX);
    Ok((kind, count, size_of(&values)?))
}

/// The last login is one of the records.
fn with_login(data: &AccountData, records: (LocalDataKind, u32, u64)) -> Result<(LocalDataKind, u32, u64), Failure> {
    let (kind, count, bytes) = records;
    let Some(login) = &data.offline_login else { return Ok(records) };
    Ok((kind, count + 1, bytes + size_of(&login.known)?))
}

fn count<T>(rows: &[T]) -> u32 {
    u32::try_from(rows.len()).unwrap_or(u32::MAX)
}

fn size_of(value: &impl Serialize) -> Result<u64, Failure> {
    Ok(serde_json::to_vec(value).map_err(crate::convert::internal)?.len() as u64)
}

/// Files below a folder, and their size.
fn folder_size(folder: &Path) -> (u32, u64) {
    let Ok(entries) = fs::read_dir(folder) else { return (0, 0) };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder_size(&entry.path()),
        Ok(meta) => (1, meta.len()),
        Err(_) => (0, 0),
    });
    sizes.fold((0, 0), |(files, bytes), (more, size)| (files + more, bytes + size))
}
