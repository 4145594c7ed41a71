//! Spreads and run times as JSON.

use std::time::Duration;

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

/// Processor time of each frame, milliseconds.
#[derive(Default)]
pub struct Times {
    network: Vec<f64>,
    rest: Vec<f64>,
}

impl Times {
    /// Takes in one frame.
    pub fn take(&mut self, network: Duration, whole: Duration) {
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        self.network.push(ms(network));
        self.rest.push(ms(whole.saturating_sub(network)));
    }

    /// Median and 99th percentile of each.
    pub fn figures(&self) -> Map<String, Value> {
        let spread = |values: &[f64]| {
            json!({
                "p50": thousandths(percentile(values, 0.5)),
                "p99": thousandths(percentile(values, 0.99)),
            })
        };
        Map::from_iter([
            ("network_cpu_ms".to_owned(), spread(&self.network)),
            ("without_network_cpu_ms".to_owned(), spread(&self.rest)),
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
