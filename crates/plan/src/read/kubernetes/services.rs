//! Under which names pods are reached: Services whose selector they match, and those an operator makes.

use super::kind::Kind;
use super::objects::Object;
use crate::yaml::Node;

/// A Service with a selector.
struct Service<'a> {
    namespace: &'a str,
    name: &'a str,
    selector: Vec<(&'a str, &'a str)>,
}

/// The Services of the files.
pub(super) struct Services<'a>(Vec<Service<'a>>);

impl<'a> Services<'a> {
    pub(super) fn of(files: &'a [(&str, Vec<Node>)]) -> Self {
        let all = files.iter().flat_map(|(_, documents)| documents).flat_map(|document| {
            let listed = document.get("items").map_or(&[] as &[Node], Node::items);
            std::iter::once(document).chain(listed)
        });
        Self(all.filter_map(service).collect())
    }

    /// The names under which the pods of an object are reached.
    pub(super) fn names(&self, object: &Object<'_>) -> Vec<String> {
        let name = &object.name.text;
        let made = (object.kind == Kind::Cluster).then(|| format!("{name}-rw"));
        let labels = match object.kind {
            Kind::Pod => object.node.at(&["metadata", "labels"]),
            _ => object.node.at(&["spec", "template", "metadata", "labels"]),
        };
        let space = |namespace: &str| namespace == "default" || namespace.is_empty();
        let own = object.namespace.as_deref().unwrap_or("");
        let selected = self.0.iter().filter(|service| {
            let near = service.namespace == own || (space(service.namespace) && space(own));
            near && service.selector.iter().all(|(key, value)| {
                labels.and_then(|labels| labels.get(key)).and_then(Node::text) == Some(value)
            })
        });
        let headless = object.node.at(&["spec", "serviceName"]).and_then(Node::text);
        let selected = selected.map(|service| service.name).chain(headless);
        let mut names: Vec<String> = made.into_iter().chain(selected.map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The names that an operator gives to a server's standbys. `-r` is any of its pods: mostly one of those.
pub(super) fn standbys(object: &Object<'_>) -> Vec<String> {
    let made: &[&str] = match object.kind {
        Kind::Cluster => &["-ro", "-r"],
        Kind::Postgresql => &["-repl"],
        _ => &[],
    };
    made.iter().map(|ending| format!("{}{ending}", object.name.text)).collect()
}

fn service(document: &Node) -> Option<Service<'_>> {
    let is = |key: &str, wanted: &str| document.get(key).and_then(Node::text) == Some(wanted);
    if !is("kind", "Service") || !is("apiVersion", "v1") {
        return None;
    }
    let selector = document.at(&["spec", "selector"])?;
    let selector: Vec<(&str, &str)> =
        selector.pairs().iter().filter_map(|(key, value)| Some((key.text.as_str(), value.text()?))).collect();
    // One without a selector selects nothing.
    (!selector.is_empty()).then_some(())?;
    Some(Service {
        namespace: document.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or(""),
        name: document.at(&["metadata", "name"])?.text()?,
        selector,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::read::{World, kubernetes};

    #[test]
    fn pods_are_reached_by_the_services_that_select_them() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {selector: {app: pg, tier: data}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: other}\nspec: {selector: {app: pg, tier: web}}\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: postgres}\nspec:\n  serviceName: pg-headless\n  replicas: 1\n  template:\n    metadata: {labels: {app: pg, tier: data, x: y}}\n    spec: {containers: [{name: postgres, image: postgres}]}\n---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\nspec: {instances: 3}\n";
        let files = BTreeMap::from([("k.yaml".to_owned(), text.to_owned())]);
        let world = World { files: &files, environment: &|_| None, profiles: &[] };
        let found = kubernetes::read(&["k.yaml"], &world);
        assert_eq!(found.findings, []);
        let aliases: Vec<_> = found.deployed.workloads.iter().map(|one| one.aliases.join(" ")).collect();
        assert_eq!(aliases, ["db pg-headless", "main-rw"]);
        assert_eq!(found.deployed.workloads[1].standbys, ["main-ro", "main-r"]);
    }
}
