use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::description::JointDescription;
use crate::error::SimError;

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

/// A joint limits file (`joint_limits.yaml`, MoveIt's format): what it says of each joint.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct JointLimitsFile {
    joint_limits: BTreeMap<String, JointEntry>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JointEntry {
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

impl JointLimitsFile {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, SimError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SimError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// From the text of a file.
    pub fn parse(text: &str) -> Result<Self, SimError> {
        let file: Self = serde_saphyr::from_str(text)
            .map_err(|error| SimError::Limits { reason: error.to_string() })?;
        for (joint, entry) in &file.joint_limits {
            let broken = |what: &str, has: bool, value: f64| {
                (has && !(value.is_finite() && value > 0.0))
                    .then(|| format!("{what} of '{joint}' is {value}, must be positive"))
            };
            let reason = broken("max_velocity", entry.has_velocity_limits, entry.max_velocity)
                .or(broken(
                    "max_acceleration",
                    entry.has_acceleration_limits,
                    entry.max_acceleration,
                ))
                .or(broken("max_jerk", entry.has_jerk_limits, entry.max_jerk));
            if let Some(reason) = reason {
                return Err(SimError::Limits { reason });
            }
        }
        Ok(file)
    }

    /// Limits in force: the description's, tightened by the file's.
    pub fn limits_of(&self, joint: &JointDescription) -> JointLimits {
        let mut limits = JointLimits {
            range: joint.range,
            max_velocity: joint.max_velocity,
            max_acceleration: None,
            max_jerk: None,
        };
        if let Some(entry) = self.joint_limits.get(&joint.name) {
            if entry.has_velocity_limits {
                limits.max_velocity = limits.max_velocity.min(entry.max_velocity);
            }
            if entry.has_position_limits {
                limits.range[0] = limits.range[0].max(entry.min_position);
                limits.range[1] = limits.range[1].min(entry.max_position);
            }
            limits.max_acceleration =
                entry.has_acceleration_limits.then_some(entry.max_acceleration);
            limits.max_jerk = entry.has_jerk_limits.then_some(entry.max_jerk);
        }
        limits
    }
}
