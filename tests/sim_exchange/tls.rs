//! TLS: who trusts the authority talks, and nobody else says a word.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::{Connector, connect_async_tls_with_config};
use tradeterm::venue::sim::server::{Leaf, SimServer, TlsSetup};

use super::desk::{Client, PATIENCE, config};

async fn server(leaf: Leaf, dir: &Path) -> SimServer {
    let mut config = config();
    config.tls = Some(TlsSetup {
        dir: dir.to_owned(),
        leaf,
    });
    SimServer::start(config).await.unwrap()
}

/// A client's side of TLS that trusts the authority in this file, and none without one.
fn trust(ca: Option<&Path>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        roots
            .add(CertificateDer::from_pem_file(ca).unwrap())
            .unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

async fn ask(server: &SimServer, tls: ClientConfig) -> Result<reqwest::Response, reqwest::Error> {
    super::desk::provider();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("{}/v5/market/time", server.rest_url());
    client
        .get(url)
        .header("X-BAPI-API-KEY", "testkey")
        .send()
        .await
}

async fn socket(server: &SimServer, tls: ClientConfig) -> Option<Client> {
    let url = format!("{}/v5/private", server.ws_url());
    let connector = Connector::Rustls(Arc::new(tls));
    let connect = connect_async_tls_with_config(url, None, false, Some(connector));
    let (stream, _) = timeout(PATIENCE, connect).await.unwrap().ok()?;
    Some(Client { stream })
}

#[tokio::test]
async fn who_trusts_the_authority_talks() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(Leaf::Good, dir.path()).await;
    assert!(server.rest_url().starts_with("https://"));
    let ca = server.ca_file().unwrap();
    assert_eq!(ask(&server, trust(Some(ca))).await.unwrap().status(), 200);
    let mut socket = socket(&server, trust(Some(ca))).await.unwrap();
    assert_eq!(
        socket.ask(&json!({"op": "ping"})).await["op"],
        json!("pong")
    );
    let counters = server.counters();
    assert_eq!((counters.signed, counters.tls_failures), (1, 0));
}

#[tokio::test]
async fn a_bad_certificate_is_refused_before_a_word_is_said() {
    for (leaf, is_trusted) in [
        (Leaf::Good, false),
        (Leaf::Expired, true),
        (Leaf::WrongHost, true),
        (Leaf::SelfSigned, true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = server(leaf, dir.path()).await;
        let ca = server.ca_file().filter(|_| is_trusted);
        assert!(ask(&server, trust(ca)).await.is_err(), "{leaf:?}");
        assert!(socket(&server, trust(ca)).await.is_none(), "{leaf:?}");
        while server.counters().tls_failures < 2 {
            tokio::task::yield_now().await;
        }
        let counters = server.counters();
        assert_eq!((counters.signed, counters.n_requests()), (0, 0), "{leaf:?}");
        assert!(counters.connects.is_empty(), "{leaf:?}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut config = config();
    config.tls = Some(TlsSetup {
        dir: file.join("below"),
        leaf: Leaf::Good,
    });
    let error = SimServer::start(config).await.unwrap_err().to_string();
    assert!(
        error.contains("below") && error.contains("--tls-dir"),
        "{error}"
    );
}
