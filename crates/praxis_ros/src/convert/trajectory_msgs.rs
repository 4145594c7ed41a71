use std::time::Duration;

use praxis_geometry::Stamp;
use r2r::trajectory_msgs::msg;

use super::{ConvertError, FromMsg, ToMsg};

/// A joint trajectory as it was sent: finite numbers, lists as long as the joints or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrajectoryValues {
    /// When it starts; zero means at once.
    pub start: Stamp,
    /// The joints, in the order of every list.
    pub joint_names: Vec<String>,
    /// The points.
    pub points: Vec<TrajectoryPoint>,
}

/// One point of a trajectory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrajectoryPoint {
    /// Since the start.
    pub time_from_start: Duration,
    /// Radians, or metres.
    pub positions: Vec<f64>,
    /// Empty if not given.
    pub velocities: Vec<f64>,
    /// Empty if not given.
    pub accelerations: Vec<f64>,
    /// Empty if not given.
    pub effort: Vec<f64>,
}

impl FromMsg<msg::JointTrajectory> for TrajectoryValues {
    fn from_msg(message: &msg::JointTrajectory) -> Result<Self, ConvertError> {
        let joints = message.joint_names.len();
        let points = message
            .points
            .iter()
            .enumerate()
            .map(|(index, point)| {
                let check = |field: &str, list: &[f64], may_be_empty: bool| {
                    let field = format!("points[{index}].{field}");
                    if !(list.len() == joints || (may_be_empty && list.is_empty())) {
                        return Err(ConvertError::Length {
                            field,
                            found: list.len(),
                            expected: joints,
                        });
                    }
                    if list.iter().any(|value| !value.is_finite()) {
                        return Err(ConvertError::NotFinite { field });
                    }
                    Ok(list.to_vec())
                };
                Ok(TrajectoryPoint {
                    time_from_start: Duration::from_msg(&point.time_from_start)?,
                    positions: check("positions", &point.positions, false)?,
                    velocities: check("velocities", &point.velocities, true)?,
                    accelerations: check("accelerations", &point.accelerations, true)?,
                    effort: check("effort", &point.effort, true)?,
                })
            })
            .collect::<Result<_, ConvertError>>()?;
        Ok(Self {
            start: Stamp::from_msg(&message.header.stamp)?,
            joint_names: message.joint_names.clone(),
            points,
        })
    }
}

impl ToMsg<msg::JointTrajectory> for TrajectoryValues {
    fn to_msg(&self) -> msg::JointTrajectory {
        let mut message = msg::JointTrajectory {
            joint_names: self.joint_names.clone(),
            points: self
                .points
                .iter()
                .map(|point| msg::JointTrajectoryPoint {
                    positions: point.positions.clone(),
                    velocities: point.velocities.clone(),
                    accelerations: point.accelerations.clone(),
                    effort: point.effort.clone(),
                    time_from_start: point.time_from_start.to_msg(),
                })
                .collect(),
            ..msg::JointTrajectory::default()
        };
        message.header.stamp = self.start.to_msg();
        message
    }
}
