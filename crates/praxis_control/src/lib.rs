//! The core of arm control: it follows, holds or brakes, and always answers within limits.
//!
//! In: trajectories as they come from outside ([`TrajectoryRequest`]), measured joint states, stop
//! requests. Out: one [`JointSample`](praxis_trajectory::JointSample) a period, and what became of
//! each motion.
//!
//! An [`Acceptor`] checks requests and prepares a [`Motion`] in any thread; the [`Controller`] is
//! stepped by the control loop and neither allocates nor waits. Whatever it is told, its commands
//! pass the [`Gate`], which never leaves the position, velocity, acceleration and jerk limits and
//! is always able to stop within them. Clocks, messages and threads are left to the node.

mod accept;
mod controller;
mod error;
mod gate;
mod gripper;
mod latch;
mod motion;
mod reason;
mod request;
mod smooth;
mod stop;
mod trajectory_clock;

pub use self::accept::{AcceptConfig, Acceptor, Commanded};
pub use self::controller::{Controller, ControllerConfig, ControllerState, Measured, StepInputs};
pub use self::error::{ControlError, LatchError, RejectError};
pub use self::gate::Gate;
pub use self::gripper::{
    GripperConfig, GripperError, GripperGoal, GripperMonitor, GripperOutcome, GripperProgress,
};
pub use self::latch::EStopLatch;
pub use self::motion::{JointTolerance, Motion};
pub use self::reason::{Finished, Outcome, ResultCode, StopReason};
pub use self::request::{PointRequest, ToleranceRequest, TrajectoryRequest};
pub use self::stop::{JointState, StopPlan};
pub use self::trajectory_clock::TrajectoryClock;
