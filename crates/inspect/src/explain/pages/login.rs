//! Logins that fail for another reason than a limit.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

pub(super) const PAGES: &[Page] = &[
    Page {
        id: "connection-refused",
        title: "connection refused",
        codes: &["08001"],
        phrases: &[
            "connection refused",
            "econnrefused",
            "is the server running on that host and accepting tcp/ip connections",
            "no such file or directory is the server running locally",
        ],
        meaning: "Nothing listens at that address and port. PostgreSQL itself never answers so when it is full: it accepts and then \
                  says 53300. A full listen queue of the kernel can look alike on a unix socket (\"Resource temporarily \
                  unavailable\").",
        causes: &[
            Cause { text: "The server is not running, or is just restarting", witness: see::reachable },
            Cause {
                text: "It listens elsewhere: listen_addresses is localhost by default, or the port is another",
                witness: see::untold,
            },
            Cause {
                text: "In a container, localhost is the container itself: use the service's name",
                witness: see::untold,
            },
        ],
        next: &["pg_isready -h <host> -p <port>", "SHOW listen_addresses; SHOW port;   on the server"],
    },
    Page {
        id: "connection-timeout",
        title: "connection timed out / timeout expired",
        codes: &[],
        phrases: &[
            "timeout expired",
            "connection timed out",
            "no login within",
            "connection timeout expired",
        ],
        meaning: "Nobody answered in time. The packets are dropped on the way, or the server is so busy that a login takes longer \
                  than the client waits. Each login starts a process and computes a password hash: thousands of them at once are \
                  slow.",
        causes: &[
            Cause { text: "A firewall or security group drops the packets", witness: see::reachable },
            Cause { text: "A login storm: many clients connect at once", witness: see::half_open },
            Cause { text: "The server is starved of processor or disk", witness: see::long_statement },
        ],
        next: &[
            "connwarden health --check churn,half-open-logins",
            "keep connections in a pool instead of opening them",
        ],
    },
    Page {
        id: "host-unknown",
        title: "could not translate host name",
        codes: &[],
        phrases: &[
            "could not translate host name",
            "name or service not known",
            "getaddrinfo enotfound",
            "temporary failure in name resolution",
        ],
        meaning: "The host's name has no address. PostgreSQL was never asked.",
        causes: &[
            Cause {
                text: "The name is misspelt, or known only in another network (compose, Kubernetes name space)",
                witness: see::untold,
            },
            Cause { text: "The name server is down or slow", witness: see::untold },
        ],
        next: &["getent hosts <host>"],
    },
    Page {
        id: "password",
        title: "password authentication failed for user \"...\"",
        codes: &["28P01"],
        phrases: &[
            "password authentication failed for user",
            "password authentication failed",
            "no password supplied",
            "scram authentication requires",
        ],
        meaning: "The server did not accept the password. It says the same where the role does not exist, has no password, or its \
                  password has expired; the server's log has the reason. A pooler answers so too, for users it does not know.",
        causes: &[
            Cause {
                text: "The password is wrong, or a variable of the environment is empty or old",
                witness: see::untold,
            },
            Cause { text: "The role has no password, or VALID UNTIL has passed", witness: see::untold },
            Cause {
                text: "The docker image sets POSTGRES_PASSWORD only when it makes a new data directory",
                witness: see::untold,
            },
        ],
        next: &["look into the server's log: it says why", "\\password <role>   in psql, as a superuser"],
    },
    Page {
        id: "not-allowed",
        title: "no pg_hba.conf entry / role is not permitted to log in",
        codes: &["28000"],
        phrases: &[
            "no pg_hba.conf entry for",
            "pg_hba.conf rejects connection",
            "peer authentication failed for user",
            "ident authentication failed for user",
            "role \"*\" does not exist",
            "is not permitted to log in",
        ],
        meaning: "The server knows by its rules that this role may not come in from there: pg_hba.conf has no line that fits (host, \
                  database, role, TLS or not), or the role does not exist or has no LOGIN.",
        causes: &[
            Cause {
                text: "pg_hba.conf has no line for this address, database and role",
                witness: see::untold,
            },
            Cause {
                text: "The line wants TLS (hostssl) and the client does not use it, or the other way round",
                witness: see::untold,
            },
            Cause {
                text: "Over the unix socket, peer compares the system user's name with the role's",
                witness: see::untold,
            },
        ],
        next: &["SELECT * FROM pg_hba_file_rules;   as a superuser; then SELECT pg_reload_conf();"],
    },
    Page {
        id: "no-database",
        title: "database \"...\" does not exist",
        codes: &["3D000"],
        phrases: &["database \"*\" does not exist", "no such database"],
        meaning: "There is no database of that name on this server, or, where a pooler answers (\"no such database\"), in its \
                  configuration. Without a name, libpq takes the role's name.",
        causes: &[
            Cause { text: "The database's name is missing or misspelt", witness: see::untold },
            Cause { text: "It is another server than you think", witness: see::untold },
        ],
        next: &["psql -l"],
    },
    Page {
        id: "not-accepting",
        title: "database \"...\" is not currently accepting connections",
        codes: &["55000"],
        phrases: &["is not currently accepting connections"],
        meaning: "Somebody closed this database with ALTER DATABASE ... ALLOW_CONNECTIONS false. It is no question of slots.",
        causes: &[Cause {
            text: "The database was closed for maintenance, or is a template",
            witness: see::untold,
        }],
        next: &["ALTER DATABASE \"<name>\" ALLOW_CONNECTIONS true;"],
    },
];
