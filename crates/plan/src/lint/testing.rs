//! Worlds for the tests of rules, written by hand.

use std::sync::Arc;

use super::Texts;
use crate::budget::{self, Known, Row, Runs, Slots, Sums};
use crate::deployed::{Deployed, Life, Overlap};
use crate::pools::{Address, Opener, Part, Pool, Pooler, Server};
use crate::{
    Container, Finding, Looked, Number, Place, Replicas, Scene, Stage, Text, Variable, Workload, declared,
};

/// What is deployed, with the part of each workload's one container.
#[derive(Default)]
pub(crate) struct World {
    kind: Option<&'static str>,
    made: Vec<(Workload, Part)>,
    rows: Vec<Row>,
    texts: Texts,
    found: Vec<Finding>,
    plan: String,
}

pub(crate) fn at(line: u32) -> Place {
    Place::new(&"compose.yaml".into(), line, 1)
}

/// An opener with one process.
pub(crate) fn opener(what: &str, pool: u32) -> Opener {
    Opener {
        what: what.into(),
        processes: Number::implied(1),
        pool: Pool::fixed(Number::implied(pool)),
        aside: Number::implied(0),
        to: None,
        application: None,
        stage: Stage::Main,
    }
}

impl World {
    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    fn with(mut self, name: &str, part: Part) -> Self {
        let workload = Workload {
            name: name.into(),
            aliases: Vec::new(),
            standbys: Vec::new(),
            kind: self.kind.unwrap_or("service"),
            place: at(1),
            replicas: Replicas::fixed(Number::implied(1)),
            life: Life::Service(Overlap::None),
            containers: vec![Container::new(name, at(2))],
        };
        self.made.push((workload, part));
        self
    }

    /// A server with settings from line 10 on.
    pub(crate) fn server(self, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<(Text, Text)> = (10..)
            .zip(settings)
            .map(|(line, (name, value))| (Text::new(*name, at(line)), Text::new(*value, at(line))))
            .collect();
        let number = |name: &str, or| {
            let own = settings.iter().rev().find(|(known, _)| known.text == name);
            own.and_then(|(_, value)| Some(Number::written(value.text.parse().ok()?, &value.place)))
                .unwrap_or_else(|| Number::assumed(or, "not set"))
        };
        let (connections_max, superuser_reserved) =
            (number("max_connections", 100), number("superuser_reserved_connections", 3));
        let reserved = number("reserved_connections", 0);
        self.with(
            "postgres",
            Part::Server(Server { connections_max, superuser_reserved, reserved, settings }),
        )
    }

    pub(crate) fn opener(self, name: &str, what: &str, pool: u32) -> Self {
        self.with(name, Part::Opens(vec![opener(what, pool)]))
    }

    /// A Django with a settings file.
    pub(crate) fn django(self, name: &str, settings: &str) -> Self {
        self.opener("api", "gunicorn, Django", 4).file("/app/settings.py", name, settings)
    }

    pub(crate) fn pooler(self, most: u32, clients_max: u32) -> Self {
        let pooler = Pooler {
            what: "PgBouncer".into(),
            processes: Number::implied(1),
            kept: Number::implied(0),
            most: Number::implied(most),
            clients_max: Number::implied(clients_max),
            to: None,
        };
        self.with("pgbouncer", Part::Pooler(pooler))
    }

    fn container(&mut self) -> &mut Container {
        &mut self.made.last_mut().unwrap().0.containers[0]
    }

    pub(crate) fn command(mut self, words: &[(u32, &str)]) -> Self {
        self.container().command = words.iter().map(|(line, word)| Text::new(*word, at(*line))).collect();
        self
    }

    pub(crate) fn image(mut self, image: &str) -> Self {
        self.container().image = Some(Text::new(image, at(3)));
        self
    }

    pub(crate) fn memory(mut self, bytes: u64) -> Self {
        self.container().memory_bytes_max = Some((bytes, at(4)));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: Option<&str>) -> Self {
        let place = at(u32::try_from(20 + self.container().environment.len()).unwrap());
        let variable = Variable { value: value.map(str::to_owned), place };
        self.container().environment.insert(name.into(), variable);
        self
    }

    /// A file of the last container, which lies under this name.
    pub(crate) fn file(mut self, path: &str, name: &str, text: &str) -> Self {
        let place = Place::new(&name.into(), 1, 1);
        self.container().files.insert(path.into(), Text::new(text, place));
        self
    }

    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        self.texts.insert(name.into(), text.into());
        self
    }

    pub(crate) fn replicas(mut self, count: u32, life: Life) -> Self {
        let workload = &mut self.made.last_mut().unwrap().0;
        workload.replicas = Replicas::fixed(Number::implied(count));
        workload.life = life;
        self
    }

    /// Whom the last opener connects to; at the place of its last variable.
    pub(crate) fn to(mut self, host: &str, user: Option<&str>) -> Self {
        let place =
            self.container().environment.values().map(|it| &it.place).max().cloned().unwrap_or_else(|| at(2));
        let to = Address {
            host: host.into(),
            port: None,
            database: Some("shop".into()),
            user: user.map(str::to_owned),
            place,
        };
        match &mut self.made.last_mut().unwrap().1 {
            Part::Opens(openers) => openers[0].to = Some(to),
            other => panic!("{other:?}"),
        }
        self
    }

    pub(crate) fn plan(mut self, text: &str) -> Self {
        self.plan = text.into();
        self
    }

    pub(crate) fn finds(mut self, finding: Finding) -> Self {
        self.found.push(finding);
        self
    }

    fn row(name: &str, kind: &'static str, via: Option<&str>, each: u64) -> Row {
        Row {
            name: name.into(),
            workload: name.into(),
            kind,
            what: String::new(),
            place: at(30),
            replicas: None,
            processes: Number::implied(1),
            kept: Number::implied(0),
            pool: Number::implied(u32::try_from(each).unwrap()),
            aside: Number::implied(0),
            via: via.map(str::to_owned),
            runs: Runs::Always,
            sums: Sums { steady: 0, peak: each, rollout: each },
            applications: Vec::new(),
            scales: true,
        }
    }

    /// A row of the budget that goes through a pooler.
    pub(crate) fn through(mut self, pooler: &str, each: u64) -> Self {
        self.rows.push(Self::row("clients", "service", Some(pooler), each));
        self
    }

    /// A row of the budget that is a pooler of so many replicas.
    pub(crate) fn pooled_rows(mut self, replicas: u64, each: u64) -> Self {
        self.rows.push(Self::row("pgbouncer", "pooler", None, replicas * each));
        self
    }

    /// What every rule finds.
    pub(crate) fn lint(&self) -> Vec<Finding> {
        let file: Arc<str> = "connwarden-plan.toml".into();
        let declared = declared::read(&file, &self.plan).unwrap();
        let deployed =
            Deployed { workloads: self.made.iter().map(|(workload, _)| workload.clone()).collect() };
        let mut budget = budget::of(&deployed, &declared, &Known::default());
        let server = &mut budget.servers[0];
        server.rows.extend(self.rows.iter().cloned());
        for (_, part) in &self.made {
            if let (Part::Server(said), None) = (part, &server.slots) {
                server.slots = Some(Slots {
                    connections_max: said.connections_max.clone(),
                    superuser_reserved: said.superuser_reserved.clone(),
                    reserved: said.reserved.clone(),
                });
            }
        }
        let pairs = deployed.workloads.iter().zip(&self.made);
        let looked = pairs
            .map(|(workload, (_, part))| Looked {
                workload,
                container: &workload.containers[0],
                part: part.clone(),
            })
            .collect();
        super::lint(&Scene {
            deployed: &deployed,
            looked,
            declared: &declared,
            budget: &budget,
            texts: &self.texts,
            found: &self.found,
        })
    }

    /// What one rule finds.
    pub(crate) fn all(&self, id: &str) -> Vec<Finding> {
        self.lint().into_iter().filter(|finding| finding.rule.id == id).collect()
    }

    /// The same, as lines and messages.
    pub(crate) fn found(&self, id: &str) -> Vec<(u32, String)> {
        let line = |finding: &Finding| finding.place.as_ref().map_or(0, |place| place.line);
        self.all(id).into_iter().map(|finding| (line(&finding), finding.message)).collect()
    }

    /// The rules that find something.
    pub(crate) fn ids(&self) -> Vec<&'static str> {
        self.lint().iter().map(|finding| finding.rule.id).collect()
    }
}
