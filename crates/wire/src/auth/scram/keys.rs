//! Keys and the hash steps between them.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

macro_rules! keys {
    ($($(#[$doc:meta])* $vis:vis $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        $vis struct $name(Zeroizing<[u8; 32]>);

        impl $name {
            /// Takes the bytes of such a key.
            $vis fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(Zeroizing::new(bytes))
            }

            /// The bytes of the key.
            $vis fn bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    )*};
}

keys! {
    /// What the slow step makes of a password, a salt and a number of rounds. As good as the password for every
    /// server with that salt.
    pub SaltedPassword;
    /// Proves the password to a server that has its verifier.
    pub ClientKey;
    /// Proves the verifier to a client that has the password.
    pub ServerKey;
    /// The hash of the client's key: what a server compares with.
    pub(super) StoredKey;
    /// Of one exchange, by the server's key.
    pub(super) Signature;
}

impl SaltedPassword {
    /// The key that proves the password.
    pub fn client_key(&self) -> ClientKey {
        ClientKey::from_bytes(hmac(&self.0, &[b"Client Key"]))
    }

    /// The key that proves the verifier.
    pub fn server_key(&self) -> ServerKey {
        ServerKey::from_bytes(hmac(&self.0, &[b"Server Key"]))
    }

    /// Both.
    pub fn keys(&self) -> Keys {
        Keys { client: self.client_key(), server: self.server_key() }
    }
}

/// What a client needs to log in and to know the server; good for one password, salt and number of rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Ours.
    pub client: ClientKey,
    /// The server's.
    pub server: ServerKey,
}

impl ClientKey {
    /// The hash that a verifier holds.
    pub(super) fn stored(&self) -> StoredKey {
        StoredKey::from_bytes(sha256(&*self.0))
    }

    /// Hides the key behind a signature, or takes it out again: the same step.
    pub(super) fn masked(&self, signature: &Signature) -> [u8; 32] {
        let mut masked = *self.0;
        for (byte, mask) in masked.iter_mut().zip(signature.bytes()) {
            *byte ^= mask;
        }
        masked
    }
}

impl StoredKey {
    /// The client's signature of an exchange.
    pub(super) fn sign(&self, transcript: &[&[u8]]) -> Signature {
        Signature::from_bytes(hmac(&self.0, transcript))
    }

    /// Compares without telling by time how much is equal.
    pub(super) fn same(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&*other.0)
    }
}

impl ServerKey {
    /// The server's signature of an exchange.
    pub(super) fn sign(&self, transcript: &[&[u8]]) -> Signature {
        Signature::from_bytes(hmac(&self.0, transcript))
    }

    /// Compares without telling by time how much is equal.
    pub(super) fn same(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&*other.0)
    }
}

impl Signature {
    /// Compares without telling by time how much is equal.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

/// The slow step (PBKDF2): 4,096 rounds take about a millisecond. The password is normalized first.
pub fn derive(password: &[u8], salt: &[u8], iterations: u32) -> SaltedPassword {
    let mut salted = SaltedPassword::from_bytes([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(&normalized(password), salt, iterations, &mut *salted.0);
    salted
}

/// SASLprep; where a password is not UTF-8, has prohibited characters or would be empty, its bytes as they are:
/// PostgreSQL does the same.
fn normalized(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let prepared = std::str::from_utf8(password).ok().and_then(|text| stringprep::saslprep(text).ok());
    Zeroizing::new(match prepared {
        None | Some(Cow::Borrowed(_)) => password.to_vec(),
        Some(Cow::Owned(text)) if text.is_empty() => password.to_vec(),
        Some(Cow::Owned(text)) => text.into_bytes(),
    })
}

/// HMAC-SHA-256 of all parts.
pub(super) fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    count_one();
    // A key shorter than a block is padded with zeros: done here, the length cannot be wrong.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    count_one();
    Sha256::digest(bytes).into()
}

#[cfg(not(test))]
fn count_one() {}

#[cfg(test)]
use counted::count_one;

/// Hash operations of this thread, so that a test can compare the work for users that exist and users that do not.
#[cfg(test)]
pub(super) mod counted {
    use std::cell::Cell;

    thread_local!(static OPERATIONS: Cell<u32> = const { Cell::new(0) });

    pub(in super::super) fn count_one() {
        OPERATIONS.set(OPERATIONS.get() + 1);
    }

    pub(in super::super) fn during<T>(work: impl FnOnce() -> T) -> (T, u32) {
        let before = OPERATIONS.get();
        let result = work();
        (result, OPERATIONS.get() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_normalized_as_far_as_they_can_be() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"pencil", b"pencil"),
            ("I\u{ad}X".as_bytes(), b"IX"),
            ("\u{2168}".as_bytes(), b"IX"),
            (b"\xff\xfe", b"\xff\xfe"),
            (b"bell\x07", b"bell\x07"),
            ("\u{ad}".as_bytes(), "\u{ad}".as_bytes()),
        ];
        for (password, expected) in cases {
            assert_eq!(*normalized(password), expected);
        }
    }

    #[test]
    fn an_hmac_is_that_of_rfc_4231() {
        // Test case 2 has the key "Jefe"; padding with zeros does not change an HMAC.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = hmac(&key, &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(mac[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
    }
}
