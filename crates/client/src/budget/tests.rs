use testbed::Folder;

use super::*;

const PLAN: &str = "\
[server]
max_connections = 100
superuser_reserved = 3

[service.api]
replicas = 4
processes = 2
pool = 5
listeners = 1
rollout = \"rolling\"
surge = 1
unavailable = 0
terminating = false
application_name = [\"shop-api*\"]

[other.admin]
connections = 5
";

fn read(text: &str) -> Result<Budget, BudgetError> {
    let folder = Folder::create().unwrap();
    let path = folder.join(declared::FILE);
    std::fs::write(&path, text).unwrap();
    Budget::from_plan_file(&path)
}

#[test]
fn a_service_learns_what_each_process_may_open_and_how_many_replicas_fit() {
    let budget = read(PLAN).unwrap();
    assert_eq!(budget.usable(), Some(97));
    let api = budget.allowance("api").unwrap();
    assert_eq!((api.per_process_max(), api.pool_max, api.beside_pool), (6, 5, 1));
    assert_eq!((api.replicas, api.replicas_at_rollout, api.processes), (4, 5, 2));
    assert_eq!((api.peak, api.rollout, api.others), (48, 60, 5));
    let fit = api.check(6);
    assert_eq!((fit.peak, fit.rollout, fit.replicas_that_fit), (48, 60, Some(7)), "92 / 12");
    assert!(fit.fits());
}

#[test]
fn more_than_the_plan_gives_does_not_fit_even_where_the_server_has_room() {
    let api = read(PLAN).unwrap().allowance("api").unwrap();
    let fit = api.fit(7);
    assert_eq!(fit.replicas_that_fit, Some(6), "92 / 14");
    assert!(!fit.fits());
}

#[test]
fn what_the_server_has_no_room_for_does_not_fit_though_the_plan_gives_it() {
    let small = PLAN.replace("max_connections = 100", "max_connections = 60");
    let fit = read(&small).unwrap().allowance("api").unwrap().fit(6);
    assert_eq!(fit.replicas_that_fit, Some(4), "(57 - 5) / 12");
    assert!(!fit.fits(), "a rollout needs five at once");
}

#[test]
fn without_slots_only_the_plan_counts() {
    let unsized_ = PLAN.replace("max_connections = 100\nsuperuser_reserved = 3\n", "");
    let budget = read(&unsized_).unwrap();
    let fit = budget.allowance("api").unwrap().fit(6);
    assert_eq!((budget.usable(), fit.replicas_that_fit, fit.fits()), (None, None, true));
}

#[test]
fn a_census_is_held_against_the_same_numbers() {
    let plan = read(PLAN).unwrap().plan();
    let api = plan.of("shop-api-1").unwrap();
    assert_eq!((api.service.as_str(), api.peak, api.rollout), ("api", 48, 60));
    assert_eq!((plan.peak, plan.rollout), (53, 65));
}

#[test]
fn a_service_that_is_not_there_names_those_that_are() {
    let error = read(PLAN).unwrap().allowance("apy").unwrap_err();
    assert_eq!(error.to_string(), "the plan has no service \"apy\"; there are api, admin");
}

#[test]
fn mistakes_name_their_line() {
    let error = read("[service.api]\nreplicaz = 4\n").unwrap_err();
    assert!(error.to_string().contains("connwarden-plan.toml:2"), "{error}");
    let error = read("files = [\"compose.yaml\"]\n").unwrap_err();
    assert!(error.to_string().contains("compose.yaml"), "{error}");
    let error = Budget::from_plan_file("/nowhere/plan.toml").unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/plan.toml: no such file");
}

#[test]
fn folders_that_the_plan_names_are_read_and_what_cannot_be_is_an_error() {
    let folder = Folder::create().unwrap();
    let deployed = folder.join("deploy");
    std::fs::create_dir(&deployed).unwrap();
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 3\n  template:\n    spec:\n      \
        containers: [{name: api, image: api, env: [{name: DB_HOST, value: db}, {name: DB_MAX_CONNS, value: '5'}]}]\n";
    std::fs::write(deployed.join("api.yaml"), manifest).unwrap();
    let plan = folder.join(declared::FILE);
    std::fs::write(&plan, "files = [\"deploy/\"]\n[server]\nmax_connections = 100\n").unwrap();
    let budget = Budget::from_plan_file(&plan).unwrap();
    assert_eq!(budget.services().collect::<Vec<_>>(), ["api"]);
    std::fs::write(deployed.join("torn.yaml"), [0xff]).unwrap();
    let BudgetError::Mistakes(told) = Budget::from_plan_file(&plan).unwrap_err() else { panic!() };
    assert!(told.len() == 1 && told[0].ends_with("torn.yaml: not UTF-8 text: passed over"), "{told:?}");
}
