use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape};

/// A solid of the scene, ready to be asked for distances.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    pub name: usize,
    solid_from_root: Pose,
    kind: Kind,
    centre: Point3<f64>,
    radius: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Sphere(f64),
    Box(Vector3<f64>),
    Cylinder { radius: f64, half: f64 },
    Capsule { radius: f64, half: f64 },
}

impl Obstacle {
    /// Meshes count as the box around them.
    pub fn new(name: usize, shape: &Shape, root_from_solid: &Pose) -> Self {
        let mut pose = *root_from_solid;
        let kind = match shape {
            Shape::Sphere { radius_m } => Kind::Sphere(*radius_m),
            Shape::Box { half_extents_m } => Kind::Box(*half_extents_m),
            Shape::Cylinder { radius_m, length_m } => {
                Kind::Cylinder { radius: *radius_m, half: 0.5 * length_m }
            }
            Shape::Capsule { radius_m, length_m } => {
                Kind::Capsule { radius: *radius_m, half: 0.5 * length_m }
            }
            Shape::Mesh(mesh) => {
                let start = (Vector3::repeat(f64::INFINITY), Vector3::repeat(f64::NEG_INFINITY));
                let (low, high) = mesh
                    .vertices
                    .iter()
                    .fold(start, |(low, high), v| (low.inf(&v.coords), high.sup(&v.coords)));
                pose *= nalgebra::Translation3::from((low + high) * 0.5);
                Kind::Box((high - low) * 0.5)
            }
        };
        let radius = match kind {
            Kind::Sphere(radius) => radius,
            Kind::Box(half) => half.norm(),
            Kind::Cylinder { radius, half } => radius.hypot(half),
            Kind::Capsule { radius, half } => radius + half,
        };
        let centre = Point3::from(pose.translation.vector);
        Self { name, solid_from_root: pose.inverse(), kind, centre, radius }
    }

    /// A distance that the true one is not below, found at once.
    pub fn distance_at_least(&self, point: &Point3<f64>) -> f64 {
        (point - self.centre).norm() - self.radius
    }

    /// Signed distance of a point from the surface, negative inside.
    pub fn distance(&self, point: &Point3<f64>) -> f64 {
        let p = self.solid_from_root * point;
        match self.kind {
            Kind::Sphere(radius) => p.coords.norm() - radius,
            Kind::Box(half) => {
                let q = p.coords.abs() - half;
                q.sup(&Vector3::zeros()).norm() + q.max().min(0.0)
            }
            Kind::Cylinder { radius, half } => {
                let (r, z) = (p.x.hypot(p.y) - radius, p.z.abs() - half);
                r.max(0.0).hypot(z.max(0.0)) + r.max(z).min(0.0)
            }
            Kind::Capsule { radius, half } => {
                let z = p.z - p.z.clamp(-half, half);
                p.x.hypot(p.y).hypot(z) - radius
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_worked_by_hand() {
        let at = Pose::translation(1.0, 0.0, 0.0);
        let cuboid =
            Obstacle::new(0, &Shape::Box { half_extents_m: Vector3::new(0.1, 0.2, 0.3) }, &at);
        assert!((cuboid.distance(&Point3::new(0.5, 0.0, 0.0)) - 0.4).abs() < 1e-12);
        assert!((cuboid.distance(&Point3::new(1.0, 0.0, 0.0)) + 0.1).abs() < 1e-12);
        let cylinder = Obstacle::new(0, &Shape::Cylinder { radius_m: 0.1, length_m: 0.4 }, &at);
        assert!((cylinder.distance(&Point3::new(1.4, 0.0, 0.6)) - 0.5).abs() < 1e-12);
        let capsule = Obstacle::new(0, &Shape::Capsule { radius_m: 0.1, length_m: 0.4 }, &at);
        assert!((capsule.distance(&Point3::new(1.0, 0.0, 0.5)) - 0.2).abs() < 1e-12);
    }
}
