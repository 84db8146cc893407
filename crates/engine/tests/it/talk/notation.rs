//! Messages as words. The same notation is read and written; what it has no words for is not in a conversation.

use wire::backend::{Authentication, Fields};
use wire::encode::{self, Column, Version};
use wire::frame;
use wire::frontend::{self, Parse, Target};

/// Words of a line; quotes keep blanks together, `-` is the empty word.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut any, mut escaped) = (false, false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                word.push(if c == 'n' { '\n' } else { c });
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Messages of a line, parted by ` | `.
pub(crate) fn messages(line: &str) -> Vec<Vec<String>> {
    line.split(" | ").map(words).filter(|words| !words.is_empty()).collect()
}

fn name(word: &str) -> &[u8] {
    if word == "-" { b"" } else { word.as_bytes() }
}

fn arg(words: &[String], at: usize) -> &str {
    words.get(at).map_or("", String::as_str)
}

fn framed(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(body);
}

fn target(word: &str) -> Target {
    if word == "S" { Target::Statement } else { Target::Portal }
}

/// A client's message.
pub(crate) fn frontend(out: &mut Vec<u8>, words: &[String]) {
    match arg(words, 0) {
        "Startup" => {
            let pairs = words[1..].iter().filter_map(|word| word.split_once('='));
            let pairs: Vec<(&[u8], &[u8])> = pairs.map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect();
            encode::startup(out, Version { major: 3, minor: 0 }, pairs.into_iter());
        }
        "SSLRequest" => encode::ssl_request(out),
        "p" => encode::password(out, arg(words, 1).as_bytes()),
        "Q" => encode::query(out, arg(words, 1).as_bytes()),
        "P" => {
            let mut tail = arg(words, 2).as_bytes().to_vec();
            tail.extend_from_slice(&[0, 0, 0]);
            encode::parse(out, name(arg(words, 1)), &tail);
        }
        "B" => {
            let values: Vec<&[u8]> = words[3..].iter().map(String::as_bytes).collect();
            encode::bind_text(out, name(arg(words, 1)), name(arg(words, 2)), &values);
        }
        "D" => encode::describe(out, target(arg(words, 1)), name(arg(words, 2))),
        "C" => encode::close(out, target(arg(words, 1)), name(arg(words, 2))),
        "E" => encode::execute(out, name(arg(words, 1)), arg(words, 2).parse().unwrap_or(0)),
        "S" => encode::sync(out),
        "H" => encode::flush(out),
        "X" => encode::terminate(out),
        "d" => framed(out, b'd', arg(words, 1).as_bytes()),
        "c" => out.extend_from_slice(encode::COPY_DONE),
        "f" => encode::copy_fail(out, arg(words, 1).as_bytes()),
        "F" => framed(out, b'F', &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0]),
        other => panic!("no message of a client: {other:?}"),
    }
}

/// A server's message; `front X` is the beginning of a long one of tag `X`.
pub(crate) fn backend(out: &mut Vec<u8>, words: &[String]) {
    let one = arg(words, 1);
    match arg(words, 0) {
        "R" if one == "ok" => encode::auth_ok(out),
        "R" => encode::auth_cleartext(out),
        "K" => encode::backend_key(out, one.parse().unwrap_or(1), b"abcd"),
        "S" => {
            let (name, value) = one.split_once('=').unwrap_or((one, ""));
            encode::parameter_status(out, name.as_bytes(), value.as_bytes());
        }
        "Z" => framed(out, b'Z', one.as_bytes()),
        tag @ ("1" | "2" | "3" | "n" | "s" | "I" | "c") => framed(out, tag.as_bytes()[0], b""),
        "t" => framed(out, b't', &[0, 0]),
        "T" => encode::row_description(out, &[Column { name: one, type_oid: 25 }]),
        "D" => encode::data_row(out, &[Some(one.as_bytes())]),
        "C" => encode::command_complete(out, one),
        tag @ ("E" | "FATAL" | "N") => {
            let severity = match tag {
                "E" => "ERROR",
                "FATAL" => "FATAL",
                _ => "NOTICE",
            };
            let fields: [(u8, &[u8]); 5] = [
                (b'S', severity.as_bytes()),
                (b'V', severity.as_bytes()),
                (b'C', one.as_bytes()),
                (b'M', arg(words, 2).as_bytes()),
                (b'R', arg(words, 3).as_bytes()),
            ];
            let start = out.len();
            encode::error_fields(out, fields.into_iter().filter(|(_, text)| !text.is_empty()));
            if tag == "N" {
                out[start] = b'N';
            }
        }
        "A" => {
            let body = [&[0, 0, 0, 7][..], one.as_bytes(), b"\0", arg(words, 2).as_bytes(), b"\0"].concat();
            framed(out, b'A', &body);
        }
        tag @ ("G" | "H") => framed(out, tag.as_bytes()[0], &[0, 0, 1, 0, 0]),
        "d" => framed(out, b'd', one.as_bytes()),
        "V" => framed(out, b'V', &[0, 0, 0, 1, b'7']),
        "front" => out.extend_from_slice(&[one.as_bytes(), &[0, 0, 16, 0], b"\0\x01"].concat()),
        other => panic!("no message of a server: {other:?}"),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let text: String =
        String::from_utf8_lossy(bytes).chars().map(|c| if c.is_control() { '.' } else { c }).collect();
    format!("\"{}\"", text.replace('"', "\\\""))
}

fn word(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { String::from_utf8_lossy(bytes).into_owned() }
}

/// What was sent to a server, in words; bytes that are no message stand at the end.
pub(crate) fn show_frontend(bytes: &[u8], started: bool) -> Vec<String> {
    if !started {
        return match wire::startup::First::read(bytes) {
            Ok(wire::startup::First::Startup(startup)) => {
                let pairs = startup.settings.iter().map(|(k, v)| format!(" {}={}", word(k), quoted(v)));
                let pairs: String = pairs.collect();
                vec![format!(
                    "Startup user={} database={}{pairs}",
                    word(startup.user),
                    word(startup.database)
                )]
            }
            Ok(wire::startup::First::Cancel { pid, .. }) => vec![format!("Cancel {pid}")],
            _ => vec![format!("{} bytes", bytes.len())],
        };
    }
    each(bytes, |tag, body| match tag {
        b'Q' => format!("Q {}", quoted(frontend::query(body).unwrap_or_default())),
        b'P' => match Parse::read(body) {
            Ok(parse) => format!("P {} {}", word(parse.name), quoted(parse.query())),
            Err(_) => "P?".to_owned(),
        },
        b'B' => match frontend::bind_names(body) {
            Ok(Some(names)) => format!("B {} {}", word(names.portal), word(names.statement)),
            _ => "B?".to_owned(),
        },
        b'D' | b'C' => match frontend::describe_or_close(body) {
            Ok((target, name)) => format!("{} {} {}", tag as char, target.byte() as char, word(name)),
            Err(_) => "D?".to_owned(),
        },
        b'E' => {
            frontend::execute(body).map_or("E?".into(), |(portal, rows)| format!("E {} {rows}", word(portal)))
        }
        b'd' => format!("d {}", quoted(body)),
        b'f' | b'p' => format!("{} {}", tag as char, quoted(body.strip_suffix(b"\0").unwrap_or(body))),
        tag => (tag as char).to_string(),
    })
}

/// What was sent to a client, in words.
pub(crate) fn show_backend(bytes: &[u8]) -> Vec<String> {
    each(bytes, |tag, body| match tag {
        b'R' => match Authentication::parse(body) {
            Some(Authentication::Ok) => "R ok".to_owned(),
            Some(other) => format!("R {other:?}").split(' ').take(2).collect::<Vec<_>>().join(" "),
            None => "R?".to_owned(),
        },
        b'E' | b'N' => {
            let fields = Fields::parse(body);
            let head = match (tag, fields.is_fatal()) {
                (b'N', _) => "N",
                (_, true) => "FATAL",
                (_, false) => "E",
            };
            let code = String::from_utf8_lossy(fields.field(b'C').unwrap_or_default()).into_owned();
            format!("{head} {code} {}", quoted(fields.message().unwrap_or_default()))
        }
        b'S' => wire::backend::parameter_status(body)
            .map_or("S?".into(), |(name, value)| format!("S {}={}", word(name), word(value))),
        b'K' => "K".to_owned(),
        b'Z' => format!("Z {}", word(body)),
        b'C' => format!("C {}", quoted(body.strip_suffix(b"\0").unwrap_or(body))),
        b'D' => format!("D {}", quoted(body.get(6..).unwrap_or_default())),
        b'd' => format!("d {}", quoted(body)),
        b'T' => "T".to_owned(),
        tag => (tag as char).to_string(),
    })
}

fn each(bytes: &[u8], show: impl Fn(u8, &[u8]) -> String) -> Vec<String> {
    let mut rest = bytes;
    let mut shown = Vec::new();
    while let Ok(Some(header)) = frame::peek(rest, 1 << 30) {
        if header.total() > rest.len() {
            break;
        }
        shown.push(show(header.tag, &rest[frame::HEADER..header.total()]));
        rest = &rest[header.total()..];
    }
    if !rest.is_empty() {
        shown.push(format!("+{} bytes", rest.len()));
    }
    shown
}
