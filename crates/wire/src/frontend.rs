//! Readers for the bodies of a client's messages. Manual: "Message Formats".
//!
//! As strict as PostgreSQL's own readers: nothing may be missing, nothing may follow. Nothing is copied, and no
//! query text is looked into. Bodies are passed without their five bytes of header.

use crate::frame::cstr;
use thiserror::Error;

/// Most bytes of a statement's or portal's name. PostgreSQL has no limit but compares only the first 63.
pub const NAME_BYTES_MAX: usize = 1024;

/// Why a body is refused. PostgreSQL answers each of these with 08P01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A text without its NUL.
    #[error("the {field} has no end")]
    Unterminated {
        /// Which text.
        field: &'static str,
    },
    /// Fewer bytes than the field takes.
    #[error("the {field} is cut short")]
    Short {
        /// Which field.
        field: &'static str,
    },
    /// Bytes behind the last field.
    #[error("{bytes} bytes follow the last field")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// Neither `S` nor `P`.
    #[error("{:?} names neither a statement nor a portal", *byte as char)]
    Target {
        /// What stood there.
        byte: u8,
    },
    /// A name above [`NAME_BYTES_MAX`].
    #[error("the {field} has more than {bytes_max} bytes")]
    NameTooLong {
        /// Which name.
        field: &'static str,
        /// The limit.
        bytes_max: usize,
    },
}

const STATEMENT: &str = "statement's name";
const PORTAL: &str = "portal's name";

/// A name without its NUL, and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

fn name<'a>(bytes: &'a [u8], field: &'static str) -> Result<Split<'a>, BodyError> {
    partial_name(bytes, field)?.ok_or(BodyError::Unterminated { field })
}

/// `Ok(None)`: its NUL may still come. Looks at no more than the limit, so that waiting for it stays cheap.
fn partial_name<'a>(bytes: &'a [u8], field: &'static str) -> Result<Option<Split<'a>>, BodyError> {
    let window = bytes.get(..=NAME_BYTES_MAX).unwrap_or(bytes);
    match cstr(window) {
        Some((name, _)) => Ok(bytes.get(name.len() + 1..).map(|rest| (name, rest))),
        None if window.len() > NAME_BYTES_MAX => {
            Err(BodyError::NameTooLong { field, bytes_max: NAME_BYTES_MAX })
        }
        None => Ok(None),
    }
}

fn nothing_more(rest: &[u8]) -> Result<(), BodyError> {
    if rest.is_empty() { Ok(()) } else { Err(BodyError::Trailing { bytes: rest.len() }) }
}

/// Parse: a name, and what the name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    /// The statement's name; empty for the unnamed one.
    pub name: &'a [u8],
    /// All that follows the name: the text with its NUL, then the declared types. It says what the statement is and
    /// is passed on as it stands.
    pub tail: &'a [u8],
    query: &'a [u8],
    types: &'a [u8],
}

impl<'a> Parse<'a> {
    /// Reads and checks the whole body.
    ///
    /// # Errors
    /// A missing NUL, a list of types that is not as long as it says, or a name above [`NAME_BYTES_MAX`].
    pub fn read(body: &'a [u8]) -> Result<Self, BodyError> {
        let (name, tail) = name(body, STATEMENT)?;
        let (query, rest) = cstr(tail).ok_or(BodyError::Unterminated { field: "query" })?;
        let (count, types) =
            rest.split_first_chunk::<2>().ok_or(BodyError::Short { field: "count of parameter types" })?;
        let bytes = usize::from(u16::from_be_bytes(*count)) * 4;
        let more = types.get(bytes..).ok_or(BodyError::Short { field: "list of parameter types" })?;
        nothing_more(more)?;
        Ok(Self { name, tail, query, types })
    }

    /// The text, without its NUL.
    pub const fn query(&self) -> &'a [u8] {
        self.query
    }

    /// The declared types; 0 leaves one to the server.
    pub fn parameter_types(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.types.as_chunks::<4>().0.iter().map(|oid| u32::from_be_bytes(*oid))
    }
}

/// The two names at the front of Bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindNames<'a> {
    /// The portal to make.
    pub portal: &'a [u8],
    /// The statement to make it from.
    pub statement: &'a [u8],
    /// Bytes that both names take, with their NULs.
    pub len: usize,
}

/// Most bytes that [`bind_names`] needs to see.
pub const BIND_NAMES_BYTES_MAX: usize = 2 * (NAME_BYTES_MAX + 1);

/// Reads the names at the front of Bind. `prefix` may be only the beginning of the body; `Ok(None)`: more is needed.
/// Where `prefix` is the whole body, `None` means that a NUL is missing.
///
/// # Errors
/// A name above [`NAME_BYTES_MAX`], as soon as that can be seen.
pub fn bind_names(prefix: &[u8]) -> Result<Option<BindNames<'_>>, BodyError> {
    let Some((portal, rest)) = partial_name(prefix, PORTAL)? else { return Ok(None) };
    let Some((statement, _)) = partial_name(rest, STATEMENT)? else { return Ok(None) };
    Ok(Some(BindNames { portal, statement, len: portal.len() + statement.len() + 2 }))
}

/// What Describe and Close are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

impl Target {
    /// Reads the letter.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'S' => Some(Self::Statement),
            b'P' => Some(Self::Portal),
            _ => None,
        }
    }

    /// The letter on the wire.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Statement => b'S',
            Self::Portal => b'P',
        }
    }
}

/// Reads Describe or Close: both have the same shape.
///
/// # Errors
/// An unknown letter, a missing NUL, bytes behind it, or a name above [`NAME_BYTES_MAX`].
pub fn describe_or_close(body: &[u8]) -> Result<(Target, &[u8]), BodyError> {
    let (&byte, rest) = body.split_first().ok_or(BodyError::Short { field: "target" })?;
    let target = Target::from_byte(byte).ok_or(BodyError::Target { byte })?;
    let field = match target {
        Target::Statement => STATEMENT,
        Target::Portal => PORTAL,
    };
    let (name, rest) = name(rest, field)?;
    nothing_more(rest)?;
    Ok((target, name))
}

/// Reads Execute: the portal, and the most rows to send (0: all).
///
/// # Errors
/// A missing NUL, a missing limit, bytes behind it, or a name above [`NAME_BYTES_MAX`].
pub fn execute(body: &[u8]) -> Result<(&[u8], i32), BodyError> {
    let (portal, rest) = name(body, PORTAL)?;
    let (rows_max, rest) = rest.split_first_chunk::<4>().ok_or(BodyError::Short { field: "row limit" })?;
    nothing_more(rest)?;
    Ok((portal, i32::from_be_bytes(*rows_max)))
}

/// Reads Query: the text, without its NUL.
///
/// # Errors
/// A missing NUL, or bytes behind the first one.
pub fn query(body: &[u8]) -> Result<&[u8], BodyError> {
    let (text, rest) = cstr(body).ok_or(BodyError::Unterminated { field: "query" })?;
    nothing_more(rest)?;
    Ok(text)
}

/// Reads PasswordMessage: a password, or the answer to an MD5 request, without its NUL.
///
/// # Errors
/// A missing NUL, or bytes behind the first one.
pub fn password(body: &[u8]) -> Result<&[u8], BodyError> {
    let (password, rest) = cstr(body).ok_or(BodyError::Unterminated { field: "password" })?;
    nothing_more(rest)?;
    Ok(password)
}

/// Reads SASLInitialResponse: the mechanism, and the client's first message where it is sent along. A SASLResponse
/// has no form of its own: its body is the message.
///
/// # Errors
/// A missing NUL, or a message that is not as long as it says.
pub fn sasl_initial(body: &[u8]) -> Result<(&[u8], Option<&[u8]>), BodyError> {
    let (mechanism, rest) = cstr(body).ok_or(BodyError::Unterminated { field: "SASL mechanism" })?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(BodyError::Short { field: "SASL length" })?;
    let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
        // Negative, which stands for "none".
        nothing_more(rest)?;
        return Ok((mechanism, None));
    };
    let (data, rest) = rest.split_at_checked(length).ok_or(BodyError::Short { field: "SASL message" })?;
    nothing_more(rest)?;
    Ok((mechanism, Some(data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_keeps_its_tail_and_reads_its_parts() {
        let parse = Parse::read(b"s1\0select $1\0\0\x02\0\0\0\x17\0\0\0\0").expect("it is well formed");
        assert_eq!((parse.name, parse.query()), (&b"s1"[..], &b"select $1"[..]));
        assert_eq!(parse.tail, b"select $1\0\0\x02\0\0\0\x17\0\0\0\0");
        assert_eq!(parse.parameter_types().collect::<Vec<_>>(), [23, 0]);
    }

    #[test]
    fn a_parse_with_a_part_missing_or_left_over_is_refused() {
        use BodyError::*;
        let cases: [(&[u8], BodyError); 6] = [
            (b"s1", Unterminated { field: STATEMENT }),
            (b"s1\0select", Unterminated { field: "query" }),
            (b"\0\0", Short { field: "count of parameter types" }),
            (b"\0\0\0\x01\0\0\0", Short { field: "list of parameter types" }),
            (b"\0\0\xff\xff", Short { field: "list of parameter types" }),
            (b"\0\0\0\0x", Trailing { bytes: 1 }),
        ];
        for (body, error) in cases {
            assert_eq!(Parse::read(body), Err(error));
        }
    }

    #[test]
    fn bind_names_are_read_from_a_prefix_as_soon_as_they_are_there() {
        let body = b"p\0stmt\0\0\0rest";
        let names = BindNames { portal: b"p", statement: b"stmt", len: 7 };
        for end in 0..body.len() {
            let expected = (end >= 7).then_some(names);
            assert_eq!(bind_names(&body[..end]), Ok(expected), "{end}");
        }
    }

    #[test]
    fn a_name_at_the_limit_is_taken_and_one_above_is_refused_without_its_end() {
        let mut body = vec![b'x'; NAME_BYTES_MAX];
        assert_eq!(bind_names(&body), Ok(None));
        body.extend(b"\0\0");
        assert_eq!(bind_names(&body).map(|n| n.map(|n| n.len)), Ok(Some(NAME_BYTES_MAX + 2)));
        let long = vec![b'x'; NAME_BYTES_MAX + 1];
        let refusal = |field| BodyError::NameTooLong { field, bytes_max: NAME_BYTES_MAX };
        assert_eq!(bind_names(&long), Err(refusal(PORTAL)));
        assert_eq!(bind_names(&[&b"\0"[..], &long].concat()), Err(refusal(STATEMENT)));
        assert_eq!(execute(&[&long[..], b"\0\0\0\0\0"].concat()), Err(refusal(PORTAL)));
    }

    #[test]
    fn describe_and_close_name_a_target() {
        assert_eq!(describe_or_close(b"Ss1\0"), Ok((Target::Statement, &b"s1"[..])));
        assert_eq!(describe_or_close(b"P\0"), Ok((Target::Portal, &b""[..])));
        assert_eq!(describe_or_close(b"X\0"), Err(BodyError::Target { byte: b'X' }));
        assert_eq!(describe_or_close(b""), Err(BodyError::Short { field: "target" }));
        assert_eq!(describe_or_close(b"Sx"), Err(BodyError::Unterminated { field: STATEMENT }));
        assert_eq!(describe_or_close(b"Sx\0y"), Err(BodyError::Trailing { bytes: 1 }));
    }

    #[test]
    fn execute_has_a_portal_and_a_limit() {
        assert_eq!(execute(b"c\0\0\0\0\x0a"), Ok((&b"c"[..], 10)));
        assert_eq!(execute(b"\0\0\0\0"), Err(BodyError::Short { field: "row limit" }));
        assert_eq!(execute(b"\0\0\0\0\0\0"), Err(BodyError::Trailing { bytes: 1 }));
    }

    #[test]
    fn a_query_has_exactly_one_nul_and_it_stands_last() {
        assert_eq!(query(b"select 1\0"), Ok(&b"select 1"[..]));
        assert_eq!(query(b"\0"), Ok(&b""[..]));
        assert_eq!(query(b""), Err(BodyError::Unterminated { field: "query" }));
        assert_eq!(query(b"a\0b\0"), Err(BodyError::Trailing { bytes: 2 }));
    }

    #[test]
    fn a_password_ends_in_its_only_nul() {
        assert_eq!(password(b"x\0"), Ok(&b"x"[..]));
        assert_eq!(password(b"x"), Err(BodyError::Unterminated { field: "password" }));
        assert_eq!(password(b"x\0y\0"), Err(BodyError::Trailing { bytes: 2 }));
    }

    #[test]
    fn a_sasl_message_is_as_long_as_it_says_or_absent() {
        assert_eq!(sasl_initial(b"M\0\0\0\0\x02ab"), Ok((&b"M"[..], Some(&b"ab"[..]))));
        assert_eq!(sasl_initial(b"M\0\xff\xff\xff\xff"), Ok((&b"M"[..], None)));
        assert_eq!(sasl_initial(b"M\0\xff\xff\xff\xffx"), Err(BodyError::Trailing { bytes: 1 }));
        assert_eq!(sasl_initial(b"M\0\0\0\0\x03ab"), Err(BodyError::Short { field: "SASL message" }));
        assert_eq!(sasl_initial(b"M\0\x7f\xff\xff\xffab"), Err(BodyError::Short { field: "SASL message" }));
        assert_eq!(sasl_initial(b"M\0\0\0\0\x01ab"), Err(BodyError::Trailing { bytes: 1 }));
        assert_eq!(sasl_initial(b"M\0\0"), Err(BodyError::Short { field: "SASL length" }));
    }
}
