/// Time constant over which the rate of ROS time is averaged, seconds.
const RATE_MEMORY_S: f64 = 0.25;
/// Share of the difference to ROS time that is made up per second.
const CATCH_UP_PER_S: f64 = 0.5;
/// Highest rate of trajectory time.
const MAX_RATE: f64 = 20.0;
/// ROS time further off than this is another time: a jump, not a drift.
const JUMP_S: f64 = 0.5;
/// Without a tick of ROS time for this long the rate falls to zero.
const SILENCE_S: f64 = 0.1;

/// Trajectory time for the control loop: smooth, at the filtered rate of ROS time.
///
/// Raw differences of `/clock` come in lumps and jumps. Here time advances by the loop's own steady
/// period times an averaged rate, drawn gently towards ROS time. When ROS time stops, the rate goes
/// to zero; when it jumps, the offset is taken over and no motion is skipped or repeated.
#[derive(Clone, Debug)]
pub struct TrajectoryClock {
    rate: f64,
    time_s: f64,
    last_ros_s: Option<f64>,
    silence_s: f64,
    // ROS and steady time since the last update of the measured rate.
    span_steady_s: f64,
    jumps: u32,
}

impl Default for TrajectoryClock {
    fn default() -> Self {
        Self {
            rate: 1.0,
            time_s: 0.0,
            last_ros_s: None,
            silence_s: 0.0,
            span_steady_s: 0.0,
            jumps: 0,
        }
    }
}

impl TrajectoryClock {
    /// Goes on by one period of the steady clock, given ROS time as known now (`None` before the
    /// first tick); returns how far trajectory time advances, in ROS seconds.
    pub fn tick(&mut self, period_s: f64, ros_s: Option<f64>) -> f64 {
        let Some(ros_s) = ros_s.filter(|s| s.is_finite()) else {
            return 0.0;
        };
        self.span_steady_s += period_s;
        match self.last_ros_s {
            None => self.restart_at(ros_s),
            Some(last_s) if ros_s != last_s => {
                let span_s = ros_s - last_s;
                if span_s < 0.0 || span_s > JUMP_S.max(MAX_RATE * self.span_steady_s) {
                    self.jumps += 1;
                    self.restart_at(ros_s);
                } else {
                    let measured = (span_s / self.span_steady_s).min(MAX_RATE);
                    let share = 1.0 - (-self.span_steady_s / RATE_MEMORY_S).exp();
                    self.rate += share * (measured - self.rate);
                    self.last_ros_s = Some(ros_s);
                    self.span_steady_s = 0.0;
                    self.silence_s = 0.0;
                }
            }
            Some(_) => self.silence_s += period_s,
        }
        let rate = if self.silence_s > SILENCE_S {
            self.rate *= 1.0 - (period_s / 0.05).min(1.0);
            self.rate
        } else {
            let behind_s = ros_s - self.time_s;
            // At most a tenth faster or slower than ROS time.
            let correction = (CATCH_UP_PER_S * behind_s).clamp(-0.1 * self.rate, 0.1 * self.rate);
            (self.rate + correction).clamp(0.0, MAX_RATE)
        };
        let advance_s = rate * period_s;
        self.time_s += advance_s;
        if (self.time_s - ros_s).abs() > JUMP_S {
            self.time_s = ros_s;
        }
        advance_s
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
        self.span_steady_s = 0.0;
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
        assert!(least > 0.0008 && most < 0.0012, "{least} {most}");
        let total_s: f64 = steps.iter().sum();
        assert!((total_s - 2.0).abs() < 0.2, "{total_s}");
        assert!((clock.time_s() - 12.0).abs() < 0.05, "{}", clock.time_s());
    }

    #[test]
    fn a_clock_that_stops_stops_the_motion() {
        let mut clock = TrajectoryClock::default();
        advances(&mut clock, 1.0, 0.002, 10.0);
        let rest_s: f64 = (0..2000).map(|_| clock.tick(0.002, Some(14.0))).sum();
        assert!(rest_s < 0.3, "{rest_s}");
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
