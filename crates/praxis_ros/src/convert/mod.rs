//! From messages to checked values and back; one file per message package.
//!
//! Reading can fail, writing cannot; whatever came through is finite and of matching lengths.

mod error;
mod geometry_msgs;
mod point_cloud;
mod sensor_msgs;
mod time;
mod trajectory_msgs;

pub use self::error::ConvertError;
pub use self::point_cloud::CloudPoints;
pub use self::sensor_msgs::{ImageView, JointStateValues};
pub use self::trajectory_msgs::{TrajectoryPoint, TrajectoryValues};

/// Reads a message.
pub trait FromMsg<M>: Sized {
    /// Checks and converts.
    fn from_msg(message: &M) -> Result<Self, ConvertError>;
}

/// Writes a message.
pub trait ToMsg<M> {
    /// Converts.
    fn to_msg(&self) -> M;
}
