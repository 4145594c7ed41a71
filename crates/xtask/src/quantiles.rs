use serde::Serialize;

/// The value that a share of all values does not exceed; there must be one.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Two quantiles that users ask for, and the worst.
#[derive(Clone, Debug, Serialize)]
pub struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
    samples: usize,
}

impl Spread {
    /// Of values; none of none.
    pub fn of(values: &[f64]) -> Option<Self> {
        (!values.is_empty()).then(|| Self {
            p50: quantile(values, 0.5),
            p99: quantile(values, 0.99),
            max: quantile(values, 1.0),
            samples: values.len(),
        })
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50, p99, max, samples } = self;
        write!(f, "p50 {p50:.1}, p99 {p99:.1}, max {max:.1} ms over {samples}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!((quantile(&values, 0.5), quantile(&values, 0.999)), (500.0, 999.0));
        assert_eq!((quantile(&values, 1.0), quantile(&[7.0], 0.5)), (1000.0, 7.0));
    }
}
