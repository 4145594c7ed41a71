//! From a goal and a scene to a checked, timed motion: inverse kinematics, search, simplification
//! and timing in one call.
//!
//! In: a [`MotionRequest`] or a [`CartesianRequest`] and a scene. Out: a [`Motion`] whose every
//! state is free and within limits, or a [`MotionError`] that says which links, joints or limits
//! stand in the way. Executing motions is left to control.

mod arm;
mod cartesian;
mod error;
mod goal;
mod planner;
mod request;
mod retime;
mod solid_spheres;

pub use self::cartesian::{CartesianEnd, CartesianRequest, JumpThresholds};
pub use self::error::{MotionError, Touching};
pub use self::planner::{CartesianMotion, Motion, MotionConfig, MotionPlanner, Timings};
pub use self::request::{Goal, JointGoal, MotionRequest, OrientationConstraint, PoseGoal};
pub use self::retime::time_free_path;
pub use self::solid_spheres::spheres_inside;
