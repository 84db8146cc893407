//! What must hold at every step, read from the engine's own books and compared with the world.

use std::collections::BTreeMap;

use engine::contract::{Input, Outputs};
use engine::orders::{Note, Order};
use engine::remark::Remark;
use engine::snapshot::{Ask, Book, ClientState, Page, ServerState};
use engine::time::Now;
use model::id::{ConnId, SliceId, Ticket};

use super::proxy::Letter;
use super::world::World;

/// What was read last.
#[derive(Default)]
pub(crate) struct Books {
    /// Who waited, and since when.
    waiting: Vec<BTreeMap<ConnId, (SliceId, u64)>>,
    /// To whom each server is lent.
    links: Vec<BTreeMap<ConnId, ConnId>>,
    pub(crate) every: u64,
    last: BTreeMap<usize, Page>,
    pub(crate) out_of_step: u64,
}

impl Books {
    pub(crate) fn remark(&mut self, remark: &Remark) {
        if let Remark::OutOfStep { .. } = remark {
            self.out_of_step += 1;
        }
    }

    pub(crate) fn describe(&self) -> Vec<String> {
        self.last.values().flat_map(summary).collect()
    }
}

/// All rows of one worker.
pub(crate) fn read(world: &mut World, worker: usize) -> Page {
    let now = Now(world.now);
    let mut whole = Page::default();
    for book in [Book::Clients, Book::Servers, Book::Slices] {
        let mut from = Some(0);
        while let Some(row) = from.take() {
            let mut out = Outputs::default();
            let ask = Ask { book, from: row };
            let order = Order::Snapshot { ticket: Ticket(u64::MAX), ask };
            world.px().shells[worker].worker.on(now, Input::Order(order), &mut out);
            for note in out.notes {
                if let Note::Page { page, .. } = note {
                    whole.clients.extend(page.clients);
                    whole.servers.extend(page.servers);
                    whole.slices.extend(page.slices);
                    from = page.next;
                }
            }
        }
    }
    whole
}

impl World {
    /// Reads the books of every worker and judges them.
    pub(crate) fn check_books(&mut self) -> Result<(), String> {
        let Some(proxy) = &mut self.proxy else { return Ok(()) };
        if proxy.books.out_of_step > 0 {
            return Err("a server's message did not fit what was owed".into());
        }
        if proxy.books.every == 0 || !self.steps.is_multiple_of(proxy.books.every) {
            return Ok(());
        }
        let workers = proxy.shells.len();
        proxy.books.waiting.resize(workers, BTreeMap::new());
        proxy.books.links.resize(workers, BTreeMap::new());
        for worker in 0..workers {
            let page = read(self, worker);
            nobody_waits_beside_an_idle_server(&page)?;
            self.links_agree(worker, &page)?;
            self.line_is_fair(worker, &page)?;
            self.credits_balance(worker, &page)?;
            if self.px().books.every == 1 {
                self.lent_clean(worker, &page)?;
            }
            self.px().books.last.insert(worker, page);
        }
        Ok(())
    }

    fn links_agree(&mut self, worker: usize, page: &Page) -> Result<(), String> {
        for server in &page.servers {
            if !self.px().shells[worker].conns.contains_key(&server.conn) {
                return Err(format!("{:?} is in the books but has no socket", server.conn));
            }
            let Some(client) = server.link else { continue };
            let row = page.clients.iter().find(|row| row.conn == client);
            if server.state == ServerState::Active && row.is_none_or(|row| row.link != Some(server.conn)) {
                return Err(format!("{:?} is lent to {client:?}, who does not know", server.conn));
            }
        }
        for client in &page.clients {
            if let Some(server) = client.link
                && page
                    .servers
                    .iter()
                    .filter(|row| row.conn == server && row.link == Some(client.conn))
                    .count()
                    != 1
            {
                return Err(format!("{:?} believes that it has {server:?}", client.conn));
            }
        }
        Ok(())
    }

    fn line_is_fair(&mut self, worker: usize, page: &Page) -> Result<(), String> {
        let now = self.now;
        let mut waiting: BTreeMap<ConnId, (SliceId, u64)> = BTreeMap::new();
        let slice_of: BTreeMap<_, _> = page.slices.iter().map(|slice| (&slice.key, slice.slice)).collect();
        for client in page.clients.iter().filter(|client| client.state == ClientState::Waiting) {
            let Some(slice) = slice_of.get(&client.key) else { continue };
            waiting.insert(client.conn, (*slice, now - client.waiting_us.min(now)));
        }
        let before = std::mem::replace(&mut self.px().books.waiting[worker], waiting.clone());
        for (conn, (slice, since)) in &before {
            let served = page.clients.iter().any(|client| client.conn == *conn && client.link.is_some());
            if !served {
                continue;
            }
            // Who had a server that failed meanwhile has come back to the line, to where it stood.
            if let Some((other, (_, earlier))) = waiting
                .iter()
                .filter(|(other, _)| before.contains_key(*other))
                .find(|(_, (their, earlier))| their == slice && earlier < since)
            {
                return Err(format!(
                    "{conn:?}, waiting since {since}, was served before {other:?}, since {earlier}"
                ));
            }
        }
        Ok(())
    }

    /// Every credit covers one connection, and none is lost on the way.
    fn credits_balance(&mut self, worker: usize, page: &Page) -> Result<(), String> {
        for slice in &page.slices {
            let held = page
                .servers
                .iter()
                .filter(|row| row.key == slice.key && row.state != ServerState::ActiveCancel)
                .count() as u32;
            if held != slice.credits {
                return Err(format!(
                    "{:?} has {} credits for {held} connections",
                    slice.slice, slice.credits
                ));
            }
            let proxy = self.px();
            let going: u32 = proxy.shells[worker]
                .mail
                .iter()
                .map(|letter| match letter {
                    Letter::Order(Order::Grant { slice: to, credits }) if *to == slice.slice => *credits,
                    Letter::Order(_) | Letter::Parcel { .. } => 0,
                })
                .sum();
            let coming: u32 = proxy
                .notes
                .iter()
                .map(|(_, note)| match note {
                    Note::Back { slice: of, credits, .. } if *of == slice.slice => *credits,
                    _ => 0,
                })
                .sum();
            let granted = proxy.control.granted(slice.slice);
            if granted != slice.credits + going + coming {
                return Err(format!(
                    "{:?}: {granted} credits granted, {} held, {going} on the way there, {coming} on the way back",
                    slice.slice, slice.credits
                ));
            }
        }
        Ok(())
    }

    /// A server that changes hands has nothing left of its last client.
    fn lent_clean(&mut self, worker: usize, page: &Page) -> Result<(), String> {
        let links: BTreeMap<ConnId, ConnId> =
            page.servers.iter().filter_map(|row| row.link.map(|client| (row.conn, client))).collect();
        let before = std::mem::replace(&mut self.px().books.links[worker], links.clone());
        for row in &page.servers {
            let Some(client) = row.link else { continue };
            if before.get(&row.conn) == Some(&client) || row.pid == 0 {
                continue;
            }
            let Some(session) = self.servers[0].by_pid(row.pid).and_then(|backend| backend.session()) else {
                continue;
            };
            let allowed = |stain: &String| self.brought(stain);
            let stains: Vec<String> = session.stains().into_iter().filter(|stain| !allowed(stain)).collect();
            let settled = session.resting() && session.tx == super::postgres::session::Tx::None;
            if !stains.is_empty() || !settled {
                return Err(format!(
                    "{:?} (pid {}) is lent to {client:?} with {stains:?}, at rest: {settled}",
                    row.conn, row.pid
                ));
            }
        }
        Ok(())
    }

    /// True where some client's startup packet brought this setting: it is set anew for each client.
    fn brought(&self, stain: &str) -> bool {
        let Some((name, value)) = stain.strip_prefix("set ").and_then(|set| set.split_once('=')) else {
            return false;
        };
        self.guests.iter().any(|guest| guest.visit.settings.iter().any(|(n, v)| n == name && v == value))
    }
}

fn nobody_waits_beside_an_idle_server(page: &Page) -> Result<(), String> {
    for slice in page.slices.iter().filter(|slice| !slice.paused) {
        let waits = page.clients.iter().find(|row| row.key == slice.key && row.state == ClientState::Waiting);
        let idle = page
            .servers
            .iter()
            .find(|row| row.key == slice.key && matches!(row.state, ServerState::Idle | ServerState::Used));
        if let (Some(client), Some(server)) = (waits, idle) {
            return Err(format!("{:?} waits beside {:?}, which is idle", client.conn, server.conn));
        }
    }
    Ok(())
}

fn summary(page: &Page) -> Vec<String> {
    let clients = page
        .clients
        .iter()
        .map(|row| format!("{:?} {:?} link {:?} waits {}", row.conn, row.state, row.link, row.waiting_us));
    let servers = page
        .servers
        .iter()
        .map(|row| format!("{:?} {:?} link {:?} pid {}", row.conn, row.state, row.link, row.pid));
    clients.chain(servers).collect()
}
