//! Lines that may hold a secret. Whoever prints lines of somebody's file leaves these out; a harmless one too many is no
//! harm.

use super::{PASSWORDS, words};

/// Parts of words that tell a secret wherever they stand: `PGPASSWORD`, `apikey`, `proxy-authorization`.
const TELLING: [&str; 10] =
    ["pass", "pwd", "secret", "token", "key", "credential", "auth", "private", "conninfo", "scram-sha"];
/// Letters and digits in a row that nobody writes by hand.
const DRAWN_MIN: usize = 20;

/// Whether a line by itself may hold a secret: by a name in it, by a login of an address, or by letters that look drawn.
pub(crate) fn may_hold_secret(line: &str) -> bool {
    let small = line.to_ascii_lowercase();
    let named = TELLING.iter().any(|sign| small.contains(sign))
        || words(line).iter().any(|word| PASSWORDS.contains(&word.as_str()));
    let login = small.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    named || login || is_drawn(line)
}

fn is_drawn(line: &str) -> bool {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))).any(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        word.len() >= DRAWN_MIN && digits > 0 && digits < word.len() && !word.contains("//")
    })
}

/// For each line of a file whether it may hold a secret: by itself, or as a part of what a line before it names.
pub(crate) fn secret_lines(path: &str, text: &str) -> Vec<bool> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut secret = vec![is_secret_file(path); lines.len()];
    mark_below(&lines, &mut secret);
    mark_values(&lines, &mut secret);
    mark_documents(&lines, &mut secret);
    secret
}

/// Files that are nothing but logins.
fn is_secret_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    ["userlist", "pgpass", "secret", "password", "credential", "htpasswd"]
        .iter()
        .any(|sign| name.contains(sign))
        || [".pem", ".key", ".p12"].iter().any(|end| name.ends_with(end))
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Of a secret's line also what stands further inside (a block of YAML, `value:` below `- name:`), and what follows until
/// its quote ends.
fn mark_below(lines: &[&str], secret: &mut [bool]) {
    let mut inside: Option<usize> = None;
    let mut quote: Option<char> = None;
    for (line, secret) in lines.iter().zip(secret.iter_mut()) {
        let closes = quote.is_some_and(|mark| is_odd(line, mark));
        let deeper = line.trim().is_empty() || inside.is_some_and(|depth| indent(line) > depth);
        if quote.is_some() || (inside.is_some() && deeper) {
            *secret = true;
            if closes {
                quote = None;
            }
            continue;
        }
        inside = None;
        if may_hold_secret(line) {
            *secret = true;
            inside = Some(indent(line));
            quote = opened(line);
        }
    }
}

/// The quote that a line's value begins with and does not end.
fn opened(line: &str) -> Option<char> {
    let value = line.split_once(['=', ':']).map_or("", |(_, value)| value.trim_start());
    let mark = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    is_odd(value, mark).then_some(mark)
}

fn is_odd(text: &str, mark: char) -> bool {
    let mut odd = false;
    let mut escaped = false;
    for c in text.chars() {
        if c == mark && !escaped {
            odd = !odd;
        }
        escaped = c == '\\' && !escaped;
    }
    odd
}

/// `value:` of a list of variables, whose name stands beside it: a number is harmless if that name is. Of another value the
/// name may be anything.
fn mark_values(lines: &[&str], secret: &mut [bool]) {
    for (at, line) in lines.iter().enumerate() {
        let own = line.trim_start().trim_start_matches("- ").trim_start();
        let Some(value) = own.strip_prefix("value:").or_else(|| own.strip_prefix("\"value\":")) else {
            continue;
        };
        let value = value.trim().trim_matches(|c: char| matches!(c, '"' | '\'' | ','));
        let plain = value.parse::<u32>().is_ok() || matches!(value, "true" | "false");
        let beside = lines.get(at + 1).is_some_and(|next| !next.trim_start().starts_with('-'));
        let named = beside && secret.get(at + 1).is_some_and(|next| *next);
        if (!plain || named)
            && let Some(own) = secret.get_mut(at)
        {
            *own = true;
        }
    }
}

/// Documents of the kind Secret, with all they hold.
fn mark_documents(lines: &[&str], secret: &mut [bool]) {
    let is_end = |line: &&str| line.starts_with("---");
    let mut from = 0;
    while from < lines.len() {
        let rest = lines.get(from..).unwrap_or(&[]);
        let to = rest.iter().skip(1).position(is_end).map_or(lines.len(), |at| from + 1 + at);
        let document = lines.get(from..to).unwrap_or(&[]);
        if document.iter().any(|line| is_kind_secret(line))
            && let Some(own) = secret.get_mut(from..to)
        {
            own.fill(true);
        }
        from = to;
    }
}

fn is_kind_secret(line: &str) -> bool {
    let plain: String = line.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ':').collect();
    let small = plain.to_ascii_lowercase();
    small.split_once("kind:").is_some_and(|(_, kind)| kind.contains("secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that may be shown.
    fn shown(path: &str, text: &str) -> String {
        let secret = secret_lines(path, text);
        text.split_inclusive('\n').zip(secret).filter(|(_, secret)| !secret).map(|(line, _)| line).collect()
    }

    #[test]
    fn a_line_tells_by_its_name_or_its_value_that_it_may_hold_a_secret() {
        for line in [
            "DB_PASSWORD=x",
            "PGPASSWORD: x",
            "      - API_KEY=x",
            "MYSECRET=x",
            "authToken: x",
            "SMTP_PASS=x",
            "DB_PWD=x",
            "shop = host=pg password=x",
            "AUTH_HEADER=x",
            "AWS_CREDENTIALS=x",
            "A=postgres://app:x@db/shop",
            "BROKER=amqp://app:x@mq",
            "DATABASE_URL=postgres://db/shop",
            "X=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "\"app\" \"SCRAM-SHA-256$4096\"",
        ] {
            assert!(may_hold_secret(line), "{line}");
        }
        for line in [
            "DB_MAX_CONNS=50",
            "      - max_connections=200",
            "shared_buffers = 256MB",
            "    image: postgres:16",
            "tcp_keepalives_idle = 60",
            "idle_in_transaction_session_timeout = 60s",
            "    command: gunicorn --threads=25 wall.wsgi",
        ] {
            assert!(!may_hold_secret(line), "{line}");
        }
    }

    #[test]
    fn what_a_secret_line_begins_is_secret_to_its_end() {
        assert_eq!(shown("a.yaml", "a: 1\nTLS_KEY: |\n  first\n\n  second\nb: 2\n"), "a: 1\nb: 2\n");
        assert_eq!(shown(".env", "A=1\nTLS_KEY=\"first\nsecond\nthird\"\nB=2\n"), "A=1\nB=2\n");
        let list = "env:\n- name: POOL\n  value: \"5\"\n- name: DB_PASSWORD\n  value: \"7\"\n- value: hunter2\n  name: ANY\n";
        assert_eq!(shown("a.yaml", list), "env:\n- name: POOL\n  value: \"5\"\n  name: ANY\n");
        let turned = "- value: \"12345\"\n  name: DB_PASSWORD\n";
        assert_eq!(shown("a.yaml", turned), "");
    }

    #[test]
    fn documents_and_files_that_are_secrets_are_so_in_every_line() {
        let text = "kind: ConfigMap\nx: a\n---\nstringData:\n  any: hunter2\nkind: Secret\n---\nkind: Service\ny: b\n";
        assert_eq!(shown("a.yaml", text), "kind: ConfigMap\nx: a\n---\nkind: Service\ny: b\n");
        assert_eq!(shown("a.json", "{\"kind\": \"Secret\",\n\"stringData\": {\n\"any\": \"x\"}}\n"), "");
        assert_eq!(shown("etc/userlist.txt", "\"app\" \"x\"\n"), "");
    }
}
