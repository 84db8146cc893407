//! Procfiles: a name and a shell line for every kind of process.

use std::sync::Arc;

use super::dotenv::{self, Dialect};
use super::findings::Findings;
use super::{Found, World};
use crate::deployed::Deployed;
use crate::place::{FILE_BYTES_MAX, beside};
use crate::{Container, Finding, Life, Number, Overlap, Place, Replicas, Rule, Text, Variable, Workload};

/// A Procfile that could not be read, or a line of one.
pub const UNREADABLE: Rule = Rule {
    id: "PROCFILE001",
    level: crate::Level::Error,
    summary: "A Procfile, or a line of it, could not be read.",
};

/// What a Procfile runs, with the `.env` file beside it.
pub fn read(path: &str, world: &World<'_>) -> Found {
    let file: Arc<str> = path.into();
    let mut findings = Findings::default();
    let mut workloads: Vec<Workload> = Vec::new();
    match text(&file, world) {
        Ok(text) => {
            let told = environment(&file, world, &mut findings);
            for (number, line) in (1..).zip(text.lines()) {
                match process(&file, number, line) {
                    Ok(Some(workload)) if workloads.iter().any(|known| known.name == workload.name) => {
                        let message = format!("a process {:?} stands here a second time", workload.name);
                        findings.push(Finding::at(
                            &UNREADABLE,
                            &workload.place,
                            message,
                            "keep one of the two",
                        ));
                    }
                    Ok(Some(workload)) if workloads.len() >= PROCESSES_MAX => {
                        let message = format!("more than {PROCESSES_MAX} processes stand here");
                        findings.push(Finding::at(&UNREADABLE, &workload.place, message, "split the file"));
                        break;
                    }
                    Ok(Some(workload)) => workloads.push(told_of(workload, &told)),
                    Ok(None) => {}
                    Err(finding) => findings.push(finding),
                }
            }
        }
        Err(finding) => findings.push(finding),
    }
    Found { deployed: Deployed { workloads }, findings: findings.into_vec() }
}

fn text(file: &Arc<str>, world: &World<'_>) -> Result<Arc<str>, Finding> {
    let wrong = |why: &str| {
        let message = format!("{file} could not be read: {why}");
        Finding::at(
            &UNREADABLE,
            &Place::whole(file),
            message,
            "name the Procfile: connwarden plan check Procfile",
        )
    };
    let text = world.files.text(file).map_err(|why| wrong(&why))?;
    match u64::try_from(text.len()) {
        Ok(bytes) if bytes <= FILE_BYTES_MAX => Ok(text),
        _ => Err(wrong("it is longer than 4 MiB")),
    }
}

type Told = std::collections::BTreeMap<String, Variable>;

/// How many processes are read. Each gets a copy of the environment.
const PROCESSES_MAX: usize = 200;

fn environment(file: &str, world: &World<'_>, findings: &mut Findings) -> Told {
    let path: Arc<str> = beside(file, ".env").into();
    let Ok(text) = world.files.text(&path) else { return Told::new() };
    let settings = dotenv::literal(&path, &text, Dialect::Foreman, findings);
    settings
        .into_iter()
        .map(|setting| (setting.key.text, Variable { value: setting.value, place: setting.key.place }))
        .collect()
}

fn told_of(mut workload: Workload, told: &Told) -> Workload {
    for container in &mut workload.containers {
        container.environment.clone_from(told);
    }
    workload
}

/// One line: `NAME: command`. Nothing for blank lines and comments.
fn process(file: &Arc<str>, number: u32, line: &str) -> Result<Option<Workload>, Finding> {
    let said = line.trim_end();
    if said.trim_start().is_empty() || said.trim_start().starts_with('#') {
        return Ok(None);
    }
    let place = Place::new(file, number, 1);
    let wrong = |message: &str| Err(Finding::at(&UNREADABLE, &place, message, "write NAME: command"));
    let Some((name, command)) = said.split_once(':') else {
        return wrong("this line has no colon, and starts no process");
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return wrong("a process is named with letters, digits, '_' and '-'");
    }
    let line = command.trim_start();
    if line.is_empty() {
        return wrong("no command stands behind the colon");
    }
    let before = said.chars().count() - line.chars().count();
    let column = u32::try_from(before + 1).unwrap_or(u32::MAX);
    let at = Place::new(file, number, column);
    let mut container = Container::new(name, place.clone());
    // Whoever starts it hands the line to a shell.
    container.command = ["sh", "-c", line].map(|word| Text::new(word, at.clone())).into();
    Ok(Some(Workload {
        name: name.into(),
        aliases: Vec::new(),
        standbys: Vec::new(),
        kind: "process",
        place,
        replicas: Replicas::fixed(match name {
            "release" => Number::implied(1),
            _ => Number::assumed(
                1,
                format!(
                    "{name} has one replica: a Procfile does not say how many, and no formation is given"
                ),
            ),
        }),
        life: match name {
            "release" => Life::Job { with_rollout: true },
            _ => Life::Service(Overlap::None),
        },
        containers: vec![container],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn read_all(files: &[(&str, &str)]) -> Found {
        let files: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        read("app/Procfile", &World { files: &files, environment: &|_| None, profiles: &[] })
    }

    #[test]
    fn every_line_is_a_process_and_release_runs_with_the_rollout() {
        let found = read_all(&[
            (
                "app/Procfile",
                "# all\nweb: gunicorn app --workers $N\n\nrelease: ./manage.py migrate\nworker:  rq # 1\n",
            ),
            ("app/.env", "N=4\n"),
        ]);
        assert_eq!(found.findings, []);
        let names: Vec<_> = found.deployed.workloads.iter().map(|w| (w.name.as_str(), &w.life)).collect();
        let service = Life::Service(Overlap::None);
        let job = Life::Job { with_rollout: true };
        assert_eq!(names, [("web", &service), ("release", &job), ("worker", &service)]);
        let web = &found.deployed.workloads[0];
        assert!(web.replicas.usual.assumption().is_some_and(|why| why.contains("formation")));
        let container = &web.containers[0];
        let words: Vec<_> = container.command.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(words, ["sh", "-c", "gunicorn app --workers $N"]);
        assert_eq!((container.command[2].place.line, container.command[2].place.column), (2, 6));
        assert_eq!(container.environment["N"].value.as_deref(), Some("4"));
        assert_eq!(found.deployed.workloads[2].containers[0].command[2].text, "rq # 1");
    }

    #[test]
    fn every_wrong_line_is_told_with_its_place() {
        let found = read_all(&[("app/Procfile", "web gunicorn\nweb: a\nweb: b\nx y: c\nz:\n")]);
        let lines: Vec<_> = found.findings.iter().map(|f| f.place.as_ref().unwrap().line).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert_eq!(found.deployed.workloads.len(), 1);
        assert_eq!(read_all(&[]).findings.len(), 1);
        let long = "#".repeat(5 * 1024 * 1024);
        assert!(read_all(&[("app/Procfile", &long)]).findings[0].message.contains("4 MiB"));
    }
}
