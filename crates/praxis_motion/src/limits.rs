use std::collections::BTreeMap;

use praxis_trajectory::JointLimit;
use serde::Deserialize;

use crate::MotionError;

/// Acceleration where none is given, as a multiple of the velocity limit per second.
const ACCELERATION_PER_VELOCITY: f64 = 3.0;
/// Jerk where none is given, as a multiple of the acceleration limit per second.
const JERK_PER_ACCELERATION: f64 = 50.0;

/// A `joint_limits.yaml` as MoveIt reads it, jerk limits included.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct LimitsFile {
    /// Scaling of velocities where a request gives none.
    pub default_velocity_scaling_factor: Option<f64>,
    /// Scaling of accelerations where a request gives none.
    pub default_acceleration_scaling_factor: Option<f64>,
    /// Limits by joint.
    #[serde(default)]
    pub joint_limits: BTreeMap<String, FileLimit>,
}

/// Limits of one joint in a file; what is not there comes from the robot description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FileLimit {
    has_velocity_limits: bool,
    max_velocity: f64,
    has_acceleration_limits: bool,
    max_acceleration: f64,
    has_jerk_limits: bool,
    max_jerk: f64,
    has_position_limits: bool,
    min_position: f64,
    max_position: f64,
}

impl LimitsFile {
    /// Reads the YAML text.
    pub fn parse(yaml: &str) -> Result<Self, MotionError> {
        let file: Self = serde_saphyr::from_str(yaml).map_err(|error| MotionError::BadRequest {
            reason: format!("joint limits: {error}"),
        })?;
        for factor in
            [file.default_velocity_scaling_factor, file.default_acceleration_scaling_factor]
        {
            if let Some(factor) = factor
                && !(factor > 0.0 && factor <= 1.0)
            {
                let reason = format!("joint limits: scaling factor {factor} is not in (0, 1]");
                return Err(MotionError::BadRequest { reason });
            }
        }
        Ok(file)
    }

    /// Limits of a joint: the file's where it has them, else those of the robot description, else
    /// an acceleration and a jerk in proportion. Position bounds are only ever narrowed.
    pub fn limit_of(&self, joint: &str, bounds: (f64, f64), velocity: f64) -> JointLimit {
        let file = self.joint_limits.get(joint).copied().unwrap_or_default();
        let velocity = if file.has_velocity_limits { file.max_velocity } else { velocity };
        let acceleration = if file.has_acceleration_limits {
            file.max_acceleration
        } else {
            ACCELERATION_PER_VELOCITY * velocity
        };
        let jerk =
            if file.has_jerk_limits { file.max_jerk } else { JERK_PER_ACCELERATION * acceleration };
        let (mut min_position, mut max_position) = bounds;
        if file.has_position_limits {
            min_position = min_position.max(file.min_position);
            max_position = max_position.min(file.max_position);
        }
        JointLimit { min_position, max_position, velocity, acceleration, jerk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_overrides_the_description_and_gaps_are_filled() {
        let yaml = "joint_limits:\n  a: {has_velocity_limits: true, max_velocity: 2, \
                    has_acceleration_limits: false, max_acceleration: 9}\n";
        let file = LimitsFile::parse(yaml).unwrap();
        let a = file.limit_of("a", (-1.0, 1.0), 5.0);
        assert_eq!((a.velocity, a.acceleration, a.jerk), (2.0, 6.0, 300.0));
        assert_eq!(file.limit_of("b", (-1.0, 1.0), 5.0).velocity, 5.0);
        assert!(LimitsFile::parse("default_velocity_scaling_factor: 2.0").is_err());
        assert!(LimitsFile::parse("joint_limits: [1").is_err());
    }
}
