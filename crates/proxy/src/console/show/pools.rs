//! SHOW POOLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::snapshot::SliceRow;
use model::config::checked::PoolMode;

use super::CONSOLE;
use crate::console::table::{Row, number, text};
use crate::control::Frame;

/// What the slices of one pool add up to.
#[derive(Default)]
struct Sum {
    cl_active: u64,
    cl_waiting: u64,
    cancels: u64,
    sv_active: u64,
    sv_being_canceled: u64,
    sv_idle: u64,
    sv_used: u64,
    sv_tested: u64,
    sv_login: u64,
    oldest_us: u64,
    mode: Option<PoolMode>,
}

impl Sum {
    fn add(&mut self, row: &SliceRow) {
        self.cl_active += u64::from(row.clients_active) + u64::from(row.clients_idle);
        self.cl_waiting += u64::from(row.clients_waiting);
        self.cancels += u64::from(row.cancels);
        self.sv_active += u64::from(row.servers_active);
        self.sv_being_canceled += u64::from(row.servers_being_canceled);
        self.sv_idle += u64::from(row.servers_idle);
        self.sv_used += u64::from(row.servers_used);
        self.sv_tested += u64::from(row.servers_tested);
        self.sv_login += u64::from(row.servers_login);
        self.oldest_us = self.oldest_us.max(row.oldest_us);
        self.mode = Some(row.mode);
    }

    fn row(&self, database: &str, user: &str) -> Row {
        vec![
            text(database),
            text(user),
            number(self.cl_active),
            number(self.cl_waiting),
            number(self.cancels),
            number(0u64),
            number(self.sv_active),
            number(self.cancels),
            number(self.sv_being_canceled),
            number(self.sv_idle),
            number(self.sv_used),
            number(self.sv_tested),
            number(self.sv_login),
            number(self.oldest_us / 1_000_000),
            number(self.oldest_us % 1_000_000),
            text(self.mode.unwrap_or(PoolMode::Statement).word()),
            None,
        ]
    }
}

pub(super) fn pools(frame: &Frame) -> Vec<Row> {
    let mut sums = BTreeMap::<(Arc<str>, Arc<str>), Sum>::new();
    for slice in &frame.slices {
        let key = &slice.row.key;
        sums.entry((key.database.clone(), key.user.clone())).or_default().add(&slice.row);
    }
    let console = Sum { cl_active: frame.guests.into(), ..Sum::default() };
    let mut rows: Vec<Row> = sums.iter().map(|((database, user), sum)| sum.row(database, user)).collect();
    rows.push(console.row(CONSOLE, CONSOLE));
    rows
}
