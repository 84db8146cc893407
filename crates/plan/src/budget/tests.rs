use std::sync::Arc;

use super::*;
use crate::deployed::{Life, Overlap, Replicas, Share, Workload};
use crate::{Number, declared};

mod files;

fn file() -> Arc<str> {
    "compose.yaml".into()
}

fn service(name: &str, replicas: u32, life: Life) -> Workload {
    Workload {
        name: name.into(),
        aliases: Vec::new(),
        standbys: Vec::new(),
        kind: "service",
        place: Place::new(&file(), 1, 1),
        replicas: Replicas::fixed(Number::written(replicas, &Place::new(&file(), 2, 1))),
        life,
        containers: Vec::new(),
    }
}

fn rolling() -> Life {
    let quarter = || Share::Percent(Number::implied(25));
    Life::Service(Overlap::Rolling { surge: quarter(), unavailable: quarter(), lingers: true })
}

fn wall(life: Life) -> Deployed {
    let of = |name: &str, replicas| service(name, replicas, life.clone());
    Deployed { workloads: vec![of("api", 4), of("materializer", 1), of("simulator", 1), of("redis", 1)] }
}

const PLAN: &str = "
[server]
max_connections = 200
[service.api]
pool = 25
[service.materializer]
pool = 25
[service.simulator]
pool = 25
[other.admin]
connections = 10
";

fn budget(deployed: &Deployed, plan: &str) -> ServerBudget {
    let declared = declared::read(&"connwarden-plan.toml".into(), plan).unwrap();
    let mut budget = of(deployed, &declared, &Known::default());
    assert_eq!(budget.findings, []);
    assert_eq!(budget.servers.len(), 1);
    budget.servers.remove(0)
}

fn graded(budget: &ServerBudget) -> Vec<(u64, Grade, Option<u32>)> {
    budget.verdicts.iter().map(|one| (one.connections, one.grade, one.passed)).collect()
}

#[test]
fn the_guides_sum_is_160_and_above_its_own_target() {
    let budget = budget(&wall(Life::Service(Overlap::None)), PLAN);
    assert_eq!(budget.totals, Sums { steady: 160, peak: 160, rollout: 160 });
    assert_eq!(budget.slots.as_ref().map(Slots::usable), Some(197));
    // 160 of 200 are 80 %, of the 197 an application can get 81.2 %.
    assert_eq!(budget.verdicts[1].permille(), 812);
    assert_eq!(graded(&budget), [(160, Grade::Warning, Some(70)); 3]);
    let fit = budget.fit.unwrap();
    // 6 pools of 21 and 10 others are 136; 137 is 70 % of 197.
    assert_eq!((fit.pool, fit.sums.peak), (Some(21), 136));
    assert_eq!(fit.connections_max, 160 * 100 / 70 + 1 + 3);
}

#[test]
fn a_rollout_does_not_fit_where_the_peak_does() {
    let budget = budget(&wall(rolling()), PLAN);
    // (4 + 1 surge + 2 terminating) + 2 * (1 + 1), 25 each, and 10.
    assert_eq!(budget.totals.rollout, 7 * 25 + 2 * 50 + 10);
    assert_eq!(graded(&budget)[2], (285, Grade::Critical, Some(100)));
    let fit = budget.fit.unwrap();
    assert_eq!((fit.pool, fit.sums.rollout), (Some(11), 11 * 11 + 10));
}

#[test]
fn one_service_at_a_time_costs_the_dearest_rollout_only() {
    let plan = PLAN.replace("max_connections", "rollout = \"one\"\nmax_connections");
    assert_eq!(budget(&wall(rolling()), &plan).totals.rollout, 160 + 3 * 25);
}

#[test]
fn the_plan_file_wins_over_what_was_found() {
    let plan = format!(
        "{PLAN}[service.redis]\nignore = true\n[service.cron]\nreplicas = 2\nprocesses = 3\npool = 4\npool_min = 1\nlisteners = 1\nrollout = \"blue-green\"\n"
    )
    .replace("[service.api]", "[service.api]\nreplicas = 2\nreplicas_max = 8\nrollout = \"recreate\"");
    let budget = budget(&wall(rolling()), &plan);
    let of = |name: &str| budget.rows.iter().find(|row| row.name == name).unwrap().sums;
    assert_eq!(of("api"), Sums { steady: 50, peak: 200, rollout: 200 });
    assert_eq!(of("cron"), Sums { steady: 2 * 3 * 2, peak: 2 * 3 * 5, rollout: 4 * 3 * 5 });
    assert!(budget.rows.iter().all(|row| row.name != "redis"));
}

#[test]
fn jobs_count_when_they_run() {
    let job = |name: &str, life| service(name, 1, life);
    let deployed = Deployed {
        workloads: vec![
            job("migrate", Life::Job { with_rollout: true }),
            job("import", Life::Job { with_rollout: false }),
            job("nightly", Life::Cron { overlaps: true }),
            job("hourly", Life::Cron { overlaps: false }),
        ],
    };
    let plan = "[server]\nmax_connections = 100\n[service.migrate]\npool = 1\n[service.import]\npool = 2\n[service.nightly]\npool = 4\n[service.hourly]\npool = 8\n";
    let budget = budget(&deployed, plan);
    assert_eq!(budget.totals, Sums { steady: 0, peak: 18, rollout: 19 });
    assert!(budget.fit.is_none());
}

#[test]
fn without_a_limit_there_is_a_sum_and_no_verdict() {
    let budget = budget(&wall(rolling()), &PLAN.replace("max_connections = 200", ""));
    assert_eq!((budget.totals.peak, budget.verdicts.len(), budget.slots), (160, 0, None));
}

#[test]
fn what_the_caller_knows_wins_over_the_plan_file() {
    let declared = declared::read(&"p".into(), PLAN).unwrap();
    let known = Known {
        connections_max: Some(Number::implied(400)),
        superuser_reserved: Some(Number::implied(0)),
        warn: Some(30),
        ..Known::default()
    };
    let budget = of(&wall(Life::Service(Overlap::None)), &declared, &known);
    assert_eq!(graded(&budget.servers[0])[1], (160, Grade::Warning, Some(30)));
    assert_eq!(budget.servers[0].slots.as_ref().map(Slots::usable), Some(400));
}

#[test]
fn sums_that_no_machine_can_hold_do_not_wrap() {
    let plan = "[server]\nmax_connections = 10\n[service.api]\nreplicas = 262143\nprocesses = 262143\npool = 262143\nrollout = \"blue-green\"\n";
    let budget = budget(&Deployed::default(), plan);
    assert_eq!(budget.totals.peak, 262_143u64.pow(3));
    assert_eq!(budget.fit.unwrap().pool, None);
}

#[test]
fn a_pooler_that_is_not_there_is_an_error_at_its_place() {
    let declared = declared::read(&"p".into(), "[service.api]\npool = 1\nvia = \"pgbouncer\"\n").unwrap();
    let budget = of(&Deployed::default(), &declared, &Known::default());
    assert_eq!(budget.findings.len(), 1);
    assert_eq!(budget.findings[0].place.as_ref().map(|place| place.line), Some(3));
}

#[test]
fn an_autoscaler_keeps_its_upper_end() {
    let mut deployed = wall(rolling());
    deployed.workloads[0].replicas.most = Number::implied(10);
    let most = |plan: &str| {
        let budget = budget(&deployed, &format!("{PLAN}\n").replace("[service.api]", plan));
        let replicas = budget.rows[0].replicas.clone().unwrap();
        (replicas.usual.value, replicas.most.value)
    };
    assert_eq!(most("[service.api]\nreplicas = 6"), (6, 10));
    assert_eq!(most("[service.api]\nreplicas = 12"), (12, 12));
    assert_eq!(most("[service.api]\nreplicas_max = 3"), (3, 3));
    // Of a fixed number there is no upper end to keep.
    deployed.workloads[0].replicas = Replicas::fixed(Number::implied(4));
    let plan = PLAN.replace("[service.api]", "[service.api]\nreplicas = 2");
    assert_eq!(budget(&deployed, &plan).rows[0].replicas.as_ref().unwrap().most.value, 2);
}

#[test]
fn a_share_of_no_slots_is_capped() {
    let plan = PLAN.replace("max_connections = 200", "max_connections = 3");
    let budget = budget(&wall(rolling()), &plan);
    assert_eq!((budget.verdicts[0].usable, budget.verdicts[0].permille()), (0, PERMILLE_MAX));
    assert_eq!(graded(&budget)[0], (160, Grade::Critical, Some(100)));
    let none = Verdict { connections: 0, ..budget.verdicts[0] };
    assert_eq!(none.permille(), 0);
}
