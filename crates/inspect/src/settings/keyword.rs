//! libpq's connection keywords, with the variables that stand for them. Manual: "Parameter Key Words", "Environment
//! Variables".

/// What becomes of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It is honoured.
    Honoured,
    /// It changes nothing that concerns us.
    Idle,
    /// It asks for what is not offered. A value that asks for nothing is taken.
    Refused {
        /// Values that ask for nothing, beside an empty one.
        harmless: &'static [&'static str],
        /// The rest of a sentence that begins with the keyword.
        why: &'static str,
    },
}

/// One keyword.
#[derive(Debug)]
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) becomes: Use,
}

const fn honoured(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), becomes: Use::Honoured }
}

const fn idle(name: &'static str) -> Keyword {
    Keyword { name, variable: None, becomes: Use::Idle }
}

const fn refused(
    name: &'static str,
    variable: Option<&'static str>,
    harmless: &'static [&'static str],
    why: &'static str,
) -> Keyword {
    Keyword { name, variable, becomes: Use::Refused { harmless, why } }
}

/// All of them.
pub(super) const KEYWORDS: &[Keyword] = &[
    honoured("service", "PGSERVICE"),
    honoured("servicefile", "PGSERVICEFILE"),
    honoured("host", "PGHOST"),
    honoured("hostaddr", "PGHOSTADDR"),
    honoured("port", "PGPORT"),
    honoured("user", "PGUSER"),
    honoured("dbname", "PGDATABASE"),
    honoured("password", "PGPASSWORD"),
    honoured("passfile", "PGPASSFILE"),
    honoured("sslmode", "PGSSLMODE"),
    honoured("sslrootcert", "PGSSLROOTCERT"),
    honoured("sslcert", "PGSSLCERT"),
    honoured("sslkey", "PGSSLKEY"),
    honoured("sslcertmode", "PGSSLCERTMODE"),
    honoured("sslnegotiation", "PGSSLNEGOTIATION"),
    honoured("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    honoured("options", "PGOPTIONS"),
    honoured("application_name", "PGAPPNAME"),
    Keyword { name: "fallback_application_name", variable: None, becomes: Use::Honoured },
    honoured("connect_timeout", "PGCONNECT_TIMEOUT"),
    honoured("target_session_attrs", "PGTARGETSESSIONATTRS"),
    honoured("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    honoured("channel_binding", "PGCHANNELBINDING"),
    honoured("require_auth", "PGREQUIREAUTH"),
    idle("client_encoding"),
    idle("keepalives"),
    idle("keepalives_idle"),
    idle("keepalives_interval"),
    idle("keepalives_count"),
    idle("tcp_user_timeout"),
    idle("sslcompression"),
    idle("sslsni"),
    idle("krbsrvname"),
    idle("gsslib"),
    idle("gssdelegation"),
    idle("min_protocol_version"),
    idle("max_protocol_version"),
    refused(
        "gssencmode",
        Some("PGGSSENCMODE"),
        &["disable", "prefer"],
        "asks for GSSAPI, which is not spoken",
    ),
    refused("sslcrl", Some("PGSSLCRL"), &[], "names a revocation list, which is not looked at"),
    refused("sslcrldir", Some("PGSSLCRLDIR"), &[], "names revocation lists, which are not looked at"),
    refused("sslpassword", None, &[], "is for a key with a passphrase, which is not supported"),
    refused(
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
        &["TLSv1.3"],
        "asks for less than TLS 1.3",
    ),
    refused("requirepeer", Some("PGREQUIREPEER"), &[], "names the server's user, who is not looked at"),
    refused("replication", None, &["false", "off", "no", "0"], "is decided by the program itself"),
];

/// The keyword of this name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The known name that is most like this one.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    model::config::suggest::nearest(name, KEYWORDS.iter().map(|keyword| keyword.name))
}
