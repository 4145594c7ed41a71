use std::fmt::Write;

/// Width and height of a chart's frame, and the room around it, in pixels.
const FRAME: [f64; 2] = [300.0, 200.0];
const ROOM: [f64; 2] = [60.0, 50.0];
const COLOURS: [&str; 4] = ["#0a5", "#c50", "#05c", "#a0a"];

/// Curves over one axis; both axes are logarithmic.
pub struct Chart {
    /// What grows along the x axis.
    pub title: String,
    /// The curves.
    pub series: Vec<Series>,
}

/// A curve through points with positive coordinates.
pub struct Series {
    /// What it shows, with its unit.
    pub name: String,
    /// x and y.
    pub points: Vec<(f64, f64)>,
}

/// A range of decades that holds values.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let high = values.fold(f64::MIN_POSITIVE, f64::max).log10().ceil();
        Self { low, high: high.max(low + 1.0) }
    }

    /// Where a value stands, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

/// Charts side by side, two a row.
pub fn svg(charts: &[Chart]) -> String {
    let [width, height] = [FRAME[0] + 2.0 * ROOM[0], FRAME[1] + 2.0 * ROOM[1]];
    let rows = charts.len().div_ceil(2);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        2.0 * width,
        rows as f64 * height
    );
    for (k, chart) in charts.iter().enumerate() {
        let corner = [(k % 2) as f64 * width + ROOM[0], (k / 2) as f64 * height + ROOM[1]];
        draw(&mut text, chart, corner);
    }
    text + "</svg>\n"
}

fn draw(text: &mut String, chart: &Chart, [left, top]: [f64; 2]) {
    let points = || chart.series.iter().flat_map(|series| series.points.iter());
    let (x_axis, y_axis) = (Axis::over(points().map(|p| p.0)), Axis::over(points().map(|p| p.1)));
    let at_x = |value: f64| left + FRAME[0] * x_axis.share(value);
    let at_y = |value: f64| top + FRAME[1] * (1.0 - y_axis.share(value));
    let mut line = |from: [f64; 2], to: [f64; 2]| {
        put(
            text,
            format_args!(
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ccc\"/>",
                from[0], from[1], to[0], to[1]
            ),
        );
    };
    for value in x_axis.decades() {
        line([at_x(value), top], [at_x(value), top + FRAME[1]]);
    }
    for value in y_axis.decades() {
        line([left, at_y(value)], [left + FRAME[0], at_y(value)]);
    }
    let mut say = |x: f64, y: f64, anchor: &str, colour: &str, what: &str| {
        put(
            text,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{what}</text>"
            ),
        );
    };
    for value in x_axis.decades() {
        say(at_x(value), top + FRAME[1] + 14.0, "middle", "#333", &value.to_string());
    }
    for value in y_axis.decades() {
        say(left - 5.0, at_y(value) + 4.0, "end", "#333", &value.to_string());
    }
    say(left + 0.5 * FRAME[0], top + FRAME[1] + 30.0, "middle", "#333", &chart.title);
    for (k, series) in chart.series.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        say(left + 5.0, top - 8.0 - 13.0 * k as f64, "start", colour, &series.name);
    }
    for (k, series) in chart.series.iter().enumerate() {
        let colour = COLOURS[k % COLOURS.len()];
        let corners: Vec<String> =
            series.points.iter().map(|&(x, y)| format!("{:.1},{:.1}", at_x(x), at_y(y))).collect();
        put(
            text,
            format_args!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                corners.join(" ")
            ),
        );
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_apart_is_an_equal_way_apart() {
        let axis = Axis::over([3.0, 700.0].into_iter());
        assert_eq!((axis.low, axis.high), (0.0, 3.0));
        assert!((axis.share(10.0) - 1.0 / 3.0).abs() < 1e-12);
        assert!((axis.share(100.0) - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn every_series_is_drawn_once_and_named() {
        let series =
            |name: &str| Series { name: name.to_owned(), points: vec![(1.0, 2.0), (9.0, 30.0)] };
        let chart = || Chart { title: "joints".to_owned(), series: vec![series("a"), series("b")] };
        let text = svg(&[chart(), chart(), chart()]);
        assert_eq!(text.matches("<polyline").count(), 6);
        assert_eq!(text.matches(">a</text>").count(), 3);
        assert!(text.contains("height=\"600\"") && text.ends_with("</svg>\n"));
    }
}
