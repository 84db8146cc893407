//! A picture as SVG: one file, no font, script or style from elsewhere. Light, or dark where the reader's screen is; series
//! differ by shape as well as by colour; a screen reader finds title and description, a mouse the figures.

use std::fmt::Write;

use super::scale::{Range, figure, ticks_across, with_unit};
use ::text::{clean, wrapped};

use super::{Chart, Panel, Point};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 24.0;
/// The first panel begins here, if the subtitle has no line.
const TOP: f64 = 62.0;
const SUBTITLE: f64 = 18.0;
/// Letters in a line of the subtitle: with any font they fit.
const SUBTITLE_CHARS: usize = 92;
const PANEL: f64 = 190.0;
const GAP: f64 = 44.0;
const BOTTOM: f64 = 56.0;

/// Blue, vermilion, green, purple: told apart also by those who see few colours, and by lightness.
const STYLE: &str = "\
.cw-back{fill:#ffffff}.cw-text{fill:#22303c}.cw-faint{fill:#5d6b76}.cw-grid{stroke:#d9dee3}.cw-axis{stroke:#8996a1}\
.cw-mark{stroke:#9a6700}.cw-said{fill:#7a5200}\
.cw-s0{stroke:#0063a8;fill:#0063a8}.cw-s1{stroke:#c24a00;fill:#c24a00}\
.cw-s2{stroke:#00795a;fill:#00795a}.cw-s3{stroke:#9c3d7c;fill:#9c3d7c}.cw-path{fill:none}\
@media (prefers-color-scheme:dark){\
.cw-back{fill:#161b21}.cw-text{fill:#e6ebef}.cw-faint{fill:#a4b0ba}.cw-grid{stroke:#2d363f}.cw-axis{stroke:#6c7985}\
.cw-mark{stroke:#e3b341}.cw-said{fill:#e3b341}\
.cw-s0{stroke:#5cb3f0;fill:#5cb3f0}.cw-s1{stroke:#f08c4a;fill:#f08c4a}\
.cw-s2{stroke:#3ac79c;fill:#3ac79c}.cw-s3{stroke:#dd8fc3;fill:#dd8fc3}.cw-path{fill:none}}";

/// The picture, a whole document.
pub fn svg(chart: &Chart) -> String {
    let panels = chart.panels.len().max(1) as f64;
    let subtitle = wrapped(&clean(&chart.subtitle), SUBTITLE_CHARS);
    let first = TOP + subtitle.len() as f64 * SUBTITLE;
    let height = first + panels * PANEL + (panels - 1.0) * GAP + BOTTOM;
    let (title, note) = (escaped(&chart.title), escaped(&chart.note));
    let id = slug(&chart.title);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"system-ui, 'Segoe UI', \
         'DejaVu Sans', Arial, sans-serif\" font-size=\"13\">\n\
         <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{note}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"cw-back\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n"
    );
    word(&mut out, LEFT, 26.0, "cw-text", "start", &format!("font-size=\"16\" font-weight=\"600\">{title}"));
    for (number, line) in subtitle.iter().enumerate() {
        let y = SUBTITLE.mul_add(number as f64, 46.0);
        word(&mut out, LEFT, y, "cw-faint", "start", &format!("font-size=\"12.5\">{}", escaped(line)));
    }
    let across = Range::across(chart);
    marker(&mut out, chart, &across, first, height - BOTTOM);
    for (number, panel) in chart.panels.iter().enumerate() {
        let top = first + number as f64 * (PANEL + GAP);
        draw(&mut out, chart, panel, &across, top);
    }
    below(&mut out, chart, &across, height - BOTTOM);
    out.push_str("</svg>\n");
    out
}

fn x_of(across: &Range, x: f64) -> f64 {
    across.place(x).mul_add(WIDTH - LEFT - RIGHT, LEFT)
}

fn draw(out: &mut String, chart: &Chart, panel: &Panel, across: &Range, top: f64) {
    let (range, ticks) = Range::upwards(chart, panel);
    let y_of = |y: f64| top + PANEL * (1.0 - range.place(y));
    let right = WIDTH - RIGHT;
    for tick in ticks {
        let y = y_of(tick);
        put(out, format_args!("<path class=\"cw-grid\" d=\"M{LEFT} {y:.1}H{right}\"/>\n"));
        word(out, LEFT - 8.0, y + 4.5, "cw-faint", "end", &format!(">{}", figure(tick)));
    }
    let bottom = top + PANEL;
    put(out, format_args!("<path class=\"cw-axis cw-path\" d=\"M{LEFT} {top}V{bottom}H{right}\"/>\n"));
    legend(out, panel, top - 10.0);
    for (number, series) in panel.series.iter().enumerate() {
        let class = number % 4;
        let points: Vec<Point> = chart.shown(panel, series).collect();
        let path: Vec<String> =
            points.iter().map(|point| format!("{:.1} {:.1}", x_of(across, point.x), y_of(point.y))).collect();
        if path.len() > 1 {
            let d = path.join("L");
            put(
                out,
                format_args!(
                    "<path class=\"cw-s{class} cw-path\" stroke-width=\"2\" stroke-opacity=\"0.75\" d=\"M{d}\"/>\n"
                ),
            );
        }
        for point in points {
            let (x, y) = (x_of(across, point.x), y_of(point.y));
            put(
                out,
                format_args!(
                    "<g class=\"cw-s{class}\"><title>{}</title>",
                    said(chart, panel, series.name.as_str(), point)
                ),
            );
            if let Some(half) = point.half.filter(|half| half.is_finite() && *half > 0.0) {
                let (high, low) = (y_of(point.y + half), y_of(point.y - half));
                let (from, to) = (x - 5.0, x + 5.0);
                put(
                    out,
                    format_args!(
                        "<path class=\"cw-path\" stroke-width=\"1.5\" d=\"M{x:.1} {high:.1}V{low:.1}M{from:.1} {high:.1}H{to:.1}M{from:.1} {low:.1}H{to:.1}\"/>"
                    ),
                );
            }
            shape(out, class, x, y);
            out.push_str("</g>\n");
        }
    }
}

/// The figures of a point, for whoever points at it.
fn said(chart: &Chart, panel: &Panel, name: &str, point: Point) -> String {
    let half = point.half.map_or_else(String::new, |half| format!(" \u{b1} {}", figure(half)));
    let y = if panel.y.unit.is_empty() { String::new() } else { format!(" {}", panel.y.unit) };
    escaped(&format!("{name} at {}: {}{half}{y}", with_unit(point.x, &chart.x), figure(point.y)))
}

fn legend(out: &mut String, panel: &Panel, y: f64) {
    word(out, LEFT, y, "cw-text", "start", &format!("font-weight=\"600\">{}", escaped(&panel.y.heading())));
    let mut end = WIDTH - RIGHT;
    for (number, series) in panel.series.iter().enumerate().rev() {
        let name = escaped(&series.name);
        word(out, end, y, "cw-text", "end", &format!(">{name}"));
        // No font's letters are wider on average; a legend that is a little loose is no harm.
        end -= series.name.chars().count() as f64 * 8.0 + 14.0;
        put(out, format_args!("<g class=\"cw-s{}\">", number % 4));
        shape(out, number % 4, end, y - 4.5);
        out.push_str("</g>\n");
        end -= 22.0;
    }
}

fn shape(out: &mut String, kind: usize, x: f64, y: f64) {
    let (left, right, up, down) = (x - 4.5, x + 4.5, y - 4.5, y + 4.5);
    match kind {
        0 => put(out, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\" stroke=\"none\"/>")),
        1 => put(
            out,
            format_args!("<rect x=\"{left:.1}\" y=\"{up:.1}\" width=\"9\" height=\"9\" stroke=\"none\"/>"),
        ),
        2 => put(
            out,
            format_args!("<path stroke=\"none\" d=\"M{left:.1} {down:.1}H{right:.1}L{x:.1} {up:.1}z\"/>"),
        ),
        _ => put(
            out,
            format_args!(
                "<path stroke=\"none\" d=\"M{left:.1} {y:.1}L{x:.1} {up:.1}L{right:.1} {y:.1}L{x:.1} {down:.1}z\"/>"
            ),
        ),
    }
}

fn below(out: &mut String, chart: &Chart, across: &Range, bottom: f64) {
    let mut free = f64::NEG_INFINITY;
    for tick in ticks_across(chart) {
        let x = x_of(across, tick);
        put(out, format_args!("<path class=\"cw-axis\" d=\"M{x:.1} {bottom}v5\"/>\n"));
        let label = figure(tick);
        let half = label.len() as f64 * 4.0 + 3.0;
        if x - half > free {
            word(out, x, bottom + 20.0, "cw-faint", "middle", &format!(">{label}"));
            free = x + half;
        }
    }
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    word(out, middle, bottom + 42.0, "cw-text", "middle", &format!(">{}", escaped(&chart.x.heading())));
}

/// A line through all panels, and what it says: between the first two, where nothing else is, or inside the only one.
fn marker(out: &mut String, chart: &Chart, across: &Range, top: f64, bottom: f64) {
    let Some(marker) = &chart.marker else { return };
    let x = x_of(across, marker.x);
    put(
        out,
        format_args!(
            "<path class=\"cw-mark cw-path\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\" d=\"M{x:.1} {top}V{bottom}\"/>\n"
        ),
    );
    let (at, anchor) = if x > WIDTH / 2.0 { (x - 7.0, "end") } else { (x + 7.0, "start") };
    let y = if chart.panels.len() > 1 { top + PANEL + 18.0 } else { bottom - 10.0 };
    word(out, at, y, "cw-said", anchor, &format!("font-weight=\"600\">{}", escaped(&marker.text)));
}

fn word(out: &mut String, x: f64, y: f64, class: &str, anchor: &str, rest: &str) {
    let space = if rest.starts_with('>') { "" } else { " " };
    put(
        out,
        format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\"{space}{rest}</text>\n"
        ),
    );
}

/// Writing into a text cannot fail.
fn put(out: &mut String, piece: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(piece);
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A name that is fit for an id: several pictures in one page do not share theirs.
fn slug(title: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("cw-{}", title.chars().take(40).map(word).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Marker, Scale, Series};
    use super::*;

    fn chart() -> Chart {
        let axis =
            |label: &str, unit: &str| Axis { label: label.into(), unit: unit.into(), scale: Scale::Linear };
        Chart {
            title: "<b>&\"api'\u{7}".into(),
            subtitle: "c & d".into(),
            note: "a & b".into(),
            x: axis("pool size", "connections"),
            panels: vec![Panel {
                y: axis("latency", "ms"),
                series: vec![Series {
                    name: "p<99".into(),
                    points: vec![
                        Point { x: 10.0, y: 50.0, half: Some(5.0) },
                        Point { x: 20.0, y: f64::INFINITY, half: None },
                        Point { x: 40.0, y: 20.0, half: None },
                    ],
                }],
            }],
            marker: Some(Marker { x: 40.0, text: "knee <40>".into() }),
        }
    }

    /// Opening and closing tags, in order; a text in between may hold no bare sign.
    fn is_balanced(svg: &str) -> bool {
        let mut open = Vec::new();
        for piece in svg.split('<').skip(1) {
            let Some((tag, text)) = piece.split_once('>') else { return false };
            if text.contains('>') || text.split('&').skip(1).any(|entity| !entity.contains(';')) {
                return false;
            }
            if let Some(name) = tag.strip_prefix('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap_or_default());
            }
        }
        open.is_empty()
    }

    #[test]
    fn texts_from_outside_stay_texts() {
        let svg = svg(&chart());
        assert!(is_balanced(&svg), "{svg}");
        assert!(svg.contains("&lt;b&gt;&amp;&quot;api&#39;?"));
        assert!(svg.contains("p&lt;99 at 10 connections: 50 \u{b1} 5 ms"));
        assert!(!svg.contains("<b>"));
    }

    #[test]
    fn it_stands_alone_and_says_what_it_is() {
        let svg = svg(&chart());
        assert!(
            svg.contains("role=\"img\"") && svg.contains("<desc id=\"cw--b---api---d\">a &amp; b</desc>")
        );
        assert!(svg.contains("prefers-color-scheme:dark"));
        for outside in ["href", "url(", "@import", "<script", "NaN", "inf"] {
            assert!(!svg.contains(outside), "{outside}");
        }
        assert_eq!(svg.matches("<circle").count(), 3, "two points that are numbers, and the legend");
    }

    #[test]
    fn an_empty_picture_is_one_too() {
        let empty = Chart { panels: Vec::new(), marker: None, ..chart() };
        assert!(is_balanced(&svg(&empty)));
    }
}
