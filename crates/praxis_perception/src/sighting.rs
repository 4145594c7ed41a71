//! What a detector of any kind saw of one object, in the common frame.

use nalgebra::{Matrix3, Vector3};
use praxis_geometry::Pose;

use crate::object::{Evidence, SeenObject};

/// What a detector of any kind saw of one object: a camera's network, a lidar's clusters, a radar.
///
/// Everything but the place may be absent; the covariance says how far the place can be trusted
/// along each direction, so a radar's may be long across its beam.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Index into the kinds that the tracker was given.
    pub class: usize,
    /// The detector's score, 0 to 1.
    pub score: f64,
    /// Middle of the object in the common frame, metres.
    pub centre_m: Vector3<f64>,
    /// Covariance of the middle.
    pub covariance_m2: Matrix3<f64>,
    /// Velocity in the common frame and its covariance, as a radar measures it.
    pub velocity: Option<(Vector3<f64>, Matrix3<f64>)>,
    /// Heading, its variance and the full extents.
    pub shape: Option<SeenShape>,
}

/// Heading and extents of a sighting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenShape {
    /// Heading about the vertical.
    pub yaw_rad: f64,
    /// Its variance.
    pub yaw_variance_rad2: f64,
    /// Full extents along its own axes in metres.
    pub size_m: Vector3<f64>,
    /// Whether they were measured; a guess is replaced by the first measurement.
    pub is_measured: bool,
}

impl From<&SeenObject> for Sighting {
    fn from(seen: &SeenObject) -> Self {
        Self {
            class: seen.class,
            score: seen.score.into(),
            centre_m: seen.centre_m,
            covariance_m2: Matrix3::identity() * seen.position_sigma_m.powi(2),
            velocity: None,
            shape: Some(SeenShape {
                yaw_rad: seen.yaw_rad,
                yaw_variance_rad2: seen.yaw_sigma_rad.powi(2),
                size_m: seen.size_m,
                is_measured: seen.evidence == Evidence::Depth,
            }),
        }
    }
}

/// Where something that the robot holds was at the moment of a look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carried {
    /// The same for as long as it is held.
    pub key: u64,
    /// Its pose in the common frame, by the robot's own joints.
    pub world_from_held: Pose,
}
