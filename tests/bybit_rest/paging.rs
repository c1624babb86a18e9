//! Lists that come in pages.

use std::ops::ControlFlow;

use tradeterm::venue::bybit::rest::{Access, PageEnd, Query, RestError};

use super::server::{Server, Then, http, ok};

/// A server with one page for each cursor; the first page has none.
async fn pages(script: &'static [(&'static str, &'static str, &'static str)]) -> Server {
    Server::start(move |seen| {
        let target = seen.line().1;
        let cursor = target
            .split_once("cursor=")
            .map_or("", |(_, cursor)| cursor);
        let Some((_, list, next)) = script.iter().find(|(known, ..)| *known == cursor) else {
            return Then::Answer(http("404 Not Found", "", cursor));
        };
        Then::Answer(ok(&format!(
            r#"{{"retCode":0,"retMsg":"","result":{{"list":{list},"nextPageCursor":{next}}}}}"#
        )))
    })
    .await
}

/// The lists that were shown, and how it ended.
async fn read(server: &Server, bound: usize) -> (Vec<String>, Result<PageEnd, RestError>) {
    let client = server.client();
    let query = Query::from(&[("category", "linear"), ("limit", "2")]);
    let mut lists = Vec::new();
    let each = |answer: tradeterm::venue::bybit::rest::Answer| {
        let list = answer.read::<serde_json::Value>().unwrap()["list"].to_string();
        lists.push(list.clone());
        match &*list {
            "[9]" => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let path = "/v5/order/realtime";
    let end = client
        .pages(Access::Signed, path, &query, bound, each)
        .await;
    (lists, end)
}

#[tokio::test]
async fn cursors_go_back_byte_for_byte() {
    let server = pages(&[
        ("", "[1,2]", r#""132766%3A2%2C132766%3A2""#),
        (
            "132766%3A2%2C132766%3A2",
            "[3]",
            r#""page_token%3D39380%26""#,
        ),
        ("page_token%3D39380%26", "[4]", r#""""#),
    ])
    .await;
    let (lists, end) = read(&server, 10).await;
    assert!(matches!(end, Ok(PageEnd::Complete)), "{end:?}");
    assert_eq!(lists, ["[1,2]", "[3]", "[4]"]);
    let targets: Vec<String> = server
        .seen()
        .iter()
        .map(|s| s.line().1.to_owned())
        .collect();
    let start = "/v5/order/realtime?category=linear&limit=2";
    let rest = [
        "",
        "&cursor=132766%3A2%2C132766%3A2",
        "&cursor=page_token%3D39380%26",
    ];
    assert_eq!(targets, rest.map(|rest| format!("{start}{rest}")));
}

#[tokio::test]
async fn a_cursor_does_not_mean_that_there_is_more() {
    for script in [
        &[("", "[1]", r#""a""#), ("a", "[2]", r#""a""#)][..],
        &[
            ("", "[1]", r#""a""#),
            ("a", "[2]", r#""b""#),
            ("b", "[]", r#""c""#),
        ],
        &[("", "[1]", r#""a""#), ("a", "[2]", "null")],
        &[("", "[]", r#""a""#)],
        &[("", "null", r#""a""#)],
    ] {
        let server = pages(script).await;
        let (lists, end) = read(&server, 10).await;
        assert!(matches!(end, Ok(PageEnd::Complete)), "{end:?}");
        assert_eq!(lists.len(), script.len());
        assert_eq!(server.seen().len(), script.len());
    }
}

#[tokio::test]
async fn a_list_that_goes_in_a_circle_ends() {
    let server = pages(&[
        ("", "[1]", r#""a""#),
        ("a", "[2]", r#""b""#),
        ("b", "[3]", r#""a""#),
    ])
    .await;
    let (lists, end) = read(&server, 10).await;
    assert!(matches!(end, Ok(PageEnd::Complete)), "{end:?}");
    assert_eq!(lists.len(), 3);
}

#[tokio::test]
async fn an_end_before_the_end_is_told() {
    let endless = pages(&[("", "[1]", r#""a""#), ("a", "[2]", r#""b""#)]).await;
    let (lists, end) = read(&endless, 2).await;
    assert!(matches!(end, Ok(PageEnd::Bound)), "{end:?}");
    assert_eq!(lists.len(), 2);

    let (lists, end) = read(&endless, 3).await;
    assert!(
        matches!(end, Err(RestError::Http { status: 404, .. })),
        "{end:?}"
    );
    assert_eq!(lists.len(), 2);

    let enough = pages(&[("", "[9]", r#""a""#)]).await;
    let (_, end) = read(&enough, 9).await;
    assert!(matches!(end, Ok(PageEnd::Stopped)), "{end:?}");

    let refusing = Server::answering(ok(r#"{"retCode":10002,"retMsg":"late"}"#)).await;
    let (lists, end) = read(&refusing, 9).await;
    assert!(matches!(end, Ok(PageEnd::Refused(answer)) if answer.code == 10_002));
    assert!(lists.is_empty());
    assert_eq!(refusing.seen().len(), 1);

    let unfit = pages(&[("", "[1]", r#""a b""#)]).await;
    let (_, end) = read(&unfit, 9).await;
    assert!(matches!(end, Err(RestError::NotSent { .. })), "{end:?}");
}

#[tokio::test]
async fn a_pause_of_the_venue_is_not_waited_for() {
    let reset = "X-Bapi-Limit-Reset-Timestamp: 1700000030000\r\n";
    let often = http("200 OK", reset, r#"{"retCode":10006,"retMsg":"later"}"#);
    let server = Server::answering(often).await;
    let client = server.client();
    let query = Query::new();
    let each = |_| ControlFlow::Continue(());
    let path = "/v5/execution/list";
    let end = client.pages(Access::Signed, path, &query, 9, each).await;
    assert!(matches!(end, Ok(PageEnd::Refused(answer)) if answer.code == 10_006));
    let end = client.pages(Access::Signed, path, &query, 9, each).await;
    assert!(matches!(end, Err(RestError::Limited { .. })), "{end:?}");
    assert_eq!(server.seen().len(), 1);
}
