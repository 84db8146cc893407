//! The server's role: a client logs in to us.
//!
//! ```text
//! ClientFirst::read --challenge--> AwaitingProof --client_final--> Proven
//! ```
//!
//! An error at any step ends the exchange. A proof that is wrong and a user who does not exist end it alike, after the
//! same messages and the same hash operations.

use super::attributes::Attributes;
use super::keys::{ClientKey, Signature};
use super::{BASE64, NONCE_BYTES, ScramError, Verifier, key, nonce};
use base64::Engine as _;
use subtle::Choice;

/// The client's first message.
#[derive(Clone, Debug)]
pub struct ClientFirst {
    /// What the last message has to repeat, in base64.
    binding: &'static [u8],
    /// The message without its binding header: the beginning of the transcript.
    bare: Vec<u8>,
    nonce: Vec<u8>,
}

impl ClientFirst {
    /// Reads the first message. Its user name is not looked at: the startup packet's counts, as in PostgreSQL.
    ///
    /// # Errors
    /// A request for channel binding or for another identity, a mandatory extension, bad grammar, a part above its
    /// limit.
    pub fn read(message: &[u8]) -> Result<Self, ScramError> {
        let mut attributes = Attributes::of(message)?;
        let binding: &[u8] = match attributes.part() {
            // "y": it could, and thinks that we cannot. It is right: we do not offer -PLUS.
            Some(b"n") => b"biws",
            Some(b"y") => b"eSws",
            Some([b'p', b'=', ..]) => return Err(ScramError::ChannelBinding),
            Some(_) | None => return Err(ScramError::Malformed { expected: "a channel binding flag" }),
        };
        match attributes.part() {
            Some(b"") => {}
            Some([b'a', b'=', ..]) => return Err(ScramError::AuthorizationIdentity),
            Some(_) | None => return Err(ScramError::Malformed { expected: "an authorization identity" }),
        }
        let bare = attributes.rest().ok_or(ScramError::Malformed { expected: "a user name" })?.to_vec();
        attributes.value(b'n', "a user name")?;
        let nonce = nonce(attributes.value(b'r', "a nonce")?)?.to_vec();
        attributes.ignore_rest()?;
        Ok(Self { binding, bare, nonce })
    }

    /// Writes the answer. `random` is used once and never again.
    pub fn challenge(self, verifier: Verifier, random: &[u8; NONCE_BYTES]) -> (AwaitingProof, Vec<u8>) {
        let mut nonce = self.nonce;
        nonce.extend(BASE64.encode(random).as_bytes());
        let salt = BASE64.encode(verifier.salt());
        let server_first =
            [b"r=", &nonce[..], b",s=", salt.as_bytes(), format!(",i={}", verifier.iterations()).as_bytes()]
                .concat();
        let transcript = [&self.bare[..], b",", &server_first, b","].concat();
        (AwaitingProof { binding: self.binding, verifier, nonce, transcript }, server_first)
    }
}

/// The challenge is out.
#[derive(Clone, Debug)]
pub struct AwaitingProof {
    binding: &'static [u8],
    verifier: Verifier,
    nonce: Vec<u8>,
    /// Both first messages, each with a comma behind it.
    transcript: Vec<u8>,
}

/// The client knows the password.
#[derive(Clone, Debug)]
pub struct Proven {
    /// What logs in to every server that has the same verifier.
    pub client_key: ClientKey,
    /// The message that ends the exchange.
    pub server_final: Vec<u8>,
}

impl AwaitingProof {
    /// Judges the client's last message.
    ///
    /// # Errors
    /// [`ScramError::WrongPassword`], or a message that is not the one owed.
    pub fn client_final(self, message: &[u8]) -> Result<Proven, ScramError> {
        let mut attributes = Attributes::of(message)?;
        if attributes.value(b'c', "a channel binding")? != self.binding {
            return Err(ScramError::BindingChanged);
        }
        if attributes.value(b'r', "a nonce")? != self.nonce {
            return Err(ScramError::Nonce);
        }
        const EXPECTED: ScramError = ScramError::Malformed { expected: "a proof at the end" };
        let proof_text = loop {
            match attributes.pair()? {
                Some((b'p', proof)) if attributes.rest().is_none() => break proof,
                Some((b'p', _)) | None => return Err(EXPECTED),
                Some(_) => {}
            }
        };
        let proof = key(proof_text, "a proof")?;
        let unproven = message.len().checked_sub(proof_text.len() + b",p=".len());
        let without_proof = unproven.and_then(|end| message.get(..end)).ok_or(EXPECTED)?;

        let transcript = [&self.transcript[..], without_proof];
        let stored = &self.verifier.stored_key;
        let client_key = ClientKey::from_bytes(proof).masked(&stored.sign(&transcript));
        let client_key = ClientKey::from_bytes(client_key);
        let right: Choice = client_key.stored().same(stored) & self.verifier.somebodys();
        let signature: Signature = self.verifier.server_key.sign(&transcript);
        if !bool::from(right) {
            return Err(ScramError::WrongPassword);
        }
        let server_final = format!("v={}", BASE64.encode(signature.bytes())).into_bytes();
        Ok(Proven { client_key, server_final })
    }
}
