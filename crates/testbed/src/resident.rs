//! How much memory a process holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Doing, Error, Result};

/// Resident bytes of a process.
pub fn bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).doing(format!("reading {path}"))?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| Error::Protocol(format!("{path} has no VmRSS")))
}

/// Watches a process and keeps the most it ever held.
#[derive(Debug)]
pub struct Watch {
    most: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    before: u64,
}

impl Watch {
    /// Looks every 5 ms until [`Self::risen`] is asked.
    pub fn start(pid: u32) -> Result<Self> {
        let before = bytes(pid)?;
        let most = Arc::new(AtomicU64::new(before));
        let done = Arc::new(AtomicBool::new(false));
        let (most_seen, enough) = (Arc::clone(&most), Arc::clone(&done));
        let thread = std::thread::spawn(move || {
            while !enough.load(Ordering::Relaxed) {
                if let Ok(now) = bytes(pid) {
                    most_seen.fetch_max(now, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Ok(Self { most, done, thread: Some(thread), before })
    }

    /// By how many bytes the process grew at most since the start.
    pub fn risen(mut self) -> u64 {
        self.end();
        self.most.load(Ordering::Relaxed).saturating_sub(self.before)
    }

    fn end(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}
