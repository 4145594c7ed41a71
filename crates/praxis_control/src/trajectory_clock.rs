/// Time constant over which the rate of ROS time is averaged, seconds.
const RATE_MEMORY_S: f64 = 0.5;
/// How strongly trajectory time slows when it is ahead of ROS time, 1/s.
const SLOW_DOWN_PER_S: f64 = 5.0;
/// How strongly it hurries when it is behind, 1/s, and by which share of the rate at most: who goes
/// faster than ROS time goes beyond the velocity limits in ROS time.
const HURRY_PER_S: f64 = 0.2;
const MOST_HURRY: f64 = 0.002;
/// Further behind than this the difference is let go, seconds.
const LET_GO_S: f64 = 0.02;
/// Highest rate of trajectory time.
const MAX_RATE: f64 = 20.0;
/// ROS time further off than this is another time: a jump, not a drift.
const JUMP_S: f64 = 0.5;
/// Silence of ROS time, at least, after which the motion slows; or this many of its usual ticks.
const SILENCE_S: f64 = 0.03;
const SILENT_TICKS: f64 = 4.0;
/// In this time a motion comes to a stand in a silence, seconds.
const SLOWING_S: f64 = 0.05;

/// Trajectory time for the control loop: smooth, at the filtered rate of ROS time.
///
/// Raw differences of `/clock` come in lumps and jumps. Here time advances by the loop's own steady
/// period times an averaged rate, held back gently where it is ahead of ROS time. When ROS time
/// stops, so does the motion; when it jumps, the offset is taken over and no motion is skipped.
#[derive(Clone, Debug)]
pub struct TrajectoryClock {
    rate: f64,
    time_s: f64,
    last_ros_s: Option<f64>,
    // Steady time since ROS time last changed, and its usual length.
    silence_s: f64,
    tick_s: f64,
    jumps: u32,
}

impl Default for TrajectoryClock {
    fn default() -> Self {
        Self { rate: 1.0, time_s: 0.0, last_ros_s: None, silence_s: 0.0, tick_s: 0.0, jumps: 0 }
    }
}

impl TrajectoryClock {
    /// Goes on by one period of the steady clock, given ROS time as known now (`None` before the
    /// first tick); returns how far trajectory time advances, in ROS seconds.
    pub fn tick(&mut self, period_s: f64, ros_s: Option<f64>) -> f64 {
        let Some(ros_s) = ros_s.filter(|s| s.is_finite()) else {
            return 0.0;
        };
        self.silence_s += period_s;
        match self.last_ros_s {
            None => self.restart_at(ros_s),
            Some(last_s) if ros_s != last_s => self.take_in(ros_s - last_s, ros_s),
            Some(_) => {}
        }
        let advance_s = self.present_rate(ros_s) * period_s;
        self.time_s += advance_s;
        if ros_s - self.time_s > LET_GO_S || self.time_s - ros_s > JUMP_S {
            self.time_s = ros_s;
        }
        advance_s
    }

    /// Takes in that ROS time went on by `span_s` during the silence.
    fn take_in(&mut self, span_s: f64, ros_s: f64) {
        if span_s < 0.0 || span_s > JUMP_S.max(MAX_RATE * self.silence_s) {
            self.jumps += 1;
            return self.restart_at(ros_s);
        }
        let share = 1.0 - (-self.silence_s / RATE_MEMORY_S).exp();
        let measured = (span_s / self.silence_s).min(MAX_RATE);
        self.rate += share * (measured - self.rate);
        self.tick_s += 0.1 * (self.silence_s - self.tick_s);
        self.last_ros_s = Some(ros_s);
        self.silence_s = 0.0;
    }

    fn present_rate(&self, ros_s: f64) -> f64 {
        let behind_s = ros_s - self.time_s;
        let correction = if behind_s > 0.0 {
            (HURRY_PER_S * behind_s).min(MOST_HURRY * self.rate)
        } else {
            // Between two ticks ROS time goes on unseen.
            SLOW_DOWN_PER_S
                * (behind_s + self.rate * self.silence_s.min(2.0 * self.tick_s)).min(0.0)
        };
        let overdue_s = self.silence_s - SILENCE_S.max(SILENT_TICKS * self.tick_s);
        let awake = (1.0 - overdue_s / SLOWING_S).clamp(0.0, 1.0);
        awake * (self.rate + correction).clamp(0.0, MAX_RATE)
    }

    /// Smooth ROS time: what commands are stamped with.
    pub fn time_s(&self) -> f64 {
        self.time_s
    }

    /// ROS seconds per steady second, averaged.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// How often ROS time jumped.
    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    fn restart_at(&mut self, ros_s: f64) {
        self.time_s = ros_s;
        self.last_ros_s = Some(ros_s);
        self.silence_s = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Advances of each loop period when ROS time runs at `rate` and ticks every `tick_s`.
    fn advances(clock: &mut TrajectoryClock, rate: f64, tick_s: f64, from_s: f64) -> Vec<f64> {
        (0..2000)
            .map(|n| {
                let ros_s = from_s + rate * 0.002 * f64::from(n);
                clock.tick(0.002, Some((ros_s / tick_s).floor() * tick_s))
            })
            .collect()
    }

    #[test]
    fn lumps_of_a_slow_clock_are_smoothed() {
        let mut clock = TrajectoryClock::default();
        let steps = advances(&mut clock, 0.5, 0.01, 10.0);
        let tail = &steps[1000..];
        let (least, most) =
            tail.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &s| (low.min(s), high.max(s)));
        // Never noticeably faster than ROS time: limits hold in ROS time.
        assert!(least > 0.00095 && most < 0.00101, "{least} {most}");
        assert!((clock.time_s() - 12.0).abs() < 0.03, "{}", clock.time_s());
    }

    #[test]
    fn a_clock_that_stops_stops_the_motion() {
        let mut clock = TrajectoryClock::default();
        advances(&mut clock, 1.0, 0.002, 10.0);
        let rest_s: f64 = (0..2000).map(|_| clock.tick(0.002, Some(14.0))).sum();
        assert!(rest_s < 0.08, "{rest_s}");
        assert!(clock.tick(0.002, Some(14.0)) < 1e-9);
    }

    #[test]
    fn a_jump_moves_nothing() {
        let mut clock = TrajectoryClock::default();
        advances(&mut clock, 1.0, 0.002, 10.0);
        for jump_s in [500.0, 3.0] {
            let advance_s = clock.tick(0.002, Some(jump_s));
            assert!((0.0..0.003).contains(&advance_s), "{advance_s}");
        }
        assert_eq!(clock.jumps(), 2);
    }

    #[test]
    fn before_the_first_tick_time_stands() {
        assert_eq!(TrajectoryClock::default().tick(0.002, None), 0.0);
    }
}
