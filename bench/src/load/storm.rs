//! Connect, ask once, leave, again: what short-lived clients do to a pooler.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::{Events, Poll, Token};

use crate::line::{Line, Socket};
use crate::load::client::{Client, News};
use crate::load::fleet::Until;
use crate::load::outcome::Outcome;
use crate::load::script::{Script, Target};

const SCRATCH_BYTES: usize = 16 * 1024;
const SILENCE: Duration = Duration::from_secs(60);

struct Visit {
    client: Client,
    dialled: Instant,
}

/// Keeps `parallel` visits on the way; latency counts from dial to the end of the one answer.
pub(crate) fn run(
    target: &Target,
    parallel: usize,
    until: Until,
    script: &Script,
) -> anyhow::Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut scratch = vec![0; SCRATCH_BYTES];
    let mut outcome = Outcome::new();
    let begun = Instant::now();
    let mut begun_visits = 0;
    let wants = |visits: u64| match until {
        Until::Elapsed(span) => begun.elapsed() < span,
        Until::Transactions(total) => visits < total,
    };
    let mut visits: Vec<Option<Visit>> = (0..parallel).map(|_| None).collect();
    for (at, place) in visits.iter_mut().enumerate() {
        if wants(begun_visits) {
            *place = Some(visit(target, &poll, at)?);
            begun_visits += 1;
        }
    }
    while visits.iter().any(Option::is_some) {
        match poll.poll(&mut events, Some(SILENCE)) {
            Ok(()) if events.is_empty() => bail!("nothing was answered for {} s", SILENCE.as_secs()),
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => bail!("waiting for sockets: {error}"),
        }
        for event in &events {
            let Token(at) = event.token();
            let Some(current) = &mut visits[at] else { continue };
            let news = current.client.turn(event.is_writable(), &mut scratch, script);
            match news.with_context(|| format!("visit {begun_visits}"))? {
                None => {}
                Some(News::LoggedIn) => current.client.ask(Instant::now(), script)?,
                Some(News::Answered { .. }) => {
                    outcome.note(current.dialled.elapsed());
                    // Leaving is not part of the latency, but part of the storm.
                    current.client.say_goodbye()?;
                    visits[at] = None;
                    if wants(begun_visits) {
                        visits[at] = Some(visit(target, &poll, at)?);
                        begun_visits += 1;
                    }
                }
            }
        }
    }
    outcome.close(begun.elapsed());
    Ok(outcome)
}

fn visit(target: &Target, poll: &Poll, at: usize) -> anyhow::Result<Visit> {
    let dialled = Instant::now();
    let socket = Socket::dial(&target.place).with_context(|| format!("cannot dial {}", target.place))?;
    let line = Line::register(socket, poll.registry(), Token(at))?;
    Ok(Visit { client: Client::new(line, dialled), dialled })
}
