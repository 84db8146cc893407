//! Many logged-in clients on one thread, each with at most one request on the way.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::{Events, Poll, Token};

use crate::line::{Line, Socket};
use crate::load::client::{Client, News};
use crate::load::outcome::Outcome;
use crate::load::script::{Protocol, Script, Target};

const SCRATCH_BYTES: usize = 64 * 1024;
/// Logins on the way at one time: a listener's backlog is 128 in PgBouncer.
const LOGINS_MAX: usize = 64;
/// Nothing at all happened for this long: something hangs.
const SILENCE: Duration = Duration::from_secs(60);

/// When a run ends. Requests on the way are always waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Elapsed(Duration),
    Transactions(u64),
}

/// Logged-in clients. Dropping it closes them.
pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    script: Script,
    scratch: Vec<u8>,
    /// Latency from dial to ready, of every client.
    pub(crate) logins: Outcome,
}

impl Fleet {
    /// Dials and logs in `count` clients, some at a time.
    pub(crate) fn login(
        target: &Target,
        count: usize,
        protocol: Protocol,
        text: &str,
    ) -> anyhow::Result<Self> {
        let mut fleet = Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Vec::with_capacity(count),
            script: Script::new(target, protocol, text),
            scratch: vec![0; SCRATCH_BYTES],
            logins: Outcome::new(),
        };
        let begun = Instant::now();
        let mut done = 0;
        while done < count {
            while fleet.clients.len() < count && fleet.clients.len() - done < LOGINS_MAX {
                fleet.dial(target)?;
            }
            done += fleet.turn(|fleet, _, news, now| {
                assert!(news == News::LoggedIn, "nobody asks before everybody is logged in");
                // Preparing is part of it; `dialled` still holds the moment of dialling.
                fleet.logins.note(now);
                Ok(())
            })?;
        }
        fleet.logins.close(begun.elapsed());
        Ok(fleet)
    }

    fn dial(&mut self, target: &Target) -> anyhow::Result<()> {
        let now = Instant::now();
        let socket = Socket::dial(&target.place).with_context(|| format!("cannot dial {}", target.place))?;
        let line = Line::register(socket, self.poll.registry(), Token(self.clients.len()))?;
        self.clients.push(Client::new(line, now));
        Ok(())
    }

    /// Every client asks, and asks again as soon as it is answered.
    pub(crate) fn run(&mut self, until: Until) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::new();
        let begun = Instant::now();
        let messages_before = self.messages();
        let mut issued = 0;
        let wants = |issued: u64, now: Instant| match until {
            Until::Elapsed(span) => now.duration_since(begun) < span,
            Until::Transactions(total) => issued < total,
        };
        for at in 0..self.clients.len() {
            if wants(issued, begun) {
                self.clients[at].ask(Instant::now(), &self.script)?;
                issued += 1;
            }
        }
        let mut answered = 0;
        while answered < issued {
            let mut asked = 0;
            answered += self.turn(|fleet, at, news, latency| {
                assert!(news != News::LoggedIn, "everybody is logged in");
                outcome.note(latency);
                let now = Instant::now();
                if wants(issued + asked, now) {
                    asked += 1;
                    fleet.clients[at].ask(now, &fleet.script)?;
                }
                Ok(())
            })? as u64;
            issued += asked;
        }
        outcome.close(begun.elapsed());
        outcome.messages = self.messages() - messages_before + issued * self.script.messages_per_transaction;
        Ok(outcome)
    }

    /// Waits once for sockets; hands each piece of news, with its latency, to `tell`. Returns their number.
    fn turn(
        &mut self,
        mut tell: impl FnMut(&mut Self, usize, News, Duration) -> anyhow::Result<()>,
    ) -> anyhow::Result<usize> {
        match self.poll.poll(&mut self.events, Some(SILENCE)) {
            Ok(()) if self.events.is_empty() => bail!("nothing was answered for {} s", SILENCE.as_secs()),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => bail!("waiting for sockets: {error}"),
        }
        let ready: Vec<_> = self.events.iter().map(|event| (event.token(), event.is_writable())).collect();
        let mut count = 0;
        for (Token(at), writable) in ready {
            let client = &mut self.clients[at];
            let dialled = client.dialled();
            let news = client
                .turn(writable, &mut self.scratch, &self.script)
                .with_context(|| format!("client {at}"))?;
            let Some(news) = news else { continue };
            let since = match news {
                News::LoggedIn => dialled,
                News::Answered { since } => since,
            };
            count += 1;
            tell(self, at, news, since.elapsed())?;
        }
        Ok(count)
    }

    fn messages(&self) -> u64 {
        self.clients.iter().map(|client| client.messages).sum()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for client in &mut self.clients {
            // A client that is cut off has nobody to say goodbye to.
            let _ = client.say_goodbye();
        }
    }
}
