use std::path::PathBuf;

use praxis_trajectory::TrajectoryError;

use crate::reason::ResultCode;

/// Why a controller cannot be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ControlError {
    /// No joint, or not one limit a joint.
    #[error("{names} joint names but limits for {limits} joints")]
    LimitsMismatch {
        /// How many names.
        names: usize,
        /// How many limits.
        limits: usize,
    },
    /// The robot description lacks something.
    #[error("robot description: {reason}")]
    Robot {
        /// What, and what is there.
        reason: String,
    },
    /// A setting is out of its range.
    #[error("{what} is {value}; it must be positive and finite")]
    BadSetting {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
    },
}

/// Why a trajectory is not taken. Nothing moves on its account.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RejectError {
    /// The trajectory names no joint or has no point.
    #[error("trajectory has no {what}")]
    Empty {
        /// "joint names" or "points".
        what: &'static str,
    },
    /// A joint is not driven by this controller.
    #[error("joint '{joint}' is not one of {known:?}")]
    UnknownJoint {
        /// The joint.
        joint: String,
        /// What is driven.
        known: Vec<String>,
    },
    /// A joint is named twice.
    #[error("joint '{joint}' is named twice")]
    DuplicateJoint {
        /// The joint.
        joint: String,
    },
    /// Only some of the joints are named, and that is switched off.
    #[error("joint '{joint}' is missing and partial goals are not allowed")]
    PartialJoints {
        /// The first that is missing.
        joint: String,
    },
    /// A list of a point has the wrong length.
    #[error("point {point}: {got} {what} for {expected} joints")]
    WrongLength {
        /// Index of the point.
        point: usize,
        /// "positions", "velocities", "accelerations".
        what: &'static str,
        /// Its length.
        got: usize,
        /// Number of joints named.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("point {point}: {what} of {joint} is {value}")]
    NotFinite {
        /// Index of the point.
        point: usize,
        /// "position", "velocity", "acceleration".
        what: &'static str,
        /// The joint.
        joint: String,
        /// The value.
        value: f64,
    },
    /// Times from start must grow.
    #[error("point {point}: time from start {time_s} s is not after {previous_s} s")]
    TimeNotGrowing {
        /// Index of the point.
        point: usize,
        /// Its time.
        time_s: f64,
        /// The time before it.
        previous_s: f64,
    },
    /// Outside the limits of the joint.
    #[error("{what} of {joint} is {value:.4} at {time_s:.3} s, limit {limit:.4}")]
    LimitExceeded {
        /// "position", "velocity", "acceleration" or "jerk".
        what: &'static str,
        /// The joint.
        joint: String,
        /// The value.
        value: f64,
        /// The limit.
        limit: f64,
        /// When, from the start of the trajectory.
        time_s: f64,
    },
    /// The last point is at speed, and nothing follows.
    #[error("{joint} ends at {velocity:.4} per second; the last point of a goal must stand")]
    EndsMoving {
        /// The joint.
        joint: String,
        /// Its velocity there.
        velocity: f64,
    },
    /// Points give velocities but no positions, and integrating them is switched off.
    #[error(
        "points give velocities without positions; set allow_integration_in_goal_trajectories to \
         have them integrated"
    )]
    VelocitiesAlone,
    /// The motion starts somewhere else.
    #[error(
        "{joint} starts at {start:.4} but is commanded to {commanded:.4} then, \
         tolerance {tolerance:.4}; plan from the present state"
    )]
    StartsElsewhere {
        /// The joint.
        joint: String,
        /// Where the trajectory starts.
        start: f64,
        /// Where the joint will be.
        commanded: f64,
        /// The tolerance.
        tolerance: f64,
    },
    /// The whole trajectory lies in the past.
    #[error("the trajectory ended {late_s:.3} s ago by its header stamp")]
    InThePast {
        /// How long ago.
        late_s: f64,
    },
    /// The stamp is further ahead than makes sense.
    #[error("the trajectory starts in {wait_s:.1} s by its header stamp, limit {limit_s:.1} s")]
    FarFuture {
        /// Until its start.
        wait_s: f64,
        /// Longest wait taken.
        limit_s: f64,
    },
    /// A tolerance names a joint that the trajectory does not move, or is no number.
    #[error("tolerance of '{joint}': {value} is unusable")]
    BadTolerance {
        /// The joint.
        joint: String,
        /// What was given.
        value: f64,
    },
    /// Control does not take motions now.
    #[error("control takes no motion now: {why}")]
    NotReady {
        /// The state it is in, and what helps.
        why: &'static str,
    },
    /// What the trajectory crate found.
    #[error(transparent)]
    Trajectory(#[from] TrajectoryError),
}

impl RejectError {
    /// Code for the action result.
    pub fn code(&self) -> ResultCode {
        match self {
            Self::UnknownJoint { .. }
            | Self::DuplicateJoint { .. }
            | Self::PartialJoints { .. }
            | Self::Empty { what: "joint names" } => ResultCode::InvalidJoints,
            Self::InThePast { .. } => ResultCode::OldHeaderTimestamp,
            _ => ResultCode::InvalidGoal,
        }
    }
}

/// Why the stored emergency stop cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} the emergency-stop latch {path}: {source}")]
pub struct LatchError {
    /// "engage", "reset" or "read".
    pub action: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: std::io::Error,
}
