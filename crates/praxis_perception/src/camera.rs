//! The camera as a set of rays.

use nalgebra::{Point3, Vector3};

use crate::PerceptionError;

/// Pinhole camera with an optional Brown lens, from a `CameraInfo`.
///
/// Pixel coordinates are ROS's: the middle of the upper left pixel is (0, 0). The optical frame
/// looks along z with x to the right and y down.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraModel {
    width: usize,
    height: usize,
    /// Focal lengths in pixels.
    focal: [f64; 2],
    /// Principal point in pixels.
    principal: [f64; 2],
    /// k1, k2, p1, p2, k3; all zero for a pinhole.
    distortion: [f64; 5],
}

impl CameraModel {
    /// A camera from a message's fields; `k` is the 3×3 matrix row by row.
    ///
    /// # Errors
    /// When sizes or the matrix make no sense, or the lens model is not known.
    pub fn new(
        width: usize,
        height: usize,
        k: &[f64; 9],
        distortion_model: &str,
        coefficients: &[f64],
    ) -> Result<Self, PerceptionError> {
        if width == 0 || height == 0 {
            return Err(PerceptionError::CameraInfo {
                field: if width == 0 { "width" } else { "height" },
                found: 0.0,
                expected: "at least 1 (is the camera calibrated?)",
            });
        }
        let positive = |field, found: f64| {
            if found.is_finite() && found > 0.0 {
                Ok(found)
            } else {
                let expected = "a positive number (is the camera calibrated?)";
                Err(PerceptionError::CameraInfo { field, found, expected })
            }
        };
        let finite = |field, found: f64| {
            if found.is_finite() {
                Ok(found)
            } else {
                Err(PerceptionError::CameraInfo { field, found, expected: "a finite number" })
            }
        };
        let focal = [positive("k[0]", k[0])?, positive("k[4]", k[4])?];
        let principal = [finite("k[2]", k[2])?, finite("k[5]", k[5])?];
        let mut distortion = [0.0; 5];
        if coefficients.iter().any(|&coefficient| coefficient != 0.0) {
            if distortion_model != "plumb_bob" || coefficients.len() != 5 {
                return Err(PerceptionError::DistortionModel {
                    found: distortion_model.to_owned(),
                    coefficients: coefficients.len(),
                });
            }
            for (own, &given) in distortion.iter_mut().zip(coefficients) {
                *own = finite("d", given)?;
            }
        }
        let camera = Self { width, height, focal, principal, distortion };
        camera.check_lens()?;
        Ok(camera)
    }

    /// A lens bent so far that its corners have no rays is a mistake in the coefficients.
    fn check_lens(&self) -> Result<(), PerceptionError> {
        /// Of the picture's width, how far a corner may be off when it is seen again.
        const TOLERANCE: f64 = 0.01;
        if self.is_ideal() {
            return Ok(());
        }
        let (right, bottom) = (self.width as f64 - 1.0, self.height as f64 - 1.0);
        for corner in [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]] {
            let seen = self.project(&Point3::from(self.ray(corner)));
            let off =
                seen.map_or(f64::NAN, |seen| (seen[0] - corner[0]).hypot(seen[1] - corner[1]));
            if off.is_nan() || off > TOLERANCE * self.width as f64 {
                return Err(PerceptionError::CameraInfo {
                    field: "d",
                    found: off,
                    expected: "coefficients whose lens can be undone at the picture's corners \
                               (found: by how many pixels one is missed)",
                });
            }
        }
        Ok(())
    }

    /// An ideal camera with square pixels and the principal point in the middle.
    ///
    /// # Errors
    /// When a size is 0 or the focal length is not positive.
    pub fn pinhole(width: usize, height: usize, focal_px: f64) -> Result<Self, PerceptionError> {
        let (cx, cy) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        let k = [focal_px, 0.0, cx, 0.0, focal_px, cy, 0.0, 0.0, 1.0];
        Self::new(width, height, &k, "", &[])
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Focal lengths in pixels.
    pub fn focal_px(&self) -> [f64; 2] {
        self.focal
    }

    /// The same camera seen through a picture of another size.
    ///
    /// # Errors
    /// When the proportions differ by more than 2 %, so that it cannot be the same view.
    pub fn for_size(
        &self,
        what: &'static str,
        width: usize,
        height: usize,
    ) -> Result<Self, PerceptionError> {
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let scale = [width as f64 / self.width as f64, height as f64 / self.height as f64];
        if width == 0 || height == 0 || (scale[0] / scale[1] - 1.0).abs() > 0.02 {
            return Err(PerceptionError::SizeMismatch {
                what,
                width,
                height,
                camera_width: self.width,
                camera_height: self.height,
            });
        }
        Ok(Self {
            width,
            height,
            focal: [0, 1].map(|axis| self.focal[axis] * scale[axis]),
            principal: [0, 1].map(|axis| (self.principal[axis] + 0.5) * scale[axis] - 0.5),
            distortion: self.distortion,
        })
    }

    /// Direction of a pixel's ray with z = 1; times the depth it is the point.
    #[inline]
    pub fn ray(&self, pixel: [f64; 2]) -> Vector3<f64> {
        let distorted = [0, 1].map(|axis| (pixel[axis] - self.principal[axis]) / self.focal[axis]);
        let [x, y] = if self.is_ideal() { distorted } else { self.undistorted(distorted) };
        Vector3::new(x, y, 1.0)
    }

    /// Where a point in the optical frame is seen; none behind the camera.
    pub fn project(&self, point: &Point3<f64>) -> Option<[f64; 2]> {
        if point.z <= 1e-6 {
            return None;
        }
        let [x, y] = self.distorted([point.x / point.z, point.y / point.z]);
        Some([x * self.focal[0] + self.principal[0], y * self.focal[1] + self.principal[1]])
    }

    /// Whether a pixel coordinate lies in the picture.
    pub fn sees(&self, pixel: [f64; 2]) -> bool {
        let inside = |at: f64, size: usize| at >= -0.5 && at < size as f64 - 0.5;
        inside(pixel[0], self.width) && inside(pixel[1], self.height)
    }

    /// Whether the lens has no distortion.
    pub fn is_ideal(&self) -> bool {
        self.distortion == [0.0; 5]
    }

    fn distorted(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [k1, k2, p1, p2, k3] = self.distortion;
        let r2 = x * x + y * y;
        let radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3));
        [
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
        ]
    }

    /// Fixed-point iteration, as OpenCV does it; converges for ordinary lenses within ten steps.
    fn undistorted(&self, distorted: [f64; 2]) -> [f64; 2] {
        let mut guess = distorted;
        for _ in 0..10 {
            let seen = self.distorted(guess);
            guess = [0, 1].map(|axis| guess[axis] + distorted[axis] - seen[axis]);
        }
        guess
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_principal_ray_points_ahead() {
        let camera = CameraModel::pinhole(641, 481, 500.0).unwrap();
        assert_eq!(camera.ray([320.0, 240.0]), Vector3::new(0.0, 0.0, 1.0));
    }

    #[test]
    fn an_uncalibrated_camera_is_refused() {
        let error = CameraModel::new(640, 480, &[0.0; 9], "", &[]).unwrap_err();
        assert!(error.to_string().contains("k[0] is 0"), "{error}");
        assert!(CameraModel::new(0, 480, &[1.0; 9], "", &[]).is_err());
        assert!(CameraModel::new(2, 2, &[1.0; 9], "equidistant", &[0.1; 4]).is_err());
    }

    #[test]
    fn another_resolution_sees_the_same_rays() {
        let camera = CameraModel::pinhole(640, 480, 577.0).unwrap();
        let half = camera.for_size("depth", 320, 240).unwrap();
        // The corner between pixels 0 and 1 of the large picture is the middle of pixel 0 here.
        assert!((half.ray([0.0, 0.0]) - camera.ray([0.5, 0.5])).norm() < 1e-12);
        assert!(camera.for_size("depth", 640, 360).is_err());
    }

    proptest! {
        #[test]
        fn rays_and_projection_agree_behind_a_lens(
            x in 0.0..639.0f64, y in 0.0..479.0f64, depth in 0.1..5.0f64,
        ) {
            let k = [577.0, 0.0, 320.0, 0.0, 575.0, 238.0, 0.0, 0.0, 1.0];
            let d = [0.05, -0.04, 0.001, -0.0005, 0.01];
            let camera = CameraModel::new(640, 480, &k, "plumb_bob", &d).unwrap();
            let seen = camera.project(&Point3::from(camera.ray([x, y]) * depth)).unwrap();
            prop_assert!((seen[0] - x).abs() < 1e-3 && (seen[1] - y).abs() < 1e-3);
        }

        #[test]
        fn any_fields_give_a_camera_or_an_error(
            size in prop::array::uniform2(prop_oneof![Just(0usize), 1usize..2000]),
            k in prop::array::uniform9(prop_oneof![
                Just(0.0), Just(f64::NAN), Just(f64::INFINITY), -1e3..1e3f64, 100.0..800.0f64,
            ]),
            focal in prop::array::uniform2(prop_oneof![
                1 => Just(0.0), 1 => Just(-500.0), 8 => 100.0..900.0f64,
            ]),
            principal in prop::array::uniform2(0.0..1000.0f64), likely in any::<bool>(),
            model in prop::sample::select(vec!["", "plumb_bob", "equidistant", "rational_polynomial"]),
            d in prop::collection::vec(
                prop_oneof![Just(0.0), Just(f64::NAN), -0.3..0.3f64, -1e9..1e9f64], 0..9),
        ) {
            let [fx, fy] = focal;
            let [cx, cy] = principal;
            let k = if likely { [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0] } else { k };
            let [width, height] = size;
            if let Ok(camera) = CameraModel::new(width, height, &k, model, &d) {
                for corner in [[0.0, 0.0], [width as f64 - 1.0, height as f64 - 1.0]] {
                    let ray = camera.ray(corner);
                    prop_assert!(ray.iter().all(|part| part.is_finite()), "{ray}");
                    let seen = camera.project(&Point3::from(ray)).unwrap();
                    let off = (seen[0] - corner[0]).hypot(seen[1] - corner[1]);
                    prop_assert!(off <= 0.011 * width as f64, "missed by {off} px");
                }
            }
        }
    }
}
