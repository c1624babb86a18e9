//! What refusals for asking too often do to the next calls.

use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{RestClient, RestError};

use super::server::{ACCEPTED, Clock, START, Server, Then, http, ok};

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(START + ms)
}

async fn order(client: &RestClient, lane: Lane) -> Result<i64, RestError> {
    let body = r#"{"category":"linear"}"#.to_owned();
    let answer = client.post("/v5/order/create", body, lane).await?;
    Ok(answer.code)
}

fn limited(result: Result<i64, RestError>) -> (String, Timestamp) {
    match result {
        Err(RestError::Limited {
            endpoint, until, ..
        }) => (endpoint, until),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn our_own_budget_is_kept_without_asking() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    for _ in 0..4 {
        order(&client, Lane::Normal).await.unwrap();
    }
    let expected = ("order/create linear".to_owned(), at(1_000));
    assert_eq!(limited(order(&client, Lane::Normal).await), expected);
    assert_eq!(order(&client, Lane::Protective).await.unwrap(), 0);
    assert_eq!(limited(order(&client, Lane::Protective).await), expected);
    assert_eq!(server.seen().len(), 5);
    let budgets = client.budgets();
    let left: Vec<(&str, u32)> = budgets.iter().map(|b| (&*b.name, b.left)).collect();
    assert_eq!(left, [("address", 295), ("order/create linear", 0)]);
}

#[tokio::test]
async fn a_batch_counts_its_orders() {
    let server = Server::answering(ok(ACCEPTED)).await;
    let client = server.client();
    let batch = |n: usize| {
        let orders = vec!["{}"; n].join(",");
        let body = format!(r#"{{"category":"spot","request":[{orders}]}}"#);
        client.post("/v5/order/create-batch", body, Lane::Normal)
    };
    let error = batch(9).await.unwrap_err();
    assert!(
        error.to_string().contains("more than the 8 that fit"),
        "{error}"
    );
    assert!(batch(5).await.is_ok());
    assert!(matches!(batch(4).await, Err(RestError::Limited { .. })));
    assert!(batch(3).await.is_ok());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn too_often_pauses_until_the_reset_of_the_venue() {
    // The venue's clock is ten seconds ahead of ours.
    let time = r#"{"retCode":0,"result":{"timeNano":"1700000010000000000"}}"#;
    let often = r#"{"retCode":10006,"retMsg":"Too many visits!","result":{}}"#;
    let server = Server::start(move |seen| {
        Then::Answer(match seen.line().1 {
            "/v5/market/time" => ok(time),
            _ => http(
                "200 OK",
                "X-Bapi-Limit-Reset-Timestamp: 1700000012500\r\n",
                often,
            ),
        })
    })
    .await;
    let clock = Clock::at(START);
    let client = RestClient::new(server.settings(&clock)).unwrap();
    client.sync_clock().await.unwrap();
    assert_eq!(order(&client, Lane::Normal).await.unwrap(), 10_006);
    let n_seen = server.seen().len();
    clock.set(START + 2_499);
    let (_, until) = limited(order(&client, Lane::Protective).await);
    assert_eq!(until, at(2_500));
    assert_eq!(server.seen().len(), n_seen);
    clock.set(START + 2_500);
    assert_eq!(order(&client, Lane::Normal).await.unwrap(), 10_006);
}

#[tokio::test]
async fn a_status_429_pauses_for_a_second_and_then_longer() {
    let server = Server::answering(http("429 Too Many Requests", "", "")).await;
    let clock = Clock::at(START);
    let client = RestClient::new(server.settings(&clock)).unwrap();
    for (now, until) in [(0, 1_000), (1_000, 3_000), (3_000, 7_000)] {
        clock.set(START + now);
        let error = order(&client, Lane::Normal).await.unwrap_err();
        assert!(
            matches!(error, RestError::Http { status: 429, .. }),
            "{error}"
        );
        assert_eq!(limited(order(&client, Lane::Normal).await).1, at(until));
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_lock_out_stops_everything_for_ten_minutes() {
    let html = http("403 Forbidden", "", "<html>access too frequent</html>");
    let code = ok(r#"{"retCode":10018,"retMsg":"Exceeded the IP Rate Limit."}"#);
    for answer in [html, code] {
        let server = Server::answering(answer).await;
        let clock = Clock::at(START);
        let client = RestClient::new(server.settings(&clock)).unwrap();
        match client.get("/v5/market/time", &[]).await {
            Err(RestError::Http {
                status: 403, body, ..
            }) => {
                assert_eq!(body, "<html>access too frequent</html>");
            }
            Ok(answer) => assert_eq!(answer.code, 10_018),
            other => panic!("{other:?}"),
        }
        for now in [0, 1_000, 599_999] {
            clock.set(START + now);
            for error in [
                order(&client, Lane::Protective).await.unwrap_err(),
                client.get("/v5/market/time", &[]).await.unwrap_err(),
                client.sync_clock().await.unwrap_err(),
            ] {
                let until = at(600_000);
                assert!(matches!(error, RestError::Banned { until: u, .. } if u == until));
                assert!(!error.may_have_arrived());
            }
            assert_eq!(client.banned_until(), Some(at(600_000)));
        }
        assert_eq!(server.seen().len(), 1);
        clock.set(START + 600_000);
        assert!(!matches!(
            client.get("/v5/market/time", &[]).await,
            Err(RestError::Banned { .. })
        ));
        assert_eq!(server.seen().len(), 2);
    }
}
