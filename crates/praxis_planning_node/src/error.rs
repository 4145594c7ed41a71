//! Why the planning node cannot do what it is asked for, and MoveIt's code for it.

use praxis_motion::MotionError;

/// MoveIt's error codes (`moveit_msgs/MoveItErrorCodes`) that this node answers with.
pub mod code {
    pub const SUCCESS: i32 = 1;
    pub const FAILURE: i32 = 99999;
    pub const PLANNING_FAILED: i32 = -1;
    pub const INVALID_MOTION_PLAN: i32 = -2;
    pub const MOTION_PLAN_INVALIDATED_BY_ENVIRONMENT_CHANGE: i32 = -3;
    pub const CONTROL_FAILED: i32 = -4;
    pub const TIMED_OUT: i32 = -6;
    pub const PREEMPTED: i32 = -7;
    pub const START_STATE_IN_COLLISION: i32 = -10;
    pub const START_STATE_VIOLATES_PATH_CONSTRAINTS: i32 = -11;
    pub const GOAL_IN_COLLISION: i32 = -12;
    pub const GOAL_VIOLATES_PATH_CONSTRAINTS: i32 = -13;
    pub const INVALID_GROUP_NAME: i32 = -15;
    pub const INVALID_GOAL_CONSTRAINTS: i32 = -16;
    pub const INVALID_ROBOT_STATE: i32 = -17;
    pub const INVALID_LINK_NAME: i32 = -18;
    pub const INVALID_OBJECT_NAME: i32 = -19;
    pub const FRAME_TRANSFORM_FAILURE: i32 = -21;
    pub const ROBOT_STATE_STALE: i32 = -23;
    pub const START_STATE_INVALID: i32 = -26;
    pub const GOAL_STATE_INVALID: i32 = -27;
    pub const NO_IK_SOLUTION: i32 = -31;
}

/// Why a request fails.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanningError {
    /// Planning failed.
    #[error(transparent)]
    Motion(#[from] MotionError),
    /// No joint state has come yet.
    #[error("no position of joints {missing:?} has been heard on 'joint_states'")]
    NoJointState {
        /// Joints without a position.
        missing: Vec<String>,
    },
    /// The newest joint state is too old.
    #[error("joint state is {age_s:.2} s old, at most {limit_s:.2} s are allowed")]
    StaleJointState {
        /// Its age.
        age_s: f64,
        /// The most that is allowed.
        limit_s: f64,
    },
    /// A frame that is neither the planning frame nor a link nor an object.
    #[error(
        "frame '{frame}' is neither the planning frame '{planning_frame}' nor a link or object"
    )]
    UnknownFrame {
        /// The frame.
        frame: String,
        /// What poses are planned in.
        planning_frame: String,
    },
    /// A link that the robot has not.
    #[error("the robot has no link '{link}'")]
    UnknownLink {
        /// The link.
        link: String,
    },
    /// An object that is not in the scene.
    #[error("there is no object '{id}' in the scene")]
    UnknownObject {
        /// The object.
        id: String,
    },
    /// A message that cannot be read.
    #[error("{what}: {problem}")]
    BadMessage {
        /// Which part of it.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// Control did not take or did not finish a motion.
    #[error("execution failed: {reason}")]
    Control {
        /// What control says.
        reason: String,
    },
    /// The arm is not where the trajectory starts.
    #[error("joint '{joint}' is {off_by:.4} from the start of the trajectory (allowed {allowed})")]
    NotAtStart {
        /// The joint.
        joint: String,
        /// How far off.
        off_by: f64,
        /// What is allowed.
        allowed: f64,
    },
    /// The scene changed and the rest of the motion is no longer free.
    #[error("the scene changed and the motion is no longer free: {reason}")]
    Invalidated {
        /// What stands in the way.
        reason: String,
    },
    /// The client, or a stop event, ended it.
    #[error("cancelled")]
    Cancelled,
    /// The node is not active.
    #[error("the node is not active")]
    Inactive,
}

impl PlanningError {
    /// A message part that cannot be read.
    pub fn bad(what: impl Into<String>, problem: impl ToString) -> Self {
        Self::BadMessage { what: what.into(), problem: problem.to_string() }
    }

    /// Whether something that may go away stands in the way.
    pub fn is_blocked_way(&self) -> bool {
        use MotionError as M;
        matches!(
            self,
            Self::Motion(M::StartInCollision(_) | M::GoalInCollision { .. } | M::NoPath { .. })
        )
    }

    /// MoveIt's code.
    pub fn code(&self) -> i32 {
        use MotionError as M;
        match self {
            Self::Motion(error) => match error {
                M::UnknownName { what: "group", .. } => code::INVALID_GROUP_NAME,
                M::UnknownName { what: "link", .. } => code::INVALID_LINK_NAME,
                M::UnknownName { .. } | M::BadRequest { .. } | M::Unsupported { .. } => {
                    code::INVALID_GOAL_CONSTRAINTS
                }
                M::StartInCollision(_) => code::START_STATE_IN_COLLISION,
                M::StartOutOfLimits { .. } => code::START_STATE_INVALID,
                M::StartViolatesConstraint { .. } => code::START_STATE_VIOLATES_PATH_CONSTRAINTS,
                M::GoalInCollision { .. } => code::GOAL_IN_COLLISION,
                M::GoalOutOfLimits { .. } => code::GOAL_STATE_INVALID,
                M::Unreachable { .. } => code::NO_IK_SOLUTION,
                M::GoalViolatesConstraints { .. } => code::GOAL_VIOLATES_PATH_CONSTRAINTS,
                M::NoPath { .. } => code::TIMED_OUT,
                M::Cancelled => code::PREEMPTED,
                M::Scene(_) | M::Timing(_) => code::PLANNING_FAILED,
            },
            Self::NoJointState { .. } => code::INVALID_ROBOT_STATE,
            Self::StaleJointState { .. } => code::ROBOT_STATE_STALE,
            Self::UnknownFrame { .. } => code::FRAME_TRANSFORM_FAILURE,
            Self::UnknownLink { .. } => code::INVALID_LINK_NAME,
            Self::UnknownObject { .. } => code::INVALID_OBJECT_NAME,
            Self::BadMessage { .. } => code::INVALID_GOAL_CONSTRAINTS,
            Self::Control { .. } => code::CONTROL_FAILED,
            Self::NotAtStart { .. } => code::INVALID_MOTION_PLAN,
            Self::Invalidated { .. } => code::MOTION_PLAN_INVALIDATED_BY_ENVIRONMENT_CHANGE,
            Self::Cancelled => code::PREEMPTED,
            Self::Inactive => code::FAILURE,
        }
    }
}
