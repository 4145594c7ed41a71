/// A trajectory as it comes from outside: nothing about it is checked yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrajectoryRequest {
    /// Joints of every point, in any order; joints left out keep their place.
    pub joint_names: Vec<String>,
    /// The points.
    pub points: Vec<PointRequest>,
    /// From now until time zero of the points: 0 at once, negative if it lies in the past.
    pub start_in_s: f64,
    /// Tolerances on the way, by joint.
    pub path_tolerance: Vec<ToleranceRequest>,
    /// Tolerances at the end, by joint.
    pub goal_tolerance: Vec<ToleranceRequest>,
    /// Whether it may end at speed, as a chunk does that others follow.
    pub may_end_moving: bool,
    /// Time to settle after the end; 0 takes the default.
    pub goal_time_s: f64,
}

/// One point of a [`TrajectoryRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PointRequest {
    /// Seconds from time zero.
    pub time_s: f64,
    /// One a joint; empty in every point of a motion that gives velocities alone.
    pub positions: Vec<f64>,
    /// One a joint, or empty.
    pub velocities: Vec<f64>,
    /// One a joint, or empty.
    pub accelerations: Vec<f64>,
    /// One a joint, or empty: sent along, clipped to the limits.
    pub efforts: Vec<f64>,
}

/// Tolerance of one joint: 0 takes the default, -1 takes none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToleranceRequest {
    /// The joint.
    pub joint: String,
    /// Of its position.
    pub position: f64,
    /// Of its velocity.
    pub velocity: f64,
}
