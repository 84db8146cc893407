//! The login: startup, and whatever the server asks for to know us. Manual: "Start-up".

use tokio::task;
use wire::auth::md5::Md5Hash;
use wire::auth::scram::client::{
    self, AwaitingChallenge, AwaitingSignature, Binding, Challenged, Credential,
};
use wire::auth::scram::{self, MECHANISM, MECHANISM_PLUS, NONCE_BYTES, ScramError};
use wire::auth::secret::Password;
use wire::backend::{self, Authentication, Texts};
use wire::encode::{self, Version};
use wire::tag::BackendTag as Tag;

use super::{AskError, Connection, ServerError};
use crate::settings::{ChannelBinding, Method, RequireAuth};

/// Who logs in and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) user: &'a str,
    pub(super) dbname: &'a str,
    pub(super) application: &'a str,
    pub(super) options: Option<&'a str>,
    /// As a walsender that is tied to the database.
    pub(super) walsender: bool,
    pub(super) password: Option<&'a Password>,
    pub(super) channel_binding: ChannelBinding,
    pub(super) require_auth: &'a RequireAuth,
    /// Where a password was looked for.
    pub(super) looked: &'a [String],
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum LoginError {
    Ask(AskError),
    /// The server asks for a password, and there is none.
    PasswordMissing,
    /// The server does not want to know us in the way that the settings insist on, or does not prove itself.
    Distrusted {
        why: String,
        fix: &'static str,
    },
}

impl From<AskError> for LoginError {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

/// How far SCRAM is.
enum Scram {
    Unasked,
    Challenge(AwaitingChallenge),
    Signature(AwaitingSignature),
    Proven,
}

/// How far all of it is.
struct Progress {
    asked: Method,
    bound: bool,
    scram: Scram,
    /// The server has let us in, and we are content with how.
    admitted: bool,
}

impl Connection {
    /// Says who we are, proves it, and waits until the server is ready.
    pub(super) async fn start(&mut self, entry: Entry<'_>) -> Result<(), LoginError> {
        self.send(&startup(entry)).await?;
        let mut progress =
            Progress { asked: Method::None, bound: false, scram: Scram::Unasked, admitted: false };
        loop {
            let (tag, body) = self.receive().await?;
            match tag {
                // Until it has let us in, a server asks or refuses, and afterwards it asks no more. Whoever skips that would
                // skip with it all that a server has to prove.
                Tag::Authentication if progress.admitted => return Err(strange(tag)),
                Tag::ReadyForQuery | Tag::BackendKeyData if !progress.admitted => return Err(strange(tag)),
                Tag::Authentication => {
                    let request = Authentication::parse(&body)
                        .ok_or_else(|| AskError::Shape("a request for a password out of shape".into()))?;
                    if let Some(out) = self.answer(&entry, &mut progress, request).await? {
                        self.send(&out).await?;
                    }
                }
                Tag::BackendKeyData => {
                    if let Some((pid, secret)) = backend::backend_key(&body) {
                        self.pid = pid;
                        self.secret = secret.to_vec();
                    }
                }
                Tag::ParameterStatus => self.note(&body),
                Tag::ErrorResponse => return Err(AskError::from(ServerError::read(&body)).into()),
                Tag::ReadyForQuery => return Ok(()),
                _ => {}
            }
        }
    }

    async fn answer(
        &self,
        entry: &Entry<'_>,
        progress: &mut Progress,
        request: Authentication<'_>,
    ) -> Result<Option<Vec<u8>>, LoginError> {
        let mut out = Vec::new();
        match request {
            Authentication::Ok => {
                progress.finish(entry)?;
                progress.admitted = true;
                return Ok(None);
            }
            Authentication::CleartextPassword => {
                let password = progress.begin(Method::Password, entry)?;
                encode::password(&mut out, password.reveal());
            }
            Authentication::Md5 { salt } => {
                let password = progress.begin(Method::Md5, entry)?;
                let answer = Md5Hash::of(entry.user.as_bytes(), password.reveal()).answer(salt);
                encode::password(&mut out, &answer);
            }
            Authentication::Sasl { mechanisms } => {
                progress.begin(Method::Scram, entry)?;
                let binding = self.binding(entry, mechanisms)?;
                progress.bound = matches!(binding, Binding::ServerEndPoint(_));
                let mechanism = binding.mechanism();
                let (next, first) = client::start_bound(Credential::Password, binding, &nonce()?);
                progress.scram = Scram::Challenge(next);
                encode::sasl_initial(&mut out, mechanism, &first);
            }
            Authentication::SaslContinue(message) => {
                let Scram::Challenge(challenge) = std::mem::replace(&mut progress.scram, Scram::Unasked)
                else {
                    return Err(out_of_step());
                };
                let challenged = challenge.server_first(message).map_err(broken)?;
                let (next, last) = prove(challenged, entry.password).await?;
                progress.scram = Scram::Signature(next);
                encode::sasl_response(&mut out, &last);
            }
            Authentication::SaslFinal(message) => {
                let Scram::Signature(signature) = std::mem::replace(&mut progress.scram, Scram::Proven)
                else {
                    return Err(out_of_step());
                };
                signature.server_final(message).map_err(broken)?;
                return Ok(None);
            }
            Authentication::Other(kind) => {
                let why = match kind {
                    7..=9 => "the server asks for Kerberos, GSSAPI or SSPI, which are not spoken".to_owned(),
                    kind => format!("the server asks for authentication of kind {kind}, which is not spoken"),
                };
                let fix = "add a line to pg_hba.conf that lets this role in with scram-sha-256";
                return Err(LoginError::Distrusted { why, fix });
            }
        }
        Ok(Some(out))
    }

    /// What SCRAM is bound to, of what the server offers and the settings want.
    fn binding(&self, entry: &Entry<'_>, mechanisms: Texts<'_>) -> Result<Binding, LoginError> {
        let (mut plus, mut plain) = (false, false);
        for mechanism in mechanisms {
            plus |= mechanism == MECHANISM_PLUS.as_bytes();
            plain |= mechanism == MECHANISM.as_bytes();
        }
        let end_point = self.secured.as_ref().and_then(|secured| secured.end_point.clone());
        match (entry.channel_binding, end_point) {
            (ChannelBinding::Prefer | ChannelBinding::Require, Some(hash)) if plus => {
                Ok(Binding::ServerEndPoint(hash))
            }
            (ChannelBinding::Require, _) => Err(unbound(self.is_encrypted())),
            (ChannelBinding::Prefer, Some(_)) if plain => Ok(Binding::NotOffered),
            (ChannelBinding::Prefer | ChannelBinding::Disable, _) if plain => Ok(Binding::None),
            (ChannelBinding::Prefer | ChannelBinding::Disable, _) => Err(LoginError::Distrusted {
                why: "the server offers no kind of SASL that is spoken here".into(),
                fix: "let this role in with scram-sha-256 in pg_hba.conf",
            }),
        }
    }
}

impl Progress {
    /// The server asks for this.
    fn begin<'a>(&mut self, method: Method, entry: &Entry<'a>) -> Result<&'a Password, LoginError> {
        if !entry.require_auth.allows(method) {
            let why = format!("the server asks for {}, which require_auth does not allow", method.word());
            let fix = "ask whoever runs the server, or change require_auth";
            return Err(LoginError::Distrusted { why, fix });
        }
        // Before the password is given away: another method than SCRAM binds nothing.
        if entry.channel_binding == ChannelBinding::Require && method != Method::Scram {
            return Err(LoginError::Distrusted {
                why: format!(
                    "the server asks for {}, and channel_binding=require wants SCRAM",
                    method.word()
                ),
                fix: "store the role's password anew with password_encryption = 'scram-sha-256', or use channel_binding=prefer",
            });
        }
        self.asked = method;
        entry.password.ok_or(LoginError::PasswordMissing)
    }

    /// The server is content; are we?
    fn finish(&self, entry: &Entry<'_>) -> Result<(), LoginError> {
        match self.scram {
            Scram::Unasked | Scram::Proven => {}
            Scram::Challenge(_) | Scram::Signature(_) => {
                return Err(LoginError::Distrusted {
                    why: "the server let us in without proving that it knows the password".into(),
                    fix: "make sure that this is the server you mean",
                });
            }
        }
        if self.asked == Method::None && !entry.require_auth.allows(Method::None) {
            return Err(LoginError::Distrusted {
                why: "the server asked for nothing, which require_auth does not allow".into(),
                fix: "ask whoever runs the server, or change require_auth",
            });
        }
        if entry.channel_binding == ChannelBinding::Require && !self.bound {
            return Err(LoginError::Distrusted {
                why: "the server let us in without channel binding, and channel_binding=require wants it"
                    .into(),
                fix: "let this role in with scram-sha-256 in pg_hba.conf, or use channel_binding=prefer",
            });
        }
        Ok(())
    }
}

fn startup(entry: Entry<'_>) -> Vec<u8> {
    let mut parameters = vec![
        ("user", entry.user),
        ("database", entry.dbname),
        ("application_name", entry.application),
        ("client_encoding", "UTF8"),
        ("DateStyle", "ISO, YMD"),
        ("TimeZone", "UTC"),
    ];
    parameters.extend(entry.options.map(|options| ("options", options)));
    if entry.walsender {
        parameters.push(("replication", "database"));
    }
    let mut out = Vec::new();
    let bytes = parameters.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    encode::startup(&mut out, Version { major: 3, minor: 0 }, bytes);
    out
}

fn nonce() -> Result<[u8; NONCE_BYTES], LoginError> {
    let mut random = [0; NONCE_BYTES];
    getrandom::fill(&mut random).map_err(|error| AskError::Lost(format!("no random numbers: {error}")))?;
    Ok(random)
}

/// The slow step, on a thread where it holds up nobody.
async fn prove(
    challenged: Challenged,
    password: Option<&Password>,
) -> Result<(AwaitingSignature, Vec<u8>), LoginError> {
    let step = match challenged {
        Challenged::Proof(next, last) => return Ok((next, last)),
        Challenged::NeedsDerive(step) => step,
    };
    let password = password.cloned().ok_or(LoginError::PasswordMissing)?;
    let (salt, iterations) = (step.salt().to_vec(), step.iterations());
    let keys = task::spawn_blocking(move || scram::derive(password.reveal(), &salt, iterations).keys());
    let keys = keys.await.map_err(|error| AskError::Lost(error.to_string()))?;
    Ok(step.derived(&keys))
}

fn unbound(encrypted: bool) -> LoginError {
    if encrypted {
        LoginError::Distrusted {
            why: "channel_binding=require, and the server offers no channel binding".into(),
            fix: "use channel_binding=prefer, or go to the server itself: a pooler in between ends the TLS connection",
        }
    } else {
        LoginError::Distrusted {
            why: "channel_binding=require needs TLS, and this connection has none".into(),
            fix: "use sslmode=require or stronger, or channel_binding=prefer",
        }
    }
}

fn strange(tag: Tag) -> LoginError {
    AskError::Shape(format!("{tag:?} out of order in the login")).into()
}

fn out_of_step() -> LoginError {
    AskError::Shape("SCRAM messages out of order".into()).into()
}

fn broken(error: ScramError) -> LoginError {
    match error {
        ScramError::ServerSignature => LoginError::Distrusted {
            why: "the server does not know the password: its SCRAM signature is wrong".into(),
            fix: "make sure that this is the server you mean",
        },
        other => AskError::Shape(other.to_string()).into(),
    }
}
