//! What compose does in the corners.

use connwarden_plan::{Container, Life, Workload};

use super::bad::read_files;

fn workloads(files: &[(&str, &str)]) -> Vec<Workload> {
    let found = read_files(files);
    assert!(found.findings.is_empty(), "{:#?}", found.findings);
    found.deployed.workloads
}

fn one(text: &str) -> Container {
    workloads(&[("c.yaml", text)]).remove(0).containers.pop().unwrap()
}

fn words(container: &Container) -> Vec<&str> {
    container.command.iter().map(|word| word.text.as_str()).collect()
}

fn variable<'c>(container: &'c Container, name: &str) -> Option<&'c str> {
    container.environment[name].value.as_deref()
}

#[test]
fn a_later_line_of_a_list_wins_and_a_name_alone_forgets_an_earlier_value() {
    let app = one("services: {a: {image: x, environment: [A=1, A=2, B=1, B, C=a=b]}}");
    assert_eq!(variable(&app, "A"), Some("2"));
    assert_eq!(variable(&app, "B"), None);
    assert_eq!(variable(&app, "C"), Some("a=b"));
}

#[test]
fn an_empty_command_is_no_word_and_an_entrypoint_comes_first() {
    assert_eq!(words(&one("services: {a: {image: x, command: ''}}")), [""; 0]);
    assert_eq!(words(&one("services: {a: {image: x, command: [], entrypoint: a b}}")), ["a", "b"]);
    assert_eq!(words(&one("services: {a: {image: x, command: c, entrypoint: [a b]}}")), ["a b", "c"]);
}

#[test]
fn what_waits_for_an_end_makes_a_job_and_what_stays_does_not() {
    let text = "services:
  web: {image: x, depends_on: {job: {condition: service_completed_successfully}, db: {condition: service_healthy}}}
  job: {image: x}
  db: {image: postgres, restart: 'no'}
  once: {image: x, restart: no}
  dev: {image: x, restart: 'no', ports: ['80:80']}
  loop: {image: x, restart: always}
";
    let jobs: Vec<_> = workloads(&[("c.yaml", text)])
        .into_iter()
        .filter(|workload| workload.life == Life::Job { with_rollout: true })
        .map(|workload| workload.name)
        .collect();
    assert_eq!(jobs, ["job", "once"]);
}

#[test]
fn a_hook_before_the_start_is_an_init_container_with_the_services_environment() {
    let text = "services:
  web:
    image: x
    environment: {A: 1, B: 1}
    pre_start:
      - {command: ./migrate --all, environment: [B=2]}
";
    let web = workloads(&[("c.yaml", text)]).remove(0);
    let [hook, main] = web.containers.as_slice() else { panic!("{web:?}") };
    assert_eq!((words(hook), hook.stage), (vec!["./migrate", "--all"], connwarden_plan::Stage::Init));
    assert_eq!((variable(hook, "A"), variable(hook, "B")), (Some("1"), Some("2")));
    assert_eq!(variable(main, "B"), Some("1"));
}

#[test]
fn a_variable_in_a_list_is_text_even_if_it_is_a_number() {
    let text = "services: {a: {image: x, command: [run, -w, '${N:-4}', \"5\", v1, 1.2.3]}}";
    assert_eq!(words(&one(text)), ["run", "-w", "4", "5", "v1", "1.2.3"]);
    let plain = "services: {a: {image: x, command: [run, -w, $N]}}";
    assert_eq!(words(&workloads(&[("c.yaml", plain), (".env", "N=4")])[0].containers[0]), ["run", "-w", "4"]);
}

#[test]
fn the_environment_around_wins_over_dotenv_and_a_later_env_file_over_an_earlier() {
    let files = [
        ("c.yaml", "services: {a: {image: x, env_file: [1.env, 2.env, 1.env], environment: {Z: $A}}}"),
        (".env", "A=dotenv\n"),
        ("1.env", "X=1\nB=$A\n"),
        ("2.env", "X=2\nA=file\nC=$X\n"),
    ];
    let app = workloads(&files).remove(0).containers.remove(0);
    assert_eq!(variable(&app, "X"), Some("2"));
    assert_eq!(variable(&app, "Z"), Some("dotenv"));
    assert_eq!(variable(&app, "B"), Some("dotenv"));
    assert_eq!(variable(&app, "A"), Some("file"));
    assert_eq!(variable(&app, "C"), Some("2"));
}

#[test]
fn paths_start_from_the_folder_of_the_file_that_is_extended() {
    let files = [
        ("c.yaml", "services: {a: {extends: {file: d/e/b.yaml, service: b}, env_file: x.env}}"),
        (
            "d/e/b.yaml",
            "services: {b: {image: x, env_file: ../x.env, extends: {file: ../t.yaml, service: t}}}",
        ),
        ("d/t.yaml", "services: {t: {volumes: ['./i:/i']}}"),
        ("x.env", "OUTER=1"),
        ("d/x.env", "INNER=1"),
        ("d/i", "text"),
    ];
    let app = workloads(&files).remove(0).containers.remove(0);
    assert_eq!((variable(&app, "OUTER"), variable(&app, "INNER")), (Some("1"), Some("1")));
    assert_eq!(&*app.files["/i"].place.file, "d/i");
}

#[test]
fn a_tag_takes_away_what_an_earlier_document_says() {
    let text = "services:
  a: &a
    image: x
    command: [one]
    environment: {A: 1, B: 2}
    deploy: {replicas: 3}
---
services:
  a:
    command: !reset
    environment: &e !override
      B: 3
    deploy: {\"replicas\": !reset null}
";
    let app = workloads(&[("c.yaml", text)]).remove(0);
    let container = &app.containers[0];
    assert_eq!(words(container), [""; 0]);
    assert_eq!(container.environment.keys().collect::<Vec<_>>(), ["B"]);
    assert_eq!(variable(container, "B"), Some("3"));
    assert!(app.replicas.usual.assumption().is_some());
}

#[test]
fn an_empty_command_over_another_takes_it_away_and_other_empty_keys_do_not() {
    let text = "services: {a: {image: x, command: [one], environment: {A: 1}}}
---
services: {a: {command: , environment: , image: }}
";
    let app = one(text);
    assert_eq!((words(&app), app.image.as_ref().map(|image| image.text.as_str())), (vec![], Some("x")));
    assert_eq!(variable(&app, "A"), Some("1"));
}

#[test]
fn a_list_and_a_map_of_one_setting_meet_where_compose_lets_them() {
    let text = "services:
  a:
    image: x
    build: .
    environment: [A=1]
    env_file: 1.env
    networks: [n]
    labels: [l=1]
    depends_on: [b]
    dns: 1.1.1.1
    ulimits: {nofile: 5}
  b: {image: y}
---
services:
  a:
    build: {target: t}
    environment: {A: 2}
    env_file: [2.env]
    networks: {n: {aliases: [z]}}
    labels: {l: 2}
    depends_on: {b: {condition: service_completed_successfully}}
    dns: [8.8.8.8]
    ulimits: {nofile: {soft: 1, hard: 2}}
";
    let all = workloads(&[("c.yaml", text), ("1.env", "X=1"), ("2.env", "Y=1")]);
    let app = &all[0].containers[0];
    assert_eq!(app.environment.keys().collect::<Vec<_>>(), ["A", "X", "Y"]);
    assert_eq!(variable(app, "A"), Some("2"));
    assert_eq!(all[1].life, Life::Job { with_rollout: true });
}

#[test]
fn a_list_over_a_map_is_refused_where_compose_refuses_it() {
    let text = "services: {a: {image: x, cap_add: [A]}}\n---\nservices: {a: {cap_add: {A: 1}}}\n";
    let found = read_files(&[("c.yaml", text)]);
    assert!(found.findings.iter().any(|f| f.rule.id == "COMPOSE108" && f.place.as_ref().unwrap().line == 3));
}

#[test]
fn a_binary_file_is_not_put_into_a_container() {
    let files = [
        (
            "c.yaml",
            "services: {a: {image: x, volumes: ['./b:/b', './t:/t', 'v:/v', '/var/run/docker.sock:/s']}}",
        ),
        ("b", "a\0b"),
        ("t", "text"),
    ];
    let app = workloads(&files).remove(0).containers.remove(0);
    assert_eq!(app.files.keys().collect::<Vec<_>>(), ["/t"]);
}
