//! What stands around a program and passes its other words on.

use super::base;
use crate::Text;

/// Wrappers in one another.
const LAYERS_MAX: u32 = 16;

/// A program that runs another one.
struct Wrapper {
    /// Its name, and the word after it where only that makes it a wrapper.
    names: &'static [&'static str],
    then: &'static str,
    /// Its options that take a word of their own.
    valued: &'static [&'static str],
    /// Words of its own before the program: the user of `gosu`, the time of `timeout`.
    own: usize,
}

const fn plain(names: &'static [&'static str]) -> Wrapper {
    Wrapper { names, then: "", valued: &[], own: 0 }
}

const fn running(
    names: &'static [&'static str],
    then: &'static str,
    valued: &'static [&'static str],
) -> Wrapper {
    Wrapper { names, then, valued, own: 0 }
}

const WRAPPERS: &[Wrapper] = &[
    plain(&["exec", "command", "nohup", "setsid", "time", "xvfb-run", "catatonit", "docker-init"]),
    plain(&["then", "do", "else", "{", "!", "if", "while", "until", "elif"]),
    plain(&["ddtrace-run", "opentelemetry-instrument", "bunx", "heroku-php", "launcher", "scl"]),
    running(&["tini", "tini-static"], "", &["-p", "-e"]),
    running(&["dumb-init"], "", &["-r", "--rewrite"]),
    running(&["nice"], "", &["-n", "--adjustment"]),
    running(&["ionice"], "", &["-c", "-n", "--class", "--classdata"]),
    running(&["stdbuf"], "", &["-i", "-o", "-e"]),
    running(&["sudo", "doas"], "", &["-u", "-g", "--user", "--group"]),
    running(&["chpst", "setuidgid"], "", &["-u", "-U", "-e"]),
    running(&["strace"], "", &["-e", "-o"]),
    running(&["newrelic-admin"], "run-program", &[]),
    running(&["coverage"], "run", &["--source", "--rcfile"]),
    running(&["poetry", "pipenv", "rye", "hatch"], "run", &["-C", "--directory", "-P", "--project"]),
    running(&["pdm"], "run", &["-p", "--project"]),
    running(
        &["uv"],
        "run",
        &[
            "--group",
            "--extra",
            "--with",
            "--python",
            "-p",
            "--project",
            "--directory",
            "--env-file",
            "--package",
        ],
    ),
    running(&["conda", "micromamba", "mamba"], "run", &["-n", "-p", "--name", "--prefix"]),
    running(&["bundle"], "exec", &[]),
    running(&["npm", "pnpm", "yarn"], "exec", &[]),
    running(&["pnpm", "yarn"], "dlx", &[]),
    running(&["npx"], "", &["-p", "--package"]),
    running(
        &["doppler", "infisical", "op", "dotenvx"],
        "run",
        &["--project", "--config", "-p", "-c", "-f", "--env-file"],
    ),
    running(&["chamber", "aws-vault"], "exec", &[]),
    running(&["dotenv", "dotenv-cli"], "", &["-e", "-f", "-c"]),
    running(&["dockerize"], "", &["-wait", "-timeout", "-template", "-stdout", "-stderr"]),
    Wrapper { names: &["timeout"], then: "", valued: &["-k", "-s", "--kill-after", "--signal"], own: 1 },
    Wrapper { names: &["gosu", "su-exec"], then: "", valued: &[], own: 1 },
];

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "busybox"];

/// The words from the program on. Variables that are set on the way are added.
pub(super) fn unwrapped(mut words: Vec<Text>, assignments: &mut Vec<(String, Text)>) -> Vec<Text> {
    for _ in 0..LAYERS_MAX {
        let before = words.len();
        while let Some(pair) = words.first().and_then(assignment) {
            assignments.push(pair);
            words.remove(0);
        }
        if words.first().is_some_and(|word| base(&word.text) == "env") {
            let skip = 1 + skipped(words.get(1..).unwrap_or(&[]), &["-u", "--unset", "-C", "--chdir"]);
            words.drain(..skip.min(words.len()));
            continue;
        }
        let name = words.first().map_or("", |word| base(&word.text));
        if is_python(name) {
            words = python(words);
        } else if let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.holds(name, &words)) {
            let begin = 1 + usize::from(!wrapper.then.is_empty());
            let rest = words.get(begin..).unwrap_or(&[]);
            let skip = begin + skipped(rest, wrapper.valued) + wrapper.own;
            words.drain(..skip.min(words.len()));
        }
        if words.len() == before {
            break;
        }
    }
    words
}

impl Wrapper {
    fn holds(&self, name: &str, words: &[Text]) -> bool {
        self.names.contains(&name)
            && (self.then.is_empty() || words.get(1).is_some_and(|second| second.text == self.then))
    }
}

/// How many words are options, their values and a closing `--`.
fn skipped(words: &[Text], valued: &[&str]) -> usize {
    let mut at = 0;
    while let Some(word) = words.get(at).map(|word| word.text.as_str()) {
        if word == "--" {
            return at + 1;
        }
        if !word.starts_with('-') {
            break;
        }
        at += 1 + usize::from(valued.contains(&word));
    }
    at
}

/// `NAME=value`.
pub(super) fn assignment(word: &Text) -> Option<(String, Text)> {
    let (name, value) = word.text.split_once('=')?;
    let first = name.chars().next()?;
    let fits = !first.is_ascii_digit() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then(|| (name.to_owned(), Text::new(value, word.place.clone())))
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// `python -u -m gunicorn a` as `gunicorn a`, `python manage.py` as `manage.py`.
fn python(words: Vec<Text>) -> Vec<Text> {
    let mut at = 1;
    while let Some(word) = words.get(at).map(|word| word.text.as_str()) {
        match word {
            "-m" => return words.get(at + 1..).unwrap_or(&[]).to_vec(),
            "-c" => return words,
            "-W" | "-X" => at += 2,
            word if word.starts_with('-') => at += 1,
            _ => return words.get(at..).unwrap_or(&[]).to_vec(),
        }
    }
    words
}

pub(super) fn is_shell(program: &str) -> bool {
    SHELLS.contains(&program)
}

/// The line behind `sh -c`, and what stands for its arguments.
pub(super) fn shell_line<'w>(program: &str, rest: &'w [Text]) -> Option<(&'w Text, &'w [Text])> {
    if !is_shell(program) {
        return None;
    }
    let at = rest.iter().position(|word| {
        word.text.strip_prefix('-').is_some_and(|flags| !flags.starts_with('-') && flags.ends_with('c'))
    })?;
    let line = rest.get(at + 1)?;
    // The word behind the line is $0.
    Some((line, rest.get(at + 3..).unwrap_or(&[])))
}

/// The words that an unknown script is likely to run: those behind `--`, or all that follow it.
pub(super) fn behind_script<'w>(program: &str, rest: &'w [Text]) -> Option<&'w [Text]> {
    let script =
        program.ends_with(".sh") || program.contains("entrypoint") || program.starts_with("wait-for");
    if !script {
        return None;
    }
    let wrapped = match rest.iter().position(|word| word.text == "--") {
        Some(at) => rest.get(at + 1..)?,
        None => rest,
    };
    wrapped
        .first()
        .is_some_and(|first| !first.text.starts_with('-') && !first.text.contains(':'))
        .then_some(wrapped)
}
