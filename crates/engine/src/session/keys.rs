//! What the slow step of SCRAM made, kept so that it is done once; and the salts that are ours.
//!
//! A plain stored password is turned into a verifier with a salt that is always the same for its user, so every login
//! of that user after the first finds the result here. The same salt stands in the exchange of a user who does not
//! exist, so it tells nothing. No password is kept: entries are found by a keyed hash.

use std::collections::BTreeMap;
use std::fmt;

use model::config::checked::SecretText;
use wire::auth::md5::Md5Hash;
use wire::auth::scram::{self, SaltedPassword, Verifier};
use wire::auth::secret::Secret;

/// Results kept at most; the one that was not used for longest goes first.
pub const KEPT_MAX: usize = 4_096;

/// A secret of the configuration, told apart by its form.
#[derive(Clone, Debug)]
pub enum Stored {
    /// The password itself.
    Plain(SecretText),
    /// Its MD5 with the user's name.
    Md5(Md5Hash),
    /// Its SCRAM-SHA-256 verifier.
    Scram(Verifier),
}

impl Stored {
    /// Reads a secret. `None` where it is of no use: empty, or a verifier that is malformed.
    pub fn read(text: &SecretText) -> Option<Self> {
        match Secret::parse(text.expose().as_bytes()).ok()? {
            Secret::Plain(_) => Some(Self::Plain(text.clone())),
            Secret::Md5(hash) => Some(Self::Md5(hash)),
            Secret::Scram(verifier) => Some(Self::Scram(verifier)),
        }
    }
}

type Fingerprint = [u8; 32];

struct Kept {
    salted: SaltedPassword,
    /// Its place in `by_use`.
    used: u64,
}

/// Results of the slow step, and the key that salts are made from.
pub struct Keys {
    process_key: [u8; 32],
    kept: BTreeMap<Fingerprint, Kept>,
    by_use: BTreeMap<u64, Fingerprint>,
    uses: u64,
}

impl Keys {
    /// Knows nothing yet. `process_key` is secret and the same for all workers of a process: with another one, a user's
    /// salt is another, and that would tell users who do not exist apart from those with a stored verifier.
    pub fn new(process_key: [u8; 32]) -> Self {
        Self { process_key, kept: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// The result for this password, salt and number of rounds, where it is known.
    pub fn salted(&mut self, password: &[u8], salt: &[u8], iterations: u32) -> Option<SaltedPassword> {
        let fingerprint = self.fingerprint(password, salt, iterations);
        let kept = self.kept.get_mut(&fingerprint)?;
        self.uses += 1;
        self.by_use.remove(&kept.used);
        self.by_use.insert(self.uses, fingerprint);
        kept.used = self.uses;
        Some(kept.salted.clone())
    }

    /// Keeps a result. Never called with a password that somebody merely tried: strangers could push out what is of use.
    pub fn keep(&mut self, password: &[u8], salt: &[u8], iterations: u32, salted: SaltedPassword) {
        let fingerprint = self.fingerprint(password, salt, iterations);
        self.uses += 1;
        if let Some(old) = self.kept.insert(fingerprint, Kept { salted, used: self.uses }) {
            self.by_use.remove(&old.used);
        }
        self.by_use.insert(self.uses, fingerprint);
        if self.kept.len() > KEPT_MAX
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.kept.remove(&oldest);
        }
    }

    /// The verifier to log `user` in with: `known`, or one that refuses every proof. Its salt is always the same for a
    /// name, and the one that a plain password of that name is salted with. Both ways do the same work.
    pub fn verifier(&self, known: Option<&Verifier>, user: &str, iterations: u32) -> Verifier {
        Verifier::or_doomed(known, &self.process_key, user.as_bytes(), iterations)
    }

    /// A number that is always the same for a name and tells nothing of it.
    pub fn pick(&self, user: &str) -> u64 {
        let hash = self.fingerprint(user.as_bytes(), b"whom a stranger is like", 0);
        hash.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// A keyed hash: one round of PBKDF2 is an HMAC. What is the same password after normalizing is the same here.
    fn fingerprint(&self, password: &[u8], salt: &[u8], iterations: u32) -> Fingerprint {
        let text = [&self.process_key[..], &iterations.to_be_bytes(), salt].concat();
        *scram::derive(password, &text, 1).bytes()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(byte: u8) -> SaltedPassword {
        SaltedPassword::from_bytes([byte; 32])
    }

    #[test]
    fn a_result_is_found_for_all_three_or_not_at_all() {
        let mut keys = Keys::new([7; 32]);
        keys.keep(b"pw", b"salt", 4096, some(1));
        assert_eq!(keys.salted(b"pw", b"salt", 4096), Some(some(1)));
        assert_eq!(keys.salted(b"pw", b"salt", 4097), None);
        assert_eq!(keys.salted(b"pw", b"tlas", 4096), None);
        assert_eq!(keys.salted(b"wp", b"salt", 4096), None);
        assert_eq!(keys.salted("p\u{ad}w".as_bytes(), b"salt", 4096), Some(some(1)), "the same password");
    }

    #[test]
    fn the_one_that_was_not_used_for_longest_goes_first() {
        let mut keys = Keys::new([7; 32]);
        let salt = |i: usize| i.to_be_bytes();
        for i in 0..KEPT_MAX {
            keys.keep(b"pw", &salt(i), 1, some(1));
        }
        keys.keep(b"pw", &salt(1), 1, some(2));
        assert!(keys.salted(b"pw", &salt(0), 1).is_some());
        keys.keep(b"pw", &salt(KEPT_MAX), 1, some(3));
        assert_eq!(keys.salted(b"pw", &salt(0), 1), Some(some(1)));
        assert_eq!(keys.salted(b"pw", &salt(1), 1), Some(some(2)));
        assert_eq!(keys.salted(b"pw", &salt(2), 1), None);
        assert_eq!((keys.kept.len(), keys.by_use.len()), (KEPT_MAX, KEPT_MAX));
    }

    #[test]
    fn a_name_has_one_salt_for_as_long_as_the_process_lives() {
        let (keys, other) = (Keys::new([7; 32]), Keys::new([8; 32]));
        let salt = |keys: &Keys, user| keys.verifier(None, user, 4096).salt().to_vec();
        assert_eq!(salt(&keys, "alice"), salt(&keys, "alice"));
        assert_ne!(salt(&keys, "alice"), salt(&keys, "bob"));
        assert_ne!(salt(&keys, "alice"), salt(&other, "alice"));
    }

    #[test]
    fn a_secret_is_known_by_its_form() {
        let read = |text: &str| Stored::read(&SecretText::new(text.into()));
        let verifier = Verifier::of(&some(1), b"salt", 2);
        assert!(matches!(read("pw"), Some(Stored::Plain(_))));
        assert!(matches!(read("md54a0a68b43b6cd5cf266fa02f196e2371"), Some(Stored::Md5(_))));
        assert!(matches!(read(&verifier.stored_text()), Some(Stored::Scram(read)) if read == verifier));
        assert!(read("").is_none());
        assert!(read("SCRAM-SHA-256$oops").is_none());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut keys = Keys::new([7; 32]);
        keys.keep(b"pw", b"salt", 1, some(9));
        assert_eq!(format!("{keys:?}"), "Keys { kept: 1, .. }");
    }
}
