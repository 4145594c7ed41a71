use nalgebra::{Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;

/// A pinhole camera without distortion; pixel centres at whole numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Columns.
    pub width_px: usize,
    /// Rows.
    pub height_px: usize,
    /// Focal length along x, pixels.
    pub fx_px: f64,
    /// Focal length along y, pixels.
    pub fy_px: f64,
    /// Column of the optical axis.
    pub cx_px: f64,
    /// Row of the optical axis.
    pub cy_px: f64,
    /// Pose of the optical frame: z forward, x right, y down.
    pub world_from_optical: Pose,
}

impl Camera {
    /// A camera at one place that looks at another, upright; `fov_rad` is the angle that the
    /// picture's width spans. The two must not stand above each other.
    pub fn looking_at(
        eye_m: Vector3<f64>,
        look_at_m: Vector3<f64>,
        [width_px, height_px]: [usize; 2],
        fov_rad: f64,
    ) -> Self {
        let forward = (look_at_m - eye_m).normalize();
        let right = forward.cross(&Vector3::z()).normalize();
        let axes = Matrix3::from_columns(&[right, forward.cross(&right), forward]);
        let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes));
        let focal_px = 0.5 * width_px as f64 / (0.5 * fov_rad).tan();
        Self {
            width_px,
            height_px,
            fx_px: focal_px,
            fy_px: focal_px,
            cx_px: 0.5 * (width_px as f64 - 1.0),
            cy_px: 0.5 * (height_px as f64 - 1.0),
            world_from_optical: Pose::from_parts(Translation3::from(eye_m), turn),
        }
    }

    /// The same view with `factor` times as many pixels along each side.
    pub fn finer(&self, factor: usize) -> Self {
        let f = factor as f64;
        let centre = |c: f64| f * (c + 0.5) - 0.5;
        Self {
            width_px: self.width_px * factor,
            height_px: self.height_px * factor,
            fx_px: self.fx_px * f,
            fy_px: self.fy_px * f,
            cx_px: centre(self.cx_px),
            cy_px: centre(self.cy_px),
            ..*self
        }
    }
}
