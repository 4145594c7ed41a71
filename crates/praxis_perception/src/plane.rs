//! The surface that things stand on.

use serde::{Deserialize, Serialize};

/// A nearly horizontal plane `z = slope_x * x + slope_y * y + height` in the planning frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SupportPlane {
    /// Rise along x.
    pub slope_x: f64,
    /// Rise along y.
    pub slope_y: f64,
    /// Height over the origin in metres.
    pub height_m: f64,
}

impl SupportPlane {
    /// A level plane.
    pub fn level(height_m: f64) -> Self {
        Self { slope_x: 0.0, slope_y: 0.0, height_m }
    }

    /// The plane's z at a place.
    #[inline]
    pub fn z_at(&self, x: f64, y: f64) -> f64 {
        self.slope_x * x + self.slope_y * y + self.height_m
    }

    /// The level-ish plane that most points agree with, within `tolerance_m`.
    ///
    /// Random triples (RANSAC, `seed` decides which), then least squares over those that agree.
    /// None when the best plane is steeper than `max_slope` or fewer than `min_share` of the points
    /// agree.
    pub fn estimate(
        points: &[[f32; 3]],
        tolerance_m: f64,
        max_slope: f64,
        min_share: f64,
        seed: u64,
    ) -> Option<Self> {
        if points.len() < 3 {
            return None;
        }
        let mut random = seed | 1;
        let mut pick = || {
            // xorshift64: only has to be spread, not secret.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            points[(random % points.len() as u64) as usize]
        };
        let agreeing = |plane: &Self| {
            points.iter().filter(|point| plane.distance(point).abs() <= tolerance_m).count()
        };
        let mut best: Option<(usize, Self)> = None;
        for _ in 0..100 {
            let Some(plane) = through(&[pick(), pick(), pick()]) else { continue };
            if plane.slope_x.hypot(plane.slope_y) > max_slope {
                continue;
            }
            let count = agreeing(&plane);
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, plane));
            }
        }
        let (_, rough) = best?;
        let inliers: Vec<[f32; 3]> = points
            .iter()
            .copied()
            .filter(|point| rough.distance(point).abs() <= tolerance_m)
            .collect();
        let plane = through(&inliers)?;
        let enough = agreeing(&plane) as f64 >= min_share * points.len() as f64;
        (enough && plane.slope_x.hypot(plane.slope_y) <= max_slope).then_some(plane)
    }

    fn distance(&self, point: &[f32; 3]) -> f64 {
        f64::from(point[2]) - self.z_at(f64::from(point[0]), f64::from(point[1]))
    }
}

/// Least squares over z; none when the points are on a line.
fn through(points: &[[f32; 3]]) -> Option<SupportPlane> {
    let count = points.len() as f64;
    let mut mean = [0.0; 3];
    for point in points {
        for axis in 0..3 {
            mean[axis] += f64::from(point[axis]) / count;
        }
    }
    let (mut xx, mut xy, mut yy, mut xz, mut yz) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for point in points {
        let [x, y, z] = [0, 1, 2].map(|axis| f64::from(point[axis]) - mean[axis]);
        xx += x * x;
        xy += x * y;
        yy += y * y;
        xz += x * z;
        yz += y * z;
    }
    let determinant = xx * yy - xy * xy;
    if determinant.is_nan() || determinant <= 1e-9 * (xx + yy).powi(2) {
        return None;
    }
    let slope_x = (xz * yy - yz * xy) / determinant;
    let slope_y = (yz * xx - xz * xy) / determinant;
    let height_m = mean[2] - slope_x * mean[0] - slope_y * mean[1];
    Some(SupportPlane { slope_x, slope_y, height_m })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_under_a_third_of_clutter() {
        let mut points = Vec::new();
        for i in 0..60 {
            for j in 0..60 {
                let (x, y) = (i as f32 * 0.01, j as f32 * 0.01 - 0.3);
                let clutter = (i * 7 + j * 13) % 3 == 0;
                let z = 0.02 * x - 0.01 * y + 0.1;
                points.push([x, y, if clutter { z + 0.05 + 0.001 * i as f32 } else { z }]);
            }
        }
        let plane = SupportPlane::estimate(&points, 0.004, 0.2, 0.3, 7).unwrap();
        assert!((plane.slope_x - 0.02).abs() < 1e-3, "{plane:?}");
        assert!((plane.slope_y + 0.01).abs() < 1e-3, "{plane:?}");
        assert!((plane.height_m - 0.1).abs() < 1e-3, "{plane:?}");
    }

    #[test]
    fn a_wall_is_no_table() {
        let wall: Vec<[f32; 3]> = (0..400)
            .map(|i| [0.5 + 0.001 * (i % 3) as f32, 0.01 * (i % 20) as f32, 0.02 * (i / 20) as f32])
            .collect();
        assert_eq!(SupportPlane::estimate(&wall, 0.004, 0.2, 0.5, 1), None);
        assert_eq!(SupportPlane::estimate(&[], 0.004, 0.2, 0.5, 1), None);
    }
}
