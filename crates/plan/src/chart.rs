//! Pictures of figures: one description, drawn as text for a terminal or as SVG. What belongs to one axis stands in one
//! panel; panels stand over each other and share the axis below, so that no picture has two scales side by side.

mod ink;
mod scale;
mod svg;
mod text;

pub use ink::{Ink, Line, Span};
pub use svg::svg;
pub use text::{Look, text};

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What it shows, in a few words.
    pub title: String,
    /// Of what; may be long.
    pub subtitle: String,
    /// What is to be seen in it, in a sentence: for those who cannot see it, too.
    pub note: String,
    /// The axis below all panels.
    pub x: Axis,
    /// From top to bottom.
    pub panels: Vec<Panel>,
    /// A place on the axis below that is worth a line.
    pub marker: Option<Marker>,
}

/// What an axis counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// `latency`.
    pub label: String,
    /// `ms`; empty where there is none.
    pub unit: String,
    /// How figures lie along it.
    pub scale: Scale,
}

/// How figures lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly. An axis upwards begins at 0.
    Linear,
    /// By their size: ten times as much is a step. Figures of 0 and below cannot be shown and are left out.
    Log,
}

/// What shares an axis upwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// The axis.
    pub y: Axis,
    /// Up to four are told apart.
    pub series: Vec<Series>,
}

/// Points that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// In the order they are joined. What is no number is left out.
    pub points: Vec<Point>,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// On the axis below.
    pub x: f64,
    /// Upwards.
    pub y: f64,
    /// How far the truth may be away, up and down.
    pub half: Option<f64>,
}

/// A line across all panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// On the axis below.
    pub x: f64,
    /// What it says: `knee 25`.
    pub text: String,
}

impl Axis {
    /// `latency, ms`.
    pub fn heading(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{}, {}", self.label, self.unit) }
    }

    /// It can be shown on this axis.
    fn shows(&self, figure: f64) -> bool {
        figure.is_finite() && (self.scale == Scale::Linear || figure > 0.0)
    }
}

impl Chart {
    /// The points of a series that can be shown.
    fn shown<'a>(&'a self, panel: &'a Panel, series: &'a Series) -> impl Iterator<Item = Point> + 'a {
        let points = series.points.iter().copied();
        points.filter(|point| self.x.shows(point.x) && panel.y.shows(point.y))
    }

    /// Every place on the axis below that has a point, each once, in order.
    fn places(&self) -> Vec<f64> {
        let mut places: Vec<f64> = Vec::new();
        for panel in &self.panels {
            for series in &panel.series {
                places.extend(self.shown(panel, series).map(|point| point.x));
            }
        }
        places.sort_unstable_by(f64::total_cmp);
        places.dedup();
        places
    }
}
