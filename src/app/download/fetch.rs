//! Asking the venue for history, with patience where asking again can help.

use std::time::Duration;

use super::plan::{MAX_PAGE, PageRequest, Range};
use super::{DownloadError, DownloadRequest};
use crate::app::doctor::access::{INSTRUMENTS, Listed, Trouble, listed, result_of};
use crate::domain::{Bar, Interval, Rate, Timestamp};
use crate::venue::bybit::clock::WallClock;
use crate::venue::bybit::codes::{ReadClass, class_of_read};
use crate::venue::bybit::rest::{Answer, Query, RestClient, RestError, Step};
use crate::venue::bybit::wire::Page;
use crate::venue::bybit::wire::market::{FundingRow, KlineRow};
use crate::venue::bybit::wire::names::interval_name;

/// Most payments of one answer (Bybit v5, market/funding/history).
const FUNDING_PAGE: usize = 200;
/// Longest wait for room in the budgets; a longer one is a lock-out.
const LONGEST_ROOM_MS: i64 = 70_000;
/// Waits for room in a row before a question is given up.
const MOST_ROOM: u32 = 20;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Pauses before asking again after no answer, in ms; the first question after a cut goes out at
/// once, on a new connection.
pub const PAUSES_MS: [u64; 5] = [0, 1_000, 2_000, 4_000, 8_000];

/// The venue as a source of history.
pub(super) struct Source<'a> {
    pub(super) client: &'a RestClient,
    pub(super) clock: &'a dyn WallClock,
    pub(super) request: &'a DownloadRequest,
}

impl Source<'_> {
    /// What the venue lists about the symbol.
    pub(super) async fn listed(&self) -> Result<Listed, DownloadError> {
        let request = self.request;
        let answer = self.ask(INSTRUMENTS, &self.about()).await?;
        match listed(&answer, request.category, &request.symbol) {
            Ok(listed) => Ok(listed),
            Err(Trouble::Unlisted { symbol, category }) => Err(DownloadError::UnknownSymbol {
                symbol,
                category,
                host: self.client.host().to_owned(),
            }),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// The bars of one page, and the venue's time of the answer.
    pub(super) async fn bars(
        &self,
        interval: Interval,
        page: PageRequest,
    ) -> Result<(Vec<Bar>, Timestamp), DownloadError> {
        let query = self
            .about()
            .with("interval", interval_name(interval))
            .with("start", &page.start.millis().to_string())
            .with("end", &page.end.millis().to_string())
            .with("limit", &page.limit.to_string());
        let answer = self.ask("/v5/market/kline", &query).await?;
        let rows: Page<KlineRow> = result_of(&answer)?;
        let now = answer.time.unwrap_or_else(|| self.client.venue_now());
        Ok((rows.list.into_iter().map(|row| row.bar).collect(), now))
    }

    /// First day from `from` on that has a bar; `None` when there is none before `to`. Behind an
    /// empty page this saves asking for years without any.
    pub(super) async fn first_day(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Option<Timestamp>, DownloadError> {
        let Some(day) = Interval::from_millis(DAY_MS) else {
            return Ok(Some(from));
        };
        let mut start = Timestamp::from_millis(from.day() * DAY_MS);
        while start < to {
            let behind = start.plus_millis(MAX_PAGE * DAY_MS);
            let page = PageRequest {
                start,
                end: behind.plus_millis(-1),
                limit: MAX_PAGE,
            };
            let (bars, _) = self.bars(day, page).await?;
            let days = bars.iter().map(|bar| bar.open_time);
            if let Some(first) = days.filter(|at| start <= *at && *at < to).min() {
                return Ok(Some(first));
            }
            start = behind;
        }
        Ok(None)
    }

    /// All funding payments of `range`, oldest first.
    pub(super) async fn funding(
        &self,
        range: Range,
    ) -> Result<Vec<(Timestamp, Rate)>, DownloadError> {
        let mut payments = Vec::new();
        let mut end = range.to.plus_millis(-1);
        while range.from <= end {
            let query = self
                .about()
                .with("startTime", &range.from.millis().to_string())
                .with("endTime", &end.millis().to_string())
                .with("limit", &FUNDING_PAGE.to_string());
            let answer = self.ask("/v5/market/funding/history", &query).await?;
            let page: Page<FundingRow> = result_of(&answer)?;
            let n_rows = page.list.len();
            let is_asked =
                |row: &FundingRow| (range.from..=end).contains(&row.funding_rate_timestamp);
            let wanted = page.list.into_iter().filter(is_asked);
            let before = payments.len();
            payments.extend(wanted.map(|row| (row.funding_rate_timestamp, row.funding_rate)));
            let oldest = payments[before..].iter().map(|(at, _)| *at).min();
            match oldest {
                // A full page may hide older ones.
                Some(oldest) if FUNDING_PAGE <= n_rows => end = oldest.plus_millis(-1),
                _ => break,
            }
        }
        payments.sort_by_key(|(at, _)| *at);
        payments.dedup_by_key(|(at, _)| *at);
        Ok(payments)
    }

    fn about(&self) -> Query {
        let request = self.request;
        let category = request.category.to_string();
        Query::from(&[
            ("category", category.as_str()),
            ("symbol", request.symbol.as_str()),
        ])
    }

    /// One answer. A pause that the budgets ask for is waited for; no answer, and trouble at the
    /// venue, are worth a few more questions; everything else ends the download.
    async fn ask(&self, path: &str, query: &Query) -> Result<Answer, DownloadError> {
        let mut pauses = self.request.pauses_ms.iter();
        let mut n_waits = 0;
        loop {
            let trouble: DownloadError = match self.client.get(path, query).await {
                Err(RestError::Limited { until, .. })
                    if until.since(self.clock.now()) <= LONGEST_ROOM_MS && n_waits < MOST_ROOM =>
                {
                    n_waits += 1;
                    let wait = until.since(self.clock.now()).max(1);
                    pause(u64::try_from(wait).unwrap_or(1)).await;
                    continue;
                }
                Err(error) if is_worth_another(&error) => Trouble::from(error).into(),
                Err(error) => return Err(Trouble::from(error).into()),
                Ok(answer) => match class_of_read(answer.code) {
                    ReadClass::Retry => Trouble::Refused {
                        code: answer.code,
                        message: answer.message,
                    }
                    .into(),
                    // The client has noted the pause: the next question runs into it.
                    ReadClass::Limited => continue,
                    _ => return Ok(answer),
                },
            };
            match pauses.next() {
                Some(ms) => pause(*ms).await,
                None => return Err(trouble),
            }
        }
    }
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// Whether the same question may well get an answer in a moment.
const fn is_worth_another(error: &RestError) -> bool {
    match error {
        RestError::NoAnswer { .. } | RestError::Unparsable { .. } => true,
        RestError::NotSent { step, .. } => matches!(step, Step::Resolve | Step::Connect),
        RestError::Http { status, .. } => *status >= 500 || *status == 429,
        RestError::Limited { .. } | RestError::Banned { .. } => false,
    }
}
