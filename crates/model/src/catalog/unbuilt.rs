//! Settings of PgBouncer that this version knows by name and does not honour: each is refused with its reason, so
//! that nobody believes in a protection that is not there.

/// A reason and the keys it holds for; a key that ends in `*` stands for all that begin like it.
const REASONS: &[(&str, &[&str])] = &[
    ("TLS on connections of clients; keep clients on a trusted network or a unix socket", &["client_tls_*"]),
    (
        "TLS on connections to servers",
        &["server_tls_*", "sslmode", "sslrootcert", "sslcert", "sslkey", "tls_*"],
    ),
    (
        "looking passwords up in the database; list users in [user.NAME] or in auth_file",
        &["auth_query", "auth_user", "auth_dbname"],
    ),
    ("host based rules; auth_type holds for all clients", &["auth_hba_file", "auth_ident_file"]),
    ("LDAP", &["auth_ldap_options"]),
    ("peers, which let a cancel request reach another process", &["peer_id", "peers"]),
    ("dropping databases that came from \"*\"", &["autodb_idle_timeout", "pool_idle_timeout"]),
    (
        "a resolver of its own; names are resolved by the system, see dns_max_ttl",
        &["dns_nxdomain_ttl", "dns_zone_check_period", "resolv_conf"],
    ),
    ("a message at login", &["login_notify_message"]),
    ("hearing of a client only when its first byte is there", &["tcp_defer_accept"]),
    ("SUSPEND, which hands the sockets to a new process", &["suspend_timeout"]),
    (
        "closing a server at once that is to go; RECONNECT and a reload wait until a client of session mode has left it",
        &["server_fast_close"],
    ),
    ("several hosts in one server; write one [server.NAME] for each", &["hosts", "load_balance_hosts"]),
    ("counting the connections that others hold", &["census_*", "keep_free"]),
    ("lanes", &["lane", "lanes", "reserved"]),
];

/// Settings of PgBouncer that have nothing to set here.
const POINTLESS: &[(&str, &[&str])] = &[
    (
        "the log goes to standard error: let the service manager or the shell keep it (see log_format)",
        &["logfile", "syslog", "syslog_facility", "syslog_ident"],
    ),
    ("buffers are shared by all connections and need no size", &["pkt_buf", "sbuf_loopcnt"]),
    ("it names a Windows service, and the proxy runs on Linux", &["job_name", "service_name"]),
    ("the file is found by --config and $CONNWARDEN_CONFIG", &["conffile"]),
    ("the setting is called reserve_pool_size", &["reserve_pool"]),
];

/// Words that some setting of PgBouncer takes, and no setting here.
const WORDS: &[(&str, &[&str])] = &[
    ("client certificates need TLS", &["cert"]),
    ("host based rules", &["hba"]),
    ("LDAP", &["ldap"]),
    ("PAM", &["pam"]),
    ("logging everybody in as one user; name a user in [database.NAME] instead", &["any"]),
];

/// What to say about a key that is known, and not honoured: the rest of a sentence that begins with the key.
pub fn key(key: &str) -> Option<String> {
    if let Some(why) = reason(REASONS, key) {
        return Some(format!("is not built yet: {why}"));
    }
    reason(POINTLESS, key).map(|why| format!("has nothing to set here: {why}"))
}

/// What a word would mean that is known, and not honoured.
pub fn word(word: &str) -> Option<&'static str> {
    reason(WORDS, word)
}

/// Each reason with its keys, for the documents.
pub fn reasons() -> impl Iterator<Item = (String, &'static [&'static str])> {
    let unbuilt = REASONS.iter().map(|(why, keys)| (format!("not built yet: {why}"), *keys));
    unbuilt.chain(POINTLESS.iter().map(|(why, keys)| ((*why).to_owned(), *keys)))
}

/// A sample key of every reason, for tests.
pub fn samples() -> impl Iterator<Item = &'static str> {
    REASONS.iter().chain(POINTLESS).flat_map(|(_, keys)| keys.iter().copied())
}

fn reason(table: &[(&'static str, &[&str])], name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let fits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == **pattern,
    };
    table.iter().find(|(_, keys)| keys.iter().any(&fits)).map(|(why, _)| *why)
}
