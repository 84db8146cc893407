//! A picture in characters.

use unicode_width::UnicodeWidthStr;

use super::scale::{Range, figure, ticks_across};
use ::text::{clean, wrapped};

use super::{Chart, Ink, Line, Panel};

/// Columns at least: below, nothing can be told.
const WIDTH_MIN: usize = 40;
/// Columns at most: lines across a whole wall are hard to follow.
const WIDTH_MAX: usize = 160;

/// How it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// Rows of each panel.
    pub height: usize,
    /// Nothing but ASCII.
    pub ascii: bool,
}

struct Marks {
    points: [char; 4],
    path: char,
    bar: char,
    bar_top: char,
    bar_bottom: char,
    marker: char,
    upright: char,
    tick: char,
    corner: char,
    flat: char,
    tick_below: char,
}

const UNICODE: Marks = Marks {
    points: ['●', '○', '▲', '◇'],
    path: '·',
    bar: '│',
    bar_top: '┬',
    bar_bottom: '┴',
    marker: '┊',
    upright: '│',
    tick: '┤',
    corner: '└',
    flat: '─',
    tick_below: '┬',
};

const ASCII: Marks = Marks {
    points: ['*', 'o', '+', 'x'],
    path: '.',
    bar: '|',
    bar_top: '-',
    bar_bottom: '-',
    marker: ':',
    upright: '|',
    tick: '+',
    corner: '+',
    flat: '-',
    tick_below: '+',
};

/// The lines of a picture.
pub fn text(chart: &Chart, look: Look) -> Vec<Line> {
    let width = look.width.clamp(WIDTH_MIN, WIDTH_MAX);
    let marks = if look.ascii { &ASCII } else { &UNICODE };
    let height = look.height.clamp(3, 60);
    let upwards: Vec<(Range, Vec<f64>)> =
        chart.panels.iter().map(|panel| Range::upwards(chart, panel)).collect();
    let gutter =
        upwards.iter().flat_map(|(_, ticks)| ticks.iter().map(|tick| figure(*tick).len())).max().unwrap_or(1);
    let across = Across { range: Range::across(chart), left: gutter + 2, columns: width - gutter - 3 };
    let mut lines: Vec<Line> =
        wrapped(&clean(&chart.title), width).into_iter().map(|line| Line::of(Ink::Strong, line)).collect();
    lines.extend(wrapped(&clean(&chart.subtitle), width).into_iter().map(|line| Line::of(Ink::Faint, line)));
    for (panel, (range, ticks)) in chart.panels.iter().zip(&upwards) {
        lines.push(heading(panel, marks));
        let grid = Grid::drawn(chart, panel, *range, &across, height, marks);
        lines.extend(grid.lines(*range, ticks, gutter, marks));
        lines.push(foot(chart, &across, gutter, marks));
    }
    if !chart.panels.is_empty() {
        lines.extend(below(chart, &across, width));
    }
    // A name may be longer than any terminal is wide.
    lines.into_iter().map(|line| if line.width() > width { line.clipped(width) } else { line }).collect()
}

/// Columns from left to right.
struct Across {
    range: Range,
    left: usize,
    columns: usize,
}

impl Across {
    fn column(&self, x: f64) -> usize {
        let last = self.columns.saturating_sub(1);
        ((self.range.place(x) * last as f64).round() as usize).min(last)
    }
}

fn heading(panel: &Panel, marks: &Marks) -> Line {
    let mut line = Line::of(Ink::Strong, clean(&panel.y.heading()));
    for (number, series) in panel.series.iter().enumerate() {
        line.push(Ink::Plain, "   ");
        let mark = marks.points[number % marks.points.len()];
        line.push(Ink::Series(number), &format!("{mark} {}", clean(&series.name)));
    }
    line
}

struct Grid {
    cells: Vec<Vec<(char, Ink)>>,
}

impl Grid {
    fn drawn(
        chart: &Chart,
        panel: &Panel,
        range: Range,
        across: &Across,
        height: usize,
        marks: &Marks,
    ) -> Self {
        let mut grid = Self { cells: vec![vec![(' ', Ink::Plain); across.columns]; height] };
        if let Some(marker) = &chart.marker {
            for row in 0..height {
                grid.put(row, across.column(marker.x), marks.marker, Ink::Marked);
            }
        }
        // Paths of all series first, then bars, then points: what counts more lies above.
        for (number, series) in panel.series.iter().enumerate() {
            let points: Vec<_> = chart.shown(panel, series).collect();
            for two in points.windows(2) {
                let ends = [0, 1].map(|at| (across.column(two[at].x), range.place(two[at].y)));
                grid.path(ends, marks.path, Ink::Series(number));
            }
        }
        for (number, series) in panel.series.iter().enumerate() {
            for point in chart.shown(panel, series) {
                if let Some(half) = point.half.filter(|half| half.is_finite()) {
                    let ends = (grid.row(range.place(point.y + half)), grid.row(range.place(point.y - half)));
                    grid.bar(across.column(point.x), ends, marks, Ink::Series(number));
                }
            }
        }
        for (number, series) in panel.series.iter().enumerate() {
            for point in chart.shown(panel, series) {
                let row = grid.row(range.place(point.y));
                let mark = marks.points[number % marks.points.len()];
                grid.put(row, across.column(point.x), mark, Ink::Series(number));
            }
        }
        grid
    }

    /// The row of a place from 0 below to 1 above.
    fn row(&self, place: f64) -> usize {
        let last = self.cells.len().saturating_sub(1);
        last - ((place * last as f64).round() as usize).min(last)
    }

    fn put(&mut self, row: usize, column: usize, mark: char, ink: Ink) {
        if let Some(cell) = self.cells.get_mut(row).and_then(|row| row.get_mut(column)) {
            *cell = (mark, ink);
        }
    }

    fn path(&mut self, [from, to]: [(usize, f64); 2], mark: char, ink: Ink) {
        for column in from.0 + 1..to.0 {
            let part = (column - from.0) as f64 / (to.0 - from.0) as f64;
            let row = self.row(part.mul_add(to.1 - from.1, from.1));
            self.put(row, column, mark, ink);
        }
    }

    fn bar(&mut self, column: usize, (top, bottom): (usize, usize), marks: &Marks, ink: Ink) {
        if top == bottom {
            return;
        }
        for row in top + 1..bottom {
            self.put(row, column, marks.bar, ink);
        }
        self.put(top, column, marks.bar_top, ink);
        self.put(bottom, column, marks.bar_bottom, ink);
    }

    fn lines(&self, range: Range, ticks: &[f64], gutter: usize, marks: &Marks) -> Vec<Line> {
        let mut labels: Vec<Option<String>> = vec![None; self.cells.len()];
        for tick in ticks {
            // Where rows are few, the first tick of a row has it.
            if let Some(label) = labels.get_mut(self.row(range.place(*tick))) {
                label.get_or_insert_with(|| figure(*tick));
            }
        }
        let row = |(label, cells): (&Option<String>, &Vec<(char, Ink)>)| {
            let mark = if label.is_some() { marks.tick } else { marks.upright };
            let label = label.as_deref().unwrap_or_default();
            let mut line = Line::of(Ink::Faint, format!("{label:>gutter$} {mark}"));
            for (mark, ink) in cells {
                line.push(*ink, mark.encode_utf8(&mut [0; 4]));
            }
            line
        };
        labels.iter().zip(&self.cells).map(row).collect()
    }
}

/// The axis itself.
fn foot(chart: &Chart, across: &Across, gutter: usize, marks: &Marks) -> Line {
    let mut cells = vec![marks.flat; across.columns];
    for tick in ticks_across(chart) {
        if let Some(cell) = cells.get_mut(across.column(tick)) {
            *cell = marks.tick_below;
        }
    }
    let axis: String = cells.into_iter().collect();
    Line::of(Ink::Faint, format!("{:gutter$} {}{axis}", "", marks.corner))
}

/// What is written below the axis: figures where there is room, the axis's name, and what the marker says.
fn below(chart: &Chart, across: &Across, width: usize) -> Vec<Line> {
    let mut figures = String::new();
    for tick in ticks_across(chart) {
        let label = figure(tick);
        let middle = across.left + across.column(tick);
        let begin = middle.saturating_sub(label.len() / 2).min(width.saturating_sub(label.len()));
        let free = if figures.is_empty() { 0 } else { figures.len() + 1 };
        if begin >= free {
            figures.push_str(&" ".repeat(begin - figures.len()));
            figures.push_str(&label);
        }
    }
    let mut lines = vec![Line::of(Ink::Faint, figures)];
    let name = clean(&chart.x.heading());
    let room = width.saturating_sub(across.left).saturating_sub(name.width());
    let mut line = Line::of(Ink::Faint, format!("{}{name}", " ".repeat(across.left + room / 2)));
    if let Some(marker) = &chart.marker {
        let said = clean(&marker.text);
        let middle = across.left + across.column(marker.x);
        let begin = middle.saturating_sub(said.width() / 2).min(width.saturating_sub(said.width()));
        lines.insert(1, Line::of(Ink::Marked, format!("{}{said}", " ".repeat(begin))));
    }
    lines.push(std::mem::take(&mut line));
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Marker, Point, Scale, Series};
    use super::*;

    fn chart() -> Chart {
        let axis =
            |label: &str, unit: &str| Axis { label: label.into(), unit: unit.into(), scale: Scale::Linear };
        let series = |name: &str, figures: &[(f64, f64, f64)]| Series {
            name: name.into(),
            points: figures.iter().map(|&(x, y, half)| Point { x, y, half: Some(half) }).collect(),
        };
        Chart {
            title: "Pools \u{1b}[31m".into(),
            subtitle: "of a load".into(),
            note: "flat".into(),
            x: axis("pool size", "connections"),
            panels: vec![
                Panel {
                    y: axis("throughput", "per s"),
                    series: vec![series("seen", &[(10.0, 50.0, 12.0), (20.0, 90.0, 1.0), (40.0, 92.0, 1.0)])],
                },
                Panel {
                    y: axis("latency", "ms"),
                    series: vec![
                        series("mean", &[(10.0, 50.0, 1.0), (40.0, 20.0, 1.0)]),
                        series("p99", &[(10.0, 90.0, 1.0), (40.0, f64::NAN, 1.0)]),
                    ],
                },
            ],
            marker: Some(Marker { x: 20.0, text: "knee 20".into() }),
        }
    }

    fn plain(ascii: bool) -> Vec<String> {
        text(&chart(), Look { width: 48, height: 6, ascii }).iter().map(Line::plain).collect()
    }

    #[test]
    fn it_is_drawn_in_ascii() {
        let wanted = [
            "Pools ?[31m",
            "of a load",
            "throughput, per s   * seen",
            "100 +              *........................*",
            " 80 +        ......-",
            " 60 +  *.....      :",
            " 40 +  -           :",
            " 20 +              :",
            "  0 +              :",
            "    +--+-----------+------------------------+--",
            "latency, ms   * mean   o p99",
            "100 +  o           :",
            " 80 +  -           :",
            " 60 +  *           :",
            " 40 +  -........................",
            " 20 +              :            ............*",
            "  0 +              :",
            "    +--+-----------+------------------------+--",
            "      10          20                       40",
            "                knee 20",
            "               pool size, connections",
        ];
        assert_eq!(plain(true), wanted);
    }

    #[test]
    fn it_is_drawn_in_unicode() {
        let wanted = [
            "throughput, per s   ● seen",
            "100 ┤              ●························●",
            " 80 ┤        ······┴",
            " 60 ┤  ●·····      ┊",
            " 40 ┤  ┴           ┊",
            " 20 ┤              ┊",
            "  0 ┤              ┊",
            "    └──┬───────────┬────────────────────────┬──",
            "latency, ms   ● mean   ○ p99",
        ];
        assert_eq!(plain(false)[2..11], wanted);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_none_has_an_escape() {
        for width in [0, 40, 41, 60, 79, 80, 132, 500] {
            for ascii in [false, true] {
                for line in text(&chart(), Look { width, height: 8, ascii }) {
                    assert!(line.width() <= width.clamp(WIDTH_MIN, WIDTH_MAX), "{width}: {line:?}");
                    assert!(!line.plain().contains('\u{1b}'));
                    assert!(!ascii || line.plain().is_ascii(), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn every_series_and_the_marker_have_an_ink_of_their_own() {
        let lines = text(&chart(), Look { width: 60, height: 8, ascii: false });
        let has = |ink| lines.iter().flat_map(|line| &line.spans).any(|span| span.ink == ink);
        assert!([Ink::Series(0), Ink::Series(1), Ink::Marked, Ink::Faint, Ink::Strong].into_iter().all(has));
        assert!(!has(Ink::Series(2)));
    }

    #[test]
    fn nothing_to_show_is_an_empty_picture() {
        let mut empty = chart();
        empty.panels[0].series[0].points.clear();
        empty.panels[1].series.clear();
        empty.marker = None;
        assert!(text(&empty, Look { width: 60, height: 8, ascii: true }).len() > 16);
        empty.panels.clear();
        assert_eq!(text(&empty, Look { width: 60, height: 8, ascii: true }).len(), 2);
    }
}
