//! The columns of every SHOW, in PgBouncer's order, with its types: operators' tools read them by name and by place.

use super::table::{Column, Columns, Type};

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $($kind:ident $column:ident),* $(,)?;)*) => {
        $($(#[$doc])* pub const $name: Columns =
            &[$(Column { name: stringify!($column), kind: columns!(@ $kind) }),*];)*
    };
    (@ i) => { Type::Int4 };
    (@ q) => { Type::Int8 };
    (@ n) => { Type::Numeric };
    (@ s) => { Type::Text };
}

columns! {
    /// SHOW VERSION
    VERSION = s version;
    /// SHOW METRICS
    METRICS = s metrics;
    /// SHOW STATE
    STATE = s key, s value;
    /// SHOW CONFIG
    CONFIG = s key, s value, s default, s changeable;
    /// SHOW DATABASES
    DATABASES = s name, s host, i port, s database, s force_user, i pool_size, i min_pool_size,
        i reserve_pool_size, s server_lifetime, s pool_mode, s load_balance_hosts, i max_connections,
        i current_connections, i max_client_connections, i current_client_connections, i paused, i disabled;
    /// SHOW POOLS
    POOLS = s database, s user, i cl_active, i cl_waiting, i cl_active_cancel_req, i cl_waiting_cancel_req,
        i sv_active, i sv_active_cancel, i sv_being_canceled, i sv_idle, i sv_used, i sv_tested, i sv_login,
        i maxwait, i maxwait_us, s pool_mode, s load_balance_hosts;
    /// SHOW PEERS
    PEERS = i peer_id, s host, i port, i pool_size;
    /// SHOW PEER_POOLS
    PEER_POOLS = i peer_id, i cl_active_cancel_req, i cl_waiting_cancel_req, i sv_active_cancel, i sv_login;
    /// SHOW USERS
    USERS = s name, s pool_size, s reserve_pool_size, s pool_mode, i max_user_connections,
        i current_connections, i max_user_client_connections, i current_client_connections;
    /// SHOW CLIENTS and SHOW SERVERS
    CLIENTS = s type, s user, s database, s replication, s state, s addr, i port, s local_addr, i local_port,
        s connect_time, s request_time, i wait, i wait_us, i close_needed, s ptr, s link, i remote_pid, s tls,
        s application_name, i prepared_statements, q id;
    /// SHOW SOCKETS and SHOW ACTIVE_SOCKETS
    SOCKETS = s type, s user, s database, s replication, s state, s addr, i port, s local_addr, i local_port,
        s connect_time, s request_time, i wait, i wait_us, i close_needed, s ptr, s link, i remote_pid, s tls,
        s application_name, i prepared_statements, q id,
        i recv_pos, i pkt_pos, i pkt_remain, i send_pos, i send_remain, i pkt_avail, i send_avail;
    /// SHOW LISTS
    LISTS = s list, i items;
    /// SHOW STATS
    STATS = s database, n total_server_assignment_count, n total_xact_count, n total_query_count,
        n total_received, n total_sent, n total_xact_time, n total_query_time, n total_wait_time,
        n total_client_parse_count, n total_server_parse_count, n total_bind_count, n total_client_login_count,
        n avg_server_assignment_count, n avg_xact_count, n avg_query_count, n avg_recv, n avg_sent,
        n avg_xact_time, n avg_query_time, n avg_wait_time, n avg_client_parse_count, n avg_server_parse_count,
        n avg_bind_count, n avg_client_login_count;
    /// SHOW STATS_TOTALS
    STATS_TOTALS = s database, n server_assignment_count, n xact_count, n query_count, n bytes_received,
        n bytes_sent, n xact_time, n query_time, n wait_time, n client_parse_count, n server_parse_count,
        n bind_count, n client_login_count;
    /// SHOW STATS_AVERAGES
    STATS_AVERAGES = s database, n server_assignment_count, n xact_count, n query_count, n bytes_received,
        n bytes_sent, n xact_time, n query_time, n wait_time, n avg_client_parse_count,
        n avg_server_parse_count, n avg_bind_count, n avg_client_login_count;
    /// SHOW TOTALS
    TOTALS = s name, n value;
    /// SHOW MEM; more than two gigabytes are no mistake here, so the numbers are wider than PgBouncer's
    MEM = s name, q size, q used, q free, q memtotal;
    /// SHOW DNS_HOSTS
    DNS_HOSTS = s hostname, q ttl, s addrs;
    /// SHOW DNS_ZONES
    DNS_ZONES = s zonename, q serial, i count;
    /// SHOW RECORD; ours alone
    RECORD = s file, s state, s lasts, i seconds_left, q checkouts, q dropped;
    /// SHOW client_encoding
    CLIENT_ENCODING = s client_encoding;
    /// SHOW default_transaction_isolation
    DEFAULT_TRANSACTION_ISOLATION = s default_transaction_isolation;
    /// SHOW standard_conforming_strings
    STANDARD_CONFORMING_STRINGS = s standard_conforming_strings;
    /// SHOW datestyle
    DATESTYLE = s datestyle;
    /// SHOW timezone
    TIMEZONE = s timezone;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(columns: Columns) -> String {
        columns.iter().map(|column| column.name).collect::<Vec<_>>().join(" ")
    }

    fn kinds(columns: Columns) -> String {
        let letter = |column: &Column| match column.kind {
            Type::Int4 => 'i',
            Type::Int8 => 'q',
            Type::Numeric => 'n',
            Type::Text => 's',
        };
        columns.iter().map(letter).collect()
    }

    /// The format strings of PgBouncer's admin.c and stats.c; `id` alone is wider here, as our numbers are.
    #[test]
    fn types_are_pgbouncers() {
        assert_eq!(kinds(DATABASES), "ssissiiisssiiiiii");
        assert_eq!(kinds(POOLS), "ssiiiiiiiiiiiiiss");
        assert_eq!(kinds(USERS), "ssssiiii");
        assert_eq!(kinds(CLIENTS), "ssssssisissiiississiq");
        assert_eq!(kinds(SOCKETS), "ssssssisissiiississiqiiiiiii");
        assert_eq!(kinds(STATS), format!("s{}", "n".repeat(24)));
    }

    #[test]
    fn names_are_pgbouncers() {
        assert_eq!(
            names(POOLS),
            "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active \
             sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode \
             load_balance_hosts"
        );
        assert_eq!(
            names(STATS_AVERAGES),
            "database server_assignment_count xact_count query_count bytes_received bytes_sent xact_time \
             query_time wait_time avg_client_parse_count avg_server_parse_count avg_bind_count \
             avg_client_login_count"
        );
    }
}
