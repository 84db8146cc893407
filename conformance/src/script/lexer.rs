//! A line as words.

use anyhow::{Context, Result, bail};

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// `Query`
    Bare(String),
    /// `"select 1"`, perhaps repeated: `"x"*1000`
    Text(Vec<u8>),
    /// `user=app`, `options="-c a=b"`
    Pair(String, Vec<u8>),
    /// `[23, "a", null]`
    List(Vec<Word>),
    /// `|`, between messages of one segment
    Bar,
}

/// Splits a line; `#` outside quotes begins a comment.
pub(super) fn words(line: &str) -> Result<Vec<Word>> {
    let mut lexer = Lexer { rest: line };
    let mut words = Vec::new();
    while let Some(word) = lexer.word()? {
        words.push(word);
    }
    Ok(words)
}

struct Lexer<'a> {
    rest: &'a str,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.rest = &self.rest[next.len_utf8()..];
        Some(next)
    }

    fn word(&mut self) -> Result<Option<Word>> {
        while self.peek().is_some_and(|c| c.is_whitespace() || c == ',') {
            self.take();
        }
        match self.peek() {
            None | Some('#') => Ok(None),
            Some('|') => {
                self.take();
                Ok(Some(Word::Bar))
            }
            Some('[') => {
                self.take();
                self.list().map(Some)
            }
            Some(']') => Ok(None),
            Some('"') => self.text().map(|text| Some(Word::Text(text))),
            Some(_) => self.bare().map(Some),
        }
    }

    fn list(&mut self) -> Result<Word> {
        let mut items = Vec::new();
        while let Some(item) = self.word()? {
            items.push(item);
        }
        if self.take() != Some(']') {
            bail!("a list does not end");
        }
        Ok(Word::List(items))
    }

    fn bare(&mut self) -> Result<Word> {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !",|[]".contains(*c)) {
            self.take();
            if c == '=' && self.peek() == Some('"') {
                return Ok(Word::Pair(name, self.text()?));
            }
            name.push(c);
        }
        let pair = name.split_once('=').filter(|(key, _)| !key.is_empty() && !key.contains(['>', '<']));
        Ok(match pair {
            Some((key, value)) => Word::Pair(key.to_owned(), value.as_bytes().to_vec()),
            None => Word::Bare(name),
        })
    }

    fn text(&mut self) -> Result<Vec<u8>> {
        self.take();
        let mut text = Vec::new();
        loop {
            match self.take().context("a text does not end")? {
                '"' => break,
                '\\' => text.extend(self.escape()?),
                c => text.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        if self.peek() == Some('*') {
            self.take();
            let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (count, rest) = self.rest.split_at(digits);
            self.rest = rest;
            text = text.repeat(count.parse().context("a number after *")?);
        }
        Ok(text)
    }

    fn escape(&mut self) -> Result<Vec<u8>> {
        Ok(match self.take().context("a text ends in a backslash")? {
            'n' => vec![b'\n'],
            't' => vec![b'\t'],
            'r' => vec![b'\r'],
            '0' => vec![0],
            'x' => {
                let digits: String = self.rest.chars().take(2).collect();
                self.rest = self.rest.get(2..).context("two digits after \\x")?;
                vec![u8::from_str_radix(&digits, 16).context("two hexadecimal digits after \\x")?]
            }
            c @ ('"' | '\\') => vec![c as u8],
            c => bail!("\\{c} is no escape"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_splits_into_words_texts_and_lists() {
        let words = words(r#"A> Bind "" s1 ["1", null] formats=1 | Sync # end"#).expect("lexes");
        assert_eq!(words.len(), 8);
        assert_eq!(words[4], Word::List(vec![Word::Text(b"1".to_vec()), Word::Bare("null".to_owned())]));
        assert_eq!(words[5], Word::Pair("formats".to_owned(), b"1".to_vec()));
        assert_eq!(words[6], Word::Bar);
    }

    #[test]
    fn a_text_knows_escapes_and_repetition() {
        assert_eq!(words(r#""a\n\x00"*2"#).expect("lexes"), [Word::Text(b"a\n\0a\n\0".to_vec())]);
        assert!(words(r#""open"#).is_err());
    }
}
