//! Pictures and depth → objects with classes, poses and ids, and points of everything else.
//!
//! In: a [`Frame`] (colour, depth if there is any, the camera and where it stood, the robot's body)
//! and a [`praxis_network::Network`] with its card; depth pictures and clouds of any sensor for the
//! [`ObstacleWorld`]. Out: a [`Perception`] and obstacle points in the planning frame,
//! whose z axis points up. Depth measures the top face of what the network named; without depth
//! the picture's ray is cut with the support plane. Time comes in as stamps. ROS and the running of
//! networks are left to others.

mod assignment;
mod box_pose;
mod camera;
mod clock_watch;
mod compressed;
mod error;
mod exclusion;
mod fit;
mod image;
pub mod intake;
mod known_space;
mod locate;
mod mount_watch;
mod object;
mod obstacles;
mod outline;
mod perceiver;
mod plane;
mod reach;
mod robot_model;
mod rvl;
mod scan;
mod segment;
mod sight;
mod sighting;
mod top_face;
mod track;
mod tracker;

pub use self::assignment::assign;
pub use self::box_pose::{BoxPose, box_keypoints, box_pose};
pub use self::camera::CameraModel;
pub use self::clock_watch::{ClockTrouble, ClockWatch};
pub use self::error::PerceptionError;
pub use self::exclusion::{KnownBox, RobotBody, Sphere};
pub use self::image::{ColourImage, DepthImage};
pub use self::locate::{LocateConfig, Located, yaw_period_rad};
pub use self::mount_watch::{MountConfig, MountEvidence, MountTrouble, MountWatch, mount_evidence};
pub use self::object::{Evidence, SeenObject};
pub use self::obstacles::{
    CloudFrame, DepthFrame, ObstacleChange, ObstacleConfig, ObstacleWorld, Space,
};
pub use self::outline::{Outline, wrapped};
pub use self::perceiver::{Frame, Perceiver, PerceiverConfig, Perception, StageTimes};
pub use self::plane::SupportPlane;
pub use self::robot_model::{PlacedRobot, RobotModel};
pub use self::sighting::{Carried, SeenShape, Sighting};
pub use self::track::Track;
pub use self::tracker::{MotionModel, Place, Sightings, Taken, Tracker, TrackerConfig};
