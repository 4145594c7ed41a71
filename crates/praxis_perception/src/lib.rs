//! Pictures and depth → objects with classes, poses and ids, and points of everything else.
//!
//! In: a [`Frame`] (colour, depth if there is any, the camera and where it stood, the robot's body)
//! and a [`praxis_network::Network`] with its card. Out: a [`Perception`] in the planning frame,
//! whose z axis points up. Depth measures the top face of what the network named; without depth
//! the picture's ray is cut with the support plane. Time comes in as stamps. ROS and the running of
//! networks are left to others.

mod assignment;
mod camera;
mod error;
mod exclusion;
mod fit;
mod image;
mod locate;
mod object;
mod obstacles;
mod outline;
mod perceiver;
mod plane;
mod scan;
mod segment;
mod top_face;
mod track;
mod tracker;

pub use self::assignment::assign;
pub use self::camera::CameraModel;
pub use self::error::PerceptionError;
pub use self::exclusion::{RobotBody, Sphere};
pub use self::image::{ColourImage, DepthImage};
pub use self::locate::{LocateConfig, Located, yaw_period_rad};
pub use self::object::{Evidence, SeenObject};
pub use self::obstacles::ObstacleConfig;
pub use self::outline::{Outline, wrapped};
pub use self::perceiver::{Frame, Perceiver, PerceiverConfig, Perception, StageTimes};
pub use self::plane::SupportPlane;
pub use self::track::Track;
pub use self::tracker::{Place, Tracker, TrackerConfig};
