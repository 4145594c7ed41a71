//! The robot's body as planning needs it: kinematic tree, groups, spheres that fill the links, and
//! what they touch.

mod clearance;
mod description;
mod inverse;
mod obstacles;
mod solid_spheres;
mod stl;
mod tree;

pub use self::clearance::{CheckScene, Checker, HeldSolid, SceneSolid};
pub use self::description::BodyError;
pub use self::inverse::IkMiss;
pub use self::tree::{Body, BodyJoint, JointKind};
