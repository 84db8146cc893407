//! MD5 passwords: `md5(md5(password + user) + salt)`, each in hexadecimal. Kept for servers and files that have
//! nothing better.

use md5::{Digest, Md5};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of an answer, and of a stored hash with its prefix: `md5` and 32 digits.
pub const ANSWER_BYTES: usize = 35;

/// The stored half: `md5(password + user)` as 32 lower-case digits. Enough to log in with, so it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Md5Hash(Zeroizing<[u8; 32]>);

impl Md5Hash {
    /// Hashes a password for its user.
    pub fn of(user: &[u8], password: &[u8]) -> Self {
        Self(Zeroizing::new(digits(&[password, user])))
    }

    /// Reads PostgreSQL's stored form, `md5` and 32 lower-case digits.
    pub fn parse(stored: &[u8]) -> Option<Self> {
        let hash: [u8; 32] = stored.strip_prefix(b"md5")?.try_into().ok()?;
        hash.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then(|| Self(Zeroizing::new(hash)))
    }

    /// The answer to a request with this salt.
    pub fn answer(&self, salt: [u8; 4]) -> [u8; ANSWER_BYTES] {
        let mut answer = [0; ANSWER_BYTES];
        let (prefix, hash) = answer.split_at_mut(3);
        prefix.copy_from_slice(b"md5");
        hash.copy_from_slice(&digits(&[&*self.0, &salt]));
        answer
    }

    /// Whether `answer` is the right one, without telling by time how much of it is.
    pub fn accepts(&self, salt: [u8; 4], answer: &[u8]) -> bool {
        self.answer(salt).ct_eq(answer).into()
    }
}

impl fmt::Debug for Md5Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Md5Hash(***)")
    }
}

/// The MD5 of all parts, as hexadecimal digits.
fn digits(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Md5::new();
    for part in parts {
        digest.update(part);
    }
    let mut digits = [0; 32];
    for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(digest.finalize()) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    digits
}

const fn digit(value: u8) -> u8 {
    match value {
        0..10 => b'0' + value,
        _ => b'a' + value - 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_postgresql_stores() {
        // select 'md5' || md5('secret' || 'alice'), 'md5' || md5(md5('secret' || 'alice') || 'salt')
        let hash = Md5Hash::of(b"alice", b"secret");
        assert_eq!(Md5Hash::parse(b"md54a0a68b43b6cd5cf266fa02f196e2371"), Some(hash.clone()));
        assert_eq!(&hash.answer(*b"salt"), b"md5986e2194384c07f4fd1df4b1351b3e68");
        assert_eq!(&digits(&[b""]), b"d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(&digits(&[b"mess", b"age digest"]), b"f96b697d7cb7938d525a2f31aaf161d0");
    }

    #[test]
    fn the_right_answer_is_accepted_for_its_salt_only() {
        let hash = Md5Hash::of(b"alice", b"secret");
        let answer = hash.answer(*b"salt");
        assert!(hash.accepts(*b"salt", &answer));
        assert!(!hash.accepts(*b"tlas", &answer));
        assert!(!hash.accepts(*b"salt", &answer[..34]));
        assert!(!hash.accepts(*b"salt", b""));
    }

    #[test]
    fn other_shapes_are_no_hash() {
        for stored in
            ["md5", "md5F96B697D7CB7938D525A2F31AAF161D0", "md5f96b697d7cb7938d525a2f31aaf161d", "x"]
        {
            assert_eq!(Md5Hash::parse(stored.as_bytes()), None);
        }
    }
}
