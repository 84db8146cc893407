//! What was read, as text that a person can check against the files.

use std::fmt::Write;

use connwarden_plan::read::Found;
use connwarden_plan::{Container, Life, Number, Origin, Overlap, Place, Share, Stage, Workload};

pub(super) fn of(found: &Found) -> String {
    let mut out = String::new();
    for workload in &found.deployed.workloads {
        list(&mut out, workload);
    }
    for finding in &found.findings {
        let place = finding.place.as_ref().map(at).unwrap_or_default();
        let (level, rule) = (finding.level, finding.rule.id);
        writeln!(out, "{level:?} {rule} {place}: {}\n  fix: {}", finding.message, finding.fix).unwrap();
    }
    out
}

fn list(out: &mut String, workload: &Workload) {
    writeln!(out, "{} {}  [{}]", workload.kind, workload.name, at(&workload.place)).unwrap();
    writeln!(out, "  replicas {}", number(&workload.replicas.usual)).unwrap();
    if workload.replicas.most != workload.replicas.usual {
        writeln!(out, "  at most {}", number(&workload.replicas.most)).unwrap();
    }
    writeln!(out, "  {}", life(&workload.life)).unwrap();
    for one in &workload.containers {
        container(out, one);
    }
    out.push('\n');
}

fn container(out: &mut String, container: &Container) {
    let image = container.image.as_ref().map_or("-", |image| &image.text);
    let stage = if container.stage == Stage::Init { " (init)" } else { "" };
    writeln!(out, "  container {}{stage}  image {image}", container.name).unwrap();
    for word in &container.command {
        writeln!(out, "    {:?}  [{}]", word.text, at(&word.place)).unwrap();
    }
    for (name, variable) in &container.environment {
        let value = variable.value.as_ref().map_or("unseen".into(), |value| format!("{value:?}"));
        writeln!(out, "    {name} = {value}  [{}]", at(&variable.place)).unwrap();
    }
    for unseen in &container.unseen {
        writeln!(out, "    unseen: {}  [{}]", unseen.text, at(&unseen.place)).unwrap();
    }
    for (path, file) in &container.files {
        writeln!(out, "    file {path}  {} bytes  [{}]", file.text.len(), at(&file.place)).unwrap();
    }
    if let Some((bytes, place)) = &container.memory_bytes_max {
        writeln!(out, "    memory {bytes}  [{}]", at(place)).unwrap();
    }
    if let Some(millis) = &container.cpu_millis_max {
        writeln!(out, "    cpu {}", number(millis)).unwrap();
    }
}

fn life(life: &Life) -> String {
    match life {
        Life::Service(Overlap::None) => "service, replaced in place".into(),
        Life::Service(Overlap::BlueGreen) => "service, blue and green".into(),
        Life::Service(Overlap::Rolling { surge, unavailable, lingers }) => {
            format!("service, surge {}, unavailable {}, lingers {lingers}", share(surge), share(unavailable))
        }
        Life::Job { with_rollout } => format!("job, with rollout: {with_rollout}"),
        Life::Cron { overlaps } => format!("cron, overlaps: {overlaps}"),
    }
}

fn share(share: &Share) -> String {
    match share {
        Share::Count(count) => number(count),
        Share::Percent(percent) => format!("{}%", number(percent)),
    }
}

fn number(number: &Number) -> String {
    match &number.origin {
        Origin::Written(place) => format!("{}  [{}]", number.value, at(place)),
        Origin::Assumed(why) => format!("{}  ({why})", number.value),
        Origin::Implied => format!("{}  (implied)", number.value),
    }
}

fn at(place: &Place) -> String {
    format!("{}:{}:{}", place.file, place.line, place.column)
}
