use serde::Serialize;

/// What stands for many values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Half of them are not above it.
    pub median: f64,
    /// Their mean.
    pub mean: f64,
    /// 95 % of them are not above it.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Figures {
    /// Of finite values; nothing of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[(share * last as f64).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Self { median: at(0.5), mean, p95: at(0.95), max: values[last] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_one_to_one_hundred() {
        let figures = Figures::of((1..=101).map(f64::from)).unwrap();
        assert_eq!(figures, Figures { median: 51.0, mean: 51.0, p95: 96.0, max: 101.0 });
        assert_eq!(Figures::of([]), None);
    }
}
