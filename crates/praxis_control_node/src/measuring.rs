use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use praxis_ros::{RealTime, go_at_once};

use crate::realtime::{sleep_until, steady_ns};
use crate::shared::Flags;

/// Seconds on the steady clock are the control loop's turn if even and the bare loop's if odd; this
/// much at their borders is nobody's.
const SECOND_NS: i64 = 1_000_000_000;
const BORDER_NS: i64 = 20_000_000;

/// Whose turn it is to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Control,
    Bare,
    Nobody,
}

fn turn(now_ns: i64) -> Turn {
    let into_ns = now_ns.rem_euclid(SECOND_NS);
    if !(BORDER_NS..SECOND_NS - BORDER_NS).contains(&into_ns) {
        return Turn::Nobody;
    }
    if now_ns.div_euclid(SECOND_NS) % 2 == 0 { Turn::Control } else { Turn::Bare }
}

/// Periods of the control loop beside those of a loop that only sleeps, in turns of a second: for
/// `cargo xtask bench control`.
pub struct Measuring {
    file: PathBuf,
    periods_ns: Vec<u32>,
    bare: Option<JoinHandle<Vec<u32>>>,
}

impl Measuring {
    /// Starts the bare loop; everything is written to `file` at the end.
    pub fn start(
        file: PathBuf,
        period_ns: i64,
        realtime: bool,
        flags: Arc<Flags>,
    ) -> std::io::Result<Self> {
        let run = move || bare_loop(period_ns, realtime, &flags);
        let bare = std::thread::Builder::new().name("bare_loop".to_owned()).spawn(run)?;
        Ok(Self { file, periods_ns: Vec::with_capacity(1 << 20), bare: Some(bare) })
    }

    /// Counts a period of the control loop that has just ended.
    pub fn add(&mut self, period_ns: u32) {
        if turn(steady_ns()) == Turn::Control {
            self.periods_ns.push(period_ns);
        }
    }

    /// Writes `control N…` and `bare N…`, nanoseconds.
    pub fn finish(&mut self) -> std::io::Result<()> {
        let bare = self.bare.take().and_then(|bare| bare.join().ok()).unwrap_or_default();
        let line = |name: &str, periods: &[u32]| {
            let words = periods.iter().map(u32::to_string).collect::<Vec<_>>();
            format!("{name} {}\n", words.join(" "))
        };
        std::fs::write(&self.file, line("control", &self.periods_ns) + &line("bare", &bare))
    }
}

/// Sleeps from period to period under the loop's scheduling, half a period beside it.
fn bare_loop(period_ns: i64, realtime: bool, flags: &Flags) -> Vec<u32> {
    if realtime && let Err(error) = go_at_once(RealTime::ControlLoop) {
        tracing::warn!(%error, "no real-time scheduling for the bare loop either");
    }
    let mut periods_ns = Vec::with_capacity(1 << 20);
    let mut due_ns = steady_ns() + period_ns / 2;
    let mut last_ns = due_ns;
    while !flags.is_quitting() {
        sleep_until(due_ns);
        let now_ns = steady_ns();
        let passed = 1 + (now_ns - due_ns).max(0) / period_ns;
        due_ns += passed * period_ns;
        if turn(now_ns) == Turn::Bare && turn(last_ns) == Turn::Bare {
            periods_ns.push(u32::try_from(now_ns - last_ns).unwrap_or(u32::MAX));
        }
        last_ns = now_ns;
        if turn(now_ns) == Turn::Control {
            // The control loop is alone while it is measured.
            let next_ns = (now_ns.div_euclid(SECOND_NS) + 1) * SECOND_NS;
            due_ns += (next_ns - due_ns).max(0) / period_ns * period_ns;
        }
    }
    periods_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_taken_in_turns_without_their_borders() {
        assert_eq!(turn(4 * SECOND_NS + SECOND_NS / 2), Turn::Control);
        assert_eq!(turn(5 * SECOND_NS + SECOND_NS / 2), Turn::Bare);
        assert_eq!(turn(5 * SECOND_NS + 1), Turn::Nobody);
        assert_eq!(turn(5 * SECOND_NS - 1), Turn::Nobody);
    }
}
