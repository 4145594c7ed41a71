//! World files: what stands still, where things are put, what is to be sorted, what looks on.
//!
//! In: a YAML file such as `models/worlds/sort_table.yaml`, and a seed.
//! Out: a checked [`World`] and, for each seed, the objects of one [`World::layout`].
//! Physics, planning scene, task and training images are all made from these; none of them is
//! known here.

mod camera;
mod classes;
mod conveyor;
mod error;
mod file;
mod fixed;
mod footprint;
mod layout;
mod world;

pub use self::camera::{CameraMount, Intrinsics};
pub use self::classes::{ClassShape, ObjectClass, Range};
pub use self::conveyor::Conveyor;
pub use self::error::WorldError;
pub use self::fixed::{Bin, Colour, FixedBox};
pub use self::layout::{ObjectInstance, Part};
pub use self::world::{SpawnArea, World};
