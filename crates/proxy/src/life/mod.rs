//! The process from its first listener to its last: what starts in which order, and how it ends.
//!
//! Listeners are bound before anything else runs, so that a wrong address is an error message and not half a process.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::worker::Worker;
use model::config::checked::Config;

use crate::control::record::Recorder;
use crate::derive::Derivers;
use crate::door::limits::{self, TooFew};
use crate::door::listen::{self, At, ListenError};
use crate::mail::{self, ConsoleDoor, StewardLetter, StewardMail, WorkerMail};
use crate::observe::format;
use crate::observe::log::Journal;
use crate::resolve::{self, Resolver};
use crate::worker::crew::{self, Crew, Outfit};
use crate::worker::hoard::Hoard;
use crate::worker::tuning::Tuning;

pub mod pidfile;
pub mod ready;
pub mod sd;
mod signals;

use pidfile::{NoPidFile, PidFile};

/// Threads for hash rounds.
const DERIVERS: usize = 2;
/// The last line of a recording is not waited for any longer at the end.
const LAST_LINE: Duration = Duration::from_secs(3);

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Written when everything listens.
    pub ready_file: Option<PathBuf>,
    /// Program and version, for the first lines of the log.
    pub version: String,
}

/// What the control side is given.
#[derive(Debug)]
pub struct Seat {
    /// The configuration, `max_client_conn` lowered to what fits.
    pub config: Arc<Config>,
    /// The limit of open files: a new configuration's clients must fit it, too.
    pub descriptors: u64,
    /// The workers' mailboxes, by number.
    pub workers: Vec<WorkerMail>,
    /// The steward's own mailbox: its way in.
    pub mail: StewardMail,
    /// And its way out.
    pub letters: mpsc::Receiver<StewardLetter>,
    /// Where clients find us.
    pub listens: Vec<At>,
    /// What is known of names.
    pub resolver: Resolver,
    /// Bytes kept by the process.
    pub hoard: Hoard,
    /// The zero of all clocks.
    pub epoch: Instant,
}

/// What the control side gives back.
#[derive(Debug)]
pub struct Started {
    /// Where guests of the console are handed in.
    pub console: ConsoleDoor,
    /// The steward's thread: when it ends, the process does.
    pub thread: JoinHandle<()>,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Has a last line to write when the process ends in the midst of a recording.
    pub recorder: Recorder,
}

/// Why the process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No place for clients.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// No place to listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The file for the process number can't be had.
    #[error(transparent)]
    PidFile(#[from] NoPidFile),
    /// The system refuses a thread, a loop or a file.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        error: io::Error,
    },
}

fn cannot(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System { what, error }
}

/// Runs the proxy until it is told to end. `control` starts the steward, the console and the metrics.
pub fn run(
    config: Arc<Config>,
    how: &RunOptions,
    control: impl FnOnce(Seat) -> io::Result<Started>,
) -> ExitCode {
    format::install(config.proxy.log_format, config.proxy.verbose);
    match live(config, how, control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn live(
    mut config: Arc<Config>,
    how: &RunOptions,
    control: impl FnOnce(Seat) -> io::Result<Started>,
) -> Result<(), StartError> {
    let epoch = Instant::now();
    let descriptors = limits::raise().map_err(cannot("raise the limit of open files"))?;
    lower_clients(&mut config, descriptors)?;
    let tuning = Tuning::of(&config.proxy);
    let bound = listen::bind(&config.proxy, &tuning)?;
    let listens: Vec<At> = bound.iter().map(|bound| bound.at.clone()).collect();
    for at in &listens {
        tracing::info!("listening on {}", at.place());
    }
    if let Some(user) = &config.proxy.user {
        become_user(user).map_err(cannot("become the user that [proxy] names"))?;
    }
    let _pidfile = config.proxy.pidfile.as_deref().map(PidFile::create).transpose()?;
    let (steward, letters) = mail::steward_box();
    let workers = usize::try_from(config.proxy.workers.max(1)).unwrap_or(1);
    let (mails, berths) = crew::berths(workers).map_err(cannot("make an event loop"))?;
    let resolver = Resolver::start(Arc::new(resolve::system)).map_err(cannot("start a thread"))?;
    let hoard = Hoard::default();
    let started = control(Seat {
        config: config.clone(),
        descriptors,
        workers: mails.clone(),
        mail: steward.clone(),
        letters,
        listens: listens.clone(),
        resolver: resolver.clone(),
        hoard: hoard.clone(),
        epoch,
    })
    .map_err(cannot("start the control side"))?;
    let outfit = Outfit {
        steward: steward.clone(),
        console: started.console,
        derivers: Derivers::start(DERIVERS).map_err(cannot("start a thread"))?,
        resolver,
        journal: Journal::start(&config.proxy).map_err(cannot("start a thread"))?,
        tuning,
        hoard,
        epoch,
    };
    let process_key = entropy();
    let brain = |id| {
        Worker::new(id, entropy(), rustix::process::geteuid().as_raw(), config.clone())
            .with_process_key(process_key)
    };
    let crew = Crew::start(berths, mails, &bound, &outfit, brain).map_err(cannot("start a worker"))?;
    // The workers have their own duplicates: when those are closed, nobody listens any more.
    drop(bound);
    signals::watch(steward).map_err(cannot("watch signals"))?;
    let places = ready::Places { listens: &listens, metrics: started.metrics };
    if let Some(path) = &how.ready_file {
        places.write(path).map_err(cannot("write the ready file"))?;
    }
    sd::tell(sd::State::Ready);
    tracing::info!("process up: {}", how.version);
    if started.thread.join().is_err() {
        tracing::error!("the control thread has failed");
    }
    crew.stop();
    started.recorder.settle(LAST_LINE);
    listen::remove_files(&listens);
    tracing::info!("process down");
    Ok(())
}

/// Gives up root's rights for good: before any thread runs, after the listeners are bound.
fn become_user(name: &str) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let user = nix::unistd::User::from_name(name)?
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no user {name:?} here")))?;
    let text = std::ffi::CString::new(name)?;
    nix::unistd::initgroups(&text, user.gid)?;
    nix::unistd::setgid(user.gid)?;
    nix::unistd::setuid(user.uid)?;
    Ok(())
}

/// Lowers `max_client_conn` to what the limit of open files leaves, and says so.
fn lower_clients(config: &mut Arc<Config>, descriptors: u64) -> Result<(), TooFew> {
    let fitting = limits::clients_that_fit(config, descriptors)?;
    let asked = config.proxy.max_client_conn;
    if fitting < asked {
        tracing::warn!(
            "max_client_conn is lowered from {asked} to {fitting}: the limit of open files is {descriptors} \
             (LimitNOFILE= in a unit, ulimit -n in a shell)"
        );
        Arc::make_mut(config).proxy.max_client_conn = fitting;
    }
    Ok(())
}

/// A seed for one worker's keys and nonces. Without the system's entropy there is no safe way to go on.
pub(crate) fn entropy() -> [u8; 32] {
    let mut seed = [0; 32];
    let filled = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty());
    assert_eq!(filled.ok(), Some(seed.len()), "the system gives entropy");
    seed
}
