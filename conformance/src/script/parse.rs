//! A file of scenarios, read line by line.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use testbed::Login;

use super::lexer::{Word, words};
use super::message;
use super::{Activity, How, Scenario, Secret, Step, Until, Who};

/// All scenarios of a file; `file` is its name without the ending.
pub fn scenarios(file: &str, text: &str) -> Result<Vec<Scenario>> {
    let mut found: Vec<Scenario> = Vec::new();
    for (number, line) in logical_lines(text)? {
        let at = || format!("{file}.txt:{number}: {line}");
        if let Some(title) = line.strip_prefix("==") {
            let name = format!("{file}::{}", title.trim());
            if title.trim().is_empty() || found.iter().any(|other| other.name == name) {
                bail!("{}: a scenario needs a name of its own", at());
            }
            found.push(Scenario { name, only: None, steps: Vec::new() });
            continue;
        }
        let Some(scenario) = found.last_mut() else { bail!("{}: before the first ==", at()) };
        if let Some(rest) = line.strip_prefix("only ") {
            let (mode, reason) = rest.split_once(':').with_context(|| format!("{}: no reason", at()))?;
            if reason.trim().is_empty() {
                bail!("{}: no reason", at());
            }
            scenario.only = Some(mode.trim().to_owned());
            continue;
        }
        let step = step(&line).with_context(at)?;
        scenario.steps.push((number, step));
    }
    Ok(found)
}

/// Lines without comments; a line that begins with `|` continues the one before; `repeat i 1..3` to `end` is written out.
fn logical_lines(text: &str) -> Result<Vec<(usize, String)>> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut block: Option<Repeat> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(head) = line.strip_prefix("repeat ") {
            block = Some(Repeat::read(head).with_context(|| format!("line {}", index + 1))?);
            continue;
        }
        let target = match &mut block {
            Some(repeat) if line == "end" => {
                lines.extend(repeat.written_out());
                block = None;
                continue;
            }
            Some(repeat) => &mut repeat.lines,
            None => &mut lines,
        };
        match target.last_mut().filter(|_| line.starts_with('|')) {
            Some((_, before)) => {
                before.push(' ');
                before.push_str(line);
            }
            None => target.push((index + 1, line.to_owned())),
        }
    }
    if block.is_some() {
        bail!("a repeat has no end");
    }
    Ok(lines)
}

struct Repeat {
    variable: String,
    range: std::ops::RangeInclusive<u32>,
    lines: Vec<(usize, String)>,
}

impl Repeat {
    fn read(head: &str) -> Result<Self> {
        let (variable, range) = head.split_once(' ').context("repeat NAME FROM..TO")?;
        let (from, to) = range.trim().split_once("..").context("repeat NAME FROM..TO")?;
        Ok(Self { variable: format!("${variable}$"), range: from.parse()?..=to.parse()?, lines: Vec::new() })
    }

    fn written_out(&self) -> Vec<(usize, String)> {
        let once = |i: u32| {
            self.lines.iter().map(move |(at, line)| (*at, line.replace(&self.variable, &i.to_string())))
        };
        self.range.clone().flat_map(once).collect()
    }
}

fn step(line: &str) -> Result<Step> {
    let words = words(line)?;
    let Some((Word::Bare(first), rest)) = words.split_first() else { bail!("a line begins with a word") };
    match first.as_str() {
        "wait" => return wait(rest),
        "admin" => return Ok(Step::Admin(text(rest)?)),
        _ => {}
    }
    let mut letters = first.chars();
    let who =
        letters.next().filter(char::is_ascii_uppercase).context("a line begins with a client's letter")?;
    match letters.as_str() {
        "" => action(who, rest),
        ">" => Ok(Step::Send(who, message::batch(rest)?, How::Whole)),
        ">." => Ok(Step::Send(who, message::batch(rest)?, How::Dribbled)),
        "<" => Ok(Step::Read(who, until(rest)?)),
        cut => {
            let bytes = cut.strip_prefix('>').context("> or < after the letter")?.parse()?;
            Ok(Step::Send(who, message::batch(rest)?, How::Cut(bytes)))
        }
    }
}

fn action(who: Who, words: &[Word]) -> Result<Step> {
    let Some((Word::Bare(verb), rest)) = words.split_first() else { bail!("a verb is missing") };
    Ok(match verb.as_str() {
        "connect" => Step::Connect(who),
        "startup" => Step::Startup(who, login(rest)?),
        "cancel" if bare(rest) == Some("wrong") => Step::Cancel(who, Secret::Wrong),
        "cancel" => Step::Cancel(who, Secret::Right),
        "drop" => Step::Drop(who),
        "shut" => Step::ShutWriting(who),
        "sees" => Step::Sees(who, text(rest)?),
        other => bail!("there is no verb {other}"),
    })
}

/// Every session is `app`'s in `conform` unless it says otherwise; `nobody` leaves a name out.
fn login(words: &[Word]) -> Result<Login> {
    let mut login = Login::default();
    let (mut user, mut database) = ("app".to_owned(), "conform".to_owned());
    let mut others = Vec::new();
    for word in words {
        let Word::Pair(name, value) = word else { bail!("{word:?} is no parameter") };
        let value = String::from_utf8_lossy(value).into_owned();
        match name.as_str() {
            "user" => user = value,
            "database" => database = value,
            "minor" => login.minor = value.parse()?,
            _ => others.push((name.clone(), value)),
        }
    }
    login = login.with("user", &user).with("database", &database);
    for (name, value) in others {
        login = login.with(&name, &value);
    }
    Ok(login)
}

fn until(words: &[Word]) -> Result<Until> {
    let bares: Vec<&str> = words
        .iter()
        .map(|word| match word {
            Word::Bare(word) => Ok(word.as_str()),
            other => bail!("{other:?} after <"),
        })
        .collect::<Result<_>>()?;
    Ok(match bares.as_slice() {
        ["until", "eof"] => Until::Eof,
        ["byte"] => Until::Byte,
        ["quiet"] => Until::Quiet(Duration::from_millis(60)),
        ["until", tag] => Until::Tag(one_byte(tag)?, 1),
        ["until", tag, "without", other] => Until::TagWithout(one_byte(tag)?, one_byte(other)?),
        ["raw"] => Until::Raw,
        ["until", tag, times] => Until::Tag(one_byte(tag)?, times.strip_prefix('x').context("x3")?.parse()?),
        other => bail!("{other:?} after <"),
    })
}

fn one_byte(tag: &str) -> Result<u8> {
    match tag.as_bytes() {
        [byte] => Ok(*byte),
        _ => bail!("{tag} is no tag"),
    }
}

fn wait(words: &[Word]) -> Result<Step> {
    let Some((Word::Bare(what), rest)) = words.split_first() else { bail!("wait for what?") };
    let activity = match what.as_str() {
        "active" => Activity::Active,
        "inactive" => Activity::Inactive,
        other => bail!("nobody waits for {other}"),
    };
    Ok(Step::Wait(activity, text(rest)?))
}

fn text(words: &[Word]) -> Result<String> {
    match words {
        [Word::Text(text)] => String::from_utf8(text.clone()).context("a text in UTF-8"),
        other => bail!("one text is wanted here, not {other:?}"),
    }
}

fn bare(words: &[Word]) -> Option<&str> {
    match words {
        [Word::Bare(word)] => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_block_is_written_out() {
        let text = "== many\nrepeat i 1..3\nA> Query \"select $i$\"\n| Sync\nend\n";
        let found = scenarios("file", text).expect("parses");
        assert_eq!(found[0].name, "file::many");
        assert_eq!(found[0].steps.len(), 3);
    }

    #[test]
    fn a_mode_left_out_needs_a_reason() {
        assert!(scenarios("file", "== a\nonly session:\n").is_err());
        assert!(scenarios("file", "== a\nonly session: LISTEN belongs to a session\n").is_ok());
    }

    #[test]
    fn two_scenarios_of_one_name_are_refused() {
        assert!(scenarios("file", "== a\n== a\n").is_err());
    }

    #[test]
    fn a_mistake_names_its_line() {
        let error = scenarios("file", "== a\nA> Qwery \"x\"\n").expect_err("is refused");
        assert!(format!("{error:#}").contains("file.txt:2"), "{error:#}");
    }
}
