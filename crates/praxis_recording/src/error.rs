//! Why a recording, or a message of it, cannot be read.

use std::path::PathBuf;

/// Why a recording, or a message of it, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file is missing or may not be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A bag in another container.
    #[error(
        "{} is no MCAP file; `ros2 bag convert` makes one of a bag with another storage",
        path.display()
    )]
    NotMcap {
        /// Which file or folder.
        path: PathBuf,
    },
    /// The container is damaged; nothing after this can be read.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A topic that carries something else than its name says.
    #[error("topic {topic} carries {found}, expected {expected}")]
    Type {
        /// Which topic.
        topic: String,
        /// What it carries.
        found: String,
        /// What it should carry.
        expected: &'static str,
    },
    /// One message that makes no sense.
    #[error("a message on {topic} cannot be read: {reason}")]
    Message {
        /// Which topic.
        topic: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl RecordingError {
    /// Whether it is about one message alone, so that reading may go on.
    pub fn is_of_one_message(&self) -> bool {
        matches!(self, Self::Message { .. })
    }
}
