//! The rows of every SHOW. Columns are in [`super::columns`]; here stands what goes into them.

mod connections;
mod databases;
mod lists;
mod pools;
mod process;
mod stats;

use engine::snapshot::Book;

use super::guests::Guest;
use super::reply::{Failure, Reply};
use super::rights::{HELP, Topic, TopicLine};
use super::table::{Row, Table, text};
use crate::control::{Hub, Shelf};
use crate::observe::prometheus;

/// The name under which the console stands in its own lists.
const CONSOLE: &str = "pgbouncer";

/// Shows a topic.
pub(super) async fn show(hub: &Hub, line: &TopicLine) -> Result<Reply, Failure> {
    let rows = match line.topic {
        Topic::Version => vec![vec![text(hub.version())]],
        Topic::State => lists::state(&hub.books().await?),
        Topic::Config => lists::config(&hub.config()),
        Topic::Help => return Ok(Reply::noted("SHOW", "Console usage", Some(HELP))),
        Topic::Metrics => {
            prometheus::exposition(&hub.frame().await?).lines().map(|line| vec![text(line)]).collect()
        }
        Topic::Databases => databases::databases(&hub.frame().await?, hub.listen_port()),
        Topic::Users => databases::users(&hub.frame().await?),
        Topic::Pools => pools::pools(&hub.frame().await?),
        Topic::Lists => lists::lists(&hub.frame().await?, &hub.shelf(Book::Clients).await?, &hub.names()),
        Topic::Stats => stats::stats(&hub.frame().await?, &hub.averages()),
        Topic::StatsTotals => stats::totals(&hub.frame().await?),
        Topic::StatsAverages => stats::averages(&hub.frame().await?, &hub.averages()),
        Topic::Totals => stats::of_all(&hub.frame().await?, &hub.averages()),
        Topic::Clients => {
            let shelf = hub.shelf(Book::Clients).await?;
            connections::clients(&shelf, &guests(hub), &clock(hub), connections::Names::Short)
        }
        Topic::Servers => {
            let shelf = hub.shelf(Book::Servers).await?;
            connections::servers(&shelf, &hub.config(), &clock(hub), connections::Names::Short)
        }
        Topic::Sockets => sockets(hub).await?,
        // There is none: no instance has peers, no zone is polled, and no bytes are kept that a row could tell of.
        Topic::ActiveSockets | Topic::Peers | Topic::PeerPools | Topic::DnsZones => Vec::new(),
        Topic::DnsHosts => process::dns_hosts(&hub.names()),
        Topic::Record => hub.recording().iter().map(process::record).collect(),
        Topic::Mem => process::mem(hub.kept_bytes()),
        Topic::Fds => {
            let why = "it hands descriptors to a process that takes over, and no process takes connections over yet";
            return Err(Failure::explained("SHOW FDS is not supported", why));
        }
    };
    Ok(Reply::Rows(Table::new(line.columns, rows)))
}

async fn sockets(hub: &Hub) -> Result<Vec<Row>, Failure> {
    let (clients, servers): (Shelf, Shelf) =
        (hub.shelf(Book::Clients).await?, hub.shelf(Book::Servers).await?);
    let mut rows = connections::clients(&clients, &guests(hub), &clock(hub), connections::Names::Long);
    rows.extend(connections::servers(&servers, &hub.config(), &clock(hub), connections::Names::Long));
    // What the kernel and the loops hold is not booked: the seven columns of PgBouncer's buffers stay 0.
    rows.iter_mut().for_each(|row| row.extend((0..7).map(|_| text("0"))));
    Ok(rows)
}

fn guests(hub: &Hub) -> Vec<Guest> {
    hub.guests().each().cloned().collect()
}

fn clock(hub: &Hub) -> connections::Clock {
    connections::Clock::now(hub.age(), hub.listen_port())
}
