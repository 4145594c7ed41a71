use std::path::PathBuf;

/// Why a world file is unusable, or a layout cannot be drawn from it.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file cannot be read.
    #[error("cannot read world file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not a world description.
    #[error("not a world description: {reason}")]
    Malformed {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// Objects are described, but not where they start or what they weigh.
    #[error("classes are described, so '{what}' is needed too")]
    Missing {
        /// Which entry.
        what: &'static str,
    },
    /// A number must be positive and finite and is not.
    #[error("{what} is {value}, must be positive and finite")]
    NotPositive {
        /// Which number.
        what: String,
        /// What was given.
        value: f64,
    },
    /// A number must be finite and is not.
    #[error("{what} is {value}, must be finite")]
    NotFinite {
        /// Which number.
        what: String,
        /// What was given.
        value: f64,
    },
    /// A range whose start lies past its end.
    #[error("{what}: range starts at {start}, past its end {end}")]
    EmptyRange {
        /// Which range.
        what: String,
        /// Its start.
        start: f64,
        /// Its end.
        end: f64,
    },
    /// The same name is used twice.
    #[error("'{name}' names two things")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A bin asks for a class that is not described.
    #[error("bin '{bin}' is for class '{class}', which is not described; known: {known:?}")]
    UnknownClass {
        /// The bin.
        bin: String,
        /// What it asks for.
        class: String,
        /// The classes described.
        known: Vec<String>,
    },
    /// The conveyor is no fixed box.
    #[error("the conveyor is to be the fixed box '{id}', which is not described; known: {known:?}")]
    UnknownConveyor {
        /// The box asked for.
        id: String,
        /// The boxes described.
        known: Vec<String>,
    },
    /// The camera looks straight down or at itself, so "up in the image" has no meaning.
    #[error("camera at {position_m:?} cannot look at {look_at_m:?}: up is undefined")]
    CameraUpUndefined {
        /// Where the camera stands.
        position_m: [f64; 3],
        /// Where it looks.
        look_at_m: [f64; 3],
    },
    /// No room for the objects.
    #[error(
        "no room for {wanted} objects {clearance_m} m apart in the spawn area \
         (seed {seed}, {attempts} attempts); make the area larger or the objects fewer"
    )]
    NoRoom {
        /// How many objects were to be placed.
        wanted: usize,
        /// Clearance asked for.
        clearance_m: f64,
        /// Seed of the layout.
        seed: u64,
        /// Whole layouts tried.
        attempts: u32,
    },
}
