use std::collections::BTreeMap;

use praxis_trajectory::{JointLimit, JointLimits, LimitsFile};

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

/// Highest effort of each joint; infinite where the description gives none.
pub fn effort_limits_of(joints: &[String], urdf: &str) -> Result<Vec<f64>, LimitsError> {
    let described = if urdf.trim().is_empty() { BTreeMap::new() } else { described(urdf)? };
    let effort = |joint: &String| described.get(joint).and_then(|d| d.effort);
    Ok(joints.iter().map(|joint| effort(joint).unwrap_or(f64::INFINITY)).collect())
}

/// Limits in force: the description's, its soft limits included, tightened by the limits file
/// (MoveIt's format). Either text may be empty.
pub fn limits_of(
    joints: &[String],
    urdf: &str,
    limits_file: &str,
) -> Result<JointLimits, LimitsError> {
    if joints.is_empty() {
        return Err(LimitsError::NoJoints);
    }
    let described = if urdf.trim().is_empty() { None } else { Some(described(urdf)?) };
    let file = LimitsFile::parse(limits_file)?;
    let limits = joints.iter().map(|joint| {
        let described = match &described {
            None => Described::default(),
            Some(all) => *all.get(joint).ok_or_else(|| LimitsError::UnknownJoint {
                joint: joint.clone(),
                known: all.keys().cloned().collect(),
            })?,
        };
        let missing = |what| LimitsError::Missing { joint: joint.clone(), what };
        let own = file.joint(joint);
        if described.range.is_none() && own.position.is_none() {
            return Err(missing("position"));
        }
        let range = described.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        own.tighten(range, described.velocity).ok_or_else(|| missing("velocity"))
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
    velocity: Option<f64>,
    effort: Option<f64>,
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
        let unbounded = (f64::NEG_INFINITY, f64::INFINITY);
        let range = is_continuous.then_some(unbounded);
        let mut described = Described { range, ..Described::default() };
        if let Some(limit) = joint.children().find(|node| node.has_tag_name("limit")) {
            described.velocity = number(&limit, "velocity");
            // 0 stands for "not given" in many descriptions.
            described.effort = number(&limit, "effort").filter(|&effort| effort > 0.0);
            if !is_continuous {
                // The URDF specification: a bound that is not given is 0.
                let bound = |name| number(&limit, name).unwrap_or(0.0);
                described.range = Some((bound("lower"), bound("upper")));
            }
        }
        let soft = joint.children().find(|node| node.has_tag_name("safety_controller"));
        if let (Some(soft), Some((low, high))) = (soft, &mut described.range) {
            *low = number(&soft, "soft_lower_limit").map_or(*low, |soft| low.max(soft));
            *high = number(&soft, "soft_upper_limit").map_or(*high, |soft| high.min(soft));
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
    fn soft_limits_and_efforts_are_in_force() {
        let urdf = r#"<robot name="r"><joint name="a" type="revolute">
            <limit lower="-1" upper="2" velocity="3" effort="7"/>
            <safety_controller soft_lower_limit="-0.9" soft_upper_limit="2.5" k_velocity="1"/>
        </joint></robot>"#;
        let limits = limits_of(&names(&["a"]), urdf, "").unwrap();
        assert_eq!((limits.joints()[0].min_position, limits.joints()[0].max_position), (-0.9, 2.0));
        assert_eq!(effort_limits_of(&names(&["a", "b"]), urdf).unwrap(), [7.0, f64::INFINITY]);
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
