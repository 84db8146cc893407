//! A pod's containers.

use super::UNMEANT;
use super::environment;
use super::quantity::Quantity;
use super::report::Report;
use super::settings::Scope;
use super::shape;
use super::volumes::Volumes;
use crate::yaml::Node;
use crate::{Container, Number, Place, Stage, Text};

/// What a pod runs.
pub(super) struct Pod {
    pub(super) containers: Vec<Container>,
    /// Whether it keeps running for a while when it is told to end.
    pub(super) lingers: bool,
    /// Whether it is started again when it has ended well: `restartPolicy` is `Always`, or is not set.
    pub(super) restarts: bool,
}

/// The pod of a template: `template.spec`.
pub(super) fn of_template(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Option<Pod> {
    let template = report.map(spec, "template", &shape::TEMPLATE)?;
    let pod = report.map(template, "spec", &shape::POD)?;
    Some(of_spec(scope, pod, report))
}

/// The pod of a pod's spec.
pub(super) fn of_spec(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Pod {
    let volumes = Volumes::of(scope, spec, report);
    let mut containers = Vec::new();
    for node in report.maps(spec, "initContainers", &shape::CONTAINER) {
        let restart = report.word(node, "restartPolicy");
        let stage = match restart.as_ref().map(|word| word.text.as_str()) {
            Some("Always") => Stage::Main,
            _ => Stage::Init,
        };
        containers.extend(container(scope, node, &volumes, stage, report));
    }
    let main = report.maps(spec, "containers", &shape::CONTAINER);
    let listed = spec.get("containers");
    if listed.is_none_or(|list| list.what() == "a list" && list.items().is_empty()) {
        report.refuse(
            listed.map_or(&spec.place, |list| &list.place),
            format!("{} has no containers", scope.object.called()),
            "write containers: with one item or more",
        );
    }
    for node in main {
        containers.extend(container(scope, node, &volumes, Stage::Main, report));
    }
    let grace = report.count(spec, "terminationGracePeriodSeconds");
    let restart = report.word(spec, "restartPolicy");
    Pod {
        containers,
        lingers: grace.is_none_or(|grace| grace.value > 0),
        restarts: restart.is_none_or(|word| word.text == "Always"),
    }
}

/// A container that an operator adds to, on its own.
pub(super) fn alone(scope: &Scope<'_>, node: &Node, report: &mut Report) -> Option<Container> {
    report.spelling(node, &shape::CONTAINER);
    container(scope, node, &Volumes::default(), Stage::Main, report)
}

fn container(
    scope: &Scope<'_>,
    node: &Node,
    volumes: &Volumes<'_>,
    stage: Stage,
    report: &mut Report,
) -> Option<Container> {
    if !report.copies(256, &node.place) {
        return None;
    }
    let name = report.word(node, "name");
    if node.get("name").is_none() {
        report.refuse(&node.place, "this container has no name", "write name: in it");
    }
    let name = name.map_or_else(|| scope.object.name.text.clone(), |name| name.text);
    let mut made = Container::new(name, node.place.clone());
    made.image = report.word(node, "image");
    made.stage = stage;
    environment::read(scope, node, &mut made, report);
    volumes.mount(node, &mut made, report);
    limits(node, &mut made, report);
    made.command = command(node, &made, report);
    Some(made)
}

/// Entrypoint and arguments, with what is known of the environment put in.
fn command(node: &Node, container: &Container, report: &mut Report) -> Vec<Text> {
    let mut words = Vec::new();
    for field in ["command", "args"] {
        for item in report.list(node, field) {
            let Some(word) = report.string(&format!("an item of {field}"), item) else { continue };
            let text = environment::expand(&word.text, &container.environment);
            if report.copies(text.len(), &item.place) {
                words.push(Text::new(text, word.place));
            }
        }
    }
    words
}

/// Reads `resources.limits`.
pub(super) fn limits(node: &Node, into: &mut Container, report: &mut Report) {
    let Some(resources) = report.map(node, "resources", &shape::RESOURCES) else { return };
    let Some(limits) = report.map(resources, "limits", &shape::LIMITS) else { return };
    if let Some((memory, text)) = quantity(limits, "memory", report) {
        if text.text.ends_with('m') {
            let digits = text.text.trim_end_matches('m');
            report.say(
                &UNMEANT,
                &text.place,
                format!("memory: {} is thousandths of a byte", text.text),
                format!("write memory: {digits}Mi"),
            );
        }
        into.memory_bytes_max = Some((memory.ones(), text.place));
    }
    if let Some((cpu, text)) = quantity(limits, "cpu", report) {
        into.cpu_millis_max = Some(Number::written(cpu.thousandths(), &text.place));
    }
}

fn quantity(limits: &Node, key: &str, report: &mut Report) -> Option<(Quantity, Text)> {
    let text = report.word(limits, key)?;
    let read = Quantity::parse(&text.text);
    if read.is_none() {
        no_quantity(key, &text.place, report);
    }
    read.map(|quantity| (quantity, text))
}

fn no_quantity(key: &str, place: &Place, report: &mut Report) {
    let fix = if key == "memory" {
        "write memory: 512Mi, or 512M, without a B"
    } else {
        "write cpu: 500m, or cpu: 0.5"
    };
    report.refuse(place, format!("{key} is no quantity of Kubernetes here"), fix);
}
