//! What a server stores instead of a password.

use super::keys::{SaltedPassword, ServerKey, StoredKey, hmac};
use super::{BASE64, MECHANISM, ScramError, iterations, key, salt};
use base64::Engine as _;
use std::fmt;
use subtle::Choice;
use zeroize::Zeroizing;

/// Bytes of a salt that is made up here; PostgreSQL's have as many.
const SALT_BYTES: usize = 16;

/// A SCRAM verifier. It does not give the password away, but whoever has it can pretend to be the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    pub(super) stored_key: StoredKey,
    pub(super) server_key: ServerKey,
    /// Belongs to nobody: no proof is ever right.
    doomed: bool,
}

impl Verifier {
    /// Makes the verifier of a derived password; `salt` and `iterations` are those that it was derived with.
    pub fn of(salted: &SaltedPassword, salt: &[u8], iterations: u32) -> Self {
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: salted.client_key().stored(),
            server_key: salted.server_key(),
            doomed: false,
        }
    }

    /// Reads PostgreSQL's stored form, `SCRAM-SHA-256$iterations:salt$stored:server`. `Ok(None)`: it does not even
    /// begin like one.
    ///
    /// # Errors
    /// It begins like one, and then a part is missing, malformed or above its limit.
    pub fn parse(stored: &[u8]) -> Result<Option<Self>, ScramError> {
        const FORM: ScramError = ScramError::Malformed { expected: "iterations:salt$stored:server" };
        let Some(rest) = stored.strip_prefix(MECHANISM.as_bytes()).and_then(|rest| rest.strip_prefix(b"$"))
        else {
            return Ok(None);
        };
        let (cost, keys) = split(rest, b'$').ok_or(FORM)?;
        let (rounds, salt_text) = split(cost, b':').ok_or(FORM)?;
        let (stored_key, server_key) = split(keys, b':').ok_or(FORM)?;
        Ok(Some(Self {
            iterations: iterations(rounds)?,
            salt: salt(salt_text)?,
            stored_key: StoredKey::from_bytes(key(stored_key, "a stored key")?),
            server_key: ServerKey::from_bytes(key(server_key, "a server key")?),
            doomed: false,
        }))
    }

    /// The form that PostgreSQL stores.
    pub fn stored_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "{MECHANISM}${}:{}${}:{}",
            self.iterations,
            BASE64.encode(&self.salt),
            BASE64.encode(self.stored_key.bytes()),
            BASE64.encode(self.server_key.bytes()),
        ))
    }

    /// The verifier to log `user` in with. Where nobody has that name, one that refuses every proof, with a salt that
    /// is always the same for the same name and `process_key`. Both ways do the same hash operations.
    pub fn or_doomed(known: Option<&Self>, process_key: &[u8; 32], user: &[u8], iterations: u32) -> Self {
        let made_up = hmac(process_key, &[b"salt of nobody", user]);
        match known {
            Some(verifier) => verifier.clone(),
            None => Self {
                iterations,
                salt: made_up.iter().copied().take(SALT_BYTES).collect(),
                stored_key: StoredKey::from_bytes([0; 32]),
                server_key: ServerKey::from_bytes([0; 32]),
                doomed: true,
            },
        }
    }

    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The rounds.
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Whether the password that `salted` was derived from, with this salt and these rounds, is the right one.
    pub fn accepts(&self, salted: &SaltedPassword) -> bool {
        let client = self.stored_key.same(&salted.client_key().stored());
        let server = self.server_key.same(&salted.server_key());
        (client & server & self.somebodys()).into()
    }

    /// The same, but nobody's.
    #[cfg(test)]
    pub(super) fn doomed(self) -> Self {
        Self { doomed: true, ..self }
    }

    /// Whether anyone may log in with it at all.
    pub(super) fn somebodys(&self) -> Choice {
        Choice::from(u8::from(!self.doomed))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).field("secret", &"***").finish()
    }
}

/// What stands before and behind the first `at`.
fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = memchr::memchr(at, bytes)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}
