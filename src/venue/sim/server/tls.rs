//! Certificates of a simulated venue: a new authority and a leaf at every start.
//!
//! The authority's certificate is written where a client can be told to trust it. Nothing else
//! is kept, and no client of the program has a switch that trusts it in live trading.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Name of the authority's certificate in the TLS folder.
pub const CA_FILE: &str = "sim-exchange-ca.pem";

/// How good the server's certificate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Leaf {
    /// For `localhost` and `127.0.0.1`, signed by the authority.
    #[default]
    Good,
    /// As the good one, but it ended in 2001.
    Expired,
    /// Signed by the authority, for `example.invalid`.
    WrongHost,
    /// For the right host, signed by itself.
    SelfSigned,
}

/// TLS of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSetup {
    /// Folder of the authority's certificate; it is made where it is missing.
    pub dir: PathBuf,
    /// How good the server's certificate is.
    pub leaf: Leaf,
}

/// Why certificates cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The folder cannot be written.
    #[error("cannot write {}: {source}; name another --tls-dir", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refuses the certificate.
    #[error("cannot use the certificate: {0}")]
    Rustls(#[from] rustls::Error),
}

/// What a server needs, and the file that its clients need.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<ServerConfig>,
    pub(super) ca_file: PathBuf,
}

impl Tls {
    /// Makes certificates and writes the authority's.
    pub(super) fn make(setup: &TlsSetup) -> Result<Self, TlsError> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::new(Vec::<String>::new())?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name
            .push(DnType::CommonName, "tradeterm simulated venue, not trusted");
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);

        let key = KeyPair::generate()?;
        let params = leaf_params(setup.leaf)?;
        let (certificate, trusted) = if setup.leaf == Leaf::SelfSigned {
            (params.self_signed(&key)?, ca_certificate.pem())
        } else {
            (params.signed_by(&key, &issuer)?, ca_certificate.pem())
        };
        let ca_file = write(&setup.dir, &trusted)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            ca_file,
        })
    }
}

fn leaf_params(leaf: Leaf) -> Result<CertificateParams, rcgen::Error> {
    let hosts: &[&str] = match leaf {
        Leaf::WrongHost => &["example.invalid"],
        Leaf::Good | Leaf::Expired | Leaf::SelfSigned => &["localhost", "127.0.0.1"],
    };
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "tradeterm simulated venue");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if leaf == Leaf::Expired {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
    }
    Ok(params)
}

fn write(dir: &Path, pem: &str) -> Result<PathBuf, TlsError> {
    let fail = |path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Io { path, source }
    };
    std::fs::create_dir_all(dir).map_err(fail(dir))?;
    let file = dir.join(CA_FILE);
    std::fs::write(&file, pem).map_err(fail(&file))?;
    Ok(file)
}
