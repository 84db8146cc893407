//! `$NAME`, `${NAME}` and its four forks, as compose fills them in: in compose files and in env files.
//!
//! A `$` before anything else is text, and `$$` is one `$`.

/// How deep a default may hold variables with defaults of their own.
const DEPTH_MAX: usize = 16;

/// A text whose variables are filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// What became of it.
    pub text: String,
    /// Which part of it came from where.
    pub pieces: Vec<Piece>,
    /// What went wrong, in the order of the text. Each leaves nothing in the text.
    pub faults: Vec<Fault>,
}

/// A part of a filled text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The byte of the filled text it begins at.
    pub begin: usize,
    /// The byte of the raw text it comes from.
    pub raw: usize,
    /// Whether it stands there letter by letter; otherwise all of it comes from that one byte.
    pub verbatim: bool,
}

/// Something wrong at a byte of the raw text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where its `$` stands.
    pub at: usize,
    /// What.
    pub kind: FaultKind,
}

/// What can be wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// It is not set, and has no default.
    Unset(String),
    /// It is not set, or empty, and the file insists.
    Required {
        /// Its name.
        name: String,
        /// What the file says about it.
        said: String,
    },
    /// Its brace is never closed.
    Open,
    /// No name stands in the braces, or something else stands behind it.
    Bad,
    /// Defaults within defaults within defaults.
    Deep,
    /// The text became too long.
    Long,
}

/// Fills in the variables of a text. It may grow by `growth_max` bytes.
pub(super) fn fill(raw: &str, lookup: &dyn Fn(&str) -> Option<String>, growth_max: usize) -> Filled {
    let mut filling =
        Filling { lookup, bytes_max: raw.len().saturating_add(growth_max), filled: Filled::default() };
    filling.run(raw, 0, 0);
    filling.filled
}

/// The byte of the raw text that a byte of the filled one comes from.
pub(super) fn raw_byte(pieces: &[Piece], byte: usize) -> usize {
    let behind = pieces.partition_point(|piece| piece.begin <= byte);
    match behind.checked_sub(1).and_then(|at| pieces.get(at)) {
        Some(piece) if piece.verbatim => piece.raw.saturating_add(byte - piece.begin),
        Some(piece) => piece.raw,
        None => byte,
    }
}

struct Filling<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    bytes_max: usize,
    filled: Filled,
}

/// What stands in braces: `NAME`, and perhaps a fork.
struct Braced<'t> {
    name: &'t str,
    fork: Option<Fork<'t>>,
}

struct Fork<'t> {
    /// `-`, `?` or `+`.
    sign: u8,
    /// A `:` before the sign: an empty value is as good as none.
    empty_is_unset: bool,
    word: &'t str,
    /// Where the word begins, from the `$`.
    begin: usize,
}

impl Filling<'_> {
    /// `base`: where this text begins in the raw one.
    fn run(&mut self, text: &str, base: usize, depth: usize) {
        let mut rest = 0;
        while let Some(found) = text.get(rest..).and_then(|text| text.find('$')) {
            let dollar = rest + found;
            self.push(&text[rest..dollar], base + rest, true);
            let behind = &text[dollar + 1..];
            rest = dollar
                + match behind.as_bytes().first() {
                    Some(b'$') => {
                        self.push("$", base + dollar, false);
                        2
                    }
                    Some(b'{') => self.braced(&text[dollar..], base + dollar, depth),
                    Some(c) if *c == b'_' || c.is_ascii_alphabetic() => {
                        let name = name(behind);
                        self.plain(name, base + dollar);
                        1 + name.len()
                    }
                    _ => {
                        self.push("$", base + dollar, true);
                        1
                    }
                };
        }
        self.push(text.get(rest..).unwrap_or_default(), base + rest, true);
    }

    /// `text` begins with `${`. Says how long the whole of it is.
    fn braced(&mut self, text: &str, at: usize, depth: usize) -> usize {
        let Some(end) = closing(text) else {
            self.fault(at, FaultKind::Open);
            return text.len();
        };
        match parts(&text[..end]) {
            None => self.fault(at, FaultKind::Bad),
            Some(Braced { name, fork: None }) => self.plain(name, at),
            Some(Braced { name, fork: Some(fork) }) => self.fork(name, &fork, at, depth),
        }
        end + 1
    }

    fn plain(&mut self, name: &str, at: usize) {
        match (self.lookup)(name) {
            Some(value) => self.push(&value, at, false),
            None => self.fault(at, FaultKind::Unset(name.into())),
        }
    }

    fn fork(&mut self, name: &str, fork: &Fork<'_>, at: usize, depth: usize) {
        let value = (self.lookup)(name);
        let set = value.as_deref().is_some_and(|value| !(fork.empty_is_unset && value.is_empty()));
        match (fork.sign, set) {
            (b'+', true) | (b'-', false) if depth >= DEPTH_MAX => self.fault(at, FaultKind::Deep),
            (b'+', true) | (b'-', false) => self.run(fork.word, at + fork.begin, depth + 1),
            (b'?', false) => {
                let said = fill(fork.word, self.lookup, 1024).text;
                self.fault(at, FaultKind::Required { name: name.into(), said });
            }
            (b'+', false) => {}
            _ => self.push(&value.unwrap_or_default(), at, false),
        }
    }

    fn push(&mut self, text: &str, raw: usize, verbatim: bool) {
        if text.is_empty() {
            return;
        }
        if self.filled.text.len().saturating_add(text.len()) > self.bytes_max {
            if self.filled.faults.last().is_none_or(|fault| fault.kind != FaultKind::Long) {
                self.fault(raw, FaultKind::Long);
            }
            return;
        }
        self.filled.pieces.push(Piece { begin: self.filled.text.len(), raw, verbatim });
        self.filled.text.push_str(text);
    }

    fn fault(&mut self, at: usize, kind: FaultKind) {
        self.filled.faults.push(Fault { at, kind });
    }
}

/// The name a text begins with.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

/// The brace that closes the one a text begins with behind its `$`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    text.bytes().enumerate().find_map(|(at, c)| {
        match c {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => return None,
        }
        (open == 0).then_some(at)
    })
}

/// `text` is `${...` without the closing brace.
fn parts(text: &str) -> Option<Braced<'_>> {
    let inside = text.get(2..)?;
    let name = name(inside);
    if name.is_empty() || name.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let behind = &inside[name.len()..];
    if behind.is_empty() {
        return Some(Braced { name, fork: None });
    }
    let (empty_is_unset, signed) = match behind.strip_prefix(':') {
        Some(signed) => (true, signed),
        None => (false, behind),
    };
    let sign = *signed.as_bytes().first()?;
    let word = signed.get(1..).filter(|_| matches!(sign, b'-' | b'?' | b'+'))?;
    Some(Braced { name, fork: Some(Fork { sign, empty_is_unset, word, begin: text.len() - word.len() }) })
}

/// A variable as it may be told. What follows a `$` in a password is no variable, and is nobody's to read: only what looks
/// like one is named.
pub(super) fn called(name: &str) -> String {
    let looks = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    if looks { format!("the variable {name}") } else { "a variable".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".into()),
            "E" => Some(String::new()),
            "LONG" => Some("x".repeat(600)),
            _ => None,
        }
    }

    fn filled(raw: &str) -> Filled {
        fill(raw, &look, 1000)
    }

    #[test]
    fn every_fork_does_what_compose_does() {
        for (raw, text) in [
            ("$A-${A}", "a-a"),
            ("$$A $$$A", "$A $a"),
            ("${A:-x} ${E:-x} ${U:-x}", "a x x"),
            ("${A-x} ${E-x} ${U-x}", "a  x"),
            ("${A:+x}|${E:+x}|${U:+x}", "x||"),
            ("${A+x}|${E+x}|${U+x}", "x|x|"),
            ("${A:?no}|${E?no}", "a|"),
            ("${U:-${V:-${A}}}", "a"),
            ("${U:-http://x:1/?a=b}", "http://x:1/?a=b"),
            ("${U:-{\"a\": {}}}!", "{\"a\": {}}!"),
            ("5$ $1 $( $", "5$ $1 $( $"),
            ("$A.b$Ab", "a.b"),
            ("é$A", "éa"),
        ] {
            assert_eq!(filled(raw).text, text, "{raw}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_byte() {
        let faults = |raw| filled(raw).faults.into_iter().map(|f| (f.at, f.kind)).collect::<Vec<_>>();
        assert_eq!(faults("a $U"), [(2, FaultKind::Unset("U".into()))]);
        assert_eq!(faults("${U:-$V}"), [(5, FaultKind::Unset("V".into()))]);
        let required = FaultKind::Required { name: "U".into(), said: "set a".into() };
        assert_eq!(faults("${U:?set $A}"), [(0, required.clone())]);
        assert_eq!(faults("${U?set $A}"), [(0, required)]);
        assert_eq!(faults("${E:?}"), [(0, FaultKind::Required { name: "E".into(), said: String::new() })]);
        assert_eq!(faults("x ${A"), [(2, FaultKind::Open)]);
        assert_eq!(faults("${} ${A.b} ${1}").len(), 3);
        assert_eq!(faults("${A:+x} ${U:+x}"), []);
    }

    #[test]
    fn a_byte_of_the_result_is_found_in_the_raw_text() {
        let filled = filled("ab ${A} c $$ ${U:-de}");
        assert_eq!(filled.text, "ab a c $ de");
        let raw: Vec<_> = [0, 3, 4, 5, 7, 9, 10].map(|byte| raw_byte(&filled.pieces, byte)).into();
        assert_eq!(raw, [0, 3, 7, 8, 10, 18, 19]);
    }

    #[test]
    fn a_text_grows_only_so_far_and_nests_only_so_deep() {
        let long = filled("$LONG$LONG$LONG");
        assert_eq!(long.text.len(), 600);
        assert_eq!(long.faults.len(), 1);
        let deep = format!("{}{}", "${U:-".repeat(50), "}".repeat(50));
        assert_eq!(filled(&deep).faults[0].kind, FaultKind::Deep);
    }
}
