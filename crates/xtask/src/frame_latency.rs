use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// From frames to motions that took over because of what they showed.
#[derive(Clone, Debug, Default)]
pub struct FrameLatency {
    /// When new motions take over, wall clock, nanoseconds.
    pub takes_over_ns: Vec<i64>,
    /// From the publishing of a frame until the new motion takes over, milliseconds.
    pub to_trajectory_ms: Vec<f64>,
    /// From the moment at which the planner has what the frame showed until control has taken
    /// the new motion in, milliseconds.
    pub planning_and_joining_ms: Vec<f64>,
    /// What planning took of that.
    pub planning_ms: Vec<f64>,
}

impl FrameLatency {
    /// Joins what simulator (`stamp published`) and planner (`stamp takes_over planning joined`) wrote down.
    pub fn read(frames: &Path, takeovers: &Path) -> Result<Self> {
        let text = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        Self::joined(&text(frames)?, &text(takeovers)?)
    }

    fn joined(frames: &str, takeovers: &str) -> Result<Self> {
        let published: BTreeMap<i64, i64> = frames
            .lines()
            .map(numbers)
            .map(|line| line.map(|[a, b]| (a, b)))
            .collect::<Result<_>>()?;
        let mut latency = Self::default();
        for line in takeovers.lines() {
            let [frame, takes_over, planning, joined] = numbers(line)?;
            let published = published
                .get(&frame)
                .with_context(|| format!("nobody published the frame {frame} of a takeover"))?;
            latency.takes_over_ns.push(takes_over);
            latency.to_trajectory_ms.push((takes_over - published) as f64 * 1e-6);
            latency.planning_ms.push(planning as f64 * 1e-6);
            latency.planning_and_joining_ms.push(joined as f64 * 1e-6);
        }
        Ok(latency)
    }

    /// Takes another run in.
    pub fn add(&mut self, other: &Self) {
        self.takes_over_ns.extend(&other.takes_over_ns);
        self.to_trajectory_ms.extend(&other.to_trajectory_ms);
        self.planning_ms.extend(&other.planning_ms);
        self.planning_and_joining_ms.extend(&other.planning_and_joining_ms);
    }
}

fn numbers<const N: usize>(line: &str) -> Result<[i64; N]> {
    let words: Vec<i64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let found = words.len();
    let numbers = words.try_into().ok();
    ensure!(numbers.is_some(), "'{line}' has {found} numbers, not {N}");
    numbers.context("it has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantiles::Spread;

    #[test]
    fn takeovers_are_measured_from_their_own_frames() {
        let frames = "100 5000000\n200 72000000\n";
        let latency = FrameLatency::joined(frames, "200 139000000 3000000 4000000\n").unwrap();
        assert_eq!((latency.to_trajectory_ms[0], latency.planning_ms[0]), (67.0, 3.0));
        assert_eq!(latency.planning_and_joining_ms, [4.0]);
        assert!(FrameLatency::joined(frames, "300 1 1 1\n").is_err());
        assert!(FrameLatency::joined(frames, "200 1\n").is_err());
        assert!(Spread::of(&[]).is_none());
    }
}
