//! Why a frame gives no objects.

use praxis_network::NetworkError;

/// Why a frame gives no objects.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PerceptionError {
    /// A picture without pixels.
    #[error("the {what} image is empty ({width}×{height})")]
    EmptyImage {
        /// Colour or depth.
        what: &'static str,
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// An encoding that nobody here reads.
    #[error("the {what} image has encoding `{found}`; known are {known}")]
    Encoding {
        /// Colour or depth.
        what: &'static str,
        /// What the message says.
        found: String,
        /// What is read.
        known: &'static str,
    },
    /// Bytes missing, or rows shorter than their pixels.
    #[error(
        "the {what} image of {width}×{height} with step {step} needs {needed} bytes, found {found}"
    )]
    ImageBytes {
        /// Colour or depth.
        what: &'static str,
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes from row to row.
        step: usize,
        /// Bytes that it would take.
        needed: usize,
        /// Bytes that there are.
        found: usize,
    },
    /// Compressed bytes that hold no picture.
    #[error("the compressed {what} image of format `{format}` cannot be read: {reason}")]
    Compressed {
        /// Colour or depth.
        what: &'static str,
        /// What the message says.
        format: String,
        /// What is wrong.
        reason: String,
    },
    /// A camera matrix that no camera has.
    #[error("camera info: {field} is {found}, expected {expected}")]
    CameraInfo {
        /// Which part.
        field: &'static str,
        /// What it holds.
        found: f64,
        /// What it may hold.
        expected: &'static str,
    },
    /// A lens model that nobody here computes.
    #[error(
        "camera info: distortion model `{found}` with {coefficients} coefficients is not known; known are none and plumb_bob with 5"
    )]
    DistortionModel {
        /// What the message says.
        found: String,
        /// How many numbers came along.
        coefficients: usize,
    },
    /// Picture and camera matrix belong to different cameras or binnings.
    #[error(
        "the {what} image is {width}×{height}, but the camera info describes {camera_width}×{camera_height}"
    )]
    SizeMismatch {
        /// Colour or depth.
        what: &'static str,
        /// Pixels in a row of the picture.
        width: usize,
        /// Rows of the picture.
        height: usize,
        /// Pixels in a row by the camera info.
        camera_width: usize,
        /// Rows by the camera info.
        camera_height: usize,
    },
    /// A transform that is not finite.
    #[error("the transform from the camera to the planning frame is not finite")]
    Transform,
    /// The network or its card.
    #[error(transparent)]
    Network(#[from] NetworkError),
}
