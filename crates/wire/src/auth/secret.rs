//! What is stored about a user's password: the text in `pg_authid.rolpassword` or in a user list.

use super::md5::Md5Hash;
use super::scram::{ScramError, Verifier};
use std::fmt;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

/// A password as it is typed. Never printed; overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes a password.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The password, to be sent or hashed.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Whether `given` is this password, without telling by time how much of it is.
    pub fn accepts(&self, given: &[u8]) -> bool {
        self.0.ct_eq(given).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// A stored secret. `==` tells whether a reload changed it; what a client sends is never compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The password itself.
    Plain(Password),
    /// Its MD5 with the user's name.
    Md5(Md5Hash),
    /// Its SCRAM-SHA-256 verifier.
    Scram(Verifier),
}

/// Why a stored text is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Nothing: such a user cannot log in with a password.
    #[error("the secret is empty")]
    Empty,
    /// A NUL, which no password message can carry.
    #[error("the secret has a NUL byte")]
    Nul,
    /// It begins like a SCRAM verifier and is none. Taking it for a password would hide a mistake.
    #[error("the secret begins like a SCRAM verifier: {0}")]
    Scram(#[from] ScramError),
}

impl Secret {
    /// Reads a stored text: a SCRAM verifier, `md5` and 32 lower-case digits, or else a password.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn parse(stored: &[u8]) -> Result<Self, SecretError> {
        if stored.is_empty() {
            return Err(SecretError::Empty);
        }
        if stored.contains(&0) {
            return Err(SecretError::Nul);
        }
        if let Some(hash) = Md5Hash::parse(stored) {
            return Ok(Self::Md5(hash));
        }
        match Verifier::parse(stored)? {
            Some(verifier) => Ok(Self::Scram(verifier)),
            None => Ok(Self::Plain(Password::new(stored))),
        }
    }

    /// The answer to an MD5 request, where this secret allows one: a verifier does not.
    pub fn md5_hash(&self, user: &[u8]) -> Option<Md5Hash> {
        match self {
            Self::Plain(password) => Some(Md5Hash::of(user, password.reveal())),
            Self::Md5(hash) => Some(hash.clone()),
            Self::Scram(_) => None,
        }
    }
}

/// The answer to a server's MD5 request; `None` where the secret is a SCRAM verifier.
pub fn md5_response(user: &[u8], secret: &Secret, salt: [u8; 4]) -> Option<[u8; super::md5::ANSWER_BYTES]> {
    Some(secret.md5_hash(user)?.answer(salt))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRAM: &str = "SCRAM-SHA-256$4096:t1oJpePp8I0BSAE4L1/27w==$\
        Zad5lKQt6sQ3DSgPH1IzfSK4dgGkPFMHuMu9R4Uk/Po=:JEW1SkoIdfKnoxL89dHOkpuYnLaLxPazzlrILiaDcNE=";

    #[test]
    fn the_three_kinds_are_told_apart() {
        assert!(matches!(Secret::parse(SCRAM.as_bytes()), Ok(Secret::Scram(_))));
        assert!(matches!(Secret::parse(b"md54a0a68b43b6cd5cf266fa02f196e2371"), Ok(Secret::Md5(_))));
        assert!(matches!(Secret::parse(b"md5"), Ok(Secret::Plain(_))));
        assert_eq!(Secret::parse(b""), Err(SecretError::Empty));
        assert_eq!(Secret::parse(b"a\0b"), Err(SecretError::Nul));
        assert!(matches!(Secret::parse(b"SCRAM-SHA-256$4096:oops"), Err(SecretError::Scram(_))));
    }

    #[test]
    fn no_secret_shows_when_printed() {
        for stored in [SCRAM, "md54a0a68b43b6cd5cf266fa02f196e2371", "hunter22"] {
            let secret = Secret::parse(stored.as_bytes()).expect("it is a secret");
            let shown = format!("{secret:?}");
            assert!(shown.contains("***"), "{shown}");
            for part in ["hunter22", "4a0a", "Zad5", "101, 167", "JEW1"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }

    #[test]
    fn a_password_and_its_hash_answer_alike() {
        let plain = Secret::parse(b"secret").expect("it is a secret");
        let hash = Secret::parse(b"md54a0a68b43b6cd5cf266fa02f196e2371").expect("it is a secret");
        let answer = md5_response(b"alice", &plain, *b"salt");
        assert_eq!(answer.as_ref().map(|a| &a[..]), Some(&b"md5986e2194384c07f4fd1df4b1351b3e68"[..]));
        assert_eq!(md5_response(b"alice", &hash, *b"salt"), answer);
        let scram = Secret::parse(SCRAM.as_bytes()).expect("it is a secret");
        assert_eq!(md5_response(b"alice", &scram, *b"salt"), None);
    }

    #[test]
    fn a_password_accepts_itself_only() {
        let password = Password::new("secret");
        assert!(password.accepts(b"secret"));
        assert!(!password.accepts(b"secre"));
        assert!(!password.accepts(b""));
    }
}
