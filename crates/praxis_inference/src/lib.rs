//! Networks run by ONNX Runtime.
//!
//! In: a [`praxis_network::Card`], the path of `libonnxruntime.so` and how many threads.
//! Out: an [`OrtNetwork`] that has been checked against its card, warmed up, and tells which
//! provider computes it. Pictures and decoding are `praxis_network`'s business.
//!
//! The library is loaded at run time, so building needs none.

mod error;
mod ort_network;
mod provider;
mod runtime;
mod watchdog;

pub use self::error::LoadError;
pub use self::ort_network::{InferenceConfig, OrtNetwork, SkippedProvider};
pub use self::provider::known_providers;
pub use self::runtime::library_path;
