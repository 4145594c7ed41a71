/// Why a planning request has no path.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A configuration does not have one value for each joint.
    #[error("{which} has {got} values where {expected} joints are expected")]
    LengthMismatch {
        /// Start or goal.
        which: Endpoint,
        /// Its length.
        got: usize,
        /// Number of joints.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("{which}: joint {joint} is {value}")]
    NotFinite {
        /// Start or goal.
        which: Endpoint,
        /// Index of the joint.
        joint: usize,
        /// The value.
        value: f64,
    },
    /// A joint is outside its bounds.
    #[error("{which}: joint {joint} at {value} is {excess} outside [{min}, {max}]")]
    OutOfBounds {
        /// Start or goal.
        which: Endpoint,
        /// Index of the joint.
        joint: usize,
        /// Its position.
        value: f64,
        /// How far outside.
        excess: f64,
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// A configuration is not free; the space knows what it touches.
    #[error("{which} is not free")]
    NotFree {
        /// Start or goal.
        which: Endpoint,
    },
    /// There is no goal to plan to.
    #[error("no goal was given")]
    NoGoal,
    /// The search used up its iterations or its time; a path may still exist.
    #[error("no path after {iterations} iterations with {nodes} nodes")]
    BudgetSpent {
        /// Iterations of the search.
        iterations: u32,
        /// Configurations in both trees.
        nodes: usize,
    },
    /// The caller raised the cancel flag.
    #[error("cancelled after {iterations} iterations")]
    Cancelled {
        /// Iterations of the search.
        iterations: u32,
    },
}

/// Which end of a path an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Where the motion starts.
    Start,
    /// The goal with this index.
    Goal(usize),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => write!(f, "start"),
            Self::Goal(index) => write!(f, "goal {index}"),
        }
    }
}
