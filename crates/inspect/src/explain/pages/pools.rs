//! Pools inside applications that have nothing left to lend. The server may be idle meanwhile.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

/// What every pool's exhaustion comes from.
const CAUSES: &[Cause] = &[
    Cause {
        text: "Connections are leaked: code takes one and does not give it back",
        witness: see::same_statement,
    },
    Cause {
        text: "Code holds a connection while it waits for something else, in an open transaction",
        witness: see::idle_in_transaction,
    },
    Cause { text: "Work piles up behind a lock", witness: see::blocked },
    Cause { text: "Statements are slow, so each connection is held for long", witness: see::long_statement },
    Cause {
        text: "The pool is smaller than the number of threads or requests that want one at a time",
        witness: see::untold,
    },
    Cause { text: "The server is full, and the pool cannot open what it may", witness: see::full },
];
const NEXT: &[&str] = &[
    "connwarden status --by app,state     what the pool's connections do just now",
    "connwarden status --blocking",
    "a larger pool only helps if the server has the slots and the processors: connwarden health",
];

const fn page(
    id: &'static str,
    title: &'static str,
    codes: &'static [&'static str],
    phrases: &'static [&'static str],
    meaning: &'static str,
) -> Page {
    Page { id, title, codes, phrases, meaning, causes: CAUSES, next: NEXT }
}

pub(super) const PAGES: &[Page] = &[
    page(
        "sqlalchemy-pool",
        "QueuePool limit of size ... overflow ... reached, connection timed out",
        &[],
        &["queuepool limit of size * reached", "queuepool limit", "queuepool limit of size"],
        "SQLAlchemy's pool of this process has lent all its connections (pool_size + max_overflow, 5 + 10 unless set), and none \
         came back within pool_timeout (30 s). The server did not refuse anything. Each process has a pool of its own.",
    ),
    page(
        "hikari-pool",
        "HikariPool-1 - Connection is not available, request timed out after ...ms",
        &[],
        &["connection is not available, request timed out"],
        "HikariCP has lent all its connections (maximumPoolSize, 10 unless set), and none came back within connectionTimeout \
         (30 s). The numbers behind the text (total, active, idle, waiting) tell whether they are in use. \
         leakDetectionThreshold=60000 logs who keeps one.",
    ),
    page(
        "psycopg-pool",
        "couldn't get a connection after ... sec",
        &[],
        &["couldn't get a connection after"],
        "psycopg_pool has lent all its connections (max_size; Django's \"pool\": True means 4), and none came back within its \
         timeout (30 s); or it cannot open any: its log names the error then. With Django a connection is held until the \
         request ends.",
    ),
    page(
        "prisma-pool",
        "P2024: Timed out fetching a new connection from the connection pool",
        &["P2024"],
        &["timed out fetching a new connection from the connection pool", "p2024"],
        "Prisma's pool (connection_limit, twice the processors plus one unless set) lent all its connections, and none came back \
         within pool_timeout (10 s). Each instance of a serverless function has a pool of its own.",
    ),
    page(
        "node-postgres-pool",
        "timeout exceeded when trying to connect",
        &[],
        &["timeout exceeded when trying to connect"],
        "node-postgres' pool has lent all its clients (max, 10 unless set), or a new connection took longer than \
         connectionTimeoutMillis. A client that is taken by pool.connect() must be given back by release(), on errors too.",
    ),
    page(
        "rails-pool",
        "could not obtain a connection from the pool within ... seconds",
        &[],
        &["could not obtain a connection from the pool", "could not obtain a database connection within"],
        "ActiveRecord's pool (pool: in database.yml, 5 unless set) lent all its connections, and none came back within \
         checkout_timeout (5 s). It should be as large as the threads of the process.",
    ),
    page(
        "sqlx-pool",
        "pool timed out while waiting for an open connection",
        &[],
        &["pool timed out while waiting for an open connection"],
        "sqlx' pool (max_connections, 10 unless set) lent all its connections, and none came back within acquire_timeout (30 s), \
         or none could be opened in that time.",
    ),
];
