//! The `tls-server-end-point` data. RFC 5929, section 4.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::der::{Der, Parts};

/// What a certificate is hashed with: the hash of its own signature, SHA-256 in place of MD5 and SHA-1. `None` where
/// the signature has no hash of its own (Ed25519): then there is no binding to such a server.
pub(crate) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match Hash::of(Parts::read(certificate)?.algorithm)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// 1.2.840.113549.1.1, without its last number.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
/// 1.2.840.10045.4.
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
/// 2.16.840.1.101.3.4: hashes in .2, DSA in .3.
const NIST: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04];
const PSS: u8 = 10;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// The first parameter of RSASSA-PSS.
const PSS_HASH: u8 = 0xa0;

impl Hash {
    /// Reads an AlgorithmIdentifier's content.
    fn of(algorithm: &[u8]) -> Option<Self> {
        let mut algorithm = Der::new(algorithm);
        let oid = algorithm.expect(OID)?.content;
        if oid == [RSA, &[PSS]].concat() {
            let parameters = algorithm.expect(SEQUENCE)?;
            // Left out, it is SHA-1.
            let Some(hash) = Der::new(parameters.content).expect(PSS_HASH) else { return Some(Self::Sha256) };
            let mut hash = Der::new(Der::new(hash.content).expect(SEQUENCE)?.content);
            return Self::named(hash.expect(OID)?.content);
        }
        if let Some([last]) = oid.strip_prefix(RSA) {
            return match last {
                4 | 5 | 11 => Some(Self::Sha256),
                12 => Some(Self::Sha384),
                13 => Some(Self::Sha512),
                14 => Some(Self::Sha224),
                _ => None,
            };
        }
        match oid.strip_prefix(ECDSA) {
            Some([1] | [3, 2]) => return Some(Self::Sha256),
            Some([3, 1]) => return Some(Self::Sha224),
            Some([3, 3]) => return Some(Self::Sha384),
            Some([3, 4]) => return Some(Self::Sha512),
            Some(_) | None => {}
        }
        match oid.strip_prefix(NIST) {
            Some([3, 1]) => Some(Self::Sha224),
            Some([3, 2]) => Some(Self::Sha256),
            Some(_) | None => None,
        }
    }

    /// A hash by its own name; SHA-1 counts as SHA-256.
    fn named(oid: &[u8]) -> Option<Self> {
        const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
        match oid.strip_prefix(NIST) {
            Some([2, 1]) => Some(Self::Sha256),
            Some([2, 2]) => Some(Self::Sha384),
            Some([2, 3]) => Some(Self::Sha512),
            Some([2, 4]) => Some(Self::Sha224),
            Some(_) | None => (oid == SHA1).then_some(Self::Sha256),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(algorithm: &'static rcgen::SignatureAlgorithm) -> Option<usize> {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("a key");
        let params = rcgen::CertificateParams::new(vec!["db".into()]).expect("a name");
        let made = params.self_signed(&key).expect("a certificate");
        end_point(made.der()).map(|hash| hash.len())
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        assert_eq!(length(&rcgen::PKCS_ECDSA_P256_SHA256), Some(32));
        assert_eq!(length(&rcgen::PKCS_ECDSA_P384_SHA384), Some(48));
        assert_eq!(length(&rcgen::PKCS_ED25519), None, "it has none");
    }

    #[test]
    fn old_hashes_are_replaced_and_the_parameters_of_pss_are_read() {
        let named = |last: u8| Hash::of(&[&[0x06, 9][..], RSA, &[last]].concat());
        assert_eq!([4, 5, 11, 12, 13, 14].map(named).map(|hash| hash.is_some()), [true; 6]);
        assert_eq!((named(5), named(13), named(1)), (Some(Hash::Sha256), Some(Hash::Sha512), None));
        let hash = [&[0xa0, 13, 0x30, 11, 0x06, 9][..], NIST, &[2, 3]].concat();
        let pss = [&[0x06, 9][..], RSA, &[PSS, 0x30, 15], &hash].concat();
        assert_eq!(Hash::of(&pss), Some(Hash::Sha512));
    }
}
