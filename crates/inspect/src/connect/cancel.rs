//! Cancelling what a connection is at: a request of its own, over a socket of its own. Manual: "Canceling Requests in Progress".

use std::fmt;

use tls::Try;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wire::encode;

use super::dial::{Secrecy, dial};
use super::{ConnectError, Connection};
use crate::settings::Settings;

/// What it takes to cancel what one connection is at.
#[derive(Clone)]
pub struct CancelKey {
    place: String,
    encrypted: bool,
    pid: u32,
    secret: Vec<u8>,
}

impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelKey")
            .field("place", &self.place)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// `None`: the other end cancels nothing.
    pub fn cancel_key(&self) -> Option<CancelKey> {
        (!self.secret.is_empty()).then(|| CancelKey {
            place: self.place().to_owned(),
            encrypted: self.is_encrypted(),
            pid: self.pid,
            secret: self.secret.clone(),
        })
    }
}

/// Has what that connection is at cancelled, and waits until the request was taken. Whether there was anything to cancel is not
/// said. It goes the way that the connection went, in `settings.timeout`.
///
/// # Errors
/// The server was not reached.
pub async fn cancel(settings: &Settings, key: &CancelKey) -> Result<(), ConnectError> {
    let place = key.place.clone();
    let Some(host) = settings.hosts.iter().find(|host| host.endpoint.to_string() == place) else {
        return Err(ConnectError::Unreachable { place, why: "it is not of these settings".into() });
    };
    let secrecy = Secrecy { options: &settings.tls, name: host.name.as_deref() };
    let how = if key.encrypted { Try::Tls } else { Try::Plain };
    let request = async {
        let mut stream = dial(&host.endpoint, how, secrecy)
            .await
            .map_err(|error| ConnectError::of_dial(&key.place, error))?
            .stream;
        let mut out = Vec::new();
        encode::cancel_request(&mut out, key.pid, &key.secret);
        let lost = |error: std::io::Error| ConnectError::Unreachable {
            place: key.place.clone(),
            why: error.to_string(),
        };
        stream.write_all(&out).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        // The server hangs up when it has seen to it; how, is no matter.
        let _ = stream.read(&mut [0]).await;
        Ok(())
    };
    let after = settings.timeout;
    timeout(after, request).await.unwrap_or(Err(ConnectError::TimedOut { place, after }))
}
