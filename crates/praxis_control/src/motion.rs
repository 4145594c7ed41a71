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
    /// Tolerances on the way, one a joint.
    pub path_tolerance: Vec<JointTolerance>,
    /// Tolerances at the end, one a joint.
    pub goal_tolerance: Vec<JointTolerance>,
    /// Time to settle after the end; infinite to wait for ever.
    pub goal_time_s: f64,
    /// Whether it is stopped when the planner's heartbeat stops.
    pub needs_heartbeat: bool,
}
