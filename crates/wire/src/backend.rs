//! Readers for the bodies of a server's messages. Manual: "Message Formats" and "Error and Notice Message Fields".
//!
//! A server is outside, like a client: a body that does not fit gives `None`, and every field of an error is
//! optional. Nothing is copied. Bodies are passed without their five bytes of header.

use crate::frame::cstr;
use crate::sqlstate::SqlState;

/// The letter in ReadyForQuery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TxStatus {
    /// No transaction.
    Idle,
    /// In a transaction block.
    InTransaction,
    /// In a transaction block that failed.
    Failed,
}

impl TxStatus {
    /// Reads the letter.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'I' => Some(Self::Idle),
            b'T' => Some(Self::InTransaction),
            b'E' => Some(Self::Failed),
            _ => None,
        }
    }

    /// The letter on the wire.
    #[inline]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::InTransaction => b'T',
            Self::Failed => b'E',
        }
    }
}

/// Reads ReadyForQuery.
#[inline]
pub fn ready_for_query(body: &[u8]) -> Option<TxStatus> {
    let [byte] = *body else { return None };
    TxStatus::from_byte(byte)
}

/// Reads ParameterStatus: name and value, without their NULs.
pub fn parameter_status(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = cstr(body)?;
    let (value, rest) = cstr(rest)?;
    rest.is_empty().then_some((name, value))
}

/// Reads the tag of CommandComplete, without its NUL.
#[inline]
pub fn command_tag(body: &[u8]) -> Option<&[u8]> {
    let tag = body.strip_suffix(&[0])?;
    (!tag.contains(&0)).then_some(tag)
}

/// Fewest bytes of a cancel key's secret; the only length before protocol 3.2.
pub const SECRET_BYTES_MIN: usize = 4;
/// Most bytes of a cancel key's secret (protocol 3.2).
pub const SECRET_BYTES_MAX: usize = 256;

/// Reads BackendKeyData: process id and secret.
pub fn backend_key(body: &[u8]) -> Option<(u32, &[u8])> {
    let (pid, secret) = body.split_first_chunk::<4>()?;
    (SECRET_BYTES_MIN..=SECRET_BYTES_MAX)
        .contains(&secret.len())
        .then_some((u32::from_be_bytes(*pid), secret))
}

/// The fields of an ErrorResponse or NoticeResponse, read when asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Wraps a body. Cannot fail: a malformed body is one that has fewer fields.
    #[inline]
    pub const fn parse(body: &'a [u8]) -> Self {
        Self { body }
    }

    /// All fields in order: their letter, and their text without NUL. Ends where the body ends or stops making sense.
    #[inline]
    pub const fn iter(&self) -> FieldsIter<'a> {
        FieldsIter { rest: self.body }
    }

    /// The first field of this letter.
    pub fn field(&self, letter: u8) -> Option<&'a [u8]> {
        self.iter().find(|(l, _)| *l == letter).map(|(_, text)| text)
    }

    /// `V`, which is never translated (since 9.6), else `S`.
    pub fn severity(&self) -> Option<&'a [u8]> {
        self.field(b'V').or_else(|| self.field(b'S'))
    }

    /// Whether the sender ends the connection: severity FATAL or PANIC.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity(), Some(b"FATAL" | b"PANIC"))
    }

    /// `C`, where it is well formed.
    pub fn code(&self) -> Option<SqlState> {
        SqlState::from_bytes(self.field(b'C')?)
    }

    /// `M`, the message for people.
    pub fn message(&self) -> Option<&'a [u8]> {
        self.field(b'M')
    }

    /// `D`, the detail.
    pub fn detail(&self) -> Option<&'a [u8]> {
        self.field(b'D')
    }

    /// `H`, the hint.
    pub fn hint(&self) -> Option<&'a [u8]> {
        self.field(b'H')
    }

    /// `R`, the routine in the server's source.
    pub fn routine(&self) -> Option<&'a [u8]> {
        self.field(b'R')
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = (u8, &'a [u8]);
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> FieldsIter<'a> {
        self.iter()
    }
}

/// See [`Fields::iter`].
#[derive(Clone, Debug)]
pub struct FieldsIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&letter, rest) = self.rest.split_first()?;
        self.rest = &[];
        if letter == 0 {
            return None;
        }
        let (text, rest) = cstr(rest)?;
        self.rest = rest;
        Some((letter, text))
    }
}

/// What a server asks for while it logs us in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// We are in.
    Ok,
    /// The password as it is.
    CleartextPassword,
    /// An MD5 of password, user and salt.
    Md5 {
        /// Four bytes, fresh for each login.
        salt: [u8; 4],
    },
    /// Choose one of these.
    Sasl {
        /// In the server's order of preference.
        mechanisms: Texts<'a>,
    },
    /// The server's next word in the chosen mechanism.
    SaslContinue(&'a [u8]),
    /// The server's last word.
    SaslFinal(&'a [u8]),
    /// Kerberos, GSSAPI, SSPI and what may come: not spoken here.
    Other(u32),
}

impl<'a> Authentication<'a> {
    /// Reads the body of an Authentication message.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (kind, rest) = body.split_first_chunk::<4>()?;
        match u32::from_be_bytes(*kind) {
            0 => rest.is_empty().then_some(Self::Ok),
            3 => rest.is_empty().then_some(Self::CleartextPassword),
            5 => Some(Self::Md5 { salt: rest.try_into().ok()? }),
            10 => Some(Self::Sasl { mechanisms: Texts { rest } }),
            11 => Some(Self::SaslContinue(rest)),
            12 => Some(Self::SaslFinal(rest)),
            other => Some(Self::Other(other)),
        }
    }
}

/// A run of NUL-ended texts; ends at an empty one, at the end, or where a NUL is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Texts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = cstr(self.rest)?;
        self.rest = rest;
        (!text.is_empty()).then_some(text)
    }
}

/// What NegotiateProtocolVersion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiation<'a> {
    /// The newest minor version that the server speaks.
    pub minor: u16,
    /// The `_pq_.` options that it does not know. Fewer than it announced where the body is short.
    pub unrecognized: Texts<'a>,
}

/// Reads NegotiateProtocolVersion.
///
/// The manual says "newest minor version"; servers send the whole version (0x0003_0000 + minor). Both are taken.
pub fn negotiate(body: &[u8]) -> Option<Negotiation<'_>> {
    let (version, rest) = body.split_first_chunk::<4>()?;
    let (_count, rest) = rest.split_first_chunk::<4>()?;
    let [_, major, minor @ ..] = *version;
    matches!(major, 0 | 3)
        .then_some(Negotiation { minor: u16::from_be_bytes(minor), unrecognized: Texts { rest } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_letters_round_trip_and_others_are_none() {
        let known: Vec<u8> = (0..=255).filter(|b| TxStatus::from_byte(*b).is_some()).collect();
        assert_eq!(known, b"EIT");
        assert!(known.iter().all(|b| ready_for_query(&[*b]).map(TxStatus::byte) == Some(*b)));
        assert_eq!(ready_for_query(b""), None);
        assert_eq!(ready_for_query(b"II"), None);
    }

    #[test]
    fn a_parameter_is_two_texts_and_nothing_more() {
        assert_eq!(parameter_status(b"TimeZone\0UTC\0"), Some((&b"TimeZone"[..], &b"UTC"[..])));
        assert_eq!(parameter_status(b"a\0\0"), Some((&b"a"[..], &b""[..])));
        for body in [&b""[..], b"a", b"a\0", b"a\0b", b"a\0b\0c"] {
            assert_eq!(parameter_status(body), None);
        }
    }

    #[test]
    fn a_cancel_secret_has_4_to_256_bytes() {
        for (bytes, taken) in [(3, false), (4, true), (32, true), (256, true), (257, false)] {
            let mut body = vec![0, 0, 1, 2];
            body.resize(4 + bytes, 9);
            assert_eq!(backend_key(&body).is_some(), taken);
        }
        assert_eq!(backend_key(b"\0\0\x01\x02abcd"), Some((258, &b"abcd"[..])));
    }

    #[test]
    fn the_untranslated_severity_wins() {
        let fields = Fields::parse(b"SFATAAL\0VFATAL\0C57P01\0Mterminating\0Rquickdie\0\0");
        assert_eq!(fields.severity(), Some(&b"FATAL"[..]));
        assert!(fields.is_fatal());
        assert_eq!(fields.code(), Some(SqlState::ADMIN_SHUTDOWN));
        assert_eq!(fields.message(), Some(&b"terminating"[..]));
        assert_eq!(fields.routine(), Some(&b"quickdie"[..]));
        assert_eq!((fields.detail(), fields.hint()), (None, None));
        assert_eq!(fields.iter().count(), 5);
    }

    #[test]
    fn an_error_without_fields_or_with_garbage_has_none() {
        for body in [&b""[..], b"\0", b"M", b"Mno end", b"\0Mafter the end\0"] {
            let fields = Fields::parse(body);
            assert_eq!((fields.code(), fields.message(), fields.is_fatal()), (None, None, false));
        }
        assert_eq!(Fields::parse(b"Cabc\0Mx\0").code(), None);
    }

    #[test]
    fn authentication_requests_are_told_apart() {
        assert_eq!(Authentication::parse(b"\0\0\0\0"), Some(Authentication::Ok));
        assert_eq!(Authentication::parse(b"\0\0\0\x05abcd"), Some(Authentication::Md5 { salt: *b"abcd" }));
        assert_eq!(Authentication::parse(b"\0\0\0\x05abc"), None);
        assert_eq!(Authentication::parse(b"\0\0\0\x07"), Some(Authentication::Other(7)));
        assert_eq!(Authentication::parse(b"\0\0\0"), None);
        let Some(Authentication::Sasl { mechanisms }) =
            Authentication::parse(b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")
        else {
            panic!("no SASL request");
        };
        assert_eq!(mechanisms.collect::<Vec<_>>(), [&b"SCRAM-SHA-256-PLUS"[..], b"SCRAM-SHA-256"]);
    }

    #[test]
    fn a_negotiated_version_comes_whole_or_as_minor() {
        for version in [&b"\0\x03\0\x02"[..], b"\0\0\0\x02"] {
            let body = [version, b"\0\0\0\x01_pq_.x\0"].concat();
            let read = negotiate(&body).expect("it is well formed");
            assert_eq!((read.minor, read.unrecognized.collect::<Vec<_>>()), (2, vec![&b"_pq_.x"[..]]));
        }
        assert_eq!(negotiate(b"\0\x02\0\0\0\0\0\0"), None);
        assert_eq!(negotiate(b"\0\x03\0\0"), None);
    }
}
