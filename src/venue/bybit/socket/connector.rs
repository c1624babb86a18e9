//! Dialling: name lookup, TCP, TLS.
//!
//! TLS is mandatory; plain sockets are for loopback addresses only, and so is an extra root
//! certificate. The handshake of the socket itself is not made here.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

/// A stream of bytes both ways.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// What dialling ends with.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send + 'a>>;

/// Opens streams of bytes to one address.
pub trait Dial: Send + Sync {
    /// Address as `wss://host/path`; the handshake of the socket names it.
    fn url(&self) -> &str;

    /// Opens one stream, TLS included.
    fn dial(&self) -> Dialled<'_>;
}

/// Dials one address over TCP.
pub struct Connector {
    url: String,
    host: String,
    port: u16,
    /// `None` is a plain socket, which only a loopback address may have.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    /// Dials `url`, trusting the public roots and, for loopback only, those in `extra_root_pem`.
    ///
    /// # Errors
    /// [`ConnectorError`] for an address or certificate that cannot be used.
    pub fn new(url: &str, extra_root_pem: Option<&[u8]>) -> Result<Self, ConnectorError> {
        let bad_url = || ConnectorError::BadUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad_url())?;
        let host = uri.host().ok_or_else(bad_url)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_plain = match uri.scheme_str() {
            Some("wss") => false,
            Some("ws") => true,
            _ => return Err(bad_url()),
        };
        if is_plain && !is_loopback(host) {
            return Err(ConnectorError::PlainText(host.to_owned()));
        }
        if extra_root_pem.is_some() && !is_loopback(host) {
            return Err(ConnectorError::ExtraRoot(host.to_owned()));
        }
        let tls = if is_plain {
            None
        } else {
            let name = ServerName::try_from(host.to_owned()).map_err(|_| bad_url())?;
            Some((
                TlsConnector::from(Arc::new(tls_config(extra_root_pem)?)),
                name,
            ))
        };
        Ok(Self {
            url: url.to_owned(),
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 }),
            tls,
        })
    }

    async fn open(&self) -> io::Result<Box<dyn Io>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else {
            // A name such as localhost could lead elsewhere.
            if !tcp.peer_addr()?.ip().is_loopback() {
                return Err(io::Error::other(
                    "plain socket leads off this machine: use wss",
                ));
            }
            return Ok(Box::new(tcp));
        };
        Ok(Box::new(connector.connect(name.clone(), tcp).await?))
    }
}

impl Dial for Connector {
    fn url(&self) -> &str {
        &self.url
    }

    fn dial(&self) -> Dialled<'_> {
        Box::pin(self.open())
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn tls_config(extra_root_pem: Option<&[u8]>) -> Result<ClientConfig, ConnectorError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = extra_root_pem {
        let bad_root = |e: String| ConnectorError::BadRoot(e);
        let mut n_added = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| bad_root(e.to_string()))?;
            roots
                .add(certificate)
                .map_err(|e| bad_root(e.to_string()))?;
            n_added += 1;
        }
        if n_added == 0 {
            return Err(bad_root("no certificate in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ConnectorError::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// Why an address cannot be dialled at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectorError {
    /// Not an address of a socket.
    #[error("{0:?} is not a socket address: use wss://host/path")]
    BadUrl(String),
    /// A plain socket off this machine.
    #[error("plain socket to {0:?} refused: use wss, ws is for loopback only")]
    PlainText(String),
    /// An extra root for a host off this machine.
    #[error("extra root certificate for {0:?} refused: it is for loopback only")]
    ExtraRoot(String),
    /// The extra root cannot be read.
    #[error("extra root certificate cannot be used: {0}")]
    BadRoot(String),
    /// The TLS library has no usable protocol version.
    #[error("tls cannot be set up: {0}")]
    Tls(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_goes_without_public_tls() {
        let check = |url: &str, pem: Option<&[u8]>| Connector::new(url, pem).err();
        assert_eq!(check("wss://stream.bybit.com/v5/private", None), None);
        for url in [
            "ws://127.0.0.1:9/v5/trade",
            "ws://localhost:9/",
            "ws://[::1]:9/",
        ] {
            assert_eq!(check(url, None), None, "{url}");
        }
        for host in ["stream.bybit.com", "10.0.0.1", "localhost.example"] {
            assert_eq!(
                check(&format!("ws://{host}/v5"), None),
                Some(ConnectorError::PlainText(host.to_owned()))
            );
        }
        assert_eq!(
            check("wss://stream.bybit.com/v5", Some(b"")),
            Some(ConnectorError::ExtraRoot("stream.bybit.com".to_owned()))
        );
        assert_eq!(
            check("wss://localhost/v5", Some(b"no certificate")),
            Some(ConnectorError::BadRoot("no certificate in it".to_owned()))
        );
        for url in ["https://stream.bybit.com", "stream.bybit.com", "", "wss://"] {
            assert_eq!(
                check(url, None),
                Some(ConnectorError::BadUrl(url.to_owned()))
            );
        }
    }
}
