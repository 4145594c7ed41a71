use std::path::PathBuf;

/// What is wrong with a robot description.
#[derive(Debug, thiserror::Error)]
pub enum RobotError {
    /// The text is not XML.
    #[error("the {what} is not well-formed XML: {source}")]
    Xml {
        /// URDF or SRDF.
        what: &'static str,
        /// Where and why.
        source: roxmltree::Error,
    },
    /// An element lacks something or holds nonsense.
    #[error("{what} line {line}: <{element}> {problem}")]
    Element {
        /// URDF or SRDF.
        what: &'static str,
        /// Line of the text.
        line: u32,
        /// Name of the element.
        element: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The links and joints do not form one tree.
    #[error("the links do not form one tree: {problem}")]
    NotATree {
        /// Why.
        problem: String,
    },
    /// A name that the robot does not have.
    #[error("the robot has no {what} '{name}'; it has {known:?}")]
    Unknown {
        /// Link, joint or group.
        what: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A mesh cannot be used.
    #[error("mesh {} of link '{link}': {problem}", path.display())]
    Mesh {
        /// The link.
        link: String,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}
