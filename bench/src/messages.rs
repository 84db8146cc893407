//! The few PostgreSQL messages that the null server and the load generator exchange.
//!
//! Written apart from the `wire` crate on purpose: a ruler shares nothing with what it measures.
//! Source: PostgreSQL manual, "Frontend/Backend Protocol", section "Message Formats".

use std::io;

/// Length word that asks for TLS (SSLRequest).
pub(crate) const SSL_REQUEST: u32 = 80_877_103;
/// Length word that asks for GSSAPI encryption (GSSENCRequest).
pub(crate) const GSS_REQUEST: u32 = 80_877_104;
/// Protocol 3.0.
pub(crate) const PROTOCOL_3_0: u32 = 196_608;
/// A message longer than this is not part of any measurement.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One tagged message, borrowed from the bytes it arrived in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
}

/// The first whole message of `input` and the bytes it takes, or `None` while it is incomplete.
pub(crate) fn first(input: &[u8]) -> io::Result<Option<(Message<'_>, usize)>> {
    let Some((head, rest)) = input.split_first_chunk::<5>() else { return Ok(None) };
    let [tag, length @ ..] = *head;
    let body_bytes = body_bytes(length)?;
    Ok(rest.get(..body_bytes).map(|body| (Message { tag, body }, 5 + body_bytes)))
}

/// The first whole startup packet (it has no tag), like [`first`].
pub(crate) fn first_startup(input: &[u8]) -> io::Result<Option<(u32, &[u8], usize)>> {
    let Some((length, rest)) = input.split_first_chunk::<4>() else { return Ok(None) };
    let body_bytes = body_bytes(*length)?;
    let Some(body) = rest.get(..body_bytes) else { return Ok(None) };
    let Some((code, parameters)) = body.split_first_chunk::<4>() else {
        return Err(bad("a startup packet without a protocol version"));
    };
    Ok(Some((u32::from_be_bytes(*code), parameters, 4 + body_bytes)))
}

fn body_bytes(length: [u8; 4]) -> io::Result<usize> {
    match (u32::from_be_bytes(length) as usize).checked_sub(4) {
        Some(bytes) if bytes <= BODY_BYTES_MAX => Ok(bytes),
        Some(_) | None => Err(bad("a message with an impossible length: the stream is out of step")),
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Appends one message; `body` writes what follows the length.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    put_length(out, body);
}

fn put_length(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends a text and its terminating zero.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// A StartupMessage. Nothing but user and database: a parameter that a pooler must replay would be measured too.
pub(crate) fn startup(user: &str, dbname: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_length(&mut out, |out| {
        out.extend_from_slice(&PROTOCOL_3_0.to_be_bytes());
        for text in ["user", user, "database", dbname] {
            put_text(out, text);
        }
        out.push(0);
    });
    out
}

/// A simple Query.
pub(crate) fn query(out: &mut Vec<u8>, text: &str) {
    put(out, b'Q', |out| put_text(out, text));
}

/// Parse without declared parameter types.
pub(crate) fn parse(out: &mut Vec<u8>, name: &str, text: &str) {
    put(out, b'P', |out| {
        put_text(out, name);
        put_text(out, text);
        out.extend_from_slice(&[0, 0]);
    });
}

/// Bind to the unnamed portal (no parameters, text results), Describe it, Execute it: what libpq sends.
pub(crate) fn bind_describe_execute(out: &mut Vec<u8>, statement: &str) {
    put(out, b'B', |out| {
        put_text(out, "");
        put_text(out, statement);
        out.extend_from_slice(&[0, 0, 0, 0, 0, 1, 0, 0]);
    });
    put(out, b'D', |out| {
        out.push(b'P');
        put_text(out, "");
    });
    put(out, b'E', |out| {
        put_text(out, "");
        out.extend_from_slice(&[0; 4]);
    });
}

/// Sync.
pub(crate) fn sync(out: &mut Vec<u8>) {
    put(out, b'S', |_| {});
}

/// The SQLSTATE and text of an ErrorResponse body, for a person.
pub(crate) fn error_text(body: &[u8]) -> String {
    let field = |wanted: u8| {
        body.split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&wanted))
            .map_or_else(String::new, |field| String::from_utf8_lossy(&field[1..]).into_owned())
    };
    format!("{} {}: {}", field(b'S'), field(b'C'), field(b'M'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_seen_only_when_its_last_byte_is_there() {
        let mut bytes = Vec::new();
        query(&mut bytes, "select 1");
        for cut in 0..bytes.len() {
            assert_eq!(first(&bytes[..cut]).unwrap(), None);
        }
        let (message, used) = first(&bytes).unwrap().unwrap();
        assert_eq!((message.tag, message.body, used), (b'Q', &b"select 1\0"[..], bytes.len()));
    }

    #[test]
    fn an_impossible_length_is_an_error() {
        assert!(first(&[b'Q', 0, 0, 0, 3]).is_err());
        assert!(first(&[b'Q', 0xff, 0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn an_error_is_told_with_its_code() {
        assert_eq!(error_text(b"SFATAL\0C53300\0Mfull\0\0"), "FATAL 53300: full");
    }
}
