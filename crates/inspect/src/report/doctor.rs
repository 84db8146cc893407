//! `connwarden.doctor/1`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Target, Visibility};
use crate::doctor::preset::{Line, Sheet};
use crate::doctor::{Advice, Effect, Evidence, Finding, Outcome, Remedy, Severity};
use crate::quote;

/// Advice on the settings and roles of a server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DoctorReport {
    /// `connwarden.doctor/1`.
    pub schema: &'static str,
    /// The server's clock: microseconds since 1970, UTC.
    pub ts_us: i64,
    /// Which server.
    pub target: Target,
    /// How much of other roles' sessions we see.
    pub visibility: Visibility,
    /// What memory was counted with.
    pub memory: MemoryReport,
    /// Advice, what matters most first.
    pub advice: Vec<AdviceReport>,
    /// Rules that had nothing to say.
    pub fine: Vec<NoteReport>,
    /// Rules without an answer, with the reason.
    pub skipped: Vec<NoteReport>,
    /// A preset's lines, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<PresetReport>,
}

/// Memory, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MemoryReport {
    /// What the server can have; `null` where it is not known.
    pub available_bytes: Option<u64>,
    /// Backends that were measured; 0 where none could be.
    pub backends_measured: u32,
    /// The middle one's proportional set size.
    pub backend_median_bytes: Option<u64>,
    /// The largest one's.
    pub backend_largest_bytes: Option<u64>,
}

/// One advice.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AdviceReport {
    /// The rule.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What is.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to write.
    pub write: Vec<RemedyReport>,
}

/// Where something is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// postgresql.conf.
    PostgresqlConf,
    /// A superuser's session.
    Sql,
    /// The application's settings.
    Application,
    /// The pooler's settings.
    Pooler,
}

/// What to write, and where.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RemedyReport {
    /// Where.
    pub place: Place,
    /// The text.
    pub text: String,
    /// The same as a statement, for a setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alter_system: Option<String>,
    /// When it takes effect.
    pub effect: Effect,
    /// The old value stands on the server's command line, which wins over files and `ALTER SYSTEM`: change it there.
    pub on_command_line: bool,
}

/// A rule and a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NoteReport {
    /// The rule.
    pub id: &'static str,
    /// The sentence.
    pub text: String,
}

/// A preset's lines.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PresetReport {
    /// Its name.
    pub name: &'static str,
    /// The major version it is written for.
    pub major: u32,
    /// Its settings.
    pub settings: Vec<PresetSetting>,
    /// What belongs to it and is no setting of the server.
    pub notes: Vec<String>,
}

/// A setting of a preset.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PresetSetting {
    /// The setting.
    pub name: &'static str,
    /// Its value, as PostgreSQL reads it.
    pub value: String,
    /// What the server has now, unless it is a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Takes effect at a restart.
    pub restart: bool,
}

impl From<&Remedy> for RemedyReport {
    fn from(remedy: &Remedy) -> Self {
        let effect = remedy.effect();
        let plain = |place, text: &String| Self {
            place,
            text: text.clone(),
            alter_system: None,
            effect,
            on_command_line: false,
        };
        match remedy {
            Remedy::Setting { name, value, on_command_line } => {
                let bare = value.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let quoted = quote::value(value);
                let conf = if bare { value } else { &quoted };
                Self {
                    place: Place::PostgresqlConf,
                    text: format!("{name} = {conf}"),
                    alter_system: Some(format!("ALTER SYSTEM SET {name} = {quoted};")),
                    effect,
                    on_command_line: *on_command_line,
                }
            }
            Remedy::Sql(text, _) => plain(Place::Sql, text),
            Remedy::Application(text) => plain(Place::Application, text),
            Remedy::Pooler(text) => plain(Place::Pooler, text),
        }
    }
}

impl AdviceReport {
    fn of(rule: &'static str, advice: &Advice) -> Self {
        Self {
            id: rule,
            severity: advice.severity,
            what: advice.what.clone(),
            why: advice.why.clone(),
            write: advice.write.iter().map(RemedyReport::from).collect(),
        }
    }
}

impl From<&Line> for PresetSetting {
    fn from(line: &Line) -> Self {
        Self { name: line.name, value: line.value.clone(), now: line.now.clone(), restart: line.restart }
    }
}

impl From<&Sheet> for PresetReport {
    fn from(sheet: &Sheet) -> Self {
        Self {
            name: sheet.preset.name(),
            major: sheet.major,
            settings: sheet.lines.iter().map(PresetSetting::from).collect(),
            notes: sheet.notes.clone(),
        }
    }
}

impl DoctorReport {
    /// The name and version of this shape.
    pub const SCHEMA: &'static str = "connwarden.doctor/1";

    /// Says what was found, and a preset's lines beside it.
    pub fn of(evidence: &Evidence, findings: &[Finding], place: &str, sheet: Option<&Sheet>) -> Self {
        let (mut advice, mut fine, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for finding in findings {
            let note = |text: &String| NoteReport { id: finding.rule, text: text.clone() };
            match &finding.outcome {
                Outcome::Advised(said) => advice.push(AdviceReport::of(finding.rule, said)),
                Outcome::Fine(text) => fine.push(note(text)),
                Outcome::Skipped(text) => skipped.push(note(text)),
            }
        }
        let backends = evidence.machine.as_ref().ok().and_then(|machine| machine.backends.as_ref().ok());
        Self {
            schema: Self::SCHEMA,
            ts_us: evidence.sample.facts.now_us,
            target: Target::of(&evidence.sample, place),
            visibility: Visibility::of(&evidence.sample),
            memory: MemoryReport {
                available_bytes: evidence.memory().ok(),
                backends_measured: backends.map_or(0, |backends| backends.measured),
                backend_median_bytes: backends.map(|backends| backends.median_bytes),
                backend_largest_bytes: backends.map(|backends| backends.largest_bytes),
            },
            advice,
            fine,
            skipped,
            preset: sheet.map(PresetReport::from),
        }
    }
}
