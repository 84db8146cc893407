//! The log: news of the workers become lines on a thread of their own, so that a full pipe stops nobody.
//!
//! Everything else in the process logs through `tracing` as it goes; this is only for what comes in numbers.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use engine::remark::{ClientOut, Remark};
use model::config::checked::Proxy;
use model::id::WorkerId;

use super::phrase::{self, Line};

/// News that may wait to be written; beyond it they are dropped and counted.
const PENDING_MAX: usize = 8_192;

#[derive(Debug)]
struct News {
    worker: WorkerId,
    remark: Remark,
    from: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct Switches {
    connections: AtomicBool,
    disconnections: AtomicBool,
    pooler_errors: AtomicBool,
    dropped: AtomicU64,
}

/// The way to the log; clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Journal {
    lines: mpsc::SyncSender<News>,
    switches: Arc<Switches>,
}

impl Journal {
    /// Starts the thread; it ends with the last clone.
    pub fn start(proxy: &Proxy) -> io::Result<Self> {
        let (lines, inbox) = mpsc::sync_channel::<News>(PENDING_MAX);
        let switches = Arc::new(Switches::default());
        let journal = Self { lines, switches: switches.clone() };
        journal.retune(proxy);
        thread::Builder::new().name("log".into()).spawn(move || {
            while let Ok(news) = inbox.recv() {
                let dropped = switches.dropped.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    tracing::warn!(
                        lines = dropped,
                        "log lines were dropped: whoever reads the log is too slow"
                    );
                }
                write(&news, &switches);
            }
        })?;
        Ok(journal)
    }

    /// Takes over changed switches.
    pub fn retune(&self, proxy: &Proxy) {
        self.switches.connections.store(proxy.log_connections, Ordering::Relaxed);
        self.switches.disconnections.store(proxy.log_disconnections, Ordering::Relaxed);
        self.switches.pooler_errors.store(proxy.log_pooler_errors, Ordering::Relaxed);
    }

    /// Notes a piece of news, with our own end of the connection it is about where that is known. Never waits.
    pub fn remark(&self, worker: WorkerId, remark: Remark, from: Option<SocketAddr>) {
        if self.lines.try_send(News { worker, remark, from }).is_err() {
            self.switches.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(news: &News, switches: &Switches) {
    let News { worker, remark, from } = news;
    let on = |switch: &AtomicBool| switch.load(Ordering::Relaxed);
    let wanted = match remark {
        Remark::ClientIn { .. } | Remark::ServerIn { .. } => on(&switches.connections),
        Remark::ClientOut { .. } | Remark::ServerOut { .. } => on(&switches.disconnections),
        Remark::DialRefused { .. }
        | Remark::OutOfStep { .. }
        | Remark::Tainted { .. }
        | Remark::WrongCancelKey { .. } => true,
    };
    if let Remark::ClientOut { conn, key, peer, why: ClientOut::Refused(refusal), .. } = remark {
        let who = phrase::client(*worker, *conn, key.as_ref(), peer);
        if on(&switches.pooler_errors) {
            tracing::warn!(reason = refusal.label(), "{who}pooler error: {}", refusal.text());
        } else {
            tracing::debug!(reason = refusal.label(), "{who}pooler error: {}", refusal.text());
        }
    }
    match phrase::line(*worker, remark, *from) {
        Line::Error(text) => tracing::error!("{text}"),
        Line::Warning(text) => tracing::warn!("{text}"),
        Line::Info(text) if wanted => tracing::info!("{text}"),
        // What is switched off is still there for whoever asks for more.
        Line::Info(text) => tracing::debug!("{text}"),
    }
}
