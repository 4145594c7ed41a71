use praxis_control::{PointRequest, ToleranceRequest, TrajectoryRequest};
use praxis_geometry::Stamp;
use praxis_ros::convert::{FromMsg, ToMsg};
use praxis_ros::r2r::builtin_interfaces::msg::Duration as DurationMsg;
use praxis_ros::r2r::control_msgs::action::FollowJointTrajectory;
use praxis_ros::r2r::control_msgs::msg::{JointTolerance, JointTrajectoryControllerState};
use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_ros::r2r::trajectory_msgs::msg::{JointTrajectory, JointTrajectoryPoint};
use praxis_trajectory::JointSample;

use crate::shared::LoopReport;

/// A trajectory message as a request; everything about it is checked by the acceptor.
pub fn request_from_msg(message: &JointTrajectory, now: Stamp) -> TrajectoryRequest {
    let start = Stamp::from_msg(&message.header.stamp).unwrap_or(Stamp::ZERO);
    let points = message.points.iter().map(|point| PointRequest {
        time_s: duration_s(&point.time_from_start),
        positions: point.positions.clone(),
        velocities: point.velocities.clone(),
        accelerations: point.accelerations.clone(),
        efforts: point.effort.clone(),
    });
    TrajectoryRequest {
        joint_names: message.joint_names.clone(),
        points: points.collect(),
        // A stamp of zero means "at once".
        start_in_s: if start == Stamp::ZERO { 0.0 } else { start.seconds_since(now) },
        ..TrajectoryRequest::default()
    }
}

/// A goal as a request.
pub fn request_from_goal(goal: &FollowJointTrajectory::Goal, now: Stamp) -> TrajectoryRequest {
    let tolerances = |list: &[JointTolerance]| {
        let tolerance = |message: &JointTolerance| ToleranceRequest {
            joint: message.name.clone(),
            position: message.position,
            velocity: message.velocity,
        };
        list.iter().map(tolerance).collect()
    };
    TrajectoryRequest {
        path_tolerance: tolerances(&goal.path_tolerance),
        goal_tolerance: tolerances(&goal.goal_tolerance),
        goal_time_s: duration_s(&goal.goal_time_tolerance),
        ..request_from_msg(&goal.trajectory, now)
    }
}

fn duration_s(message: &DurationMsg) -> f64 {
    f64::from(message.sec) + 1e-9 * f64::from(message.nanosec)
}

/// The command message, to be filled anew every period.
pub fn command_msg(joints: &[String]) -> JointState {
    let dim = joints.len();
    JointState {
        name: joints.to_vec(),
        position: vec![0.0; dim],
        velocity: vec![0.0; dim],
        effort: vec![0.0; dim],
        ..JointState::default()
    }
}

/// Adds or renews the finger's entry: position and highest force.
pub fn set_finger(
    message: &mut JointState,
    joint: &str,
    arm: usize,
    position_m: f64,
    force_n: f64,
) {
    if message.name.len() == arm {
        message.name.push(joint.to_owned());
        message.position.push(0.0);
        message.velocity.push(0.0);
        message.effort.push(0.0);
    }
    message.position[arm] = position_m;
    message.effort[arm] = force_n;
}

/// The state message, to be filled anew.
pub fn state_msg(joints: &[String]) -> JointTrajectoryControllerState {
    JointTrajectoryControllerState {
        joint_names: joints.to_vec(),
        ..JointTrajectoryControllerState::default()
    }
}

/// What control wants (`reference`), commands (`output`), has (`feedback`) and misses (`error`).
pub fn fill_state(message: &mut JointTrajectoryControllerState, report: &LoopReport, stamp: Stamp) {
    message.header.stamp = stamp.to_msg();
    fill_point(&mut message.reference, &report.wanted);
    fill_point(&mut message.output, &report.commanded);
    let progress_s = report.progress.map_or(0.0, |(_, time_s)| time_s);
    message.reference.time_from_start =
        DurationMsg { sec: progress_s as i32, nanosec: (progress_s.fract() * 1e9) as u32 };
    fill_point(&mut message.feedback, &report.measured);
    // Accelerations are not measured.
    message.feedback.accelerations.clear();
    fill_point(&mut message.error, &difference(&report.wanted, &report.measured));
    message.error.accelerations.clear();
    message.speed_scaling_factor = report.motion_rate;
}

/// Feedback of the action.
pub fn feedback_msg(
    joints: &[String],
    report: &LoopReport,
    stamp: Stamp,
) -> FollowJointTrajectory::Feedback {
    let mut feedback = FollowJointTrajectory::Feedback {
        joint_names: joints.to_vec(),
        ..FollowJointTrajectory::Feedback::default()
    };
    feedback.header.stamp = stamp.to_msg();
    fill_point(&mut feedback.desired, &report.wanted);
    fill_point(&mut feedback.actual, &report.measured);
    feedback.actual.accelerations.clear();
    fill_point(&mut feedback.error, &difference(&report.wanted, &report.measured));
    feedback.error.accelerations.clear();
    feedback
}

fn fill_point(point: &mut JointTrajectoryPoint, sample: &JointSample) {
    point.positions.clone_from(&sample.position);
    point.velocities.clone_from(&sample.velocity);
    point.accelerations.clone_from(&sample.acceleration);
}

fn difference(a: &JointSample, b: &JointSample) -> JointSample {
    let minus = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
    JointSample {
        position: minus(&a.position, &b.position),
        velocity: minus(&a.velocity, &b.velocity),
        acceleration: Vec::new(),
    }
}
