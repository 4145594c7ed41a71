/// Why a question about collisions cannot be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CollisionError {
    /// A state of the wrong length.
    #[error("the robot has {expected} joints, the state has {got} values")]
    StateLength {
        /// Values given.
        got: usize,
        /// Joints of the robot.
        expected: usize,
    },
    /// A state with a value that is not a number.
    #[error("joint {joint} of the state is {value}")]
    NotFinite {
        /// Index of the joint.
        joint: usize,
        /// Its value.
        value: f64,
    },
    /// A joint that the robot does not have.
    #[error("the robot has {known} joints; joint {joint} was asked for")]
    UnknownJoint {
        /// The index asked for.
        joint: usize,
        /// How many there are.
        known: usize,
    },
    /// An attached object hangs on a link that the robot does not have.
    #[error("attached object '{object}' hangs on link '{link}', which the robot does not have")]
    UnknownLink {
        /// The object.
        object: String,
        /// The link.
        link: String,
    },
    /// A shape with a size that is zero, negative or not a number, or a pose that is not finite.
    #[error("object '{object}' has a {shape} whose {what} is {value}")]
    BadShape {
        /// The object.
        object: String,
        /// Kind of shape.
        shape: &'static str,
        /// What is wrong: a length or the pose.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// Triangles, points or heights of which no surface can be made.
    #[error("no surface: {reason}")]
    BadSurface {
        /// What is wrong with them.
        reason: String,
    },
}
