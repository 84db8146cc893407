//! The control side of the process: one plain thread for the steward that waits for nothing but its mailbox, and one
//! for everything that takes its time: the console, HTTP, reloads, averages.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use engine::steward::{Shutdown, Steward};
use model::config::checked::Config;
use tokio::sync::mpsc;

use crate::console;
use crate::door::listen::At;
use crate::life::{Seat, Started};
use crate::mail::{ConsoleDoor, ConsoleGuest};

pub(crate) mod averages;
mod busy;
mod http;
mod hub;
mod keeper;
mod phrase;
pub mod record;
mod reload;

use record::Recorder;

pub use averages::{Averages, Rates};
pub use hub::{Frame, Hub, NoAnswer, Shelf, SliceAt};

/// Guests of the console who may wait for their turn.
const GUESTS_PENDING: usize = 16;

/// Reads the configuration again, files and all, and checks it. May take its time.
pub type Reload = Box<dyn Fn() -> Result<Arc<Config>, String> + Send + Sync>;

/// What the program adds to the configuration.
pub struct Manners {
    /// How to read the configuration again.
    pub reload: Reload,
    /// What SHOW VERSION prints.
    pub version: String,
    /// The greeting's `server_version`.
    pub server_version: String,
    /// What SIGTERM means.
    pub on_term: Shutdown,
    /// What SIGINT means.
    pub on_int: Shutdown,
}

impl Manners {
    /// Those of `connwarden proxy`.
    pub fn own(version: &str, reload: Reload) -> Self {
        Self {
            reload,
            version: format!("connwarden {version}"),
            server_version: format!("{version}/connwarden"),
            on_term: Shutdown::Drain,
            on_int: Shutdown::Now,
        }
    }
}

/// Starts both threads.
///
/// # Errors
/// `metrics_listen` can't be bound, or the system refuses a thread.
pub fn start(seat: Seat, manners: Manners) -> io::Result<Started> {
    let listener = seat.config.proxy.metrics_listen.map(listen).transpose()?;
    let metrics = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let workers = u16::try_from(seat.workers.len()).map_err(io::Error::other)?;
    let steward = Steward::new(crate::life::entropy(), workers, seat.config.clone());
    let (wishes, reloads) = mpsc::unbounded_channel();
    let keeper = keeper::Keeper {
        steward,
        letters: seat.letters,
        workers: seat.workers,
        reloads: wishes,
        on_term: manners.on_term,
        on_int: manners.on_int,
        tape: None,
        epoch: seat.epoch,
    };
    let port = seat.listens.iter().find_map(|at| match at {
        At::Tcp(address) => Some(address.port()),
        At::Unix(_) => None,
    });
    let recorder = Recorder::default();
    let hub = Arc::new(Hub::new(hub::Parts {
        steward: seat.mail,
        workers,
        listen_port: port.unwrap_or(seat.config.proxy.listen_port),
        config: seat.config,
        descriptors: seat.descriptors,
        resolver: seat.resolver,
        hoard: seat.hoard,
        manners,
        recorder: recorder.clone(),
        epoch: seat.epoch,
    }));
    let (guests, arriving) = mpsc::channel::<ConsoleGuest>(GUESTS_PENDING);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let side = move || {
        runtime.block_on(async move {
            if let Some(listener) = listener {
                http::serve(listener, hub.clone());
            }
            tokio::spawn(averages::keep(hub.clone()));
            tokio::spawn(busy::watch(hub.clone()));
            tokio::spawn(reload::watch(hub.clone(), reloads));
            console::receive(hub, arriving).await;
        });
    };
    thread::Builder::new().name("side".into()).spawn(side)?;
    let thread = thread::Builder::new().name("steward".into()).spawn(move || keeper.run())?;
    let door = move |guest| {
        if guests.try_send(guest).is_err() {
            tracing::warn!("a guest of the console is turned away: too many at once");
        }
    };
    Ok(Started { console: ConsoleDoor::new(door), thread, metrics, recorder })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("metrics_listen {address}: {error}")))?;
    bound.set_nonblocking(true)?;
    Ok(bound)
}
