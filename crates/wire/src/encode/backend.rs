//! What we send to a client.

use super::{message, put_count, put_text, put_value};
use crate::backend::TxStatus;
use crate::sqlstate::SqlState;
use crate::tag::BackendTag as Tag;

/// ParseComplete.
pub const PARSE_COMPLETE: &[u8] = b"1\0\0\0\x04";
/// BindComplete.
pub const BIND_COMPLETE: &[u8] = b"2\0\0\0\x04";
/// CloseComplete.
pub const CLOSE_COMPLETE: &[u8] = b"3\0\0\0\x04";
/// NoData.
pub const NO_DATA: &[u8] = b"n\0\0\0\x04";
/// EmptyQueryResponse.
pub const EMPTY_QUERY: &[u8] = b"I\0\0\0\x04";
/// PortalSuspended.
pub const PORTAL_SUSPENDED: &[u8] = b"s\0\0\0\x04";
/// ReadyForQuery outside of a transaction.
pub const READY_IDLE: &[u8] = b"Z\0\0\0\x05I";
/// ReadyForQuery in a transaction.
pub const READY_IN_TRANSACTION: &[u8] = b"Z\0\0\0\x05T";
/// ReadyForQuery in a failed transaction.
pub const READY_FAILED: &[u8] = b"Z\0\0\0\x05E";

/// What an error or notice says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorText<'a> {
    /// `ERROR`, `FATAL`, `NOTICE`, `WARNING`, ... never translated.
    pub severity: &'a str,
    /// The code.
    pub code: SqlState,
    /// One line.
    pub message: &'a str,
    /// More, where there is more.
    pub detail: Option<&'a str>,
    /// What to do about it.
    pub hint: Option<&'a str>,
}

impl<'a> ErrorText<'a> {
    fn fields(&self) -> impl Iterator<Item = (u8, &[u8])> + use<'_, 'a> {
        [
            (b'S', Some(self.severity.as_bytes())),
            (b'V', Some(self.severity.as_bytes())),
            (b'C', Some(&self.code.bytes()[..])),
            (b'M', Some(self.message.as_bytes())),
            (b'D', self.detail.map(str::as_bytes)),
            (b'H', self.hint.map(str::as_bytes)),
        ]
        .into_iter()
        .filter_map(|(letter, text)| Some((letter, text?)))
    }
}

fn fields<'a>(out: &mut Vec<u8>, tag: Tag, fields: impl Iterator<Item = (u8, &'a [u8])>) {
    message(out, tag.byte(), |out| {
        for (letter, text) in fields.filter(|(letter, _)| *letter != 0) {
            out.push(letter);
            put_text(out, text);
        }
        out.push(0);
    });
}

/// ErrorResponse.
pub fn error(out: &mut Vec<u8>, text: &ErrorText<'_>) {
    fields(out, Tag::ErrorResponse, text.fields());
}

/// ErrorResponse of given fields: a server's error with some of them changed.
pub fn error_fields<'a>(out: &mut Vec<u8>, list: impl Iterator<Item = (u8, &'a [u8])>) {
    fields(out, Tag::ErrorResponse, list);
}

/// NoticeResponse.
pub fn notice(out: &mut Vec<u8>, text: &ErrorText<'_>) {
    fields(out, Tag::NoticeResponse, text.fields());
}

/// The ready-made ReadyForQuery for a status.
pub const fn ready_frame(status: TxStatus) -> &'static [u8] {
    match status {
        TxStatus::Idle => READY_IDLE,
        TxStatus::InTransaction => READY_IN_TRANSACTION,
        TxStatus::Failed => READY_FAILED,
    }
}

/// ReadyForQuery.
pub fn ready(out: &mut Vec<u8>, status: TxStatus) {
    out.extend_from_slice(ready_frame(status));
}

/// ParameterStatus.
pub fn parameter_status(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    message(out, Tag::ParameterStatus.byte(), |out| {
        put_text(out, name);
        put_text(out, value);
    });
}

/// BackendKeyData: the key with which the client may cancel.
pub fn backend_key(out: &mut Vec<u8>, pid: u32, secret: &[u8]) {
    message(out, Tag::BackendKeyData.byte(), |out| {
        out.extend_from_slice(&pid.to_be_bytes());
        out.extend_from_slice(secret);
    });
}

fn auth(out: &mut Vec<u8>, kind: u32, data: &[u8]) {
    message(out, Tag::Authentication.byte(), |out| {
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(data);
    });
}

/// AuthenticationOk.
pub fn auth_ok(out: &mut Vec<u8>) {
    auth(out, 0, b"");
}

/// AuthenticationCleartextPassword.
pub fn auth_cleartext(out: &mut Vec<u8>) {
    auth(out, 3, b"");
}

/// AuthenticationMD5Password.
pub fn auth_md5(out: &mut Vec<u8>, salt: [u8; 4]) {
    auth(out, 5, &salt);
}

/// AuthenticationSASL: the mechanisms on offer, best first.
pub fn auth_sasl(out: &mut Vec<u8>, mechanisms: &[&str]) {
    message(out, Tag::Authentication.byte(), |out| {
        out.extend_from_slice(&10u32.to_be_bytes());
        for mechanism in mechanisms {
            put_text(out, mechanism.as_bytes());
        }
        out.push(0);
    });
}

/// AuthenticationSASLContinue.
pub fn auth_sasl_continue(out: &mut Vec<u8>, data: &[u8]) {
    auth(out, 11, data);
}

/// AuthenticationSASLFinal.
pub fn auth_sasl_final(out: &mut Vec<u8>, data: &[u8]) {
    auth(out, 12, data);
}

/// ParseComplete.
pub fn parse_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(PARSE_COMPLETE);
}

/// BindComplete.
pub fn bind_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(BIND_COMPLETE);
}

/// CloseComplete.
pub fn close_complete(out: &mut Vec<u8>) {
    out.extend_from_slice(CLOSE_COMPLETE);
}

/// CommandComplete.
pub fn command_complete(out: &mut Vec<u8>, tag: &str) {
    message(out, Tag::CommandComplete.byte(), |out| put_text(out, tag.as_bytes()));
}

/// EmptyQueryResponse.
pub fn empty_query(out: &mut Vec<u8>) {
    out.extend_from_slice(EMPTY_QUERY);
}

/// NegotiateProtocolVersion. The version goes out whole (3.minor), as PostgreSQL sends it and libpq reads it; the
/// manual's "newest minor version" is not what is on the wire.
pub fn negotiate(out: &mut Vec<u8>, newest_minor: u32, unrecognized: &[&[u8]]) {
    message(out, Tag::NegotiateProtocolVersion.byte(), |out| {
        out.extend_from_slice(&(3 << 16 | newest_minor & 0xffff).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        put_count(out, unrecognized.len());
        for name in unrecognized {
            put_text(out, name);
        }
    });
}

/// A column of a row description: text format, no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its heading.
    pub name: &'a str,
    /// Its type.
    pub type_oid: u32,
}

/// Bytes of a value of a fixed-size type, -1 for the others: what PostgreSQL would say for the type.
const fn type_bytes(type_oid: u32) -> i16 {
    match type_oid {
        16 | 18 => 1,
        21 => 2,
        23 | 26 | 700 | 1082 => 4,
        20 | 701 | 1114 | 1184 => 8,
        _ => -1,
    }
}

/// RowDescription.
///
/// # Panics
/// On more than 65,535 columns.
pub fn row_description(out: &mut Vec<u8>, columns: &[Column<'_>]) {
    message(out, Tag::RowDescription.byte(), |out| {
        put_count(out, columns.len());
        for column in columns {
            put_text(out, column.name.as_bytes());
            out.extend_from_slice(&[0; 6]);
            out.extend_from_slice(&column.type_oid.to_be_bytes());
            out.extend_from_slice(&type_bytes(column.type_oid).to_be_bytes());
            out.extend_from_slice(&(-1i32).to_be_bytes());
            out.extend_from_slice(&[0; 2]);
        }
    });
}

/// DataRow; `None` is null.
///
/// # Panics
/// On more than 65,535 values.
pub fn data_row(out: &mut Vec<u8>, values: &[Option<&[u8]>]) {
    message(out, Tag::DataRow.byte(), |out| {
        put_count(out, values.len());
        for value in values {
            put_value(out, *value);
        }
    });
}

/// NoData.
pub fn no_data(out: &mut Vec<u8>) {
    out.extend_from_slice(NO_DATA);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{self, Authentication, Fields};

    fn made(make: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        make(&mut out);
        out
    }

    #[test]
    fn an_error_says_what_it_was_given_in_the_servers_order() {
        let text = ErrorText {
            severity: "FATAL",
            code: SqlState::TOO_MANY_CONNECTIONS,
            message: "no\0 more",
            detail: None,
            hint: Some("wait"),
        };
        let out = made(|out| error(out, &text));
        assert_eq!(out, b"E\0\0\0\x24SFATAL\0VFATAL\0C53300\0Mno\0Hwait\0\0");
        assert_eq!(made(|out| notice(out, &text))[0], b'N');
        let fields = Fields::parse(&out[5..]);
        assert_eq!(made(|out| error_fields(out, fields.iter())), out);
    }

    #[test]
    fn ready_made_frames_are_what_readers_expect() {
        for status in [TxStatus::Idle, TxStatus::InTransaction, TxStatus::Failed] {
            assert_eq!(backend::ready_for_query(&made(|out| ready(out, status))[5..]), Some(status));
        }
    }

    #[test]
    fn authentication_requests_are_read_back() {
        let out = made(|out| auth_md5(out, *b"salt"));
        assert_eq!(Authentication::parse(&out[5..]), Some(Authentication::Md5 { salt: *b"salt" }));
        let out = made(|out| auth_sasl(out, &["SCRAM-SHA-256"]));
        assert_eq!(out, b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0");
        assert_eq!(made(auth_ok), b"R\0\0\0\x08\0\0\0\0");
        assert_eq!(made(|out| auth_sasl_final(out, b"v=")), b"R\0\0\0\x0a\0\0\0\x0cv=");
    }

    #[test]
    fn a_negotiated_version_is_read_back() {
        let out = made(|out| negotiate(out, 2, &[b"_pq_.a", b"_pq_.b"]));
        let read = backend::negotiate(&out[5..]).expect("it is well formed");
        assert_eq!(read.minor, 2);
        assert_eq!(read.unrecognized.collect::<Vec<_>>(), [b"_pq_.a", b"_pq_.b"]);
    }

    #[test]
    fn rows_have_columns_and_nulls() {
        let out = made(|out| row_description(out, &[Column { name: "n", type_oid: 23 }]));
        assert_eq!(out, b"T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0");
        let out = made(|out| data_row(out, &[Some(b"1"), None]));
        assert_eq!(out, b"D\0\0\0\x0f\0\x02\0\0\0\x011\xff\xff\xff\xff");
    }
}
