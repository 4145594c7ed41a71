use praxis_geometry::Pose;
use praxis_planning::PlanError;
use praxis_trajectory::TrajectoryError;

/// Two bodies that overlap, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Touching {
    /// A link of the robot or an object that it holds.
    pub first: String,
    /// Another link, or an object of the scene.
    pub second: String,
    /// How far they overlap, in metres.
    pub depth_m: f64,
}

impl std::fmt::Display for Touching {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is {:.1} mm inside {}", self.first, self.depth_m * 1e3, self.second)
    }
}

/// Why there is no motion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MotionError {
    /// A name that the robot does not know.
    #[error("no {what} '{name}'; there are {known:?}")]
    UnknownName {
        /// Group, link or joint.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The request contradicts itself or is incomplete.
    #[error("bad request: {reason}")]
    BadRequest {
        /// What is wrong with it.
        reason: String,
    },
    /// Something that this planner does not do.
    #[error("not supported: {what}")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// The motion would start in a collision.
    #[error("start collides: {0}")]
    StartInCollision(Touching),
    /// The motion would start outside the joint limits.
    #[error("start: joint '{joint}' at {position:.4} is {excess:.4} outside [{min:.4}, {max:.4}]")]
    StartOutOfLimits {
        /// The joint.
        joint: String,
        /// Its position.
        position: f64,
        /// How far outside.
        excess: f64,
        /// Lower limit.
        min: f64,
        /// Upper limit.
        max: f64,
    },
    /// The motion would start outside a path constraint.
    #[error("start: {complaint}")]
    StartViolatesConstraint {
        /// Which link or joint is how far outside of what.
        complaint: String,
    },
    /// Every configuration that meets the goal collides.
    #[error("goal collides ({solutions} configurations tried): {touching}")]
    GoalInCollision {
        /// What the first of them touches.
        touching: Touching,
        /// How many configurations meet the goal.
        solutions: usize,
    },
    /// The goal is outside the joint limits.
    #[error("goal: joint '{joint}' at {position:.4} is {excess:.4} outside [{min:.4}, {max:.4}]")]
    GoalOutOfLimits {
        /// The joint.
        joint: String,
        /// Its position.
        position: f64,
        /// How far outside.
        excess: f64,
        /// Lower limit.
        min: f64,
        /// Upper limit.
        max: f64,
    },
    /// No configuration brings the link there; the nearest one found misses by this much.
    #[error(
        "{link} cannot reach the pose: the nearest found is {position_m:.4} m and \
         {rotation_rad:.4} rad away{}",
        beyond_limits(.beyond.as_ref())
    )]
    Unreachable {
        /// The link.
        link: String,
        /// Distance left.
        position_m: f64,
        /// Rotation left.
        rotation_rad: f64,
        /// The nearest pose found, root frame.
        nearest: Box<Pose>,
        /// The joint whose limits are in the way, and how far it would have to go beyond them,
        /// if the pose can be reached so.
        beyond: Option<(String, f64)>,
    },
    /// Configurations meet the goal, but none of them meets the path constraints.
    #[error("no configuration at the goal keeps the path constraints ({solutions} tried)")]
    GoalViolatesConstraints {
        /// How many configurations meet the goal.
        solutions: usize,
    },
    /// The search ended without a path.
    #[error("no path within {time_s:.3} s: {reason}")]
    NoPath {
        /// What the search says.
        reason: PlanError,
        /// Time that planning took.
        time_s: f64,
    },
    /// The caller raised the cancel flag.
    #[error("planning was cancelled")]
    Cancelled,
    /// The scene cannot be checked against.
    #[error("scene: {0}")]
    Scene(#[from] praxis_collision::CollisionError),
    /// The path could not be timed.
    #[error("timing failed: {0}")]
    Timing(#[from] TrajectoryError),
}

fn beyond_limits(beyond: Option<&(String, f64)>) -> String {
    beyond.map_or_else(String::new, |(joint, excess)| {
        format!("; it would take joint '{joint}' {excess:.4} beyond its limits")
    })
}
