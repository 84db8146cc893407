//! SCRAM for model clients and model servers, and the slow step that the shell does for the engine.

use wire::auth::scram::client::{self, AwaitingChallenge, AwaitingSignature, Challenged, Credential};
use wire::auth::scram::{MECHANISM, NONCE_BYTES, SaltedPassword, Verifier, derive};
use wire::backend::Authentication;
use wire::encode;

use crate::rng::Rng;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "secret";
/// Rounds: few, since nobody here is to be kept out.
pub(crate) const ROUNDS: u32 = 7;

/// What a server or a configuration stores of the password.
pub(crate) fn verifier() -> Verifier {
    const SALT: &[u8] = b"the model's salt";
    Verifier::of(&derive(PASSWORD.as_bytes(), SALT, ROUNDS), SALT, ROUNDS)
}

/// The slow step, for the shell.
pub(crate) fn salted(password: &str, salt: &[u8], rounds: u32) -> SaltedPassword {
    derive(password.as_bytes(), salt, rounds)
}

pub(crate) fn nonce(rng: &mut Rng) -> [u8; NONCE_BYTES] {
    std::array::from_fn(|_| rng.u64() as u8)
}

/// A client's exchange.
#[derive(Debug, Default)]
pub(crate) enum Exchange {
    /// The server has not asked for it.
    #[default]
    None,
    Challenge(AwaitingChallenge),
    Signature(AwaitingSignature),
    /// The server has shown that it knows the password as well.
    Proven,
}

impl Exchange {
    /// True where AuthenticationOk may come.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Self::None | Self::Proven)
    }

    /// Answers a step of the server's. `Err`: it should not have come.
    pub(crate) fn step(
        self,
        asked: Authentication<'_>,
        password: &str,
        rng: &mut Rng,
        out: &mut Vec<u8>,
    ) -> Result<Self, String> {
        let wrong = |error: wire::auth::scram::ScramError| format!("SCRAM: {error}");
        match (self, asked) {
            (Self::None, Authentication::Sasl { mut mechanisms }) => {
                if !mechanisms.any(|offered| offered == MECHANISM.as_bytes()) {
                    return Err(format!("{MECHANISM} is not offered"));
                }
                let (next, first) = client::start(Credential::Password, &nonce(rng));
                encode::sasl_initial(out, MECHANISM, &first);
                Ok(Self::Challenge(next))
            }
            (Self::Challenge(awaiting), Authentication::SaslContinue(data)) => {
                let (next, proof) = match awaiting.server_first(data).map_err(wrong)? {
                    Challenged::NeedsDerive(needs) => {
                        let salted = salted(password, needs.salt(), needs.iterations());
                        needs.derived(&salted.keys())
                    }
                    Challenged::Proof(next, proof) => (next, proof),
                };
                encode::sasl_response(out, &proof);
                Ok(Self::Signature(next))
            }
            (Self::Signature(awaiting), Authentication::SaslFinal(data)) => {
                awaiting.server_final(data).map_err(wrong)?;
                Ok(Self::Proven)
            }
            (at, asked) => Err(format!("{asked:?} in the midst of {at:?}")),
        }
    }
}
