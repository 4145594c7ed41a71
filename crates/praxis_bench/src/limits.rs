use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use praxis_trajectory::{JointLimit, JointLimits};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    robots: BTreeMap<String, BTreeMap<String, Limit>>,
}

/// Per second, per second squared and per second cubed; radians or metres.
#[derive(Deserialize)]
struct Limit {
    velocity: f64,
    acceleration: f64,
    jerk: f64,
}

/// The limits of one robot's joints, in their order, from a file of limits of several robots.
pub fn read(path: &Path, robot: &str, joints: &[String]) -> Result<JointLimits> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text, robot, joints).with_context(|| format!("{}", path.display()))
}

fn parse(text: &str, robot: &str, joints: &[String]) -> Result<JointLimits> {
    let file: File = serde_json::from_str(text)?;
    let limits =
        file.robots.get(robot).with_context(|| format!("has no limits of robot '{robot}'"))?;
    let limit = |joint: &String| {
        let limit = limits
            .get(joint)
            .with_context(|| format!("has no limits of joint '{joint}' of '{robot}'"))?;
        Ok(JointLimit::new(limit.velocity, limit.acceleration, limit.jerk))
    };
    Ok(JointLimits::new(joints.iter().map(limit).collect::<Result<_>>()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"about": "test", "robots": {"arm": {
        "b": {"velocity": 1, "acceleration": 2, "jerk": 3},
        "a": {"velocity": 4, "acceleration": 5, "jerk": 6}}}}"#;

    #[test]
    fn limits_come_in_the_order_of_the_joints() {
        let limits = parse(TEXT, "arm", &["a".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(limits.joints()[0].velocity, 4.0);
        assert_eq!(limits.joints()[1].jerk, 3.0);
    }

    #[test]
    fn a_missing_joint_or_robot_is_named() {
        let error = parse(TEXT, "arm", &["c".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("'c'"));
        assert!(parse(TEXT, "leg", &[]).unwrap_err().to_string().contains("'leg'"));
    }
}
