//! A session that was ended, or a server that is on its way up or down.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

pub(super) const PAGES: &[Page] = &[
    Page {
        id: "terminated",
        title: "terminating connection due to administrator command",
        codes: &["57P01"],
        phrases: &["terminating connection due to administrator command"],
        meaning: "Somebody ended this session: pg_terminate_backend, a tool such as connwarden close-idle, a pooler, or a shutdown \
                  of the server. An open transaction was rolled back. The application may connect again.",
        causes: &[
            Cause { text: "The server was shut down or restarted", witness: see::restarted },
            Cause {
                text: "An administrator or a job ended idle sessions, and a pool had not noticed",
                witness: see::untold,
            },
            Cause { text: "A pooler in between was stopped, or its KILL was used", witness: see::untold },
        ],
        next: &[
            "let the pool check a connection before it lends it (Django: CONN_HEALTH_CHECKS, SQLAlchemy: pool_pre_ping)",
            "look into the server's log for who did it",
        ],
    },
    Page {
        id: "crash",
        title: "terminating connection because of crash of another server process",
        codes: &["57P02"],
        phrases: &[
            "terminating connection because of crash of another server process",
            "the database system is in recovery mode",
        ],
        meaning: "A server process died, so PostgreSQL ended all sessions and recovers. Uncommitted work is lost, nothing else is. \
                  It takes logins again when recovery is done.",
        causes: &[
            Cause {
                text: "The kernel killed a backend because memory ran out (too many connections with too much work_mem)",
                witness: see::restarted,
            },
            Cause { text: "Somebody used kill -9 on a backend", witness: see::untold },
            Cause { text: "A faulty extension, or broken memory or disk", witness: see::untold },
        ],
        next: &[
            "dmesg | grep -i -E 'oom|killed process'",
            "connwarden doctor     max_connections against memory",
        ],
    },
    Page {
        id: "starting-up",
        title: "the database system is starting up / shutting down",
        codes: &["57P03"],
        phrases: &[
            "the database system is starting up",
            "the database system is shutting down",
            "the database system is not yet accepting connections",
            "the database system is not accepting connections",
        ],
        meaning: "The server runs, and takes no logins at this moment. It is no question of limits: trying again is right.",
        causes: &[
            Cause {
                text: "It was restarted, and replays what it had not yet written",
                witness: see::restarted,
            },
            Cause {
                text: "It is a standby that is not consistent yet, or has hot_standby off",
                witness: see::standby,
            },
            Cause { text: "It shuts down, and waits for sessions to end", witness: see::untold },
        ],
        next: &["try again with a growing pause", "look into the server's log for how far recovery is"],
    },
    Page {
        id: "idle-in-transaction-timeout",
        title: "terminating connection due to idle-in-transaction timeout",
        codes: &["25P03"],
        phrases: &["terminating connection due to idle-in-transaction timeout"],
        meaning: "The session had begun a transaction, and then sent nothing for longer than idle_in_transaction_session_timeout. \
                  The server ended it and rolled back, so that its locks are free again. The application sees it at its next \
                  statement.",
        causes: &[
            Cause {
                text: "The timeout is set, and does what it is for",
                witness: see::idle_in_transaction_timeout,
            },
            Cause {
                text: "The application waits for something else (a web service, a queue, a person) inside a transaction",
                witness: see::idle_in_transaction,
            },
            Cause { text: "A transaction is never ended on an error path", witness: see::same_statement },
        ],
        next: &[
            "connwarden explain idle-in-transaction",
            "end the transaction before waiting for anything outside the database",
        ],
    },
    Page {
        id: "idle-session-timeout",
        title: "terminating connection due to idle-session timeout",
        codes: &["57P05"],
        phrases: &[
            "terminating connection due to idle-session timeout",
            "terminating connection due to idle session timeout",
        ],
        meaning: "The session was idle, outside of a transaction, for longer than idle_session_timeout (version 14 and later). No \
                  work was lost. A pool that keeps connections longer than that is surprised at its next use.",
        causes: &[
            Cause { text: "The timeout is set", witness: see::idle_session_timeout },
            Cause {
                text: "The pool keeps idle connections longer than the server does",
                witness: see::mostly_idle,
            },
        ],
        next: &[
            "set the pool's idle time below idle_session_timeout, and let it check connections before it lends them",
        ],
    },
    Page {
        id: "transaction-timeout",
        title: "terminating connection due to transaction timeout",
        codes: &["25P04"],
        phrases: &["terminating connection due to transaction timeout"],
        meaning: "The transaction took longer than transaction_timeout (version 17 and later), whatever it did. The server ended \
                  the session and rolled back.",
        causes: &[
            Cause { text: "The timeout is set", witness: see::transaction_timeout },
            Cause { text: "A statement runs for long", witness: see::long_statement },
            Cause { text: "The transaction waited for a lock", witness: see::blocked },
        ],
        next: &[
            "SET LOCAL transaction_timeout = '10min';   for a job that needs longer",
            "do long work in batches",
        ],
    },
    Page {
        id: "statement-canceled",
        title: "canceling statement due to ...",
        codes: &["57014"],
        phrases: &[
            "canceling statement due to user request",
            "canceling statement due to statement timeout",
            "canceling statement due to lock timeout",
        ],
        meaning: "A statement was ended, and its session lives on: by a timeout (statement_timeout, lock_timeout), or because \
                  somebody asked (pg_cancel_backend, connwarden cancel, a client that gave up).",
        causes: &[
            Cause { text: "The statement waited for a lock", witness: see::blocked },
            Cause { text: "The statement is slow", witness: see::long_statement },
            Cause { text: "The client gave up waiting and asked to cancel", witness: see::untold },
        ],
        next: &["connwarden status --blocking"],
    },
    Page {
        id: "server-closed",
        title: "server closed the connection unexpectedly",
        codes: &["08006", "08003"],
        phrases: &[
            "server closed the connection unexpectedly",
            "terminating connection unexpectedly",
            "connection reset by peer",
            "unexpected eof on client connection",
            "the connection is lost",
            "terminated unexpectedly",
        ],
        meaning: "The connection ended without a word from PostgreSQL: something in between cut it, or the server process died. A \
                  server that ends a session in order says why (57P01 and its kin).",
        causes: &[
            Cause { text: "The server was restarted or crashed", witness: see::restarted },
            Cause {
                text: "A firewall, NAT or load balancer forgot a connection that was idle for long: keepalives are slower than it",
                witness: see::mostly_idle,
            },
            Cause { text: "A pooler or a proxy in between was stopped", witness: see::untold },
            Cause { text: "The kernel killed a backend because memory ran out", witness: see::untold },
        ],
        next: &[
            "connwarden doctor     keepalives, and memory against max_connections",
            "tcp_keepalives_idle = 60, or the same in the client (keepalives_idle)",
        ],
    },
    Page {
        id: "ssl-syscall",
        title: "SSL SYSCALL error: EOF detected",
        codes: &[],
        phrases: &[
            "ssl syscall error",
            "ssl connection has been closed unexpectedly",
            "ssl error: decryption failed or bad record mac",
        ],
        meaning: "The connection was cut while TLS was in use; libpq says so instead of \"server closed the connection \
                  unexpectedly\". It is seldom about certificates. \"bad record mac\" mostly means that a connection was used by \
                  two processes at once after a fork.",
        causes: &[
            Cause { text: "The server was restarted or crashed", witness: see::restarted },
            Cause {
                text: "A firewall, NAT or load balancer forgot an idle connection",
                witness: see::mostly_idle,
            },
            Cause {
                text: "Workers share a connection that was opened before they were forked (preloaded gunicorn, Celery)",
                witness: see::untold,
            },
        ],
        next: &[
            "open connections after the fork (post_fork, worker_process_init)",
            "connwarden explain server-closed",
        ],
    },
    Page {
        id: "already-closed",
        title: "connection already closed",
        codes: &[],
        phrases: &[
            "connection already closed",
            "the connection is closed",
            "connection is closed",
            "client has encountered a connection error and is not queryable",
        ],
        meaning: "The application used a connection object that it, or its driver, knows to be closed: the connection was lost \
                  earlier, and something kept the object. Django says so in threads and tasks that outlive the request they were \
                  made in.",
        causes: &[
            Cause {
                text: "The server ended the idle session by timeout",
                witness: see::idle_session_timeout,
            },
            Cause { text: "The server was restarted", witness: see::restarted },
            Cause {
                text: "Long-running code (a consumer, a thread, a Celery task) keeps a connection without checking it",
                witness: see::untold,
            },
        ],
        next: &[
            "Django: call django.db.close_old_connections() around each unit of work, and set CONN_HEALTH_CHECKS = True",
            "pools: check a connection before it is lent",
        ],
    },
];
