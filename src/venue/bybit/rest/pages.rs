//! Lists that come in pages.
//!
//! Source: Bybit v5, the cursor rule of order and position queries.

use std::ops::ControlFlow;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Access, Answer, Query, RestClient, RestError};

/// Longest wait, in ms, for room in the budget between two pages.
const LONGEST_WAIT_MS: i64 = 2_000;
/// Waits in a row before a list is given up.
const WAITS: u32 = 5;

/// How a list came to its end.
#[derive(Debug)]
#[must_use = "only a complete list holds everything"]
pub enum PageEnd {
    /// Everything was shown.
    Complete,
    /// Whoever was shown the pages had seen enough.
    Stopped,
    /// There is more: the bound on pages was reached.
    Bound,
    /// The venue refused a page; those before it were shown.
    Refused(Answer),
}

/// What pages have in common.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    list: Option<Vec<IgnoredAny>>,
    #[serde(rename = "nextPageCursor", default)]
    cursor: Option<String>,
}

impl RestClient {
    /// Shows every page of a list to `each`, at most `bound` of them.
    ///
    /// The venue's cursor goes back byte for byte. The end is an empty cursor, an empty list or
    /// a cursor that was seen before: one that is there does not mean that there is more. Waits
    /// for its own budget for a short while, and repeats nothing.
    ///
    /// # Errors
    ///
    /// [`RestError`] of the first page that has no answer; those before it were shown.
    pub async fn pages(
        &self,
        access: Access,
        path: &str,
        query: &Query,
        bound: usize,
        mut each: impl FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<PageEnd, RestError> {
        let mut cursors: Vec<String> = Vec::new();
        for _ in 0..bound {
            let query = match cursors.last() {
                Some(cursor) => query.clone().raw("cursor", cursor),
                None => query.clone(),
            };
            let answer = self.page(access, path, &query).await?;
            if !answer.is_ok() {
                return Ok(PageEnd::Refused(answer));
            }
            let page: Page = answer.read().map_err(|error| RestError::Unparsable {
                host: self.host().to_owned(),
                cause: error.to_string(),
                body: String::new(),
            })?;
            if each(answer).is_break() {
                return Ok(PageEnd::Stopped);
            }
            let is_empty = page.list.is_none_or(|list| list.is_empty());
            match page.cursor {
                Some(cursor) if !(is_empty || cursor.is_empty() || cursors.contains(&cursor)) => {
                    cursors.push(cursor);
                }
                _ => return Ok(PageEnd::Complete),
            }
        }
        Ok(PageEnd::Bound)
    }

    /// One page, with patience for our own budget only.
    async fn page(&self, access: Access, path: &str, query: &Query) -> Result<Answer, RestError> {
        let mut waits = 0;
        loop {
            let answer = match access {
                Access::Public => self.get(path, query).await,
                Access::Signed => self.get_signed(path, query).await,
            };
            let Err(RestError::Limited { until, .. }) = &answer else {
                return answer;
            };
            let wait = until.since(self.now());
            waits += 1;
            if wait > LONGEST_WAIT_MS || waits > WAITS {
                return answer;
            }
            let wait = u64::try_from(wait).unwrap_or(0).max(1);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
}
