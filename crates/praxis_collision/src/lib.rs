//! Is this configuration, this edge, free; how far; which pair.
//!
//! In: a [`praxis_robot::Robot`] with its link spheres, a [`Scene`] of solids, measured points and
//! held objects, and the joints that a query moves. Out: a [`Checker`] that answers for single
//! configurations and for whole edges (conservatively: an edge called free is free everywhere), up to 16
//! configurations at a time with the vector instructions that the processor has. Searching and
//! goals are left to the planner.

mod checker;
mod cloud;
mod cloud_contact;
mod distance_field;
mod edge;
mod environment;
mod error;
mod frames;
mod instructions;
mod kernel;
mod lanes;
mod model;
mod nearest;
mod pairs;
mod point_grid;
mod scene;
mod solid;
mod standing;
mod surface;
mod sweep;
mod triangle_tree;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use self::checker::Checker;
pub use self::cloud::PointCloud;
pub use self::error::CollisionError;
pub use self::instructions::Instructions;
pub use self::nearest::{Contact, Nearest, SignedDistance};
pub use self::scene::{AllowedPairs, AttachedObject, Scene, SceneObject};
pub use self::surface::Surface;
