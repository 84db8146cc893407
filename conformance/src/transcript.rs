//! What the server said, one line for each message.
//!
//! Left out, because it may differ between two conversations with the same server: process ids and keys, the file and
//! line of an error, OIDs given to the scenario's own objects (they become #1, #2, ... in order of appearance) and the
//! order among neighbouring ParameterStatus messages.

use std::collections::BTreeMap;

use testbed::Message;

use crate::script::Who;

/// The lines of every client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    lines: BTreeMap<Who, Vec<String>>,
    oids: Vec<u32>,
}

/// The first OID that belongs to users; below, all servers of a version agree.
const FIRST_NORMAL_OID: u32 = 16_384;

impl Transcript {
    /// Writes a message down.
    pub fn hear(&mut self, who: Who, message: &Message) {
        let line = self.line(message);
        let lines = self.lines.entry(who).or_default();
        lines.push(line);
        // Neighbouring parameters are kept sorted.
        let parameters = lines.iter().rev().take_while(|line| line.starts_with("S ")).count();
        let from = lines.len() - parameters;
        lines[from..].sort();
    }

    /// Writes down something that is no message.
    pub fn note(&mut self, who: Who, line: &str) {
        self.lines.entry(who).or_default().push(line.to_owned());
    }

    /// The lines of one client.
    pub fn of(&self, who: Who) -> &[String] {
        self.lines.get(&who).map_or(&[], Vec::as_slice)
    }

    /// The clients that heard something.
    pub fn clients(&self) -> impl Iterator<Item = Who> {
        self.lines.keys().copied()
    }

    fn line(&mut self, message: &Message) -> String {
        let mut reader = message.reader();
        let tag = char::from(message.tag);
        match message.tag {
            b'Z' => format!("Z {}", reader.byte().map(char::from).unwrap_or('?')),
            b'C' => format!("C {}", reader.text()),
            b'D' => {
                format!("D [{}]", joined(message.columns().iter().map(|column| value(column.as_deref()))))
            }
            b'T' => {
                let columns = reader.u16();
                format!("T {}", joined((0..columns).map(|_| self.column(&mut reader))))
            }
            b't' => {
                let types = reader.u16();
                format!("t [{}]", joined((0..types).map(|_| self.oid(reader.u32()))))
            }
            b'E' | b'N' => format!("{tag} {}", fields(message)),
            b'S' => format!("S {}={}", reader.text(), reader.text()),
            b'K' => format!("K a key of {} bytes", message.body.len().saturating_sub(4)),
            b'R' => authentication(message),
            b'A' => {
                reader.u32();
                format!("A {} {}", shown(reader.text().as_bytes()), shown(reader.text().as_bytes()))
            }
            b'G' | b'H' | b'W' => {
                let overall = reader.byte().unwrap_or(0);
                let columns = reader.u16();
                format!("{tag} {overall} [{}]", joined((0..columns).map(|_| reader.u16().to_string())))
            }
            b'd' => format!("d {}", shown(&message.body)),
            b'V' => format!("V {}", value(reader.value().as_deref())),
            b'v' => {
                let newest = reader.u32();
                let options = reader.u32();
                let names = joined((0..options).map(|_| reader.text()));
                format!("v {}.{} [{names}]", newest >> 16, newest & 0xffff)
            }
            b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c' if message.body.is_empty() => tag.to_string(),
            _ => format!("{tag} unreadable {}", shown(&message.body)),
        }
    }

    fn column(&mut self, reader: &mut testbed::client::Reader<'_>) -> String {
        let name = reader.text();
        let (table, number) = (reader.u32(), reader.u16());
        let (kind, size, modifier, format) = (reader.u32(), reader.u16(), reader.u32(), reader.u16());
        let (table, kind) = (self.oid(table), self.oid(kind));
        format!(
            "{}(type {kind} size {} mod {} format {format} from {table}.{number})",
            shown(name.as_bytes()),
            size.cast_signed(),
            modifier.cast_signed()
        )
    }

    fn oid(&mut self, oid: u32) -> String {
        if oid < FIRST_NORMAL_OID {
            return oid.to_string();
        }
        let known = self.oids.iter().position(|other| *other == oid);
        let number = known.unwrap_or_else(|| {
            self.oids.push(oid);
            self.oids.len() - 1
        });
        format!("#{}", number + 1)
    }
}

fn authentication(message: &Message) -> String {
    let mut reader = message.reader();
    match reader.u32() {
        0 => "R ok".to_owned(),
        3 => "R password".to_owned(),
        5 => "R md5".to_owned(),
        10 => format!("R sasl {}", shown(reader.rest())),
        other => format!("R {other}"),
    }
}

fn fields(message: &Message) -> String {
    let told = message.fields().into_iter().filter(|(code, _)| !"FL".contains(*code));
    told.map(|(code, text)| format!("{code}={}", shown(text.as_bytes()))).collect::<Vec<_>>().join(" ")
}

fn joined(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn value(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_owned(), shown)
}

/// Bytes in quotes; long ones by their length and a checksum.
fn shown(bytes: &[u8]) -> String {
    if bytes.len() > 400 {
        return format!("<{} bytes, sum {:016x}>", bytes.len(), checksum(bytes));
    }
    format!("\"{}\"", bytes.escape_ascii())
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Message {
        Message { tag, body: body.to_vec() }
    }

    #[test]
    fn an_error_keeps_all_but_file_and_line() {
        let mut transcript = Transcript::default();
        transcript.hear('A', &message(b'E', b"SERROR\0C42601\0Mno\0Fx.c\0L12\0Rf\0\0"));
        assert_eq!(transcript.of('A'), ["E S=\"ERROR\" C=\"42601\" M=\"no\" R=\"f\""]);
    }

    #[test]
    fn neighbouring_parameters_are_sorted_and_others_are_not() {
        let mut transcript = Transcript::default();
        for (tag, body) in
            [(b'S', b"b\x001\0".as_slice()), (b'S', b"a\x002\0"), (b'Z', b"I"), (b'S', b"A\x003\0")]
        {
            transcript.hear('A', &message(tag, body));
        }
        assert_eq!(transcript.of('A'), ["S a=2", "S b=1", "Z I", "S A=3"]);
    }

    #[test]
    fn own_oids_are_numbered_by_appearance() {
        let mut transcript = Transcript::default();
        transcript.hear('A', &message(b't', b"\0\x02\0\0\x50\0\0\0\0\x17"));
        transcript.hear('A', &message(b't', b"\0\x02\0\0\x60\0\0\0\x50\0"));
        assert_eq!(transcript.of('A'), ["t [#1, 23]", "t [#2, #1]"]);
    }
}
