//! What a network is: named tensors in, named tensors out, and a card that says what they mean.
//!
//! In: pictures of any size ([`ImageView`]) and the output tensors of a [`Network`]; a [`Card`]
//! read from `card.toml` describes both ends. Out: input tensors ([`Preprocessor`]) and
//! [`Detection`]s in the picture. Running the network is left to others (`praxis_inference`).

mod card;
mod decode;
mod depth;
mod error;
mod fit;
mod image_view;
mod network;
mod nms;
mod preprocess;
mod resample;
mod tensor;

pub use self::card::{
    Card, ClassCard, ColourOrder, InputCard, ShapeKind, TensorLayout, Thresholds,
};
pub use self::decode::{Activation, CenternetCard, DecoderCard};
pub use self::depth::{DepthPreprocessor, DepthView};
pub use self::error::NetworkError;
pub use self::fit::{FitMode, InputFromImage};
pub use self::image_view::{ImageView, PixelFormat};
pub use self::network::{Network, Outputs, TensorSpec};
pub use self::nms::{Detection, PixelBox, PoseHints, suppress};
pub use self::preprocess::Preprocessor;
pub use self::tensor::{Tensor, TensorView};
