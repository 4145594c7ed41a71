use praxis_trajectory::LimitsFile;

use crate::description::JointDescription;

/// Limits in force for one joint; `None` where none is set. Radians or metres, and seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct JointLimits {
    /// Lower and upper position.
    pub range: [f64; 2],
    /// Velocity.
    pub max_velocity: f64,
    /// Acceleration.
    pub max_acceleration: Option<f64>,
    /// Jerk.
    pub max_jerk: Option<f64>,
}

impl JointLimits {
    /// The description's, tightened by the file's.
    pub fn of(joint: &JointDescription, file: &LimitsFile) -> Self {
        let limit = file.joint(&joint.name);
        let [lower, upper] = joint.range;
        let (lower, upper) = limit.tighten_range((lower, upper));
        Self {
            range: [lower, upper],
            max_velocity: limit.velocity.map_or(joint.max_velocity, |v| v.min(joint.max_velocity)),
            max_acceleration: limit.acceleration,
            max_jerk: limit.jerk,
        }
    }
}
