//! Pages of the books: bounded, so that no question stops the worker.

use crate::session::client::{Client, Life};
use crate::session::params::APPLICATION_NAME;
use crate::session::server::{Phase, Server};
use crate::snapshot::{Ask, Book, ClientRow, ClientState, PAGE_ROWS, Page, ServerRow, ServerState, SliceRow};
use crate::time::Now;

use super::{Home, Worker};

impl Worker {
    /// One page.
    pub(super) fn page(&self, now: Now, ask: Ask) -> Page {
        let mut page = Page::default();
        let from = ask.from as usize;
        let to = from.saturating_add(PAGE_ROWS);
        let bound = match ask.book {
            Book::Clients => {
                let rows = (from..to.min(self.clients.bound())).filter_map(|index| self.clients.at(index));
                page.clients = rows.filter_map(|client| self.client_row(now, client)).collect();
                self.clients.bound()
            }
            Book::Servers => {
                let rows = (from..to.min(self.servers.bound())).filter_map(|index| self.servers.at(index));
                page.servers = rows.filter_map(|server| self.server_row(now, server)).collect();
                self.servers.bound()
            }
            Book::Slices => {
                let homes = self.homes.iter().enumerate().skip(from).take(PAGE_ROWS);
                page.slices = homes
                    .filter(|(_, home)| !home.gone)
                    .map(|(index, home)| self.slice_row(now, index as u32, home))
                    .collect();
                page.worker = Some(Box::new(self.tally.clone()));
                self.homes.len()
            }
        };
        page.next = (to < bound).then_some(to as u32);
        page
    }

    fn client_row(&self, now: Now, client: &Client) -> Option<ClientRow> {
        let home = self.homes.get(client.slice as usize)?;
        let (state, waiting_us) = match client.life {
            Life::Login(_) | Life::Knocking(_) | Life::Arriving { .. } => (ClientState::Login, 0),
            Life::Idle | Life::Cancelled { .. } => (ClientState::Idle, 0),
            Life::Waiting { since, .. } => (ClientState::Waiting, now.0.saturating_sub(since.0)),
            Life::Linked { .. } => (ClientState::Active, 0),
        };
        Some(ClientRow {
            conn: client.conn,
            public: client.public,
            key: home.slice.key.clone(),
            state,
            peer: client.peer.clone(),
            connected_us: now.0.saturating_sub(client.accepted.0),
            requested_us: now.0.saturating_sub(client.requested.0),
            waiting_us,
            link: client.server(),
            application: client.settings.value(APPLICATION_NAME).cloned().unwrap_or_else(|| [].into()),
            statements: client.statements.as_ref().map_or(0, |known| known.len() as u32),
        })
    }

    fn state_of(&self, now: Now, server: &Server, home: &Home) -> ServerState {
        match server.phase {
            Phase::Dialling | Phase::Greeting(_) => ServerState::Login,
            Phase::Idle if now.since(server.since) >= home.slice.settings.server_check_delay => {
                ServerState::Used
            }
            Phase::Idle => ServerState::Idle,
            Phase::Preparing { .. } | Phase::Cleaning => ServerState::Tested,
            Phase::Linked { .. } | Phase::Draining => ServerState::Active,
            Phase::CancelWait => ServerState::BeingCanceled,
            Phase::Closing => ServerState::Closing,
            Phase::Courier(_) => ServerState::ActiveCancel,
        }
    }

    fn server_row(&self, now: Now, server: &Server) -> Option<ServerRow> {
        let home = self.homes.get(server.slice as usize)?;
        Some(ServerRow {
            conn: server.conn,
            public: server.public,
            key: home.slice.key.clone(),
            state: self.state_of(now, server, home),
            connected_us: now.0.saturating_sub(server.born.0),
            requested_us: now.0.saturating_sub(server.since.0),
            link: server.client(),
            pid: server.key.0,
            application: server.settings.value(APPLICATION_NAME).cloned().unwrap_or_else(|| [].into()),
            statements: server.registry.len() as u32,
            close_needed: server.outdated.is_some() || server.epoch != home.slice.epoch,
        })
    }

    fn slice_row(&self, now: Now, index: u32, home: &Home) -> SliceRow {
        let slice = &home.slice;
        let mut row = SliceRow {
            slice: slice.id,
            key: slice.key.clone(),
            mode: slice.settings.mode,
            clients_active: 0,
            clients_idle: 0,
            clients_waiting: slice.waiting(),
            cancels: slice.cancels,
            servers_being_canceled: 0,
            servers_active: 0,
            servers_idle: 0,
            servers_used: 0,
            servers_tested: 0,
            servers_login: 0,
            servers_closing: 0,
            credits: slice.credits,
            oldest_us: slice.head().map_or(0, |head| now.0.saturating_sub(head.since.0)),
            paused: slice.paused,
            tally: slice.tally.clone(),
            closings: slice.closings.clone(),
            taints: slice.taints,
        };
        for server in self.servers.iter().filter(|server| server.slice == index) {
            match self.state_of(now, server, home) {
                ServerState::Login => row.servers_login += 1,
                ServerState::Active => row.servers_active += 1,
                ServerState::Idle => row.servers_idle += 1,
                ServerState::Used => row.servers_used += 1,
                ServerState::Tested => row.servers_tested += 1,
                ServerState::BeingCanceled => row.servers_being_canceled += 1,
                ServerState::ActiveCancel => {}
                ServerState::Closing => row.servers_closing += 1,
            }
        }
        let holding = self.servers.iter().filter(|s| s.slice == index && s.client().is_some()).count() as u32;
        row.clients_active = holding;
        row.clients_idle = slice.clients.saturating_sub(holding + row.clients_waiting);
        row
    }
}
