//! Five-character error codes. Manual: appendix "PostgreSQL Error Codes".
//!
//! Only the codes that a pooler says or reacts to have names here; any other code of a server is carried as it stands.

use std::fmt;

/// An SQLSTATE: five characters, digits and upper-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlState([u8; 5]);

impl SqlState {
    /// Reads a code from a server. `None` unless it is five digits or upper-case letters.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let code: [u8; 5] = bytes.try_into().ok()?;
        code.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()).then_some(Self(code))
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        // Every way to build one checks its characters, so the fallback is never seen.
        std::str::from_utf8(&self.0).unwrap_or("XX000")
    }

    /// The five characters as bytes.
    pub const fn bytes(&self) -> &[u8; 5] {
        &self.0
    }

    /// The class: the first two characters.
    pub const fn class(&self) -> [u8; 2] {
        [self.0[0], self.0[1]]
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlState({})", self.as_str())
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal, $doc:literal;)*) => {
        impl SqlState {
            $(#[doc = $doc] pub const $name: Self = Self(*$code);)*
        }

        #[cfg(test)]
        const NAMED: &[SqlState] = &[$(SqlState::$name),*];
    };
}

codes! {
    SUCCESSFUL_COMPLETION = b"00000", "Not an error.";
    WARNING = b"01000", "A warning without a code of its own.";
    CONNECTION_EXCEPTION = b"08000", "Something is wrong with a connection.";
    CANNOT_ESTABLISH_CONNECTION = b"08001", "A connection could not be made.";
    CONNECTION_DOES_NOT_EXIST = b"08003", "The connection is no more.";
    SERVER_REJECTED_CONNECTION = b"08004", "The other end refused a connection.";
    CONNECTION_FAILURE = b"08006", "A connection broke.";
    PROTOCOL_VIOLATION = b"08P01", "A message that the protocol does not allow here.";
    FEATURE_NOT_SUPPORTED = b"0A000", "Not supported; also the answer to a cached plan whose result type changed.";
    INVALID_PARAMETER_VALUE = b"22023", "A value that a setting does not take.";
    ACTIVE_SQL_TRANSACTION = b"25001", "Not allowed inside a transaction.";
    READ_ONLY_SQL_TRANSACTION = b"25006", "A write in a read-only transaction, or on a standby.";
    NO_ACTIVE_SQL_TRANSACTION = b"25P01", "Only allowed inside a transaction.";
    IN_FAILED_SQL_TRANSACTION = b"25P02", "The transaction failed earlier; only its end is allowed.";
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = b"25P03", "The session idled in a transaction for too long.";
    TRANSACTION_TIMEOUT = b"25P04", "The transaction lasted too long.";
    INVALID_SQL_STATEMENT_NAME = b"26000", "No prepared statement of that name.";
    INVALID_AUTHORIZATION = b"28000", "This user may not log in here.";
    INVALID_PASSWORD = b"28P01", "Wrong password, or no such user.";
    INVALID_CURSOR_NAME = b"34000", "No portal of that name.";
    INVALID_CATALOG_NAME = b"3D000", "No database of that name.";
    SERIALIZATION_FAILURE = b"40001", "Could not serialize; the client may retry.";
    DEADLOCK_DETECTED = b"40P01", "A deadlock; the client may retry.";
    SYNTAX_ERROR = b"42601", "A text that does not parse.";
    INSUFFICIENT_PRIVILEGE = b"42501", "Not allowed to this user.";
    UNDEFINED_OBJECT = b"42704", "No setting or object of that name.";
    DUPLICATE_CURSOR = b"42P03", "A portal of that name is there already.";
    DUPLICATE_PREPARED_STATEMENT = b"42P05", "A prepared statement of that name is there already.";
    INSUFFICIENT_RESOURCES = b"53000", "A resource ran out.";
    OUT_OF_MEMORY = b"53200", "Memory ran out.";
    TOO_MANY_CONNECTIONS = b"53300", "No connection is left.";
    CONFIGURATION_LIMIT_EXCEEDED = b"53400", "A configured limit was reached.";
    PROGRAM_LIMIT_EXCEEDED = b"54000", "Larger than this program takes.";
    OBJECT_NOT_IN_PREREQUISITE_STATE = b"55000", "Not in a state in which this can be done.";
    CANT_CHANGE_RUNTIME_PARAM = b"55P02", "This setting cannot be changed now.";
    OPERATOR_INTERVENTION = b"57000", "An operator stepped in.";
    QUERY_CANCELED = b"57014", "The query was cancelled or timed out.";
    ADMIN_SHUTDOWN = b"57P01", "The connection was ended by command or shutdown.";
    CRASH_SHUTDOWN = b"57P02", "The server ends all sessions after a crash.";
    CANNOT_CONNECT_NOW = b"57P03", "Starting up, shutting down or paused.";
    DATABASE_DROPPED = b"57P04", "The database was dropped.";
    IDLE_SESSION_TIMEOUT = b"57P05", "The session idled for too long.";
    SYSTEM_ERROR = b"58000", "An error outside of the program.";
    IO_ERROR = b"58030", "Input or output failed.";
    CONFIG_FILE_ERROR = b"F0000", "A configuration file has a mistake.";
    INTERNAL_ERROR = b"XX000", "A bug.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_is_well_formed_and_named_once() {
        let mut codes = NAMED.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), NAMED.len());
        for code in codes {
            assert_eq!(SqlState::from_bytes(code.as_str().as_bytes()), Some(code));
        }
    }

    #[test]
    fn a_code_of_another_shape_is_none() {
        for bytes in [&b""[..], b"4200", b"420001", b"42p05", b"42 05", b"42\xff05"] {
            assert_eq!(SqlState::from_bytes(bytes), None);
        }
    }

    #[test]
    fn a_code_shows_itself() {
        assert_eq!(SqlState::ADMIN_SHUTDOWN.to_string(), "57P01");
        assert_eq!(format!("{:?}", SqlState::ADMIN_SHUTDOWN), "SqlState(57P01)");
        assert_eq!(&SqlState::ADMIN_SHUTDOWN.class(), b"57");
    }
}
