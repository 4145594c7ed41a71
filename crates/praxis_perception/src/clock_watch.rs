//! Notices sensors whose clocks disagree with ours.

use std::collections::VecDeque;

use praxis_geometry::Stamp;

/// What is wrong with a sensor's clock.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ClockTrouble {
    /// Frames bear stamps that have not come yet.
    #[error("its stamps are {ahead_s:.3} s in the future: its clock is ahead of ours")]
    Ahead {
        /// By how much at least.
        ahead_s: f64,
    },
    /// Even the freshest frame is old.
    #[error("even its freshest frame is {behind_s:.3} s old: its clock is behind, or it is slow")]
    Behind {
        /// By how much at least.
        behind_s: f64,
    },
}

/// Ages of one sensor's frames on arrival, for the last few seconds.
///
/// The least age is what the way from sensor to us takes at best; it cannot be negative, and it
/// does not grow with a busy network as the mean does.
#[derive(Clone, Debug)]
pub struct ClockWatch {
    tolerance_s: f64,
    limit_s: f64,
    /// Arrival and age; ages rise from front to back, so the front is the least.
    ages: VecDeque<(Stamp, f64)>,
    seen: usize,
}

impl ClockWatch {
    const WINDOW_S: f64 = 5.0;
    /// Fewer frames say nothing.
    const ENOUGH: usize = 10;

    /// Stamps may be ahead by `tolerance_s` and the freshest frame as old as `limit_s`.
    pub fn new(tolerance_s: f64, limit_s: f64) -> Self {
        Self { tolerance_s, limit_s, ages: VecDeque::new(), seen: 0 }
    }

    /// Takes in a frame with its stamp and arrival on our clock.
    pub fn note(&mut self, stamp: Stamp, arrival: Stamp) -> Option<ClockTrouble> {
        if self.ages.back().is_some_and(|(last, _)| arrival < *last) {
            // Our own clock was set back.
            self.ages.clear();
            self.seen = 0;
        }
        let age_s = arrival.seconds_since(stamp);
        while self.ages.back().is_some_and(|(_, age)| *age >= age_s) {
            self.ages.pop_back();
        }
        self.ages.push_back((arrival, age_s));
        while self
            .ages
            .front()
            .is_some_and(|(when, _)| arrival.seconds_since(*when) > Self::WINDOW_S)
        {
            self.ages.pop_front();
        }
        self.seen += 1;
        self.trouble()
    }

    /// The least age on arrival of the last few seconds.
    pub fn least_age_s(&self) -> Option<f64> {
        self.ages.front().map(|(_, age)| *age)
    }

    fn trouble(&self) -> Option<ClockTrouble> {
        let least = self.least_age_s().filter(|_| self.seen >= Self::ENOUGH)?;
        if least < -self.tolerance_s {
            Some(ClockTrouble::Ahead { ahead_s: -least })
        } else if least > self.limit_s {
            Some(ClockTrouble::Behind { behind_s: least })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(offset_s: f64, delays_s: &[f64]) -> Option<ClockTrouble> {
        let mut watch = ClockWatch::new(0.005, 0.5);
        let mut last = None;
        for (frame, delay_s) in delays_s.iter().cycle().take(200).enumerate() {
            let taken = frame as f64 / 15.0;
            let stamp = Stamp::from_secs_f64(100.0 + taken + offset_s);
            last = watch.note(stamp, Stamp::from_secs_f64(100.0 + taken + delay_s));
        }
        last
    }

    #[test]
    fn a_busy_network_is_no_clock_error() {
        assert_eq!(run(0.0, &[0.02, 0.9, 0.4]), None);
        assert_eq!(run(0.01, &[0.02, 0.03]), None);
    }

    #[test]
    fn clocks_ahead_and_behind_are_told() {
        let trouble = run(0.2, &[0.02, 0.05]).unwrap();
        assert!(
            matches!(trouble, ClockTrouble::Ahead { ahead_s } if (ahead_s - 0.18).abs() < 1e-6)
        );
        let trouble = run(-0.7, &[0.02, 0.05]).unwrap();
        assert!(
            matches!(trouble, ClockTrouble::Behind { behind_s } if (behind_s - 0.72).abs() < 1e-6)
        );
    }

    #[test]
    fn a_few_frames_say_nothing() {
        let mut watch = ClockWatch::new(0.005, 0.5);
        let ahead = Stamp::from_secs_f64(9.0);
        assert_eq!(watch.note(ahead, Stamp::from_secs_f64(1.0)), None);
    }
}
