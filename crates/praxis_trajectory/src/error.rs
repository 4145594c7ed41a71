/// Why a trajectory cannot be built, timed, braked or joined.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrajectoryError {
    /// Nothing was given where at least `needed` items are needed.
    #[error("{what}: got {got}, need at least {needed}")]
    TooFew {
        /// What is missing.
        what: &'static str,
        /// How many came.
        got: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Two lists that belong together differ in length.
    #[error("{what}: {got} values where {expected} joints are expected")]
    LengthMismatch {
        /// Which list.
        what: String,
        /// Its length.
        got: usize,
        /// Number of joints.
        expected: usize,
    },
    /// A value is NaN or infinite.
    #[error("{what} of joint {joint} is {value}")]
    NotFinite {
        /// Which quantity, at which knot or waypoint.
        what: String,
        /// Index of the joint.
        joint: usize,
        /// The value.
        value: f64,
    },
    /// Knot times must grow.
    #[error("knot {index} is at {time_s} s, not after the one before at {previous_s} s")]
    TimeNotGrowing {
        /// Index of the knot.
        index: usize,
        /// Its time.
        time_s: f64,
        /// The time before it.
        previous_s: f64,
    },
    /// A limit must be positive and finite, and a lower bound below its upper one.
    #[error("{what} limit of joint {joint} is {value}; it must be a positive finite number")]
    BadLimit {
        /// Which limit.
        what: &'static str,
        /// Index of the joint.
        joint: usize,
        /// The value.
        value: f64,
    },
    /// A position lies outside the bounds of its joint.
    #[error("joint {joint} at {position} is {excess} outside [{min}, {max}]")]
    OutOfBounds {
        /// Index of the joint.
        joint: usize,
        /// The position.
        position: f64,
        /// How far outside.
        excess: f64,
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// Standing still already asks for more torque than there is.
    #[error(
        "joint {joint} needs {torque:.3} to hold still at {time_s:.3} s, its limit is {most:.3}"
    )]
    HoldingTorque {
        /// Index of the joint.
        joint: usize,
        /// Torque or force that holds it.
        torque: f64,
        /// Its limit.
        most: f64,
        /// When.
        time_s: f64,
    },
    /// A scaling factor lies outside (0, 1].
    #[error("{what} scaling is {value}; it must be in (0, 1]")]
    BadScaling {
        /// Which scaling.
        what: &'static str,
        /// The value.
        value: f64,
    },
    /// A joint limits file says something unusable.
    #[error("joint limits file: {reason}")]
    LimitsFile {
        /// What is wrong.
        reason: String,
    },
    /// Joint names of two trajectories differ.
    #[error("joints differ: {left:?} and {right:?}")]
    DifferentJoints {
        /// Names of the running trajectory.
        left: Vec<String>,
        /// Names of the new one.
        right: Vec<String>,
    },
    /// No motion between two states was found within the limits.
    #[error("no motion from state to state within the limits: {reason}")]
    Unreachable {
        /// What the solver said.
        reason: String,
    },
}

/// Errors when a slice is of the wrong length or holds a value that is not finite.
pub(crate) fn ensure_finite(
    what: impl Fn() -> String,
    values: &[f64],
    dim: usize,
) -> Result<(), TrajectoryError> {
    if values.len() != dim {
        return Err(TrajectoryError::LengthMismatch {
            what: what(),
            got: values.len(),
            expected: dim,
        });
    }
    match values.iter().position(|v| !v.is_finite()) {
        Some(joint) => {
            Err(TrajectoryError::NotFinite { what: what(), joint, value: values[joint] })
        }
        None => Ok(()),
    }
}
