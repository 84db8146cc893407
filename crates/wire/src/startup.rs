//! The first packet of a connection, which has no tag. Manual: "Start-up", "Message Formats".
//!
//! It comes from someone who has proven nothing, so its length is judged before anything else, and everything in it
//! has a limit. Judging who may log in is not done here.

mod options;

pub use options::{OptionsError, Setting, parse_options};

use crate::backend::{SECRET_BYTES_MAX, SECRET_BYTES_MIN};
use crate::frame::cstr;
use crate::sqlstate::SqlState;
use thiserror::Error;

/// Fewest bytes of a first packet: its length and a code.
pub const PACKET_BYTES_MIN: usize = 8;
/// Most bytes of a first packet.
pub const PACKET_BYTES_MAX: usize = 10_000;
/// Most bytes of a user's or database's name. PostgreSQL cuts names at 63 itself.
pub const IDENTITY_BYTES_MAX: usize = 255;
/// Most pairs in a startup packet, and most settings in `options`.
pub const SETTINGS_MAX: usize = 256;
/// The newest minor version of protocol 3 that is spoken here.
pub const MINOR_NEWEST: u16 = 2;

const SSL_CODE: u32 = 80_877_103;
const GSS_ENC_CODE: u32 = 80_877_104;
const CANCEL_CODE: u32 = 80_877_102;

/// Why a first packet is refused. The texts are PostgreSQL's where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartupError {
    /// Outside of [`PACKET_BYTES_MIN`] and [`PACKET_BYTES_MAX`], or not what the request takes.
    #[error("invalid length of startup packet: {bytes} bytes")]
    Length {
        /// The length as it stood on the wire, or the bytes given.
        bytes: u64,
    },
    /// Not protocol 3.
    #[error("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{MINOR_NEWEST}")]
    Version {
        /// What was asked for.
        major: u16,
        /// What was asked for.
        minor: u16,
    },
    /// The pairs do not end with one empty name, at the end.
    #[error("invalid startup packet layout: expected terminator as last byte")]
    Layout,
    /// The user's name is missing or empty.
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    /// A user's or database's name above [`IDENTITY_BYTES_MAX`].
    #[error("{field} name in startup packet has {bytes} bytes; the limit is {bytes_max}")]
    NameTooLong {
        /// `user` or `database`.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Neither a boolean nor `database`.
    #[error("invalid value for parameter \"replication\": \"{value}\"")]
    Replication {
        /// The beginning of what stood there.
        value: String,
    },
    /// More than [`SETTINGS_MAX`] pairs.
    #[error("startup packet has more than {settings_max} parameters")]
    TooManySettings {
        /// The limit.
        settings_max: usize,
    },
}

impl StartupError {
    /// The code that a client is told.
    pub const fn code(&self) -> SqlState {
        match self {
            Self::Length { .. } | Self::Layout => SqlState::PROTOCOL_VIOLATION,
            Self::Version { .. } => SqlState::FEATURE_NOT_SUPPORTED,
            Self::NoUser | Self::NameTooLong { .. } => SqlState::INVALID_AUTHORIZATION,
            Self::Replication { .. } => SqlState::INVALID_PARAMETER_VALUE,
            Self::TooManySettings { .. } => SqlState::PROGRAM_LIMIT_EXCEEDED,
        }
    }
}

/// How long the first packet is, from its first four bytes. `Ok(None)`: they are not all here.
///
/// # Errors
/// A length outside of the limits; a TLS or HTTP greeting is one of these.
pub fn first_packet_len(bytes: &[u8]) -> Result<Option<usize>, StartupError> {
    let Some(length) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length);
    match usize::try_from(length) {
        Ok(bytes) if (PACKET_BYTES_MIN..=PACKET_BYTES_MAX).contains(&bytes) => Ok(Some(bytes)),
        _ => Err(StartupError::Length { bytes: u64::from(length) }),
    }
}

/// The first packet of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First<'a> {
    /// May we use TLS?
    SslRequest,
    /// May we use GSSAPI encryption?
    GssEncRequest,
    /// Cancel what another connection does.
    Cancel {
        /// The first half of that connection's key.
        pid: u32,
        /// The second half.
        secret: &'a [u8],
    },
    /// Log me in.
    Startup(Startup<'a>),
}

impl<'a> First<'a> {
    /// Reads a whole packet, length included.
    ///
    /// # Errors
    /// All of [`StartupError`].
    pub fn read(packet: &'a [u8]) -> Result<Self, StartupError> {
        let wrong_length = StartupError::Length { bytes: packet.len() as u64 };
        if first_packet_len(packet)? != Some(packet.len()) {
            return Err(wrong_length);
        }
        let (Some(code), Some(rest)) = (packet.get(4..).and_then(<[u8]>::first_chunk::<4>), packet.get(8..))
        else {
            return Err(wrong_length);
        };
        match u32::from_be_bytes(*code) {
            SSL_CODE if rest.is_empty() => Ok(Self::SslRequest),
            GSS_ENC_CODE if rest.is_empty() => Ok(Self::GssEncRequest),
            SSL_CODE | GSS_ENC_CODE => Err(wrong_length),
            CANCEL_CODE => {
                let (pid, secret) = rest.split_first_chunk::<4>().ok_or(wrong_length.clone())?;
                if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len()) {
                    return Err(wrong_length);
                }
                Ok(Self::Cancel { pid: u32::from_be_bytes(*pid), secret })
            }
            version => {
                let (major, minor) = ((version >> 16) as u16, version as u16);
                if major != 3 {
                    return Err(StartupError::Version { major, minor });
                }
                Startup::read(minor, rest).map(Self::Startup)
            }
        }
    }
}

/// The minor version that is spoken with a client that asked for `minor`: never more than it asked for, never more
/// than [`MINOR_NEWEST`]. 3.1 was never released and counts as 3.0.
pub const fn negotiated(minor: u16) -> u16 {
    match minor {
        0 | 1 => 0,
        MINOR_NEWEST.. => MINOR_NEWEST,
    }
}

/// What kind of connection is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replication {
    /// An ordinary one.
    #[default]
    No,
    /// Physical replication: no database.
    Physical,
    /// Logical replication: a walsender connected to a database.
    Database,
}

impl Replication {
    /// As PostgreSQL reads it: `database`, or a boolean, of which the beginning is enough.
    fn read(value: &[u8]) -> Option<Self> {
        if value == b"database" {
            return Some(Self::Database);
        }
        let value = value.to_ascii_lowercase();
        let begins = |word: &[u8], least: usize| value.len() >= least && word.starts_with(&value);
        if begins(b"true", 1) || begins(b"yes", 1) || begins(b"on", 2) || value == b"1" {
            Some(Self::Physical)
        } else if begins(b"false", 1) || begins(b"no", 1) || begins(b"off", 2) || value == b"0" {
            Some(Self::No)
        } else {
            None
        }
    }
}

/// A client's wish to log in. Of duplicates, the last one counts, as in PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup<'a> {
    /// The minor version that the client asks for.
    pub minor: u16,
    /// Never empty.
    pub user: &'a [u8],
    /// The user's name where the packet names no database.
    pub database: &'a [u8],
    /// Ordinary or replication.
    pub replication: Replication,
    /// `options`, not yet parsed: see [`parse_options`].
    pub options: Option<&'a [u8]>,
    /// `application_name`; it is also among `settings`.
    pub application_name: Option<&'a [u8]>,
    /// All other pairs in order, each name once. Names of settings do not mind case.
    pub settings: Vec<(&'a [u8], &'a [u8])>,
    /// Names that begin with `_pq_.`: protocol options, none of which is known here.
    pub unrecognized: Vec<&'a [u8]>,
}

impl<'a> Startup<'a> {
    fn read(minor: u16, pairs: &'a [u8]) -> Result<Self, StartupError> {
        let mut this = Self {
            minor,
            user: b"",
            database: b"",
            replication: Replication::No,
            options: None,
            application_name: None,
            settings: Vec::new(),
            unrecognized: Vec::new(),
        };
        let mut rest = pairs;
        for _ in 0..=SETTINGS_MAX {
            let (name, more) = cstr(rest).ok_or(StartupError::Layout)?;
            if name.is_empty() {
                return if more.is_empty() { this.checked() } else { Err(StartupError::Layout) };
            }
            let (value, more) = cstr(more).ok_or(StartupError::Layout)?;
            this.take(name, value)?;
            rest = more;
        }
        Err(StartupError::TooManySettings { settings_max: SETTINGS_MAX })
    }

    fn take(&mut self, name: &'a [u8], value: &'a [u8]) -> Result<(), StartupError> {
        match name {
            b"user" => self.user = value,
            b"database" => self.database = value,
            b"options" => self.options = Some(value),
            b"replication" => {
                self.replication = Replication::read(value).ok_or_else(|| StartupError::Replication {
                    value: String::from_utf8_lossy(value.get(..63).unwrap_or(value)).into_owned(),
                })?;
            }
            _ if name.starts_with(b"_pq_.") => self.unrecognized.push(name),
            _ => {
                if name.eq_ignore_ascii_case(b"application_name") {
                    self.application_name = Some(value);
                }
                self.settings.retain(|(earlier, _)| !earlier.eq_ignore_ascii_case(name));
                self.settings.push((name, value));
            }
        }
        Ok(())
    }

    fn checked(mut self) -> Result<Self, StartupError> {
        if self.user.is_empty() {
            return Err(StartupError::NoUser);
        }
        if self.database.is_empty() {
            self.database = self.user;
        }
        for (field, name) in [("user", self.user), ("database", self.database)] {
            if name.len() > IDENTITY_BYTES_MAX {
                return Err(StartupError::NameTooLong {
                    field,
                    bytes: name.len(),
                    bytes_max: IDENTITY_BYTES_MAX,
                });
            }
        }
        Ok(self)
    }

    /// Whether NegotiateProtocolVersion is owed: the version spoken is not the one asked for, or the packet has
    /// protocol options that are not known here.
    pub fn needs_negotiation(&self) -> bool {
        negotiated(self.minor) != self.minor || !self.unrecognized.is_empty()
    }

    /// All settings that the client brings, each name once: those of `options`, overridden by those of the packet.
    ///
    /// # Errors
    /// `options` that PostgreSQL would refuse too, or that are not settings.
    pub fn all_settings(&self) -> Result<Vec<Setting>, OptionsError> {
        let mut all = parse_options(self.options.unwrap_or_default())?;
        all.retain(|(early, _)| !self.settings.iter().any(|(late, _)| late.eq_ignore_ascii_case(early)));
        all.extend(self.settings.iter().map(|(name, value)| (name.to_vec(), value.to_vec())));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{self, Version};

    fn packet(minor: u16, pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        encode::startup(&mut out, Version { major: 3, minor }, pairs.iter().copied());
        out
    }

    fn startup(bytes: &[u8]) -> Result<Startup<'_>, StartupError> {
        match First::read(bytes)? {
            First::Startup(startup) => Ok(startup),
            other => panic!("not a startup packet: {other:?}"),
        }
    }

    const USER: (&[u8], &[u8]) = (b"user", b"alice");

    #[test]
    fn the_length_is_judged_from_four_bytes() {
        assert_eq!(first_packet_len(b"\0\0\0"), Ok(None));
        assert_eq!(first_packet_len(b"\0\0\0\x08"), Ok(Some(8)));
        assert_eq!(first_packet_len(&10_000u32.to_be_bytes()), Ok(Some(10_000)));
        for bytes in [0, 7, 10_001, u32::MAX] {
            let refused = Err(StartupError::Length { bytes: bytes.into() });
            assert_eq!(first_packet_len(&bytes.to_be_bytes()), refused);
        }
        assert!(first_packet_len(b"\x16\x03\x01\x02\0\x01").is_err(), "a TLS greeting");
        assert!(first_packet_len(b"GET / HTTP/1.1").is_err());
    }

    #[test]
    fn requests_for_encryption_have_no_body() {
        assert_eq!(First::read(encode::SSL_REQUEST), Ok(First::SslRequest));
        assert_eq!(First::read(encode::GSS_ENC_REQUEST), Ok(First::GssEncRequest));
        assert_eq!(First::read(b"\0\0\0\x09\x04\xd2\x16\x2fx"), Err(StartupError::Length { bytes: 9 }));
        assert_eq!(First::read(b"\0\0\0\x08\x04\xd2"), Err(StartupError::Length { bytes: 6 }));
    }

    #[test]
    fn a_cancel_request_has_a_secret_of_4_to_256_bytes() {
        for (bytes, taken) in [(0, false), (3, false), (4, true), (32, true), (256, true), (257, false)] {
            let mut packet = Vec::new();
            let secret = vec![9; bytes];
            encode::cancel_request(&mut packet, 0xffff_fff0, &secret);
            let read = First::read(&packet);
            if taken {
                assert_eq!(read, Ok(First::Cancel { pid: 0xffff_fff0, secret: &secret }));
            } else {
                assert_eq!(read, Err(StartupError::Length { bytes: packet.len() as u64 }));
            }
        }
    }

    #[test]
    fn only_protocol_three_is_spoken() {
        assert_eq!(
            First::read(b"\0\0\0\x09\0\x02\0\0\0").map_err(|e| e.to_string()),
            Err("unsupported frontend protocol 2.0: server supports 3.0 to 3.2".to_owned())
        );
        assert!(matches!(
            First::read(b"\0\0\0\x09\0\x04\0\0\0"),
            Err(StartupError::Version { major: 4, minor: 0 })
        ));
    }

    #[test]
    fn a_missing_or_empty_database_is_the_users() {
        let bytes = packet(0, &[USER]);
        let read = startup(&bytes).expect("it is well formed");
        assert_eq!((read.user, read.database, read.minor), (&b"alice"[..], &b"alice"[..], 0));
        let bytes = packet(0, &[USER, (b"database", b"shop"), (b"database", b"")]);
        assert_eq!(startup(&bytes).map(|s| s.database), Ok(&b"alice"[..]));
    }

    #[test]
    fn a_missing_or_empty_user_is_refused_with_postgresqls_text() {
        for bytes in [packet(0, &[]), packet(0, &[(b"user", b""), (b"database", b"x")])] {
            let error = startup(&bytes).expect_err("it has no user");
            assert_eq!(error.to_string(), "no PostgreSQL user name specified in startup packet");
            assert_eq!(error.code(), SqlState::INVALID_AUTHORIZATION);
        }
    }

    #[test]
    fn the_terminator_stands_at_the_end_and_nowhere_else() {
        let whole = packet(0, &[USER, (b"database", b"shop")]);
        let mut longer = whole.clone();
        longer.push(b'x');
        let mut shorter = whole.clone();
        shorter.pop();
        let mut halved = whole[..whole.len() - 2].to_vec();
        for bytes in [&mut longer, &mut shorter, &mut halved] {
            bytes[3] = bytes.len() as u8;
            assert_eq!(startup(bytes), Err(StartupError::Layout));
        }
    }

    #[test]
    fn the_last_of_duplicates_wins_whatever_its_case() {
        let bytes = packet(
            0,
            &[
                (b"TimeZone", b"UTC"),
                (b"user", b"bob"),
                (b"application_name", b"a"),
                (b"timezone", b"CET"),
                USER,
                (b"Application_Name", b"b"),
            ],
        );
        let read = startup(&bytes).expect("it is well formed");
        assert_eq!(read.user, b"alice");
        assert_eq!(read.settings, [(&b"timezone"[..], &b"CET"[..]), (b"Application_Name", b"b")]);
        assert_eq!(read.application_name, Some(&b"b"[..]));
    }

    #[test]
    fn settings_of_the_packet_override_those_of_options() {
        let bytes =
            packet(0, &[(b"search_path", b"b"), USER, (b"options", b"-c search_path=a -c Work_mem=1MB")]);
        let read = startup(&bytes).expect("it is well formed");
        let all = read.all_settings().expect("the options are settings");
        assert_eq!(all, [(b"Work_mem".to_vec(), b"1MB".to_vec()), (b"search_path".to_vec(), b"b".to_vec())]);
    }

    #[test]
    fn replication_is_a_boolean_or_database() {
        let cases: [(&[u8], Option<Replication>); 13] = [
            (b"t", Some(Replication::Physical)),
            (b"TRU", Some(Replication::Physical)),
            (b"on", Some(Replication::Physical)),
            (b"1", Some(Replication::Physical)),
            (b"of", Some(Replication::No)),
            (b"n", Some(Replication::No)),
            (b"0", Some(Replication::No)),
            (b"database", Some(Replication::Database)),
            (b"Database", None),
            (b"o", None),
            (b"", None),
            (b"2", None),
            (b"trues", None),
        ];
        for (value, expected) in cases {
            let bytes = packet(0, &[USER, (b"replication", value)]);
            assert_eq!(startup(&bytes).map(|s| s.replication).ok(), expected, "{value:?}");
        }
    }

    #[test]
    fn unknown_minors_and_protocol_options_need_a_negotiation() {
        for (minor, spoken, needed) in [(0, 0, false), (1, 0, true), (2, 2, false), (3, 2, true)] {
            let bytes = packet(minor, &[USER]);
            assert_eq!(negotiated(minor), spoken);
            assert_eq!(startup(&bytes).map(|s| s.needs_negotiation()), Ok(needed));
        }
        let bytes = packet(0, &[USER, (b"_pq_.x", b"1")]);
        let read = startup(&bytes).expect("it is well formed");
        assert!(read.needs_negotiation() && read.settings.is_empty());
        assert_eq!(read.unrecognized, [b"_pq_.x"]);
    }

    #[test]
    fn long_names_and_many_settings_are_refused() {
        let bytes = packet(0, &[(b"user", &[b'x'; IDENTITY_BYTES_MAX + 1])]);
        assert!(matches!(startup(&bytes), Err(StartupError::NameTooLong { field: "user", .. })));
        let mut pairs = vec![(&b"a"[..], &b""[..]); SETTINGS_MAX - 1];
        pairs.push(USER);
        assert!(startup(&packet(0, &pairs)).is_ok());
        pairs.push(USER);
        assert!(matches!(startup(&packet(0, &pairs)), Err(StartupError::TooManySettings { .. })));
    }
}
