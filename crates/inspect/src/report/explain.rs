//! `connwarden.explain/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::Target;
use crate::explain::{Finding, Found, Page, Scene};

/// What a text means.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplainReport {
    /// `connwarden.explain/1`.
    pub schema: &'static str,
    /// What was asked.
    pub asked: String,
    /// The page; absent where none fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageReport>,
    /// Where none fits: the nearest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<NearPage>,
    /// The server that was looked at for evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Why none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_looked: Option<String>,
}

/// A page, its causes in the order of what the server shows.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs, reason = "the names say it; explain::Page explains them")]
pub struct PageReport {
    pub id: &'static str,
    pub title: &'static str,
    pub codes: Vec<&'static str>,
    pub meaning: &'static str,
    pub causes: Vec<CauseReport>,
    pub next: Vec<&'static str>,
}

/// What a server says about a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It is so.
    Seen,
    /// Nobody looked, or the server cannot tell.
    Unknown,
    /// It is not so now.
    NotSeen,
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CauseReport {
    /// The cause.
    pub text: &'static str,
    /// What the server says about it.
    pub evidence: Bearing,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
}

/// A page that is near.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NearPage {
    /// Its name, which `explain` takes.
    pub id: &'static str,
    /// Its text.
    pub title: &'static str,
}

impl ExplainReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.explain/1";

    /// Says what was found, with what the scene shows.
    pub fn of(asked: &str, found: &Found, scene: Option<&Scene<'_>>) -> Self {
        let near = |page: &&'static Page| NearPage { id: page.id, title: page.title };
        let (page, nearest) = match found {
            Found::Page(page) => (Some(PageReport::of(page, scene)), Vec::new()),
            Found::Nearest(pages) => (None, pages.iter().map(near).collect()),
        };
        Self { schema: Self::SCHEMA, asked: asked.to_owned(), page, nearest, target: None, not_looked: None }
    }
}

impl PageReport {
    fn of(page: &'static Page, scene: Option<&Scene<'_>>) -> Self {
        let mut causes: Vec<CauseReport> = page
            .causes
            .iter()
            .map(|cause| {
                let finding = scene.map_or(Finding::Untold, |scene| (cause.witness)(scene));
                let (evidence, seen) = match finding {
                    Finding::Seen(text) => (Bearing::Seen, Some(text)),
                    Finding::NotSeen(text) => (Bearing::NotSeen, Some(text)),
                    Finding::Untold => (Bearing::Unknown, None),
                };
                CauseReport { text: cause.text, evidence, seen }
            })
            .collect();
        causes.sort_by_key(|cause| cause.evidence);
        Self {
            id: page.id,
            title: page.title,
            codes: page.codes.to_vec(),
            meaning: page.meaning,
            causes,
            next: page.next.to_vec(),
        }
    }
}
