//! The admin database over the PostgreSQL protocol: guests that a worker has logged in and handed over.
//!
//! What may be said is in [`grammar`], who may say it in [`rights`], what comes back in [`columns`].

mod act;
pub mod columns;
mod extended;
pub mod grammar;
pub mod guests;
mod record;
pub mod reply;
pub mod rights;
mod session;
mod show;
pub mod table;

use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::Receiver;

use self::guests::Guest;
use self::session::{Session, Stream};
use crate::control::Hub;
use crate::mail::ConsoleGuest;
use crate::worker::socket::Detached;

/// Receives guests as long as somebody hands them in.
pub(crate) async fn receive(hub: Arc<Hub>, mut arriving: Receiver<ConsoleGuest>) {
    while let Some(guest) = arriving.recv().await {
        tokio::spawn(welcome(hub.clone(), guest));
    }
    // Without workers nobody comes any more; who is here may stay until the process ends.
    std::future::pending().await
}

async fn welcome(hub: Arc<Hub>, guest: ConsoleGuest) {
    let ConsoleGuest { socket, kept, backlog, seed } = guest;
    let socket: std::io::Result<Box<dyn Stream>> = match socket {
        Detached::Tcp(stream) => TcpStream::from_std(stream).map(|stream| Box::new(stream) as _),
        Detached::Unix(stream) => UnixStream::from_std(stream).map(|stream| Box::new(stream) as _),
    };
    match socket {
        Ok(stream) => serve(hub, stream, kept, &backlog, seed).await,
        Err(error) => tracing::warn!(%error, "a guest of the console is lost"),
    }
}

async fn serve(
    hub: Arc<Hub>,
    stream: impl Stream,
    kept: Vec<u8>,
    backlog: &[u8],
    seed: Box<engine::session::seed::ConsoleSeed>,
) {
    let Ok(number) = hub.number().await else { return };
    let age = hub.age();
    let guest = Guest { number, user: seed.user.clone(), peer: seed.peer.clone(), came: age, asked: age };
    if !hub.guests().enter(guest) {
        tracing::warn!("a guest of the console is turned away: too many are here");
        return;
    }
    Session::new(hub.clone(), stream, seed, number, kept).run(backlog).await;
    hub.guests().leave(number);
}
