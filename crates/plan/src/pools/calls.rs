//! The programs that a container runs, without what is wrapped around them: `sh -c`, `exec`, `env`, `poetry run`,
//! `bundle exec`, `tini --`, `python -m`, a script among the container's files.

use super::lines;
use super::told::Told;
use super::words::{self, Joint, Simple};
use crate::Text;

mod wrappers;

/// Scripts and shells in one another.
const DEPTH_MAX: u32 = 4;
/// Programs of one container.
const CALLS_MAX: usize = 64;

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Its name without folders: `gunicorn`, `manage.py`. Empty if only options are given: the image has the program.
    pub(super) program: String,
    /// What follows it.
    pub(super) words: Vec<Text>,
    /// Variables set before it, for it alone.
    pub(super) assignments: Vec<(String, Text)>,
    /// Another one follows when it has ended.
    pub(super) ends: bool,
}

impl Call {
    /// The first argument that is no option.
    pub(super) fn operand(&self) -> &str {
        self.operands().next().unwrap_or("")
    }

    /// The arguments that are no options. The value of an option that is written apart is among them.
    pub(super) fn operands(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| word.text.as_str()).filter(|word| !word.starts_with(['-', '#']))
    }

    /// Whether one of its arguments is this word.
    pub(super) fn says(&self, word: &str) -> bool {
        self.words.iter().any(|text| text.text == word)
    }
}

/// The programs of a container, in order.
pub(super) fn calls(told: &Told) -> Vec<Call> {
    let command = &told.container.command;
    let simple = match command.as_slice() {
        [one] if one.text.trim().contains(char::is_whitespace) => words::line(one),
        words => words::list(words),
    };
    let mut calls = Calls { told, calls: Vec::new() };
    calls.sequence(simple, &[], false, 0);
    calls.calls
}

struct Calls<'a> {
    told: &'a Told<'a>,
    calls: Vec<Call>,
}

impl Calls<'_> {
    /// Takes the commands of one line. `ends`: something follows the line as a whole.
    fn sequence(&mut self, simple: Vec<Simple>, arguments: &[Text], ends: bool, depth: u32) {
        let bare = |(words, joint): Simple| {
            let mut assignments = Vec::new();
            let words = wrappers::unwrapped(replaced(words, arguments), &mut assignments);
            (words, assignments, joint)
        };
        let mut bare: Vec<_> = simple.into_iter().map(bare).filter(|(words, ..)| !is_idle(words)).collect();
        let last = bare.iter().rposition(|(words, ..)| !words.is_empty());
        let mut exported: Vec<(String, Text)> = Vec::new();
        for (at, (words, assignments, joint)) in bare.drain(..).enumerate() {
            let set: Vec<_> = exported.iter().cloned().chain(assignments).collect();
            if words.is_empty() {
                exported = set;
                continue;
            }
            let follows = ends || last.is_some_and(|last| at < last);
            match words.first().filter(|first| first.text == "export") {
                Some(_) => exported.extend(words.iter().filter_map(wrappers::assignment)),
                None => self.command(words, set, joint == Joint::Then && follows, depth),
            }
        }
    }

    /// Takes one command, unwrapped.
    fn command(&mut self, words: Vec<Text>, assignments: Vec<(String, Text)>, ends: bool, depth: u32) {
        let Some(first) = words.first() else { return };
        let program = base(&first.text).to_owned();
        let rest = words.get(1..).unwrap_or(&[]);
        if depth < DEPTH_MAX {
            if let Some((line, arguments)) = wrappers::shell_line(&program, rest) {
                let simple = words::line(&Text::new(line.text.clone(), line.place.clone()));
                return self.nested(simple, arguments, assignments, ends, depth);
            }
            let script = match wrappers::is_shell(&program) {
                true => {
                    rest.iter().position(|word| !word.text.starts_with('-')).and_then(|at| rest.get(at..))
                }
                false => Some(words.as_slice()),
            };
            if let Some((name, arguments)) = script.and_then(<[Text]>::split_first)
                && let Some(file) =
                    self.told.file(&name.text).filter(|file| is_script(&name.text, &file.text))
            {
                let simple = words::line(file);
                return self.nested(simple, arguments, assignments, ends, depth);
            }
        }
        if program.starts_with("supervisord") && depth < DEPTH_MAX {
            return self.supervised(assignments, depth);
        }
        if let Some(wrapped) = wrappers::behind_script(&program, rest).filter(|_| depth < DEPTH_MAX) {
            let simple = vec![(wrapped.to_vec(), Joint::Then)];
            return self.nested(simple, &[], assignments, ends, depth);
        }
        if self.calls.len() < CALLS_MAX {
            let (program, words) = match program.starts_with('-') {
                true => (String::new(), words),
                false => (program, rest.to_vec()),
            };
            self.calls.push(Call { program, words, assignments, ends });
        }
    }

    /// The programs of supervisord's files, all beside each other, each as often as `numprocs` says.
    fn supervised(&mut self, assignments: Vec<(String, Text)>, depth: u32) {
        for (_, file) in self.told.files(|path| path.ends_with(".conf") || path.ends_with(".ini")) {
            let pairs = lines::pairs(file);
            let programs = pairs.iter().filter(|pair| pair.section.starts_with("program:"));
            for command in programs.filter(|pair| pair.key == "command") {
                let count =
                    pairs.iter().find(|pair| pair.section == command.section && pair.key == "numprocs");
                let count = count.and_then(|pair| pair.value.parse::<usize>().ok()).unwrap_or(1);
                // There a comment begins with a semicolon behind a blank.
                let command_line = command.value.split(" ;").next().unwrap_or("");
                let line = Text::new(command_line, command.place.clone());
                for _ in 0..count.min(CALLS_MAX) {
                    self.nested(words::line(&line), &[], assignments.clone(), false, depth);
                }
            }
        }
    }

    fn nested(
        &mut self,
        simple: Vec<Simple>,
        arguments: &[Text],
        assignments: Vec<(String, Text)>,
        ends: bool,
        depth: u32,
    ) {
        let begun = self.calls.len();
        self.sequence(simple, arguments, ends, depth + 1);
        for call in self.calls.iter_mut().skip(begun) {
            let own = std::mem::take(&mut call.assignments);
            call.assignments = assignments.iter().cloned().chain(own).collect();
        }
    }
}

/// A path's last part.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Puts the arguments of a script where it says `"$@"`.
fn replaced(words: Vec<Text>, arguments: &[Text]) -> Vec<Text> {
    if !words.iter().any(|word| matches!(word.text.as_str(), "$@" | "$*")) {
        return words;
    }
    let own = |word: Text| match word.text.as_str() {
        "$@" | "$*" => arguments.to_vec(),
        _ => vec![word],
    };
    words.into_iter().flat_map(own).collect()
}

/// Words of the shell's grammar and commands that start nothing.
fn is_idle(words: &[Text]) -> bool {
    let first = words.first().map_or("", |word| word.text.as_str());
    matches!(
        first,
        "wait"
            | "done"
            | "fi"
            | "esac"
            | "}"
            | "set"
            | "cd"
            | "trap"
            | "echo"
            | "printf"
            | "true"
            | "false"
            | ":"
            | "["
            | "[["
            | "test"
            | "sleep"
            | "exit"
            | "mkdir"
            | "chown"
            | "chmod"
            | "rm"
            | "ulimit"
            | "umask"
            | "for"
            | "case"
            | "return"
            | "local"
            | "read"
            | "unset"
            | "source"
            | "."
            | "cat"
            | "ls"
            | "cp"
            | "mv"
            | "ln"
            | "touch"
            | "nc"
            | "curl"
            | "wget"
            | "pg_isready"
            | "shift"
    )
}

fn is_script(name: &str, text: &str) -> bool {
    let named = base(name);
    named.ends_with(".sh")
        || named.ends_with(".bash")
        || text.lines().next().is_some_and(|first| first.starts_with("#!") && first.contains("sh"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::testing::{container, line, place};
    use super::*;

    fn shown(container: &crate::Container) -> String {
        let findings = RefCell::default();
        let told = Told::new(container, &findings);
        let one = |call: &Call| {
            let set: String =
                call.assignments.iter().map(|(name, value)| format!("{name}={} ", value.text)).collect();
            let words: String = call.words.iter().map(|word| format!(" {}", word.text)).collect();
            format!("{set}{}{words}{}", call.program, if call.ends { " >" } else { "" })
        };
        calls(&told).iter().map(one).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn a_program_is_found_inside_what_wraps_it() {
        for (command, found) in [
            ("gunicorn a:app -w 4", "gunicorn a:app -w 4"),
            ("/venv/bin/gunicorn a:app", "gunicorn a:app"),
            ("sh -c|gunicorn a:app -w 4", "gunicorn a:app -w 4"),
            ("/bin/bash -euxc|exec gunicorn a", "gunicorn a"),
            ("sh -c|sh -c 'exec gunicorn a'", "gunicorn a"),
            ("exec gunicorn a", "gunicorn a"),
            ("env A=b C=d gunicorn a", "A=b C=d gunicorn a"),
            ("A=b gunicorn a", "A=b gunicorn a"),
            ("poetry run gunicorn a", "gunicorn a"),
            ("uv run --frozen --group prod gunicorn a", "gunicorn a"),
            ("pipenv run gunicorn a", "gunicorn a"),
            ("bundle exec puma -C x", "puma -C x"),
            ("npx --yes prisma migrate deploy", "prisma migrate deploy"),
            ("python -m gunicorn a", "gunicorn a"),
            ("python3.12 -u -m celery -A x worker", "celery -A x worker"),
            ("python -u manage.py migrate", "manage.py migrate"),
            ("dumb-init -- gunicorn a", "gunicorn a"),
            ("/usr/bin/tini -g -- gunicorn a", "gunicorn a"),
            ("tini gunicorn a", "gunicorn a"),
            ("timeout -k 5 580 gunicorn a", "gunicorn a"),
            ("nice -n 10 gunicorn a", "gunicorn a"),
            ("gosu app gunicorn a", "gunicorn a"),
            ("ddtrace-run gunicorn a", "gunicorn a"),
            ("newrelic-admin run-program gunicorn a", "gunicorn a"),
            ("doppler run --project x -- gunicorn a", "gunicorn a"),
            ("./wait-for-it.sh db:5432 -t 60 -- gunicorn a", "gunicorn a"),
            ("/docker-entrypoint.sh gunicorn a", "gunicorn a"),
            ("docker-entrypoint.sh postgres -c a=b", "postgres -c a=b"),
            ("./start.sh", "start.sh"),
            ("-c max_connections=5", " -c max_connections=5"),
            ("manage.py migrate && gunicorn a", "manage.py migrate > / gunicorn a"),
            (
                "sh -c|python manage.py migrate; gunicorn a &\ncelery -A x worker & wait",
                "manage.py migrate > / gunicorn a / celery -A x worker",
            ),
            ("sh -c|until pg_isready; do sleep 1; done; exec gunicorn a", "gunicorn a"),
            ("sh -c|export W=4 && gunicorn a", "W=4 gunicorn a"),
            ("sh -c|W=4; gunicorn a", "W=4 gunicorn a"),
            ("sh -c|cd /app && gunicorn a 2>&1", "gunicorn a"),
            ("sh -c|if [ -n \"$X\" ]; then migrate up; fi; ./server", "migrate up > / server"),
            ("", ""),
        ] {
            assert_eq!(shown(&line("", command, &[])), found, "{command}");
        }
    }

    #[test]
    fn a_script_among_the_files_is_read() {
        let mut container = container("", &["/app/start.sh", "gunicorn", "a"], &[]);
        let script = "#!/bin/sh\nset -e\npython manage.py migrate\nexec \"$@\"\n";
        container.files.insert("/app/start.sh".into(), Text::new(script, place()));
        assert_eq!(shown(&container), "manage.py migrate > / gunicorn a");
        container.command[0].text = "start.sh".into();
        assert_eq!(shown(&container), "manage.py migrate > / gunicorn a");
        container.command.insert(0, Text::new("bash", place()));
        assert_eq!(shown(&container), "manage.py migrate > / gunicorn a");
    }

    #[test]
    fn supervised_programs_run_beside_each_other() {
        let mut container = container("", &["supervisord", "-n"], &[]);
        let conf = "[supervisord]\n[program:web]\ncommand=gunicorn a ; \
            x\n[program:work]\ncommand=rq worker\nnumprocs=2\n";
        container.files.insert("/etc/supervisord.conf".into(), Text::new(conf, place()));
        assert_eq!(shown(&container), "gunicorn a / rq worker / rq worker");
    }

    #[test]
    fn a_script_that_calls_itself_ends() {
        let mut container = container("", &["a.sh"], &[]);
        container.files.insert("a.sh".into(), Text::new("a.sh\na.sh\na.sh\na.sh", place()));
        assert!(shown(&container).len() < 4096);
    }
}
