//! Files with mistakes in them.

/// Place, rule and sentence; and the fix.
pub(super) type Told = (&'static str, &'static str);

/// Each file's name, its text, and all that is told of it.
pub(super) const WRONG: &[(&str, &str, &[Told])] = &[
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
