//! 53300 in all its forms: no slot was left for this login.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

pub(super) const PAGES: &[Page] = &[
    Page {
        id: "53300",
        title: "53300 too_many_connections",
        codes: &["53300"],
        phrases: &[],
        meaning: "A login was refused because a limit of connections is reached. The code is shared by several limits; the text \
                  beside it says which one: all slots of the server, the slots for ordinary roles, a role's or a database's \
                  CONNECTION LIMIT, walsenders, or a pooler's own limit.",
        causes: &[
            Cause { text: "The slots for ordinary roles are all taken", witness: see::full },
            Cause { text: "A role is at its CONNECTION LIMIT", witness: see::role_limit },
            Cause { text: "A database is at its CONNECTION LIMIT", witness: see::database_limit },
            Cause { text: "All walsenders are taken", witness: see::walsenders },
        ],
        next: &["connwarden status", "connwarden explain \"<the text beside the code>\""],
    },
    Page {
        id: "too-many-clients",
        title: "sorry, too many clients already",
        codes: &["53300"],
        phrases: &["sorry, too many clients already", "too many clients already"],
        meaning: "Every slot of max_connections is taken, those kept back for superusers too, so the server refused before it even \
                  asked who wants in. An ordinary role normally gets another text (\"remaining connection slots are reserved \
                  ...\") some slots earlier. This one means that something used up the reserve, or that there is none.",
        causes: &[
            Cause {
                text: "The application logs in as a superuser (docker's POSTGRES_USER is one): it takes the reserved slots as well",
                witness: see::superuser_application,
            },
            Cause { text: "No slot is kept back for superusers", witness: see::no_reserve },
            Cause {
                text: "A login storm: logins that are begun and not finished hold slots, reserved ones too, for up to \
                       authentication_timeout; before version 18 nobody can see them",
                witness: see::half_open,
            },
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
            Cause {
                text: "A raised max_connections was never applied: it needs a restart",
                witness: see::pending_restart,
            },
        ],
        next: &[
            "connwarden status                      who holds the slots",
            "connwarden close-idle --min-age 5m     shows which idle sessions can go, and asks",
            "connwarden doctor                      the settings that prevent it",
        ],
    },
    Page {
        id: "slots-reserved",
        title: "remaining connection slots are reserved",
        codes: &["53300"],
        phrases: &[
            "remaining connection slots are reserved",
            "remaining connection slots are reserved for non-replication superuser connections",
            "remaining connection slots are reserved for roles with privileges of the \"*\" role",
            "remaining connection slots are reserved for roles with privileges of",
        ],
        meaning: "All slots that ordinary roles can get are taken; what is left is kept back for superusers, and from version 16 on \
                  also for members of pg_use_reserved_connections. This is the ordinary way in which a PostgreSQL server is full \
                  (versions 12 to 15 speak of \"non-replication superuser connections\").",
        causes: &[
            Cause { text: "The slots for ordinary roles are all taken", witness: see::full },
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
            Cause {
                text: "Transactions wait for their clients and keep their connections",
                witness: see::idle_in_transaction,
            },
            Cause { text: "Sessions pile up behind a lock", witness: see::blocked },
            Cause {
                text: "A raised max_connections was never applied: it needs a restart",
                witness: see::pending_restart,
            },
        ],
        next: &[
            "connwarden status                      who holds the slots (a superuser still gets in)",
            "connwarden close-idle --min-age 5m     shows which idle sessions can go, and asks",
            "connwarden doctor                      the settings that prevent it",
        ],
    },
    Page {
        id: "slots-superuser",
        title: "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        codes: &["53300"],
        phrases: &["remaining connection slots are reserved for roles with the superuser attribute"],
        meaning: "A member of pg_use_reserved_connections was refused (version 16 and later): the ordinary slots and those of \
                  reserved_connections are all taken. Only superusers get in.",
        causes: &[
            Cause { text: "All slots but the superusers' are taken", witness: see::full },
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
        ],
        next: &["connwarden status -U <superuser>", "connwarden close-idle -U <superuser> --min-age 5m"],
    },
    Page {
        id: "role-limit",
        title: "too many connections for role \"...\"",
        codes: &["53300"],
        phrases: &["too many connections for role"],
        meaning: "The role has a CONNECTION LIMIT of its own, and as many sessions. The server itself may have plenty of slots. The \
                  limit counts over all databases; superusers are exempt.",
        causes: &[
            Cause { text: "The role is at its limit", witness: see::role_limit },
            Cause {
                text: "Several services share the role, and nobody added their pools up",
                witness: see::one_application,
            },
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
        ],
        next: &[
            "connwarden status --by user,app",
            "ALTER ROLE \"<role>\" CONNECTION LIMIT <n>;     takes effect at once; -1 is none",
        ],
    },
    Page {
        id: "database-limit",
        title: "too many connections for database \"...\"",
        codes: &["53300"],
        phrases: &["too many connections for database"],
        meaning: "The database has a CONNECTION LIMIT of its own, and as many sessions. The server itself may have plenty of slots. \
                  The limit counts over all roles; superusers are exempt.",
        causes: &[
            Cause { text: "The database is at its limit", witness: see::database_limit },
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
        ],
        next: &[
            "connwarden status --by db,app",
            "ALTER DATABASE \"<name>\" CONNECTION LIMIT <n>;  takes effect at once; -1 is none",
        ],
    },
    Page {
        id: "walsenders",
        title: "number of requested standby connections exceeds max_wal_senders",
        codes: &["53300"],
        phrases: &["number of requested standby connections exceeds max_wal_senders"],
        meaning: "Replication connections have slots of their own, max_wal_senders, beside max_connections, and all of them are \
                  taken. Ordinary sessions are not affected.",
        causes: &[
            Cause { text: "All walsenders are taken", witness: see::walsenders },
            Cause {
                text: "A standby or a backup reconnects before its old connection is noticed as dead",
                witness: see::untold,
            },
        ],
        next: &[
            "SELECT pid, application_name, client_addr, state FROM pg_stat_replication;",
            "raise max_wal_senders (needs a restart)",
        ],
    },
];
