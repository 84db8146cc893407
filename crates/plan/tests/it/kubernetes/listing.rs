//! What was read, as text.

use std::fmt::Write as _;

use connwarden_plan::read::Found;
use connwarden_plan::{Container, Life, Number, Origin, Overlap, Place, Share, Stage, Text, Workload};

/// A listing of everything that was found.
pub(super) struct Listing(String);

impl Listing {
    pub(super) fn of(found: &Found) -> String {
        let mut listing = Self(String::new());
        for workload in &found.deployed.workloads {
            listing.workload(workload);
        }
        for finding in &found.findings {
            let level = format!("{:?}", finding.level).to_lowercase();
            let place = finding.place.as_ref().map_or_else(String::new, exact);
            listing.line(0, &format!("{level} {} {place}: {}", finding.rule.id, finding.message));
            listing.line(2, &format!("fix: {}", finding.fix));
        }
        listing.0
    }

    fn line(&mut self, indent: usize, text: &str) {
        writeln!(self.0, "{:indent$}{text}", "").unwrap();
    }

    fn workload(&mut self, workload: &Workload) {
        self.line(0, &format!("{} {} at {}", workload.kind, workload.name, exact(&workload.place)));
        let replicas = &workload.replicas;
        self.line(2, &format!("usual {}", number(&replicas.usual)));
        if replicas.most != replicas.usual {
            self.line(2, &format!("most {}", number(&replicas.most)));
        }
        match &workload.life {
            Life::Job { with_rollout } => self.line(2, &format!("job, with_rollout {with_rollout}")),
            Life::Cron { overlaps } => self.line(2, &format!("cron, overlaps {overlaps}")),
            Life::Service(Overlap::None) => self.line(2, "service, replaced after its end"),
            Life::Service(Overlap::BlueGreen) => self.line(2, "service, blue and green"),
            Life::Service(Overlap::Rolling { surge, unavailable, lingers }) => {
                self.line(2, &format!("service, rolling, lingers {lingers}"));
                self.line(4, &format!("surge {}", share(surge)));
                self.line(4, &format!("unavailable {}", share(unavailable)));
            }
        }
        for container in &workload.containers {
            self.container(container);
        }
        self.0.push('\n');
    }

    fn container(&mut self, container: &Container) {
        let stage = match container.stage {
            Stage::Init => "init ",
            Stage::Main => "",
        };
        self.line(2, &format!("{stage}container {} at {}", container.name, exact(&container.place)));
        if let Some(image) = &container.image {
            self.line(4, &format!("image {}", text(image)));
        }
        for word in &container.command {
            self.line(4, &format!("word {}", text(word)));
        }
        for (name, variable) in &container.environment {
            let value =
                variable.value.as_ref().map_or_else(|| " unknown".to_owned(), |value| format!("={value:?}"));
            self.line(4, &format!("{name}{value} ({})", exact(&variable.place)));
        }
        for unseen in &container.unseen {
            self.line(4, &format!("unseen {}", text(unseen)));
        }
        for (path, file) in &container.files {
            self.line(4, &format!("file {path} ({})", exact(&file.place)));
            for (at, line) in (file.place.line..).zip(file.text.lines()) {
                if !line.is_empty() {
                    self.line(6, &format!("{at}| {line}"));
                }
            }
        }
        if let Some((bytes, place)) = &container.memory_bytes_max {
            self.line(4, &format!("memory {bytes} ({})", exact(place)));
        }
        if let Some(millis) = &container.cpu_millis_max {
            self.line(4, &format!("cpu {}", number(millis)));
        }
    }
}

/// Without the file's name: a listing is of one file.
pub(super) fn exact(place: &Place) -> String {
    format!("{}:{}", place.line, place.column)
}

fn text(text: &Text) -> String {
    format!("{:?} ({})", text.text, exact(&text.place))
}

fn share(share: &Share) -> String {
    match share {
        Share::Count(count) => number(count),
        Share::Percent(percent) => format!("percent {}", number(percent)),
    }
}

fn number(number: &Number) -> String {
    match &number.origin {
        Origin::Written(place) => format!("{} ({})", number.value, exact(place)),
        Origin::Assumed(why) => format!("{} (assumed: {why})", number.value),
        Origin::Implied => format!("{} (implied)", number.value),
    }
}
