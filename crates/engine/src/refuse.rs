//! Every refusal a client may see, in one table: SQLSTATE, text, blame and whether to try again.
//!
//! A refusal is always FATAL and ends the connection: while a client is joined to a server, errors are the server's own.

use wire::sqlstate::SqlState;

/// Whose doing it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client broke a rule.
    Client,
    /// The server failed.
    Server,
    /// A limit or order of whoever runs the proxy.
    Operator,
    /// A fault of ours.
    Us,
}

/// Why a client is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown user, wrong password, no way to check: one text for all.
    WrongPassword {
        /// The user as the client named it.
        user: Box<str>,
    },
    /// No such database in the configuration.
    NoSuchDatabase {
        /// The name asked for.
        database: Box<str>,
    },
    /// An operator's DISABLE.
    DatabaseDisabled {
        /// The name asked for.
        database: Box<str>,
    },
    /// `max_client_conn` is reached.
    TooManyClients,
    /// `max_db_client_connections` is reached.
    TooManyDatabaseClients {
        /// The database.
        database: Box<str>,
    },
    /// `max_user_client_connections` is reached.
    TooManyUserClients {
        /// The user.
        user: Box<str>,
    },
    /// Too many logins are under way.
    TooManyLogins,
    /// The line of the pool is as long as allowed.
    TooManyWaiting,
    /// The startup packet can't be used.
    BadStartup {
        /// PostgreSQL's code for the mistake.
        code: SqlState,
        /// What the mistake is.
        text: Box<str>,
    },
    /// A startup parameter is not accepted.
    UnsupportedParameter(Box<str>),
    /// The client does not keep to the protocol.
    Protocol(Box<str>),
    /// A message passes its limit.
    MessageTooLarge {
        /// Bytes claimed.
        bytes: u32,
        /// The limit.
        bytes_max: u32,
    },
    /// A prepared statement's text passes `statement_bytes_max`.
    StatementTooLarge {
        /// The limit.
        bytes_max: u32,
    },
    /// A client keeps more named statements than allowed.
    TooManyStatements {
        /// The limit.
        statements_max: u32,
    },
    /// `client_login_timeout`.
    LoginTimeout,
    /// `query_wait_timeout`, with the last error a dial met, if any.
    WaitTimeout {
        /// The server's last words to us.
        last: Option<Box<str>>,
    },
    /// `query_timeout`.
    QueryTimeout,
    /// `transaction_timeout`.
    TransactionTimeout,
    /// `idle_transaction_timeout`.
    IdleTransactionTimeout,
    /// `client_idle_timeout`.
    ClientIdleTimeout,
    /// `client_write_timeout`: it accepted no byte while it held a server.
    ClientWriteTimeout,
    /// A transaction block in statement mode.
    TransactionInStatementMode,
    /// Simple query while `disable_pqexec` is on.
    SimpleQueryDisabled,
    /// The proxy shuts down.
    ShuttingDown,
    /// An operator's KILL or KILL_CLIENT.
    Killed,
    /// The pool's database was taken out of the configuration.
    DatabaseRemoved,
    /// Nobody can be reached at the server's address.
    ServerUnreachable(Box<str>),
    /// The server refused our login; its own code and words.
    ServerLogin {
        /// SQLSTATE of the server, where it gave one.
        code: Option<SqlState>,
        /// Its message.
        message: Box<str>,
    },
    /// The server ended the connection in the midst of this client's work.
    ServerLost,
    /// A setting of this client was refused by the server.
    SettingRefused {
        /// The server's code.
        code: Option<SqlState>,
        /// The server's message.
        message: Box<str>,
    },
    /// The misdelivery guard closed the link.
    OutOfStep,
}

impl Refusal {
    /// What a bad header of a client gets.
    pub fn of_frame(error: wire::frame::FrameError) -> Self {
        match error {
            wire::frame::FrameError::TooShort { .. } => Refusal::Protocol("invalid message length".into()),
            wire::frame::FrameError::TooLong { bytes, bytes_max, .. } => {
                Refusal::MessageTooLarge { bytes, bytes_max }
            }
        }
    }

    /// The SQLSTATE the client reads.
    pub fn code(&self) -> SqlState {
        use Refusal as R;
        match self {
            R::WrongPassword { .. } => SqlState::INVALID_PASSWORD,
            R::NoSuchDatabase { .. } | R::DatabaseRemoved => SqlState::INVALID_CATALOG_NAME,
            R::DatabaseDisabled { .. } => SqlState::CANNOT_CONNECT_NOW,
            R::TooManyClients
            | R::TooManyDatabaseClients { .. }
            | R::TooManyUserClients { .. }
            | R::TooManyLogins
            | R::TooManyWaiting => SqlState::TOO_MANY_CONNECTIONS,
            R::BadStartup { code, .. } => *code,
            R::Protocol(_) | R::MessageTooLarge { .. } | R::OutOfStep => SqlState::PROTOCOL_VIOLATION,
            R::UnsupportedParameter(_) => SqlState::INVALID_PARAMETER_VALUE,
            R::StatementTooLarge { .. } | R::TooManyStatements { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
            R::LoginTimeout => SqlState::PROTOCOL_VIOLATION,
            R::WaitTimeout { .. } => SqlState::CANNOT_CONNECT_NOW,
            R::QueryTimeout => SqlState::QUERY_CANCELED,
            R::TransactionTimeout => SqlState::TRANSACTION_TIMEOUT,
            R::IdleTransactionTimeout => SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            R::ClientIdleTimeout => SqlState::IDLE_SESSION_TIMEOUT,
            R::ClientWriteTimeout => SqlState::CONNECTION_FAILURE,
            R::TransactionInStatementMode | R::SimpleQueryDisabled => SqlState::FEATURE_NOT_SUPPORTED,
            R::ShuttingDown | R::Killed => SqlState::ADMIN_SHUTDOWN,
            R::ServerUnreachable(_) => SqlState::CANNOT_ESTABLISH_CONNECTION,
            R::ServerLost => SqlState::CONNECTION_FAILURE,
            R::ServerLogin { code, .. } | R::SettingRefused { code, .. } => {
                code.unwrap_or(SqlState::PROTOCOL_VIOLATION)
            }
        }
    }

    /// The text the client reads. Phrases that tools match are PgBouncer's to the letter.
    pub fn text(&self) -> String {
        use Refusal as R;
        match self {
            R::WrongPassword { user } => format!("password authentication failed for user \"{user}\""),
            R::NoSuchDatabase { database } => format!("no such database: {database}"),
            R::DatabaseDisabled { database } => format!("database \"{database}\" is disabled"),
            R::TooManyClients => "no more connections allowed (max_client_conn)".into(),
            R::TooManyDatabaseClients { database } => {
                format!("client connections exceeded for database \"{database}\" (max_db_client_connections)")
            }
            R::TooManyUserClients { user } => {
                format!("client connections exceeded for user \"{user}\" (max_user_client_connections)")
            }
            R::TooManyLogins => "too many logins are under way (login_max)".into(),
            R::TooManyWaiting => "too many clients wait for this pool (max_waiting_clients)".into(),
            R::BadStartup { text, .. } | R::Protocol(text) => text.to_string(),
            R::UnsupportedParameter(name) => format!("unsupported startup parameter: {name}"),
            R::MessageTooLarge { bytes, bytes_max } => {
                format!("message of {bytes} bytes is larger than max_packet_size ({bytes_max})")
            }
            R::StatementTooLarge { bytes_max } => {
                format!("prepared statement is larger than statement_bytes_max ({bytes_max})")
            }
            R::TooManyStatements { statements_max } => {
                format!("a client may keep {statements_max} prepared statements")
            }
            R::LoginTimeout => "client_login_timeout".into(),
            R::WaitTimeout { last: None } => "query_wait_timeout".into(),
            R::WaitTimeout { last: Some(last) } => format!("query_wait_timeout (server: {last})"),
            R::QueryTimeout => "query timeout".into(),
            R::TransactionTimeout => "transaction timeout".into(),
            R::IdleTransactionTimeout => "idle transaction timeout".into(),
            R::ClientIdleTimeout => "client_idle_timeout".into(),
            R::ClientWriteTimeout => "client_write_timeout".into(),
            R::TransactionInStatementMode => {
                "transaction blocks are not allowed in statement pooling mode".into()
            }
            R::SimpleQueryDisabled => "simple query protocol is disabled (disable_pqexec)".into(),
            R::ShuttingDown => "terminating connection due to administrator command".into(),
            R::Killed => "terminating connection due to administrator command".into(),
            R::DatabaseRemoved => "database configuration changed".into(),
            R::ServerUnreachable(text) => format!("server login has been failing, connect failed: {text}"),
            R::ServerLogin { message, .. } => message.to_string(),
            R::ServerLost => "server conn crashed?".into(),
            R::SettingRefused { message, .. } => message.to_string(),
            R::OutOfStep => "server sent an unexpected message, connection closed".into(),
        }
    }

    /// What helps, for the HINT field.
    pub fn hint(&self) -> Option<&'static str> {
        use Refusal as R;
        match self {
            R::TooManyClients | R::TooManyDatabaseClients { .. } | R::TooManyUserClients { .. } => {
                Some("Close connections that are not used, or raise the limit that is named.")
            }
            R::TooManyLogins | R::TooManyWaiting => Some("Try again in a moment."),
            R::WaitTimeout { .. } => {
                Some("Every server connection of the pool was busy: see SHOW POOLS on the console.")
            }
            R::StatementTooLarge { .. } => Some("Send it as an unnamed statement, or raise the limit."),
            R::TransactionInStatementMode => Some("Use transaction mode for this database."),
            R::UnsupportedParameter(_) => Some("Add it to ignore_startup_parameters to have it ignored."),
            R::WrongPassword { .. }
            | R::NoSuchDatabase { .. }
            | R::DatabaseDisabled { .. }
            | R::BadStartup { .. }
            | R::Protocol(_)
            | R::MessageTooLarge { .. }
            | R::TooManyStatements { .. }
            | R::LoginTimeout
            | R::QueryTimeout
            | R::TransactionTimeout
            | R::IdleTransactionTimeout
            | R::ClientIdleTimeout
            | R::ClientWriteTimeout
            | R::SimpleQueryDisabled
            | R::ShuttingDown
            | R::Killed
            | R::DatabaseRemoved
            | R::ServerUnreachable(_)
            | R::ServerLogin { .. }
            | R::ServerLost
            | R::SettingRefused { .. }
            | R::OutOfStep => None,
        }
    }

    /// Whose doing it was.
    pub fn blame(&self) -> Blame {
        use Refusal as R;
        match self {
            R::WrongPassword { .. }
            | R::NoSuchDatabase { .. }
            | R::BadStartup { .. }
            | R::UnsupportedParameter(_)
            | R::Protocol(_)
            | R::MessageTooLarge { .. }
            | R::StatementTooLarge { .. }
            | R::TooManyStatements { .. }
            | R::LoginTimeout
            | R::SettingRefused { .. }
            | R::TransactionInStatementMode => Blame::Client,
            R::DatabaseDisabled { .. }
            | R::TooManyClients
            | R::TooManyDatabaseClients { .. }
            | R::TooManyUserClients { .. }
            | R::TooManyLogins
            | R::TooManyWaiting
            | R::WaitTimeout { .. }
            | R::QueryTimeout
            | R::TransactionTimeout
            | R::IdleTransactionTimeout
            | R::ClientIdleTimeout
            | R::ClientWriteTimeout
            | R::SimpleQueryDisabled
            | R::ShuttingDown
            | R::Killed
            | R::DatabaseRemoved => Blame::Operator,
            R::ServerUnreachable(_) | R::ServerLogin { .. } | R::ServerLost => Blame::Server,
            R::OutOfStep => Blame::Us,
        }
    }

    /// A label for metrics and logs: constant words.
    pub fn label(&self) -> &'static str {
        use Refusal as R;
        match self {
            R::WrongPassword { .. } => "wrong_password",
            R::NoSuchDatabase { .. } => "no_such_database",
            R::DatabaseDisabled { .. } => "database_disabled",
            R::TooManyClients => "max_client_conn",
            R::TooManyDatabaseClients { .. } => "max_db_client_connections",
            R::TooManyUserClients { .. } => "max_user_client_connections",
            R::TooManyLogins => "login_max",
            R::TooManyWaiting => "max_waiting_clients",
            R::BadStartup { .. } => "bad_startup",
            R::UnsupportedParameter(_) => "unsupported_parameter",
            R::Protocol(_) => "protocol",
            R::MessageTooLarge { .. } => "max_packet_size",
            R::StatementTooLarge { .. } => "statement_bytes_max",
            R::TooManyStatements { .. } => "too_many_statements",
            R::LoginTimeout => "client_login_timeout",
            R::WaitTimeout { .. } => "query_wait_timeout",
            R::QueryTimeout => "query_timeout",
            R::TransactionTimeout => "transaction_timeout",
            R::IdleTransactionTimeout => "idle_transaction_timeout",
            R::ClientIdleTimeout => "client_idle_timeout",
            R::ClientWriteTimeout => "client_write_timeout",
            R::TransactionInStatementMode => "statement_mode",
            R::SimpleQueryDisabled => "disable_pqexec",
            R::ShuttingDown => "shutting_down",
            R::Killed => "killed",
            R::DatabaseRemoved => "database_removed",
            R::ServerUnreachable(_) => "server_unreachable",
            R::ServerLogin { .. } => "server_login",
            R::ServerLost => "server_lost",
            R::SettingRefused { .. } => "setting_refused",
            R::OutOfStep => "out_of_step",
        }
    }

    /// Appends the whole ErrorResponse.
    pub fn write(&self, out: &mut Vec<u8>) {
        wire::encode::error(
            out,
            &wire::encode::ErrorText {
                severity: "FATAL",
                code: self.code(),
                message: &self.text(),
                detail: None,
                hint: self.hint(),
            },
        );
    }
}
