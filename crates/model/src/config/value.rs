//! Reading and printing one value, by its type. No sections, no files, no cross checks.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::secret::SecretText;
use super::words::{
    AuthType, CheckQuery, Host, Limit, ListenAddr, LogFormat, Octal, Own, Percent, PoolMode, ServerClean,
};
use crate::catalog::Kind;

mod units;

pub use units::{print_duration, print_size};

/// A value as somebody gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Untyped text: the command line, the environment, the console's SET, a default.
    Word(String),
    /// A string of the file.
    Text(String),
    /// A whole number of the file.
    Integer(i64),
    /// A boolean of the file.
    Switch(bool),
    /// A list of strings of the file.
    List(Vec<String>),
    /// Anything else of the file, by what it is called: `a table`, `a date`.
    Other(&'static str),
}

/// Why a value was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, without the value's place.
    pub problem: String,
    /// What to write instead.
    pub fix: Option<String>,
}

impl Refused {
    /// A problem and what to do about it.
    pub fn new(problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { problem: problem.into(), fix: Some(fix.into()) }
    }
}

/// A type that settings have.
pub trait Typed: Sized {
    /// What the documents call it.
    const KIND: Kind;
    /// Reads a value.
    fn read(given: &Given) -> Result<Self, Refused>;
    /// Prints a value so that [`Typed::read`] of it as a word gives it back; secrets print `***`.
    fn text(&self) -> String;
}

impl Given {
    /// The text of a word or string.
    fn as_text(&self, kind: Kind) -> Result<&str, Refused> {
        match self {
            Given::Word(text) | Given::Text(text) => Ok(text),
            Given::Integer(_) | Given::Switch(_) | Given::List(_) | Given::Other(_) => Err(self.not(kind)),
        }
    }

    /// "This is a number, but ... is expected".
    fn not(&self, kind: Kind) -> Refused {
        let is = match self {
            Given::Word(text) | Given::Text(text) => format!("the text {text:?}"),
            Given::Integer(number) => format!("the number {number}"),
            Given::Switch(switch) => format!("{switch}"),
            Given::List(_) => "a list".into(),
            Given::Other(what) => (*what).into(),
        };
        let fix = match (self, kind) {
            (Given::Integer(number), Kind::Text | Kind::Path | Kind::Host | Kind::Secret) => {
                format!("write \"{number}\"")
            }
            (Given::Integer(0 | 1), Kind::Switch) => {
                format!("write {}", matches!(self, Given::Integer(1)))
            }
            (Given::Text(text), Kind::Count | Kind::Limit) if text.trim().parse::<u32>().is_ok() => {
                format!("write {} without the quotes", text.trim())
            }
            (Given::Text(text), Kind::Switch) => match switch_of(text) {
                Some(switch) => format!("write {switch} without the quotes"),
                None => "write true or false".into(),
            },
            (_, Kind::Word(words)) if words.len() > 1 => format!("write one of {}", kind.words()),
            _ => format!("write {}", kind.words()),
        };
        Refused::new(format!("{is} stands where {} belongs", belongs(kind)), fix)
    }
}

/// The kind in as few words as a sentence needs.
fn belongs(kind: Kind) -> String {
    match kind {
        Kind::Duration | Kind::DurationOrOff => "a duration".into(),
        Kind::Size => "a size".into(),
        Kind::Count | Kind::Limit => "a whole number".into(),
        Kind::Percent => "a percentage".into(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::Secret => "a secret".into(),
        Kind::List => "a list of texts".into(),
        Kind::Octal => "a permission".into(),
        Kind::Path => "a path".into(),
        Kind::Addresses => "an address or a list of them".into(),
        Kind::SocketOrOff => "an address with a port".into(),
        Kind::Switch | Kind::Text | Kind::Host => kind.words(),
    }
}

fn switch_of(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "on" | "yes" | "true" | "t" => Some(true),
        "0" | "off" | "no" | "false" | "f" => Some(false),
        _ => None,
    }
}

impl Typed for bool {
    const KIND: Kind = Kind::Switch;
    fn read(given: &Given) -> Result<Self, Refused> {
        match given {
            Given::Switch(switch) => Ok(*switch),
            Given::Word(word) => switch_of(word).ok_or_else(|| given.not(Self::KIND)),
            Given::Text(_) | Given::Integer(_) | Given::List(_) | Given::Other(_) => {
                Err(given.not(Self::KIND))
            }
        }
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

/// A whole number of the file, or a word that is one, within a type's range.
fn whole(given: &Given, kind: Kind, max: u64) -> Result<u64, Refused> {
    let number: i128 = match given {
        Given::Integer(number) => i128::from(*number),
        Given::Word(word) => word.trim().parse().map_err(|_| given.not(kind))?,
        Given::Text(_) | Given::Switch(_) | Given::List(_) | Given::Other(_) => return Err(given.not(kind)),
    };
    u64::try_from(number).ok().filter(|&number| number <= max).ok_or_else(|| {
        Refused::new(format!("{number} is out of range"), format!("write a whole number from 0 to {max}"))
    })
}

impl Typed for u32 {
    const KIND: Kind = Kind::Count;
    fn read(given: &Given) -> Result<Self, Refused> {
        whole(given, Self::KIND, u64::from(u32::MAX)).map(|number| number as u32)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Typed for u16 {
    const KIND: Kind = Kind::Count;
    fn read(given: &Given) -> Result<Self, Refused> {
        whole(given, Self::KIND, u64::from(u16::MAX)).map(|number| number as u16)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Typed for u8 {
    const KIND: Kind = Kind::Count;
    fn read(given: &Given) -> Result<Self, Refused> {
        whole(given, Self::KIND, u64::from(u8::MAX)).map(|number| number as u8)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Typed for Limit {
    const KIND: Kind = Kind::Limit;
    fn read(given: &Given) -> Result<Self, Refused> {
        whole(given, Self::KIND, u64::from(u32::MAX)).map(|number| match number as u32 {
            0 => Limit::NONE,
            max => Limit(Some(max)),
        })
    }
    fn text(&self) -> String {
        self.0.unwrap_or(0).to_string()
    }
}

impl Typed for Duration {
    const KIND: Kind = Kind::Duration;
    fn read(given: &Given) -> Result<Self, Refused> {
        units::duration(given, Self::KIND)
    }
    fn text(&self) -> String {
        print_duration(*self)
    }
}

impl Typed for Option<Duration> {
    const KIND: Kind = Kind::DurationOrOff;
    fn read(given: &Given) -> Result<Self, Refused> {
        if let Given::Word(text) | Given::Text(text) = given
            && text.trim().eq_ignore_ascii_case("off")
        {
            return Ok(None);
        }
        if matches!(given, Given::Integer(0) | Given::Switch(false)) {
            return Err(Refused::new(given.not(Self::KIND).problem, "write \"off\""));
        }
        Ok(Some(units::duration(given, Self::KIND)?).filter(|duration| !duration.is_zero()))
    }
    fn text(&self) -> String {
        self.map_or_else(|| "off".into(), print_duration)
    }
}

/// Bytes.
impl Typed for u64 {
    const KIND: Kind = Kind::Size;
    fn read(given: &Given) -> Result<Self, Refused> {
        units::size(given, Self::KIND)
    }
    fn text(&self) -> String {
        print_size(*self)
    }
}

impl Typed for Percent {
    const KIND: Kind = Kind::Percent;
    fn read(given: &Given) -> Result<Self, Refused> {
        if let Given::Integer(number @ 0..=100) = given {
            return Err(Refused::new(given.not(Self::KIND).problem, format!("write \"{number}%\"")));
        }
        let text = given.as_text(Self::KIND)?;
        let number = text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse::<u8>().ok());
        number
            .filter(|&number| number <= 100)
            .map(Percent)
            .ok_or_else(|| Refused::new(format!("{text:?} is not a percentage"), "write \"0%\" to \"100%\""))
    }
    fn text(&self) -> String {
        format!("{}%", self.0)
    }
}

macro_rules! typed_words {
    ($($name:ident),*) => {$(
        impl Typed for $name {
            const KIND: Kind = Kind::Word($name::WORDS);
            fn read(given: &Given) -> Result<Self, Refused> {
                let text = given.as_text(Self::KIND)?;
                $name::from_word(text.trim()).ok_or_else(|| not_a_word(text, $name::WORDS))
            }
            fn text(&self) -> String {
                self.word().into()
            }
        }
    )*};
}
typed_words!(PoolMode, AuthType, ServerClean, LogFormat);

fn not_a_word(text: &str, words: &[&str]) -> Refused {
    if let Some(why) = crate::catalog::unbuilt::word(text) {
        return Refused::new(
            format!("{text:?} is not built yet: {why}"),
            format!("use {}", words.join(", ")),
        );
    }
    let all = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let fix = match super::suggest::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"? It is one of {all}"),
        None => format!("write one of {all}"),
    };
    Refused::new(format!("{text:?} is not known here"), fix)
}

impl Typed for Arc<str> {
    const KIND: Kind = Kind::Text;
    fn read(given: &Given) -> Result<Self, Refused> {
        let text = given.as_text(Self::KIND)?;
        if text.contains('\0') {
            return Err(Refused::new(
                "the text contains a zero byte",
                "leave it out: the protocol can't carry it",
            ));
        }
        Ok(text.into())
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Typed for Option<Arc<str>> {
    const KIND: Kind = Kind::Text;
    fn read(given: &Given) -> Result<Self, Refused> {
        Ok(Some(<Arc<str> as Typed>::read(given)?).filter(|text| !text.is_empty()))
    }
    fn text(&self) -> String {
        self.as_deref().unwrap_or("").into()
    }
}

impl Typed for Vec<Arc<str>> {
    const KIND: Kind = Kind::List;
    fn read(given: &Given) -> Result<Self, Refused> {
        Ok(items(given, Self::KIND)?.into_iter().map(Arc::from).collect())
    }
    fn text(&self) -> String {
        self.join(", ")
    }
}

/// The parts of a list, or of a text with commas; empty parts are left out.
fn items(given: &Given, kind: Kind) -> Result<Vec<&str>, Refused> {
    let parts: Vec<&str> = match given {
        Given::Word(text) | Given::Text(text) => text.split(',').collect(),
        Given::List(list) => list.iter().map(String::as_str).collect(),
        Given::Integer(_) | Given::Switch(_) | Given::Other(_) => return Err(given.not(kind)),
    };
    Ok(parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect())
}

impl Typed for Option<PathBuf> {
    const KIND: Kind = Kind::Path;
    fn read(given: &Given) -> Result<Self, Refused> {
        let text = given.as_text(Self::KIND)?;
        Ok(Some(text).filter(|text| !text.is_empty()).map(PathBuf::from))
    }
    fn text(&self) -> String {
        self.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }
}

impl Typed for Octal {
    const KIND: Kind = Kind::Octal;
    fn read(given: &Given) -> Result<Self, Refused> {
        if let Given::Integer(number) = given {
            return Err(Refused::new(given.not(Self::KIND).problem, format!("write \"{number:04}\"")));
        }
        let text = given.as_text(Self::KIND)?;
        let digits = text.trim();
        u32::from_str_radix(digits, 8)
            .ok()
            .filter(|&bits| bits <= 0o777 && !digits.starts_with('+'))
            .map(Octal)
            .ok_or_else(|| {
                Refused::new(format!("{text:?} is not a permission"), "write octal digits like \"0770\"")
            })
    }
    fn text(&self) -> String {
        format!("{:04o}", self.0)
    }
}

impl Typed for Vec<ListenAddr> {
    const KIND: Kind = Kind::Addresses;
    fn read(given: &Given) -> Result<Self, Refused> {
        items(given, Self::KIND)?.into_iter().map(listen_addr).collect()
    }
    fn text(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

fn listen_addr(text: &str) -> Result<ListenAddr, Refused> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare {
        "*" => return Ok(ListenAddr::Any),
        "localhost" => return Ok(ListenAddr::Localhost),
        _ => {}
    }
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(ListenAddr::Ip(ip));
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        let fix = format!("write \"{}\" here and listen_port = {}", socket.ip(), socket.port());
        return Err(Refused::new(format!("{text:?} has a port"), fix));
    }
    let fix = "write an IP address, \"localhost\", or \"*\" for every address of this machine";
    Err(Refused::new(format!("{text:?} is not an address of this machine"), fix))
}

impl Typed for Option<SocketAddr> {
    const KIND: Kind = Kind::SocketOrOff;
    fn read(given: &Given) -> Result<Self, Refused> {
        if let Given::Integer(port @ 0..=65535) = given {
            return Err(Refused::new(given.not(Self::KIND).problem, format!("write \"127.0.0.1:{port}\"")));
        }
        let text = given.as_text(Self::KIND)?.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let named = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let starred = text.strip_prefix("*:").map(|port| format!("0.0.0.0:{port}"));
        let numeric = named.or(starred).unwrap_or_else(|| text.to_owned());
        numeric.parse().map(Some).map_err(|_| {
            Refused::new(
                format!("{text:?} is not an address with a port"),
                "write \"127.0.0.1:9930\" or \"off\"",
            )
        })
    }
    fn text(&self) -> String {
        self.map_or_else(|| "off".into(), |socket| socket.to_string())
    }
}

impl Typed for Host {
    const KIND: Kind = Kind::Host;
    fn read(given: &Given) -> Result<Self, Refused> {
        let text = given.as_text(Self::KIND)?.trim();
        if text.starts_with('/') || text.starts_with('@') {
            return Ok(Host::Unix(PathBuf::from(text)));
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Host::Ip(ip));
        }
        host_name(text).map(Host::Name)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

fn host_name(text: &str) -> Result<Arc<str>, Refused> {
    if text.is_empty() {
        return Err(Refused::new(
            "the host is empty",
            "write the server's name, its address, or the directory of its unix socket",
        ));
    }
    if text.contains(',') {
        let fix = "write one [server.NAME] for each: a server is one PostgreSQL";
        return Err(Refused::new(format!("{text:?} names several hosts"), fix));
    }
    if text.contains("://") {
        let fix = "write host, port and the rest apart, or start with --server URL instead of a file";
        return Err(Refused::new("a URL stands where a host belongs", fix));
    }
    if let Some((host, port)) = text.split_once(':')
        && port.parse::<u16>().is_ok()
    {
        return Err(Refused::new(
            format!("{text:?} has a port"),
            format!("write host = {host:?} and port = {port}"),
        ));
    }
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.chars().find(|&c| !known(c)) {
        Some(odd) => Err(Refused::new(
            format!("a host name can't contain {odd:?}"),
            "write a host name like \"db.internal\"",
        )),
        None => Ok(text.into()),
    }
}

impl Typed for CheckQuery {
    const KIND: Kind = Kind::Text;
    fn read(given: &Given) -> Result<Self, Refused> {
        let sql = <Arc<str> as Typed>::read(given)?;
        Ok(match &*sql {
            "" => CheckQuery::Off,
            "<empty>" => CheckQuery::Empty,
            _ => CheckQuery::Sql(sql),
        })
    }
    fn text(&self) -> String {
        match self {
            CheckQuery::Off => String::new(),
            CheckQuery::Empty => "<empty>".into(),
            CheckQuery::Sql(sql) => sql.to_string(),
        }
    }
}

impl Typed for Option<SecretText> {
    const KIND: Kind = Kind::Secret;
    fn read(given: &Given) -> Result<Self, Refused> {
        // The value must not be quoted in the refusal: whatever it is, it was meant as a secret.
        match given {
            Given::Word(text) | Given::Text(text) if text.contains('\0') => Err(Refused::new(
                "the secret contains a zero byte",
                "leave it out: the protocol can't carry it",
            )),
            Given::Word(text) | Given::Text(text) => {
                Ok(Some(text).filter(|text| !text.is_empty()).map(|text| SecretText::new(text.clone())))
            }
            Given::Integer(_) => {
                Err(Refused::new("a number stands where a secret belongs", "put it between quotes"))
            }
            Given::Switch(_) | Given::List(_) | Given::Other(_) => {
                Err(Refused::new("this is not a secret", format!("write {}", Self::KIND.words())))
            }
        }
    }
    fn text(&self) -> String {
        if self.is_some() { "***".into() } else { String::new() }
    }
}

impl<T: Typed> Typed for Own<T> {
    const KIND: Kind = T::KIND;
    fn read(given: &Given) -> Result<Self, Refused> {
        if matches!(given, Given::Word(word) if word.is_empty()) {
            return Ok(Own(None));
        }
        T::read(given).map(|value| Own(Some(value)))
    }
    fn text(&self) -> String {
        self.0.as_ref().map_or_else(String::new, Typed::text)
    }
}
