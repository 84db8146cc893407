//! Autoscalers and the workloads they scale.

use std::collections::BTreeMap;

use super::kind::Kind;
use super::objects::{Object, Objects};
use super::report::Report;
use super::{TWICE, shape};
use crate::{Number, Place, Replicas};

/// What scales a workload.
pub(super) enum Scaling {
    /// A HorizontalPodAutoscaler or a KEDA ScaledObject.
    Between {
        least: Number,
        most: Number,
        /// Whether a workload set to 0 is left alone. Kubernetes' autoscaler does, KEDA does not.
        rests_at_zero: bool,
        place: Place,
    },
    /// An Argo Rollout that has taken its pods over and scales it down to nothing.
    Parked(Place),
}

impl Scaling {
    /// How many replicas there are of a workload that is scaled, if it says so itself or not.
    pub(super) fn apply(&self, written: Option<Number>) -> Replicas {
        match self {
            Self::Parked(place) => Replicas::fixed(Number::written(0, place)),
            Self::Between { least, most, rests_at_zero, .. } => {
                if let Some(zero) = written.as_ref().filter(|number| number.value == 0 && *rests_at_zero) {
                    return Replicas::fixed(zero.clone());
                }
                let usual =
                    written.filter(|number| number.value >= least.value).unwrap_or_else(|| least.clone());
                let usual = if usual.value > most.value { most.clone() } else { usual };
                Replicas { usual, most: most.clone() }
            }
        }
    }
}

/// What scales what: by the number of the scaled object.
pub(super) fn read(objects: &Objects<'_>, report: &mut Report) -> BTreeMap<usize, Scaling> {
    let mut scaling = BTreeMap::new();
    for (_, object) in objects.all() {
        let found = match object.kind {
            Kind::HorizontalPodAutoscaler => autoscaler(objects, object, report),
            Kind::ScaledObject => scaled_object(objects, object, report),
            Kind::Rollout => parked(objects, object),
            _ => None,
        };
        let Some((target, found)) = found else { continue };
        let Some(Scaling::Between { place: before, .. }) = scaling.insert(target, found) else { continue };
        report.say(
            &TWICE,
            object.place(),
            format!(
                "{} scales what the autoscaler in {before} scales already: they would fight",
                object.called()
            ),
            "keep one of the two",
        );
    }
    scaling
}

fn autoscaler(objects: &Objects<'_>, object: &Object<'_>, report: &mut Report) -> Option<(usize, Scaling)> {
    let spec = spec(object, &shape::AUTOSCALER, report)?;
    let least = report.count(spec, "minReplicas").unwrap_or_else(|| {
        Number::assumed(1, format!("{} keeps at least 1 pod: minReplicas is not set", object.called()))
    });
    let most = report.count(spec, "maxReplicas");
    if spec.get("maxReplicas").is_none() {
        report.refuse(&spec.place, format!("{} has no maxReplicas", object.called()), "write maxReplicas:");
    }
    let target = target(objects, object, spec, report);
    between(least, most?, ("minReplicas", "maxReplicas"), object, true, target, report)
}

fn scaled_object(
    objects: &Objects<'_>,
    object: &Object<'_>,
    report: &mut Report,
) -> Option<(usize, Scaling)> {
    let spec = spec(object, &shape::SCALED_OBJECT, report)?;
    let (least, most) = keda_bounds(object, spec, report);
    let target = target(objects, object, spec, report);
    between(least, most, ("minReplicaCount", "maxReplicaCount"), object, false, target, report)
}

/// The bounds that KEDA keeps.
pub(super) fn keda_bounds(
    object: &Object<'_>,
    spec: &crate::yaml::Node,
    report: &mut Report,
) -> (Number, Number) {
    let called = object.called();
    let least = report.count(spec, "minReplicaCount").unwrap_or_else(|| {
        Number::assumed(
            0,
            format!("{called} scales down to 0 when nothing waits: minReplicaCount is not set"),
        )
    });
    let most = report.count(spec, "maxReplicaCount").unwrap_or_else(|| {
        Number::assumed(100, format!("{called} scales up to 100: maxReplicaCount is not set"))
    });
    (least, most)
}

fn between(
    least: Number,
    most: Number,
    names: (&str, &str),
    object: &Object<'_>,
    rests_at_zero: bool,
    target: Option<usize>,
    report: &mut Report,
) -> Option<(usize, Scaling)> {
    let place = object.place().clone();
    if least.value > most.value {
        let (low, high) = names;
        report.refuse(
            most.place().or(least.place()).unwrap_or(&place),
            format!("{high} is {}, below {low}, which is {}", most.value, least.value),
            format!("write {high}: {} or more, or a lower {low}", least.value),
        );
    }
    Some((target?, Scaling::Between { least, most, rests_at_zero, place }))
}

/// The object an autoscaler means. Kinds that are not read here are not looked for.
fn target(
    objects: &Objects<'_>,
    object: &Object<'_>,
    spec: &crate::yaml::Node,
    report: &mut Report,
) -> Option<usize> {
    let Some(reference) = report.map(spec, "scaleTargetRef", &shape::TARGET) else {
        if spec.get("scaleTargetRef").is_none() {
            let message = format!("{} has no scaleTargetRef", object.called());
            report.refuse(&spec.place, message, "write scaleTargetRef: with kind: and name: below it");
        }
        return None;
    };
    let Some(name) = report.word(reference, "name") else {
        report.refuse(&reference.place, "this scaleTargetRef has no name", "write name: below it");
        return None;
    };
    let kind = report.word(reference, "kind");
    if kind.is_none() && object.kind == Kind::HorizontalPodAutoscaler {
        report.refuse(&reference.place, "this scaleTargetRef has no kind", "write kind: Deployment below it");
    }
    let kind = kind.map_or_else(|| "Deployment".to_owned(), |kind| kind.text);
    let version = report.word(reference, "apiVersion");
    let kind = Kind::of(&kind, version.as_ref().map(|version| version.text.as_str()))?;
    let found = objects.find(kind, object, &name.text).map(|(at, _)| at);
    if found.is_none() {
        objects.report_missing(kind, object, &name, report);
    }
    found
}

/// The Deployment an Argo Rollout has taken over, if the Rollout scales it down.
fn parked(objects: &Objects<'_>, object: &Object<'_>) -> Option<(usize, Scaling)> {
    let reference = object.node.at(&["spec", "workloadRef"])?;
    let down = reference
        .get("scaleDown")
        .filter(|down| matches!(down.text(), Some("onsuccess" | "progressively")))?;
    let (at, _) = objects.find(Kind::Deployment, object, reference.get("name")?.text()?)?;
    Some((at, Scaling::Parked(down.place.clone())))
}

fn spec<'a>(
    object: &Object<'a>,
    shape: &'static shape::Shape,
    report: &mut Report,
) -> Option<&'a crate::yaml::Node> {
    let spec = report.map(object.node, "spec", shape);
    if object.node.get("spec").is_none() {
        report.refuse(
            object.place(),
            format!("{} has no spec", object.called()),
            "write spec: and its fields",
        );
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(least: u32, most: u32, rests_at_zero: bool, written: Option<u32>) -> (u32, u32) {
        let place = Place::whole(&"f".into());
        let number = |value| Number::written(value, &place);
        let scaling = Scaling::Between {
            least: number(least),
            most: number(most),
            rests_at_zero,
            place: place.clone(),
        };
        let replicas = scaling.apply(written.map(number));
        (replicas.usual.value, replicas.most.value)
    }

    #[test]
    fn the_usual_number_lies_between_the_bounds() {
        assert_eq!(of(2, 10, true, None), (2, 10));
        assert_eq!(of(2, 10, true, Some(4)), (4, 10));
        assert_eq!(of(2, 10, true, Some(1)), (2, 10));
        assert_eq!(of(2, 10, true, Some(20)), (10, 10));
        assert_eq!(of(5, 3, true, None), (3, 3));
    }

    #[test]
    fn a_workload_set_to_nothing_is_left_alone_except_by_keda() {
        assert_eq!(of(2, 10, true, Some(0)), (0, 0));
        assert_eq!(of(0, 10, false, Some(0)), (0, 10));
    }
}
