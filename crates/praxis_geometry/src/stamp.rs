use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in ROS time: nanoseconds since the epoch of whichever clock runs (system or simulated).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// Nanoseconds since the clock's epoch.
    pub nanoseconds: i64,
}

impl Stamp {
    /// The epoch; in messages it means "no stamp given".
    pub const ZERO: Self = Self { nanoseconds: 0 };

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// From seconds since the epoch.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self { nanoseconds: (seconds * 1e9).round() as i64 }
    }

    /// Seconds since the epoch.
    pub fn as_secs_f64(self) -> f64 {
        self.nanoseconds as f64 * 1e-9
    }

    /// Signed seconds from `earlier` to `self`.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.nanoseconds - earlier.nanoseconds) as f64 * 1e-9
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self { nanoseconds: self.nanoseconds.saturating_add(span.as_nanos() as i64) }
    }
}

impl Sub<Duration> for Stamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self { nanoseconds: self.nanoseconds.saturating_sub(span.as_nanos() as i64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_signed() {
        let early = Stamp::from_secs_f64(1.0);
        let late = early + Duration::from_millis(250);
        assert_eq!(early.seconds_since(late), -0.25);
        assert_eq!(late - Duration::from_millis(250), early);
    }
}
