//! Files with mistakes: each is told with its place and a fix, and all at once.

use std::collections::BTreeMap;

use connwarden_plan::read::{self, Found, World};
use connwarden_plan::{Level, Place};

pub(super) fn read_files(files: &[(&str, &str)]) -> Found {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    read::compose::read(&["c.yaml"], &World { files: &files, environment: &|_| None, profiles: &[] })
}

/// Reads `c.yaml` and these files beside it. `expected`: a line for each finding, `PLACE RULE BEGINNING`.
#[track_caller]
fn told(text: &str, beside: &[(&str, &str)], expected: &[&str]) -> Found {
    let mut files = vec![("c.yaml", text)];
    files.extend(beside);
    let found = read_files(&files);
    let place = |place: &Option<Place>| {
        let place = place.as_ref().unwrap();
        format!("{}:{}:{}", place.file, place.line, place.column)
    };
    let lines: Vec<_> =
        found.findings.iter().map(|f| format!("{} {} {}", place(&f.place), f.rule.id, f.message)).collect();
    let all =
        lines.len() == expected.len() && lines.iter().zip(expected).all(|(line, e)| line.starts_with(e));
    assert!(all, "expected\n{}\nbut found\n{}", expected.join("\n"), lines.join("\n"));
    assert!(found.findings.iter().all(|finding| finding.fix.len() > 3), "{:#?}", found.findings);
    found
}

#[test]
fn circles_are_told_with_their_way() {
    told(
        "services:\n  a: {image: x, extends: b}\n  b: {extends: {service: a}}\n",
        &[],
        &["c.yaml:3:26 COMPOSE105 services extend each other in a circle: a -> b -> a"],
    );
    told(
        "services:\n  a:\n    extends: {file: d.yaml, service: b}\n",
        &[("d.yaml", "services:\n  b:\n    extends: {file: c.yaml, service: a}\n")],
        &[
            "d.yaml:3:38 COMPOSE105 services extend each other in a circle: a (c.yaml) -> b (d.yaml) -> a (c.yaml)",
        ],
    );
    told(
        "include: [d/c.yaml]\nservices: {a: {image: x}}\n",
        &[("d/c.yaml", "include:\n  - ../c.yaml\n")],
        &["d/c.yaml:2:5 COMPOSE105 files include each other in a circle: c.yaml -> d/c.yaml -> c.yaml"],
    );
    told(
        "include: [c.yaml]\nservices: {a: {image: x}}\n",
        &[],
        &["c.yaml:1:11 COMPOSE105 files include each other in a circle: c.yaml -> c.yaml"],
    );
}

#[test]
fn names_nobody_has_are_told_where_they_are_named() {
    let text = "services:
  web:
    image: x
    extends: wbe
    depends_on: [wob, debugger]
    configs: [nothing]
    secrets: [{source: none}]
    env_file: [a.env, {path: b.env, required: true}]
  debugger:
    image: y
    profiles: [debug]
";
    told(
        text,
        &[],
        &[
            "c.yaml:4:14 COMPOSE106 c.yaml has no service \"wbe\" to extend",
            "c.yaml:5:18 COMPOSE106 web depends on \"wob\", which is no service",
            "c.yaml:5:23 COMPOSE106 web depends on debugger, and no profile of it is on",
            "c.yaml:8:16 COMPOSE104 a.env could not be read: no such file",
            "c.yaml:8:30 COMPOSE104 b.env could not be read: no such file",
            "c.yaml:6:15 COMPOSE106 no config \"nothing\" is defined",
            "c.yaml:7:24 COMPOSE106 no secret \"none\" is defined",
        ],
    );
    told(
        "include: [no.yaml, 'https://example.org/x.git']\nservices:\n  a:\n    extends: {file: d/no.yaml, service: b}\n",
        &[],
        &[
            "c.yaml:1:11 COMPOSE104 no.yaml could not be read: no such file",
            "c.yaml:1:20 COMPOSE104 this file lies on another machine",
            "c.yaml:4:21 COMPOSE104 d/no.yaml could not be read: no such file",
        ],
    );
    assert_eq!(read_files(&[]).findings[0].rule.id, "COMPOSE104");
}

#[test]
fn values_of_a_wrong_kind_are_told_all_at_once() {
    let text = "services:
  web:
    image: [x]
    command: {run: x}
    entrypoint: [a, 5, true]
    environment: 5
    scale: many
    mem_limit: lots
    cpus: two
    init: maybe
    deploy:
      replicas: -1
      update_config: {parallelism: 1.5, order: first}
      resources: {limits: {memory: 5q}}
    depends_on: {db: {condition: service_ready}}
    volumes: [{type: bound, source: ., target: /x}]
    ports: 80
    healthcheck: {retries: three}
    profiles: debug
  db:
  ca$he: {image: x, environment: [{A: 1}, ~]}
";
    told(
        text,
        &[],
        &[
            "c.yaml:3:12 COMPOSE103 image is a list, where a word is needed",
            "c.yaml:4:14 COMPOSE103 command is a map, where a word or a list is needed",
            "c.yaml:5:21 COMPOSE103 an item of entrypoint is a number or a switch",
            "c.yaml:5:24 COMPOSE103 an item of entrypoint is a number or a switch",
            "c.yaml:6:18 COMPOSE103 environment is a word, where a map or a list of NAME=value is needed",
            "c.yaml:7:12 COMPOSE103 scale is not a whole number from 0 to 4294967295",
            "c.yaml:8:16 COMPOSE103 mem_limit is not a size of memory",
            "c.yaml:9:11 COMPOSE103 cpus is not a number of processors",
            "c.yaml:10:11 COMPOSE103 init is not true or false",
            "c.yaml:12:17 COMPOSE103 replicas is not a whole number",
            "c.yaml:13:36 COMPOSE103 parallelism is not a whole number",
            "c.yaml:13:48 COMPOSE103 order is not one of start-first, stop-first",
            "c.yaml:14:36 COMPOSE103 memory is not a size of memory",
            "c.yaml:15:34 COMPOSE103 condition is not one of service_started",
            "c.yaml:16:22 COMPOSE103 type is not one of bind, volume",
            "c.yaml:17:12 COMPOSE103 ports is a word, where a list is needed",
            "c.yaml:18:28 COMPOSE103 retries is not a whole number",
            "c.yaml:19:15 COMPOSE103 profiles is a word, where a list is needed",
            "c.yaml:20:3 COMPOSE103 nothing stands under the service \"db\"",
            "c.yaml:21:35 COMPOSE103 an item of environment is a map, where NAME=value is needed",
            "c.yaml:21:43 COMPOSE103 environment holds an empty item",
            "c.yaml:21:3 COMPOSE103 \"ca$he\" is no name for a service",
        ],
    );
}

#[test]
fn a_file_of_another_form_is_told() {
    told(
        "services: [web, db]\n",
        &[],
        &[
            "c.yaml:1:11 COMPOSE103 services is a list, where a map is needed",
            "c.yaml:1:1 COMPOSE109 no service",
        ],
    );
    told(
        "- services\n",
        &[],
        &[
            "c.yaml:1:1 COMPOSE103 the file is a list, where a map is needed",
            "c.yaml:1:1 COMPOSE109 no service",
        ],
    );
    told(
        "web: {image: x}\n",
        &[],
        &[
            "c.yaml:1:1 COMPOSE102 compose knows no key \"web\" in the file",
            "c.yaml:1:1 COMPOSE109 no service",
        ],
    );
    told("a: 1\na: 2\n", &[], &["c.yaml:2:1 YAML001 the key \"a\" stands here a second time"]);
    told(
        "services:\n  web:\n    image: {{ .Values.image }}\n",
        &[],
        &["c.yaml:3:12 YAML002 this is a Helm template"],
    );
    told("# nothing yet\n", &[], &["c.yaml:0:0 COMPOSE109 nothing stands in these files"]);
}

#[test]
fn unknown_keys_are_told_with_the_one_that_is_meant() {
    let text = "sevices: {}
x-mine: {}
services:
  web:
    image: x
    x-own: 1
    enviroment: {A: b}
    env: {A: b}
    replicas: 3
    colour: red
    deploy: {replica: 2, resources: {limit: {memory: 1g}}}
    build: {contxt: .}
";
    let found = told(
        text,
        &[],
        &[
            "c.yaml:1:1 COMPOSE102 compose knows no key \"sevices\" in the file",
            "c.yaml:7:5 COMPOSE102 compose knows no key \"enviroment\" in web",
            "c.yaml:8:5 COMPOSE102 compose knows no key \"env\" in web",
            "c.yaml:9:5 COMPOSE102 compose knows no key \"replicas\" in web",
            "c.yaml:10:5 COMPOSE102 compose knows no key \"colour\" in web",
            "c.yaml:11:14 COMPOSE102 compose knows no key \"replica\" in deploy",
            "c.yaml:11:38 COMPOSE102 compose knows no key \"limit\" in resources",
            "c.yaml:12:13 COMPOSE102 compose knows no key \"contxt\" in build",
        ],
    );
    let meant = [
        "services",
        "environment",
        "environment",
        "deploy: replicas:",
        "take it out",
        "replicas",
        "limits",
        "context",
    ];
    for (finding, meant) in found.findings.iter().zip(meant) {
        assert_eq!(finding.level, Level::Warning);
        assert!(finding.fix.contains(meant), "{finding:?}");
    }
}

#[test]
fn variables_that_are_wrong_are_told_at_their_dollar() {
    let text = "services:
  web:
    image: \"x:${TAG\"
    environment:
      A: ${}
      B: a ${B:?set it}
      C: $C
      D: >
        one
        ${D.x}
    command: [a, '${E}']
    scale: ${N}
";
    let found = told(
        text,
        &[],
        &[
            "c.yaml:3:15 COMPOSE101 a ${ is never closed",
            "c.yaml:5:10 COMPOSE101 what stands in ${...} is no variable",
            "c.yaml:6:12 COMPOSE101 the variable B is not set, and the file insists on it: set it",
            "c.yaml:7:10 COMPOSE101 the variable C is not set",
            "c.yaml:10:9 COMPOSE101 what stands in ${...} is no variable",
            "c.yaml:11:19 COMPOSE101 the variable E is not set",
            "c.yaml:12:12 COMPOSE101 the variable N is not set",
            "c.yaml:12:12 COMPOSE103 scale is not a whole number",
        ],
    );
    let levels: Vec<_> = found.findings.iter().map(|finding| finding.level).collect();
    use Level::{Error, Warning};
    assert_eq!(levels, [Error, Error, Error, Warning, Error, Warning, Warning, Error]);
}

#[test]
fn settings_that_contradict_each_other_are_told() {
    let text = "services:
  web:
    image: x
    scale: 2
    container_name: web
    mem_limit: 1g
    cpus: 1
    deploy: {replicas: 3, resources: {limits: {memory: 2g, cpus: '1.0'}}}
    command: gunicorn 'app
  job: {image: x, command: a && b}
";
    told(
        text,
        &[],
        &[
            "c.yaml:4:12 COMPOSE108 scale is 2 and deploy.replicas is 3 for web",
            "c.yaml:5:21 COMPOSE108 web has 2 replicas and one container_name",
            "c.yaml:9:14 COMPOSE107 command holds a quote, a bracket or a backslash that is never closed",
            "c.yaml:6:16 COMPOSE108 mem_limit and deploy.resources.limits.memory say different things",
            "c.yaml:10:30 COMPOSE107 compose runs no shell here, and drops all of command from this '&' on",
        ],
    );
}

#[test]
fn a_wrong_env_file_is_told_in_its_own_lines() {
    let web = "services: {web: {image: x, env_file: w.env}}\n";
    told(
        web,
        &[("w.env", "A=1\nB C=2\nD='x\nE=$F\n"), (".env", "-- no\n")],
        &[
            ".env:1:1 ENVFILE001 a variable's name cannot hold a space",
            "w.env:2:1 ENVFILE001 a variable's name cannot hold a space",
            "w.env:3:3 ENVFILE001 this quote is never closed",
            "w.env:4:3 ENVFILE002 the variable F is not set",
        ],
    );
}

#[test]
fn a_password_never_stands_in_a_finding() {
    let secret = "hunter2";
    let text = "services:
  web:
    image: x
    environment: {PASSWORD: [hunter2], URL: 'a ${hunter2'}
    command: run 'hunter2
    env_file: w.env
    scale: hunter2
";
    let found = read_files(&[("c.yaml", text), ("w.env", "PASSWORD hunter2\nX=\"hunter2\nhunter2 !=3\n")]);
    assert!(found.findings.len() >= 6, "{:#?}", found.findings);
    for finding in &found.findings {
        assert!(!finding.message.contains(secret) && !finding.fix.contains(secret), "{finding:?}");
    }
}

#[test]
fn what_is_too_large_is_refused_where_it_is_named() {
    let long = "#".repeat(5 * 1024 * 1024);
    told(&long, &[], &["c.yaml:0:0 COMPOSE104 c.yaml could not be read: it is longer than 4 MiB"]);
    told(
        "services: {a: {image: x, env_file: a.env, extends: {file: b.yaml, service: a}}}\n",
        &[("a.env", &long), ("b.yaml", &long)],
        &[
            "c.yaml:1:59 COMPOSE104 b.yaml could not be read",
            "c.yaml:1:36 COMPOSE104 a.env could not be read",
        ],
    );
}

#[test]
fn bombs_do_not_go_off() {
    let mut aliases = String::from("x-0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..10 {
        aliases += &format!("x-{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(","));
    }
    let found = read_files(&[("c.yaml", &aliases)]);
    assert_eq!(found.findings[0].rule.id, "YAML001");

    let include = |i: usize| format!("include: [{{path: f{i}.yaml}}, {{path: [f{i}.yaml, f{i}.yaml]}}]\n");
    let names: Vec<String> = (0..40).map(|i| format!("f{i}.yaml")).collect();
    let texts: Vec<String> = (1..=40).map(include).collect();
    let first = format!("{}services: {{a: {{image: x}}}}\n", include(0));
    let mut files = vec![("c.yaml", first.as_str())];
    files.extend(names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)));
    let found = read_files(&files);
    assert!(found.findings.iter().any(|f| f.rule.id == "COMPOSE110"), "{:#?}", found.findings);

    let mut env = String::from("A0=xxxxxxxxxx\n");
    for i in 1..200 {
        env += &format!("A{i}=$A{0}$A{0}$A{0}\n", i - 1);
    }
    let mut text = String::from("services:\n");
    for i in 0..2_000 {
        text += &format!("  s{i}: {{image: \"$A199$A199\", env_file: .env, extends: big}}\n");
    }
    text += &format!("  big: {{labels: [{}]}}\n", vec!["x"; 5_000].join(","));
    let found = read_files(&[("c.yaml", &text), (".env", &env)]);
    assert!(found.findings.iter().any(|f| f.rule.id == "COMPOSE110"), "{:#?}", found.findings.last());
}

#[test]
fn a_long_chain_of_extensions_is_cut() {
    let mut text = String::from("services:\n  s0: {image: x}\n");
    for i in 1..3_000 {
        text += &format!("  s{i}: {{extends: s{}}}\n", i - 1);
    }
    let found = read_files(&[("c.yaml", &text)]);
    assert!(found.findings.iter().all(|f| f.rule.id == "COMPOSE105"));
    assert_eq!(found.deployed.workloads.len(), 3_000);
    assert_eq!(found.deployed.workloads[60].containers[0].image.as_ref().unwrap().text, "x");
}
