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
