//! Each way to have no answer, and what it says about the request.

use std::time::Duration;

use tokio::net::TcpListener;
use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{RestClient, RestError, Step};

use super::server::{ACCEPTED, Clock, START, Server, Then, http, ok, settings_at};

async fn order(client: &RestClient) -> Result<String, RestError> {
    let call = client.post("/v5/order/create", "{}".to_owned(), Lane::Protective);
    call.await.map(|answer| answer.result.get().to_owned())
}

/// The budget is per second of a clock that stands still: it has to move for many orders.
struct Orders {
    client: RestClient,
    clock: std::sync::Arc<Clock>,
    now: i64,
}

impl Orders {
    fn at(server: &Server) -> Self {
        let clock = Clock::at(START);
        let client = RestClient::new(server.settings(&clock)).unwrap();
        let now = START;
        Self { client, clock, now }
    }

    async fn next(&mut self) -> Result<String, RestError> {
        self.now += 1_000;
        self.clock.set(self.now);
        order(&self.client).await
    }
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let clock = Clock::at(START);
    let client = RestClient::new(settings_at(&format!("http://{address}"), &clock)).unwrap();
    for error in [
        order(&client).await.unwrap_err(),
        client.get("/v5/market/time", &[]).await.unwrap_err(),
    ] {
        assert!(
            matches!(
                &error,
                RestError::NotSent {
                    step: Step::Connect,
                    ..
                }
            ),
            "{error}"
        );
        assert!(!error.may_have_arrived());
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_close_before_the_answer_leaves_the_outcome_open() {
    for then in [Then::Cut(Vec::new()), Then::Reset(Vec::new())] {
        let mut server = Server::start(move |_| then.clone()).await;
        let client = server.client();
        let error = order(&client).await.unwrap_err();
        assert!(matches!(error, RestError::NoAnswer { .. }), "{error}");
        assert!(error.may_have_arrived());
        assert_eq!(server.arrived.recv().await.unwrap().body, "{}");
    }
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_leaves_the_outcome_open() {
    let whole = ok(ACCEPTED);
    let cuts = std::sync::atomic::AtomicUsize::new(0);
    let script = {
        let whole = whole.clone();
        move |_: &_| {
            let cut = cuts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Then::Cut(whole[..cut].to_vec())
        }
    };
    let server = Server::start(script).await;
    let mut orders = Orders::at(&server);
    for cut in 0..whole.len() {
        let error = orders.next().await.unwrap_err();
        assert!(
            matches!(error, RestError::NoAnswer { .. }),
            "cut at {cut}: {error}"
        );
    }
    assert!(orders.next().await.is_ok());
    assert_eq!(server.seen().len(), whole.len() + 1);
}

#[tokio::test]
async fn an_answer_without_a_length_is_not_guessed_when_cut() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let cuts = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |_| {
        let cut = cuts.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Then::Cut(format!("{head}{}", &ACCEPTED[..cut]).into_bytes())
    })
    .await;
    let mut orders = Orders::at(&server);
    for cut in 0..ACCEPTED.len() {
        let error = orders.next().await.unwrap_err();
        assert!(
            matches!(error, RestError::Unparsable { .. }),
            "cut at {cut}: {error}"
        );
        assert!(error.may_have_arrived());
    }
    assert!(orders.next().await.is_ok());
}

#[tokio::test]
async fn a_reset_within_the_answer_leaves_the_outcome_open() {
    let half = ok(ACCEPTED)[..120].to_vec();
    let server = Server::start(move |_| Then::Reset(half.clone())).await;
    let error = order(&server.client()).await.unwrap_err();
    assert!(matches!(error, RestError::NoAnswer { .. }), "{error}");
}

#[tokio::test]
async fn bodies_that_are_no_envelope_leave_the_outcome_open() {
    for body in [
        "",
        "null",
        "[]",
        "<html>busy</html>",
        r#"{"code":0}"#,
        "{\"retCode\":0}{",
    ] {
        let server = Server::answering(ok(body)).await;
        let error = order(&server.client()).await.unwrap_err();
        assert!(
            matches!(error, RestError::Unparsable { .. }),
            "{body}: {error}"
        );
        assert!(error.may_have_arrived());
    }
}

#[tokio::test]
async fn a_status_is_told_with_the_start_of_its_body() {
    let page = format!("<html>\r\n\x1b[31m502\x07{}</html>", "x".repeat(10_000));
    for (status, remedy) in [
        ("401 Unauthorized", "check the API key"),
        ("404 Not Found", "does not know this path"),
        ("500 Internal Server Error", "ask what became"),
        ("502 Bad Gateway", "ask what became"),
    ] {
        let server = Server::answering(http(status, "", &page)).await;
        let error = order(&server.client()).await.unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains(remedy) && shown.contains("127.0.0.1"),
            "{shown}"
        );
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        let RestError::Http {
            status: found,
            body,
            ..
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(found.to_string(), status[..3]);
        assert!(body.starts_with("<html>  [31m502xxx"), "{body}");
        assert_eq!(body.chars().count(), 200);
    }
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let answer = http(status, "Location: /v5/order/elsewhere\r\n", "");
        let server = Server::answering(answer).await;
        let client = server.client();
        let refused = [
            order(&client).await.unwrap_err(),
            client
                .get_signed("/v5/account/info", &[])
                .await
                .unwrap_err(),
        ];
        for error in refused {
            assert!(
                matches!(
                    error,
                    RestError::Http {
                        status: 300..=399,
                        ..
                    }
                ),
                "{error}"
            );
        }
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_given_up() {
    let large = format!("{{\"retCode\":0,\"retMsg\":\"{}\"}}", "x".repeat(5_000));
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let chunked = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    for answer in [ok(&large), chunked.clone().into_bytes()] {
        let server = Server::answering(answer).await;
        let mut settings = server.settings(&Clock::at(START));
        settings.largest_body = 5_000;
        let client = RestClient::new(settings).unwrap();
        let error = order(&client).await.unwrap_err();
        assert!(matches!(&error, RestError::Unparsable { .. }), "{error}");
        assert!(
            error.to_string().contains("larger than 5000 bytes"),
            "{error}"
        );
    }
    // The same body fits where it may.
    let server = Server::answering(chunked.into_bytes()).await;
    assert!(order(&server.client()).await.is_ok());
}

#[tokio::test]
async fn silence_ends_at_the_deadline_of_the_call() {
    let mut server = Server::start(|_| Then::Silence).await;
    let mut settings = server.settings(&Clock::at(START));
    settings.timeouts.order = Duration::from_hours(1);
    let client = RestClient::new(settings).unwrap();
    let call = tokio::spawn(async move { order(&client).await });
    server.arrived.recv().await.unwrap();
    // The request is with the server; from here on time is the test's.
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(30)).await;
    assert!(!call.is_finished());
    tokio::time::advance(Duration::from_mins(31)).await;
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, RestError::NoAnswer { .. }), "{error}");
    assert!(error.may_have_arrived());
}
