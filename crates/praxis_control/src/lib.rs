//! The core of arm control: it follows, servos, holds or brakes, and always answers within limits.
//!
//! In: trajectories as they come from outside ([`TrajectoryRequest`]), measured joint states, stop
//! requests. Out: one [`JointSample`](praxis_trajectory::JointSample) a period, and what became of
//! each motion.
//!
//! An [`Acceptor`] checks requests and prepares a [`Motion`] in any thread; the [`Controller`] is
//! stepped by the control loop and neither allocates nor waits. Whatever it is told, its commands
//! pass the [`Gate`], which never leaves the position, velocity, acceleration and jerk limits and
//! is always able to stop within them. The [`Monitor`] looks ahead of motions for what is in the way,
//! and [`Servo`] turns twists, jogs and poses into velocities; both run beside the loop. Clocks, messages and threads are left to the node.

mod accept;
mod controller;
mod error;
mod gate;
mod gripper;
mod guard;
mod join_in;
mod latch;
mod monitor;
mod motion;
mod pace;
mod reason;
mod request;
mod servo;
mod smooth;
mod stop;
mod tool_limits;
mod trajectory_clock;

pub use self::accept::{AcceptConfig, Acceptor, Commanded, Running};
pub use self::controller::{Controller, ControllerConfig, ControllerState, Measured, StepInputs};
pub use self::error::{ControlError, LatchError, RejectError};
pub use self::gate::Gate;
pub use self::gripper::{
    GripperConfig, GripperError, GripperGoal, GripperMonitor, GripperOutcome, GripperProgress,
};
pub use self::guard::{Guard, ServoWish};
pub use self::latch::EStopLatch;
pub use self::monitor::{
    Ahead, KnownBox, Monitor, MonitorConfig, Outlook, Person, Separation, Threat, Verdict,
};
pub use self::motion::{Effort, JointTolerance, Motion};
pub use self::pace::Pace;
pub use self::reason::{Finished, Outcome, ResultCode, StopReason};
pub use self::request::{PointRequest, ToleranceRequest, TrajectoryRequest};
pub use self::servo::{Servo, ServoAnswer, ServoConfig, ServoInput, ServoStatus};
pub use self::stop::{JointState, StopPlan};
pub use self::tool_limits::{ToolBreach, ToolGuard, ToolLimits};
pub use self::trajectory_clock::TrajectoryClock;
