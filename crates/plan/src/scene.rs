//! What lint rules and suggestions look at: what is deployed, what each container is, what it adds up to, and the texts
//! it was read from. Computed once, by whoever runs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::budget::{self, Budget};
use crate::declared::Declared;
use crate::deployed::Deployed;
use crate::pools::{self, Address, Opener, Part, Pooler, Server};
use crate::{Container, Finding, Place, Text, Workload};

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// What is deployed.
    pub deployed: &'a Deployed,
    /// Each of its containers, in order, with the part it plays.
    pub looked: Vec<Looked<'a>>,
    /// What the plan file says.
    pub declared: &'a Declared,
    /// What it adds up to.
    pub budget: &'a Budget,
    /// The texts of the files, by the names that places bear.
    pub texts: &'a BTreeMap<String, Arc<str>>,
    /// What readers and looks have found wrong: not to be said a second time.
    pub found: &'a [Finding],
}

/// A container and its part.
#[derive(Clone, Debug)]
pub struct Looked<'a> {
    /// Whose it is.
    pub workload: &'a Workload,
    /// The container.
    pub container: &'a Container,
    /// The part it plays.
    pub part: Part,
}

impl<'a> Scene<'a> {
    /// The scene of what is deployed.
    pub fn of(
        deployed: &'a Deployed,
        declared: &'a Declared,
        budget: &'a Budget,
        texts: &'a BTreeMap<String, Arc<str>>,
        found: &'a [Finding],
    ) -> Self {
        let containers = deployed
            .workloads
            .iter()
            .flat_map(|workload| workload.containers.iter().map(move |container| (workload, container)));
        let looked = containers
            .map(|(workload, container)| Looked { workload, container, part: pools::look(container).part })
            .collect();
        Self { deployed, looked, declared, budget, texts, found }
    }

    /// Everything that opens connections.
    pub fn openers(&self) -> impl Iterator<Item = (&Looked<'a>, &Opener)> {
        self.looked.iter().flat_map(|looked| {
            let openers = match &looked.part {
                Part::Opens(openers) => openers.as_slice(),
                Part::Pooler(_) | Part::Server(_) | Part::Nothing => &[],
            };
            openers.iter().map(move |opener| (looked, opener))
        })
    }

    /// Every pooler.
    pub fn poolers(&self) -> impl Iterator<Item = (&Looked<'a>, &Pooler)> {
        self.looked.iter().filter_map(|looked| match &looked.part {
            Part::Pooler(pooler) => Some((looked, pooler)),
            Part::Opens(_) | Part::Server(_) | Part::Nothing => None,
        })
    }

    /// Every PostgreSQL server.
    pub fn servers(&self) -> impl Iterator<Item = (&Looked<'a>, &Server)> {
        self.looked.iter().filter_map(|looked| match &looked.part {
            Part::Server(server) => Some((looked, server)),
            Part::Opens(_) | Part::Pooler(_) | Part::Nothing => None,
        })
    }

    /// Whether an address leads to this workload. Where none is known, it does if there is no choice.
    pub fn leads_to(&self, to: Option<&Address>, workload: &Workload) -> bool {
        match to.filter(|to| !budget::is_local(&to.host)) {
            Some(to) => budget::reached_as(workload, &to.host),
            None => self.servers().count() == 1,
        }
    }

    /// A line of a file, without its end.
    pub fn line(&self, place: &Place) -> Option<&'a str> {
        let at = usize::try_from(place.line.checked_sub(1)?).ok()?;
        self.texts.get(&*place.file)?.lines().nth(at)
    }

    /// The place of a byte of a file inside a container. The file may be one of its own, or stand inside another one
    /// (a config map): then the line is told as far as the outer text confirms it.
    pub fn place_in(&self, file: &Text, byte: usize) -> Place {
        let inside = Place::of_byte(&file.place.file, &file.text, byte);
        let whole = self.texts.get(&*file.place.file).is_some_and(|text| **text == *file.text);
        if whole || file.place.line <= 1 {
            return inside;
        }
        let lines = inside.line.saturating_sub(1);
        let outer = Place::new(&file.place.file, file.place.line.saturating_add(lines), 1);
        let said = usize::try_from(lines).ok().and_then(|at| file.text.lines().nth(at));
        match (self.line(&outer), said) {
            (Some(outside), Some(said)) if outside.trim() == said.trim() && !said.trim().is_empty() => {
                let indent = outside.chars().take_while(|c| c.is_whitespace()).count();
                Place { column: u32::try_from(indent + 1).unwrap_or(1), ..outer }
            }
            _ => file.place.clone(),
        }
    }
}

impl Looked<'_> {
    /// The name it goes by: the workload's, with the container's where there are several.
    pub fn name(&self) -> String {
        let alone = self.workload.containers.len() < 2 || self.container.name == self.workload.name;
        match alone {
            true => self.workload.name.clone(),
            false => format!("{}/{}", self.workload.name, self.container.name),
        }
    }
}

impl Container {
    /// The value of a variable, if a file shows it.
    pub(crate) fn value(&self, name: &str) -> Option<(&str, &Place)> {
        let variable = self.environment.get(name)?;
        Some((variable.value.as_deref()?, &variable.place))
    }

    /// Whether a word of the command stands there.
    pub(crate) fn says_at(&self, place: &Place) -> bool {
        self.command.iter().any(|word| word.place == *place)
    }
}

impl Server {
    /// A setting's value with its place. Of several the last, as PostgreSQL reads them.
    pub(crate) fn setting(&self, name: &str) -> Option<&Text> {
        self.settings
            .iter()
            .rev()
            .find(|(known, _)| known.text.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}
