//! What belongs to the robot and is therefore neither object nor obstacle.

use nalgebra::Point3;

/// A ball in the planning frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// The middle.
    pub centre: Point3<f64>,
    /// Radius in metres.
    pub radius_m: f64,
}

/// The robot's body as padded spheres; empty when nobody knows where it is.
///
/// It fails safe: with no spheres nothing is removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RobotBody {
    /// x, y, z and squared radius.
    spheres: Vec<[f32; 4]>,
    low: [f32; 3],
    high: [f32; 3],
}

impl RobotBody {
    /// The body covered by `spheres`, each grown by `padding_m`; spheres that are not finite are
    /// left out.
    pub fn new(spheres: &[Sphere], padding_m: f64) -> Self {
        let mut body = Self {
            spheres: Vec::with_capacity(spheres.len()),
            low: [f32::INFINITY; 3],
            high: [f32::NEG_INFINITY; 3],
        };
        for sphere in spheres {
            let radius = (sphere.radius_m + padding_m) as f32;
            let centre = [0, 1, 2].map(|axis| sphere.centre[axis] as f32);
            if !(radius > 0.0 && radius.is_finite() && centre.iter().all(|c| c.is_finite())) {
                continue;
            }
            for axis in 0..3 {
                body.low[axis] = body.low[axis].min(centre[axis] - radius);
                body.high[axis] = body.high[axis].max(centre[axis] + radius);
            }
            body.spheres.push([centre[0], centre[1], centre[2], radius * radius]);
        }
        body
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.spheres.is_empty()
    }

    /// Whether a point lies in the body.
    #[inline]
    pub fn contains(&self, point: [f32; 3]) -> bool {
        let in_hull =
            (0..3).all(|axis| point[axis] >= self.low[axis] && point[axis] <= self.high[axis]);
        in_hull
            && self.spheres.iter().any(|&[x, y, z, r2]| {
                let (dx, dy, dz) = (point[0] - x, point[1] - y, point[2] - z);
                dx * dx + dy * dy + dz * dz <= r2
            })
    }

    /// Whether the straight line between two points passes through the body.
    pub fn blocks(&self, from: &Point3<f64>, to: &Point3<f64>) -> bool {
        let line = to - from;
        let length2 = line.norm_squared();
        self.spheres.iter().any(|&[x, y, z, r2]| {
            let centre = Point3::new(f64::from(x), f64::from(y), f64::from(z));
            let along = if length2 > 0.0 {
                ((centre - from).dot(&line) / length2).clamp(0.0, 1.0)
            } else {
                0.0
            };
            (centre - (from + line * along)).norm_squared() <= f64::from(r2)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_grows_the_body() {
        let ball = Sphere { centre: Point3::new(1.0, 0.0, 0.0), radius_m: 0.1 };
        assert!(!RobotBody::new(&[ball], 0.0).contains([1.15, 0.0, 0.0]));
        assert!(RobotBody::new(&[ball], 0.1).contains([1.15, 0.0, 0.0]));
    }

    #[test]
    fn a_ball_in_between_blocks_the_view() {
        let ball = Sphere { centre: Point3::new(0.0, 0.0, 0.5), radius_m: 0.1 };
        let body = RobotBody::new(&[ball], 0.0);
        assert!(body.blocks(&Point3::origin(), &Point3::new(0.0, 0.0, 1.0)));
        assert!(!body.blocks(&Point3::origin(), &Point3::new(0.0, 0.0, 0.3)));
        assert!(!body.blocks(&Point3::new(0.2, 0.0, 0.0), &Point3::new(0.2, 0.0, 1.0)));
    }

    #[test]
    fn without_spheres_nothing_is_removed() {
        let lost = Sphere { centre: Point3::new(f64::NAN, 0.0, 0.0), radius_m: 0.1 };
        let body = RobotBody::new(&[lost], 0.0);
        assert!(body.is_empty());
        assert!(!body.contains([0.0; 3]));
    }
}
