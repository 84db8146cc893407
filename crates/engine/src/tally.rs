//! Plain counters. They only grow; rates and averages are somebody else's.

use crate::remark::ServerOut;

macro_rules! counters {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$fdoc])* pub $field: u64,)* }

        impl $name {
            /// Adds another's counts to these.
            pub fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.wrapping_add(other.$field);)*
            }
            /// Names and values, in declaration order.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }
    };
}

counters! {
    /// What a slice has done. Times in microseconds.
    SliceTally {
        /// Times a server was lent.
        assignments,
        /// Transactions finished.
        transactions,
        /// Queries (simple ones, and extended batches up to Sync) finished.
        queries,
        /// Bytes from clients.
        received,
        /// Bytes to clients.
        sent,
        /// Time servers were lent.
        transaction_us,
        /// Time from the first byte of a query to its end.
        query_us,
        /// Time clients stood in line, those who gave up included.
        wait_us,
        /// Clients that stood in line.
        waits,
        /// Clients that left the line without a server.
        gave_up,
        /// Parse messages of clients with a name.
        client_parses,
        /// Parse messages sent to servers for named statements.
        server_parses,
        /// Bind messages.
        binds,
        /// Clients admitted.
        logins,
        /// Servers logged in.
        servers_opened,
        /// Servers ended.
        servers_closed,
        /// Dials that came to nothing.
        dials_refused,
        /// Cancel requests sent on to a server.
        cancels_sent,
        /// Cancel requests answered while the client stood in line.
        cancels_in_line,
        /// Servers cleaned because of what a client had done.
        cleaned,
        /// Notifications dropped because they were for nobody in particular.
        notifications_dropped,
        /// Turns taken from a pipelining client.
        turnstiles,
        /// Settings batches sent to servers.
        settings_sent,
        /// Statements healed after a changed result type.
        statements_healed,
    }
}

counters! {
    /// What a worker has done apart from its slices.
    WorkerTally {
        /// Connections accepted.
        accepted,
        /// Logins refused.
        logins_refused,
        /// Cancel requests received.
        cancels_received,
        /// Of those, with a key nobody holds.
        cancels_unknown,
        /// Messages that did not fit the ledger. Must stay 0.
        out_of_step,
        /// PBKDF2 derivations asked for.
        derivations,
        /// Logins that went the whole way for a user who does not exist.
        doomed_logins,
    }
}

/// Ended servers by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closings(std::collections::BTreeMap<ServerOut, u64>);

impl Closings {
    /// Counts one.
    pub fn count(&mut self, why: ServerOut) {
        *self.0.entry(why).or_default() += 1;
    }
    /// Reasons and counts.
    pub fn each(&self) -> impl Iterator<Item = (ServerOut, u64)> {
        self.0.iter().map(|(why, count)| (*why, *count))
    }
}
