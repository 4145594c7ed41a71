//! Collision-free paths in joint space.
//!
//! In: a start, goals and a [`JointSpace`] that answers "is this configuration, this edge free?".
//! Out: waypoints without timing; `praxis_trajectory` adds the timing. [`RrtConnect`] is the quick
//! one, [`Anytime`] goes on improving, a [`Roadmap`] is kept from query to query, [`plan_projected`]
//! walks along constraints. What a configuration collides with, inverse kinematics and what the
//! constraints are is left to `praxis_motion`.

mod anytime;
mod budget;
mod error;
mod joint_space;
mod projected;
mod regions;
mod roadmap;
mod rrt_connect;
mod sampler;
mod simplify;
mod tree;

pub use self::anytime::{Anytime, AnytimeConfig};
pub use self::budget::Budget;
pub use self::error::{Endpoint, PlanError};
pub use self::joint_space::{BOUNDS_TOLERANCE, JointSpace, check_endpoint, distance, path_length};
pub use self::projected::{ProjectedConfig, ProjectedSpace, plan_projected};
pub use self::roadmap::{Roadmap, RoadmapConfig};
pub use self::rrt_connect::{Found, RrtConnect, RrtConnectConfig};
pub use self::simplify::{SimplifyConfig, simplify};
