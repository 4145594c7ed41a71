use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{JointLimit, TrajectoryError};

/// Acceleration where no file limits it, as a multiple of the velocity limit, 1/s.
const ACCELERATION_PER_VELOCITY: f64 = 3.0;
/// Jerk where no file limits it, as a multiple of the acceleration limit, 1/s.
const JERK_PER_ACCELERATION: f64 = 50.0;

/// A `joint_limits.yaml` as MoveIt reads it, jerk limits included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitsFile {
    /// Scaling of velocities where a request gives none, in (0, 1].
    pub default_velocity_scaling: Option<f64>,
    /// Scaling of accelerations where a request gives none, in (0, 1].
    pub default_acceleration_scaling: Option<f64>,
    joints: BTreeMap<String, FileLimit>,
}

/// What a file says of one joint; `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FileLimit {
    /// Lowest and highest position.
    pub position: Option<(f64, f64)>,
    /// Highest speed.
    pub velocity: Option<f64>,
    /// Highest acceleration.
    pub acceleration: Option<f64>,
    /// Highest jerk.
    pub jerk: Option<f64>,
}

impl LimitsFile {
    /// Reads the YAML text; an empty one says nothing.
    pub fn parse(yaml: &str) -> Result<Self, TrajectoryError> {
        if yaml.trim().is_empty() {
            return Ok(Self::default());
        }
        let text: Text = serde_saphyr::from_str(yaml)
            .map_err(|error| TrajectoryError::LimitsFile { reason: error.to_string() })?;
        let scaling = |what, factor: Option<f64>| match factor {
            Some(value) if !(value > 0.0 && value <= 1.0) => {
                Err(TrajectoryError::BadScaling { what, value })
            }
            factor => Ok(factor),
        };
        let joints = text.joint_limits.into_iter().map(|(joint, entry)| {
            let limit = entry.checked(&joint)?;
            Ok((joint, limit))
        });
        Ok(Self {
            default_velocity_scaling: scaling("velocity", text.default_velocity_scaling_factor)?,
            default_acceleration_scaling: scaling(
                "acceleration",
                text.default_acceleration_scaling_factor,
            )?,
            joints: joints.collect::<Result<_, TrajectoryError>>()?,
        })
    }

    /// What it says of a joint.
    pub fn joint(&self, name: &str) -> FileLimit {
        self.joints.get(name).copied().unwrap_or_default()
    }
}

impl FileLimit {
    /// Limits in force: the robot description's, only ever tightened. Acceleration and jerk that
    /// nobody limits are in proportion; nothing if nobody limits the velocity.
    pub fn tighten(&self, described: (f64, f64), velocity: Option<f64>) -> Option<JointLimit> {
        let velocity = match (velocity, self.velocity) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        let acceleration = self.acceleration.unwrap_or(ACCELERATION_PER_VELOCITY * velocity);
        let jerk = self.jerk.unwrap_or(JERK_PER_ACCELERATION * acceleration);
        let (min_position, max_position) = self.tighten_range(described);
        Some(JointLimit { min_position, max_position, velocity, acceleration, jerk })
    }

    /// The part of a described range that the file leaves.
    pub fn tighten_range(&self, (min, max): (f64, f64)) -> (f64, f64) {
        self.position.map_or((min, max), |(low, high)| (min.max(low), max.min(high)))
    }
}

#[derive(Deserialize)]
struct Text {
    default_velocity_scaling_factor: Option<f64>,
    default_acceleration_scaling_factor: Option<f64>,
    #[serde(default)]
    joint_limits: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    has_position_limits: bool,
    min_position: f64,
    max_position: f64,
    has_velocity_limits: bool,
    max_velocity: f64,
    has_acceleration_limits: bool,
    max_acceleration: f64,
    has_jerk_limits: bool,
    max_jerk: f64,
}

impl Entry {
    fn checked(&self, joint: &str) -> Result<FileLimit, TrajectoryError> {
        let bad = |what: &str, value: f64| TrajectoryError::LimitsFile {
            reason: format!("{what} of '{joint}' is {value}"),
        };
        let (min, max) = (self.min_position, self.max_position);
        let ordered = min <= max; // false of NaN
        if self.has_position_limits && !ordered {
            return Err(bad("max_position - min_position", max - min));
        }
        let positive = |has: bool, what: &str, value: f64| match has {
            true if value.is_finite() && value > 0.0 => Ok(Some(value)),
            true => Err(bad(what, value)),
            false => Ok(None),
        };
        Ok(FileLimit {
            position: self.has_position_limits.then_some((min, max)),
            velocity: positive(self.has_velocity_limits, "max_velocity", self.max_velocity)?,
            acceleration: positive(
                self.has_acceleration_limits,
                "max_acceleration",
                self.max_acceleration,
            )?,
            jerk: positive(self.has_jerk_limits, "max_jerk", self.max_jerk)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tightens_the_description_and_gaps_are_filled() {
        let yaml = "joint_limits:\n  a: {has_velocity_limits: true, max_velocity: 2, \
                    has_acceleration_limits: false, max_acceleration: 9, \
                    has_position_limits: true, min_position: -2, max_position: 0.5}\n";
        let file = LimitsFile::parse(yaml).unwrap();
        let a = file.joint("a").tighten((-1.0, 1.0), Some(5.0)).unwrap();
        assert_eq!((a.velocity, a.acceleration, a.jerk), (2.0, 6.0, 300.0));
        assert_eq!((a.min_position, a.max_position), (-1.0, 0.5));
        assert_eq!(file.joint("a").tighten((-1.0, 1.0), Some(1.0)).unwrap().velocity, 1.0);
        assert_eq!(file.joint("b").tighten((-1.0, 1.0), Some(5.0)).unwrap().velocity, 5.0);
        assert_eq!(file.joint("b").tighten((-1.0, 1.0), None), None);
    }

    #[test]
    fn broken_files_are_refused() {
        assert_eq!(LimitsFile::parse(" ").unwrap(), LimitsFile::default());
        for broken in [
            "default_velocity_scaling_factor: 2.0",
            "joint_limits: [1",
            "joint_limits: 3",
            "joint_limits: {a: {has_jerk_limits: true, max_jerk: -1}}",
            "joint_limits: {a: {has_velocity_limits: true}}",
            "joint_limits: {a: {has_position_limits: true, min_position: 1}}",
        ] {
            assert!(LimitsFile::parse(broken).is_err(), "{broken}");
        }
    }
}
