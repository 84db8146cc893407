//! Certificates and keys in files.

use std::io::ErrorKind;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::TlsError;

/// Every certificate of a file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|certificates| certificates.collect());
    match found {
        Ok(found) if found.is_empty() => Err(refused(path, "there is no certificate in the file".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(refused(path, words(&error))),
    }
}

/// A private key that only its owner can read, or root and its group.
pub(crate) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path).map_err(|error| refused(path, error.to_string()))?;
        let mode = meta.mode() & 0o7777;
        let others = if meta.uid() == 0 { 0o037 } else { 0o077 };
        if mode & others != 0 {
            return Err(TlsError::KeyOpen { path: path.to_owned(), mode });
        }
    }
    let text = std::fs::read(path).map_err(|error| refused(path, error.to_string()))?;
    if text.windows(9).any(|part| part == b"ENCRYPTED") {
        return Err(refused(path, "the key is locked with a passphrase, which is not supported".into()));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| refused(path, words(&error)))
}

/// Trust anchors from certificates; at least one has to make sense.
pub(crate) fn anchors(
    path: &Path,
    certificates: &[CertificateDer<'static>],
) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match store.add_parsable_certificates(certificates.iter().cloned()) {
        (0, _) => Err(refused(path, "no certificate in the file can be read".into())),
        _ => Ok(store),
    }
}

/// The system's trust anchors.
pub(crate) fn system() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    match store.add_parsable_certificates(found.certs) {
        (0, _) => {
            let why = found.errors.first().map_or("none was found".to_owned(), ToString::to_string);
            Err(TlsError::SystemRoots(why))
        }
        _ => Ok(store),
    }
}

fn refused(path: &Path, why: String) -> TlsError {
    TlsError::File { path: path.to_owned(), why }
}

fn words(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) if error.kind() == ErrorKind::NotFound => "the file does not exist".into(),
        pem::Error::Io(error) if error.kind() == ErrorKind::PermissionDenied => {
            "this user may not read the file".into()
        }
        pem::Error::NoItemsFound => "what was looked for is not in the file".into(),
        other => format!("this is not PEM: {other:?}"),
    }
}
