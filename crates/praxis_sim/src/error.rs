use std::path::PathBuf;

/// Why a simulation cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A description is not well-formed XML.
    #[error("{what} is not well-formed: {source}")]
    Xml {
        /// Which description.
        what: &'static str,
        /// What the parser said.
        source: roxmltree::Error,
    },
    /// An attribute is missing or is not what it should be.
    #[error("robot description, line {line}: <{element}> needs {expected}")]
    Attribute {
        /// Line in the description.
        line: u32,
        /// Name of the element.
        element: String,
        /// What should be there.
        expected: &'static str,
    },
    /// Links and joints do not form one tree.
    #[error("the robot's links form no tree: {reason}")]
    NoTree {
        /// What is wrong.
        reason: String,
    },
    /// A mesh file is not where the description says.
    #[error("mesh '{uri}' is not at any of {tried:?}")]
    NoMesh {
        /// What the description says.
        uri: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// A joint or link that the simulation needs is not in the description.
    #[error("the robot has no {kind} '{name}'")]
    Unknown {
        /// Joint or link.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An initial position that the joint cannot take.
    #[error("joint '{joint}' cannot start at {position}: its range is {lower} to {upper}")]
    StartOutsideLimits {
        /// The joint.
        joint: String,
        /// The position asked for.
        position: f64,
        /// Lower limit.
        lower: f64,
        /// Upper limit.
        upper: f64,
    },
    /// The physics engine refuses the model.
    #[error("the physics engine refuses the model: {reason}")]
    Engine {
        /// What it said.
        reason: String,
    },
    /// A mesh cannot be drawn.
    #[error(transparent)]
    Mesh(#[from] praxis_render::RenderError),
    /// The world has no room for its objects.
    #[error(transparent)]
    World(#[from] praxis_world::WorldError),
}

/// Why a joint command was not taken. The driver goes on with the one before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// Lists differ in length.
    #[error("{names} names but {values} values of {what}")]
    LengthMismatch {
        /// How many names.
        names: usize,
        /// How many values.
        values: usize,
        /// Position, velocity or effort.
        what: &'static str,
    },
    /// A value is NaN or infinite.
    #[error("{what} of joint '{joint}' is {value}")]
    NotFinite {
        /// Position, velocity or effort.
        what: &'static str,
        /// The joint.
        joint: String,
        /// What was given.
        value: f64,
    },
    /// A joint that the driver does not drive.
    #[error("no joint '{joint}'; the driver drives {driven:?}")]
    UnknownJoint {
        /// The joint.
        joint: String,
        /// What the driver drives.
        driven: Vec<String>,
    },
    /// Some of the arm's joints are commanded, some are not.
    #[error("command leaves out joint '{joint}' of the arm")]
    MissingJoint {
        /// The joint left out.
        joint: String,
    },
    /// A joint is named twice.
    #[error("joint '{joint}' is named twice")]
    Duplicate {
        /// The joint.
        joint: String,
    },
}
