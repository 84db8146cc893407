//! A model shell: keeps bytes, performs outputs, tells what happened. It obeys the contract to the letter and decides
//! nothing.

use std::collections::VecDeque;

use engine::contract::{Destination, DialTo, Gone, Input, Output, Parcel, Then};
use engine::session::seed::ClientSeed;
use engine::time::Now;
use model::id::{ConnId, WorkerId};

use super::net::{End, Ending};
use super::proxy::{Letter, Wake};
use super::scram;
use super::world::{Event, Owner, World, front};

/// One connection as the shell has it.
#[derive(Debug)]
pub(crate) struct Conn {
    /// `None` while it is being dialled.
    pub(crate) end: Option<End>,
    pub(crate) dialling: Option<usize>,
    /// The server it leads to, for cancel requests.
    server: usize,
    pub(crate) kept: Vec<u8>,
    then: Then,
    held: bool,
    backlog: VecDeque<u8>,
    shut: bool,
    gone: bool,
}

impl Conn {
    pub(crate) fn open(end: End) -> Self {
        Self {
            end: Some(end),
            dialling: None,
            server: 0,
            kept: Vec::new(),
            then: Then::More,
            held: false,
            backlog: VecDeque::new(),
            shut: false,
            gone: false,
        }
    }

    fn dialling(server: usize) -> Self {
        Self { end: None, dialling: Some(server), server, ..Self::open(End { pipe: 0, side: 0 }) }
    }

    fn stopped(&self) -> bool {
        self.held || self.then == Then::WhenTold
    }
}

/// Something to be done after the present call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Backlogged(ConnId),
    Drained(ConnId),
    /// Offer what is kept, then read on.
    Offer(ConnId),
    /// Look at the socket.
    Look(ConnId),
}

impl World {
    /// Something other than bytes happens to a worker.
    pub(crate) fn engine_takes(&mut self, worker: usize, input: Input<'_>) {
        let now = Now(self.now);
        let shell = &mut self.px().shells[worker];
        shell.out.clear();
        shell.worker.on(now, input, &mut shell.out);
        self.shell_performs(worker, &[]);
    }

    /// Offers a connection's kept bytes.
    fn shell_offers(&mut self, worker: usize, conn: ConnId) {
        let now = Now(self.now);
        let shell = &mut self.px().shells[worker];
        let Some(known) = shell.conns.get_mut(&conn) else { return };
        if known.stopped() || known.kept.is_empty() {
            return;
        }
        if let Then::AtLeast(bytes) = known.then
            && known.kept.len() < bytes
        {
            return;
        }
        let bytes = std::mem::take(&mut known.kept);
        shell.out.clear();
        let taken = shell.worker.on(now, Input::Bytes { conn, bytes: &bytes }, &mut shell.out);
        assert!(taken.used <= bytes.len(), "the engine uses no more than it was given");
        if let Then::AtLeast(least) = taken.then {
            assert!(least > bytes.len() - taken.used, "the engine waits for more than it has: {least}");
        }
        if let Some(known) = shell.conns.get_mut(&conn) {
            known.kept = bytes[taken.used..].to_vec();
            known.then = taken.then;
        }
        let (used, then, len) = (taken.used, taken.then, bytes.len());
        self.log(|| {
            format!("  {conn:?} offered {len}, used {used}, then {then:?}: {}", tags(&bytes[..used]))
        });
        self.shell_performs(worker, &bytes);
    }

    /// Performs what the engine wants done.
    pub(crate) fn shell_performs(&mut self, worker: usize, input: &[u8]) {
        let list = self.px().shells[worker].out.list.clone();
        let mut sends: Vec<(ConnId, Vec<u8>)> = Vec::new();
        for output in list {
            match output {
                Output::Send { to, piece } => {
                    let bytes = self.px().shells[worker].out.bytes(piece, input).to_vec();
                    match sends.iter_mut().find(|(conn, _)| *conn == to) {
                        Some((_, pending)) => pending.extend(bytes),
                        None => sends.push((to, bytes)),
                    }
                }
                Output::Dial { conn, dial } => self.shell_dials(worker, conn, dial),
                Output::Hold { conn } | Output::Read { conn } => self.shell_reads(worker, conn, output),
                Output::StartTls { .. } => {}
                Output::Shut { conn } | Output::Close { conn } | Output::Finish { conn } => {
                    if let Some(at) = sends.iter().position(|(to, _)| *to == conn) {
                        let (_, bytes) = sends.remove(at);
                        self.shell_sends(worker, conn, &bytes);
                    }
                    self.shell_ends(worker, conn, output);
                }
            }
        }
        for (conn, bytes) in sends {
            self.shell_sends(worker, conn, &bytes);
        }
        self.shell_posts(worker);
    }

    fn shell_posts(&mut self, worker: usize) {
        let from = WorkerId(worker as u16);
        let out = &mut self.px().shells[worker].out;
        let (parcels, notes, remarks) = (
            std::mem::take(&mut out.parcels),
            std::mem::take(&mut out.notes),
            std::mem::take(&mut out.remarks),
        );
        let derives = std::mem::take(&mut out.derives);
        for derive in derives {
            let slow = scram::salted(derive.password.expose(), &derive.salt, derive.iterations);
            let when = self.now + 1 + self.px().rng.below(5_000);
            self.at(when, Event::Proxy(Wake::Derived(worker, derive.ticket, *slow.bytes())));
        }
        for remark in remarks {
            self.log(|| format!("  worker {worker} remarks {remark:?}"));
            self.px().books.remark(&remark);
        }
        for note in notes {
            self.px().recorder.note(&note);
            self.send_note(from, note);
        }
        for parcel in parcels {
            self.shell_ships(worker, parcel);
        }
    }

    fn shell_ships(&mut self, worker: usize, parcel: Parcel) {
        let Some(known) = self.px().shells[worker].conns.remove(&parcel.conn) else {
            panic!("a parcel of a connection that is not there: {:?}", parcel.conn);
        };
        assert!(known.backlog.is_empty(), "a parcel leaves nothing unsent behind");
        let end = known.end.expect("clients have a socket");
        match parcel.to {
            Destination::Worker(to, seed) => {
                self.owner(end, Owner::Parcel);
                self.send_letter(usize::from(to.0), Letter::Parcel { seed, end, kept: known.kept });
            }
            Destination::Console(_) => panic!("nobody asks for the console here"),
        }
    }

    pub(crate) fn parcel_arrives(&mut self, worker: usize, seed: Box<ClientSeed>, end: End, kept: Vec<u8>) {
        let now = Now(self.now);
        let shell = &mut self.px().shells[worker];
        shell.out.clear();
        let conn = shell.worker.arrive(now, seed, &mut shell.out);
        let known = Conn { kept, then: Then::WhenTold, ..Conn::open(end) };
        shell.conns.insert(conn, known);
        shell.follow.push_back(Follow::Look(conn));
        self.owner(end, Owner::Shell(worker, conn));
        self.log(|| format!("worker {worker}: {conn:?} arrives on pipe {}", end.pipe));
        self.shell_performs(worker, &[]);
    }

    fn shell_dials(&mut self, worker: usize, conn: ConnId, dial: u32) {
        let to = self.px().shells[worker].out.dials[dial as usize].clone();
        let server = match to {
            DialTo::Server(_) => 0,
            DialTo::SameAs(other) => {
                let known = self.px().shells[worker].conns.get(&other);
                known.map(|known| known.server).expect("the one to dial again is there")
            }
        };
        let proxy = self.px();
        let old = proxy.shells[worker].conns.insert(conn, Conn::dialling(server));
        assert!(old.is_none(), "{conn:?} is dialled twice");
        let delay = 1 + proxy.rng.below(proxy.dial_us);
        let when = self.now + delay;
        self.at(when, Event::Proxy(Wake::Dial(worker, conn)));
    }

    fn shell_reads(&mut self, worker: usize, conn: ConnId, output: Output) {
        let shell = &mut self.px().shells[worker];
        let Some(known) = shell.conns.get_mut(&conn) else {
            panic!("{output:?} of a connection that is not there")
        };
        match output {
            Output::Hold { .. } => known.held = true,
            _ => {
                known.held = false;
                if known.then == Then::WhenTold {
                    known.then = Then::More;
                }
                shell.follow.push_back(Follow::Offer(conn));
            }
        }
    }

    fn shell_sends(&mut self, worker: usize, conn: ConnId, bytes: &[u8]) {
        let now = self.now;
        let shell = &mut self.proxy.as_mut().expect("a proxy").shells[worker];
        let Some(known) = shell.conns.get_mut(&conn) else {
            panic!("bytes for {conn:?}, which is not there")
        };
        assert!(!known.shut, "nothing is sent after Shut");
        let Some(end) = known.end else { panic!("bytes for {conn:?}, which is still dialled") };
        if self.trace {
            eprintln!("{:>9}   {conn:?} <- {}", now, tags(bytes));
        }
        let was = known.backlog.is_empty();
        let wrote = if was { self.net.write(now, end, bytes) } else { 0 };
        known.backlog.extend(&bytes[wrote..]);
        if was && !known.backlog.is_empty() {
            shell.follow.push_back(Follow::Backlogged(conn));
        }
    }

    fn shell_ends(&mut self, worker: usize, conn: ConnId, output: Output) {
        let now = self.now;
        self.log(|| format!("  {output:?}"));
        let shell = &mut self.proxy.as_mut().expect("a proxy").shells[worker];
        if let Output::Shut { .. } = output {
            let Some(known) = shell.conns.get_mut(&conn) else {
                panic!("{output:?} of a connection not there")
            };
            known.shut = true;
            if known.backlog.is_empty()
                && let Some(end) = known.end
            {
                self.net.end(now, end, Ending::Fin);
            }
            return;
        }
        let Some(known) = shell.conns.remove(&conn) else {
            panic!("{output:?} of a connection that is not there")
        };
        let Some(end) = known.end else { return };
        if let Output::Finish { .. } = output {
            // What does not fit now is written as far as possible, like a socket that lingers a little.
            let mut rest: Vec<u8> = known.backlog.into();
            let wrote = self.net.write(now, end, &rest);
            rest.drain(..wrote);
            self.net.end(now, end, Ending::Fin);
            self.owner(end, Owner::Drain(worker));
            self.shell_drain(end);
        } else {
            let unread = self.net.readable(end) > 0;
            self.net.end(now, end, if unread { Ending::Reset } else { Ending::Fin });
            self.owner(end, Owner::Nobody);
        }
    }

    /// Reads and drops.
    pub(crate) fn shell_drain(&mut self, end: End) {
        self.net.read(self.now, end, usize::MAX);
    }

    /// The world moved at a socket of this worker.
    pub(crate) fn shell_stirred(&mut self, worker: usize, conn: ConnId) -> Result<(), String> {
        self.px().shells[worker].follow.push_back(Follow::Look(conn));
        Ok(())
    }

    /// Does what is left over from calls; true where there was something.
    pub(crate) fn proxy_follows(&mut self) -> Result<bool, String> {
        let Some(proxy) = &mut self.proxy else { return Ok(false) };
        let waiting: Vec<usize> =
            (0..proxy.shells.len()).filter(|w| !proxy.shells[*w].follow.is_empty()).collect();
        for worker in &waiting {
            self.shell_follow(*worker);
        }
        Ok(!waiting.is_empty())
    }

    pub(crate) fn shell_follow(&mut self, worker: usize) {
        let Some(follow) = self.px().shells[worker].follow.pop_front() else { return };
        match follow {
            Follow::Backlogged(conn) | Follow::Drained(conn) if !self.is_there(worker, conn) => {}
            Follow::Backlogged(conn) => self.engine_takes(worker, Input::Backlogged { conn }),
            Follow::Drained(conn) => self.engine_takes(worker, Input::Drained { conn }),
            Follow::Offer(conn) => {
                self.shell_offers(worker, conn);
                self.px().shells[worker].follow.push_back(Follow::Look(conn));
            }
            Follow::Look(conn) => self.shell_looks(worker, conn),
        }
    }

    fn is_there(&self, worker: usize, conn: ConnId) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.shells[worker].conns.contains_key(&conn))
    }

    /// Writes the backlog, reads what there is, and notices the end.
    fn shell_looks(&mut self, worker: usize, conn: ConnId) {
        let now = self.now;
        let proxy = self.proxy.as_mut().expect("a proxy");
        let much = if proxy.rng.percent(50) { 64 * 1024 } else { 200 };
        let most = 1 + proxy.rng.below(much) as usize;
        let shell = &mut proxy.shells[worker];
        let Some(known) = shell.conns.get_mut(&conn) else { return };
        let Some(end) = known.end else { return };
        while !known.backlog.is_empty() {
            let wrote = self.net.write(now, end, front(&known.backlog));
            known.backlog.drain(..wrote);
            if wrote == 0 {
                break;
            }
            if known.backlog.is_empty() {
                shell.follow.push_back(Follow::Drained(conn));
                if known.shut {
                    self.net.end(now, end, Ending::Fin);
                }
            }
        }
        if known.gone {
            return;
        }
        let ended = self.net.ended(end);
        let left = self.net.readable(end);
        let withheld = known.then == Then::WhenTold;
        if ended == Some(Ending::Reset) || (ended.is_some() && (withheld || (left == 0 && !known.stopped())))
        {
            known.gone = true;
            let how = if ended == Some(Ending::Reset) { Gone::Reset } else { Gone::Eof };
            self.log(|| format!("  {conn:?} is gone: {how:?}"));
            return self.engine_takes(worker, Input::Gone { conn, how });
        }
        if left == 0 || known.stopped() {
            return;
        }
        let most = most.min(shell.worker.appetite(conn).max(1));
        let bytes = self.net.read(now, end, most);
        known.kept.extend(bytes);
        self.shell_offers(worker, conn);
        self.px().shells[worker].follow.push_back(Follow::Look(conn));
    }
}

/// The tags of the messages in these bytes, for a trace.
fn tags(bytes: &[u8]) -> String {
    let mut shown = String::new();
    let mut rest = bytes;
    while let Ok(Some(header)) = wire::frame::peek(rest, 1 << 24) {
        if header.total() > rest.len() {
            break;
        }
        shown.push(header.tag as char);
        if matches!(header.tag, b'Q' | b'E' | b'C' | b'Z' | b'P' | b'B') {
            let text = String::from_utf8_lossy(&rest[5..header.total().min(65)]);
            let text: String = text.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
            shown.push_str(&format!("({})", text.trim()));
        }
        rest = &rest[header.total()..];
    }
    format!("{shown} +{}", rest.len())
}
