//! Planned motions as markers, for people.

use praxis_geometry::Stamp;
use praxis_robot::Robot;
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::geometry_msgs::msg::Point;
use praxis_ros::r2r::moveit_msgs::msg::RobotTrajectory;
use praxis_ros::r2r::std_msgs::msg::ColorRGBA;
use praxis_ros::r2r::visualization_msgs::msg::{Marker, MarkerArray};

const LINE_STRIP: i32 = 4;
const WIDTH_M: f64 = 0.004;
const COLOUR: ColorRGBA = ColorRGBA { r: 1.0, g: 0.84, b: 0.04, a: 0.9 };

/// The way of the link's origin along a trajectory, in the frame of the robot's root link; joints
/// that the trajectory does not name stay where `start` has them.
pub fn tool_path(
    robot: &Robot,
    tool: usize,
    trajectory: &RobotTrajectory,
    start: &[f64],
    stamp: Stamp,
) -> MarkerArray {
    let trajectory = &trajectory.joint_trajectory;
    let joints: Vec<Option<usize>> =
        trajectory.joint_names.iter().map(|name| robot.joint_index(name).ok()).collect();
    let mut state = start.to_vec();
    let mut line = Marker { ns: "tool_path".to_owned(), type_: LINE_STRIP, ..Marker::default() };
    for point in &trajectory.points {
        for (joint, position) in joints.iter().zip(&point.positions) {
            if let Some(joint) = joint {
                state[*joint] = *position;
            }
        }
        let at = robot.link_pose(tool, &state).translation.vector;
        line.points.push(Point { x: at.x, y: at.y, z: at.z });
    }
    line.header.frame_id.clone_from(&robot.links()[0].name);
    line.header.stamp = stamp.to_msg();
    line.pose.orientation.w = 1.0;
    line.scale.x = WIDTH_M;
    line.color = COLOUR;
    MarkerArray { markers: vec![line] }
}
