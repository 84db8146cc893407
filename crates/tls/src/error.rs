//! What can go wrong with TLS, in plain words and with what to do.

use std::path::PathBuf;

use rustls::{AlertDescription, CertificateError, Error};
use thiserror::Error as ThisError;

/// Why there is no TLS connection.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
pub enum TlsError {
    /// `verify-ca` and `verify-full` need it.
    #[error("the root certificate file {} does not exist", path.display())]
    RootMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file of certificates or a key that cannot be used.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A client certificate without its key.
    #[error("the client certificate {} has no key: {} does not exist", certificate.display(), key.display())]
    KeyMissing {
        /// The certificate.
        certificate: PathBuf,
        /// Where its key was looked for.
        key: PathBuf,
    },
    /// A key that others can read.
    #[error("the key {} can be read by others (mode {mode:04o})", path.display())]
    KeyOpen {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The system has no root certificates that we find.
    #[error("the system's root certificates cannot be read: {0}")]
    SystemRoots(String),
    /// `verify-full` without a name to compare.
    #[error("verify-full needs a host name, and only an address was given")]
    NameMissing,
    /// A host that no certificate can be made out to.
    #[error("{0:?} is not a host name that a certificate can be made out to")]
    NameInvalid(String),
    /// The server answered that it has no TLS.
    #[error("the server has no TLS, and sslmode={0} asks for it")]
    NotOffered(crate::Mode),
    /// Nobody that we trust vouches for the certificate.
    #[error("the server's certificate is not signed by any root certificate that was given")]
    UnknownIssuer,
    /// Out of date, either way.
    #[error("the server's certificate {0}")]
    NotValidNow(&'static str),
    /// Made out to somebody else.
    #[error("the server's certificate is not made out to {host:?} but to {names}")]
    OtherName {
        /// Whom we asked for.
        host: String,
        /// Whom it is for.
        names: String,
    },
    /// The server ended the handshake.
    #[error("the server ended the TLS handshake: {0}")]
    Alert(&'static str),
    /// Whatever else.
    #[error("TLS: {0}")]
    Handshake(String),
}

impl TlsError {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::RootMissing { .. } => {
                "name the server's root certificate with sslrootcert=FILE, or use sslrootcert=system for a public one"
            }
            Self::File { .. } => "write the certificate or key as PEM, without a passphrase",
            Self::KeyMissing { .. } => "name the key with sslkey=FILE",
            Self::KeyOpen { .. } => "chmod 600 the key",
            Self::SystemRoots(_) => {
                "install the ca-certificates package, or name a file with sslrootcert=FILE"
            }
            Self::NameMissing => "give the name the certificate is made out to as host, beside hostaddr",
            Self::NameInvalid(_) => "give the name the certificate is made out to, or use sslmode=verify-ca",
            Self::NotOffered(_) => {
                "turn ssl on in postgresql.conf, or use sslmode=prefer where the way to the server is safe"
            }
            Self::UnknownIssuer => "name the certificate of who signed it with sslrootcert=FILE",
            Self::NotValidNow(_) => {
                "renew the certificate on the server, and look at the clocks of both machines"
            }
            Self::OtherName { .. } => {
                "connect by the name in the certificate, or use sslmode=verify-ca if the way by another name is meant"
            }
            Self::Alert(_) => {
                "look into the server's log; if it asks for a client certificate, name one with sslcert=FILE sslkey=FILE"
            }
            Self::Handshake(_) => "look into the server's log: it says why from its side",
        }
    }

    /// An error of the library in our words. `host` is whom we asked for.
    pub(crate) fn of(error: &Error, host: &str) -> Self {
        match error {
            Error::AlertReceived(alert) => Self::Alert(meaning(*alert)),
            Error::InvalidCertificate(error) => Self::of_certificate(error, host),
            Error::InvalidMessage(_) => Self::Handshake("what answers does not speak TLS".into()),
            other => Self::Handshake(other.to_string()),
        }
    }

    fn of_certificate(error: &CertificateError, host: &str) -> Self {
        match error {
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::InvalidPurpose
            | CertificateError::InvalidPurposeContext { .. } => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Self::NotValidNow("has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotValidNow("is not valid yet")
            }
            CertificateError::NotValidForName => {
                Self::OtherName { host: host.to_owned(), names: "nobody by name".into() }
            }
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                Self::OtherName { host: host.to_owned(), names: "nobody by name".into() }
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherName { host: host.to_owned(), names: presented.join(", ") }
            }
            CertificateError::Other(error) if error.0.to_string().contains("CaUsedAsEndEntity") => {
                Self::UnknownIssuer
            }
            other => Self::Handshake(format!("the server's certificate cannot be used: {other}")),
        }
    }
}

/// An alert in words.
pub(crate) fn meaning(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::HandshakeFailure => "it shares no cipher or version with us",
        AlertDescription::ProtocolVersion => "it does not speak TLS 1.2 or newer",
        AlertDescription::CertificateRequired => "it wants a client certificate",
        AlertDescription::UnknownCA => "it does not trust who signed our client certificate",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept our client certificate"
        }
        AlertDescription::CertificateExpired => "our client certificate has expired",
        AlertDescription::CertificateRevoked => "our client certificate was revoked",
        AlertDescription::NoApplicationProtocol => "it does not take TLS from the first byte on",
        _ => "it does not say why",
    }
}
