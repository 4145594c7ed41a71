//! Collision-free paths in joint space.
//!
//! In: a start, goals and a [`JointSpace`] that answers "is this configuration, this edge free?".
//! Out: waypoints without timing; `praxis_trajectory` adds the timing. What a configuration
//! collides with, inverse kinematics and constraints are left to `praxis_motion`.

mod budget;
mod error;
mod joint_space;
mod regions;
mod rrt_connect;
mod sampler;
mod simplify;
mod tree;

pub use self::budget::Budget;
pub use self::error::{Endpoint, PlanError};
pub use self::joint_space::{BOUNDS_TOLERANCE, JointSpace, check_endpoint, distance, path_length};
pub use self::rrt_connect::{Found, RrtConnect, RrtConnectConfig};
pub use self::simplify::{SimplifyConfig, simplify};
