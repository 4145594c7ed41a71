//! Rendered tables whose truth is known, to train and to measure perception on.
//!
//! In: a world file, the robot's meshes, which half of the world to draw from ([`Split`]), a seed.
//! Out: a colour and depth picture of a random table, and a [`Label`] for every object of it that
//! shows. [`spoil`] adds what a real sensor adds. One seed, one picture.

mod label;
mod noise;
mod objects;
mod panda;
mod random;
mod surroundings;
mod table;
mod view;

pub use self::label::Label;
pub use self::noise::{Noise, spoil};
pub use self::panda::{PandaMeshes, Posture};
pub use self::random::Split;
pub use self::table::{SceneError, Table, Tables};
