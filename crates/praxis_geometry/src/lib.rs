//! Poses, shapes, joint vectors, time stamps: the words every other crate speaks.
//!
//! In: numbers. Out: checked values. Nothing here knows robots, sensors or ROS.

mod joints;
mod obj;
mod pose;
mod shape;
mod stamp;
mod stl;

pub use self::joints::{JointVector, NamedJoints, NamedJointsError};
pub use self::obj::ObjError;
pub use self::pose::{Pose, pose_from_xyz_rpy, yaw_rad};
pub use self::shape::{Shape, TriangleMesh};
pub use self::stamp::Stamp;
pub use self::stl::StlError;
