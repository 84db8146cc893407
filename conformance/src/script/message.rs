//! Frontend messages as they are written in a script.

use anyhow::{Context, Result, bail};
use testbed::Batch;

use super::lexer::Word;

/// The bytes of `Query "select 1" | Sync`.
pub(super) fn batch(words: &[Word]) -> Result<Vec<u8>> {
    let mut batch = Batch::new();
    for message in words.split(|word| *word == Word::Bar) {
        let mut arguments = Arguments(message);
        let name = arguments.bare().context("a message begins with its name")?;
        batch = one(batch, &name, &mut arguments).with_context(|| format!("in {name}"))?;
        if let Some(extra) = arguments.0.first() {
            bail!("{name}: {extra:?} is too much");
        }
    }
    Ok(batch.bytes().to_vec())
}

fn one(batch: Batch, name: &str, arguments: &mut Arguments<'_>) -> Result<Batch> {
    Ok(match name {
        "Query" => batch.message(b'Q', &[arguments.text()?, vec![0]].concat()),
        "Parse" => {
            let (statement, sql) = (arguments.string()?, arguments.string()?);
            let types: Vec<u32> = arguments.numbers()?;
            batch.parse(&statement, &sql, &types)
        }
        "Bind" => bind(batch, arguments)?,
        "Describe" => batch.describe(arguments.kind()?, &arguments.string()?),
        "Close" => batch.close(arguments.kind()?, &arguments.string()?),
        "Execute" => {
            let portal = arguments.string()?;
            batch.execute(&portal, arguments.bare().unwrap_or_else(|_| "0".to_owned()).parse()?)
        }
        "Sync" => batch.sync(),
        "Flush" => batch.flush(),
        "CopyData" => batch.copy_data(&arguments.text()?),
        "CopyDone" => batch.copy_done(),
        "CopyFail" => batch.copy_fail(&arguments.string()?),
        "FunctionCall" => {
            let oid = arguments.bare()?.parse()?;
            let values = arguments.values()?;
            batch.function_call(oid, &borrowed(&values))
        }
        "Password" => batch.password(&arguments.string()?),
        "Terminate" => batch.terminate(),
        "SSLRequest" => batch.ssl_request(),
        "GSSENCRequest" => batch.gssenc_request(),
        "Startup" => startup(batch, arguments)?,
        "message" => {
            let tag = arguments.string()?;
            let tag = *tag.as_bytes().first().context("a tag")?;
            batch.message(tag, &arguments.text()?)
        }
        "raw" => {
            let mut bytes = Vec::new();
            while let Ok(word) = arguments.bare() {
                bytes.push(u8::from_str_radix(&word, 16).context("raw wants hexadecimal bytes")?);
            }
            batch.raw(&bytes)
        }
        "text" => batch.raw(&arguments.text()?),
        other => bail!("there is no message {other}"),
    })
}

fn bind(batch: Batch, arguments: &mut Arguments<'_>) -> Result<Batch> {
    let (portal, statement) = (arguments.string()?, arguments.string()?);
    let values = arguments.values()?;
    let (mut formats, mut results) = (Vec::new(), Vec::new());
    while let Some((name, value)) = arguments.pair() {
        let codes = value.split('/').map(str::parse).collect::<Result<_, _>>()?;
        match name.as_str() {
            "formats" => formats = codes,
            "results" => results = codes,
            other => bail!("{other} is no option of Bind"),
        }
    }
    Ok(batch.bind_as(&portal, &statement, &formats, &borrowed(&values), &results))
}

fn startup(batch: Batch, arguments: &mut Arguments<'_>) -> Result<Batch> {
    let (mut major, mut minor, mut parameters) = (3, 0, Vec::new());
    while let Some((name, value)) = arguments.pair() {
        match name.as_str() {
            "major" => major = value.parse()?,
            "minor" => minor = value.parse()?,
            _ => parameters.push((name, value)),
        }
    }
    Ok(batch.startup(major, minor, &parameters))
}

fn borrowed(values: &[Option<Vec<u8>>]) -> Vec<Option<&[u8]>> {
    values.iter().map(Option::as_deref).collect()
}

struct Arguments<'a>(&'a [Word]);

impl Arguments<'_> {
    fn bare(&mut self) -> Result<String> {
        match self.0.split_first() {
            Some((Word::Bare(word), rest)) => {
                self.0 = rest;
                Ok(word.clone())
            }
            other => bail!("a word is missing before {:?}", other.map(|(word, _)| word)),
        }
    }

    fn text(&mut self) -> Result<Vec<u8>> {
        match self.0.split_first() {
            Some((Word::Text(text), rest)) => {
                self.0 = rest;
                Ok(text.clone())
            }
            _ => self.bare().map(String::into_bytes),
        }
    }

    fn string(&mut self) -> Result<String> {
        String::from_utf8(self.text()?).context("only data may be no UTF-8")
    }

    fn kind(&mut self) -> Result<u8> {
        match self.bare()?.as_str() {
            "S" => Ok(b'S'),
            "P" => Ok(b'P'),
            other => other.bytes().next().context("S or P"),
        }
    }

    fn list(&mut self) -> Vec<Word> {
        match self.0.split_first() {
            Some((Word::List(items), rest)) => {
                self.0 = rest;
                items.clone()
            }
            _ => Vec::new(),
        }
    }

    fn numbers(&mut self) -> Result<Vec<u32>> {
        let number = |item: &Word| match item {
            Word::Bare(digits) => digits.parse().context("a list of numbers"),
            other => bail!("{other:?} is no number"),
        };
        self.list().iter().map(number).collect()
    }

    fn values(&mut self) -> Result<Vec<Option<Vec<u8>>>> {
        let value = |item: &Word| match item {
            Word::Text(text) => Ok(Some(text.clone())),
            Word::Bare(word) if word == "null" => Ok(None),
            other => bail!("{other:?} is neither a text nor null"),
        };
        self.list().iter().map(value).collect()
    }

    fn pair(&mut self) -> Option<(String, String)> {
        match self.0.split_first() {
            Some((Word::Pair(name, value), rest)) => {
                self.0 = rest;
                Some((name.clone(), String::from_utf8_lossy(value).into_owned()))
            }
            _ => None,
        }
    }
}
