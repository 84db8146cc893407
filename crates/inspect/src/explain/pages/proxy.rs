//! What a pooler says: PgBouncer, and connwarden's proxy, which uses the same words where it means the same.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

const POOL_NEXT: &[&str] = &[
    "psql -h <pooler> -p <port> pgbouncer -c 'SHOW POOLS'     cl_waiting, maxwait, sv_active",
    "connwarden status --by app,state",
];

pub(super) const PAGES: &[Page] = &[
    Page {
        id: "pooler-max-clients",
        title: "no more connections allowed (max_client_conn)",
        codes: &["08P01"],
        phrases: &[
            "no more connections allowed (max_client_conn)",
            "no more connections allowed",
            "client connections exceeded for database \"*\" (max_db_client_connections)",
            "client connections exceeded for user \"*\" (max_user_client_connections)",
        ],
        meaning: "The pooler refused the client: it holds as many clients as it may, in all, for this database, or for this user. \
                  PostgreSQL was not asked and may be idle. A client costs a pooler little, so the limit can be high.",
        causes: &[
            Cause {
                text: "The limit is PgBouncer's default of 100, or the process may open too few files",
                witness: see::untold,
            },
            Cause {
                text: "Applications keep pools of their own in front of the pooler, larger than they need",
                witness: see::untold,
            },
            Cause {
                text: "Clients wait in line because the server is slow, and more keep coming",
                witness: see::blocked,
            },
        ],
        next: &[
            "psql -h <pooler> -p <port> pgbouncer -c 'SHOW CLIENTS'",
            "raise max_client_conn, and LimitNOFILE of the service with it",
        ],
    },
    Page {
        id: "query-wait-timeout",
        title: "query_wait_timeout",
        codes: &[],
        phrases: &["query_wait_timeout", "query_wait_timeout (server: *)"],
        meaning: "The client waited in the pooler's line for a server connection until query_wait_timeout (120 s unless set) and \
                  was refused. All server connections of its pool were busy, or none could be opened; then the server's last \
                  words stand behind it.",
        causes: &[
            Cause {
                text: "Transactions wait for their clients and keep the pool's connections",
                witness: see::idle_in_transaction,
            },
            Cause { text: "Work piles up behind a lock", witness: see::blocked },
            Cause { text: "Statements are slow", witness: see::long_statement },
            Cause { text: "The server is full, and the pooler cannot open what it may", witness: see::full },
            Cause { text: "The pool is too small for its load", witness: see::untold },
        ],
        next: POOL_NEXT,
    },
    Page {
        id: "pooler-line-full",
        title: "too many clients wait for this pool (max_waiting_clients)",
        codes: &[],
        phrases: &[
            "too many clients wait for this pool (max_waiting_clients)",
            "too many logins are under way (login_max)",
        ],
        meaning: "connwarden's proxy refused at once, instead of letting a line grow without end: as many clients wait for this pool, \
                  or are just logging in, as the limit that is named allows. Trying again in a moment is right.",
        causes: &[
            Cause { text: "Work piles up behind a lock", witness: see::blocked },
            Cause { text: "Statements are slow", witness: see::long_statement },
            Cause { text: "The pool is too small for its load", witness: see::untold },
            Cause {
                text: "All clients connect again at the same time, after a restart",
                witness: see::restarted,
            },
        ],
        next: POOL_NEXT,
    },
    Page {
        id: "pooler-timeouts",
        title: "query timeout, client_idle_timeout and other limits of a pooler",
        codes: &[],
        phrases: &[
            "query timeout",
            "transaction timeout",
            "idle transaction timeout",
            "client_idle_timeout",
            "client_login_timeout",
            "client_write_timeout",
        ],
        meaning: "The pooler closed the client, because a time that is set in the pooler was over: for a statement, a transaction, \
                  an idle transaction, an idle client, a login that was not finished, or a client that accepted no data. \
                  PostgreSQL's own timeouts speak of \"terminating connection due to ...\".",
        causes: &[
            Cause { text: "A statement is slow, or waits for a lock", witness: see::blocked },
            Cause { text: "A statement runs for long", witness: see::long_statement },
            Cause { text: "The client stopped in the midst of its work", witness: see::idle_in_transaction },
            Cause {
                text: "The timeout is shorter than what the application does by design",
                witness: see::untold,
            },
        ],
        next: &["psql -h <pooler> -p <port> pgbouncer -c 'SHOW CONFIG'     which timeouts are set"],
    },
    Page {
        id: "pooler-refuses",
        title: "what a pooler does not take",
        codes: &[],
        phrases: &[
            "unsupported startup parameter",
            "message of * bytes is larger than max_packet_size",
            "prepared statement is larger than statement_bytes_max",
            "a client may keep * prepared statements",
            "transaction blocks are not allowed in statement pooling mode",
            "simple query protocol is disabled (disable_pqexec)",
            "database \"*\" is disabled",
            "database configuration changed",
        ],
        meaning: "The pooler understood, and its configuration says no: a startup parameter, a message or a statement that is too \
                  large, too many prepared statements, a transaction in statement mode, the simple protocol, or a database that \
                  was disabled, changed or taken out.",
        causes: &[
            Cause {
                text: "The setting that is named is meant so, and the client is not made for it",
                witness: see::untold,
            },
            Cause {
                text: "JDBC and others send startup parameters that can be ignored",
                witness: see::untold,
            },
        ],
        next: &[
            "ignore_startup_parameters = extra_float_digits,search_path,options     in the pooler",
            "connwarden config show",
        ],
    },
    Page {
        id: "pooler-server-lost",
        title: "server login has been failing / server conn crashed?",
        codes: &["08P01"],
        phrases: &[
            "server login has been failing",
            "server conn crashed?",
            "server sent an unexpected message, connection closed",
        ],
        meaning: "The pooler stands, and has no PostgreSQL behind it: it cannot log in there, or the server connection ended in the \
                  midst of the client's work. What PostgreSQL said stands behind the text, or in the pooler's log.",
        causes: &[
            Cause { text: "PostgreSQL was restarted or crashed", witness: see::restarted },
            Cause { text: "PostgreSQL is full, and refuses the pooler", witness: see::full },
            Cause { text: "The pooler's password or role for the server is wrong", witness: see::untold },
        ],
        next: &[
            "connwarden explain \"<what stands behind the text>\"",
            "connwarden status     past the pooler",
        ],
    },
];
