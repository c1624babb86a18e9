//! Whoever cannot prove to be the host is not told anything.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tradeterm::venue::bybit::limits::Lane;
use tradeterm::venue::bybit::rest::{RestClient, RestError, Step};

use super::server::{ACCEPTED, Clock, START, Seen, ok, read_request, settings_at};

/// An authority of the test's own.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    fn sign(&self, params: &CertificateParams) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key)
    }
}

fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// What a server saw of one connection: an error of the handshake, or the request.
type Outcome = Result<Seen, String>;

/// A server for one connection after the other.
async fn secured(
    (certificate, key): (CertificateDer<'static>, KeyPair),
    version: &'static rustls::SupportedProtocolVersion,
) -> (u16, mpsc::Receiver<Outcome>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, outcomes) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let outcome = match acceptor.accept(stream).await {
                Err(error) => Err(error.to_string()),
                Ok(mut stream) => match read_request(&mut stream, 0).await {
                    None => Err("nothing was sent".to_owned()),
                    Some(seen) => {
                        stream.write_all(&ok(ACCEPTED)).await.unwrap();
                        stream.flush().await.unwrap();
                        Ok(seen)
                    }
                },
            };
            if tell.send(outcome).await.is_err() {
                return;
            }
        }
    });
    (port, outcomes)
}

fn client(port: u16, root: Option<&Authority>) -> RestClient {
    let mut settings = settings_at(&format!("https://localhost:{port}"), &Clock::at(START));
    settings.extra_root = root.map(|root| root.pem.clone());
    RestClient::new(settings).unwrap()
}

async fn order(client: &RestClient) -> Result<i64, RestError> {
    let call = client.post("/v5/order/create", "{}".to_owned(), Lane::Protective);
    call.await.map(|answer| answer.code)
}

#[tokio::test]
async fn a_host_that_proves_its_name_is_spoken_to() {
    let authority = Authority::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (port, mut outcomes) = secured(authority.sign(&params("localhost")), version).await;
        let client = client(port, Some(&authority));
        assert_eq!(order(&client).await.unwrap(), 0);
        assert_eq!(outcomes.recv().await.unwrap().unwrap().body, "{}");
    }
}

#[tokio::test]
async fn a_host_that_cannot_is_told_nothing() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let mut expired = params("localhost");
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    let mut early = params("localhost");
    early.not_before = date_time_ymd(3001, 1, 1);
    early.not_after = date_time_ymd(3002, 1, 1);
    let own_key = KeyPair::generate().unwrap();
    let own = params("localhost").self_signed(&own_key).unwrap();
    let trusted = Some(&authority);
    for (what, identity, root) in [
        ("expired", authority.sign(&expired), trusted),
        ("not yet valid", authority.sign(&early), trusted),
        (
            "of another host",
            authority.sign(&params("api.bybit.com")),
            trusted,
        ),
        (
            "of a stranger",
            stranger.sign(&params("localhost")),
            trusted,
        ),
        ("self-signed", (own.der().clone(), own_key), trusted),
        (
            "not of the public roots",
            authority.sign(&params("localhost")),
            None,
        ),
    ] {
        let (port, mut outcomes) = secured(identity, &rustls::version::TLS13).await;
        let client = client(port, root);
        for error in [
            order(&client).await.unwrap_err(),
            client
                .get_signed("/v5/account/info", &[])
                .await
                .unwrap_err(),
        ] {
            let is_refused = matches!(
                &error,
                RestError::NotSent {
                    step: Step::Secure,
                    ..
                }
            );
            assert!(is_refused, "{what}: {error}");
            let seen = outcomes.recv().await.unwrap();
            assert!(seen.is_err(), "{what}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_told_nothing() {
    let mut server = super::server::Server::answering(ok(ACCEPTED)).await;
    let mut settings = settings_at(
        &format!("https://localhost:{}", server.port),
        &Clock::at(START),
    );
    settings.timeouts.connect_order = Duration::from_mins(1);
    let client = RestClient::new(settings).unwrap();
    // The greeting is not HTTP: the server waits for the end of a head that never comes, so
    // that the deadline of the connection ends it.
    let call = tokio::spawn(async move { order(&client).await });
    while server.n_connections() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    let error = call.await.unwrap().unwrap_err();
    assert!(!error.may_have_arrived(), "{error}");
    assert!(server.arrived.try_recv().is_err());
}
