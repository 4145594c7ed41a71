//! Spreads and run times as JSON.

use std::time::Duration;

use praxis_perception::StageTimes;
use serde_json::{Map, Value, json};

/// Rounded to a thousandth; null for what was not measured.
pub fn thousandths(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| json!((value * 1e3).round() / 1e3))
}

/// The value that a share of the values does not exceed.
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(share * last as f64).round() as usize])
}

/// Median and 95th percentile.
pub fn median_and_p95(values: &[f64]) -> Value {
    json!({
        "median": thousandths(percentile(values, 0.5)),
        "p95": thousandths(percentile(values, 0.95)),
    })
}

/// Run times of the stages, milliseconds.
#[derive(Default)]
pub struct Times {
    network: Vec<f64>,
    rest: Vec<f64>,
    stages: [(&'static str, Vec<f64>); 5],
}

impl Times {
    /// Takes in those of one frame.
    pub fn take(&mut self, times: &StageTimes, whole: Duration) {
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        self.network.push(ms(times.network));
        self.rest.push(ms(whole.saturating_sub(times.network)));
        let stages = [
            ("preprocess", times.preprocess),
            ("decode", times.decode),
            ("locate", times.locate),
            ("track", times.track),
            ("obstacles", times.obstacles),
        ];
        for (kept, (name, span)) in self.stages.iter_mut().zip(stages) {
            kept.0 = name;
            kept.1.push(ms(span));
        }
    }

    /// Median and 99th percentile of each.
    pub fn figures(&self) -> Map<String, Value> {
        let spread = |values: &[f64]| {
            json!({
                "p50": thousandths(percentile(values, 0.5)),
                "p99": thousandths(percentile(values, 0.99)),
            })
        };
        let stages: Map<String, Value> =
            self.stages.iter().map(|(name, values)| ((*name).to_owned(), spread(values))).collect();
        Map::from_iter([
            ("network_ms".to_owned(), spread(&self.network)),
            ("without_network_ms".to_owned(), spread(&self.rest)),
            ("stages_ms".to_owned(), stages.into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = [3.0, 1.0, 2.0, 5.0, 4.0];
        assert_eq!(percentile(&values, 0.5), Some(3.0));
        assert_eq!(percentile(&values, 0.95), Some(5.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
