//! Physics, a robot driver and the ground truth.
//!
//! In: a robot description, joint limits, a world, a seed, and joint commands.
//! Out: joint states, poses of everything that can be seen, and the judge's [`Truth`].
//! Time moves only by [`Simulator::step`]; one seed and one stream of commands give one run.
//! Whoever owns the simulator decides who may see the truth: the robot's own nodes never do.

mod command;
mod description;
mod driver;
mod error;
mod intruder;
mod judge;
mod limit_judge;
mod limits;
mod mjcf;
mod physics;
mod pick_judge;
mod reach_judge;
mod sensor_noise;
mod simulator;
mod touch;
mod view;

pub use self::command::{ArmTarget, CommandTimeline, FingerTarget, JointCommand, TimedTarget};
pub use self::description::{
    JointDescription, LinkDescription, Mimic, RobotDescription, Solid, SolidShape,
};
pub use self::driver::{DriverConfig, Reference};
pub use self::error::{CommandError, SimError};
pub use self::intruder::{IntruderConfig, Thrusts};
pub use self::judge::Truth;
pub use self::limit_judge::Violation;
pub use self::limits::JointLimits;
pub use self::mjcf::PhysicsConfig;
pub use self::pick_judge::PickGoal;
pub use self::reach_judge::ReachGoals;
pub use self::sensor_noise::{RgbdFrame, SensorNoise};
pub use self::simulator::{JointStates, SimConfig, Simulator, Snapshot};
pub use self::view::{SceneView, camera_of};
