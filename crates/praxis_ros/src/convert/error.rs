use praxis_geometry::NamedJointsError;

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConvertError {
    /// A number is NaN or infinite.
    #[error("{field} is not finite")]
    NotFinite {
        /// The field.
        field: String,
    },
    /// A quaternion has not the length 1.
    #[error("{field} has norm {norm:.4}, not 1")]
    NotUnit {
        /// The field.
        field: String,
        /// Its norm.
        norm: f64,
    },
    /// A list has the wrong length.
    #[error("{field} has {found} entries, expected {expected}")]
    Length {
        /// The field.
        field: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The joints of a message are unusable.
    #[error(transparent)]
    Joints(#[from] NamedJointsError),
    /// An image encoding that nobody here reads.
    #[error("image encoding '{encoding}' is not one of {known:?}")]
    Encoding {
        /// What was sent.
        encoding: String,
        /// What can be read.
        known: &'static [&'static str],
    },
    /// A time lies outside what can be represented, or is negative where it must not be.
    #[error("{field} is {seconds} s and {nanoseconds} ns")]
    Time {
        /// The field.
        field: String,
        /// Seconds.
        seconds: i64,
        /// Nanoseconds.
        nanoseconds: i64,
    },
    /// A field has a value that makes no sense.
    #[error("{field} {problem}")]
    Value {
        /// The field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}
