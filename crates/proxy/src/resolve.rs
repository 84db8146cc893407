//! Names to addresses, on threads of their own: the system's resolver may take its time, a worker never waits for it.
//!
//! Answers are believed for a while; a name that can't be looked up any more keeps its last good answer.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use model::id::ConnId;

use crate::mail::{Letter, WorkerMail};

/// Names that are looked up at a time: one that hangs must not hold up the others.
const LOOKUPS_AT_A_TIME: usize = 4;

/// What is known about a name at once.
#[derive(Debug)]
pub enum Answer {
    /// These addresses.
    Now(Arc<[IpAddr]>),
    /// A letter will tell.
    Later,
}

/// A name as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: Arc<str>,
    /// How much longer its answer is believed.
    pub left: Duration,
    /// The last good answer; none: there has been none.
    pub addresses: Arc<[IpAddr]>,
    /// It is being looked up.
    pub pending: bool,
}

#[derive(Debug, Default)]
struct Name {
    good: Arc<[IpAddr]>,
    believed_until: Option<Instant>,
    asking: Vec<(ConnId, WorkerMail)>,
}

#[derive(Debug)]
struct Job {
    name: Arc<str>,
    believed: Duration,
}

/// The way to the resolver; clones share what is known.
#[derive(Clone, Debug)]
pub struct Resolver {
    names: Arc<Mutex<BTreeMap<Arc<str>, Name>>>,
    jobs: mpsc::Sender<Job>,
}

/// How a name is looked up.
pub type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// As the system does it: `/etc/hosts`, DNS, whatever nsswitch says.
pub fn system(name: &str) -> io::Result<Vec<IpAddr>> {
    let mut ips = Vec::new();
    for address in (name, 0).to_socket_addrs()? {
        if !ips.contains(&address.ip()) {
            ips.push(address.ip());
        }
    }
    Ok(ips)
}

impl Resolver {
    /// Starts its threads; they end with the last clone.
    pub fn start(lookup: Lookup) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let names = Arc::new(Mutex::new(BTreeMap::new()));
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..LOOKUPS_AT_A_TIME {
            let (inbox, names, lookup) = (inbox.clone(), names.clone(), lookup.clone());
            thread::Builder::new().name(format!("resolver-{number}")).spawn(move || {
                while let Some(job) = next(&inbox) {
                    let found = lookup(&job.name).unwrap_or_default();
                    answer(&mut locked(&names), &job, found);
                }
            })?;
        }
        Ok(Self { names, jobs })
    }

    /// Asks for a name on behalf of a dial. `believed`: how long an answer counts.
    pub fn ask(&self, name: &Arc<str>, believed: Duration, conn: ConnId, mail: &WorkerMail) -> Answer {
        let mut names = locked(&self.names);
        let known = names.entry(name.clone()).or_default();
        if known.believed_until.is_some_and(|until| Instant::now() < until) {
            return Answer::Now(known.good.clone());
        }
        known.asking.push((conn, mail.clone()));
        if known.asking.len() == 1 {
            // The threads live as long as this sender.
            let _ = self.jobs.send(Job { name: name.clone(), believed });
        }
        Answer::Later
    }

    /// All names that were ever asked for, in order.
    pub fn known(&self) -> Vec<Known> {
        let now = Instant::now();
        let known = |(name, of): (&Arc<str>, &Name)| Known {
            name: name.clone(),
            left: of.believed_until.map(|until| until.saturating_duration_since(now)).unwrap_or_default(),
            addresses: of.good.clone(),
            pending: !of.asking.is_empty(),
        };
        locked(&self.names).iter().map(known).collect()
    }
}

fn answer(names: &mut BTreeMap<Arc<str>, Name>, job: &Job, found: Vec<IpAddr>) {
    let known = names.entry(job.name.clone()).or_default();
    if !found.is_empty() {
        known.good = found.into();
    }
    known.believed_until = Some(Instant::now() + job.believed);
    for (conn, mail) in known.asking.drain(..) {
        mail.send(Letter::Resolved { conn, addresses: known.good.clone() });
    }
}

fn next(inbox: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    locked(inbox).recv().ok()
}

/// No code panics while it holds one of these locks; if some did, what they guard would still be whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mio::{Poll, Token, Waker};

    use super::*;
    use crate::mail::{WorkerInbox, worker_box};

    const CONN: ConnId = ConnId::server(0, 0);

    fn mailbox() -> (WorkerMail, WorkerInbox, Poll) {
        let poll = Poll::new().unwrap();
        let (mail, inbox) = worker_box(Waker::new(poll.registry(), Token(0)).unwrap());
        (mail, inbox, poll)
    }

    fn hear(inbox: &WorkerInbox, poll: &mut Poll) -> Vec<IpAddr> {
        loop {
            inbox.open();
            if let Some(Letter::Resolved { addresses, .. }) = inbox.next() {
                return addresses.to_vec();
            }
            poll.poll(&mut mio::Events::with_capacity(1), Some(Duration::from_secs(20))).unwrap();
        }
    }

    #[test]
    fn a_name_that_is_lost_keeps_its_last_good_answer() {
        let calls = AtomicUsize::new(0);
        let lookup = move |_: &str| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(vec![IpAddr::from([10, 0, 0, 1])]),
            _ => Err(io::ErrorKind::TimedOut.into()),
        };
        let resolver = Resolver::start(Arc::new(lookup)).unwrap();
        let (mail, inbox, mut poll) = mailbox();
        for _ in 0..3 {
            assert!(matches!(resolver.ask(&"db".into(), Duration::ZERO, CONN, &mail), Answer::Later));
            assert_eq!(hear(&inbox, &mut poll), [IpAddr::from([10, 0, 0, 1])]);
        }
    }

    #[test]
    fn an_answer_that_is_believed_is_not_asked_for_again() {
        let lookup = |_: &str| Ok(vec![IpAddr::from([10, 0, 0, 1])]);
        let resolver = Resolver::start(Arc::new(lookup)).unwrap();
        let (mail, inbox, mut poll) = mailbox();
        let believed = Duration::from_secs(3_600);
        assert!(matches!(resolver.ask(&"db".into(), believed, CONN, &mail), Answer::Later));
        hear(&inbox, &mut poll);
        assert!(
            matches!(resolver.ask(&"db".into(), believed, CONN, &mail), Answer::Now(ips) if ips.len() == 1)
        );
        let known = resolver.known();
        assert_eq!((known.len(), &*known[0].name, known[0].pending), (1, "db", false));
        assert!(known[0].left > Duration::from_secs(3_500) && known[0].left <= believed);
        assert_eq!(known[0].addresses[..], [IpAddr::from([10, 0, 0, 1])]);
    }
}
