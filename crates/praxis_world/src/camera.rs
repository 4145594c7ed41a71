use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use serde::{Deserialize, Serialize};

use crate::error::WorldError;

/// Pinhole camera without distortion; pixel centres at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intrinsics {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Focal length along x, pixels.
    pub fx_px: f64,
    /// Focal length along y, pixels.
    pub fy_px: f64,
    /// Column of the optical axis.
    pub cx_px: f64,
    /// Row of the optical axis.
    pub cy_px: f64,
}

impl Intrinsics {
    /// Square pixels and a centred axis, from the angle that the image's width spans.
    pub fn from_horizontal_fov(width_px: u32, height_px: u32, horizontal_fov_rad: f64) -> Self {
        let focal_px = 0.5 * f64::from(width_px) / (0.5 * horizontal_fov_rad).tan();
        Self {
            width_px,
            height_px,
            fx_px: focal_px,
            fy_px: focal_px,
            cx_px: 0.5 * (f64::from(width_px) - 1.0),
            cy_px: 0.5 * (f64::from(height_px) - 1.0),
        }
    }

    /// Where a point before the camera appears, as column and row; `None` behind the camera.
    pub fn pixel_of(&self, point_in_optical: &Point3<f64>) -> Option<[f64; 2]> {
        (point_in_optical.z > 1e-9).then(|| {
            [
                self.fx_px * point_in_optical.x / point_in_optical.z + self.cx_px,
                self.fy_px * point_in_optical.y / point_in_optical.z + self.cy_px,
            ]
        })
    }
}

/// A fixed camera: where it stands, how it sees, how often.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraMount {
    /// Body frame (x forward, y left, z up).
    pub frame: String,
    /// Optical frame (z forward, x right, y down).
    pub optical_frame: String,
    /// Pose of the body frame.
    pub world_from_camera: Pose,
    /// Pose of the optical frame.
    pub world_from_optical: Pose,
    /// How pixels see.
    pub intrinsics: Intrinsics,
    /// Frames a second.
    pub rate_hz: f64,
    /// Nearest and farthest depth the sensor measures, metres.
    pub depth_range_m: [f64; 2],
}

impl CameraMount {
    /// Pose of the optical frame seen from the body frame (REP-103).
    pub fn camera_from_optical() -> Pose {
        let columns = Matrix3::new(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0);
        let rotation = Rotation3::from_matrix_unchecked(columns);
        Pose::from_parts(Translation3::identity(), UnitQuaternion::from_rotation_matrix(&rotation))
    }
}

/// Pose of an optical frame at `position_m` whose axis goes through `look_at_m`, image upright.
pub(crate) fn world_from_optical(
    position_m: [f64; 3],
    look_at_m: [f64; 3],
) -> Result<Pose, WorldError> {
    let position = Vector3::from(position_m);
    let undefined = || WorldError::CameraUpUndefined { position_m, look_at_m };

    let forward =
        (Vector3::from(look_at_m) - position).try_normalize(1e-6).ok_or_else(undefined)?;
    let right = forward.cross(&Vector3::z()).try_normalize(1e-6).ok_or_else(undefined)?;
    let down = forward.cross(&right);
    let rotation = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[right, down, forward]));
    Ok(Isometry3::from_parts(
        Translation3::from(position),
        UnitQuaternion::from_rotation_matrix(&rotation),
    ))
}
