//! Shell lines as the simple commands they are made of. Quotes are gone; `$(...)` and `${...}` stay as they are written,
//! for whoever needs the value.

use crate::Text;

/// What stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    /// `&&`, `||`, `;`, a line's end: the next one waits for this one's end.
    Then,
    /// `&`, `|`: the next one runs beside this one.
    Beside,
}

/// A command: its words, and what comes behind it. The last one has `Then`.
pub(super) type Simple = (Vec<Text>, Joint);

/// The commands of a shell line.
pub(super) fn line(line: &Text) -> Vec<Simple> {
    let mut splitter = Splitter {
        chars: line.text.chars().peekable(),
        place: line,
        word: None,
        words: Vec::new(),
        simple: Vec::new(),
    };
    splitter.run();
    splitter.simple
}

/// The commands of a list of words in which `&&` and its like stand alone.
pub(super) fn list(words: &[Text]) -> Vec<Simple> {
    let mut simple = Vec::new();
    let mut begun = Vec::new();
    for word in words {
        let joint = match word.text.as_str() {
            "&&" | "||" | ";" => Some(Joint::Then),
            "&" | "|" => Some(Joint::Beside),
            _ => None,
        };
        match joint {
            Some(joint) => simple.push((std::mem::take(&mut begun), joint)),
            None => begun.push(word.clone()),
        }
    }
    simple.push((begun, Joint::Then));
    simple.retain(|(words, _)| !words.is_empty());
    simple
}

/// The words of a text that is one command: `GUNICORN_CMD_ARGS`.
pub(super) fn split(text: &Text) -> Vec<Text> {
    line(text).into_iter().flat_map(|(words, _)| words).collect()
}

struct Splitter<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    place: &'t Text,
    /// The word that has begun; an empty pair of quotes is a word too.
    word: Option<String>,
    words: Vec<Text>,
    simple: Vec<Simple>,
}

impl Splitter<'_> {
    fn run(&mut self) {
        while let Some(c) = self.chars.next() {
            match c {
                '\n' => self.end(Joint::Then),
                c if c.is_whitespace() => self.end_word(),
                '#' if self.word.is_none() => self.comment(),
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c) => self.put(c),
                },
                '\'' => self.quoted(),
                '"' => self.double_quoted(),
                '$' => self.dollar(),
                '`' => self.backticks(),
                ';' => self.end(Joint::Then),
                '&' | '|' => self.operator(c),
                '>' | '<' => self.redirection(c),
                '(' | ')' => self.end(Joint::Then),
                c => self.put(c),
            }
        }
        self.end(Joint::Then);
    }

    fn put(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.words.push(Text::new(word, self.place.place.clone()));
        }
    }

    fn end(&mut self, joint: Joint) {
        self.end_word();
        if !self.words.is_empty() {
            self.simple.push((std::mem::take(&mut self.words), joint));
        }
    }

    fn comment(&mut self) {
        while self.chars.next_if(|&c| c != '\n').is_some() {}
    }

    fn quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(c) = self.chars.next().filter(|&c| c != '\'') {
            self.put(c);
        }
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(c) = self.chars.next() {
            match c {
                '"' => return,
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.put(c),
                    Some(c) => {
                        self.put('\\');
                        self.put(c);
                    }
                },
                '$' => self.dollar(),
                c => self.put(c),
            }
        }
    }

    /// Keeps `$(...)` and `${...}` whole, blanks and operators inside included.
    fn dollar(&mut self) {
        self.put('$');
        let Some(open) = self.chars.next_if(|c| matches!(c, '(' | '{')) else { return };
        let close = if open == '(' { ')' } else { '}' };
        self.put(open);
        let mut depth = 1_u32;
        for c in self.chars.by_ref() {
            if c == open {
                depth += 1;
            } else if c == close {
                depth -= 1;
            }
            self.word.get_or_insert_default().push(c);
            if depth == 0 {
                return;
            }
        }
    }

    fn backticks(&mut self) {
        self.put('`');
        for c in self.chars.by_ref() {
            self.word.get_or_insert_default().push(c);
            if c == '`' {
                return;
            }
        }
    }

    fn operator(&mut self, c: char) {
        if c == '&' && self.chars.peek() == Some(&'>') {
            return;
        }
        let doubled = self.chars.next_if_eq(&c).is_some();
        self.end(if doubled { Joint::Then } else { Joint::Beside });
    }

    /// Passes over the text behind `<<END`: it is no program's, and may hold anything.
    fn here_document(&mut self) {
        let mut end = String::new();
        while let Some(c) = self.chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|' | ')'))
        {
            end.push(c);
        }
        let end = end.trim_matches(['\'', '"', '\\']).to_owned();
        // What else stands on the line is passed over with it: rare, and nobody's pool.
        let rest: String = self.chars.clone().collect();
        let mut taken = 0;
        for (number, line) in rest.split_inclusive('\n').enumerate() {
            taken += line.chars().count();
            if number > 0 && line.trim() == end {
                break;
            }
        }
        for _ in 0..taken {
            self.chars.next();
        }
        self.end(Joint::Then);
    }

    /// Passes over `2>&1`, `> file`, `< file`.
    fn redirection(&mut self, sign: char) {
        if self.word.as_ref().is_some_and(|word| word.chars().all(|c| c.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let mut signs = String::from(sign);
        while let Some(c) = self.chars.next_if(|c| matches!(c, '>' | '<' | '&' | '-' | ' ')) {
            signs.push(c);
        }
        if signs.starts_with("<<") && !signs.starts_with("<<<") {
            return self.here_document();
        }
        while self.chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '&' | '|' | ')')).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::place;
    use super::*;

    fn shown(text: &str) -> String {
        let joint = |joint| if joint == Joint::Then { ";" } else { "&" };
        let one = |(words, end): &Simple| {
            let words: Vec<String> = words.iter().map(|word| format!("[{}]", word.text)).collect();
            words.concat() + joint(*end)
        };
        line(&Text::new(text, place())).iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_line_is_split_as_a_shell_splits_it() {
        for (text, split) in [
            ("a b  c", "[a][b][c];"),
            ("a 'b c' \"d e\" f\\ g ''", "[a][b c][d e][f g][];"),
            ("a && b || c; d", "[a]; [b]; [c]; [d];"),
            ("a & b | c &", "[a]& [b]& [c]&"),
            ("a # b && c\nd", "[a]; [d];"),
            ("a#b", "[a#b];"),
            ("a -w $((2 * $(nproc) + 1)) -t \"$(nproc)\"", "[a][-w][$((2 * $(nproc) + 1))][-t][$(nproc)];"),
            ("a ${B:-x y} `n p`", "[a][${B:-x y}][`n p`];"),
            ("a 2>&1 > /dev/null b &> log", "[a][b];"),
            ("a \\\n b", "[a][b];"),
            ("cat <<EOF > f\npassword geheim; x\nEOF\nb", "[cat]; [b];"),
            ("a <<-'E'\nx\n\tE\nb <<< word", "[a]; [b];"),
            ("(a; b) && c", "[a]; [b]; [c];"),
            ("'unfinished", "[unfinished];"),
            ("a $(unfinished", "[a][$(unfinished];"),
            ("", ""),
        ] {
            assert_eq!(shown(text), split, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_breaks_it(text in ".{0,200}") {
            line(&Text::new(text, place()));
        }

        #[test]
        fn no_line_of_operators_breaks_it(text in "[ab $(){}`'\"&|;#<>\\\\\n-]{0,60}") {
            line(&Text::new(text, place()));
        }
    }
}
