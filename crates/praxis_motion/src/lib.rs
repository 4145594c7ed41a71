//! From a goal and a scene to a checked, timed motion: inverse kinematics, search, simplification
//! and timing in one call.
//!
//! In: a [`MotionRequest`] or a [`CartesianRequest`] and a scene. Out: a [`Motion`] whose every
//! state is free and within limits, or a [`MotionError`] that says which links, joints or limits
//! stand in the way. Executing motions is left to control.

mod arc;
mod arm;
mod cartesian;
mod constrained_arm;
mod constraint;
mod error;
mod goal;
mod moving;
mod planner;
mod request;
mod retime;
mod search;
mod side_by_side;
mod solid_spheres;

pub use self::arc::arc;
pub use self::cartesian::{CartesianEnd, CartesianRequest, JumpThresholds};
pub use self::constraint::{JointWindow, PathConstraint, PositionConstraint};
pub use self::error::{MotionError, Touching};
pub use self::planner::{CartesianMotion, Motion, MotionConfig, MotionPlanner, Timings};
pub use self::request::{
    Goal, JointGoal, MotionRequest, OrientationConstraint, PoseGoal, RegionGoal,
};
pub use self::retime::time_free_path;
pub use self::search::Search;
pub use self::solid_spheres::spheres_inside;
