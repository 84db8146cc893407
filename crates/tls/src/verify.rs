//! Who the server is, as far as the mode wants to know. libpq's rules, which are wider than the web's: a server's own
//! certificate may be the root, and a certificate without alternative names is known by its common name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::der::Parts;

/// What is asked of a server's certificate.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) provider: Arc<CryptoProvider>,
    /// Whom we trust; `None` trusts anybody.
    pub(crate) roots: Option<Trust>,
    /// The certificate has to be made out to the host.
    pub(crate) by_name: bool,
}

/// Trusted certificates.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) anchors: Arc<RootCertStore>,
    /// The same, as they are: a server may show one of them itself.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        if trust.certificates.iter().any(|one| one.as_ref() == end_entity.as_ref()) {
            in_date(end_entity, now)?;
        } else {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                &trust.anchors,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?;
        }
        if self.by_name {
            made_out_to(end_entity, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        // A certificate of the oldest version has a key like any other.
        match (ParsedCertificate::try_from(cert), Parts::read(cert)) {
            (Err(_), Some(parts)) => {
                let key = SubjectPublicKeyInfoDer::from(parts.key);
                verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
            }
            _ => verify_tls13_signature(message, cert, signed, algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn in_date(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (from, until) = Parts::read(certificate).ok_or(CertificateError::BadEncoding)?.valid;
    if now.as_secs() < from {
        Err(CertificateError::NotValidYet.into())
    } else if now.as_secs() > until {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
}

fn made_out_to(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Result<(), Error> {
    let parts = Parts::read(certificate).ok_or(CertificateError::BadEncoding)?;
    if parts.has_alternative_names() {
        return verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name);
    }
    let host = server_name.to_str();
    let name = parts.common_name();
    if name.is_some_and(|name| fits(name, &host)) {
        return Ok(());
    }
    let presented = name.map(str::to_owned).into_iter().collect();
    let expected = server_name.to_owned();
    Err(CertificateError::NotValidForNameContext { expected, presented }.into())
}

/// Compares a common name, which may have a star for its first label.
fn fits(name: &str, host: &str) -> bool {
    if let Some(domain) = name.strip_prefix("*.") {
        let rest = host.split_once('.').map(|(label, rest)| (label.is_empty(), rest));
        let address = host.parse::<std::net::IpAddr>().is_ok();
        return !address
            && domain.contains('.')
            && rest.is_some_and(|(empty, rest)| !empty && rest.eq_ignore_ascii_case(domain));
    }
    name.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(fits("db.internal", "DB.Internal"));
        assert!(fits("*.shop.internal", "db.shop.internal"));
        for (name, host) in [
            ("*.shop.internal", "shop.internal"),
            ("*.shop.internal", "a.b.shop.internal"),
            ("*.internal", "db.internal"),
            ("*.0.0.1", "127.0.0.1"),
            ("db.internal", "db.internal.evil"),
        ] {
            assert!(!fits(name, host), "{name} {host}");
        }
    }
}
