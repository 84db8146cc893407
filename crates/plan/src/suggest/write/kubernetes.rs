//! Patches of manifests, one document for each workload: `kubectl patch --patch-file`, or kustomize's `patches`.

use std::fmt::Write;

use super::{Out, Set, Sheet, Wanted, head, quoted};
use crate::place::beside;
use crate::{Looked, Workload};

const NAME: &str = "kubernetes.connwarden.yaml";

pub(super) fn write(
    out: &mut Out<'_, '_>,
    wanted: &Wanted,
    sheet: &Sheet<'_, '_>,
    set: &[Set],
    why: &mut Vec<String>,
) {
    let scene = out.scene;
    let mut documents: Vec<String> = Vec::new();
    let mut file = None;
    for workload in &scene.deployed.workloads {
        if let Some((looked, _)) = sheet.found.filter(|(looked, _)| std::ptr::eq(looked.workload, workload)) {
            if let Some(document) = cluster(looked, sheet) {
                documents.push(document);
                file = file.or(Some(&workload.place.file));
            } else if version(workload.kind).is_some() {
                why.push(format!(
                    "{}: put the conf file into its ConfigMap: no patch can change its arguments alone",
                    workload.name
                ));
            }
        }
        let Some((api, way)) = version(workload.kind) else { continue };
        let own = |(_, looked): &(usize, &Looked<'_>)| std::ptr::eq(looked.workload, workload);
        let mut containers = String::new();
        let depth = "  ".repeat(way.len() + 1);
        for (at, looked) in scene.looked.iter().enumerate().filter(own) {
            let variables: Vec<&Set> = set.iter().filter(|one| one.container == at).collect();
            if variables.is_empty() {
                continue;
            }
            let _ = writeln!(containers, "{depth}- name: {}\n{depth}  env:", quoted(&looked.container.name));
            for one in variables {
                let _ = writeln!(
                    containers,
                    "{depth}    - name: {}\n{depth}      value: {}",
                    one.name,
                    quoted(&one.value)
                );
                // It may come from a map or a secret now: the two together are refused.
                if looked.container.environment.contains_key(&one.name) {
                    let _ = writeln!(containers, "{depth}      valueFrom: null");
                }
            }
        }
        if containers.is_empty() {
            continue;
        }
        file = file.or(Some(&workload.place.file));
        documents.push(patch(workload, api, way, &containers));
    }
    let Some(file) = file else { return };
    let how =
        "Strategic merge patches: as patches of a kustomization, or each by kubectl patch --patch-file.";
    let text = format!("{}{}", head(wanted, how), documents.join("---\n"));
    out.put(beside(file, NAME), text);
}

/// The group and version of a kind whose pods may be changed, and the way to its pods.
fn version(kind: &str) -> Option<(&'static str, &'static [&'static str])> {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => Some(("apps/v1", &["spec", "template", "spec"])),
        "CronJob" => Some(("batch/v1", &["spec", "jobTemplate", "spec", "template", "spec"])),
        _ => None,
    }
}

fn named(workload: &Workload, api: &str) -> String {
    let (namespace, name) = match workload.name.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, workload.name.as_str()),
    };
    let mut out =
        format!("apiVersion: {api}\nkind: {}\nmetadata:\n  name: {}\n", workload.kind, quoted(name));
    if let Some(namespace) = namespace {
        let _ = writeln!(out, "  namespace: {}", quoted(namespace));
    }
    out
}

fn patch(workload: &Workload, api: &str, way: &[&str], containers: &str) -> String {
    let mut out = named(workload, api);
    for (depth, key) in way.iter().enumerate() {
        let _ = writeln!(out, "{}{key}:", "  ".repeat(depth));
    }
    let _ = writeln!(out, "{}containers:", "  ".repeat(way.len()));
    out.push_str(containers);
    out
}

/// CloudNativePG's own resource has a map of settings.
fn cluster(looked: &Looked<'_>, sheet: &Sheet<'_, '_>) -> Option<String> {
    if looked.workload.kind != "Cluster" {
        return None;
    }
    let mut out = named(looked.workload, "postgresql.cnpg.io/v1");
    out.push_str("spec:\n  postgresql:\n    parameters:\n");
    for line in &sheet.settings {
        let _ = writeln!(out, "      {}: {}", line.name, quoted(&line.value));
    }
    Some(out)
}
