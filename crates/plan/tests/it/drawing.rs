//! Whatever the figures are, there is a picture.

use connwarden_plan::chart::{Axis, Chart, Look, Marker, Panel, Point, Scale, Series, svg, text};
use proptest::prelude::*;
use unicode_width::UnicodeWidthChar;

fn axis() -> impl Strategy<Value = Axis> {
    ("\\PC{0,12}", prop_oneof![Just(Scale::Linear), Just(Scale::Log)]).prop_map(|(label, scale)| Axis {
        label,
        unit: "u".into(),
        scale,
    })
}

/// Any number there is: tiny, huge, negative, infinite, none at all.
fn series() -> impl Strategy<Value = Series> {
    let point = (any::<f64>(), any::<f64>(), any::<Option<f64>>());
    let points = prop::collection::vec(point.prop_map(|(x, y, half)| Point { x, y, half }), 0..6);
    (any::<String>(), points).prop_map(|(name, points)| Series { name, points })
}

fn chart() -> impl Strategy<Value = Chart> {
    let panel = (axis(), prop::collection::vec(series(), 0..6)).prop_map(|(y, series)| Panel { y, series });
    let marker = (any::<f64>(), any::<String>()).prop_map(|(x, text)| Marker { x, text });
    (any::<String>(), axis(), prop::collection::vec(panel, 0..4), prop::option::of(marker)).prop_map(
        |(title, x, panels, marker)| Chart {
            title,
            subtitle: String::new(),
            note: String::new(),
            x,
            panels,
            marker,
        },
    )
}

proptest! {
    #[test]
    fn any_figures_are_drawn_and_no_line_is_too_wide(chart in chart(), width in 0..200_usize, height in 0..30_usize) {
        for ascii in [false, true] {
            for line in text(&chart, Look { width, height, ascii }) {
                prop_assert!(!line.plain().chars().any(char::is_control));
                let columns: usize = line.spans.iter().flat_map(|span| span.text.chars()).filter_map(|c| c.width()).sum();
                prop_assert!(columns <= width.clamp(40, 160), "{line:?}");
            }
        }
        let svg = svg(&chart);
        prop_assert!(svg.ends_with("</svg>\n"));
        prop_assert!(!svg.contains("\"NaN") && !svg.contains("inf "), "{}", svg);
    }
}
