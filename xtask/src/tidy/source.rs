//! Source files, and their code without comments, texts and tests.

use std::path::{Path, PathBuf};

use crate::{files, read};

/// A file of production code.
pub(super) struct Source {
    /// Path from the workspace's root.
    pub(super) path: PathBuf,
    /// Lines before the tests.
    pub(super) lines: usize,
    /// The code: comments, contents of literals and tests left out.
    pub(super) code: String,
}

impl Source {
    /// Reads one.
    pub(super) fn new(path: PathBuf, text: &str) -> Self {
        let (code, test_lines) = production(&code(text));
        Self { path, lines: text.lines().count() - test_lines, code }
    }

    /// True below this directory.
    pub(super) fn is_in(&self, dir: &str) -> bool {
        self.path.starts_with(dir)
    }

    /// The code's names, a macro's with its `!`, joined by `::` where they are a path; groups of `use` are spread out.
    pub(super) fn paths(&self) -> Vec<String> {
        paths(&self.code)
    }
}

/// Every file of production code of the workspace.
pub(super) fn all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for dir in ["crates", "xtask", "bench", "conformance", "python"] {
        for path in files(&root.join(dir), ".rs")? {
            let short = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            let test = short
                .components()
                .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "examples" | "benches")));
            if !test && !short.ends_with("tests.rs") {
                sources.push(Source::new(short, &read(&path)?));
            }
        }
    }
    Ok(sources)
}

/// The code without items that only tests have, and how many lines those took.
fn production(code: &str) -> (String, usize) {
    let (mut kept, mut lines, mut rest) = (String::with_capacity(code.len()), 0, code);
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let end = item_end(after);
        lines += after[..end].matches('\n').count() + 1;
        rest = &after[end..];
    }
    kept.push_str(rest);
    (kept, lines)
}

/// Where the item at the beginning ends: at its semicolon, or where its braces close.
fn item_end(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Blanks comments and the contents of texts; keeps lines.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if first == '"' {
            string_end(rest)
        } else if rest.starts_with("r\"") || rest.starts_with("r#") {
            raw_end(rest)
        } else if first == '\'' {
            letter_end(rest)
        } else {
            0
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.extend(rest[..skipped].chars().filter(|&c| c == '\n'));
        out.push(' ');
        rest = &rest[skipped..];
    }
    out
}

fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"..."`, `r#"..."#`; 0 for a raw identifier.
fn raw_end(text: &str) -> usize {
    let marks = text[1..].chars().take_while(|&c| c == '#').count();
    let open = 1 + marks;
    if !text[open..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(marks));
    text[open + 1..].find(&close).map_or(text.len(), |at| open + 1 + at + close.len())
}

/// `'x'`, or `'static` the lifetime, which is no `static` of the program.
fn letter_end(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some(_)) => text[3..].find('\'').map_or(0, |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |at| at + 1),
    }
}

/// Names joined by `::`; `a::{b, c::d}` gives `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut path = String::new();
    let mut braces: Vec<bool> = Vec::new();
    let mut rest = code;
    let mut joined = false;
    while let Some(c) = rest.chars().next() {
        let name: &str = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
        if !name.is_empty() {
            if !joined {
                path = groups.concat();
            }
            path.push_str(name);
            rest = &rest[name.len()..];
            joined = rest.starts_with("::");
            if joined {
                path.push_str("::");
                rest = &rest[2..];
            } else {
                let call = rest.starts_with('!') && !rest.starts_with("!=");
                path.push_str(if call { "!" } else { "" });
                found.push(std::mem::take(&mut path));
            }
            continue;
        }
        match c {
            '{' => {
                braces.push(joined);
                if joined {
                    let outer = groups.concat();
                    groups.push(path[outer.len().min(path.len())..].to_owned());
                    path.clear();
                }
                joined = false;
            }
            '}' => {
                if braces.pop() == Some(true) {
                    groups.pop();
                }
                joined = false;
            }
            // `a::*`, `a::<b>`: what stands before counts.
            _ if joined && !c.is_whitespace() => {
                found.push(std::mem::take(&mut path).trim_end_matches("::").to_owned());
                joined = false;
            }
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_comments_and_tests_are_no_code() {
        let text = "use a; // std::net\nlet x = \"std::fs \\\" y\"; let c = '\"'; fn f<'a>() {} /* z */\nlet r = r#\"q\"#;\n#[cfg(test)]\nmod tests {\n use std::net;\n}\n";
        let source = Source::new("a.rs".into(), text);
        assert_eq!(source.lines, 3);
        for hidden in ["net", "fs", "y", "z", "q"] {
            assert!(!source.paths().iter().any(|path| path.contains(hidden)), "{hidden}: {}", source.code);
        }
        assert!(source.code.contains("fn f< >()"));
    }

    #[test]
    fn groups_of_use_are_spread_out() {
        let paths = paths("use std::{net::{TcpStream, IpAddr}, fs, time::*}; x::<u8>(y::z { a: b })");
        for path in ["std::net::TcpStream", "std::net::IpAddr", "std::fs", "std::time", "x", "y::z", "a", "b"]
        {
            assert!(paths.iter().any(|found| found == path), "{path}: {paths:?}");
        }
    }

    #[test]
    fn what_only_tests_have_is_cut_out_wherever_it_stands() {
        let source =
            Source::new("a.rs".into(), "a\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nfn x() { y {} }\nb\n");
        assert_eq!(source.paths(), ["a", "b"]);
        assert_eq!(source.lines, 2);
    }
}
