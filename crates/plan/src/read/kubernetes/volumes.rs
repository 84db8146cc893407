//! Files that config maps, and pooler configurations in secrets, put into a container.

use std::collections::BTreeMap;

use super::environment::no_key;
use super::kind::Kind;
use super::report::Report;
use super::settings::{Entry, Scope};
use super::shape;
use crate::Container;
use crate::yaml::Node;

/// A pod's volumes that hold files of config maps and secrets: by name, the files by their path in the volume.
#[derive(Default)]
pub(super) struct Volumes<'a> {
    named: BTreeMap<String, Vec<(String, &'a Entry)>>,
}

impl<'a> Volumes<'a> {
    /// The volumes of a pod.
    pub(super) fn of(scope: &Scope<'a>, pod: &Node, report: &mut Report) -> Self {
        let mut named = BTreeMap::new();
        for volume in report.list(pod, "volumes") {
            let Some(name) = report.word(volume, "name") else { continue };
            let mut files = Vec::new();
            take(scope, volume, &mut files, report);
            if let Some(projected) = report.map(volume, "projected", &shape::CONFIG_VOLUME) {
                for source in report.maps(projected, "sources", &shape::CONFIG_VOLUME) {
                    take(scope, source, &mut files, report);
                }
            }
            named.insert(name.text, files);
        }
        Self { named }
    }

    /// Puts them where a container mounts them.
    pub(super) fn mount(&self, container: &Node, into: &mut Container, report: &mut Report) {
        for mount in report.maps(container, "volumeMounts", &shape::MOUNT) {
            let (Some(name), Some(at)) = (report.word(mount, "name"), report.word(mount, "mountPath")) else {
                continue;
            };
            let below = report.word(mount, "subPath").map_or_else(String::new, |path| path.text);
            let at = at.text.trim_end_matches('/');
            for (path, entry) in self.named.get(&name.text).into_iter().flatten() {
                let Some(inside) = placed(at, path, below.trim_matches('/')) else { continue };
                let Some(text) = entry.as_file(path) else { continue };
                if !report.copies(text.text.len(), &mount.place) {
                    return;
                }
                into.files.insert(inside, text);
            }
        }
    }
}

/// Where a volume's file lies when the volume, or what is below a path in it, is mounted.
fn placed(at: &str, path: &str, below: &str) -> Option<String> {
    if below.is_empty() {
        return Some(format!("{at}/{path}"));
    }
    match path.strip_prefix(below)? {
        "" => Some(at.to_owned()),
        rest => rest.starts_with('/').then(|| format!("{at}{rest}")),
    }
}

/// The files of a volume, or of one source of a projected one.
fn take<'a>(scope: &Scope<'a>, volume: &Node, files: &mut Vec<(String, &'a Entry)>, report: &mut Report) {
    let sources = [("configMap", Kind::ConfigMap, "name"), ("secret", Kind::Secret, "secretName")];
    for (field, kind, name) in sources {
        let Some(source) = report.map(volume, field, &shape::CONFIG_VOLUME) else { continue };
        // A projected secret is named by `name`.
        let name = if source.get(name).is_some() { name } else { "name" };
        let Some(name) = report.word(source, name) else { continue };
        let Some(entries) = scope.entries(kind, &name.text) else { continue };
        if source.get("items").is_none() {
            files.extend(entries.iter().map(|(key, entry)| (key.clone(), entry)));
        }
        let optional = report.flag(source, "optional").is_some_and(|(optional, _)| optional);
        for item in report.list(source, "items") {
            let (Some(key), Some(path)) = (report.word(item, "key"), report.word(item, "path")) else {
                continue;
            };
            match entries.get(&key.text) {
                Some(entry) => files.push((path.text, entry)),
                None if optional => {}
                None => no_key(kind, &name.text, &key, entries, report),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::placed;

    #[test]
    fn a_part_of_a_volume_is_mounted_alone() {
        assert_eq!(placed("/etc/x", "a.ini", "").as_deref(), Some("/etc/x/a.ini"));
        assert_eq!(placed("/etc/x/a.ini", "a.ini", "a.ini").as_deref(), Some("/etc/x/a.ini"));
        assert_eq!(placed("/etc/x", "conf/a.ini", "conf").as_deref(), Some("/etc/x/a.ini"));
        assert_eq!(placed("/etc/x", "config.ini", "conf"), None);
        assert_eq!(placed("/etc/x", "b.ini", "a.ini"), None);
    }
}
