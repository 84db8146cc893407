//! SQLSTATE 53300: which of the limits was hit. Told by the server's routine, which is not translated, and by its text.

use std::time::Duration;

use super::ServerError;

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No slot at all, reserved ones included. Said before anybody is asked who he is.
    EverySlot,
    /// What is left is reserved for superusers or members of `pg_use_reserved_connections`.
    OnlyReserved,
    /// The role's CONNECTION LIMIT.
    Role,
    /// The database's CONNECTION LIMIT.
    Database,
    /// The slots of walsenders.
    Walsenders,
    /// A pooler's limit, or one we don't know.
    Other,
}

impl Kind {
    /// Reads a refusal with SQLSTATE 53300.
    pub fn of(error: &ServerError) -> Self {
        let says = |text: &str| error.message.starts_with(text);
        match error.routine.as_deref() {
            _ if says("sorry, too many clients") => Self::EverySlot,
            _ if says("remaining connection slots are reserved") => Self::OnlyReserved,
            _ if says("too many connections for role") => Self::Role,
            _ if says("too many connections for database") => Self::Database,
            _ if says("number of requested standby connections") => Self::Walsenders,
            Some("InitializeSessionUserId") => Self::Role,
            Some("CheckMyDatabase") => Self::Database,
            Some("InitPostgres") => Self::OnlyReserved,
            Some("InitProcess" | "ProcArrayAdd" | "ProcessStartupPacket" | "BackendInitialize") => {
                Self::EverySlot
            }
            Some(_) | None => Self::Other,
        }
    }

    /// What that means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::EverySlot => {
                "every slot is taken, the reserved ones too: the application logs in as a superuser, nothing is reserved, or many logins are half done"
            }
            Self::OnlyReserved => {
                "the slots that ordinary roles can have are taken; only reserved ones are left"
            }
            Self::Role => {
                "the role has as many sessions as its CONNECTION LIMIT allows; the server itself has room"
            }
            Self::Database => {
                "the database has as many sessions as its CONNECTION LIMIT allows; the server itself has room"
            }
            Self::Walsenders => "all slots of walsenders (max_wal_senders) are taken",
            Self::Other => "whoever answers has reached its own limit",
        }
    }

    /// What to do.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::EverySlot | Self::Walsenders => {
                "log in with a role that has REPLICATION or is a superuser (such a login has slots of its own), or wait with --wait-slot 30s"
            }
            Self::OnlyReserved => {
                "log in with -U and a superuser, a role with REPLICATION or (16 and later) a member of pg_use_reserved_connections, or wait with --wait-slot 30s"
            }
            Self::Role => {
                "log in with another role, or wait with --wait-slot 30s; ALTER ROLE ... CONNECTION LIMIT changes it"
            }
            Self::Database => {
                "log in to another database (--dbname postgres), or wait with --wait-slot 30s; ALTER DATABASE ... CONNECTION LIMIT changes it"
            }
            Self::Other => "wait with --wait-slot 30s, or log in to the server itself, past the pooler",
        }
    }
}

/// A server that is full, and what was tried against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// What it said to an ordinary login.
    pub error: ServerError,
    /// What it said to a walsender, where that was tried.
    pub walsender: Option<String>,
    /// How long a slot was waited for.
    pub waited: Duration,
}

impl Full {
    /// Which limit.
    pub fn kind(&self) -> Kind {
        Kind::of(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(message: &str, routine: Option<&str>) -> Kind {
        Kind::of(&ServerError {
            severity: "FATAL".into(),
            sqlstate: "53300".into(),
            message: message.into(),
            detail: None,
            hint: None,
            routine: routine.map(str::to_owned),
        })
    }

    #[test]
    fn each_limit_is_told_by_its_text_and_in_other_tongues_by_the_routine() {
        let cases = [
            ("sorry, too many clients already", "InitProcess", Kind::EverySlot),
            (
                "remaining connection slots are reserved for non-replication superuser connections",
                "InitPostgres",
                Kind::OnlyReserved,
            ),
            ("too many connections for role \"app\"", "InitializeSessionUserId", Kind::Role),
            ("too many connections for database \"shop\"", "CheckMyDatabase", Kind::Database),
        ];
        for (message, routine, expected) in cases {
            assert_eq!(kind(message, None), expected, "{message}");
            assert_eq!(kind("zu viele Verbindungen", Some(routine)), expected, "{routine}");
        }
        let walsenders = "number of requested standby connections exceeds max_wal_senders (currently 1)";
        assert_eq!(kind(walsenders, Some("InitProcess")), Kind::Walsenders);
        assert_eq!(kind("no more connections allowed", None), Kind::Other);
    }
}
