//! The exchange by which a client proves that it knows its password.
//!
//! ```text
//! begin --plain--> Plain -.-----------------------.-> Right, Wrong
//!       --md5----> Md5 ---|                       |
//!       --scram--> SaslFirst --.---------> SaslFinal
//!                               `-> Slow -'
//! ```
//!
//! A user who cannot log in is asked like one who can. Of a plain login every failure costs one derivation, whatever is
//! stored. Of SCRAM only the first login with a stored plain password since the process started derives; a stranger costs
//! what some user, always the same one, would cost in its place, and leaves the result to that user.

use model::config::checked::{AuthType, SecretText};
use rand_core::RngCore;
use wire::auth::md5::Md5Hash;
use wire::auth::scram::server::{AwaitingProof, ClientFirst};
use wire::auth::scram::{ClientKey, MECHANISM, NONCE_BYTES, SaltedPassword, ScramError, Verifier};
use wire::auth::secret::Password;
use wire::encode;

use super::asked::Asked;
use super::{LoginCx, LoginStep, accounts, answer};
use crate::session::keys::Stored;

/// What became of a message.
pub(super) enum Verdict {
    /// The password is right.
    Right(Option<ClientKey>),
    /// It is not, or nobody can log in by this name.
    Wrong,
    /// The message is none that may come.
    Broken(Box<str>),
    /// Another message is owed.
    Next(Proof),
    /// The slow step is to be done first.
    Slow(Slow),
}

/// The message that is owed.
pub(super) enum Proof {
    /// The password; `None`: there is no right one.
    Plain(Option<Stored>),
    /// Its salted MD5.
    Md5 { hash: Md5Hash, salt: [u8; 4] },
    /// The client's first SCRAM message; `None`: there will be no right proof.
    SaslFirst(Option<Stored>),
    /// Its last one.
    SaslFinal(AwaitingProof),
}

/// What waits for the slow step.
pub(super) enum Slow {
    /// A password that was given, to be compared with a verifier.
    Given { password: SecretText, verifier: Verifier },
    /// A stored password, of which a verifier is to be made; a stranger gets the doomed one all the same.
    Stored {
        password: SecretText,
        salt: Box<[u8]>,
        iterations: u32,
        first: ClientFirst,
        doomed: Option<Verifier>,
    },
}

/// Asks for a proof.
pub(super) fn begin(cx: &mut LoginCx<'_>, asked: &Asked, send: &mut Vec<u8>) -> Verdict {
    let stored = accounts::stored(cx.config, &asked.user);
    match accounts::auth_type(cx.config) {
        AuthType::Trust if accounts::knows(cx.config, &asked.user) => Verdict::Right(None),
        AuthType::Trust => Verdict::Wrong,
        AuthType::Plain => {
            encode::auth_cleartext(send);
            Verdict::Next(Proof::Plain(stored))
        }
        AuthType::Md5 => match stored {
            Some(Stored::Scram(_)) => scram(stored, send),
            None if matches!(accounts::example(cx.config), Some(Stored::Scram(_))) => scram(None, send),
            Some(Stored::Plain(_) | Stored::Md5(_)) | None => md5(cx, asked, stored, send),
        },
        AuthType::ScramSha256 => scram(stored, send),
    }
}

fn scram(stored: Option<Stored>, send: &mut Vec<u8>) -> Verdict {
    encode::auth_sasl(send, &[MECHANISM]);
    Verdict::Next(Proof::SaslFirst(stored))
}

fn md5(cx: &mut LoginCx<'_>, asked: &Asked, stored: Option<Stored>, send: &mut Vec<u8>) -> Verdict {
    let user = asked.user.as_bytes();
    let hash = match stored {
        Some(Stored::Plain(password)) => Md5Hash::of(user, password.expose().as_bytes()),
        Some(Stored::Md5(hash)) => hash,
        // A password that nobody knows.
        Some(Stored::Scram(_)) | None => {
            let mut nobodys = [0; 32];
            cx.rng.fill_bytes(&mut nobodys);
            Md5Hash::of(user, &nobodys)
        }
    };
    let salt = cx.rng.next_u32().to_be_bytes();
    encode::auth_md5(send, salt);
    Verdict::Next(Proof::Md5 { hash, salt })
}

impl Proof {
    /// What PostgreSQL calls the answer.
    pub(super) fn expects(&self) -> &'static str {
        match self {
            Self::Plain(_) | Self::Md5 { .. } => "password",
            Self::SaslFirst(_) | Self::SaslFinal(_) => "SASL",
        }
    }

    /// The body of the client's message.
    pub(super) fn on_message(
        self,
        cx: &mut LoginCx<'_>,
        asked: &Asked,
        body: &[u8],
        send: &mut Vec<u8>,
    ) -> Verdict {
        let broken = |text: &str| Verdict::Broken(text.into());
        match self {
            Self::Plain(stored) => match answer::password(body) {
                None => broken("invalid password packet size"),
                Some(b"") => Verdict::Wrong,
                Some(given) => judge(cx, asked, stored, given),
            },
            Self::Md5 { hash, salt } => match answer::password(body) {
                None => broken("invalid password packet size"),
                Some(given) if hash.accepts(salt, given) => Verdict::Right(None),
                Some(_) => Verdict::Wrong,
            },
            Self::SaslFirst(stored) => match answer::sasl_initial(body) {
                None => broken("malformed SASL response"),
                Some((mechanism, data)) if mechanism == MECHANISM.as_bytes() => {
                    on_client_first(cx, asked, stored, data, send)
                }
                Some(_) => broken("client selected an invalid SASL authentication mechanism"),
            },
            Self::SaslFinal(awaiting) => match awaiting.client_final(body) {
                Ok(proven) => {
                    encode::auth_sasl_final(send, &proven.server_final);
                    Verdict::Right(Some(proven.client_key))
                }
                Err(error) => ended(&error),
            },
        }
    }
}

/// A password in clear text.
fn judge(cx: &mut LoginCx<'_>, asked: &Asked, stored: Option<Stored>, given: &[u8]) -> Verdict {
    let user = asked.user.as_bytes();
    let known = match stored {
        Some(Stored::Plain(password)) if Password::new(password.expose()).accepts(given) => {
            return Verdict::Right(None);
        }
        Some(Stored::Md5(hash)) if hash.accepts([0; 4], &Md5Hash::of(user, given).answer([0; 4])) => {
            return Verdict::Right(None);
        }
        Some(Stored::Scram(verifier)) => Some(verifier),
        Some(Stored::Plain(_) | Stored::Md5(_)) | None => None,
    };
    let iterations = accounts::scram_iterations(cx.config);
    let verifier = cx.keys.verifier(known.as_ref(), &asked.user, iterations);
    // Only what was right before is found here.
    if let Some(salted) = cx.keys.salted(given, verifier.salt(), verifier.iterations())
        && verifier.accepts(&salted)
    {
        return Verdict::Right(Some(salted.client_key()));
    }
    // What is not UTF-8 becomes something else here, and is wrong: no stored secret is made of such a password.
    let password = SecretText::new(String::from_utf8_lossy(given).into_owned());
    Verdict::Slow(Slow::Given { password, verifier })
}

fn on_client_first(
    cx: &mut LoginCx<'_>,
    asked: &Asked,
    stored: Option<Stored>,
    data: &[u8],
    send: &mut Vec<u8>,
) -> Verdict {
    let first = match ClientFirst::read(data) {
        Ok(first) => first,
        Err(error) => return ended(&error),
    };
    let iterations = accounts::scram_iterations(cx.config);
    // Looked for in every login, so that it tells nothing.
    let alike = accounts::alike(cx.config, cx.keys.pick(&asked.user));
    let (owner, password, doomed) = match stored {
        Some(Stored::Scram(verifier)) => {
            let verifier = cx.keys.verifier(Some(&verifier), &asked.user, iterations);
            return challenge(cx, first, verifier, send);
        }
        Some(Stored::Plain(password)) => (asked.user.clone(), password, None),
        // An MD5 hash can't take part in SCRAM: nobody's verifier stands in, which refuses every proof.
        Some(Stored::Md5(_)) | None => {
            let doomed = cx.keys.verifier(None, &asked.user, iterations);
            match alike {
                Some((owner, Stored::Plain(password))) => (owner, password, Some(doomed)),
                Some((_, Stored::Scram(_) | Stored::Md5(_))) | None => {
                    return challenge(cx, first, doomed, send);
                }
            }
        }
    };
    let salt: Box<[u8]> = cx.keys.verifier(None, &owner, iterations).salt().into();
    match cx.keys.salted(password.expose().as_bytes(), &salt, iterations) {
        Some(salted) => {
            let made = Verifier::of(&salted, &salt, iterations);
            challenge(cx, first, doomed.unwrap_or(made), send)
        }
        None => Verdict::Slow(Slow::Stored { password, salt, iterations, first, doomed }),
    }
}

fn challenge(cx: &mut LoginCx<'_>, first: ClientFirst, verifier: Verifier, send: &mut Vec<u8>) -> Verdict {
    let mut nonce = [0; NONCE_BYTES];
    cx.rng.fill_bytes(&mut nonce);
    let (awaiting, server_first) = first.challenge(verifier, &nonce);
    encode::auth_sasl_continue(send, &server_first);
    Verdict::Next(Proof::SaslFinal(awaiting))
}

fn ended(error: &ScramError) -> Verdict {
    match error {
        ScramError::WrongPassword => Verdict::Wrong,
        other => Verdict::Broken(other.to_string().into()),
    }
}

impl Slow {
    /// What is to be derived.
    pub(super) fn step(&self) -> LoginStep {
        match self {
            Self::Given { password, verifier } => LoginStep::Derive {
                password: password.clone(),
                salt: verifier.salt().into(),
                iterations: verifier.iterations(),
            },
            Self::Stored { password, salt, iterations, first: _, doomed: _ } => {
                LoginStep::Derive { password: password.clone(), salt: salt.clone(), iterations: *iterations }
            }
        }
    }

    /// It is done.
    pub(super) fn on_derived(
        self,
        cx: &mut LoginCx<'_>,
        salted: SaltedPassword,
        send: &mut Vec<u8>,
    ) -> Verdict {
        match self {
            Self::Given { password, verifier } => {
                if !verifier.accepts(&salted) {
                    return Verdict::Wrong;
                }
                let client_key = salted.client_key();
                let password = password.expose().as_bytes();
                cx.keys.keep(password, verifier.salt(), verifier.iterations(), salted);
                Verdict::Right(Some(client_key))
            }
            Self::Stored { password, salt, iterations, first, doomed } => {
                let made = Verifier::of(&salted, &salt, iterations);
                cx.keys.keep(password.expose().as_bytes(), &salt, iterations, salted);
                challenge(cx, first, doomed.unwrap_or(made), send)
            }
        }
    }
}
