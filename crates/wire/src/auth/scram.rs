//! SCRAM-SHA-256 as PostgreSQL speaks it: both roles, and channel binding in the client's. RFC 5802, RFC 7677.
//!
//! Each role is a chain of types; a state is consumed by the message that leaves it, so no message can be taken twice
//! or out of order. Both ends are outside: every length and count has a limit, checked before it is used.

mod attributes;
pub mod client;
mod keys;
pub mod server;
mod verifier;

pub use keys::{ClientKey, Keys, SaltedPassword, ServerKey, derive};
pub use verifier::Verifier;

use crate::sqlstate::SqlState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

/// The mechanism's name.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// The mechanism's name with channel binding.
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// The rounds of a verifier that PostgreSQL makes by default.
pub const ITERATIONS_DEFAULT: u32 = 4096;
/// Most rounds that are computed for anyone: about a quarter of a second.
pub const ITERATIONS_MAX: u32 = 1_000_000;
/// Most bytes of a salt.
pub const SALT_BYTES_MAX: usize = 256;
/// Random bytes of our part of the nonce; as base64 on the wire.
pub const NONCE_BYTES: usize = 18;
/// Most characters of a whole nonce.
pub const NONCE_CHARS_MAX: usize = 512;
/// Most bytes of one message.
pub const MESSAGE_BYTES_MAX: usize = 2048;

/// Why an exchange ends.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScramError {
    /// Not what the grammar has here.
    #[error("malformed SCRAM text: {expected} expected")]
    Malformed {
        /// What should have stood there.
        expected: &'static str,
    },
    /// Above one of the limits of this module.
    #[error("SCRAM {field} is too long: {bytes}; the limit is {bytes_max}")]
    TooLong {
        /// Which part.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Rounds of zero or above [`ITERATIONS_MAX`].
    #[error("SCRAM iteration count {iterations} is not between 1 and {iterations_max}")]
    Iterations {
        /// As it stood there.
        iterations: u64,
        /// The limit.
        iterations_max: u32,
    },
    /// `p`: we do not offer it to clients.
    #[error("client requires SCRAM channel binding, but it is not supported")]
    ChannelBinding,
    /// The binding in the last message is not the one in the first.
    #[error("SCRAM channel binding changed between messages")]
    BindingChanged,
    /// `a=`.
    #[error("client uses authorization identity, but it is not supported")]
    AuthorizationIdentity,
    /// `m=`.
    #[error("the SCRAM message requires an unsupported extension")]
    Extension,
    /// The nonce is not, or does not begin with, the one that was sent.
    #[error("SCRAM nonce does not match")]
    Nonce,
    /// The client's proof is wrong. Also said of every client that does not exist.
    #[error("password authentication failed")]
    WrongPassword,
    /// Pass-through: the server's salt or rounds are not those of the stored secret, so the client's key is of no use.
    #[error(
        "the server's SCRAM verifier is not the stored one (iterations {server_iterations} and {stored_iterations})"
    )]
    OtherVerifier {
        /// What the server says.
        server_iterations: u32,
        /// What the stored secret says.
        stored_iterations: u32,
    },
    /// The server's signature is wrong: it does not know the password either.
    #[error("the server's SCRAM signature is wrong")]
    ServerSignature,
    /// `e=`.
    #[error("the server refused the SCRAM exchange: {reason}")]
    ServerRefused {
        /// The beginning of what it said.
        reason: String,
    },
}

impl ScramError {
    /// The code that a client is told when this ends its login.
    pub const fn code(&self) -> SqlState {
        match self {
            Self::WrongPassword => SqlState::INVALID_PASSWORD,
            Self::AuthorizationIdentity | Self::Extension => SqlState::FEATURE_NOT_SUPPORTED,
            Self::Malformed { .. }
            | Self::TooLong { .. }
            | Self::Iterations { .. }
            | Self::ChannelBinding
            | Self::BindingChanged
            | Self::Nonce => SqlState::PROTOCOL_VIOLATION,
            Self::OtherVerifier { .. } | Self::ServerSignature | Self::ServerRefused { .. } => {
                SqlState::CONNECTION_FAILURE
            }
        }
    }
}

fn limit(field: &'static str, bytes: usize, bytes_max: usize) -> Result<(), ScramError> {
    if bytes > bytes_max { Err(ScramError::TooLong { field, bytes, bytes_max }) } else { Ok(()) }
}

fn salt(text: &[u8]) -> Result<Vec<u8>, ScramError> {
    const EXPECTED: ScramError = ScramError::Malformed { expected: "a salt in base64" };
    limit("salt", text.len(), SALT_BYTES_MAX.div_ceil(3) * 4)?;
    let salt = BASE64.decode(text).map_err(|_| EXPECTED)?;
    limit("salt", salt.len(), SALT_BYTES_MAX)?;
    if salt.is_empty() { Err(EXPECTED) } else { Ok(salt) }
}

fn iterations(text: &[u8]) -> Result<u32, ScramError> {
    const EXPECTED: ScramError = ScramError::Malformed { expected: "an iteration count" };
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(EXPECTED);
    }
    let text = std::str::from_utf8(text).map_err(|_| EXPECTED)?;
    // Too many digits for a number are too many rounds.
    let count: u64 = text.parse().unwrap_or(u64::MAX);
    match u32::try_from(count) {
        Ok(count @ 1..=ITERATIONS_MAX) => Ok(count),
        _ => Err(ScramError::Iterations { iterations: count, iterations_max: ITERATIONS_MAX }),
    }
}

/// A key, proof or signature in base64.
fn key(text: &[u8], expected: &'static str) -> Result<[u8; 32], ScramError> {
    let decoded = BASE64.decode(text).map_err(|_| ScramError::Malformed { expected })?;
    decoded.try_into().map_err(|_| ScramError::Malformed { expected })
}

/// A nonce: printable characters except the comma.
fn nonce(text: &[u8]) -> Result<&[u8], ScramError> {
    limit("nonce", text.len(), NONCE_CHARS_MAX)?;
    let printable = text.iter().all(|b| matches!(b, 0x21..=0x7e) && *b != b',');
    if printable && !text.is_empty() { Ok(text) } else { Err(ScramError::Malformed { expected: "a nonce" }) }
}

#[cfg(test)]
mod tests;
