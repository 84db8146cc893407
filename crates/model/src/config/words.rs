//! Settings whose value is one of a few words, and the small types that only settings have.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// The words, in the order of the documents.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            /// The word in the file.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
            /// The reverse of [`Self::word`], in any case.
            pub fn from_word(word: &str) -> Option<Self> {
                $(if word.eq_ignore_ascii_case($word) { return Some(Self::$variant); })*
                None
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.word()) }
        }
    };
}

words!(
    /// When a client gives its server back.
    PoolMode {
        /// When it disconnects.
        Session = "session",
        /// When its transaction ends.
        Transaction = "transaction",
        /// When its statement ends; transaction blocks are refused.
        Statement = "statement",
    }
);
words!(
    /// How a client proves who it is.
    AuthType {
        /// Not at all; the name must be known.
        Trust = "trust",
        /// With the password in clear text.
        Plain = "plain",
        /// With the salted MD5 exchange, or SCRAM where the stored secret is one.
        Md5 = "md5",
        /// With SCRAM.
        ScramSha256 = "scram-sha-256",
    }
);
words!(
    /// When a server's session state is cleaned at check-in, in transaction and statement mode.
    ServerClean {
        /// When the server's own replies say that something was left behind.
        Tainted = "tainted",
        /// Each time.
        Always = "always",
        /// Not at all.
        Never = "never",
    }
);
words!(
    /// The shape of a log line.
    LogFormat {
        /// For people.
        Human = "human",
        /// One JSON object per line.
        Json = "json",
        /// With the priority prefix that journald reads.
        Journal = "journal",
    }
);

/// A number of connections that may be open, or no limit at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Limit(pub Option<u32>);

impl Limit {
    /// No limit.
    pub const NONE: Limit = Limit(None);
    /// True when one more fits beside `present`.
    pub fn admits(self, present: u32) -> bool {
        self.0.is_none_or(|max| present < max)
    }
    /// The number, where there is one.
    pub const fn max(self) -> Option<u32> {
        self.0
    }
}

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddr {
    /// `*`: every address of the machine.
    Any,
    /// This address.
    Ip(IpAddr),
    /// `localhost`: the loopback addresses that exist.
    Localhost,
}

impl ListenAddr {
    /// True where only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match self {
            ListenAddr::Any => false,
            ListenAddr::Ip(ip) => ip.is_loopback(),
            ListenAddr::Localhost => true,
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddr::Any => f.write_str("*"),
            ListenAddr::Ip(ip) => ip.fmt(f),
            ListenAddr::Localhost => f.write_str("localhost"),
        }
    }
}

/// Where a server is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name to resolve.
    Name(Arc<str>),
    /// An address.
    Ip(IpAddr),
    /// The directory in which `.s.PGSQL.PORT` stands; a leading `@` means the abstract name space.
    Unix(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(ip) => ip.fmt(f),
            Host::Unix(dir) => dir.display().fmt(f),
        }
    }
}

/// What is asked of a server that rested longer than `server_check_delay`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckQuery {
    /// Nothing: it is lent as it is.
    Off,
    /// The empty query.
    Empty,
    /// This SQL.
    Sql(Arc<str>),
}

/// Permission bits of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octal(pub u32);

/// A share of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub u8);

/// A value that a narrower section may set: absent, the wider one decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own<T>(pub Option<T>);

impl<T: Clone> Own<T> {
    /// This value, else the other's.
    pub fn or(&self, wider: &Own<T>) -> Own<T> {
        Own(self.0.clone().or_else(|| wider.0.clone()))
    }
    /// This value, else the widest.
    pub fn over(&self, widest: &T) -> T {
        self.0.clone().unwrap_or_else(|| widest.clone())
    }
}
