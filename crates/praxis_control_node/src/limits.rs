use std::collections::BTreeMap;

use praxis_trajectory::{JointLimit, JointLimits};
use serde::Deserialize;

/// Acceleration where no file limits it, as a multiple of the velocity limit, 1/s.
const ACCELERATION_PER_VELOCITY: f64 = 3.0;
/// Jerk where no file limits it, as a multiple of the acceleration limit, 1/s.
const JERK_PER_ACCELERATION: f64 = 50.0;

/// Why the limits of the joints are not known.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The URDF is no XML.
    #[error("robot description: {0}")]
    Xml(#[from] roxmltree::Error),
    /// The limits file is no such file.
    #[error("joint limits file: {reason}")]
    LimitsFile {
        /// What is wrong.
        reason: String,
    },
    /// A joint to be driven is not described.
    #[error("joint '{joint}' is not in the robot description; it has {known:?}")]
    UnknownJoint {
        /// The joint.
        joint: String,
        /// What is there.
        known: Vec<String>,
    },
    /// A joint has no such limit anywhere.
    #[error("joint '{joint}' has no {what} limit, neither in the description nor in the file")]
    Missing {
        /// The joint.
        joint: String,
        /// Which limit.
        what: &'static str,
    },
    /// No joint to drive.
    #[error("parameter 'joints' is empty: name the joints to drive")]
    NoJoints,
    /// A number is unusable.
    #[error(transparent)]
    Unusable(#[from] praxis_trajectory::TrajectoryError),
}

#[derive(Debug, Default, Deserialize)]
struct LimitsFile {
    joint_limits: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
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

/// Limits in force: the description's, tightened by the limits file (MoveIt's format). Either text
/// may be empty.
pub fn limits_of(
    joints: &[String],
    urdf: &str,
    limits_file: &str,
) -> Result<JointLimits, LimitsError> {
    if joints.is_empty() {
        return Err(LimitsError::NoJoints);
    }
    let described = if urdf.trim().is_empty() { None } else { Some(described(urdf)?) };
    let file = if limits_file.trim().is_empty() {
        LimitsFile::default()
    } else {
        serde_saphyr::from_str(limits_file)
            .map_err(|error| LimitsError::LimitsFile { reason: error.to_string() })?
    };
    let limits = joints.iter().map(|joint| {
        let mut limit = match &described {
            None => Described::default(),
            Some(all) => *all.get(joint).ok_or_else(|| LimitsError::UnknownJoint {
                joint: joint.clone(),
                known: all.keys().cloned().collect(),
            })?,
        };
        limit.tighten(file.joint_limits.get(joint).copied().unwrap_or_default());
        limit.to_limit(joint)
    });
    let limits = limits.collect::<Result<Vec<JointLimit>, LimitsError>>()?;
    Ok(JointLimits::new(limits)?)
}

/// Text of a file, or nothing where none is named.
pub fn read_if_named(path: &str) -> Result<String, LimitsError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    std::fs::read_to_string(path)
        .map_err(|source| LimitsError::Unreadable { path: path.to_owned(), source })
}

#[derive(Clone, Copy, Debug, Default)]
struct Described {
    range: Option<(f64, f64)>,
    is_continuous: bool,
    velocity: Option<f64>,
    acceleration: Option<f64>,
    jerk: Option<f64>,
}

impl Described {
    fn tighten(&mut self, entry: Entry) {
        let least = |a: Option<f64>, b: f64| Some(a.map_or(b, |a| a.min(b)));
        if entry.has_position_limits {
            let (low, high) = self.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            self.range = Some((low.max(entry.min_position), high.min(entry.max_position)));
        }
        if entry.has_velocity_limits {
            self.velocity = least(self.velocity, entry.max_velocity);
        }
        if entry.has_acceleration_limits {
            self.acceleration = least(self.acceleration, entry.max_acceleration);
        }
        if entry.has_jerk_limits {
            self.jerk = least(self.jerk, entry.max_jerk);
        }
    }

    fn to_limit(self, joint: &str) -> Result<JointLimit, LimitsError> {
        let missing = |what| LimitsError::Missing { joint: joint.to_owned(), what };
        let unbounded = self.is_continuous.then_some((f64::NEG_INFINITY, f64::INFINITY));
        let (min_position, max_position) =
            self.range.or(unbounded).ok_or_else(|| missing("position"))?;
        let velocity = self.velocity.ok_or_else(|| missing("velocity"))?;
        let acceleration = self.acceleration.unwrap_or(ACCELERATION_PER_VELOCITY * velocity);
        let jerk = self.jerk.unwrap_or(JERK_PER_ACCELERATION * acceleration);
        Ok(JointLimit {
            min_position,
            max_position,
            ..JointLimit::new(velocity, acceleration, jerk)
        })
    }
}

fn described(urdf: &str) -> Result<BTreeMap<String, Described>, LimitsError> {
    let document = roxmltree::Document::parse(urdf)?;
    let number = |node: &roxmltree::Node<'_, '_>, name| {
        node.attribute(name).and_then(|text| text.trim().parse::<f64>().ok())
    };
    let mut joints = BTreeMap::new();
    for joint in document.root_element().children().filter(|node| node.has_tag_name("joint")) {
        let Some(name) = joint.attribute("name") else { continue };
        let is_continuous = joint.attribute("type") == Some("continuous");
        let mut described = Described { is_continuous, ..Described::default() };
        if let Some(limit) = joint.children().find(|node| node.has_tag_name("limit")) {
            described.velocity = number(&limit, "velocity");
            if !is_continuous {
                // The URDF specification: a bound that is not given is 0.
                let bound = |name| number(&limit, name).unwrap_or(0.0);
                described.range = Some((bound("lower"), bound("upper")));
            }
        }
        joints.insert(name.to_owned(), described);
    }
    Ok(joints)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URDF: &str = r#"<robot name="r">
        <joint name="a" type="revolute"><limit lower="-1" upper="2" velocity="3" effort="1"/></joint>
        <joint name="b" type="continuous"><limit velocity="1" effort="1"/></joint>
    </robot>"#;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_file_tightens_the_description() {
        let file = "joint_limits: {a: {has_velocity_limits: true, max_velocity: 2.0, \
                    has_jerk_limits: true, max_jerk: 90.0}}";
        let limits = limits_of(&names(&["b", "a"]), URDF, file).unwrap();
        let a = limits.joints()[1];
        assert_eq!((a.min_position, a.max_position), (-1.0, 2.0));
        assert_eq!((a.velocity, a.acceleration, a.jerk), (2.0, 6.0, 90.0));
        assert_eq!(limits.joints()[0].max_position, f64::INFINITY);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = limits_of(&names(&["c"]), URDF, "").unwrap_err().to_string();
        assert!(error.contains("'c'") && error.contains('a'), "{error}");
        let error = limits_of(&names(&["a"]), "", "").unwrap_err().to_string();
        assert!(error.contains("no position limit"), "{error}");
        assert!(limits_of(&[], URDF, "").is_err());
        assert!(limits_of(&names(&["a"]), "<robot", "").is_err());
        assert!(limits_of(&names(&["a"]), URDF, "joint_limits: 3").is_err());
    }
}
