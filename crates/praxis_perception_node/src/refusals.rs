//! Frames that give nothing.

use std::time::{Duration, Instant};

use praxis_ros::{Diagnostics, Level};

/// Says why a frame gives nothing: always in the diagnostics, in the log when it is news.
#[derive(Default)]
pub struct Refusals {
    /// How many there were.
    pub count: u64,
    last: Option<(Instant, String)>,
}

impl Refusals {
    /// Tells of one frame that gives no `what`.
    pub fn tell(&mut self, diagnostics: &Diagnostics, part: &str, what: &str, reason: String) {
        const QUIET: Duration = Duration::from_secs(5);
        self.count += 1;
        diagnostics.report(part, Level::Error, reason.as_str());
        let known = self
            .last
            .as_ref()
            .is_some_and(|(when, last)| *last == reason && when.elapsed() < QUIET);
        if !known {
            tracing::warn!(%reason, refused = self.count, "frame gives no {what}");
            self.last = Some((Instant::now(), reason));
        }
    }
}
