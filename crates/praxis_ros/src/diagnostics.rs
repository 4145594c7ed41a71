use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use r2r::QosProfile;
use r2r::diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue};

use crate::clock::Clock;
use crate::convert::ToMsg;
use crate::error::RosError;
use crate::node::Node;

/// How well something is (`diagnostic_msgs/DiagnosticStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Works.
    #[default]
    Ok = 0,
    /// Works, worse than it should.
    Warn = 1,
    /// Does not work.
    Error = 2,
    /// Should be there and is not.
    Stale = 3,
}

#[derive(Clone, Debug, Default)]
struct Status {
    level: Level,
    message: String,
    values: BTreeMap<String, String>,
}

/// What a node tells about itself once a second on `/diagnostics`; writable from any thread.
#[derive(Clone, Debug)]
pub struct Diagnostics(Arc<Mutex<BTreeMap<String, Status>>>);

impl Diagnostics {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Status>> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Says how a part of the node is.
    pub fn report(&self, part: &str, level: Level, message: impl Into<String>) {
        let mut parts = self.lock();
        let status = parts.entry(part.to_owned()).or_default();
        status.level = level;
        status.message = message.into();
    }

    /// Sets one figure of a part.
    pub fn value(&self, part: &str, key: &str, value: impl ToString) {
        let mut parts = self.lock();
        let status = parts.entry(part.to_owned()).or_default();
        status.values.insert(key.to_owned(), value.to_string());
    }

    /// Sets the percentiles of a latency.
    pub fn latency(&self, part: &str, key: &str, latency: &Latency) {
        if let Some([p50, p95, p99, max]) = latency.percentiles_ms() {
            self.value(part, &format!("{key}_p50_ms"), format!("{p50:.3}"));
            self.value(part, &format!("{key}_p95_ms"), format!("{p95:.3}"));
            self.value(part, &format!("{key}_p99_ms"), format!("{p99:.3}"));
            self.value(part, &format!("{key}_max_ms"), format!("{max:.3}"));
        }
    }
}

impl Node {
    /// Publishes what is reported, once a second; every part is named `<node>: <part>`.
    pub fn diagnostics(&mut self, name: &str, clock: &Clock) -> Result<Diagnostics, RosError> {
        let diagnostics = Diagnostics(Arc::default());
        diagnostics.report("node", Level::Ok, "running");
        let publisher = self.publisher::<DiagnosticArray>("/diagnostics", QosProfile::default())?;
        let (ours, clock, name) = (diagnostics.clone(), clock.clone(), name.to_owned());
        self.every(Duration::from_secs(1), move || {
            let status = ours.lock().iter().map(|(part, s)| to_status(&name, part, s)).collect();
            let mut message = DiagnosticArray { status, ..DiagnosticArray::default() };
            message.header.stamp = clock.now().to_msg();
            publisher.publish(&message);
        });
        Ok(diagnostics)
    }
}

fn to_status(name: &str, part: &str, status: &Status) -> DiagnosticStatus {
    let pairs = status.values.iter();
    DiagnosticStatus {
        level: status.level as u8,
        name: format!("{name}: {part}"),
        message: status.message.clone(),
        hardware_id: name.to_owned(),
        values: pairs
            .map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() })
            .collect(),
    }
}

/// The newest spans of something that happens often.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    newest: VecDeque<f64>,
}

impl Latency {
    const KEPT: usize = 1024;

    /// Adds one span.
    pub fn add(&mut self, span: Duration) {
        if self.newest.len() == Self::KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(span.as_secs_f64() * 1e3);
    }

    /// Median, 95th and 99th percentile and maximum of the newest spans in milliseconds, if there
    /// are any.
    pub fn percentiles_ms(&self) -> Option<[f64; 4]> {
        let mut sorted: Vec<f64> = self.newest.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| sorted[(share * last as f64).round() as usize];
        Some([at(0.5), at(0.95), at(0.99), sorted[last]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_newest_spans() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentiles_ms(), None);
        for ms in 0..2000 {
            latency.add(Duration::from_millis(ms));
        }
        let [p50, p95, p99, max] = latency.percentiles_ms().unwrap();
        assert_eq!(max, 1999.0);
        assert!((p50 - 1488.0).abs() < 1.5 && (p99 - 1989.0).abs() < 1.5, "{p50} {p99}");
        assert!((p95 - 1948.0).abs() < 1.5, "{p95}");
    }
}
