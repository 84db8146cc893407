//! What we send to a server.

use super::{MESSAGE_BYTES_MAX, before_nul, message, put_count, put_text, put_value, set_length};
use crate::frame::{FrameError, Header};
use crate::frontend::Target;
use crate::tag::FrontendTag as Tag;

/// Sync.
pub const SYNC: &[u8] = b"S\0\0\0\x04";
/// Flush.
pub const FLUSH: &[u8] = b"H\0\0\0\x04";
/// Terminate.
pub const TERMINATE: &[u8] = b"X\0\0\0\x04";
/// CopyDone; the same bytes in both directions.
pub const COPY_DONE: &[u8] = b"c\0\0\0\x04";
/// SSLRequest, which has no tag.
pub const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
/// GSSENCRequest, which has no tag.
pub const GSS_ENC_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

/// Parse. `tail` is what follows the name: see [`crate::frontend::Parse::tail`].
pub fn parse(out: &mut Vec<u8>, name: &[u8], tail: &[u8]) {
    message(out, Tag::Parse.byte(), |out| {
        put_text(out, name);
        out.extend_from_slice(tail);
    });
}

/// The front of Bind: header and both names. The caller sends `rest_len` more bytes, the rest of the body.
///
/// # Errors
/// The whole passes [`MESSAGE_BYTES_MAX`]; then nothing is written.
pub fn bind_header(
    out: &mut Vec<u8>,
    portal: &[u8],
    statement: &[u8],
    rest_len: u32,
) -> Result<(), FrameError> {
    let names = before_nul(portal).len() as u64 + before_nul(statement).len() as u64 + 2;
    let length = 4 + names + u64::from(rest_len);
    if length > u64::from(MESSAGE_BYTES_MAX) {
        return Err(FrameError::TooLong {
            tag: Tag::Bind.byte(),
            bytes: u32::try_from(length).unwrap_or(u32::MAX),
            bytes_max: MESSAGE_BYTES_MAX,
        });
    }
    let header = Header { tag: Tag::Bind.byte(), body: (length - 4) as u32 };
    out.extend_from_slice(&header.bytes());
    put_text(out, portal);
    put_text(out, statement);
    Ok(())
}

/// A whole Bind: every parameter is text and not null, every result column is text.
///
/// # Panics
/// On more than 65,535 parameters.
pub fn bind_text(out: &mut Vec<u8>, portal: &[u8], statement: &[u8], parameters: &[&[u8]]) {
    bind_all_text(out, portal, statement, parameters.iter().copied(), parameters.len());
}

fn bind_all_text<'a>(
    out: &mut Vec<u8>,
    portal: &[u8],
    statement: &[u8],
    parameters: impl Iterator<Item = &'a [u8]>,
    count: usize,
) {
    message(out, Tag::Bind.byte(), |out| {
        put_text(out, portal);
        put_text(out, statement);
        put_count(out, 0);
        put_count(out, count);
        for parameter in parameters {
            put_value(out, Some(parameter));
        }
        put_count(out, 0);
    });
}

fn about(out: &mut Vec<u8>, tag: Tag, target: Target, name: &[u8]) {
    message(out, tag.byte(), |out| {
        out.push(target.byte());
        put_text(out, name);
    });
}

/// Describe.
pub fn describe(out: &mut Vec<u8>, target: Target, name: &[u8]) {
    about(out, Tag::Describe, target, name);
}

/// Close.
pub fn close(out: &mut Vec<u8>, target: Target, name: &[u8]) {
    about(out, Tag::Close, target, name);
}

/// Execute; `rows_max` 0 asks for all rows.
pub fn execute(out: &mut Vec<u8>, portal: &[u8], rows_max: i32) {
    message(out, Tag::Execute.byte(), |out| {
        put_text(out, portal);
        out.extend_from_slice(&rows_max.to_be_bytes());
    });
}

/// Sync.
pub fn sync(out: &mut Vec<u8>) {
    out.extend_from_slice(SYNC);
}

/// Flush.
pub fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(FLUSH);
}

/// Terminate.
pub fn terminate(out: &mut Vec<u8>) {
    out.extend_from_slice(TERMINATE);
}

/// Query.
pub fn query(out: &mut Vec<u8>, text: &[u8]) {
    message(out, Tag::Query.byte(), |out| put_text(out, text));
}

/// CopyFail with the reason that the server will report.
pub fn copy_fail(out: &mut Vec<u8>, reason: &[u8]) {
    message(out, Tag::CopyFail.byte(), |out| put_text(out, reason));
}

/// PasswordMessage: a password, or the answer to an MD5 request.
pub fn password(out: &mut Vec<u8>, password: &[u8]) {
    message(out, Tag::Password.byte(), |out| put_text(out, password));
}

/// SASLInitialResponse.
pub fn sasl_initial(out: &mut Vec<u8>, mechanism: &str, data: &[u8]) {
    message(out, Tag::Password.byte(), |out| {
        put_text(out, mechanism.as_bytes());
        put_value(out, Some(data));
    });
}

/// SASLResponse.
pub fn sasl_response(out: &mut Vec<u8>, data: &[u8]) {
    message(out, Tag::Password.byte(), |out| out.extend_from_slice(data));
}

/// A protocol version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 since 2003.
    pub major: u16,
    /// 0, or 2 since PostgreSQL 18.
    pub minor: u16,
}

/// StartupMessage, which has no tag. A parameter with an empty name would end the list, so it is left out.
pub fn startup<'a>(
    out: &mut Vec<u8>,
    version: Version,
    parameters: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&version.major.to_be_bytes());
    out.extend_from_slice(&version.minor.to_be_bytes());
    for (name, value) in parameters.filter(|(name, _)| !before_nul(name).is_empty()) {
        put_text(out, name);
        put_text(out, value);
    }
    out.push(0);
    set_length(out, start);
}

/// CancelRequest, which has no tag. The secret is the server's, of any length that it gave.
pub fn cancel_request(out: &mut Vec<u8>, pid: u32, secret: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, 0x04, 0xd2, 0x16, 0x2e]);
    out.extend_from_slice(&pid.to_be_bytes());
    out.extend_from_slice(secret);
    set_length(out, start);
}

/// SSLRequest.
pub fn ssl_request(out: &mut Vec<u8>) {
    out.extend_from_slice(SSL_REQUEST);
}

/// Sets all `settings` at once: Parse, Bind, Execute and Sync of `select set_config($1,$2,false), ...`. Values travel
/// as parameters, so nothing is quoted. If one fails, none is set.
///
/// The unnamed statement and portal of the server are replaced. The answer is `1 2 D C Z`, also for an empty list, or
/// `E` and `Z`.
///
/// # Panics
/// On more than 32,767 settings.
pub fn settings_batch(out: &mut Vec<u8>, settings: &[(&[u8], &[u8])]) {
    message(out, Tag::Parse.byte(), |out| {
        out.extend_from_slice(b"\0select ");
        for i in 0..settings.len() {
            let comma = if i == 0 { "" } else { ", " };
            let call = format!("{comma}pg_catalog.set_config(${}, ${}, false)", 2 * i + 1, 2 * i + 2);
            out.extend_from_slice(call.as_bytes());
        }
        out.push(0);
        put_count(out, 0);
    });
    let values = settings.iter().flat_map(|(name, value)| [*name, *value]);
    bind_all_text(out, b"", b"", values, 2 * settings.len());
    execute(out, b"", 0);
    sync(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::peek;
    use crate::frontend;

    fn body(out: &[u8]) -> (u8, &[u8]) {
        let header = peek(out, u32::MAX).expect("a length").expect("a header");
        assert_eq!(header.total(), out.len());
        (header.tag, &out[5..])
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        parse(&mut out, b"s", b"select 1\0\0\0");
        assert_eq!(
            frontend::Parse::read(body(&out).1).map(|p| (p.name, p.tail)),
            Ok((&b"s"[..], &b"select 1\0\0\0"[..]))
        );
        out.clear();
        execute(&mut out, b"p", -1);
        assert_eq!(frontend::execute(body(&out).1), Ok((&b"p"[..], -1)));
        out.clear();
        close(&mut out, Target::Portal, b"p");
        assert_eq!(
            (body(&out).0, frontend::describe_or_close(body(&out).1)),
            (b'C', Ok((Target::Portal, &b"p"[..])))
        );
        out.clear();
        query(&mut out, b"select 1");
        assert_eq!(frontend::query(body(&out).1), Ok(&b"select 1"[..]));
    }

    #[test]
    fn a_bind_header_counts_the_rest_that_is_sent_apart() {
        let mut out = Vec::new();
        bind_header(&mut out, b"p", b"cw_1", 6).expect("it fits");
        assert_eq!(out, b"B\0\0\0\x11p\0cw_1\0");
        bind_text(&mut out, b"", b"x", &[b"a"]);
        assert_eq!(&out[12..], b"B\0\0\0\x12\0x\0\0\0\0\x01\0\0\0\x01a\0\0");
    }

    #[test]
    fn a_bind_header_at_the_limit_is_written_and_one_above_writes_nothing() {
        let mut out = Vec::new();
        let rest = MESSAGE_BYTES_MAX - 4 - 2 - 3;
        assert_eq!(bind_header(&mut out, b"p", b"s1", rest), Ok(()));
        out.clear();
        for rest in [rest + 1, u32::MAX] {
            let refused = bind_header(&mut out, b"p", b"s1", rest);
            assert!(matches!(refused, Err(FrameError::TooLong { tag: b'B', .. })));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn settings_travel_as_parameters() {
        let mut out = Vec::new();
        settings_batch(&mut out, &[(b"TimeZone", b"UTC"), (b"role", b"a'; drop")]);
        let text =
            b"\0select pg_catalog.set_config($1, $2, false), pg_catalog.set_config($3, $4, false)\0\0\0";
        assert_eq!(&out[5..5 + text.len()], text);
        let bind = &out[5 + text.len()..];
        assert_eq!(bind[0], b'B');
        assert_eq!(&bind[5..11], b"\0\0\0\0\0\x04");
        assert!(out.ends_with(&[b"E\0\0\0\x09\0\0\0\0\0", SYNC].concat()));
    }

    #[test]
    fn a_nul_inside_a_text_cannot_start_another_field() {
        let mut out = Vec::new();
        let parameters = [(&b"user"[..], &b"a\0database\0b"[..]), (b"", b"x"), (b"\0n", b"x")];
        startup(&mut out, Version { major: 3, minor: 0 }, parameters.into_iter());
        assert_eq!(out, b"\0\0\0\x10\0\x03\0\0user\0a\0\0");
        out.clear();
        bind_header(&mut out, b"p\0x", b"s\0y", 0).expect("it fits");
        assert_eq!(body(&out).1, b"p\0s\0");
    }

    #[test]
    fn a_cancel_request_takes_long_keys() {
        let mut out = Vec::new();
        cancel_request(&mut out, 7, b"abcd");
        assert_eq!(out, b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd");
        out.clear();
        cancel_request(&mut out, 7, &[1; 256]);
        assert_eq!(&out[..4], &268u32.to_be_bytes());
    }
}
