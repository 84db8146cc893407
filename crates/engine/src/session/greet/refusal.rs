//! How a greeting ends badly. Everything a server says is shortened, and no field of its errors is taken for granted.

use wire::backend::Fields;
use wire::tag::BackendTag;

use crate::orders::DialRefusal;

/// Most bytes of a server's text that are kept.
const TEXT_BYTES_MAX: usize = 1024;

/// Our credentials are of no use, or the server does not keep to the protocol.
pub(super) fn broken(text: &str) -> DialRefusal {
    DialRefusal::Credentials(text.into())
}

/// A message that is known, at a place where it can't be.
pub(super) fn out_of_order(tag: BackendTag) -> DialRefusal {
    DialRefusal::Credentials(format!("the server sent {tag:?} out of order while it logged us in").into())
}

/// The body of an ErrorResponse.
pub(super) fn said(body: &[u8]) -> DialRefusal {
    let fields = Fields::parse(body);
    DialRefusal::Server {
        code: fields.code(),
        routine: text(fields.routine()),
        message: text(fields.message()),
    }
}

/// An error that a server wrote before it could speak the protocol (it could not fork): `E`, a text, and perhaps a line
/// end and a NUL; there is no length.
pub(super) fn said_early(bytes: &[u8]) -> DialRefusal {
    let said = bytes.get(1..).unwrap_or_default();
    let line = said.split(|byte| matches!(byte, 0 | b'\n')).next();
    DialRefusal::Server { code: None, routine: "".into(), message: text(line) }
}

fn text(bytes: Option<&[u8]>) -> Box<str> {
    let bytes = bytes.unwrap_or_default();
    String::from_utf8_lossy(bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes)).into()
}
