//! Random systems: what is suggested for them must fit.

use std::collections::BTreeMap;
use std::fmt::Write;

use model::preset::Preset;
use proptest::prelude::*;

use super::*;
use crate::budget::{self, Budget, Known, Phase};
use crate::deployed::{Deployed, Life, Overlap, Share};
use crate::pools::{Part, Server};
use crate::{Container, Looked, Number, Place, Replicas, Workload, declared};

fn at(line: u32) -> Place {
    Place::new(&"compose.yaml".into(), line, 1)
}

#[derive(Clone, Debug)]
struct Service {
    life: u8,
    replicas: u32,
    most: u32,
    processes: u32,
    pool: u32,
    aside: u32,
}

#[derive(Clone, Debug)]
struct System {
    services: Vec<Service>,
    others: u32,
    /// `max_connections` of a server that is not deployed; else one is, with so much memory.
    server: Result<u32, Option<u64>>,
    preset: Preset,
    cores: Option<u32>,
    one_by_one: bool,
    /// Processes and connections of a pooler that is there.
    pooler: Option<(u32, u32)>,
}

fn system() -> impl Strategy<Value = System> {
    let service = (0u8..6, 1u32..6, 0u32..6, 1u32..9, 1u32..60, 0u32..3).prop_map(
        |(life, replicas, more, processes, pool, aside)| Service {
            life,
            replicas,
            most: replicas + more,
            processes,
            pool,
            aside,
        },
    );
    let server = prop_oneof![
        (5u32..800).prop_map(Ok),
        proptest::option::of((128u64..16_384).prop_map(|mebibytes| mebibytes << 20)).prop_map(Err),
    ];
    let preset = prop::sample::select(Preset::ALL.to_vec());
    let pooler = proptest::option::weighted(0.3, (1u32..8, 1u32..200));
    let services = prop::collection::vec(service, 0..7);
    (services, 0u32..60, server, preset, proptest::option::of(1u32..64), any::<bool>(), pooler).prop_map(
        |(services, others, server, preset, cores, one_by_one, pooler)| System {
            services,
            others,
            server,
            preset,
            cores,
            one_by_one,
            pooler,
        },
    )
}

impl System {
    fn deployed(&self) -> Deployed {
        let share = || Share::Percent(Number::implied(25));
        let life = |kind: u8| match kind {
            0 => Life::Service(Overlap::None),
            1 => Life::Service(Overlap::BlueGreen),
            2 | 3 => {
                Life::Service(Overlap::Rolling { surge: share(), unavailable: share(), lingers: kind == 3 })
            }
            4 => Life::Job { with_rollout: true },
            _ => Life::Cron { overlaps: true },
        };
        let workload = |name: String, life, usual, most| Workload {
            name,
            aliases: Vec::new(),
            standbys: Vec::new(),
            kind: "service",
            place: at(1),
            replicas: Replicas { usual: Number::implied(usual), most: Number::implied(most) },
            life,
            containers: Vec::new(),
        };
        let own = self.services.iter().enumerate();
        let mut workloads: Vec<Workload> =
            own.map(|(at, one)| workload(format!("s{at}"), life(one.life), one.replicas, one.most)).collect();
        if let Err(memory) = self.server {
            let mut server = workload("db".into(), Life::Service(Overlap::None), 1, 1);
            let mut container = Container::new("db", at(2));
            container.memory_bytes_max = memory.map(|bytes| (bytes, at(3)));
            server.containers.push(container);
            workloads.push(server);
        }
        Deployed { workloads }
    }

    /// The plan file with these pools, and without the services that one of them serves.
    fn plan(&self, slots: [u32; 3], pool: impl Fn(usize) -> (u32, bool), more: u32) -> String {
        let mut text = format!(
            "[server]\nmax_connections = {}\nsuperuser_reserved = {}\nreserved = {}\n",
            slots[0], slots[1], slots[2]
        );
        if self.one_by_one {
            text.push_str("rollout = \"one\"\n");
        }
        for (at, one) in self.services.iter().enumerate() {
            let (pool, ignored) = pool(at);
            if ignored {
                let _ = writeln!(text, "[service.s{at}]\nignore = true");
                continue;
            }
            let _ = writeln!(
                text,
                "[service.s{at}]\nprocesses = {}\npool = {pool}\nlisteners = {}",
                one.processes, one.aside
            );
        }
        let _ = writeln!(text, "[other.admin]\nconnections = {}", self.others + more);
        text
    }

    fn budget(&self, plan: &str) -> Budget {
        let declared = declared::read(&"p".into(), plan).unwrap_or_else(|found| panic!("{found:?}\n{plan}"));
        budget::of(&self.deployed(), &declared, &Known::default())
    }

    fn suggestion(&self) -> Suggestion {
        let deployed = self.deployed();
        let plan = self.plan([self.server.unwrap_or(100), 3, 0], |at| (self.services[at].pool, false), 0);
        let declared = declared::read(&"p".into(), &plan).unwrap();
        let mut budget = budget::of(&deployed, &declared, &Known::default());
        budget.servers[0].rows.extend(self.pooler.map(|(processes, pool)| pooler(processes, pool)));
        let looked = deployed.workloads.iter().flat_map(|workload| {
            workload.containers.iter().map(move |container| Looked {
                workload,
                container,
                part: Part::Server(Server {
                    connections_max: Number::implied(100),
                    superuser_reserved: Number::implied(3),
                    reserved: Number::implied(0),
                    settings: Vec::new(),
                }),
            })
        });
        let texts = BTreeMap::new();
        let scene = Scene {
            deployed: &deployed,
            looked: looked.collect(),
            declared: &declared,
            budget: &budget,
            texts: &texts,
            found: &[],
        };
        suggest(&scene, &Wanted { preset: self.preset, memory_bytes: None, cores: self.cores })
    }
}

fn pooler(processes: u32, pool: u32) -> Row {
    let mut row = Row {
        name: "pgbouncer".into(),
        workload: "pgbouncer".into(),
        kind: "pooler",
        what: "PgBouncer".into(),
        place: at(9),
        replicas: None,
        processes: Number::implied(processes),
        kept: Number::implied(0),
        pool: Number::implied(pool),
        aside: Number::implied(0),
        via: None,
        runs: budget::Runs::Always,
        sums: Sums::default(),
        applications: Vec::new(),
        scales: false,
    };
    row.resize(processes, pool);
    row
}

fn setting(suggestion: &Suggestion, name: &str) -> u32 {
    let line = suggestion.settings.iter().find(|line| line.name == name);
    line.map_or(0, |line| line.value.parse().unwrap())
}

/// Whether the plan file that says what was suggested fits.
fn fits(system: &System, suggestion: &Suggestion, all_at_one: bool) -> bool {
    let slots = ["max_connections", "superuser_reserved_connections", "reserved_connections"]
        .map(|name| setting(suggestion, name));
    let row = |at: usize| suggestion.rows.iter().find(|row| row.name == format!("s{at}")).unwrap();
    let pool = |at: usize| match all_at_one {
        true => (1, row(at).via.is_some()),
        false => (row(at).pool.value, row(at).via.is_some()),
    };
    let poolers = suggestion.rows.iter().filter(|row| row.kind == "pooler");
    let more: u64 = poolers
        .map(|row| match all_at_one {
            true => u64::from(row.processes.value) + u64::from(row.aside.value),
            false => row.sums.rollout,
        })
        .sum();
    let more = u32::try_from(more).unwrap();
    let budget = system.budget(&system.plan(slots, pool, more));
    let server = &budget.servers[0];
    assert_eq!(server.slots.as_ref().unwrap().usable(), suggestion.usable);
    server.verdicts.iter().all(|verdict| verdict.passed.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_suggested_fits_by_the_budgets_own_arithmetic(system in system()) {
        let suggestion = system.suggestion();
        if suggestion.fits {
            prop_assert!(fits(&system, &suggestion, false), "{suggestion:#?}");
        } else {
            prop_assert!(!fits(&system, &suggestion, true), "one connection each would fit: {suggestion:#?}");
        }
    }

    #[test]
    fn no_process_is_given_more_than_the_preset_or_than_it_has(system in system()) {
        let suggestion = system.suggestion();
        for (at, one) in system.services.iter().enumerate() {
            let row = suggestion.rows.iter().find(|row| row.name == format!("s{at}")).unwrap();
            let most = one.pool.min(system.preset.process().connections_max);
            prop_assert!((1..=most).contains(&row.pool.value));
        }
    }

    #[test]
    fn a_larger_pool_for_everybody_would_not_fit(system in system()) {
        let suggestion = system.suggestion();
        let proxied = suggestion.rows.iter().any(|row| row.kind == "pooler");
        let highest = suggestion.rows.iter().filter(|row| row.scales).map(|row| row.pool.value).max().unwrap_or(0);
        let preset = system.preset.process().connections_max;
        let lowered = |(at, one): (usize, &Service)| {
            let row = suggestion.rows.iter().find(|row| row.name == format!("s{at}")).unwrap();
            row.pool.value < one.pool.min(preset)
        };
        let any_lowered = system.services.iter().enumerate().any(lowered);
        if !suggestion.fits || proxied || !any_lowered || system.pooler.is_some() {
            return Ok(());
        }
        let slots = ["max_connections", "superuser_reserved_connections", "reserved_connections"]
            .map(|name| setting(&suggestion, name));
        let plan = system.plan(slots, |at| (system.services[at].pool.min(preset).min(highest + 1), false), 0);
        let verdicts = &system.budget(&plan).servers[0].verdicts;
        let phases = [Phase::Peak, Phase::Rollout];
        prop_assert!(verdicts.iter().any(|one| phases.contains(&one.phase) && one.passed.is_some()));
    }

    #[test]
    fn a_pooler_that_is_there_is_used_and_never_gets_more(system in system()) {
        let suggestion = system.suggestion();
        let poolers: Vec<&Row> = suggestion.rows.iter().filter(|row| row.kind == "pooler").collect();
        if let Some((_, pool)) = system.pooler {
            prop_assert_eq!(poolers.len(), 1);
            prop_assert!((1..=pool).contains(&poolers[0].pool.value));
        }
    }

    #[test]
    fn the_same_system_has_the_same_suggestion(system in system()) {
        prop_assert_eq!(text(&system.suggestion()), text(&system.suggestion()));
    }
}

#[test]
fn every_setting_has_its_sentence() {
    for preset in Preset::ALL {
        let system = System {
            services: vec![Service { life: 3, replicas: 4, most: 9, processes: 4, pool: 50, aside: 0 }],
            others: 10,
            server: Err(Some(2 << 30)),
            preset,
            cores: None,
            one_by_one: false,
            pooler: None,
        };
        let suggestion = system.suggestion();
        for line in &suggestion.settings {
            assert!(!line.because.is_empty());
            let begin = format!("{} = {}: ", line.name, line.value);
            assert!(suggestion.why.iter().any(|why| why.starts_with(&begin)), "{begin}");
        }
        for row in suggestion.rows.iter().filter(|row| row.scales) {
            let begin = format!("{}: connections of each process = {}: ", row.name, row.pool.value);
            assert!(
                suggestion.why.iter().any(|why| why.starts_with(&begin)),
                "{begin} {:#?}",
                suggestion.why
            );
        }
    }
}
