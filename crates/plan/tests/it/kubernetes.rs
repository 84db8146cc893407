//! Manifests in the style of real projects, and what is read from them, as committed text. `UPDATE=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use connwarden_plan::read::kubernetes::read;
use connwarden_plan::read::{Found, World};
use connwarden_plan::{Container, Level, Life, Number, Origin, Overlap, Place, Share, Stage, Text, Workload};
use proptest::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/kubernetes")
}

fn found(files: &[(&str, &str)]) -> Found {
    let held: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let paths: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    read(&paths, &World { files: &held, environment: &|_| None, profiles: &[] })
}

/// A listing of everything that was found.
struct Listing(String);

impl Listing {
    fn of(found: &Found) -> String {
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
fn exact(place: &Place) -> String {
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

fn manifests() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    all.sort();
    all
}

#[test]
fn manifests_of_real_projects_are_read_to_the_letter() {
    let all = manifests();
    assert!(all.len() >= 16, "{} files", all.len());
    let mut wrong = Vec::new();
    for path in all {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let listing = Listing::of(&found(&[(&name, &std::fs::read_to_string(&path).unwrap())]));
        let committed = path.with_extension("expected");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&committed, &listing).unwrap();
        } else if std::fs::read_to_string(&committed).ok().as_deref() != Some(&listing) {
            wrong.push(format!("{name} now reads as\n{listing}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE=1 commits it", wrong.join("\n"));
}

/// What each wrong file is told: place, rule and sentence, and the fix.
const WRONG: &[(&str, &str, &[(&str, &str)])] = &[
    (
        "types.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: \"three\"
  strategy:
    rollingUpdate: {maxSurge: abc, maxUnavailable: \"1\"}
  template:
    spec:
      terminationGracePeriodSeconds: -1
      containers:
        api:
          image: api:1
",
        &[
            (
                "types.yaml:5:13 KUBE001 replicas is \"three\", not a whole number from 0 to 2147483647",
                "write replicas: and a number",
            ),
            (
                "types.yaml:7:31 KUBE001 maxSurge is \"abc\", neither a whole number nor a percentage",
                "write maxSurge: 1 or maxSurge: 25%",
            ),
            (
                "types.yaml:7:52 KUBE001 maxUnavailable is text in quotes; Kubernetes takes only a number there",
                "write maxUnavailable: 1",
            ),
            (
                "types.yaml:10:38 KUBE001 terminationGracePeriodSeconds is \"-1\", not a whole number from 0 to 2147483647",
                "write terminationGracePeriodSeconds: and a number",
            ),
            (
                "types.yaml:12:9 KUBE001 containers is a map here, not a list",
                "begin each item below containers: with \"- \"",
            ),
        ],
    ),
    (
        "environment.yaml",
        "apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  POOL: 5
---
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {DB_MAX_CONNS: s3cr3t!}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: api
          image: api:1
          env:
            - {name: A, value: 5}
            - {name: B, value: yes}
            - {value: x}
            - {name: C, valueFrom: {configMapKeyRef: {name: c, key: pool}}}
            - {name: D, valueFrom: {configMapKeyRef: {name: c, key: other, optional: true}}}
            - {name: E, valueFrom: {secretKeyRef: {name: s, key: password}}}
            - X=1
          envFrom: {configMapRef: {name: c}}
          args: [serve, 8080]
",
        &[
            (
                "environment.yaml:5:9 KUBE001 POOL is a number or a switch to YAML; Kubernetes takes only text there",
                "put it in quotes",
            ),
            (
                "environment.yaml:10:22 KUBE001 the value of DB_MAX_CONNS is not base64, as a Secret's data must be",
                "encode it, or put it in plain text below stringData:",
            ),
            (
                "environment.yaml:23:32 KUBE001 this variable's value is a number or a switch to YAML; Kubernetes takes only text there",
                "put it in quotes",
            ),
            (
                "environment.yaml:24:32 KUBE001 this variable's value is a number or a switch to YAML; Kubernetes takes only text there",
                "put it in quotes",
            ),
            (
                "environment.yaml:25:15 KUBE001 a variable has no name here",
                "write - name: and value: below it",
            ),
            (
                "environment.yaml:26:69 KUBE005 ConfigMap c has no key pool: the pod would not start",
                "write key: POOL",
            ),
            (
                "environment.yaml:28:66 KUBE005 Secret s has no key password: the pod would not start",
                "add the key to the Secret, or write optional: true",
            ),
            (
                "environment.yaml:29:15 KUBE001 an item of env is a word here, not a map",
                "write its fields as field: value",
            ),
            (
                "environment.yaml:30:20 KUBE001 envFrom is a map here, not a list",
                "begin each item below envFrom: with \"- \"",
            ),
            (
                "environment.yaml:31:25 KUBE001 an item of args is a number or a switch to YAML; Kubernetes takes only text there",
                "put it in quotes",
            ),
        ],
    ),
    (
        "scaling.yaml",
        "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: lost}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: nobody}
  minReplicas: 1
  maxReplicas: 2
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: crossed}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 5
  maxReplicas: 3
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: second}
spec:
  scaleTargetRef: {name: api}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: empty}
spec: {minReplicas: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec: {containers: [{name: api}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: elsewhere, namespace: red}
spec:
  scaleTargetRef: {kind: Deployment, name: blue}
  maxReplicas: 3
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: blue, namespace: blue}
spec:
  template:
    spec: {containers: [{name: blue}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: unknown}
spec:
  scaleTargetRef: {apiVersion: example.com/v1, kind: Engine, name: e}
  maxReplicas: 3
",
        &[
            (
                "scaling.yaml:5:65 KUBE005 HorizontalPodAutoscaler lost refers to Deployment nobody, which is not in these files",
                "correct the name, or give the file that holds Deployment nobody as well",
            ),
            (
                "scaling.yaml:15:16 KUBE001 maxReplicas is 3, below minReplicas, which is 5",
                "write maxReplicas: 5 or more, or a lower minReplicas",
            ),
            (
                "scaling.yaml:17:1 KUBE004 ScaledObject second scales what the autoscaler in scaling.yaml:9 scales already: they would fight",
                "keep one of the two",
            ),
            (
                "scaling.yaml:26:7 KUBE001 HorizontalPodAutoscaler empty has no maxReplicas",
                "write maxReplicas:",
            ),
            (
                "scaling.yaml:26:7 KUBE001 HorizontalPodAutoscaler empty has no scaleTargetRef",
                "write scaleTargetRef: with kind: and name: below it",
            ),
            (
                "scaling.yaml:39:44 KUBE005 HorizontalPodAutoscaler red/elsewhere refers to Deployment blue, which is not in these files",
                "Deployment blue/blue is in another namespace; give both the same",
            ),
        ],
    ),
    (
        "objects.yaml",
        "apiVersion: apps/v1
kind: deployment
metadata: {name: api}
---
kind: Pod
metadata: {labels: {a: b}}
spec: {containers: []}
---
- a list
---
just a word
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  containers:
    - image: x
---
kind: [Pod]
---
apiVersion: batch/v1
kind: Job
metadata: {name: j}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec: {suspend: \"no\", concurrencyPolicy: Never}
---
kind: List
items: 3
",
        &[
            (
                "objects.yaml:2:7 KUBE001 the API group \"apps\" has no kind \"deployment\"",
                "write kind: Deployment",
            ),
            (
                "objects.yaml:5:1 KUBE001 this Pod has no apiVersion",
                "write apiVersion: above kind:, as the kind's documentation has it",
            ),
            ("objects.yaml:5:1 KUBE001 this Pod has no name", "write metadata: with name: below it"),
            (
                "objects.yaml:9:1 KUBE001 this is a list, not a Kubernetes object",
                "a manifest is a map with apiVersion, kind and metadata",
            ),
            (
                "objects.yaml:11:1 KUBE001 this is a word, not a Kubernetes object",
                "a manifest is a map with apiVersion, kind and metadata",
            ),
            (
                "objects.yaml:18:1 KUBE004 Pod one stands here a second time, after objects.yaml:13: this one counts",
                "keep one of the two, or give them names or namespaces of their own",
            ),
            ("objects.yaml:23:7 KUBE001 this container has no name", "write name: in it"),
            ("objects.yaml:25:7 KUBE001 kind is a list here, not a word", "write one word behind kind:"),
            ("objects.yaml:27:1 KUBE001 Job j has no spec", "write spec: and its fields"),
            (
                "objects.yaml:34:7 KUBE001 CronJob c has no job: jobTemplate.spec is missing",
                "write jobTemplate: with spec: below it",
            ),
            (
                "objects.yaml:34:17 KUBE001 suspend is neither true nor false",
                "write suspend: true or suspend: false, without quotes",
            ),
            (
                "objects.yaml:34:42 KUBE001 concurrencyPolicy is none of Allow, Forbid and Replace",
                "write concurrencyPolicy: Forbid to keep runs apart",
            ),
            (
                "objects.yaml:37:8 KUBE001 items is a word here, not a list",
                "begin each item below items: with \"- \"",
            ),
        ],
    ),
    (
        "spelling.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namspace: shop}
spec:
  replica: 3
  minReadySeconds: 5
  strategy: {rollingUpdate: {maxsurge: 1}}
  template:
    spec:
      container: []
      containers:
        - name: api
          envfrom: []
          imagePullPolicy: Always
          enviroment: []
          resources: {limit: {cpu: 1}, limits: {memory: 512m, cpu: 1x}}
          volumeMount: []
",
        &[
            (
                "spelling.yaml:3:23 KUBE003 \"namspace\" is no field here; \"namespace\" is",
                "write namespace:",
            ),
            ("spelling.yaml:5:3 KUBE003 \"replica\" is no field here; \"replicas\" is", "write replicas:"),
            ("spelling.yaml:7:30 KUBE003 \"maxsurge\" is no field here; \"maxSurge\" is", "write maxSurge:"),
            (
                "spelling.yaml:10:7 KUBE003 \"container\" is no field here; \"containers\" is",
                "write containers:",
            ),
            ("spelling.yaml:13:11 KUBE003 \"envfrom\" is no field here; \"envFrom\" is", "write envFrom:"),
            ("spelling.yaml:16:23 KUBE003 \"limit\" is no field here; \"limits\" is", "write limits:"),
            ("spelling.yaml:16:57 KUBE007 memory: 512m is thousandths of a byte", "write memory: 512Mi"),
            (
                "spelling.yaml:16:68 KUBE001 cpu is no quantity of Kubernetes here",
                "write cpu: 500m, or cpu: 0.5",
            ),
            (
                "spelling.yaml:17:11 KUBE003 \"volumeMount\" is no field here; \"volumeMounts\" is",
                "write volumeMounts:",
            ),
        ],
    ),
    (
        "strategies.yaml",
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}
  template: {spec: {containers: [{name: a}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec:
  strategy: {type: Rolling, rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}
  template: {spec: {containers: [{name: b}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: c}
spec:
  strategy: {rollingUpdate: {maxUnavailable: 150%}}
  template: {metadata: {labels: {a: b}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: d}
spec:
  updateStrategy: {rollingUpdate: {maxSurge: 1}}
  template: {spec: {containers: [{name: d}]}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: e}
spec:
  workloadRef: {kind: Deployment, name: nobody}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: f}
spec:
  strategy: {canary: {}, blueGreen: {activeService: f}}
  template: {spec: {containers: [{name: f}]}}
",
        &[
            (
                "strategies.yaml:5:45 KUBE001 rollingUpdate stands beside type: Recreate, which knows none",
                "remove rollingUpdate:, or write type: RollingUpdate",
            ),
            (
                "strategies.yaml:12:20 KUBE001 this strategy's type is neither RollingUpdate nor Recreate",
                "write type: RollingUpdate or type: Recreate",
            ),
            (
                "strategies.yaml:12:44 KUBE001 maxSurge and maxUnavailable are both 0: no pod could ever be replaced",
                "write maxSurge: 1, or maxUnavailable: 1",
            ),
            (
                "strategies.yaml:20:13 KUBE001 Deployment c has no pod: template.spec is missing",
                "write template: with spec: and containers: below it",
            ),
            (
                "strategies.yaml:26:35 KUBE001 a DaemonSet with a maxSurge must have a maxUnavailable of 0 (it is 1 unless written)",
                "write maxUnavailable: 0 below maxSurge:",
            ),
            (
                "strategies.yaml:33:41 KUBE005 Rollout e refers to Deployment nobody, which is not in these files",
                "correct the name, or give the file that holds Deployment nobody as well",
            ),
            (
                "strategies.yaml:39:13 KUBE001 Rollout f needs one strategy: canary or blueGreen",
                "write strategy: with canary: {} or blueGreen: below it, not both",
            ),
        ],
    ),
    (
        "deploy/base/kustomization.yaml",
        "resources: [deployment.yaml]\n",
        &[(
            "deploy/base/kustomization.yaml:1:1 KUBE002 this is a kustomization: it says how manifests are made, and is none",
            "render it and give the result: kubectl kustomize deploy/base > rendered.yaml",
        )],
    ),
    (
        "any.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
        &[(
            "any.yaml:1:1 KUBE002 this is a kustomization: it says how manifests are made, and is none",
            "render it and give the result: kubectl kustomize . > rendered.yaml",
        )],
    ),
    (
        "chart/values-production.yaml",
        "replicaCount: 3\nimage: {tag: 1.2.3}\n",
        &[(
            "chart/values-production.yaml:1:1 KUBE002 these are values for a Helm chart, and no manifest",
            "render the chart with them and give the result: helm template chart -f chart/values-production.yaml > rendered.yaml",
        )],
    ),
    (
        "chart/Chart.yaml",
        "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        &[(
            "chart/Chart.yaml:1:1 KUBE002 this describes a Helm chart, and is no manifest",
            "render the chart and give the result: helm template chart > rendered.yaml",
        )],
    ),
    (
        "docker-compose.yaml",
        "services:\n  api: {image: api}\n",
        &[(
            "docker-compose.yaml:1:1 KUBE002 this looks like a compose file, and is no manifest",
            "give it as a compose file",
        )],
    ),
    (
        "templates/deployment.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n",
        &[(
            "templates/deployment.yaml:4:9 YAML002 this is a Helm template, not yet a manifest",
            "render it and give the result: helm template . > rendered.yaml",
        )],
    ),
    (
        "poolers.yaml",
        "apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: p}
spec:
  pgbouncer: {poolMode: transaction, parameters: {default_pool_size: 20}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: c}
spec:
  instance: 3
  postgresql: {parameters: [max_connections]}
",
        &[
            ("poolers.yaml:5:3 KUBE001 Pooler p has no cluster", "write cluster: with name: below it"),
            (
                "poolers.yaml:5:70 KUBE001 default_pool_size is a number or a switch to YAML; Kubernetes takes only text there",
                "put it in quotes",
            ),
            ("poolers.yaml:11:3 KUBE003 \"instance\" is no field here; \"instances\" is", "write instances:"),
            (
                "poolers.yaml:12:28 KUBE001 parameters is a list here, not a map",
                "put its fields on lines of their own below parameters:, each as field: value",
            ),
        ],
    ),
];

#[test]
fn all_mistakes_of_a_file_are_reported_each_with_its_place_and_a_fix() {
    for (path, manifest, wanted) in WRONG {
        let told: Vec<(String, String)> = found(&[(path, manifest)])
            .findings
            .into_iter()
            .filter(|finding| finding.level != Level::Note)
            .map(|finding| {
                let place = finding.place.unwrap();
                let what =
                    format!("{}:{} {} {}", place.file, exact(&place), finding.rule.id, finding.message);
                (what, finding.fix.into_owned())
            })
            .collect();
        let wanted: Vec<(String, String)> =
            wanted.iter().map(|(what, fix)| ((*what).to_owned(), (*fix).to_owned())).collect();
        assert_eq!(told, wanted, "{path}:\n{told:#?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_the_others_are_read() {
    let held: BTreeMap<String, String> = [(
        "pod.yaml".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: p}]}\n".to_owned(),
    )]
    .into();
    let world = World { files: &held, environment: &|_| None, profiles: &[] };
    let found = read(&["gone.yaml", "pod.yaml"], &world);
    assert_eq!(found.deployed.workloads.len(), 1);
    assert_eq!(found.findings.len(), 1);
    assert_eq!(found.findings[0].message, "this file cannot be read: no such file");
    assert_eq!(found.findings[0].level, Level::Error);
}

#[test]
fn objects_of_several_files_are_joined_and_later_ones_win() {
    let deployment = |replicas: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  replicas: {replicas}\n  template:\n    \
             spec: {{containers: [{{name: api, envFrom: [{{configMapRef: {{name: api}}}}]}}]}}\n"
        )
    };
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api}\nspec:\n  \
                  scaleTargetRef: {kind: Deployment, name: api}\n  minReplicas: 1\n  maxReplicas: 9\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\ndata: {POOL: '3'}\n";
    let found = found(&[
        ("scaler.yaml", scaler),
        ("base.yaml", &deployment(2)),
        ("map.yaml", map),
        ("overlay.yaml", &deployment(4)),
    ]);
    let [workload] = &found.deployed.workloads[..] else { panic!("{:?}", found.deployed) };
    assert_eq!((workload.replicas.usual.value, workload.replicas.most.value), (4, 9));
    assert_eq!(&*workload.place.file, "overlay.yaml");
    assert_eq!(workload.containers[0].environment["POOL"].value.as_deref(), Some("3"));
    let [twice] = &found.findings[..] else { panic!("{:?}", found.findings) };
    assert_eq!(twice.place.as_ref().unwrap().to_string(), "overlay.yaml:1");
    assert!(twice.message.contains("after base.yaml:1"));
}

#[test]
fn no_password_of_a_secret_is_told_by_what_is_read_or_found() {
    for path in manifests() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let told = format!("{:?}", found(&[(&name, &std::fs::read_to_string(&path).unwrap())]));
        for password in ["correct-horse", "not-to-be-told", "hunter2", "s3cr3t", "cGFzc3dvcmQ", "aHVudGVyMg"]
        {
            assert!(!told.contains(password), "{name} tells {password}");
        }
    }
    let (path, manifest, _) = WRONG.iter().find(|(path, _, _)| *path == "environment.yaml").unwrap();
    assert!(!format!("{:?}", found(&[(path, manifest)])).contains("s3cr3t"));
}

#[test]
fn many_containers_that_take_one_large_config_map_end_in_an_error() {
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{BLOB: {}}}\n",
        "x".repeat(1 << 20)
    );
    for pod in 0..500 {
        text += &format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{pod}}}\nspec: {{containers: [{{name: p, envFrom: \
             [{{configMapRef: {{name: big}}}}]}}]}}\n"
        );
    }
    let found = found(&[("big.yaml", &text)]);
    let errors: Vec<_> = found.findings.iter().filter(|finding| finding.level == Level::Error).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].message.contains("beyond 64 MiB"));
    let held: usize = found
        .deployed
        .workloads
        .iter()
        .flat_map(|workload| &workload.containers)
        .flat_map(|container| container.environment.values())
        .filter_map(|variable| variable.value.as_ref().map(String::len))
        .sum();
    assert!(held <= 64 << 20, "{held}");
}

fn all_manifests() -> Vec<String> {
    manifests().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// What a slip of the editor, or malice, makes of a line.
fn broken(line: &str, how: u8) -> String {
    let indent = &line[..line.len() - line.trim_start().len()];
    let key = line.split(':').next().unwrap_or("");
    match how {
        0 => String::new(),
        1 => format!("{line}\n{line}"),
        2 => format!("{key}: []"),
        3 => format!("{key}: {{}}"),
        4 => format!("{key}: -1"),
        5 => format!("{key}: \"99999999999999999999%\""),
        6 => format!("{key}:"),
        7 => format!("  {line}"),
        8 => line.trim_start().to_owned(),
        9 => format!("{indent}- {}", line.trim_start()),
        10 => line.replace(['"', '{', '['], ""),
        11 => format!("{key}: \"$($($$(é\""),
        12 => line.chars().rev().collect(),
        13 => format!("{indent}? {}", line.trim_start()),
        14 => format!("{key}: [{{a: [{{b: 1}}]}}, null, 5]"),
        _ => format!("{line}é\u{0}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_manifest_mutated_anyhow_never_panics(
        which in any::<prop::sample::Index>(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..16), 1..6),
    ) {
        let all = all_manifests();
        let mut lines: Vec<String> = which.get(&all).lines().map(str::to_owned).collect();
        for (at, how) in slips {
            let at = at.index(lines.len());
            lines[at] = broken(&lines[at], how);
        }
        let found = found(&[("f.yaml", &lines.join("\n"))]);
        for workload in &found.deployed.workloads {
            prop_assert!(workload.replicas.usual.value <= workload.replicas.most.value);
        }
        for finding in &found.findings {
            prop_assert!(finding.place.is_some() && !finding.fix.is_empty());
        }
    }

    /// What remains YAML after a slip exercises the reader itself: any value in the place of any other.
    #[test]
    fn any_value_in_the_place_of_any_other_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["~", "[]", "{}", "x", "-1", "1e9", "true", "[[[]]]", "{a: {b: c}}", "\"é\"", "%", "5%"]),
    ) {
        let all = all_manifests();
        let text = which.get(&all);
        let colons: Vec<usize> = text.match_indices(": ").map(|(at, _)| at).collect();
        let begin = *at.get(&colons) + 2;
        let end = text[begin..].find(['\n', ',', '}', ']']).map_or(text.len(), |end| begin + end);
        let changed = format!("{}{value}{}", &text[..begin], &text[end..]);
        let found = found(&[("f.yaml", &changed)]);
        for workload in &found.deployed.workloads {
            prop_assert!(workload.replicas.usual.value <= workload.replicas.most.value);
        }
    }
}
