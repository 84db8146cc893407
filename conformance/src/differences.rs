//! The table of differences that are meant.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One entry of `differences.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The scenario's full name.
    pub scenario: String,
    /// `session`, `transaction`, or `both`.
    pub mode: String,
    /// Why it differs, for whoever runs into it.
    pub reason: String,
    /// The differing lines, as the runner prints them.
    pub lines: Vec<String>,
}

impl Difference {
    /// Whether it is listed for a mode.
    pub fn is_for(&self, mode: &str) -> bool {
        self.mode == mode || self.mode == "both"
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Difference>,
}

/// Reads the table and checks it by itself.
pub fn read(text: &str) -> Result<Vec<Difference>> {
    let file: File = toml::from_str(text).context("differences.toml")?;
    for (index, entry) in file.difference.iter().enumerate() {
        let twice =
            file.difference[..index].iter().any(|o| o.scenario == entry.scenario && o.mode == entry.mode);
        if twice || entry.reason.trim().is_empty() || entry.lines.is_empty() {
            bail!(
                "{} in {} mode: listed twice, or without a reason, or without lines",
                entry.scenario,
                entry.mode
            );
        }
    }
    Ok(file.difference)
}

/// Judges what was found against what is listed; the error tells a human what to do.
pub fn judge(listed: Option<&Difference>, found: &[String]) -> Result<(), String> {
    match listed {
        None if found.is_empty() => Ok(()),
        None => Err(format!("the proxy differs (- server, + proxy):\n{}", found.join("\n"))),
        Some(entry) if entry.lines == found => Ok(()),
        Some(entry) if found.is_empty() => {
            Err(format!("a listed difference has disappeared; take it out of the table: {}", entry.reason))
        }
        Some(entry) => Err(format!(
            "the difference is another than listed ({}):\nlisted\n{}\nfound\n{}",
            entry.reason,
            entry.lines.join("\n"),
            found.join("\n")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Difference {
        let text = "[[difference]]\nscenario = 'a::b'\nmode = 'session'\nreason = 'r'\nlines = ['A - x']\n";
        read(text).expect("parses").remove(0)
    }

    #[test]
    fn a_listed_difference_that_disappears_fails() {
        assert!(judge(Some(&entry()), &[]).is_err());
        assert!(judge(Some(&entry()), &["A - x".to_owned()]).is_ok());
        assert!(judge(Some(&entry()), &["A - y".to_owned()]).is_err());
    }

    #[test]
    fn an_unlisted_difference_fails() {
        assert!(judge(None, &[]).is_ok());
        assert!(judge(None, &["A - x".to_owned()]).is_err());
    }

    #[test]
    fn a_difference_without_a_reason_is_refused() {
        let text = "[[difference]]\nscenario = 'a'\nmode = 'session'\nreason = ''\nlines = ['x']\n";
        assert!(read(text).is_err());
    }
}
