use std::time::Duration;

use praxis_control::GripperGoal;
use praxis_geometry::Stamp;
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_ros::r2r::std_msgs::msg::{Float64MultiArray, MultiArrayDimension};
use praxis_ros::r2r::trajectory_msgs::msg::{JointTrajectory, JointTrajectoryPoint};
use praxis_ros::{Node, Publisher, RosError, topics};

use crate::messages::{command_msg, set_finger};
use crate::shared::LoopReport;

/// What the driver takes commands as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandType {
    /// Positions, velocities and efforts on `joint_commands`, gripper included.
    JointState,
    /// Positions for forward controllers of ros2_control.
    Float64MultiArray,
    /// One point at a time for joint_trajectory_controller.
    JointTrajectory,
}

impl CommandType {
    /// By the name of the parameter's value.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "joint_state" => Some(Self::JointState),
            "float64_multi_array" => Some(Self::Float64MultiArray),
            "joint_trajectory" => Some(Self::JointTrajectory),
            _ => None,
        }
    }
}

/// The command message, filled anew every period, and its publisher.
pub enum Commands {
    /// See [`CommandType::JointState`].
    JointState {
        /// The message.
        message: JointState,
        /// Joint of the finger, after the arm's.
        finger_joint: String,
        /// Number of the arm's joints.
        arm: usize,
        /// `joint_commands`.
        publisher: Publisher<JointState>,
    },
    /// See [`CommandType::Float64MultiArray`].
    Float64MultiArray {
        /// The message.
        message: Float64MultiArray,
        /// `forward_position_controller/commands`.
        publisher: Publisher<Float64MultiArray>,
    },
    /// See [`CommandType::JointTrajectory`].
    JointTrajectory {
        /// The message.
        message: JointTrajectory,
        /// `joint_trajectory_controller/joint_trajectory`.
        publisher: Publisher<JointTrajectory>,
    },
}

impl Commands {
    /// With messages for these joints; a point of a trajectory is to be reached within a period.
    pub fn new(
        kind: CommandType,
        node: &mut Node,
        joints: &[String],
        finger_joint: &str,
        period: Duration,
    ) -> Result<Self, RosError> {
        Ok(match kind {
            CommandType::JointState => Self::JointState {
                message: command_msg(joints),
                finger_joint: finger_joint.to_owned(),
                arm: joints.len(),
                publisher: node.publish_on(&topics::JOINT_COMMANDS)?,
            },
            CommandType::Float64MultiArray => Self::Float64MultiArray {
                message: array_msg(joints),
                publisher: node.publish_on(&topics::POSITION_COMMANDS)?,
            },
            CommandType::JointTrajectory => Self::JointTrajectory {
                message: point_msg(joints, period),
                publisher: node.publish_on(&topics::TRAJECTORY_COMMANDS)?,
            },
        })
    }

    /// Says what the loop commands.
    pub fn publish(&mut self, report: &LoopReport, gripper: Option<GripperGoal>, stamp: Stamp) {
        match self {
            Self::JointState { message, finger_joint, arm, publisher } => {
                fill_joint_state(message, report, stamp);
                if let Some(goal) = gripper {
                    set_finger(message, finger_joint, *arm, goal.position_m, goal.effort_n);
                }
                publisher.publish(message);
            }
            Self::Float64MultiArray { message, publisher } => {
                message.data.clone_from(&report.commanded.position);
                publisher.publish(message);
            }
            Self::JointTrajectory { message, publisher } => {
                fill_trajectory(message, report);
                publisher.publish(message);
            }
        }
    }
}

fn fill_joint_state(message: &mut JointState, report: &LoopReport, stamp: Stamp) {
    let arm = report.commanded.position.len();
    message.header.stamp = stamp.to_msg();
    message.position[..arm].copy_from_slice(&report.commanded.position);
    message.velocity[..arm].copy_from_slice(&report.commanded.velocity);
    message.effort[..arm].copy_from_slice(&report.effort);
}

fn fill_trajectory(message: &mut JointTrajectory, report: &LoopReport) {
    let point = &mut message.points[0];
    point.positions.clone_from(&report.commanded.position);
    point.velocities.clone_from(&report.commanded.velocity);
}

fn array_msg(joints: &[String]) -> Float64MultiArray {
    let mut message = Float64MultiArray { data: vec![0.0; joints.len()], ..Default::default() };
    message.layout.dim = vec![MultiArrayDimension {
        label: "joints".to_owned(),
        size: joints.len() as u32,
        stride: joints.len() as u32,
    }];
    message
}

/// A stamp of zero: the controller takes the point at once.
fn point_msg(joints: &[String], period: Duration) -> JointTrajectory {
    let mut point = JointTrajectoryPoint::default();
    point.time_from_start.nanosec = period.subsec_nanos();
    JointTrajectory { joint_names: joints.to_vec(), points: vec![point], ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> LoopReport {
        let mut report = LoopReport::empty(2);
        report.commanded.position = vec![0.1, 0.2];
        report.commanded.velocity = vec![1.0, 2.0];
        report.effort = vec![3.0, 4.0];
        report
    }

    #[test]
    fn every_type_carries_what_the_loop_commands() {
        let joints = ["a".to_owned(), "b".to_owned()];
        let mut state = command_msg(&joints);
        fill_joint_state(&mut state, &report(), Stamp::from_secs_f64(5.0));
        assert_eq!((state.position, state.effort), (vec![0.1, 0.2], vec![3.0, 4.0]));
        assert_eq!(state.header.stamp.sec, 5);

        let mut trajectory = point_msg(&joints, Duration::from_millis(2));
        fill_trajectory(&mut trajectory, &report());
        let point = &trajectory.points[0];
        assert_eq!(
            (&point.positions[..], &point.velocities[..]),
            (&[0.1, 0.2][..], &[1.0, 2.0][..])
        );
        assert_eq!(point.time_from_start.nanosec, 2_000_000);
        assert_eq!(trajectory.header.stamp.sec, 0);

        assert_eq!(array_msg(&joints).layout.dim[0].size, 2);
        assert_eq!(CommandType::parse("float64_multi_array"), Some(CommandType::Float64MultiArray));
        assert_eq!(CommandType::parse("pwm"), None);
    }
}
