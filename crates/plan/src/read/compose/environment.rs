//! What `${NAME}` reads while a file is loaded: the environment around, and below it the `.env` files.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::project::Project;
use crate::place::beside;
use crate::read::dotenv;
use crate::{Place, Text};

/// An environment for the files of one project folder.
#[derive(Clone)]
pub(super) struct Environment<'w> {
    around: &'w dyn Fn(&str) -> Option<String>,
    /// Earlier ones win.
    layers: Vec<Rc<BTreeMap<String, String>>>,
    /// The project's name, which compose itself puts into it.
    project: Option<Rc<str>>,
}

const PROJECT_NAME: &str = "COMPOSE_PROJECT_NAME";

impl<'w> Environment<'w> {
    /// The environment around, without any file.
    pub(super) fn around(project: &Project<'w>) -> Self {
        Self { around: project.world.environment, layers: Vec::new(), project: None }
    }

    /// The value of a variable.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        if name == PROJECT_NAME
            && let Some(project) = &self.project
        {
            return Some(project.to_string());
        }
        (self.around)(name).or_else(|| self.layers.iter().find_map(|layer| layer.get(name).cloned()))
    }

    /// Names the project, unless the environment already does.
    pub(super) fn name_project(&mut self, name: &str) {
        if self.value(PROJECT_NAME).is_none_or(|name| name.is_empty()) {
            self.project = Some(project_name(name).into());
        }
    }

    /// Adds the `.env` beside a file, if there is one.
    pub(super) fn add_beside(&mut self, project: &mut Project<'w>, anchor: &str) {
        let path: Arc<str> = beside(anchor, ".env").into();
        if let Ok(text) = project.text(&path) {
            let mut layer = BTreeMap::new();
            self.collect(project, &path, &text, &mut layer);
            self.layers.push(Rc::new(layer));
        }
    }

    /// Adds files that must be there. Later ones win over earlier ones, and none over what is known already.
    pub(super) fn add_files(&mut self, project: &mut Project<'w>, written_in: &Arc<str>, paths: &[Text]) {
        let mut layer = BTreeMap::new();
        for named in paths.iter().filter(|named| named.text != "/dev/null") {
            let path = project.path(written_in, &named.text);
            match project.text(&path) {
                Ok(text) => self.collect(project, &path, &text, &mut layer),
                Err(why) => project.missing(&named.place, &path, &why),
            }
        }
        self.layers.push(Rc::new(layer));
    }

    fn collect(
        &self,
        project: &mut Project<'w>,
        path: &Arc<str>,
        text: &Arc<str>,
        layer: &mut BTreeMap<String, String>,
    ) {
        let lookup = |name: &str| self.value(name);
        let settings = dotenv::compose(path, text, &lookup, layer, &mut project.findings);
        let bytes = settings.iter().filter_map(|setting| setting.value.as_ref()).map(String::len).sum();
        project.spend_bytes(bytes, &Place::whole(path));
    }
}

/// A project's name as compose makes it: small letters, digits, `-` and `_`.
fn project_name(text: &str) -> String {
    let kept = text.chars().map(|c| c.to_ascii_lowercase());
    let kept = kept.filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    kept.collect::<String>().trim_start_matches(['-', '_']).to_owned()
}
