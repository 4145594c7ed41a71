//! A robot from its description: kinematic tree, limits, forward and inverse kinematics, Jacobians,
//! link spheres, which links may touch.
//!
//! In: URDF and SRDF text (meshes are read from the files it names). Out: a [`Robot`] that has been
//! checked and answers questions about states: one value for each joint of [`Robot::joints`].
//! Scenes and paths are left to other crates.

mod collada;
mod error;
mod fitting;
mod ik;
mod kinematics;
mod mesh_file;
mod robot;
mod srdf;
mod urdf;

pub use self::error::RobotError;
pub use self::fitting::cover as cover_with_spheres;
pub use self::ik::{IkMiss, IkRequest, IkSolver};
pub use self::robot::{
    EndEffector, Group, Joint, JointKind, Link, LinkSphere, Mimic, Motion, Robot, Variable,
};
