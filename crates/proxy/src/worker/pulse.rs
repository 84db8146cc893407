//! The passing of time as an event of the loop: a kernel timer that stays armed.
//!
//! A time limit on each wait would do as well, but the kernel arms and disarms a timer for it whenever the thread sleeps:
//! twice a query on a proxy that is not busy, and on a virtual machine each time is an exit to the hypervisor.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// A timer in a loop; dropping it stops it.
#[derive(Debug)]
pub(super) struct Pulse {
    timer: OwnedFd,
}

impl Pulse {
    /// Makes `token` come up every so often.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn start(registry: &Registry, token: Token, every: Duration) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let span = Timespec { tv_sec: every.as_secs() as i64, tv_nsec: every.subsec_nanos().into() };
        timerfd_settime(
            &timer,
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: span, it_value: span },
        )?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer })
    }

    /// Takes note of a pulse: the kernel arms a timer for the next one only when it has been read.
    pub(super) fn take(&self) {
        // A number of expiries; an error would mean that there was none.
        let _ = rustix::io::read(&self.timer, &mut [0; 8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_again_when_it_was_taken() {
        let mut poll = mio::Poll::new().unwrap();
        let pulse = Pulse::start(poll.registry(), Token(7), Duration::from_millis(1)).unwrap();
        let mut events = mio::Events::with_capacity(4);
        for _ in 0..3 {
            poll.poll(&mut events, None).unwrap();
            assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
            pulse.take();
        }
    }
}
