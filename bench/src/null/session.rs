//! What the null server answers to one connection. Bytes in, bytes out.

use std::io;

use crate::messages::{self, GSS_REQUEST, Message, PROTOCOL_3_0, SSL_REQUEST, put, put_text};

/// What a server of version 15 reports; the startup packet may overrule the first three.
const PARAMETERS: [(&str, &str); 13] = [
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("TimeZone", "Etc/UTC"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("standard_conforming_strings", "on"),
    ("default_transaction_read_only", "off"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("is_superuser", "off"),
    ("server_encoding", "UTF8"),
    ("server_version", "15.20"),
    ("session_authorization", "bench"),
];

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Startup,
    Serving { in_transaction: bool },
    Over,
}

/// One connection's protocol state.
#[derive(Debug)]
pub(crate) struct Session {
    id: usize,
    stage: Stage,
}

impl Session {
    pub(crate) fn new(id: usize) -> Self {
        Self { id, stage: Stage::Startup }
    }

    /// It is logged in.
    pub(crate) fn is_serving(&self) -> bool {
        matches!(self.stage, Stage::Serving { .. })
    }

    /// The client said goodbye, or only came to cancel.
    pub(crate) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Answers every whole message of `input` into `out`; returns the bytes used.
    pub(crate) fn take(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match &self.stage {
                Stage::Over => return Ok(input.len()),
                Stage::Startup => match messages::first_startup(rest)? {
                    Some((code, parameters, bytes)) => {
                        self.start(code, parameters, out);
                        used += bytes;
                    }
                    None => return Ok(used),
                },
                Stage::Serving { .. } => match messages::first(rest)? {
                    Some((message, bytes)) => {
                        self.serve(message, out);
                        used += bytes;
                    }
                    None => return Ok(used),
                },
            }
        }
    }

    fn start(&mut self, code: u32, parameters: &[u8], out: &mut Vec<u8>) {
        match code {
            SSL_REQUEST | GSS_REQUEST => out.push(b'N'),
            PROTOCOL_3_0.. if code >> 16 == 3 => {
                put(out, b'R', |out| out.extend_from_slice(&[0; 4]));
                for (name, value) in PARAMETERS {
                    put_parameter(out, name, asked(parameters, name).unwrap_or(value));
                }
                put(out, b'K', |out| {
                    out.extend_from_slice(&u32::try_from(self.id + 1).unwrap_or(1).to_be_bytes());
                    out.extend_from_slice(&[7; 4]);
                });
                self.stage = Stage::Serving { in_transaction: false };
                self.ready(out);
            }
            // A cancel request, or a protocol of another age: PostgreSQL closes on both.
            _ => self.stage = Stage::Over,
        }
    }

    fn serve(&mut self, message: Message<'_>, out: &mut Vec<u8>) {
        match message.tag {
            b'Q' => {
                let text = String::from_utf8_lossy(message.body.strip_suffix(&[0]).unwrap_or(message.body));
                self.query(&text, out);
                self.ready(out);
            }
            b'P' => put(out, b'1', |_| {}),
            b'B' => put(out, b'2', |_| {}),
            b'D' => {
                if message.body.first() == Some(&b'S') {
                    put(out, b't', |out| out.extend_from_slice(&[0; 2]));
                }
                put_row_description(out);
            }
            b'E' => put_row(out),
            b'C' => put(out, b'3', |_| {}),
            b'S' => self.ready(out),
            b'X' => self.stage = Stage::Over,
            // Flush asks for what was sent already; anything else asks for nothing.
            _ => {}
        }
    }

    /// Statements are told apart by their first word only.
    fn query(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut some = false;
        for statement in text.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            some = true;
            let word = statement.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match (word.as_str(), &mut self.stage) {
                ("SELECT", _) => {
                    put_row_description(out);
                    put_row(out);
                    continue;
                }
                ("BEGIN", Stage::Serving { in_transaction }) => *in_transaction = true,
                ("COMMIT" | "ROLLBACK" | "END", Stage::Serving { in_transaction }) => *in_transaction = false,
                ("SET", _) => report_set(statement, out),
                _ => {}
            }
            put(out, b'C', |out| put_text(out, &word));
        }
        if !some {
            put(out, b'I', |_| {});
        }
    }

    fn ready(&self, out: &mut Vec<u8>) {
        let status = match self.stage {
            Stage::Serving { in_transaction: true } => b'T',
            Stage::Serving { in_transaction: false } | Stage::Startup | Stage::Over => b'I',
        };
        put(out, b'Z', |out| out.push(status));
    }
}

/// The value that a startup packet asks for.
fn asked<'a>(parameters: &'a [u8], name: &str) -> Option<&'a str> {
    let mut words = parameters.split(|&byte| byte == 0);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        if key == name.as_bytes() {
            return std::str::from_utf8(value).ok();
        }
    }
    None
}

/// A pooler that sets a parameter waits for its report; without one it would set it again at every checkout.
fn report_set(statement: &str, out: &mut Vec<u8>) {
    let Some((left, value)) = statement.split_once('=') else { return };
    let name = left.split_whitespace().last().unwrap_or_default();
    if let Some((name, _)) = PARAMETERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        put_parameter(out, name, value.trim().trim_matches('\''));
    }
}

fn put_parameter(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, b'S', |out| {
        put_text(out, name);
        put_text(out, value);
    });
}

/// One column `abalance` of type int4 in text form.
fn put_row_description(out: &mut Vec<u8>) {
    put(out, b'T', |out| {
        out.extend_from_slice(&[0, 1]);
        put_text(out, "abalance");
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    });
}

fn put_row(out: &mut Vec<u8>) {
    put(out, b'D', |out| out.extend_from_slice(&[0, 1, 0, 0, 0, 1, b'0']));
    put(out, b'C', |out| put_text(out, "SELECT 1"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(mut bytes: &[u8]) -> String {
        let mut tags = String::new();
        while let Some((message, used)) = messages::first(bytes).unwrap() {
            tags.push(char::from(message.tag));
            bytes = &bytes[used..];
        }
        tags
    }

    fn serving() -> Session {
        Session { id: 0, stage: Stage::Serving { in_transaction: false } }
    }

    #[test]
    fn a_login_ends_with_ready_for_query() {
        let mut out = Vec::new();
        let bytes = messages::startup("bench", "bench");
        assert_eq!(Session::new(0).take(&bytes, &mut out).unwrap(), bytes.len());
        assert_eq!(tags(&out), "RSSSSSSSSSSSSSKZ");
    }

    #[test]
    fn a_prepared_batch_is_answered_in_order() {
        let mut input = Vec::new();
        messages::parse(&mut input, "p0", "select 1");
        messages::bind_describe_execute(&mut input, "p0");
        messages::sync(&mut input);
        let mut out = Vec::new();
        assert_eq!(serving().take(&input, &mut out).unwrap(), input.len());
        assert_eq!(tags(&out), "12TDCZ");
    }

    #[test]
    fn a_setting_is_reported_and_an_empty_query_is_answered() {
        let mut input = Vec::new();
        messages::query(&mut input, "SET application_name='x'; select 1");
        messages::query(&mut input, " ");
        let mut out = Vec::new();
        serving().take(&input, &mut out).unwrap();
        assert_eq!(tags(&out), "SCTDCZIZ");
    }
}
