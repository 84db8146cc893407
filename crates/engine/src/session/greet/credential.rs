//! What we can prove to a server, by what is stored. The errors are for the operator: they name the role and no secret.

use model::config::checked::{PoolSettings, SecretText};
use wire::auth::md5::{ANSWER_BYTES, Md5Hash};
use wire::auth::scram::client::{self, Challenged, Credential};
use wire::auth::scram::server::ClientFirst;
use wire::auth::scram::{ClientKey, NONCE_BYTES, Verifier};

use crate::session::keys::Stored;

fn stored(settings: &PoolSettings) -> Result<Stored, String> {
    let secret = settings.login.secret.as_ref().and_then(Stored::read);
    secret.ok_or_else(|| {
        format!("the server wants a password, and none is stored for \"{}\"", settings.login.user)
    })
}

fn unfit(settings: &PoolSettings, wanted: &str, has: &str) -> String {
    format!("the server wants {wanted}, and for \"{}\" {has} is stored", settings.login.user)
}

/// The password, to be derived or to be sent as it is.
pub(super) fn password(settings: &PoolSettings) -> Result<SecretText, String> {
    match stored(settings)? {
        Stored::Plain(password) => Ok(password),
        Stored::Md5(_) => Err(unfit(settings, "a password", "only an MD5 hash")),
        Stored::Scram(_) => Err(unfit(settings, "a password", "only a SCRAM verifier")),
    }
}

/// The answer to an MD5 request.
pub(super) fn md5(settings: &PoolSettings, salt: [u8; 4]) -> Result<[u8; ANSWER_BYTES], String> {
    let user = settings.login.user.as_bytes();
    match stored(settings)? {
        Stored::Plain(password) => Ok(Md5Hash::of(user, password.expose().as_bytes()).answer(salt)),
        Stored::Md5(hash) => Ok(hash.answer(salt)),
        Stored::Scram(_) => Err(unfit(settings, "MD5", "only a SCRAM verifier")),
    }
}

/// What SCRAM starts with: the stored password, or the key of a client that has proven itself against the stored
/// verifier.
pub(super) fn scram(settings: &PoolSettings, client_key: Option<[u8; 32]>) -> Result<Credential, String> {
    let verifier = match stored(settings)? {
        Stored::Plain(_) => return Ok(Credential::Password),
        Stored::Md5(_) => return Err(unfit(settings, "SCRAM", "only an MD5 hash")),
        Stored::Scram(verifier) => verifier,
    };
    let user = &settings.login.user;
    let Some(client_key) = client_key.map(ClientKey::from_bytes) else {
        return Err(format!(
            "for \"{user}\" a SCRAM verifier is stored, and no client has logged in with SCRAM yet"
        ));
    };
    if !opens(&client_key, &verifier) {
        return Err(format!("the client's SCRAM key does not belong to the verifier stored for \"{user}\""));
    }
    Ok(Credential::PassThrough { client_key, verifier })
}

/// Whether a key belongs to a verifier: the two roles are played against each other. The key may be that of another
/// user (the database has a role of its own) or of an old password, and a proof made of it is nothing that a server
/// should get to see.
fn opens(client_key: &ClientKey, verifier: &Verifier) -> bool {
    let nonce = [0; NONCE_BYTES];
    let credential = Credential::PassThrough { client_key: client_key.clone(), verifier: verifier.clone() };
    let (client, first) = client::start(credential, &nonce);
    let Ok(first) = ClientFirst::read(&first) else { return false };
    let (server, challenge) = first.challenge(verifier.clone(), &nonce);
    match client.server_first(&challenge) {
        Ok(Challenged::Proof(_, proof)) => server.client_final(&proof).is_ok(),
        Ok(Challenged::NeedsDerive(_)) | Err(_) => false,
    }
}
