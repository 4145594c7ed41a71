use std::fmt::Write as _;

/// Why a motion was stopped. Joints are indices into the controller's joints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopReason {
    /// The client took its goal back.
    Cancelled,
    /// Someone called for a stop.
    StopRequested,
    /// The emergency stop was engaged.
    EStop,
    /// The node goes down or is deactivated.
    Deactivated,
    /// Joint states stopped coming.
    StaleJointStates {
        /// Age of the newest one, in seconds.
        age_s: f64,
        /// Greatest age that is taken.
        limit_s: f64,
    },
    /// The planner that sent the motion stopped giving signs of life.
    PlannerLost {
        /// Time since its last heartbeat, in seconds.
        age_s: f64,
        /// Longest silence that is taken.
        limit_s: f64,
    },
    /// The arm is far from where it is commanded to be: blocked, or the driver does not follow.
    TrackingError {
        /// The joint.
        joint: usize,
        /// Commanded minus measured position.
        error: f64,
        /// Largest error that is taken.
        limit: f64,
    },
    /// The tool would leave the workspace.
    Workspace {
        /// 0, 1, 2 for x, y, z.
        axis: usize,
        /// Where it would be, metres.
        value_m: f64,
        /// The bound, metres.
        limit_m: f64,
    },
    /// The tool would be too fast.
    ToolSpeed {
        /// How fast it would be, metres per second.
        value_mps: f64,
        /// The limit, metres per second.
        limit_mps: f64,
    },
    /// Something was in the way for too long; the monitor says what.
    Obstructed {
        /// How long the arm stood, seconds.
        waited_s: f64,
    },
    /// The collision monitor said nothing for too long.
    MonitorSilent {
        /// For how long, seconds.
        age_s: f64,
        /// Longest silence that is taken, seconds.
        limit_s: f64,
    },
    /// The control loop itself was held up while the arm moved; its driver has braked on its own.
    LoopHeldUp {
        /// For how long, seconds.
        silent_s: f64,
        /// Longest silence after which the motion goes on, seconds.
        limit_s: f64,
    },
    /// Joint states jumped: further between two of them than the joint can go.
    StateJump {
        /// The joint.
        joint: usize,
        /// How far, radians.
        jump: f64,
        /// How far it can have gone, radians.
        limit: f64,
    },
    /// A joint left the tolerance of the goal while moving.
    PathTolerance {
        /// The joint.
        joint: usize,
        /// "position" or "velocity".
        what: &'static str,
        /// Wanted minus measured value.
        error: f64,
        /// The tolerance.
        tolerance: f64,
    },
    /// A joint was still outside its goal tolerance when the goal time had passed.
    GoalTolerance {
        /// The joint.
        joint: usize,
        /// "position" or "velocity".
        what: &'static str,
        /// Wanted minus measured value.
        error: f64,
        /// The tolerance.
        tolerance: f64,
    },
}

/// Result codes of `control_msgs/action/FollowJointTrajectory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ResultCode {
    /// Reached.
    Successful = 0,
    /// The goal makes no sense, or not now.
    InvalidGoal = -1,
    /// The joints are not ours.
    InvalidJoints = -2,
    /// The whole trajectory lies in the past.
    OldHeaderTimestamp = -3,
    /// Left the path.
    PathToleranceViolated = -4,
    /// Did not arrive.
    GoalToleranceViolated = -5,
}

/// What became of a motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// At its end, within tolerance.
    Reached,
    /// Another motion took over.
    Replaced,
    /// Stopped on the way.
    Stopped(StopReason),
}

/// A motion that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finished {
    /// The number that the motion was given.
    pub id: u64,
    /// How it ended.
    pub outcome: Outcome,
}

impl StopReason {
    /// Code for the action result.
    pub fn code(&self) -> ResultCode {
        match self {
            Self::PathTolerance { .. }
            | Self::TrackingError { .. }
            | Self::StateJump { .. }
            | Self::Workspace { .. }
            | Self::ToolSpeed { .. }
            | Self::Obstructed { .. } => ResultCode::PathToleranceViolated,
            Self::GoalTolerance { .. } => ResultCode::GoalToleranceViolated,
            _ => ResultCode::InvalidGoal,
        }
    }

    /// A sentence with joint names and numbers.
    pub fn explain(&self, joint_names: &[String]) -> String {
        let name = |joint: usize| joint_names.get(joint).map_or("?", String::as_str);
        let mut text = String::new();
        let written = match *self {
            Self::Cancelled => write!(text, "cancelled; braked to rest"),
            Self::StopRequested => write!(text, "stopped on request; braked to rest"),
            Self::EStop => write!(text, "emergency stop; braked to rest, needs control/reset"),
            Self::Deactivated => write!(text, "control goes down; braked to rest"),
            Self::StaleJointStates { age_s, limit_s } => write!(
                text,
                "joint states are stale: the newest is {age_s:.3} s old, limit {limit_s:.3} s; \
                 braked; is the driver running?"
            ),
            Self::PlannerLost { age_s, limit_s } => write!(
                text,
                "planner lost: no heartbeat for {age_s:.3} s, limit {limit_s:.3} s; braked to rest"
            ),
            Self::TrackingError { joint, error, limit } => write!(
                text,
                "{} is {error:.4} off its command, limit {limit:.4}: blocked, or the driver does \
                 not follow; braked to rest",
                name(joint)
            ),
            Self::Workspace { axis, value_m, limit_m } => write!(
                text,
                "the tool would be at {} = {value_m:.3} m, workspace limit {limit_m:.3} m; braked \
                 to rest",
                ["x", "y", "z"].get(axis).unwrap_or(&"?")
            ),
            Self::ToolSpeed { value_mps, limit_mps } => write!(
                text,
                "the tool would go {value_mps:.3} m/s, limit {limit_mps:.3} m/s; braked to rest"
            ),
            Self::Obstructed { waited_s } => {
                write!(text, "something is in the way; braked before it and waited {waited_s:.1} s")
            }
            Self::MonitorSilent { age_s, limit_s } => write!(
                text,
                "the collision monitor said nothing for {age_s:.3} s, limit {limit_s:.3} s; \
                 braked to rest"
            ),
            Self::LoopHeldUp { silent_s, limit_s } => write!(
                text,
                "the control loop was held up for {silent_s:.3} s, limit {limit_s:.3} s; drivers \
                 brake without commands; held anew where the arm has come to rest"
            ),
            Self::StateJump { joint, jump, limit } => write!(
                text,
                "joint state of {} jumped by {jump:.4}, it can have gone {limit:.4}; braked to rest",
                name(joint)
            ),
            Self::PathTolerance { joint, what, error, tolerance } => write!(
                text,
                "path tolerance violated: {what} of {} is off by {error:.4}, tolerance \
                 {tolerance:.4}; braked to rest",
                name(joint)
            ),
            Self::GoalTolerance { joint, what, error, tolerance } => write!(
                text,
                "goal tolerance violated: {what} of {} is off by {error:.4}, tolerance \
                 {tolerance:.4}, and the goal time has passed",
                name(joint)
            ),
        };
        debug_assert!(written.is_ok());
        text
    }
}
