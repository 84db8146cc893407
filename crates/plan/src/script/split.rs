//! A script cut into statements and commands. Quotes, dollar quotes and comments are looked through, as psql's lexer does.

/// A piece of a script. `at`: the byte it begins at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A statement without its semicolon.
    Sql { text: String },
    /// A line that begins with a backslash, its continuations joined.
    Command { text: String, at: usize },
    /// Something that does not end.
    Open { what: &'static str, at: usize },
}

/// The pieces in order; empty statements and comments alone are none.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut at, mut begin) = (0, 0);
    // Whether anything but blanks and comments stands since `begin`.
    let mut filled = false;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            match comment(rest) {
                Some(len) => at += len,
                None => return open(found, "a comment", at),
            }
        } else if c == '\\' && !filled {
            let (line, len) = command(rest);
            found.push(Piece::Command { text: line, at });
            at += len;
            begin = at;
        } else if c == ';' {
            if filled {
                found.push(Piece::Sql { text: text[begin..at].trim().to_owned() });
            }
            at += 1;
            (begin, filled) = (at, false);
        } else if let Some(quote) = quoted(text, at) {
            match quote {
                Ok(len) => at += len,
                Err(what) => return open(found, what, at),
            }
            filled = true;
        } else {
            filled = filled || !c.is_whitespace();
            at += c.len_utf8();
        }
    }
    if filled {
        found.push(Piece::Sql { text: text[begin..].trim().to_owned() });
    }
    found
}

fn open(mut found: Vec<Piece>, what: &'static str, at: usize) -> Vec<Piece> {
    found.push(Piece::Open { what, at });
    found
}

/// A command's line, with those that a backslash at the end carries on, and its length.
fn command(rest: &str) -> (String, usize) {
    let mut line = String::new();
    let mut len = 0;
    for part in rest.split_inclusive('\n') {
        len += part.len();
        let part = part.trim_end();
        match part.strip_suffix('\\') {
            Some(part) => {
                line.push_str(part);
                line.push(' ');
            }
            None => {
                line.push_str(part);
                break;
            }
        }
    }
    (line, len)
}

/// The length of a comment; comments nest in PostgreSQL.
fn comment(rest: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// The length of a quoted piece that begins here, if one does.
fn quoted(text: &str, at: usize) -> Option<Result<usize, &'static str>> {
    let rest = &text[at..];
    let end = |sign: char| rest[1..].find(sign).map(|end| end + 2);
    match rest.chars().next()? {
        '\'' => {
            let escapes = text[..at].ends_with(['e', 'E']);
            Some(if escapes { escaped(rest) } else { end('\'') }.ok_or("a text"))
        }
        '"' => Some(end('"').ok_or("a quoted name")),
        '$' => {
            // A dollar within a name quotes nothing.
            if text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                return None;
            }
            let tag = &rest[1..1 + rest[1..].find('$')?];
            if !tag.chars().all(|c| c.is_alphanumeric() || c == '_')
                || tag.starts_with(|c: char| c.is_ascii_digit())
            {
                return None;
            }
            let sign = &rest[..tag.len() + 2];
            Some(rest[sign.len()..].find(sign).map(|end| end + 2 * sign.len()).ok_or("a dollar-quoted text"))
        }
        _ => None,
    }
}

/// The length of an `E'...'` text from its quote on.
fn escaped(rest: &str) -> Option<usize> {
    let mut skip = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if skip => skip = false,
            '\\' => skip = true,
            '\'' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
