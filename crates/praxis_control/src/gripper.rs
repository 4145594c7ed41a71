/// When a gripper counts as arrived or as stalled.
#[derive(Clone, Debug, PartialEq)]
pub struct GripperConfig {
    /// Lowest finger position, metres.
    pub min_position_m: f64,
    /// Highest finger position, metres.
    pub max_position_m: f64,
    /// Distance from the goal that counts as reached, metres.
    pub goal_tolerance_m: f64,
    /// Finger speed below which it may be stalled, metres per second.
    pub stall_speed_mps: f64,
    /// How long it must be that slow, seconds.
    pub stall_time_s: f64,
    /// After this long it counts as stalled however it moves, seconds.
    pub longest_s: f64,
    /// Force for goals that give none, newtons.
    pub default_effort_n: f64,
    /// Highest force that is sent, newtons.
    pub max_effort_n: f64,
}

impl Default for GripperConfig {
    fn default() -> Self {
        Self {
            min_position_m: 0.0,
            max_position_m: 0.04,
            goal_tolerance_m: 0.001,
            stall_speed_mps: 0.002,
            stall_time_s: 0.25,
            longest_s: 5.0,
            default_effort_n: 30.0,
            max_effort_n: 70.0,
        }
    }
}

/// Why a gripper goal is not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GripperError {
    /// Outside the range of the finger, or not a number.
    #[error("gripper position {value_m} m is outside [{min_m}, {max_m}] m of each finger")]
    BadPosition {
        /// What was asked for.
        value_m: f64,
        /// Lowest.
        min_m: f64,
        /// Highest.
        max_m: f64,
    },
    /// Negative, infinite or not a number.
    #[error("gripper effort {value_n} N is not a force; 0 takes the default")]
    BadEffort {
        /// What was asked for.
        value_n: f64,
    },
}

/// A checked command to the gripper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GripperGoal {
    /// Position of each finger, metres.
    pub position_m: f64,
    /// Highest force, newtons.
    pub effort_n: f64,
}

/// How a gripper goal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GripperOutcome {
    /// At the goal.
    Reached,
    /// Stopped short of it: something is between the fingers, or they are blocked.
    Stalled,
}

/// Where a gripper goal stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GripperProgress {
    /// Finger position, metres.
    pub position_m: f64,
    /// How it ended, if it did.
    pub outcome: Option<GripperOutcome>,
}

/// Watches the fingers on their way to a goal.
#[derive(Clone, Debug)]
pub struct GripperMonitor {
    config: GripperConfig,
    goal: GripperGoal,
    elapsed_s: f64,
    slow_s: f64,
}

impl GripperConfig {
    /// Checks a goal: finite, within range (a millimetre of slack is clipped); effort 0 takes the
    /// default, more than the gripper has is clipped.
    pub fn check(&self, position_m: f64, effort_n: f64) -> Result<GripperGoal, GripperError> {
        let (min_m, max_m) = (self.min_position_m, self.max_position_m);
        if !(position_m >= min_m - 1e-3 && position_m <= max_m + 1e-3) {
            return Err(GripperError::BadPosition { value_m: position_m, min_m, max_m });
        }
        if !(effort_n.is_finite() && effort_n >= 0.0) {
            return Err(GripperError::BadEffort { value_n: effort_n });
        }
        let effort_n = if effort_n == 0.0 { self.default_effort_n } else { effort_n };
        Ok(GripperGoal {
            position_m: position_m.clamp(min_m, max_m),
            effort_n: effort_n.min(self.max_effort_n),
        })
    }
}

impl GripperMonitor {
    /// Begins to watch for a goal.
    pub fn new(config: GripperConfig, goal: GripperGoal) -> Self {
        Self { config, goal, elapsed_s: 0.0, slow_s: 0.0 }
    }

    /// The goal.
    pub fn goal(&self) -> GripperGoal {
        self.goal
    }

    /// Takes in a measured finger state, `dt_s` after the one before.
    pub fn update(&mut self, position_m: f64, speed_mps: f64, dt_s: f64) -> GripperProgress {
        self.elapsed_s += dt_s;
        let is_slow = speed_mps.abs() < self.config.stall_speed_mps;
        self.slow_s = if is_slow { self.slow_s + dt_s } else { 0.0 };
        let is_near = (position_m - self.goal.position_m).abs() <= self.config.goal_tolerance_m;
        let outcome = if is_near && is_slow {
            Some(GripperOutcome::Reached)
        } else if self.slow_s >= self.config.stall_time_s || self.elapsed_s >= self.config.longest_s
        {
            Some(GripperOutcome::Stalled)
        } else {
            None
        };
        GripperProgress { position_m, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close_onto(object_m: f64) -> (f64, GripperOutcome) {
        let config = GripperConfig::default();
        let goal = config.check(0.0, 20.0).unwrap();
        let mut monitor = GripperMonitor::new(config, goal);
        let mut position_m: f64 = 0.04;
        loop {
            let next_m = (position_m - 0.05 * 0.002).max(object_m);
            let speed_mps = (next_m - position_m) / 0.002;
            position_m = next_m;
            let progress = monitor.update(position_m, speed_mps, 0.002);
            if let Some(outcome) = progress.outcome {
                return (progress.position_m, outcome);
            }
        }
    }

    #[test]
    fn an_empty_gripper_reaches_and_a_full_one_stalls() {
        assert_eq!(close_onto(0.0), (0.0, GripperOutcome::Reached));
        assert_eq!(close_onto(0.02), (0.02, GripperOutcome::Stalled));
    }

    #[test]
    fn nonsense_is_refused_and_excess_clipped() {
        let config = GripperConfig::default();
        for bad_m in [f64::NAN, f64::INFINITY, -0.01, 0.08] {
            assert!(config.check(bad_m, 10.0).is_err(), "{bad_m}");
        }
        for bad_n in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(config.check(0.02, bad_n).is_err(), "{bad_n}");
        }
        assert_eq!(config.check(0.0, 0.0).unwrap().effort_n, 30.0);
        assert_eq!(config.check(0.0, 1e9).unwrap().effort_n, 70.0);
    }
}
