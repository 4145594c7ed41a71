//! From the simulator's values to messages and back.

use praxis_geometry::{Pose, Stamp};
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::builtin_interfaces::msg::Time;
use praxis_ros::r2r::geometry_msgs::msg::{PoseArray, Transform, TransformStamped, Vector3};
use praxis_ros::r2r::rosgraph_msgs::msg::Clock as ClockMessage;
use praxis_ros::r2r::sensor_msgs::msg::{CameraInfo, Image, JointState};
use praxis_ros::r2r::std_msgs::msg::Header;
use praxis_ros::r2r::tf2_msgs::msg::TFMessage;
use praxis_sim::{JointCommand, JointStates, RgbdFrame};
use praxis_world::Intrinsics;

use crate::pipeline::FrameInParent;

/// Stamp as a message; the time since the epoch is never negative here.
pub fn time_msg(stamp: Stamp) -> Time {
    Time {
        sec: stamp.nanoseconds.div_euclid(1_000_000_000) as i32,
        nanosec: stamp.nanoseconds.rem_euclid(1_000_000_000) as u32,
    }
}

/// Header in a frame at a time.
pub fn header(stamp: Stamp, frame: &str) -> Header {
    Header { stamp: time_msg(stamp), frame_id: frame.to_owned() }
}

/// The clock.
pub fn clock_msg(stamp: Stamp) -> ClockMessage {
    ClockMessage { clock: time_msg(stamp) }
}

/// Joint states.
pub fn joint_state_msg(stamp: Stamp, names: &[String], states: JointStates) -> JointState {
    JointState {
        header: header(stamp, ""),
        name: names.to_vec(),
        position: states.positions,
        velocity: states.velocities,
        effort: states.efforts,
    }
}

/// Transforms.
pub fn tf_msg(stamp: Stamp, frames: &[FrameInParent]) -> TFMessage {
    let transform = |frame: &FrameInParent| TransformStamped {
        header: header(stamp, &frame.parent),
        child_frame_id: frame.child.clone(),
        transform: transform_msg(&frame.parent_from_child),
    };
    TFMessage { transforms: frames.iter().map(transform).collect() }
}

/// Poses.
pub fn poses_msg(stamp: Stamp, frame: &str, poses: &[Pose]) -> PoseArray {
    PoseArray { header: header(stamp, frame), poses: poses.iter().map(ToMsg::to_msg).collect() }
}

fn transform_msg(pose: &Pose) -> Transform {
    let (t, q) = (pose.translation.vector, pose.rotation);
    let mut transform =
        Transform { translation: Vector3 { x: t.x, y: t.y, z: t.z }, ..Transform::default() };
    transform.rotation.x = q.i;
    transform.rotation.y = q.j;
    transform.rotation.z = q.k;
    transform.rotation.w = q.w;
    transform
}

/// A command as it came; the simulator checks it. `epoch` is the stamp of simulated time zero.
pub fn command_from_msg(message: JointState, epoch: Stamp) -> JointCommand {
    let stamp = message.header.stamp;
    let nanoseconds = i64::from(stamp.sec) * 1_000_000_000 + i64::from(stamp.nanosec);
    let stamp_s = Stamp { nanoseconds }.seconds_since(epoch);
    JointCommand {
        stamp_s: if nanoseconds > 0 { stamp_s } else { 0.0 },
        names: message.name,
        positions: message.position,
        velocities: message.velocity,
        efforts: message.effort,
    }
}

/// Colour as rgb8.
pub fn colour_msg(stamp: Stamp, frame_id: &str, frame: &RgbdFrame) -> Image {
    Image {
        header: header(stamp, frame_id),
        width: frame.width as u32,
        height: frame.height as u32,
        encoding: "rgb8".to_owned(),
        is_bigendian: 0,
        step: 3 * frame.width as u32,
        data: frame.rgb.clone(),
    }
}

/// Depth as 16UC1 in millimetres or 32FC1 in metres; nothing measured is 0 or NaN (REP-118).
pub fn depth_msg(stamp: Stamp, frame_id: &str, frame: &RgbdFrame, in_metres: bool) -> Image {
    let (encoding, bytes, data): (&str, u32, Vec<u8>) = if in_metres {
        let metres = frame.depth_m.iter().map(|&z| if z > 0.0 { z } else { f32::NAN });
        ("32FC1", 4, metres.flat_map(f32::to_le_bytes).collect())
    } else {
        let millimetres = frame.depth_m.iter().map(|&z| (1000.0 * z).round() as u16);
        ("16UC1", 2, millimetres.flat_map(u16::to_le_bytes).collect())
    };
    Image {
        header: header(stamp, frame_id),
        width: frame.width as u32,
        height: frame.height as u32,
        encoding: encoding.to_owned(),
        is_bigendian: 0,
        step: bytes * frame.width as u32,
        data,
    }
}

/// Intrinsics without distortion.
pub fn camera_info_msg(stamp: Stamp, frame_id: &str, intrinsics: &Intrinsics) -> CameraInfo {
    let Intrinsics { width_px, height_px, fx_px, fy_px, cx_px, cy_px } = *intrinsics;
    CameraInfo {
        header: header(stamp, frame_id),
        width: width_px,
        height: height_px,
        distortion_model: "plumb_bob".to_owned(),
        d: vec![0.0; 5],
        k: vec![fx_px, 0.0, cx_px, 0.0, fy_px, cy_px, 0.0, 0.0, 1.0],
        r: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p: vec![fx_px, 0.0, cx_px, 0.0, 0.0, fy_px, cy_px, 0.0, 0.0, 0.0, 1.0, 0.0],
        ..CameraInfo::default()
    }
}
