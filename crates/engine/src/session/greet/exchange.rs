//! What a server owes while it logs us in.
//!
//! ```text
//!   Asked --Ok--> In                                                        trust
//!   Asked --password, MD5--> Answered --Ok--> In
//!   Asked --SASL--> Challenge --.--------------> Proven --final--> Answered --Ok--> In
//!                               `--> Deriving --'
//!   In --ReadyForQuery--> Ready
//! ```
//!
//! Notices are skipped everywhere; an ErrorResponse ends it everywhere.

use model::config::checked::SecretText;
use rand_core::RngCore;
use wire::auth::scram::client::{self, AwaitingChallenge, AwaitingSignature, Challenged, NeedsDerive};
use wire::auth::scram::{MECHANISM, NONCE_BYTES, SaltedPassword};
use wire::backend::{self, Authentication, Texts};
use wire::encode;
use wire::tag::BackendTag;

use super::refusal::{broken, out_of_order, said};
use super::{GreetCx, Welcome, credential};
use crate::orders::DialRefusal;

/// What is owed.
pub(super) enum State {
    /// The server's first word.
    Asked,
    /// Its first SCRAM message.
    Challenge(AwaitingChallenge),
    /// Nothing: the slow step is ours.
    Deriving(NeedsDerive, SecretText),
    /// Its last SCRAM message, which proves that it knows the verifier.
    Proven(AwaitingSignature),
    /// AuthenticationOk.
    Answered,
    /// Its settings and ReadyForQuery.
    In(Box<Welcome>),
    /// Nothing any more.
    Ready(Box<Welcome>),
    /// Nothing: it was refused.
    Over,
}

type Next = Result<State, DialRefusal>;

impl State {
    /// One message.
    pub(super) fn on_message(
        self,
        cx: &mut GreetCx<'_>,
        tag: BackendTag,
        body: &[u8],
        send: &mut Vec<u8>,
    ) -> Next {
        match (tag, self) {
            (BackendTag::ErrorResponse, _) => Err(said(body)),
            (BackendTag::NoticeResponse, state) => Ok(state),
            // We asked for 3.0 and for no option, so it has nothing to tell us.
            (BackendTag::NegotiateProtocolVersion, Self::Asked) => match backend::negotiate(body) {
                Some(_) => Ok(Self::Asked),
                None => Err(broken("malformed NegotiateProtocolVersion")),
            },
            (BackendTag::Authentication, state) => match Authentication::parse(body) {
                Some(request) => state.on_request(cx, request, send),
                None => Err(broken("malformed authentication request")),
            },
            (_, Self::In(welcome)) => on_welcome(welcome, tag, body),
            (_, _) => Err(out_of_order(tag)),
        }
    }

    fn on_request(self, cx: &mut GreetCx<'_>, request: Authentication<'_>, send: &mut Vec<u8>) -> Next {
        let settings = cx.settings;
        match (self, request) {
            (Self::Asked | Self::Answered, Authentication::Ok) => Ok(Self::In(Box::default())),
            (Self::Asked, Authentication::CleartextPassword) => {
                let password = credential::password(settings).map_err(|text| broken(&text))?;
                encode::password(send, password.expose().as_bytes());
                Ok(Self::Answered)
            }
            (Self::Asked, Authentication::Md5 { salt }) => {
                let answer = credential::md5(settings, salt).map_err(|text| broken(&text))?;
                encode::password(send, &answer);
                Ok(Self::Answered)
            }
            (Self::Asked, Authentication::Sasl { mechanisms }) => on_sasl(cx, mechanisms, send),
            (Self::Challenge(awaiting), Authentication::SaslContinue(data)) => {
                on_challenge(cx, awaiting, data, send)
            }
            (Self::Proven(awaiting), Authentication::SaslFinal(data)) => {
                awaiting.server_final(data).map_err(|error| broken(&error.to_string()))?;
                Ok(Self::Answered)
            }
            (Self::Challenge(_) | Self::Proven(_), Authentication::Ok) => {
                Err(broken("the server let us in without proving that it knows the password"))
            }
            (Self::Asked, Authentication::Other(kind)) => {
                Err(broken(&format!("the server asks for authentication of an unknown kind ({kind})")))
            }
            (_, _) => Err(out_of_order(BackendTag::Authentication)),
        }
    }
}

fn on_sasl(cx: &mut GreetCx<'_>, mut mechanisms: Texts<'_>, send: &mut Vec<u8>) -> Next {
    if !mechanisms.any(|mechanism| mechanism == MECHANISM.as_bytes()) {
        return Err(broken(&format!("the server does not offer {MECHANISM}")));
    }
    let credential = credential::scram(cx.settings, cx.client_key).map_err(|text| broken(&text))?;
    let mut nonce = [0; NONCE_BYTES];
    cx.rng.fill_bytes(&mut nonce);
    let (awaiting, first) = client::start(credential, &nonce);
    encode::sasl_initial(send, MECHANISM, &first);
    Ok(State::Challenge(awaiting))
}

fn on_challenge(cx: &mut GreetCx<'_>, awaiting: AwaitingChallenge, data: &[u8], send: &mut Vec<u8>) -> Next {
    match awaiting.server_first(data).map_err(|error| broken(&error.to_string()))? {
        Challenged::Proof(awaiting, proof) => {
            encode::sasl_response(send, &proof);
            Ok(State::Proven(awaiting))
        }
        Challenged::NeedsDerive(needs) => {
            let password = credential::password(cx.settings).map_err(|text| broken(&text))?;
            match cx.keys.salted(password.expose().as_bytes(), needs.salt(), needs.iterations()) {
                Some(salted) => Ok(prove(needs, &salted, send)),
                None => Ok(State::Deriving(needs, password)),
            }
        }
    }
}

/// Proves that we know the password.
pub(super) fn prove(needs: NeedsDerive, salted: &SaltedPassword, send: &mut Vec<u8>) -> State {
    let (awaiting, proof) = needs.derived(&salted.keys());
    encode::sasl_response(send, &proof);
    State::Proven(awaiting)
}

/// We are in; the server tells about itself.
fn on_welcome(mut welcome: Box<Welcome>, tag: BackendTag, body: &[u8]) -> Next {
    match tag {
        BackendTag::ParameterStatus => {
            welcome.report(body)?;
            Ok(State::In(welcome))
        }
        BackendTag::BackendKeyData => {
            let (pid, secret) =
                backend::backend_key(body).ok_or_else(|| broken("malformed BackendKeyData"))?;
            (welcome.pid, welcome.secret) = (pid, secret.into());
            Ok(State::In(welcome))
        }
        BackendTag::ReadyForQuery => match backend::ready_for_query(body) {
            Some(backend::TxStatus::Idle) => Ok(State::Ready(welcome)),
            Some(backend::TxStatus::InTransaction | backend::TxStatus::Failed) | None => {
                Err(broken("the server's first ReadyForQuery is not idle"))
            }
        },
        other => Err(out_of_order(other)),
    }
}
