use praxis_trajectory::{JerkPhase, JointLimit, stop_phases};

/// Rounding allowed when a state is held against its limits, in the unit of the limit.
pub(crate) const ROUNDING: f64 = 1e-9;

/// One joint at one moment: radians (or metres) and seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JointState {
    /// Position.
    pub position: f64,
    /// Velocity.
    pub velocity: f64,
    /// Acceleration.
    pub acceleration: f64,
}

impl JointState {
    /// State after `time_s` at constant jerk.
    pub(crate) fn after(&self, time_s: f64, jerk: f64) -> Self {
        let Self { position: p, velocity: v, acceleration: a } = *self;
        let t = time_s;
        Self {
            position: p + t * (v + t * (0.5 * a + t * jerk / 6.0)),
            velocity: v + t * (a + 0.5 * t * jerk),
            acceleration: a + t * jerk,
        }
    }
}

/// The shortest stop of one joint: jerk to a peak deceleration, hold it, jerk out.
///
/// Stopping again from a state on the way gives the rest of the same stop, so a joint that can
/// stop within its limits stays able to by stopping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StopPlan {
    start: JointState,
    phases: [JerkPhase; 3],
}

impl StopPlan {
    /// The shortest stop from `start` under the acceleration and jerk limits.
    pub fn new(start: JointState, limit: &JointLimit) -> Self {
        Self { start, phases: stop_phases(start.velocity, start.acceleration, limit) }
    }

    /// Time until rest.
    pub fn duration_s(&self) -> f64 {
        self.phases.iter().map(|phase| phase.duration_s).sum()
    }

    /// State `time_s` into the stop; exactly at rest from its end on.
    pub fn state_at(&self, time_s: f64) -> JointState {
        let mut state = self.start;
        let mut left_s = time_s;
        for JerkPhase { duration_s, jerk } in self.phases {
            if left_s < duration_s {
                return state.after(left_s.max(0.0), jerk);
            }
            state = state.after(duration_s, jerk);
            left_s -= duration_s;
        }
        JointState { position: state.position, ..JointState::default() }
    }

    /// Where the joint comes to rest.
    pub fn end_position(&self) -> f64 {
        self.state_at(f64::INFINITY).position
    }

    /// Lowest and highest position on the way, start and end included.
    pub fn position_range(&self) -> (f64, f64) {
        let mut state = self.start;
        let (mut low, mut high) = (state.position, state.position);
        for JerkPhase { duration_s, jerk } in self.phases {
            for turn_s in turning_times_s(&state, jerk) {
                if turn_s > 0.0 && turn_s < duration_s {
                    let turn = state.after(turn_s, jerk).position;
                    (low, high) = (low.min(turn), high.max(turn));
                }
            }
            state = state.after(duration_s, jerk);
            (low, high) = (low.min(state.position), high.max(state.position));
        }
        (low, high)
    }

    /// Highest speed on the way.
    pub fn highest_speed(&self) -> f64 {
        let JointState { velocity: v, acceleration: a, .. } = self.start;
        let JerkPhase { duration_s: ramp_s, jerk } = self.phases[0];
        // Speed peaks at the start, or where the first ramp brings the acceleration through zero.
        let cross_s = if jerk == 0.0 { 0.0 } else { -a / jerk };
        let crossed = if cross_s > 0.0 && cross_s < ramp_s {
            self.start.after(cross_s, jerk).velocity
        } else {
            v
        };
        let after_ramp = self.start.after(ramp_s, jerk).velocity;
        v.abs().max(crossed.abs()).max(after_ramp.abs())
    }

    /// Whether the whole stop, start included, stays within the limits and bounds.
    pub(crate) fn is_within(&self, limit: &JointLimit, bounds: (f64, f64)) -> bool {
        let (low, high) = self.position_range();
        self.start.acceleration.abs() <= limit.acceleration + ROUNDING
            && self.highest_speed() <= limit.velocity + ROUNDING
            && low >= bounds.0 - ROUNDING
            && high <= bounds.1 + ROUNDING
    }
}

/// Times at which a joint at constant jerk turns round.
fn turning_times_s(state: &JointState, jerk: f64) -> [f64; 2] {
    let JointState { velocity: v, acceleration: a, .. } = *state;
    if jerk == 0.0 {
        return if a == 0.0 { [f64::NAN; 2] } else { [-v / a, f64::NAN] };
    }
    let root = (a * a - 2.0 * jerk * v).sqrt();
    [(-a - root) / jerk, (-a + root) / jerk]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limit() -> JointLimit {
        JointLimit::new(2.0, 4.0, 20.0)
    }

    fn state(velocity: f64, acceleration: f64) -> JointState {
        JointState { position: 0.5, velocity, acceleration }
    }

    #[test]
    fn a_stop_from_cruise_takes_ramp_and_hold() {
        // 0.2 s of ramp at both ends take 0.8 m/s, the other 1.2 m/s take 0.3 s.
        let plan = StopPlan::new(state(2.0, 0.0), &limit());
        assert!((plan.duration_s() - 0.7).abs() < 1e-12);
        // The speed curve is point-symmetric: mean speed 1.
        assert!((plan.end_position() - 1.2).abs() < 1e-12);
    }

    #[test]
    fn a_joint_at_rest_stays() {
        let plan = StopPlan::new(state(0.0, 0.0), &limit());
        assert_eq!(plan.duration_s(), 0.0);
        assert_eq!(plan.state_at(1.0), state(0.0, 0.0));
    }

    proptest! {
        #[test]
        fn stepping_along_the_stop_ends_where_the_plan_says(
            velocity in -2.5..2.5,
            acceleration in -4.0..4.0,
        ) {
            let start = state(velocity, acceleration);
            let plan = StopPlan::new(start, &limit());
            let (low, high) = plan.position_range();
            let fastest = plan.highest_speed();
            let mut now = start;
            let mut time_s = 0.0;
            while (now.velocity, now.acceleration) != (0.0, 0.0) {
                // Planned anew in every step, as the gate does.
                let next = StopPlan::new(now, &limit()).state_at(0.002);
                prop_assert!((next.acceleration - now.acceleration).abs() <= 0.04 + 1e-9);
                prop_assert!(next.acceleration.abs() <= 4.0 + 1e-9);
                prop_assert!(next.velocity.abs() <= fastest + 1e-9);
                prop_assert!(next.position >= low - 1e-9 && next.position <= high + 1e-9);
                now = next;
                time_s += 0.002;
                prop_assert!(time_s < plan.duration_s() + 0.004);
            }
            prop_assert!((now.position - plan.end_position()).abs() < 1e-8);
        }
    }
}
