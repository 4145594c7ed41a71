use std::sync::Arc;

use praxis_trajectory::Trajectory;

/// How far a joint may be off; infinite where it does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointTolerance {
    /// Radians or metres.
    pub position: f64,
    /// The same per second.
    pub velocity: f64,
}

impl JointTolerance {
    /// Everything is taken.
    pub const NONE: Self = Self { position: f64::INFINITY, velocity: f64::INFINITY };
}

/// Efforts over time, straight lines between the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Effort {
    /// Times, growing.
    pub times_s: Vec<f64>,
    /// One row a time, one value a joint, one after the other.
    pub values: Vec<f64>,
}

impl Effort {
    /// Efforts at a time; zero before the first point and after the last.
    pub(crate) fn sample_into(&self, time_s: f64, out: &mut [f64]) {
        let dim = out.len();
        let after = self.times_s.partition_point(|&t| t <= time_s);
        if after == 0 || after == self.times_s.len() {
            return out.fill(0.0);
        }
        let (start_s, end_s) = (self.times_s[after - 1], self.times_s[after]);
        let share = (time_s - start_s) / (end_s - start_s);
        for (joint, value) in out.iter_mut().enumerate() {
            let (a, b) = (self.values[(after - 1) * dim + joint], self.values[after * dim + joint]);
            *value = a + share * (b - a);
        }
    }
}

/// A trajectory that was checked and may run: all joints, in the controller's order.
#[derive(Clone, Debug)]
pub struct Motion {
    /// Number under which its end is told.
    pub id: u64,
    /// The knots.
    pub trajectory: Arc<Trajectory>,
    /// How much longer it takes than asked for, so that accelerations and jerks keep the limits.
    pub stretched_by: f64,
    /// Time to wait before it takes over from what runs now.
    pub wait_s: f64,
    /// Trajectory time at which it takes over: more than 0 when its start lies in the past.
    pub enter_at_s: f64,
    /// The running motion that it was joined to, and the time of that at which it takes over; where
    /// that motion is over sooner, at once.
    pub take_over: Option<(u64, f64)>,
    /// Efforts to send along, clipped to their limits.
    pub effort: Option<Effort>,
    /// Whether it ends at speed: then it brakes from its end on and does not come back.
    pub ends_moving: bool,
    /// Tolerances on the way, one a joint.
    pub path_tolerance: Vec<JointTolerance>,
    /// Tolerances at the end, one a joint.
    pub goal_tolerance: Vec<JointTolerance>,
    /// Time to settle after the end; infinite to wait for ever.
    pub goal_time_s: f64,
    /// Whether it is stopped when the planner's heartbeat stops.
    pub needs_heartbeat: bool,
}
