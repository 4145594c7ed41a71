//! Why a card, a network, a picture or an output is refused.

use std::path::PathBuf;
use std::time::Duration;

/// Why something about a network did not work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// The card's file cannot be read.
    #[error("cannot read the model card {}: {reason}", path.display())]
    CardUnreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The card is not TOML, lacks a field or has one that nobody knows.
    #[error("the model card {} is wrong: {reason}", path.display())]
    CardSyntax {
        /// Which card.
        path: PathBuf,
        /// What the parser said, with line and field.
        reason: String,
    },
    /// A field of the card holds a value that makes no sense.
    #[error("model card: `{field}` is {found}, expected {expected}")]
    CardValue {
        /// The field, dotted.
        field: String,
        /// What it holds.
        found: String,
        /// What it may hold.
        expected: String,
    },
    /// Shape and number of values disagree.
    #[error("a tensor of shape {shape:?} cannot hold {found} values")]
    TensorLength {
        /// The shape.
        shape: Vec<usize>,
        /// The number of values.
        found: usize,
    },
    /// A picture without pixels.
    #[error("the image is empty ({width}×{height})")]
    EmptyImage {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// A picture whose bytes do not fill its rows.
    #[error(
        "an image of {width}×{height} with stride {stride_bytes} needs {needed} bytes, found {found}"
    )]
    ImageBytes {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes from row to row.
        stride_bytes: usize,
        /// Bytes that it would take.
        needed: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// The network has no input of that name.
    #[error("the network has no input `{name}`; it has {found:?}")]
    MissingInput {
        /// The name that the card gives.
        name: String,
        /// The names in the network.
        found: Vec<String>,
    },
    /// The network has no output of that name.
    #[error("the network has no output `{name}`; it has {found:?}")]
    MissingOutput {
        /// The name that the card gives.
        name: String,
        /// The names in the network.
        found: Vec<String>,
    },
    /// A tensor has another shape than the card says.
    #[error("tensor `{name}` has shape {found}, expected {expected}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape found.
        found: String,
        /// The shape expected.
        expected: String,
    },
    /// A tensor has another element type than `f32`.
    #[error("tensor `{name}` holds {found}, expected {expected}")]
    Element {
        /// The tensor's name.
        name: String,
        /// The type found.
        found: String,
        /// The type expected.
        expected: String,
    },
    /// An output holds NaN or infinity.
    #[error("output `{name}` holds {count} values that are not finite")]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// How many.
        count: usize,
    },
    /// The run took longer than allowed and was ended.
    #[error("the network ran longer than {limit:?} and was ended")]
    TimeLimit {
        /// The limit in force.
        limit: Duration,
    },
    /// The runtime reported a failure.
    #[error("the network's runtime failed while {action}: {reason}")]
    Runtime {
        /// What was being done.
        action: String,
        /// What the runtime said.
        reason: String,
    },
}
