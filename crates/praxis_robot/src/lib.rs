//! A robot from its description: kinematic tree, limits, forward and inverse kinematics, Jacobians,
//! dynamics, link spheres, which links may touch.
//!
//! In: URDF and SRDF text (meshes are read from the files it names). Out: a [`Robot`] that has been
//! checked and answers questions about states: one value for each joint of [`Robot::joints`].
//! Scenes and paths are left to other crates.

mod collada;
mod dynamics;
mod error;
mod fitting;
mod ik;
mod kinematics;
mod mesh_file;
mod pairs_by_sampling;
mod robot;
mod sphere_cache;
mod srdf;
mod tight_fitting;
mod urdf;

pub use self::dynamics::EARTH_GRAVITY;
pub use self::error::RobotError;
pub use self::fitting::{cover as cover_with_spheres, cover_within as cover_with_spheres_within};
pub use self::ik::{IkMiss, IkRequest, IkSolver};
pub use self::pairs_by_sampling::{SampledPair, Touch};
pub use self::robot::{
    EndEffector, Group, Inertia, Joint, JointKind, Link, LinkSphere, Mimic, Motion, Robot,
    RobotOptions, Variable,
};
pub use self::sphere_cache::sphere_cache_folder;
