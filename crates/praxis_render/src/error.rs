use std::path::PathBuf;

/// Why a mesh cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a binary STL.
    #[error("{}: {source}", path.display())]
    NotStl {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: praxis_geometry::StlError,
    },
}
