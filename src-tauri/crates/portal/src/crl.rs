//! What is public of revocation: the list, which may be large, and the question of its announcements.

use certdesk_contract::{announcement::AnnouncementQuery, path};
use http::{StatusCode, header};
use reqwest::Method;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;
use url::form_urlencoded::Serializer;

use crate::{Fetched, MAX_JSON, Portal, PortalError, STALL, error, wire::Answer};

/// Largest revocation list; a million entries take about 40 MiB.
const MAX_CRL: usize = 64 * 1024 * 1024;

impl Portal {
    /// The revocation list, DER, unverified, unless `etag` names the one in force. It lies in memory once, at most
    /// 64 MiB.
    pub async fn crl(&self, etag: Option<&str>) -> Result<Fetched<Vec<u8>>, PortalError> {
        let mut request = self.request(Method::GET, path::CRL);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.build().map_err(|error| error::from_source(&error))?;
        let mut response = self.execute(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified);
        }
        if response.status() != StatusCode::OK {
            let refused = Answer::read(http::Response::from(response), MAX_JSON).await?.success();
            return Err(refused.err().unwrap_or_else(|| PortalError::Garbled("no revocation list".into())));
        }
        let etag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let too_large = || PortalError::Garbled("the revocation list is too large".into());
        let announced = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
        if announced > MAX_CRL {
            return Err(too_large());
        }
        let mut value = Vec::with_capacity(announced);
        while let Some(chunk) = {
            let chunk = timeout(STALL, response.chunk()).await.map_err(|_| PortalError::timeout())?;
            chunk.map_err(|error| error::from_source(&error))?
        } {
            self.inner.pace.admit(chunk.len()).await;
            if value.len() + chunk.len() > MAX_CRL {
                return Err(too_large());
            }
            value.extend_from_slice(&chunk);
        }
        Ok(Fetched::New { value, etag })
    }
}

/// The question as the query of an address.
pub(crate) fn query_string(query: &AnnouncementQuery) -> String {
    let mut text = Serializer::new(String::new());
    text.append_pair("search", &query.search);
    for (name, at) in [("from", query.from), ("to", query.to)] {
        if let Some(at) = at.and_then(|at| at.format(&Rfc3339).ok()) {
            text.append_pair(name, &at);
        }
    }
    if let Some(cursor) = &query.cursor {
        text.append_pair("cursor", cursor);
    }
    text.finish()
}
