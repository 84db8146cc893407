//! Backend messages. Manual: "Message Formats".

use crate::error::{Error, Result};

/// One message from the server: its tag and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first byte.
    pub tag: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

impl Message {
    /// The fields of an ErrorResponse or NoticeResponse.
    pub fn fields(&self) -> Vec<(char, String)> {
        let mut reader = Reader::new(&self.body);
        let mut fields = Vec::new();
        while let Some(code) = reader.byte().filter(|code| *code != 0) {
            fields.push((char::from(code), reader.text()));
        }
        fields
    }

    /// One field of an ErrorResponse or NoticeResponse; empty where it is missing.
    pub fn field(&self, code: char) -> String {
        self.fields().into_iter().find(|(found, _)| *found == code).map(|(_, text)| text).unwrap_or_default()
    }

    /// The columns of a DataRow.
    pub fn columns(&self) -> Vec<Option<Vec<u8>>> {
        let mut reader = Reader::new(&self.body);
        let columns = reader.u16();
        (0..columns).map(|_| reader.value()).collect()
    }

    /// The columns of a DataRow, as text.
    pub fn texts(&self) -> Vec<Option<String>> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        self.columns().into_iter().map(|column| column.map(text)).collect()
    }

    /// The server's refusal, if this is an ErrorResponse.
    pub fn refusal(&self) -> Option<Error> {
        (self.tag == b'E').then(|| Error::Server { code: self.field('C'), text: self.field('M') })
    }

    /// The transaction status of ReadyForQuery.
    pub fn status(&self) -> Option<u8> {
        (self.tag == b'Z').then(|| self.body.first().copied()).flatten()
    }

    /// A reader of the body.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(&self.body)
    }
}

/// Takes values from a body; beyond its end everything is zero or empty.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start.
    pub fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// What was not read.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next bytes, fewer at the end.
    pub fn bytes(&mut self, wanted: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(wanted.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.bytes(1).first().copied()
    }

    /// A 16-bit number.
    pub fn u16(&mut self) -> u16 {
        self.bytes(2).try_into().map_or(0, u16::from_be_bytes)
    }

    /// A 32-bit number.
    pub fn u32(&mut self) -> u32 {
        self.bytes(4).try_into().map_or(0, u32::from_be_bytes)
    }

    /// A text up to its zero byte.
    pub fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let text = String::from_utf8_lossy(self.bytes(end)).into_owned();
        self.bytes(1);
        text
    }

    /// A length and so many bytes; length -1 is NULL.
    pub fn value(&mut self) -> Option<Vec<u8>> {
        let length = self.u32();
        (length != u32::MAX).then(|| self.bytes(length as usize).to_vec())
    }
}

/// Splits the first message off a buffer; `None` while it is not whole.
pub(super) fn take(buffer: &mut Vec<u8>) -> Result<Option<Message>> {
    let Some((header, _)) = buffer.split_first_chunk::<5>() else { return Ok(None) };
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let Some(body) = (length as usize).checked_sub(4) else {
        return Err(Error::Protocol(format!("length {length} after tag {:?}", char::from(header[0]))));
    };
    if buffer.len() < body + 5 {
        return Ok(None);
    }
    let tag = header[0];
    let rest = buffer.split_off(body + 5);
    let mut whole = std::mem::replace(buffer, rest);
    whole.drain(..5);
    Ok(Some(Message { tag, body: whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_only_when_it_is_whole() {
        let mut buffer = b"Z\0\0\0\x05".to_vec();
        assert_eq!(take(&mut buffer).expect("is sound"), None);
        buffer.extend(b"I1");
        let message = take(&mut buffer).expect("is sound").expect("is whole");
        assert_eq!(message.status(), Some(b'I'));
        assert_eq!(buffer, b"1");
    }

    #[test]
    fn a_length_below_four_is_refused() {
        assert!(take(&mut b"Z\0\0\0\x03".to_vec()).is_err());
    }
}
