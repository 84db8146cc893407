use super::*;

fn said(text: &str) -> Declared {
    read(&"deploy/connwarden-plan.toml".into(), text).unwrap()
}

fn refused(text: &str) -> Vec<String> {
    let found = read(&"p".into(), text).unwrap_err();
    found
        .iter()
        .map(|one| {
            let place = one.place.as_ref().unwrap();
            format!("{}:{} {} | {}", place.line, place.column, one.message, one.fix)
        })
        .collect()
}

#[test]
fn all_that_can_be_said_is_read() {
    let plan = said(
        r#"
files = ["compose.yaml", "../k8s"]
[server]
max_connections = 200
superuser_reserved = 5
reserved = 2
host = "db"
warn = 60
crit = 80
rollout = "one"
[service.api]
replicas = 4
replicas_max = 8
processes = 2
pool = 25
pool_min = 5
listeners = 1
rollout = "rolling"
surge = "25%"
unavailable = 1
terminating = false
via = "pgbouncer"
application_name = "wall-api*"
[service.old]
ignore = true
[other.admin]
connections = 10
application_name = ["psql", "pgAdmin*"]
"#,
    );
    let files: Vec<_> = plan.files.iter().map(|file| file.text.as_str()).collect();
    assert_eq!(files, ["deploy/compose.yaml", "k8s"]);
    let value = |number: &Option<Number>| number.as_ref().map(|number| number.value);
    assert_eq!(value(&plan.server.connections_max), Some(200));
    assert_eq!((value(&plan.server.superuser_reserved), value(&plan.server.reserved)), (Some(5), Some(2)));
    assert_eq!((plan.thresholds.warn, plan.thresholds.crit, plan.together), (60, 80, Together::One));
    let api = &plan.services[0];
    assert_eq!((api.name.text.as_str(), api.name.place.line), ("api", 11));
    assert_eq!((value(&api.pool), value(&api.pool_min), value(&api.listeners)), (Some(25), Some(5), Some(1)));
    assert!(matches!(&api.surge, Some(Share::Percent(number)) if number.value == 25));
    assert!(matches!(&api.unavailable, Some(Share::Count(number)) if number.value == 1));
    assert_eq!((api.rollout, api.terminating), (Some(Rollout::Rolling), Some(false)));
    assert_eq!(api.applications, ["wall-api*"]);
    assert!(plan.services[1].ignored && !api.ignored);
    assert_eq!(plan.others[0].connections.value, 10);
    assert_eq!(plan.others[0].applications, ["psql", "pgAdmin*"]);
}

#[test]
fn an_empty_plan_says_nothing_and_keeps_the_thresholds() {
    assert_eq!(said(""), Declared::default());
    assert_eq!((said("").thresholds.warn, said("").thresholds.crit), (70, 85));
}

#[test]
fn every_mistake_is_told_at_its_place() {
    let all = refused(
        "fils = []\n[server]\nmax_connections = \"many\"\nwarn = 90\n[service.api]\npool = -1\nsurge = \"lots\"\nrollout = \"canary\"\n[other.admin]\nname = 1\n",
    );
    assert_eq!(
        all,
        [
            "1:1 a plan has no key \"fils\" | did you mean files?",
            "3:19 max_connections is no whole number from 1 to 262143 | write max_connections = 10",
            "4:8 warn is 90 and crit is 85, in percent | warn <= crit <= 100: warn = 70, crit = 85",
            "6:8 pool is no whole number from 0 to 262143 | write pool = 10",
            "7:9 surge is neither a number nor a percentage | write surge = 1 or surge = \"25%\"",
            "8:11 rollout cannot be \"canary\" | one of \"recreate\", \"rolling\", \"blue-green\"",
            "9:8 [other.admin] says no number | add connections = 10",
            "10:1 [other.admin] has no key \"name\" | known here: connections, application_name",
        ]
    );
}

#[test]
fn what_is_no_toml_is_refused_at_its_line() {
    let all = refused("[server]\nmax_connections 200\n");
    assert!(all[0].starts_with("2:"), "{all:?}");
    assert!(refused("service = 3\n")[0].contains("write [service]"));
    assert!(refused("[service]\napi = 3\n")[0].contains("[service.NAME]"));
}

#[test]
fn fewer_at_most_than_usually_is_refused() {
    assert_eq!(
        refused("[service.api]\nreplicas_max = 2\nreplicas = 4\n"),
        ["2:16 replicas_max is 2 and replicas is 4 | replicas <= replicas_max: replicas_max = 4"]
    );
    assert_eq!(said("[service.api]\nreplicas = 4\nreplicas_max = 4\n").services.len(), 1);
}
