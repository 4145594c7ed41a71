//! Why a network could not be loaded.

use std::path::PathBuf;

use praxis_network::NetworkError;

/// Why a network could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No path to the runtime's library was given.
    #[error(
        "no ONNX Runtime library was named: set the parameter or the variable ORT_DYLIB_PATH to \
         libonnxruntime.so (`cargo xtask setup` brings one)"
    )]
    NoLibrary,
    /// The runtime's library is missing or is something else.
    #[error("cannot load ONNX Runtime from {}: {reason}", path.display())]
    Library {
        /// Which file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// A process can hold one runtime, and another one is loaded already.
    #[error(
        "ONNX Runtime is already loaded from {}, cannot change to {}",
        loaded.display(), asked.display()
    )]
    OtherLibrary {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },
    /// The model file is missing, corrupt or not supported.
    #[error("cannot load the network {}: {reason}", path.display())]
    Model {
        /// Which file.
        path: PathBuf,
        /// What the runtime said.
        reason: String,
    },
    /// No provider of that name is built in.
    #[error("unknown execution provider `{name}`; this build has: {known}")]
    UnknownProvider {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// Card and network do not belong together.
    #[error("the network {} does not fit its card: {source}", path.display())]
    CardMismatch {
        /// Which network.
        path: PathBuf,
        /// What differs.
        source: NetworkError,
    },
    /// The card itself is wrong.
    #[error(transparent)]
    Card(#[from] NetworkError),
}
