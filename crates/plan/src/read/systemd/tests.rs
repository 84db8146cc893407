use super::*;

fn read_all(path: &str, drop_ins: &[&str], files: &[(&str, &str)]) -> Found {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    read_with(path, drop_ins, &World { files: &files, environment: &|_| None, profiles: &[] })
}

fn one(unit: &str) -> (Workload, Vec<Finding>) {
    let mut found = read_all("api.service", &[], &[("api.service", unit)]);
    (found.deployed.workloads.remove(0), found.findings)
}

fn words(container: &Container) -> Vec<&str> {
    container.command.iter().map(|word| word.text.as_str()).collect()
}

const API: &str = "[Unit]
Description=api = of the shop

[Service]
Type=notify
Environment=WORKERS=4 \"DB_URL=postgres://db/shop?a=b c\"
Environment='EMPTY='
EnvironmentFile=-/etc/default/api
ExecStartPre=-/srv/api/manage.py migrate
ExecStart=@/srv/api/bin/gunicorn api-%i --workers ${WORKERS} \\
    # how many wait
    --name \"api \\\"$$1\\\"\" \\
    $EXTRA app:app
MemoryMax=1.5G
CPUQuota=150%
";

#[test]
fn a_unit_becomes_a_workload_with_its_words_and_their_places() {
    let extra = ("/etc/default/api", "WORKERS=8\nEXTRA=--threads 2\n");
    let found = read_all("deploy/api.service", &[], &[("deploy/api.service", API), extra]);
    assert_eq!(found.findings, []);
    let api = &found.deployed.workloads[0];
    assert_eq!((api.name.as_str(), api.place.line), ("api", 4));
    assert_eq!(api.life, Life::Service(Overlap::None));
    assert_eq!(api.replicas, Replicas::fixed(Number::implied(1)));
    let [before, main] = api.containers.as_slice() else { panic!("{:?}", api.containers) };
    assert_eq!((before.stage, words(before)), (Stage::Init, vec!["/srv/api/manage.py", "migrate"]));
    let expected =
        ["/srv/api/bin/gunicorn", "--workers", "8", "--name", "api \"$1\"", "--threads", "2", "app:app"];
    assert_eq!(words(main), expected);
    let places: Vec<_> = main.command.iter().map(|word| (word.place.line, word.place.column)).collect();
    assert_eq!(places[..4], [(10, 12), (10, 41), (10, 51), (12, 5)]);
    assert_eq!(places[7], (13, 12));
    assert_eq!(main.environment["WORKERS"].value.as_deref(), Some("8"));
    assert_eq!(&*main.environment["WORKERS"].place.file, "/etc/default/api");
    assert_eq!(main.environment["DB_URL"].value.as_deref(), Some("postgres://db/shop?a=b c"));
    assert_eq!(main.environment["EMPTY"].value.as_deref(), Some(""));
    assert_eq!(main.memory_bytes_max.as_ref().map(|(bytes, _)| *bytes), Some(1_610_612_736));
    assert_eq!(main.cpu_millis_max.as_ref().map(|millis| millis.value), Some(1500));
}

#[test]
fn what_an_absent_file_would_say_is_left_open() {
    let (api, findings) = one(API);
    assert_eq!(findings, []);
    let main = &api.containers[1];
    assert_eq!(main.unseen[0].text, "environment file /etc/default/api");
    assert!(words(main).contains(&"$EXTRA"));
    let (_, findings) = one("[Service]\nEnvironmentFile=/etc/x\nExecStart=/a\n");
    assert_eq!((findings[0].level, findings[0].place.as_ref().unwrap().line), (Level::Warning, 2));
}

#[test]
fn a_oneshot_is_a_job_until_a_timer_starts_it() {
    let unit = ("x/report.service", "[Service]\nType=oneshot\nExecStart=/a 1\nExecStart=/b\n");
    let job = read_all("x/report.service", &[], &[unit]);
    assert_eq!(job.findings, []);
    assert_eq!(job.deployed.workloads[0].life, Life::Job { with_rollout: false });
    let stages: Vec<_> = job.deployed.workloads[0].containers.iter().map(|c| c.stage).collect();
    assert_eq!(stages, [Stage::Init, Stage::Main]);
    let timed = read_all("x/report.service", &[], &[unit, ("x/report.timer", "[Timer]\n")]);
    assert_eq!(timed.deployed.workloads[0].life, Life::Cron { overlaps: false });
}

#[test]
fn of_a_template_one_instance_is_assumed() {
    let found = read_all("worker@.service", &[], &[("worker@.service", "[Service]\nExecStart=/w %i\n")]);
    let worker = &found.deployed.workloads[0];
    assert_eq!(worker.name, "worker@");
    assert!(worker.replicas.usual.assumption().is_some_and(|why| why.contains("worker@.service")));
    assert_eq!(words(&worker.containers[0]), ["/w", "%i"]);
}

#[test]
fn a_drop_in_adds_and_takes_away() {
    let drop_in = "[Service]\nExecStart=\nExecStart=/b\nEnvironment=B=2\n";
    let unit = "[Service]\nExecStart=/a\nEnvironment=A=1 B=1\n";
    let files = [("a.service", unit), ("a.service.d/b.conf", drop_in)];
    let found = read_all("a.service", &["a.service.d/b.conf"], &files);
    assert_eq!(found.findings, []);
    let container = &found.deployed.workloads[0].containers[0];
    assert_eq!(words(container), ["/b"]);
    assert_eq!(container.environment["B"].value.as_deref(), Some("2"));
    assert_eq!(container.environment["A"].value.as_deref(), Some("1"));
    assert_eq!(words(&read_all("a.service", &[], &files).deployed.workloads[0].containers[0]), ["/a"]);
}

#[test]
fn prefixes_and_switched_off_variables_are_understood() {
    let (unit, findings) = one("[Service]\nEnvironment=A=1\nExecStart=-:!!/bin/x ${A} $A\n");
    assert_eq!((words(&unit.containers[0]), findings), (vec!["/bin/x", "${A}", "$A"], vec![]));
    let (unit, findings) = one("[Service]\nExecStart=/bin/x ${A}y $B $HOME \\x41\\n\\q\n");
    assert_eq!(words(&unit.containers[0]), ["/bin/x", "y", "$HOME", "A\n\\q"]);
    assert_eq!(findings.len(), 2);
}

#[test]
fn every_wrong_line_is_told_with_its_place() {
    let text =
        "[Service]\nnothing\nEnvironment=A\nMemoryMax=many\nCPUQuota=2\nExecStart=/a\nExecStart=/b 'c\n";
    let (_, findings) = one(text);
    let mut lines: Vec<_> = findings.iter().map(|f| f.place.as_ref().unwrap().line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7]);
    assert!(findings.iter().all(|finding| !finding.fix.is_empty()));
    assert_eq!(read_all("a.timer", &[], &[("a.timer", "[Timer]\nOnCalendar=daily\n")]).findings.len(), 1);
    assert_eq!(read_all("a.service", &[], &[]).findings.len(), 1);
    assert_eq!(one("[Service]\n").1.len(), 1);
}

#[test]
fn commands_and_variables_together_are_bounded() {
    let mut unit = String::from("[Service]\nType=oneshot\n");
    for number in 0..10_000 {
        unit += &format!("Environment=V{number}={}\n", "x".repeat(400));
    }
    for _ in 0..50 {
        unit += "ExecStart=/bin/true\n";
    }
    let files: BTreeMap<String, String> = [("a.service".to_owned(), unit)].into();
    let found = read("a.service", &World { files: &files, environment: &|_| None, profiles: &[] });
    let told =
        found.findings.iter().filter(|found| found.message.contains("commands that are read of such a unit"));
    assert_eq!(told.count(), 1);
    let workload = found.deployed.workloads.first().unwrap();
    assert!((1..50).contains(&workload.containers.len()), "{}", workload.containers.len());
}
