//! Keys of dictionaries in a settings file of Python, found without running it.

/// A key with what is written behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry<'t> {
    /// The byte its name begins at.
    pub at: usize,
    /// Its value's text, to the comma or the closing bracket.
    pub value: &'t str,
    /// The key whose dictionary it stands in.
    pub inside: Option<&'t str>,
}

/// Most brackets in one another; deeper ones are no settings.
const DEPTH_MAX: usize = 64;

/// Every `"name": value` and `name=value` of a text, outside of comments and strings.
pub(super) fn entries<'t>(text: &'t str, name: &str) -> Vec<Entry<'t>> {
    let mut found = Vec::new();
    // The key in front of each bracket that is open.
    let mut open: Vec<Option<&str>> = Vec::new();
    let mut last: Option<&str> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at = text.len() - rest.len();
        let len = match c {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '\'' | '"' => {
                let (word, len) = string(rest, c);
                let behind = rest.get(len..).unwrap_or("");
                if behind.trim_start().starts_with(':') {
                    last = Some(word);
                    if word == name {
                        found.push(Entry {
                            at,
                            value: value(behind),
                            inside: open.last().copied().flatten(),
                        });
                    }
                }
                len
            }
            '{' | '(' | '[' => {
                if open.len() == DEPTH_MAX {
                    return found;
                }
                // A call's arguments belong to whatever the call is a value of.
                let key = if c == '{' { last.take() } else { last.take().or(open.last().copied().flatten()) };
                open.push(key);
                1
            }
            '}' | ')' | ']' => {
                open.pop();
                1
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or("");
                let behind = rest.get(end..).unwrap_or("");
                let assigns = behind.trim_start();
                if word == name && assigns.starts_with('=') && !assigns.starts_with("==") {
                    found.push(Entry { at, value: value(behind), inside: open.last().copied().flatten() });
                }
                end
            }
            c => c.len_utf8(),
        };
        rest = rest.get(len.max(1)..).unwrap_or("");
    }
    found
}

/// A string's content, and its length with its quotes. An open one ends with its line.
fn string(rest: &str, quote: char) -> (&str, usize) {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    if let Some(inside) = rest.strip_prefix(triple.as_str()) {
        let end = inside.find(triple.as_str()).unwrap_or(inside.len());
        return ("", (end + 6).min(rest.len()));
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return (rest.get(1..at).unwrap_or(""), at + 1),
            '\n' => return ("", at),
            _ => {}
        }
    }
    ("", rest.len())
}

/// From the colon or the sign of equality to the comma, the bracket that closes, or the end of the line.
fn value(behind: &str) -> &str {
    let text = behind.trim_start().trim_start_matches([':', '=']).trim_start();
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return text.get(..at).unwrap_or("").trim(),
            ')' | ']' | '}' => depth -= 1,
            ',' | '#' | '\n' if depth == 0 => return text.get(..at).unwrap_or("").trim(),
            _ => {}
        }
    }
    text.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
DATABASES = {
    "default": {
        "MAX_CONNS": 20,  # "MAX_CONNS": 1
        "CONN_MAX_AGE": int(os.environ["CONN_MAX_AGE"]),
        'OPTIONS': {"pool": {"max_size": 4}, 'MAX_CONNS': 9},
    }
}
"""
"MAX_CONNS": 3,
"""
"#;

    #[test]
    fn keys_know_whose_dictionary_they_stand_in() {
        let found = entries(SETTINGS, "MAX_CONNS");
        let all: Vec<_> = found.iter().map(|it| (it.value, it.inside)).collect();
        assert_eq!(all, [("20", Some("default")), ("9", Some("OPTIONS"))]);
        let size = entries(SETTINGS, "max_size");
        assert_eq!((size[0].value, size[0].inside), ("4", Some("pool")));
    }

    #[test]
    fn a_value_ends_where_its_expression_ends() {
        assert_eq!(entries(SETTINGS, "CONN_MAX_AGE")[0].value, "int(os.environ[\"CONN_MAX_AGE\"])");
        let call = "DATABASES = {'default': dj_database_url.config(conn_max_age=600, ssl_require=True)}";
        let found = entries(call, "conn_max_age");
        assert_eq!((found[0].value, found[0].inside), ("600", Some("default")));
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in ["", "'", "\"\"\"", "{{{", "}}", "'a\\", "é: 'MAX_CONNS", "# MAX_CONNS", "MAX_CONNS == 3"]
        {
            assert_eq!(entries(text, "MAX_CONNS"), [], "{text}");
        }
        assert_eq!(entries(&"(".repeat(10_000), "x"), []);
    }
}
