//! A database that is dropped, renamed or copied: while such a statement runs, nobody of ours is in it but whom a client
//! holds. PostgreSQL would refuse the statement for the sake of anybody else.

use engine::snapshot::{ServerRow, ServerState};

use super::books;
use super::world::World;

/// So long after its clients' last words nobody has anything to do in a database, in microseconds.
const QUIET_US: u64 = 200_000;

impl World {
    /// Judges who is in a database that a statement needs alone.
    pub(crate) fn check_intruders(&mut self) -> Result<(), String> {
        let alone: Vec<(u32, String)> = self.servers[0].alone().collect();
        if self.proxy.is_none() || alone.is_empty() {
            return Ok(());
        }
        for (own, database) in alone {
            // Whose connection has broken is known to the server only.
            if self.hurt && self.row_of(own).is_none() {
                continue;
            }
            self.upheavals += 1;
            self.nobody_is_let_in(&database)?;
            for pid in self.servers[0].others_in(&database, own) {
                let row = self.row_of(pid);
                let fine = match &row {
                    Some(row) => self.may_be_in(&database, row),
                    None => self.hurt,
                };
                if !fine {
                    let what = row.map(|row| (row.state, row.link));
                    return Err(format!("{pid} is in {database}, which {own} needs alone: {what:?}"));
                }
            }
        }
        Ok(())
    }

    /// Who serves a client may be there; and who has just served one, while there are clients.
    fn may_be_in(&self, database: &str, row: &ServerRow) -> bool {
        if row.link.is_some() {
            return true;
        }
        match row.state {
            ServerState::Active | ServerState::BeingCanceled | ServerState::Closing => self.is_used(database),
            ServerState::Login
            | ServerState::Idle
            | ServerState::Used
            | ServerState::Tested
            | ServerState::ActiveCancel => false,
        }
    }

    fn is_used(&self, database: &str) -> bool {
        self.guests.iter().enumerate().filter(|(_, guest)| guest.visit.database == database).any(
            |(index, _)| {
                let recent = |stirred: u64| self.now < stirred + QUIET_US;
                let client = self.clients.get(&index);
                !self.outcomes.contains_key(&index) || client.is_none_or(|client| recent(client.stirred_at))
            },
        )
    }

    /// No connection is opened to a database that is needed alone.
    fn nobody_is_let_in(&mut self, database: &str) -> Result<(), String> {
        for worker in 0..self.px().shells.len() {
            let page = books::read(self, worker);
            let dialled =
                |row: &&ServerRow| matches!(row.state, ServerState::Login) && *row.key.database == *database;
            if let Some(row) = page.servers.iter().find(dialled) {
                return Err(format!("{:?} is opened to {database}, which another needs alone", row.conn));
            }
        }
        Ok(())
    }

    fn row_of(&mut self, pid: u32) -> Option<ServerRow> {
        for worker in 0..self.px().shells.len() {
            let page = books::read(self, worker);
            let found = page
                .servers
                .into_iter()
                .find(|row| row.pid == pid && !matches!(row.state, ServerState::ActiveCancel));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}
