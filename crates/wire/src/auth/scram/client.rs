//! The client's role: we log in to a server.
//!
//! ```text
//! start --server_first--> Challenged::NeedsDerive --derived--> AwaitingSignature --server_final--> done
//!                     `-> Challenged::Proof ------------------^
//! ```
//!
//! With a password, the keys have to be derived first, which is slow: the caller does it, or has them cached. With
//! the keys of a client who logged in to us, they are there, if the server's verifier is the one that we hold.

use super::attributes::Attributes;
use super::keys::{ClientKey, Keys, Signature};
use super::{BASE64, NONCE_BYTES, ScramError, Verifier, iterations, key, nonce, salt};
use base64::Engine as _;
use zeroize::Zeroizing;

/// What ties the exchange to the channel that it runs over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The channel has nothing to bind to, or nobody wants it.
    None,
    /// We could, and the server did not offer it. A server that did learns that somebody took its offer away.
    NotOffered,
    /// To the server's certificate (`tls-server-end-point`): its hash. For [`super::MECHANISM_PLUS`] only.
    ServerEndPoint(Vec<u8>),
}

impl Binding {
    /// What stands before our first message: the binding's kind, and no other identity.
    const fn header(&self) -> &'static [u8] {
        match self {
            Self::None => b"n,,",
            Self::NotOffered => b"y,,",
            Self::ServerEndPoint(_) => b"p=tls-server-end-point,,",
        }
    }

    /// The mechanism that it belongs to.
    pub const fn mechanism(&self) -> &'static str {
        match self {
            Self::None | Self::NotOffered => super::MECHANISM,
            Self::ServerEndPoint(_) => super::MECHANISM_PLUS,
        }
    }

    /// What our last message repeats: the header, and behind it the channel's data.
    fn repeated(&self) -> Vec<u8> {
        let data: &[u8] = match self {
            Self::None | Self::NotOffered => b"",
            Self::ServerEndPoint(hash) => hash,
        };
        BASE64.encode([self.header(), data].concat()).into_bytes()
    }
}

/// What we have to prove ourselves with.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A password, which the caller keeps.
    Password,
    /// The key of a client who logged in to us against a stored verifier.
    PassThrough {
        /// The client's, proven.
        client_key: ClientKey,
        /// The one it was proven against. The server has to have the same.
        verifier: Verifier,
    },
}

/// Begins, without channel binding. `random` is used once and never again.
pub fn start(credential: Credential, random: &[u8; NONCE_BYTES]) -> (AwaitingChallenge, Vec<u8>) {
    start_bound(credential, Binding::None, random)
}

/// Begins, in the mechanism that belongs to the binding. `random` is used once and never again.
pub fn start_bound(
    credential: Credential,
    binding: Binding,
    random: &[u8; NONCE_BYTES],
) -> (AwaitingChallenge, Vec<u8>) {
    let nonce = BASE64.encode(random).into_bytes();
    // PostgreSQL takes the user from the startup packet and wants no name here.
    let bare = [b"n=,r=", &nonce[..]].concat();
    let message = [binding.header(), &bare[..]].concat();
    (AwaitingChallenge { credential, binding, nonce, bare }, message)
}

/// Our first message is out.
#[derive(Clone, Debug)]
pub struct AwaitingChallenge {
    credential: Credential,
    binding: Binding,
    nonce: Vec<u8>,
    bare: Vec<u8>,
}

/// How it goes on after the server's first message.
#[derive(Clone, Debug)]
pub enum Challenged {
    /// The password has to be derived.
    NeedsDerive(NeedsDerive),
    /// The keys are there: send this message.
    Proof(AwaitingSignature, Vec<u8>),
}

impl AwaitingChallenge {
    /// Reads the server's first message. With pass-through keys the salt and the rounds are compared before a proof is
    /// made, so that none is given to a server whose verifier is another.
    ///
    /// # Errors
    /// Bad grammar, a part above its limit, a nonce that is not ours with something added,
    /// [`ScramError::OtherVerifier`].
    pub fn server_first(self, message: &[u8]) -> Result<Challenged, ScramError> {
        let mut attributes = Attributes::of(message)?;
        let whole = nonce(attributes.value(b'r', "a nonce")?)?;
        if !whole.starts_with(&self.nonce) || whole.len() == self.nonce.len() {
            return Err(ScramError::Nonce);
        }
        let salt = salt(attributes.value(b's', "a salt")?)?;
        let iterations = iterations(attributes.value(b'i', "an iteration count")?)?;
        attributes.ignore_rest()?;

        let without_proof = [b"c=", &self.binding.repeated()[..], b",r=", whole].concat();
        let transcript = [&self.bare[..], b",", message, b",", &without_proof].concat();
        let unproven = Unproven { without_proof, transcript };
        match self.credential {
            Credential::Password => Ok(Challenged::NeedsDerive(NeedsDerive { salt, iterations, unproven })),
            Credential::PassThrough { client_key, verifier } => {
                if verifier.salt() != salt || verifier.iterations() != iterations {
                    return Err(ScramError::OtherVerifier {
                        server_iterations: iterations,
                        stored_iterations: verifier.iterations(),
                    });
                }
                let keys = Keys { client: client_key, server: verifier.server_key };
                let (next, proof) = unproven.prove(&keys);
                Ok(Challenged::Proof(next, proof))
            }
        }
    }
}

/// A last message without its proof.
#[derive(Clone, Debug)]
struct Unproven {
    without_proof: Vec<u8>,
    /// All that is signed.
    transcript: Vec<u8>,
}

impl Unproven {
    fn prove(self, keys: &Keys) -> (AwaitingSignature, Vec<u8>) {
        let transcript = [&self.transcript[..]];
        let proof = Zeroizing::new(keys.client.masked(&keys.client.stored().sign(&transcript)));
        let expected = keys.server.sign(&transcript);
        let mut message = self.without_proof;
        message.extend_from_slice(b",p=");
        message.extend_from_slice(BASE64.encode(*proof).as_bytes());
        (AwaitingSignature { expected }, message)
    }
}

/// The server said what to derive with.
#[derive(Clone, Debug)]
pub struct NeedsDerive {
    salt: Vec<u8>,
    iterations: u32,
    unproven: Unproven,
}

impl NeedsDerive {
    /// The salt.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The rounds; at least 1 and at most [`super::ITERATIONS_MAX`].
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Goes on with the keys of the password for this salt and these rounds.
    pub fn derived(self, keys: &Keys) -> (AwaitingSignature, Vec<u8>) {
        self.unproven.prove(keys)
    }
}

/// Our proof is out. AuthenticationOk before the server's last message is not enough.
#[derive(Clone, Debug)]
pub struct AwaitingSignature {
    expected: Signature,
}

impl AwaitingSignature {
    /// Reads the server's last message, which proves that it has the verifier.
    ///
    /// # Errors
    /// The server refuses, or its signature is wrong.
    pub fn server_final(self, message: &[u8]) -> Result<(), ScramError> {
        let mut attributes = Attributes::of(message)?;
        let text = match attributes.pair()? {
            Some((b'v', text)) => text,
            Some((b'e', reason)) => {
                let reason = String::from_utf8_lossy(reason.get(..63).unwrap_or(reason)).into_owned();
                return Err(ScramError::ServerRefused { reason });
            }
            Some(_) | None => return Err(ScramError::Malformed { expected: "a server signature" }),
        };
        attributes.ignore_rest()?;
        let signature = Signature::from_bytes(key(text, "a server signature")?);
        if signature.same(&self.expected) { Ok(()) } else { Err(ScramError::ServerSignature) }
    }
}
