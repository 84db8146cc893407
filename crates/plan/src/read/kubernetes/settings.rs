//! What config maps and secrets hold, and what of it may be told.
//!
//! A secret's value leaves this room only as [`crate::secrecy`] lets it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::kind::Kind;
use super::objects::{Object, Objects};
use super::report::Report;
use crate::secrecy::{ini_without_passwords, is_harmless, without_password};
use crate::yaml::Node;
use crate::{Place, Text};

/// One key's value.
pub(super) struct Entry {
    place: Place,
    /// Nothing if it is binary, or could not be read.
    text: Option<String>,
    secret: bool,
}

impl Entry {
    /// Where it is written.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Its value as that of a variable, if it may be told.
    pub(super) fn as_variable(&self, key: &str, variable: &str) -> Option<String> {
        let text = self.text.as_ref()?;
        if !self.secret || (is_harmless(key, variable) && !text.contains("://") && !text.contains('@')) {
            return Some(text.clone());
        }
        without_password(text)
    }

    /// Its value as a file, if it may be told.
    pub(super) fn as_file(&self, path: &str) -> Option<Text> {
        let text = self.text.as_ref()?;
        if !self.secret {
            return Some(Text::new(text.clone(), self.place.clone()));
        }
        path.ends_with(".ini").then(|| Text::new(ini_without_passwords(text), self.place.clone()))
    }
}

/// The entries of all config maps and secrets, by their object's number.
pub(super) struct Settings {
    held: BTreeMap<usize, BTreeMap<String, Entry>>,
}

impl Settings {
    /// What the objects hold.
    pub(super) fn of(objects: &Objects<'_>, report: &mut Report) -> Self {
        let mut held = BTreeMap::new();
        for (at, object) in objects.all() {
            if matches!(object.kind, Kind::ConfigMap | Kind::Secret) {
                held.insert(at, entries(object, report));
            }
        }
        Self { held }
    }
}

/// An object that is being read, and all it may refer to.
pub(super) struct Scope<'a> {
    pub(super) objects: &'a Objects<'a>,
    pub(super) settings: &'a Settings,
    pub(super) object: &'a Object<'a>,
}

impl<'a> Scope<'a> {
    /// What the config map or secret of a name holds, if the files have it.
    pub(super) fn entries(&self, kind: Kind, name: &str) -> Option<&'a BTreeMap<String, Entry>> {
        let (at, _) = self.objects.find(kind, self.object, name)?;
        self.settings.held.get(&at)
    }
}

fn entries(object: &Object<'_>, report: &mut Report) -> BTreeMap<String, Entry> {
    let secret = object.kind == Kind::Secret;
    let mut held = BTreeMap::new();
    for field in ["binaryData", "data", "stringData"] {
        if field == "stringData" && !secret {
            continue;
        }
        let Some(data) = report.free_map(object.node, field) else { continue };
        for (key, node) in data.pairs() {
            let text = match (field, secret) {
                ("data", true) => decoded(&key.text, node, report),
                ("binaryData", _) => None,
                _ => report.string(&key.text, node).map(|text| text.text),
            };
            held.insert(key.text.clone(), Entry { place: node.place.clone(), text, secret });
        }
    }
    held
}

fn decoded(key: &str, node: &Node, report: &mut Report) -> Option<String> {
    let written: String = node.text()?.split_whitespace().collect();
    match STANDARD.decode(written) {
        Ok(bytes) => String::from_utf8(bytes).ok(),
        Err(_) => {
            report.refuse(
                &node.place,
                format!("the value of {key} is not base64, as a Secret's data must be"),
                "encode it, or put it in plain text below stringData:",
            );
            None
        }
    }
}
