//! From options to a connection that nobody reads along.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::verify::{Trust, Verifier};
use crate::{Mode, TlsError, binding, error, files};

/// Whom to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// Certificates of a file. Where it is not there, only the modes that verify mind.
    File(PathBuf),
    /// Those that the system trusts.
    System,
    /// Nobody was named.
    Nobody,
}

/// A client certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate, and those between it and a root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What TLS shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much of it.
    pub mode: Mode,
    /// Whom to trust.
    pub root: Root,
    /// Who we are. A certificate whose file is not there is none.
    pub certificate: Option<Certificate>,
    /// TLS from the first byte on, without asking (`sslnegotiation=direct`).
    pub direct: bool,
    /// TLS 1.3 or nothing.
    pub newest_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Prefer, root: Root::Nobody, certificate: None, direct: false, newest_only: false }
    }
}

/// Options whose files were read.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
    by_name: bool,
}

/// A connection under TLS.
#[derive(Debug)]
pub struct Secured<S> {
    /// The connection.
    pub stream: TlsStream<S>,
    /// The `tls-server-end-point` data; `None` where the server's certificate allows none.
    pub end_point: Option<Vec<u8>>,
}

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
const NEWEST: &[&SupportedProtocolVersion] = &[&TLS13];
/// The name of PostgreSQL's protocol in ALPN, which a server wants where nobody asked before.
const ALPN: &[u8] = b"postgresql";

impl Connector {
    /// Reads the files that the options name.
    ///
    /// # Errors
    /// A file that is not there, or not what it should be.
    pub fn new(options: &Options) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let by_name = options.mode == Mode::VerifyFull;
        let verifier = Verifier { provider: provider.clone(), roots: trust(options)?, by_name };
        let versions = if options.newest_only { NEWEST } else { BOTH };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(|error| TlsError::Handshake(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match options.certificate.as_ref().filter(|own| own.certificate.exists()) {
            None => builder.with_no_client_auth(),
            Some(Certificate { certificate, key }) => {
                if !key.exists() {
                    return Err(TlsError::KeyMissing { certificate: certificate.clone(), key: key.clone() });
                }
                builder.with_client_auth_cert(files::certificates(certificate)?, files::key(key)?).map_err(
                    |error| TlsError::File {
                        path: certificate.clone(),
                        why: format!("the certificate and its key do not fit: {error}"),
                    },
                )?
            }
        };
        if options.direct {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        Ok(Self { config: Arc::new(config), by_name })
    }

    /// Shakes hands over `stream`. `host` is the name that was asked for, where there is one.
    ///
    /// # Errors
    /// The server's certificate is not as the mode wants it, the server does not want ours, or they share no language.
    pub async fn secure<S>(&self, stream: S, host: Option<&str>) -> Result<Secured<S>, TlsError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match host.map(|host| ServerName::try_from(host.to_owned())) {
            Some(Ok(name)) => name,
            None if self.by_name => return Err(TlsError::NameMissing),
            Some(Err(_)) if self.by_name => {
                return Err(TlsError::NameInvalid(host.unwrap_or_default().to_owned()));
            }
            // An address is not announced to the server.
            None | Some(Err(_)) => ServerName::from(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        };
        let connector = TlsConnector::from(self.config.clone());
        let stream = connector.connect(name, stream).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match inner {
                Some(inner) => TlsError::of(inner, host.unwrap_or_default()),
                None if error.kind() == io::ErrorKind::UnexpectedEof => {
                    TlsError::Handshake("the server hung up in the handshake".into())
                }
                None => TlsError::Handshake(error.to_string()),
            }
        })?;
        let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let end_point = leaf.and_then(|leaf| binding::end_point(leaf));
        Ok(Secured { stream, end_point })
    }
}

/// What a server meant by ending a connection under TLS; `None` for an error of another kind. In TLS 1.3 a client
/// certificate is judged when the handshake is over for us.
pub fn alert(error: &io::Error) -> Option<TlsError> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(TlsError::Alert(error::meaning(*alert))),
        _ => None,
    }
}

fn trust(options: &Options) -> Result<Option<Trust>, TlsError> {
    match &options.root {
        Root::System => Ok(Some(Trust { anchors: Arc::new(files::system()?), certificates: Vec::new() })),
        Root::File(path) if path.exists() => {
            let certificates = files::certificates(path)?;
            let anchors = Arc::new(files::anchors(path, &certificates)?);
            Ok(Some(Trust { anchors, certificates }))
        }
        Root::File(path) if options.mode.verifies() => Err(TlsError::RootMissing { path: path.clone() }),
        Root::Nobody if options.mode.verifies() => {
            Err(TlsError::RootMissing { path: "~/.postgresql/root.crt".into() })
        }
        Root::File(_) | Root::Nobody => Ok(None),
    }
}
