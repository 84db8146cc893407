//! Real programs and real trouble: psql, pgbench, money that must add up, clients that must not mix, memory, restarts.
//!
//! `CONNWARDEN_SOAK=1` makes each of them long (scripts/soak.sh); `CONNWARDEN_DIRECT=1` leaves the proxy out, which
//! checks the tests themselves.

mod bed;
mod cancels;
mod databases;
mod memory;
mod mixing;
mod pgbench;
mod psql;
mod recording;
mod restart;
mod transfer;
