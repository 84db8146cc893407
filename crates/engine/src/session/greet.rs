//! One connection of ours to a server, from the connected socket to the first ReadyForQuery. It says nothing that comes
//! from a client, and believes nothing that a server says before it was checked.
//!
//! The states between are in `exchange`.

mod credential;
mod exchange;
mod refusal;
mod welcome;

use std::mem;

use model::config::checked::{PoolSettings, SecretText};
use rand_chacha::ChaCha8Rng;
use wire::auth::scram::SaltedPassword;
use wire::encode::{self, Version};
use wire::frame::{self, HEADER};
use wire::tag::BackendTag;

use self::exchange::State;
use self::refusal::{broken, said_early};
pub use self::welcome::{PARAMETERS_MAX, Report, Welcome};
use super::keys::Keys;
use crate::contract::Then;
use crate::orders::{DialRefusal, PoolKey, Replication};

/// Most bytes of one message before ReadyForQuery, by its length field.
pub const MESSAGE_BYTES_MAX: u32 = 64 * 1024;

/// What a greeting needs of its worker.
pub struct GreetCx<'a> {
    /// Who logs in.
    pub settings: &'a PoolSettings,
    /// What a client of the pool proved itself with, where one has.
    pub client_key: Option<[u8; 32]>,
    /// For nonces.
    pub rng: &'a mut ChaCha8Rng,
    /// Results of the slow step.
    pub keys: &'a mut Keys,
}

/// What happens next.
#[derive(Debug)]
pub enum GreetStep {
    /// Bytes: [`Then::More`] or [`Then::AtLeast`].
    Need(Then),
    /// No bytes: a derivation is outstanding.
    Wait,
    /// The slow step; its result goes to [`Greet::on_derived`].
    Derive {
        /// The stored password.
        password: SecretText,
        /// The server's salt.
        salt: Box<[u8]>,
        /// The server's number of rounds, within its limit.
        iterations: u32,
    },
    /// The server takes queries.
    Ready(Box<Welcome>),
    /// It came to nothing.
    Refused(DialRefusal),
}

/// See the module.
pub struct Greet {
    state: State,
}

impl Greet {
    /// Writes the startup packet: role, database, what the database's section asks for; nothing of any client.
    pub fn start(cx: GreetCx<'_>, key: &PoolKey, send: &mut Vec<u8>) -> Self {
        let settings = cx.settings;
        let replication = match key.replication {
            Replication::No => None,
            Replication::Logical => Some(("replication", "database")),
            Replication::Physical => Some(("replication", "true")),
        };
        let who = [("user", &*settings.login.user), ("database", &*settings.dbname)];
        let asked = settings.startup.iter().map(|(name, value)| (*name, &**value));
        let parameters = who.into_iter().chain(replication).chain(asked);
        let version = Version { major: 3, minor: 0 };
        encode::startup(send, version, parameters.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        Self { state: State::Asked }
    }

    /// Bytes of the server: how many were used, and what to do.
    pub fn on_bytes(&mut self, mut cx: GreetCx<'_>, bytes: &[u8], send: &mut Vec<u8>) -> (usize, GreetStep) {
        if matches!(self.state, State::Deriving(..)) {
            return (0, GreetStep::Wait);
        }
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let (tag, body) = match front(rest) {
                Ok(Front::Whole { tag, body }) => (tag, body),
                Ok(Front::Need(bytes)) => return (used, GreetStep::Need(Then::AtLeast(bytes))),
                Err(refusal) => return (used, self.refused(refusal)),
            };
            used += HEADER + body.len();
            match mem::replace(&mut self.state, State::Over).on_message(&mut cx, tag, body, send) {
                Ok(State::Ready(welcome)) => return (used, GreetStep::Ready(welcome)),
                Ok(State::Deriving(needs, password)) => {
                    let (salt, iterations) = (needs.salt().into(), needs.iterations());
                    self.state = State::Deriving(needs, password.clone());
                    return (used, GreetStep::Derive { password, salt, iterations });
                }
                Ok(state) => self.state = state,
                Err(refusal) => return (used, self.refused(refusal)),
            }
        }
    }

    /// The result of the [`GreetStep::Derive`] that was asked for.
    pub fn on_derived(&mut self, cx: GreetCx<'_>, salted: [u8; 32], send: &mut Vec<u8>) -> GreetStep {
        let State::Deriving(needs, password) = mem::replace(&mut self.state, State::Over) else {
            return GreetStep::Refused(broken("a derivation came that nobody asked for"));
        };
        let salted = SaltedPassword::from_bytes(salted);
        let password = password.expose().as_bytes();
        cx.keys.keep(password, needs.salt(), needs.iterations(), salted.clone());
        self.state = exchange::prove(needs, &salted, send);
        GreetStep::Need(Then::More)
    }

    fn refused(&mut self, refusal: DialRefusal) -> GreetStep {
        self.state = State::Over;
        GreetStep::Refused(refusal)
    }
}

/// What is at the front of the input.
enum Front<'a> {
    /// Fewer bytes than this.
    Need(usize),
    /// A message.
    Whole { tag: BackendTag, body: &'a [u8] },
}

fn front(bytes: &[u8]) -> Result<Front<'_>, DialRefusal> {
    let Some(&first) = bytes.first() else { return Ok(Front::Need(HEADER)) };
    let Some(tag) = BackendTag::from_byte(first) else {
        return Err(broken("the server does not speak PostgreSQL's protocol"));
    };
    let header = match frame::peek(bytes, MESSAGE_BYTES_MAX) {
        Ok(Some(header)) => header,
        Ok(None) => return Ok(Front::Need(HEADER)),
        Err(_) if tag == BackendTag::ErrorResponse => return Err(said_early(bytes)),
        Err(error) => return Err(broken(&error.to_string())),
    };
    match bytes.get(HEADER..header.total()) {
        Some(body) => Ok(Front::Whole { tag, body }),
        None => Ok(Front::Need(header.total())),
    }
}

#[cfg(test)]
mod tests;
