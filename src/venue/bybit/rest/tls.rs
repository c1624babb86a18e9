//! How connections are secured: rustls with the bundled roots, TLS 1.2 or newer.
//!
//! There is no way to skip a check. A root of one's own is for an exchange on this machine and
//! takes the place of the bundled ones, so it can never vouch for the venue.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::venue::bybit::hosts::Hosts;

/// Why connections cannot be secured as asked.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A root of one's own for hosts of the venue.
    #[error("a root certificate of your own is for an exchange on this machine only: leave it out")]
    NotLocal,
    /// A text that holds no certificate.
    #[error("the root certificate cannot be read ({0}): give it as PEM")]
    BadRoot(String),
    /// The library refused.
    #[error("TLS cannot be set up: {0}")]
    Refused(#[from] rustls::Error),
}

/// Settings of every connection to `hosts`, for requests and sockets alike.
///
/// # Errors
///
/// [`TlsError`] when `extra_root` (PEM) is not a certificate, or is given for other hosts than
/// those of this machine.
pub fn client_config(hosts: &Hosts, extra_root: Option<&str>) -> Result<ClientConfig, TlsError> {
    let roots = match extra_root {
        None => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Some(_) if !hosts.is_local() => return Err(TlsError::NotLocal),
        Some(pem) => own_root(pem)?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Sockets are opened by HTTP/1.1 as well, and nothing here speaks another version.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Early data could be delivered twice.
    config.enable_early_data = false;
    Ok(config)
}

fn own_root(pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| TlsError::BadRoot(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| TlsError::BadRoot(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(TlsError::BadRoot("there is none in it".to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::bybit::hosts::Environment;

    #[test]
    fn a_root_of_ones_own_is_for_this_machine() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let local = Hosts::local("https://localhost:1", "wss://localhost:2").unwrap();
        assert!(client_config(&local, Some(&pem)).is_ok());
        for environment in [
            Environment::Mainnet,
            Environment::Testnet,
            Environment::Demo,
        ] {
            let hosts = Hosts::of(environment);
            assert!(client_config(&hosts, None).is_ok());
            let refused = client_config(&hosts, Some(&pem));
            assert!(matches!(refused, Err(TlsError::NotLocal)));
        }
        for text in [
            "",
            "not a certificate",
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
        ] {
            let refused = client_config(&local, Some(text));
            assert!(matches!(refused, Err(TlsError::BadRoot(_))), "{text}");
        }
    }
}
