//! Questions: whole lists or an error, never a part of a list.

use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::words::{of_code, plain};
use crate::domain::{Category, Timestamp};
use crate::venue::broker::AskError;
use crate::venue::bybit::codes::{HttpClass, ReadClass, class_of_read, http_class};
use crate::venue::bybit::limits::BAN_MS;
use crate::venue::bybit::rest::{Access, Answer, PageEnd, Query, RestClient, RestError};
use crate::venue::bybit::wire::from_json;
use crate::venue::bybit::wire::names::WireCategory;

/// Pages after which a list is given up.
const PAGES: usize = 200;
/// Wait after a refusal by a limiter that names no time, in ms.
const SHORT_WAIT_MS: i64 = 1_000;
/// Characters of a text that are kept where a host follows it.
const LONGEST_SAID: usize = 120;
/// Longest span of a query, in ms (Bybit v5, execution/list and order/history).
pub(super) const SPAN_MS: i64 = 7 * 86_400_000;
/// How far back the venue remembers, in ms.
const MEMORY_MS: i64 = 730 * 86_400_000;

/// One page. A list that is not there is no empty list.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Strict<T> {
    #[serde(default)]
    category: Option<WireCategory>,
    list: Vec<T>,
}

/// Reads every page of a list of the account; `category` is what its answers must be about.
pub(super) async fn list<T: DeserializeOwned + Send>(
    rest: &RestClient,
    path: &str,
    category: Option<Category>,
    query: &Query,
) -> Result<Vec<T>, AskError> {
    let mut rows: Vec<T> = Vec::new();
    let mut bad: Option<String> = None;
    let each = |answer: Answer| match read_page::<T>(&answer, category) {
        Ok(page) => {
            rows.extend(page);
            ControlFlow::Continue(())
        }
        Err(text) => {
            bad = Some(text);
            ControlFlow::Break(())
        }
    };
    let end = rest.pages(Access::Signed, path, query, PAGES, each).await;
    match end {
        Ok(PageEnd::Complete) => Ok(rows),
        Ok(PageEnd::Stopped) => {
            let text = bad.unwrap_or_default();
            Err(AskError::NoAnswer(format!("{path}: {text}")))
        }
        Ok(PageEnd::Bound) => Err(AskError::NoAnswer(format!(
            "{path}: the list has more than {PAGES} pages"
        ))),
        Ok(PageEnd::Refused(answer)) => Err(of_answer(rest, path, &answer).await),
        Err(error) => Err(of_error(rest, &error)),
    }
}

fn read_page<T: DeserializeOwned>(
    answer: &Answer,
    category: Option<Category>,
) -> Result<Vec<T>, String> {
    let page: Strict<T> = from_json(answer.result.get()).map_err(|error| error.to_string())?;
    let wanted = category.map(WireCategory::from);
    match (page.category, wanted) {
        (Some(found), Some(wanted)) if found != wanted => Err(format!(
            "the answer is about {}, the question was about {wanted}",
            plain(found.as_str())
        )),
        _ => Ok(page.list),
    }
}

/// Reads one answer of the account that is no list.
pub(super) async fn one<T: DeserializeOwned>(
    rest: &RestClient,
    path: &str,
    query: &Query,
) -> Result<T, AskError> {
    let answer = rest
        .get_signed(path, query)
        .await
        .map_err(|error| of_error(rest, &error))?;
    if !answer.is_ok() {
        return Err(of_answer(rest, path, &answer).await);
    }
    from_json(answer.result.get()).map_err(|error| AskError::NoAnswer(format!("{path}: {error}")))
}

/// Why a question was refused. One that came at the wrong time has the clock measured again, so
/// that the next one does not.
pub(super) async fn of_answer(rest: &RestClient, path: &str, answer: &Answer) -> AskError {
    let text = format!("{path}: {}", of_code(answer.code, &answer.message));
    match class_of_read(answer.code) {
        ReadClass::Limited => {
            let now = now(rest);
            let named = answer.limit.reset;
            let named = named.map(|venue| rest.server_clock().local_of(venue));
            let soon = now.plus_millis(SHORT_WAIT_MS);
            let until = rest.banned_until().or(named).filter(|until| now < *until);
            AskError::Limited {
                until: until.unwrap_or(soon),
            }
        }
        // A key belongs to one environment: which one was asked is the first question.
        ReadClass::Authority => AskError::Refused(format!(
            "{path}: {}",
            of_code(answer.code, &at_host(rest, &answer.message))
        )),
        ReadClass::Clock => {
            if let Err(error) = rest.sync_clock().await {
                tracing::warn!(%error, "the venue's clock cannot be measured");
            }
            AskError::NoAnswer(text)
        }
        ReadClass::Ok | ReadClass::Retry | ReadClass::Refused => AskError::NoAnswer(text),
    }
}

/// A text of the venue's with the host that said it.
pub(super) fn at_host(rest: &RestClient, message: &str) -> String {
    let said: String = plain(message).chars().take(LONGEST_SAID).collect();
    format!("{said}, says {}", rest.host())
}

/// Why a question has no answer.
pub(super) fn of_error(rest: &RestClient, error: &RestError) -> AskError {
    let text = plain(&error.to_string());
    match error {
        RestError::Limited { until, .. } | RestError::Banned { until, .. } => {
            AskError::Limited { until: *until }
        }
        RestError::Http { status, body, .. } => match http_class(*status, body) {
            HttpClass::Banned => AskError::Limited {
                until: rest
                    .banned_until()
                    .unwrap_or_else(|| now(rest).plus_millis(BAN_MS)),
            },
            HttpClass::Refused => AskError::Refused(text),
            HttpClass::Limited => AskError::Limited {
                until: now(rest).plus_millis(SHORT_WAIT_MS),
            },
            HttpClass::Ok | HttpClass::Ambiguous | HttpClass::NotFound => AskError::NoAnswer(text),
        },
        RestError::NotSent { .. } | RestError::NoAnswer { .. } | RestError::Unparsable { .. } => {
            AskError::NoAnswer(text)
        }
    }
}

/// This moment by the local clock.
pub(super) fn now(rest: &RestClient) -> Timestamp {
    rest.server_clock().local_of(rest.venue_now())
}

/// Spans that a query may ask for, from `since` to `now`, both by the venue's clock. The last has
/// no end: it holds what happens while it is read.
pub(super) fn spans(since: Timestamp, now: Timestamp) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut start = since.max(now.plus_millis(-MEMORY_MS)).min(now);
    let mut spans = Vec::new();
    while SPAN_MS <= now.since(start) {
        let end = start.plus_millis(SPAN_MS);
        spans.push((start, Some(end)));
        start = end;
    }
    spans.push((start, None));
    spans
}

/// `query` for one span.
pub(super) fn within(query: &Query, (start, end): (Timestamp, Option<Timestamp>)) -> Query {
    let query = query.clone().with("startTime", &start.millis().to_string());
    match end {
        Some(end) => query.with("endTime", &end.millis().to_string()),
        None => query,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_touch_and_are_never_too_long() {
        let day = 86_400_000;
        let at = |days: i64| Timestamp::from_millis(days * day);
        let spans_of = |since, now| spans(at(since), at(now));
        assert_eq!(spans_of(100, 100), [(at(100), None)]);
        assert_eq!(spans_of(105, 100), [(at(100), None)]);
        assert_eq!(spans_of(94, 100), [(at(94), None)]);
        assert_eq!(spans_of(90, 100), [(at(90), Some(at(97))), (at(97), None)]);
        assert_eq!(
            spans_of(93, 100),
            [(at(93), Some(at(100))), (at(100), None)]
        );
        let all = spans_of(0, 20_000);
        assert_eq!(all[0].0, at(20_000 - 730));
        assert_eq!(all.len(), 105);
        for pair in all.windows(2) {
            assert_eq!(pair[0].1, Some(pair[1].0));
        }
    }
}
