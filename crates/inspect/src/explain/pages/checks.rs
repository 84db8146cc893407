//! What each check of `health` looks at.

use crate::explain::evidence as see;
use crate::explain::{Cause, Page};

const fn check(
    id: &'static str,
    title: &'static str,
    meaning: &'static str,
    causes: &'static [Cause],
    next: &'static [&'static str],
) -> Page {
    Page { id, title, codes: &[], phrases: &[], meaning, causes, next }
}

const CLOSE_IDLE: &str = "connwarden close-idle --min-age 5m     shows which idle sessions can go, and asks";
const STATUS: &str = "connwarden status";

pub(super) const PAGES: &[Page] = &[
    check(
        "login",
        "check login: whether the server lets us in",
        "Every other check needs a login. Refused because the server is full is critical: it is the very thing that is watched. \
         Anything else (nobody there, wrong password, too slow) is unknown: nothing is known of its connections.",
        &[
            Cause { text: "The server is full", witness: see::full },
            Cause { text: "It is not running, or another address or port", witness: see::untold },
            Cause { text: "The role or the password is wrong", witness: see::untold },
        ],
        &["connwarden explain \"<the message>\""],
    ),
    check(
        "utilization",
        "check utilization: slots taken of those that applications can get",
        "Sessions in per cent of max_connections less the slots kept back for superusers and, from version 16 on, for \
         reserved_connections. Above 70 % a deployment that starts new processes before it ends the old ones may fill the server; \
         above 85 % a small peak does.",
        &[
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Sessions pile up behind a lock", witness: see::blocked },
            Cause {
                text: "A raised max_connections was never applied: it needs a restart",
                witness: see::pending_restart,
            },
        ],
        &[STATUS, CLOSE_IDLE, "smaller pools, or a pooler in front: connwarden doctor"],
    ),
    check(
        "reserve",
        "check reserve: slots left, and those kept back for administrators",
        "Critical when fewer than five slots are left for applications (on servers of fewer than 20: than a quarter), or none at \
         all. The slots of superuser_reserved_connections let you in when the server is full, unless the application is a \
         superuser itself.",
        &[
            Cause { text: "The slots for ordinary roles are nearly all taken", witness: see::full },
            Cause {
                text: "The application logs in as a superuser and takes the reserve",
                witness: see::superuser_application,
            },
            Cause { text: "No slot is kept back", witness: see::no_reserve },
        ],
        &[STATUS, CLOSE_IDLE, "superuser_reserved_connections = 3     needs a restart"],
    ),
    check(
        "idle-in-transaction",
        "check idle-in-transaction: transactions that wait for their clients",
        "A session has begun a transaction and sends nothing. It keeps its locks, so others may wait behind it; it holds back \
         vacuum in the whole database; and its connection cannot be used by anybody else. Warning after 60 s, critical after 5 \
         minutes.",
        &[
            Cause {
                text: "The application waits for something else (a web service, a queue, a person) inside a transaction",
                witness: see::idle_in_transaction,
            },
            Cause { text: "Others wait behind its locks", witness: see::blocked },
            Cause {
                text: "A transaction is never ended on an error path, or autocommit is off without anybody knowing",
                witness: see::untold,
            },
            Cause { text: "Nothing ends it: the timeout is off", witness: see::untold },
        ],
        &[
            "connwarden status --blocking",
            "idle_in_transaction_session_timeout = 5min     ends them, with a rollback",
            "connwarden force-close --pid <pid>     its work is rolled back",
        ],
    ),
    check(
        "idle-hoarding",
        "check idle-hoarding: most sessions are idle while slots get scarce",
        "Idle sessions are what pools are made of, and harmless while there are slots. Here more than half are idle and more than \
         60 % of the slots are taken: the pools together are too large. Closing them helps for a minute, since a pool opens its \
         minimum again.",
        &[
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
            Cause { text: "One application holds most connections", witness: see::one_application },
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Nothing ends idle sessions: idle_session_timeout is off", witness: see::untold },
        ],
        &[
            CLOSE_IDLE,
            "lower the pools' size and minimum; Django: CONN_MAX_AGE counts from connect and does not close idle ones",
        ],
    ),
    check(
        "churn",
        "check churn: connections that are opened for little work",
        "More than 20 new sessions a second, each used for fewer than three transactions. Each login starts a process, reads \
         catalogs and computes a password hash: 5 to 15 ms of processor time. From version 14 on the server counts; before it, \
         only sessions that are seen in one sample and not in the one before, which is a lower bound.",
        &[
            Cause {
                text: "The application connects for each request (Django: CONN_MAX_AGE = 0 without a pool)",
                witness: see::untold,
            },
            Cause { text: "A health check or a job connects again and again", witness: see::unnamed },
            Cause {
                text: "A pool discards its connections: a short lifetime, or a check that fails",
                witness: see::untold,
            },
            Cause { text: "All clients connect again after a restart", witness: see::restarted },
        ],
        &["connwarden health --watch --check churn,login", "a pool in the application, or a pooler in front"],
    ),
    check(
        "half-open-logins",
        "check half-open-logins: logins that were begun and not finished",
        "A client that sent its startup packet and did not finish the password exchange holds a real slot, a reserved one if need \
         be, for up to authentication_timeout (60 s). Version 18 shows such sessions as \"starting\"; before it nobody can see \
         them, and the server looks emptier than it is.",
        &[
            Cause { text: "Logins are unfinished now", witness: see::half_open },
            Cause {
                text: "A login storm on a busy machine: SCRAM takes processor time",
                witness: see::untold,
            },
            Cause {
                text: "A port scanner, or a load balancer's check that sends half a login",
                witness: see::untold,
            },
        ],
        &[
            "authentication_timeout = 10s     a reload is enough",
            "keep connections in a pool instead of opening them",
        ],
    ),
    check(
        "role-limits",
        "check role-limits: roles near their CONNECTION LIMIT",
        "ALTER ROLE ... CONNECTION LIMIT holds for a role over all databases. At the limit its next login is refused (53300), \
         however empty the server is. Warning above 80 %, critical above 95 %. Superusers are exempt; a limit of 0 is a closed \
         door, and not judged.",
        &[
            Cause { text: "A role is near its limit", witness: see::role_limit },
            Cause { text: "Several services share the role", witness: see::one_application },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
        ],
        &["connwarden status --by user,app", "ALTER ROLE \"<role>\" CONNECTION LIMIT <n>;"],
    ),
    check(
        "database-limits",
        "check database-limits: databases near their CONNECTION LIMIT",
        "ALTER DATABASE ... CONNECTION LIMIT holds for a database over all roles. At the limit the next login is refused (53300), \
         however empty the server is. Warning above 80 %, critical above 95 %.",
        &[
            Cause { text: "A database is near its limit", witness: see::database_limit },
            Cause { text: "Pools keep far more connections than they use", witness: see::mostly_idle },
        ],
        &["connwarden status --by db,app", "ALTER DATABASE \"<name>\" CONNECTION LIMIT <n>;"],
    ),
    check(
        "long-queries",
        "check long-queries: statements that run for long",
        "A statement that runs for more than 5 minutes keeps its connection, its locks and its snapshot. A report or a backup may; \
         a web request may not.",
        &[
            Cause { text: "A statement runs for long", witness: see::long_statement },
            Cause { text: "It waits for a lock", witness: see::blocked },
            Cause { text: "A plan went wrong: old statistics, a missing index", witness: see::untold },
        ],
        &[
            "connwarden cancel --pid <pid>     ends the statement and keeps the session",
            "statement_timeout for the application's role",
        ],
    ),
    check(
        "blocked-sessions",
        "check blocked-sessions: sessions that wait for locks",
        "Somebody waits for a lock for more than 30 s (critical: 5 minutes). Each waiter keeps its connection, and its application \
         sends the next request on another one: a single lock can fill a server in a minute. What matters is the root: the one \
         that others wait for and that waits for nobody.",
        &[
            Cause { text: "A session holds up others", witness: see::blocked },
            Cause {
                text: "The root has begun a transaction and sends nothing",
                witness: see::idle_in_transaction,
            },
            Cause {
                text: "ALTER TABLE, VACUUM FULL or a migration waits for a lock, and everybody behind it",
                witness: see::long_statement,
            },
            Cause { text: "A prepared transaction was never committed", witness: see::untold },
        ],
        &[
            "connwarden status --blocking",
            "connwarden cancel --pid <root>, or connwarden force-close --pid <root>",
            "lock_timeout = 5s for migrations",
        ],
    ),
    check(
        "pending-restart",
        "check pending-restart: a limit that was changed and does not hold yet",
        "max_connections and the reserved slots are read at the server's start alone. ALTER SYSTEM with pg_reload_conf() changes the \
         file and not the server.",
        &[
            Cause { text: "A limit was changed and waits for a restart", witness: see::pending_restart },
            Cause { text: "ALTER SYSTEM was meant to take effect at once", witness: see::untold },
        ],
        &[
            "SELECT name, setting FROM pg_settings WHERE pending_restart;",
            "restart PostgreSQL; standbys first when the limit rises",
        ],
    ),
    check(
        "forecast",
        "check forecast: when the server will be full",
        "A straight line through the looks of the last hour, at least four over a minute or more. Warning when it reaches the usable \
         slots within 30 minutes. Where the line explains little of what moves, or nothing grows, there is no forecast.",
        &[
            Cause {
                text: "Connections are leaked: many sessions are idle on the same statement",
                witness: see::same_statement,
            },
            Cause { text: "Sessions pile up behind a lock", witness: see::blocked },
            Cause {
                text: "More processes are being started: a deployment, autoscaling",
                witness: see::one_application,
            },
        ],
        &["connwarden health --watch", "connwarden status"],
    ),
    check(
        "leak-like",
        "check leak-like: sessions of one application, all idle on the same statement",
        "A leaked connection stays behind where the code forgot it, so its last statement is the same each time. Five or more idle \
         sessions of one application on one statement look like it. So does a healthy pool that runs little else: it is a \
         warning only where slots are scarce.",
        &[
            Cause { text: "Sessions are idle on the same statement", witness: see::same_statement },
            Cause {
                text: "The code behind it does not give its connection back on an error path",
                witness: see::untold,
            },
            Cause { text: "It is a pool's own test statement (SELECT 1)", witness: see::untold },
        ],
        &["connwarden health -o json | jq '.checks[] | select(.id==\"leak-like\").evidence'", CLOSE_IDLE],
    ),
    check(
        "plan-exceeded",
        "check plan-exceeded: a service holds more connections than the plan gives it",
        "The plan adds up what the deployed services may open. A service above its peak is in a rollout; above what a rollout may \
         open it is larger than its plan: more replicas than the files say, a pool that does not hold, or a leak. Sessions are \
         told apart by application_name: one that no service of the plan sends is nobody's.",
        &[
            Cause { text: "Sessions are idle on the same statement", witness: see::same_statement },
            Cause { text: "More processes are running than the files say", witness: see::one_application },
            Cause { text: "The plan file is old", witness: see::untold },
        ],
        &["connwarden plan check", "connwarden status"],
    ),
    check(
        "superuser-application",
        "check superuser-application: an application that logs in as a superuser",
        "A superuser takes the slots that are kept back for you, passes every CONNECTION LIMIT, and can read and write everything. \
         When such an application fills the server, nobody gets in: the text is then \"sorry, too many clients already\". \
         docker's POSTGRES_USER is a superuser.",
        &[
            Cause { text: "An application logs in as a superuser", witness: see::superuser_application },
            Cause { text: "The slots are nearly all taken", witness: see::full },
        ],
        &[
            "CREATE ROLE app LOGIN PASSWORD '...'; GRANT ALL ON DATABASE <name> TO app;     and let the application use it",
        ],
    ),
    check(
        "visibility",
        "check visibility: whether we see what the others do",
        "A role that is no member of pg_monitor (or pg_read_all_stats) sees that other sessions exist, and nothing of their states, \
         ages and clients. Checks that need these are skipped unless what is seen is bad already.",
        &[Cause { text: "The role may not see the others", witness: see::partial }],
        &["GRANT pg_monitor TO \"<role>\";     as a superuser", "connwarden grants"],
    ),
];
