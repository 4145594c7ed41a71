//! Why nothing can be said of the camera's place.

/// Why nothing can be said of the camera's place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// A board whose two ends cannot be told apart, or that is no board.
    #[error(
        "a board of {columns}×{rows} inner corners: both at least 3 and one odd, one even, or it \
         looks the same when turned by half"
    )]
    Board {
        /// Inner corners in a row.
        columns: usize,
        /// Rows of inner corners.
        rows: usize,
    },
    /// A side that no square has.
    #[error("a square of {found_m} m is no square")]
    Square {
        /// The side that was given.
        found_m: f64,
    },
    /// Too few poses.
    #[error("{found} views of the board, at least {needed} are needed")]
    TooFewViews {
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// The hand hardly turned.
    #[error(
        "the hand turned by at most {found_deg:.1}° between the views, at least {needed_deg:.0}° \
         are needed: turn it more"
    )]
    LittleRotation {
        /// Largest turn between two views, degrees.
        found_deg: f64,
        /// How much it takes, degrees.
        needed_deg: f64,
    },
    /// The hand turned about one axis only.
    #[error(
        "the hand turned about nearly one axis only (a spread of {found_deg:.1}°, at least \
         {needed_deg:.0}° are needed): turn it about a second axis as well"
    )]
    ParallelAxes {
        /// How far the axes spread, degrees.
        found_deg: f64,
        /// How far they must, degrees.
        needed_deg: f64,
    },
    /// Numbers that are not finite, or no solution.
    #[error("the views do not lead to a solution: are poses and pictures of the same moments?")]
    NoSolution,
}
