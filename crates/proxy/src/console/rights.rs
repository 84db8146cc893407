//! Every command, and the right it needs: one table, walked by a test.

use super::columns as c;
use super::table::Columns;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Look.
    Stats,
    /// Command.
    Admin,
}

/// What may stand behind a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// Perhaps a database.
    Maybe,
    /// Anything: the verb itself says what is missing.
    Word,
}

/// What a verb does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// DISABLE db
    Disable,
    /// ENABLE db
    Enable,
    /// KILL [db]
    Kill,
    /// KILL_CLIENT id
    KillClient,
    /// PAUSE [db]
    Pause,
    /// RECONNECT [db]
    Reconnect,
    /// RECORD 'file' FOR time, RECORD STOP
    Record,
    /// RELOAD
    Reload,
    /// RESUME [db]
    Resume,
    /// SHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS]
    Shutdown,
    /// SUSPEND
    Suspend,
    /// WAIT_CLOSE [db]
    WaitClose,
}

/// One line of the table of verbs.
#[derive(Clone, Copy, Debug)]
pub struct VerbLine {
    /// As it is written.
    pub word: &'static str,
    /// What it does.
    pub verb: Verb,
    /// The right it needs.
    pub right: Right,
    /// What may stand behind it.
    pub takes: Takes,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Sockets with bytes in our buffers.
    ActiveSockets,
    /// Clients.
    Clients,
    /// Settings.
    Config,
    /// Databases of the configuration.
    Databases,
    /// Resolved names.
    DnsHosts,
    /// Polled zones.
    DnsZones,
    /// Descriptors.
    Fds,
    /// What can be said here.
    Help,
    /// Numbers of things.
    Lists,
    /// Memory by kind.
    Mem,
    /// The exposition.
    Metrics,
    /// Other instances.
    Peers,
    /// Pools to other instances.
    PeerPools,
    /// Pools.
    Pools,
    /// The recording, or the last one.
    Record,
    /// Connections to servers.
    Servers,
    /// Clients and servers.
    Sockets,
    /// Paused or not.
    State,
    /// Counters and averages by database.
    Stats,
    /// Averages by database.
    StatsAverages,
    /// Counters by database.
    StatsTotals,
    /// Counters and averages of all databases.
    Totals,
    /// Users.
    Users,
    /// The version.
    Version,
}

/// One line of the table of topics.
#[derive(Clone, Copy, Debug)]
pub struct TopicLine {
    /// As it is written behind SHOW.
    pub word: &'static str,
    /// What it shows.
    pub topic: Topic,
    /// The right it needs.
    pub right: Right,
    /// Its columns; none: no rows at all.
    pub columns: Columns,
}

const fn verb(word: &'static str, verb: Verb, takes: Takes) -> VerbLine {
    VerbLine { word, verb, right: Right::Admin, takes }
}

/// Every verb but SHOW and SET. SET needs [`Right::Admin`], SHOW what its topic needs.
pub const VERBS: &[VerbLine] = &[
    verb("disable", Verb::Disable, Takes::Word),
    verb("enable", Verb::Enable, Takes::Word),
    verb("kill", Verb::Kill, Takes::Maybe),
    verb("kill_client", Verb::KillClient, Takes::Word),
    verb("pause", Verb::Pause, Takes::Maybe),
    verb("reconnect", Verb::Reconnect, Takes::Maybe),
    verb("record", Verb::Record, Takes::Word),
    verb("reload", Verb::Reload, Takes::Nothing),
    verb("resume", Verb::Resume, Takes::Maybe),
    verb("shutdown", Verb::Shutdown, Takes::Word),
    verb("suspend", Verb::Suspend, Takes::Nothing),
    verb("wait_close", Verb::WaitClose, Takes::Maybe),
];

const fn topic(word: &'static str, topic: Topic, columns: Columns) -> TopicLine {
    TopicLine { word, topic, right: Right::Stats, columns }
}

/// Every topic of SHOW.
pub const TOPICS: &[TopicLine] = &[
    topic("active_sockets", Topic::ActiveSockets, c::SOCKETS),
    topic("clients", Topic::Clients, c::CLIENTS),
    topic("config", Topic::Config, c::CONFIG),
    topic("databases", Topic::Databases, c::DATABASES),
    topic("dns_hosts", Topic::DnsHosts, c::DNS_HOSTS),
    topic("dns_zones", Topic::DnsZones, c::DNS_ZONES),
    TopicLine { word: "fds", topic: Topic::Fds, right: Right::Admin, columns: &[] },
    topic("help", Topic::Help, &[]),
    topic("lists", Topic::Lists, c::LISTS),
    topic("mem", Topic::Mem, c::MEM),
    topic("metrics", Topic::Metrics, c::METRICS),
    topic("peers", Topic::Peers, c::PEERS),
    topic("peer_pools", Topic::PeerPools, c::PEER_POOLS),
    topic("pools", Topic::Pools, c::POOLS),
    topic("record", Topic::Record, c::RECORD),
    topic("servers", Topic::Servers, c::CLIENTS),
    topic("sockets", Topic::Sockets, c::SOCKETS),
    topic("state", Topic::State, c::STATE),
    topic("stats", Topic::Stats, c::STATS),
    topic("stats_averages", Topic::StatsAverages, c::STATS_AVERAGES),
    topic("stats_totals", Topic::StatsTotals, c::STATS_TOTALS),
    topic("totals", Topic::Totals, c::TOTALS),
    topic("users", Topic::Users, c::USERS),
    topic("version", Topic::Version, c::VERSION),
];

/// A parameter that drivers ask about before anything else: answered with a fixed value.
#[derive(Clone, Copy, Debug)]
pub struct Pretence {
    /// As it is written behind SHOW or SET.
    pub word: &'static str,
    /// What SHOW says.
    pub value: &'static str,
    /// Its column.
    pub columns: Columns,
}

/// All of them.
pub const PRETENCES: &[Pretence] = &[
    Pretence { word: "client_encoding", value: "UTF-8", columns: c::CLIENT_ENCODING },
    Pretence {
        word: "default_transaction_isolation",
        value: "read committed",
        columns: c::DEFAULT_TRANSACTION_ISOLATION,
    },
    Pretence { word: "standard_conforming_strings", value: "on", columns: c::STANDARD_CONFORMING_STRINGS },
    Pretence { word: "datestyle", value: "ISO", columns: c::DATESTYLE },
    Pretence { word: "timezone", value: "GMT", columns: c::TIMEZONE },
];

/// The DETAIL of SHOW HELP.
pub const HELP: &str = "\n\tSHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION\n\
    \tSHOW SOCKETS|ACTIVE_SOCKETS|LISTS|STATE|METRICS|MEM\n\
    \tSHOW DNS_HOSTS|DNS_ZONES\n\
    \tSHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS\n\
    \tSHOW RECORD\n\
    \tSET key = arg\n\
    \tRELOAD\n\
    \tPAUSE [<db>]\n\
    \tRESUME [<db>]\n\
    \tDISABLE <db>\n\
    \tENABLE <db>\n\
    \tRECONNECT [<db>]\n\
    \tKILL [<db>]\n\
    \tKILL_CLIENT <client_id>\n\
    \tRECORD '<file>' FOR <time>\n\
    \tRECORD STOP\n\
    \tSHUTDOWN\n\
    \tSHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS\n\
    \tWAIT_CLOSE [<db>]";
