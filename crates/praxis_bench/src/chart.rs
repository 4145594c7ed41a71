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

/// A range between round numbers that holds values, as powers of ten.
struct Axis {
    low: f64,
    high: f64,
}

/// What the numbers at an axis begin with.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let greatest = values.fold(f64::MIN_POSITIVE, f64::max);
        let all = Self { low: least.log10().floor(), high: greatest.log10().ceil() };
        let below = all.rounds().filter(|&value| value <= least).last();
        let above = all.rounds().find(|&value| value >= greatest);
        let low = below.map_or(all.low, f64::log10);
        Self { low, high: above.map_or(all.high, f64::log10).max(low + 0.3) }
    }

    /// Where a value stands, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    /// Round numbers within the range.
    fn rounds(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low - 1e-9, self.high + 1e-9);
        (self.low.floor() as i32..=self.high.ceil() as i32)
            .flat_map(|power| ROUND.map(|first| first * 10_f64.powi(power)))
            .filter(move |value| (low..=high).contains(&value.log10()))
    }

    /// The numbers that are written beside it: whole decades if there are many.
    fn marks(&self) -> Vec<f64> {
        let is_decade = |value: f64| (value.log10() - value.log10().round()).abs() < 1e-9;
        let all_fit = self.high - self.low < 2.5;
        self.rounds().filter(|&value| all_fit || is_decade(value)).collect()
    }
}

/// A number without the noise of its last digits.
fn written(value: f64) -> String {
    let digits = (-value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// Charts side by side, two a row.
pub fn svg(charts: &[Chart]) -> String {
    let [width, height] = [FRAME[0] + 2.0 * ROOM[0], FRAME[1] + 2.0 * ROOM[1]];
    let rows = charts.len().div_ceil(2);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
         font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
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
    for value in x_axis.marks() {
        line([at_x(value), top], [at_x(value), top + FRAME[1]]);
    }
    for value in y_axis.marks() {
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
    for value in x_axis.marks() {
        say(at_x(value), top + FRAME[1] + 14.0, "middle", "#333", &written(value));
    }
    for value in y_axis.marks() {
        say(left - 5.0, at_y(value) + 4.0, "end", "#333", &written(value));
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
        for &(x, y) in &series.points {
            let (x, y) = (at_x(x), at_y(y));
            put(
                text,
                format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"),
            );
        }
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
        let decade = axis.share(100.0) - axis.share(10.0);
        assert!((decade - (axis.share(300.0) - axis.share(30.0))).abs() < 1e-12);
        assert!((axis.share(2.0), axis.share(1000.0)) == (0.0, 1.0));
        assert_eq!(axis.marks(), [10.0, 100.0, 1000.0]);
    }

    #[test]
    fn a_short_axis_is_marked_between_decades_too() {
        let marks = Axis::over([0.3, 7.0].into_iter()).marks();
        let texts: Vec<String> = marks.into_iter().map(written).collect();
        assert_eq!(texts, ["0.2", "0.5", "1", "2", "5", "10"]);
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
