//! Sums of whole files, where what matters is who is meant.

use std::collections::BTreeMap;

use super::super::*;
use crate::read::{self, World};
use crate::{declared, deployed};

fn deployed(name: &str, text: &str) -> deployed::Deployed {
    let files: BTreeMap<String, String> = [(name.to_owned(), text.to_owned())].into();
    let found = read::files(
        &read::Paths { named: vec![name.into()], ..read::Paths::default() },
        &World { files: &files, environment: &|_| None, profiles: &[] },
    );
    let errors = found.findings.iter().filter(|one| one.level == crate::Level::Error).count();
    assert_eq!(errors, 0, "{:?}", found.findings);
    found.deployed
}

fn planned(deployed: &deployed::Deployed, plan: &str, known: &Known) -> Budget {
    let declared = declared::read(&"p".into(), plan).unwrap_or_else(|found| panic!("{found:?}"));
    of(deployed, &declared, known)
}

fn compose(text: &str, plan: &str) -> Budget {
    planned(&deployed("compose.yaml", text), plan, &Known::default())
}

/// Deployments of `psql`s: namespace, name, environment or image of each container.
fn manifests(all: &[(&str, &str, &str)]) -> deployed::Deployed {
    let one = |(space, name, containers): &(&str, &str, &str)| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {space}}}\nspec:\n  replicas: 4\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      {containers}\n"
        )
    };
    deployed("k8s.yaml", &all.iter().map(one).collect::<String>())
}

fn runs(host: &str) -> String {
    format!(
        "containers: [{{name: main, image: app, command: [gunicorn, a.wsgi], env: [{{name: DATABASE_URL, value: \"postgresql://u@{host}/a\"}}]}}]"
    )
}

const SERVER: &str = "containers: [{name: postgres, image: \"postgres:16\", args: [-c, max_connections=50]}]";

fn hosts(budget: &Budget) -> Vec<(&str, Vec<&str>)> {
    fn named(server: &ServerBudget) -> (&str, Vec<&str>) {
        let rows = server.rows.iter().map(|row| row.name.as_str()).collect();
        (server.host.as_deref().unwrap_or(""), rows)
    }
    budget.servers.iter().map(named).collect()
}

fn rules(budget: &Budget) -> Vec<(&str, Option<u32>)> {
    let line = |one: &crate::Finding| one.place.as_ref().map(|place| place.line);
    budget.findings.iter().map(|one| (one.rule.id, line(one))).collect()
}

const TWO: &str = "
services:
  db: {image: 'postgres:16', command: postgres -c max_connections=50}
  api: {image: app, command: gunicorn a.wsgi, environment: {DATABASE_URL: 'postgresql://u@db/a'}}
  shop: {image: app, command: gunicorn a.wsgi, environment: {DATABASE_URL: 'postgresql://u@db.internal/a'}}
";

fn slots(budget: &Budget) -> Vec<Option<u32>> {
    let most = |server: &ServerBudget| server.slots.as_ref().map(|slots| slots.connections_max.value);
    budget.servers.iter().map(most).collect()
}

#[test]
fn a_server_that_nobody_knows_is_an_error_and_hides_none() {
    let both = vec![("db", vec!["api"]), ("db.internal", vec!["shop"])];
    let budget = compose(TWO, "[server]\nhost = \"dbb\"\n");
    assert_eq!((hosts(&budget), rules(&budget)), (both.clone(), vec![("BUDGET004", Some(2))]));
    assert_eq!(budget.findings[0].fix, "servers here: db, db.internal");

    let typo = Known { host: Some("dbb".into()), ..Known::default() };
    let budget = planned(&deployed("compose.yaml", TWO), "", &typo);
    assert_eq!((hosts(&budget), rules(&budget)), (both, vec![("BUDGET004", None)]));

    let budget = compose(TWO, "[server]\nhost = \"db.internal\"\n");
    assert_eq!((hosts(&budget), rules(&budget)), (vec![("db.internal", vec!["shop"])], Vec::new()));
}

#[test]
fn what_is_said_of_the_server_is_said_of_one() {
    let known = Known { connections_max: Some(Number::implied(900)), ..Known::default() };
    assert_eq!(slots(&planned(&deployed("compose.yaml", TWO), "", &known)), [Some(900), None]);
    assert_eq!(slots(&compose(TWO, "[server]\nmax_connections = 300\n")), [Some(300), None]);
    let other = Known { host: Some("db.internal".into()), ..known };
    assert_eq!(slots(&planned(&deployed("compose.yaml", TWO), "", &other)), [Some(900)]);
    assert_eq!(slots(&compose(TWO, "")), [Some(50), None]);
}

#[test]
fn a_name_outside_the_cluster_is_no_service_of_its_first_label() {
    assert_eq!(hosts(&compose(TWO, "")), [("db", vec!["api"]), ("db.internal", vec!["shop"])]);
}

#[test]
fn servers_of_two_namespaces_stay_two() {
    let (db, far, lost) = (runs("db"), runs("db.blue"), runs("db"));
    let all = manifests(&[
        ("red", "db", SERVER),
        ("blue", "db", SERVER),
        ("blue", "api", &db),
        ("red", "api", &db),
        ("red", "far", &far),
        ("green", "lost", &lost),
    ]);
    let budget = planned(&all, "", &Known::default());
    assert_eq!(
        hosts(&budget),
        [("red/db", vec!["red/api", "green/lost"]), ("blue/db", vec!["blue/api", "red/far"])]
    );
    assert!(rules(&budget).iter().any(|(rule, _)| *rule == "BUDGET003"));
    let meant = planned(&all, "[server]\nhost = \"blue/db\"\n", &Known::default());
    assert_eq!(hosts(&meant), [("blue/db", vec!["blue/api", "red/far", "green/lost"])]);
    let unclear = planned(&all, "[server]\nhost = \"db\"\n", &Known::default());
    assert_eq!(unclear.servers.len(), 2);
    assert!(unclear.findings.iter().any(|one| one.message == "\"db\" is the name of several servers"));
}

#[test]
fn the_own_namespaces_server_is_nearer_than_anothers_pooler() {
    let pooler = "containers: [{name: pgbouncer, image: \"edoburu/pgbouncer:1.23\", env: [{name: DB_HOST, value: far.example.org}]}]";
    let (blue, green) = (runs("db"), runs("db"));
    let all = manifests(&[
        ("red", "db", pooler),
        ("blue", "db", SERVER),
        ("blue", "api", &blue),
        ("red", "api", &green),
    ]);
    let budget = planned(&all, "", &Known::default());
    let via = |name: &str| {
        let mut rows = budget.servers.iter().flat_map(|server| &server.rows);
        rows.find(|row| row.name == name).unwrap().via.clone()
    };
    assert_eq!((via("blue/api"), via("red/api")), (None, Some("red/db".into())));
}

/// `web` and `worker`, an init step that opens more than both, and a pooler beside them.
fn pod() -> deployed::Deployed {
    let env = "env: [{name: DATABASE_URL, value: \"postgresql://u@localhost/a\"}]";
    let containers = format!(
        "initContainers: [{{name: migrate, image: app, command: [celery, -A, a, worker, --concurrency=90], {env}}}]\n      containers: [{{name: web, image: app, command: [gunicorn, a.wsgi, --workers=3], {env}}}, {{name: worker, image: app, command: [celery, -A, a, worker, --concurrency=2], {env}}}, {{name: pgbouncer, image: \"edoburu/pgbouncer:1.23\", env: [{{name: DB_HOST, value: far}}]}}]"
    );
    manifests(&[("default", "api", &containers)])
}

fn row<'a>(budget: &'a Budget, name: &str) -> &'a Row {
    let mut rows = budget.servers.iter().flat_map(|server| &server.rows);
    rows.find(|row| row.name == name).unwrap_or_else(|| panic!("{name} of {:?}", hosts(budget)))
}

#[test]
fn what_one_process_does_is_said_of_one_row() {
    let found = planned(&pod(), "", &Known::default());
    let budget = planned(
        &pod(),
        "[service.api]\nreplicas = 2\npool = 7\nvia = \"\"\n[service.\"api/web\"]\npool = 9\nlisteners = 1\n",
        &Known::default(),
    );
    let web = row(&budget, "api/web");
    assert_eq!((web.pool.value, web.aside.value), (9, 1));
    for name in ["api/worker", "api/pgbouncer", "api/migrate"] {
        assert_eq!(row(&budget, name).pool, row(&found, name).pool, "{name}");
        assert_eq!(row(&budget, name).replicas.as_ref().unwrap().usual.value, 2, "{name}");
    }
    // The workload goes through its pooler no longer: all of its rows do not.
    assert_eq!(row(&found, "api/worker").via.as_deref(), Some("api/pgbouncer"));
    assert!(["api/web", "api/worker"].iter().all(|name| row(&budget, name).via.is_none()));
    assert_eq!(rules(&budget), [("PLAN002", Some(1))]);
    assert!(budget.findings[0].fix.contains("[service.\"api/worker\"]"), "{}", budget.findings[0].fix);
}

#[test]
fn the_only_main_row_is_meant_by_its_workloads_name() {
    let plan = "[service.api]\npool = 7\n[service.\"api/worker\"]\nignore = true\n";
    let text = "
services:
  api: {image: app, command: sh -c 'gunicorn a.wsgi & celery -A a worker -c 2', environment: {DATABASE_URL: 'postgresql://u@db/a'}}
";
    let budget = compose(text, "[service.api]\npool = 7\n");
    assert_eq!(hosts(&budget)[0].1, ["api", "api (celery)"]);
    assert_eq!((row(&budget, "api").pool.value, rules(&budget)), (7, Vec::new()));
    assert_ne!(row(&budget, "api (celery)").pool.value, 7);
    let exact = compose(text, "[service.\"api (celery)\"]\nprocesses = 4\n");
    assert_eq!((row(&exact, "api (celery)").processes.value, rules(&exact)), (4, Vec::new()));
    let ignored = planned(&pod(), plan, &Known::default());
    assert!(hosts(&ignored).iter().all(|(_, rows)| !rows.contains(&"api/worker")));
    assert_eq!(row(&ignored, "api/web").pool.value, 7);
}

#[test]
fn a_section_for_a_row_that_is_not_there_is_an_error() {
    let budget = planned(&pod(), "[service.\"api/typo\"]\npool = 3\n", &Known::default());
    assert_eq!(rules(&budget), [("PLAN002", Some(1))]);
    let fix = &budget.findings[0].fix;
    assert!(["api/web", "api/worker", "api/migrate"].iter().all(|name| fix.contains(name)), "{fix}");
    // An ignored workload shows nothing, and nothing of it is missed.
    let ignored = "[service.api]\nignore = true\n[service.\"api/web\"]\npool = 3\n";
    assert_eq!(rules(&planned(&pod(), ignored, &Known::default())), []);
}

#[test]
fn listeners_alone_make_a_service_one_that_connects() {
    let budget = compose("services: {quiet: {image: app}}", "[service.quiet]\nlisteners = 2\n");
    assert_eq!(budget.servers[0].totals, Sums { steady: 2, peak: 2, rollout: 2 });
}

#[test]
fn a_larger_pool_keeps_no_more_than_it_did() {
    let kept = |plan: &str| {
        let budget = compose(
            "services: {job: {image: app, command: java -jar app.jar, environment: {SPRING_DATASOURCE_URL: 'jdbc:postgresql://db/a', SPRING_DATASOURCE_HIKARI_MINIMUM_IDLE: 3}}}",
            plan,
        );
        (row(&budget, "job").kept.value, row(&budget, "job").pool.value)
    };
    let (found, _) = kept("");
    assert_eq!(found, 3);
    assert_eq!(kept("[service.job]\npool = 50\n"), (found, 50));
    assert_eq!(kept("[service.job]\npool = 50\npool_min = 20\n"), (20, 50));
    assert_eq!(kept("[service.job]\npool = 2\n"), (2, 2));
}

#[test]
fn of_rows_that_roll_one_after_the_other_the_dearest_workload_counts_and_every_job() {
    let mut all = pod();
    all.workloads.extend(manifests(&[("default", "big", &runs("far"))]).workloads);
    all.workloads.extend(
        manifests(&[("default", "hook", &runs("far"))])
            .workloads
            .into_iter()
            .map(|one| deployed::Workload { life: deployed::Life::Job { with_rollout: true }, ..one }),
    );
    let plan = "[service.api]\nvia = \"\"\n[service.\"api/migrate\"]\nignore = true\n";
    let each = planned(&all, plan, &Known::default());
    let more = |name: &str| row(&each, name).sums.rollout - row(&each, name).sums.peak;
    let api = more("api/web") + more("api/worker") + more("api/pgbouncer");
    assert!(api > more("big") && more("big") > 0 && more("hook") > 0);
    let one = planned(&all, &format!("[server]\nrollout = \"one\"\n{plan}"), &Known::default());
    let total = one.servers[0].totals;
    assert_eq!(one.servers.len(), 1);
    assert_eq!(total.rollout, total.peak + api + more("hook"));
}

#[test]
fn an_init_step_counts_once_for_each_replica_that_begins() {
    let one = planned(&pod(), "[service.api]\nvia = \"\"\n", &Known::default());
    let init = row(&one, "api/migrate");
    let Runs::BeforeMain(main) = init.runs else { panic!("{:?}", init.runs) };
    let excess = init.per_replica() - main;
    // 4 replicas, a quarter more and a quarter missing: waves of 2.
    assert_eq!((excess > 0, init.sums.rollout), (true, 2 * excess));
    let all = planned(&pod(), "[service.api]\nvia = \"\"\nrollout = \"recreate\"\n", &Known::default());
    assert_eq!(row(&all, "api/migrate").sums.rollout, 4 * excess);
}

#[test]
fn a_container_that_shows_nothing_opens_what_its_section_says() {
    let containers = format!("{}, {{name: side, image: app}}]", runs("far").trim_end_matches(']'));
    let all = manifests(&[("default", "api", &containers)]);
    let budget = planned(&all, "[service.\"api/side\"]\npool = 3\n", &Known::default());
    assert_eq!((row(&budget, "api/side").sums.peak, rules(&budget)), (12, Vec::new()));
    assert_eq!(hosts(&budget)[0].1, ["api", "api/side"]);
}

#[test]
fn no_two_rows_of_a_server_have_one_name() {
    let mut all = manifests(&[("default", "api", &runs("far"))]);
    let job = deployed::Life::Cron { overlaps: false };
    let twin = deployed::Workload { kind: "CronJob", life: job, ..all.workloads[0].clone() };
    all.workloads.push(twin);
    let budget = planned(&all, "[other.api]\nconnections = 1\n", &Known::default());
    assert_eq!(hosts(&budget)[0].1, ["api", "api (CronJob)", "api (other)"]);
}

#[test]
fn a_pooler_is_crowded_where_more_may_come_than_its_replicas_let_in() {
    let crowded = |replicas: u32| {
        let text = format!(
            "services:\n  pgb:\n    image: edoburu/pgbouncer\n    environment: {{DB_HOST: db, MAX_CLIENT_CONN: 10}}\n  app:\n    image: x\n    deploy: {{replicas: {replicas}}}\n    environment: {{DATABASE_URL: \"postgres://u@pgb/x\", DB_POOL_SIZE: 5}}\n"
        );
        let budget = compose(&text, "");
        budget.findings.into_iter().map(|found| found.message).collect::<Vec<_>>()
    };
    assert_eq!(crowded(2), Vec::<String>::new());
    assert_eq!(crowded(3), ["pgb lets in 10 clients at the peak, and its services may open 15"]);
}

#[test]
fn a_plan_of_more_services_than_anybody_has_is_refused_at_once() {
    let plan: String = (0..3_000).map(|number| format!("[service.s{number}]\npool = 1\n")).collect();
    let refused = declared::read(&"p".into(), &plan).unwrap_err();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].message.contains("more than 2000"), "{}", refused[0].message);
}

#[test]
fn a_server_that_is_ignored_opens_nothing_and_keeps_its_limit() {
    let text = "services:\n  db: {image: postgres, command: postgres -c max_connections=40}\n  app:\n    image: x\n    environment: {DATABASE_URL: \"postgres://u@db/x\", DB_POOL_SIZE: 5}\n";
    let limit = |plan: &str| {
        let budget = compose(text, plan);
        budget.servers[0].slots.as_ref().map(|slots| slots.connections_max.value)
    };
    assert_eq!((limit(""), limit("[service.db]\nignore = true\n")), (Some(40), Some(40)));
}
