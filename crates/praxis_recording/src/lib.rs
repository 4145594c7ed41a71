//! Recordings of cameras and transforms (MCAP, as `ros2 bag record` writes them), read without ROS.
//!
//! In: a file or the folder of a bag, and the names of the topics. Out: an iterator over what
//! perception needs of it, in the order of the file: pictures, cameras, transforms, the robot's
//! description. A message that cannot be read is an error of its own; the next one follows it.

mod error;
mod messages;
mod read;
mod recording;

pub use self::error::RecordingError;
pub use self::read::{Picture, Told, Transform};
pub use self::recording::{Entry, Recording, Topics};
