use crate::limits::JointLimit;

/// Jerk held for a time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JerkPhase {
    /// How long, seconds.
    pub duration_s: f64,
    /// Which jerk, rad/s³ or m/s³.
    pub jerk: f64,
}

/// Duration of the shortest stop of one joint from velocity and acceleration.
pub fn shortest_stop_s(velocity: f64, acceleration: f64, limit: &JointLimit) -> f64 {
    stop_phases(velocity, acceleration, limit).iter().map(|phase| phase.duration_s).sum()
}

/// Jerk phases that bring velocity and acceleration to zero soonest: ramp to a peak, hold it, ramp out.
///
/// Starting again from a state on the way gives the rest of the same phases.
pub fn stop_phases(velocity: f64, acceleration: f64, limit: &JointLimit) -> [JerkPhase; 3] {
    let (most, jerk) = (limit.acceleration, limit.jerk);
    // What is left of the velocity if the acceleration were just taken away.
    let left = velocity + acceleration * acceleration.abs() / (2.0 * jerk);
    // Mirrored so that velocity has to grow by `rise` to come to zero.
    let sign = if left > 0.0 { -1.0 } else { 1.0 };
    let (a0, rise) = (sign * acceleration, -sign * velocity);
    // Ramp a0 → peak → 0 changes the velocity by (2 peak² - a0²) / 2 jerk.
    let peak = (jerk * rise + 0.5 * a0 * a0).max(0.0).sqrt().min(most);
    let first_s = (peak - a0).abs() / jerk;
    let first_jerk = jerk * (peak - a0).signum();
    let gained = 0.5 * (a0 + peak) * first_s + 0.5 * peak * peak / jerk;
    let hold_s = if peak > 0.0 { ((rise - gained) / peak).max(0.0) } else { 0.0 };
    [
        JerkPhase { duration_s: first_s, jerk: sign * first_jerk },
        JerkPhase { duration_s: hold_s, jerk: 0.0 },
        JerkPhase { duration_s: peak / jerk, jerk: -sign * jerk },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit() -> JointLimit {
        JointLimit::new(2.0, 4.0, 20.0)
    }

    #[test]
    fn a_stop_from_cruise_takes_ramp_and_hold() {
        // 0.2 s of ramp at both ends take 0.8 m/s, the other 1.2 m/s take 0.3 s.
        assert!((shortest_stop_s(2.0, 0.0, &limit()) - 0.7).abs() < 1e-12);
        // Too slow for a hold: 2 sqrt(v / j).
        assert!((shortest_stop_s(0.2, 0.0, &limit()) - 0.2).abs() < 1e-12);
        assert_eq!(shortest_stop_s(0.0, 0.0, &limit()), 0.0);
    }
}
