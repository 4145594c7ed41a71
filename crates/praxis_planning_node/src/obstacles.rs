//! Measured points as the planner's obstacles, without those of what the scene knows.

use std::sync::Arc;

use nalgebra::Point3;
use praxis_collision::PointCloud;
use praxis_geometry::{Pose, Shape};

use crate::world::{HeldObject, Part, PlanningWorld};

/// The newest points, and what is left of them for the planner.
#[derive(Clone, Debug, Default)]
pub struct Obstacles {
    /// All points, in the robot's root frame.
    measured: Vec<Point3<f32>>,
    /// Those that are no known object; absent while outdated.
    unknown: Option<Vec<Point3<f32>>>,
    /// The unknown ones sorted for collision checks, by the radius asked for.
    clouds: Vec<(f64, Arc<PointCloud>)>,
}

impl Obstacles {
    /// Takes the newest points.
    pub fn put(&mut self, measured: Vec<Point3<f32>>) {
        self.measured = measured;
        self.outdate();
    }

    /// The scene has changed: what was a known object may be none any more.
    pub fn outdate(&mut self) {
        self.unknown = None;
        self.clouds.clear();
    }

    /// The points that are no known object: farther than `padding_m` from each; `link_pose` gives
    /// the pose of a link in the root frame.
    pub fn unknown(
        &mut self,
        world: &PlanningWorld,
        link_pose: &dyn Fn(&str) -> Option<Pose>,
        padding_m: f64,
    ) -> &[Point3<f32>] {
        self.unknown.get_or_insert_with(|| {
            let known = known_boxes(world, link_pose, padding_m);
            let is_unknown = |point: &&Point3<f32>| !known.iter().any(|k| k.contains(point));
            self.measured.iter().filter(is_unknown).copied().collect()
        })
    }

    /// The unknown points found last as balls of a radius; none if there are no points.
    pub fn cloud(&mut self, radius_m: f64) -> Option<Arc<PointCloud>> {
        /// Radii that are kept; those beyond are for one request.
        const KEPT: usize = 4;
        let unknown = self.unknown.as_ref().filter(|points| !points.is_empty())?;
        if let Some((_, cloud)) = self.clouds.iter().find(|(radius, _)| *radius == radius_m) {
            return Some(cloud.clone());
        }
        let cloud = match self.clouds.first() {
            Some((_, sorted)) => sorted.with_point_radius(radius_m as f32),
            None => PointCloud::new(unknown, radius_m as f32),
        };
        let cloud = Arc::new(cloud);
        if self.clouds.len() < KEPT {
            self.clouds.push((radius_m, cloud.clone()));
        }
        Some(cloud)
    }
}

/// A grown box around a part of a known object.
struct KnownBox {
    box_from_root: nalgebra::Isometry3<f32>,
    low: Point3<f32>,
    high: Point3<f32>,
}

impl KnownBox {
    fn new(root_from_part: Pose, shape: &Shape, padding_m: f64) -> Self {
        let (low, high) = extent(shape);
        let grow = nalgebra::Vector3::repeat(padding_m);
        Self {
            box_from_root: root_from_part.inverse().cast(),
            low: (low - grow).cast(),
            high: (high + grow).cast(),
        }
    }

    fn contains(&self, point: &Point3<f32>) -> bool {
        let local = self.box_from_root * point;
        (0..3).all(|axis| (self.low[axis]..=self.high[axis]).contains(&local[axis]))
    }
}

/// Opposite corners of the box around a shape, in its own axes.
fn extent(shape: &Shape) -> (Point3<f64>, Point3<f64>) {
    let half = |x: f64, y: f64, z: f64| (Point3::new(-x, -y, -z), Point3::new(x, y, z));
    match shape {
        Shape::Sphere { radius_m: r } => half(*r, *r, *r),
        Shape::Box { half_extents_m: h } => half(h.x, h.y, h.z),
        Shape::Cylinder { radius_m: r, length_m } => half(*r, *r, 0.5 * length_m),
        Shape::Capsule { radius_m: r, length_m } => half(*r, *r, 0.5 * length_m + r),
        Shape::Mesh(mesh) => mesh.vertices.iter().fold(
            (Point3::from([f64::INFINITY; 3]), Point3::from([f64::NEG_INFINITY; 3])),
            |(low, high), vertex| (low.inf(vertex), high.sup(vertex)),
        ),
    }
}

fn known_boxes(
    world: &PlanningWorld,
    link_pose: &dyn Fn(&str) -> Option<Pose>,
    padding_m: f64,
) -> Vec<KnownBox> {
    let of = |root_from_object: Pose, parts: &[Part]| -> Vec<KnownBox> {
        let place = |part: &Part| {
            KnownBox::new(root_from_object * part.object_from_part, &part.shape, padding_m)
        };
        parts.iter().map(place).collect()
    };
    let standing = world.objects().values().flat_map(|o| of(o.root_from_object, &o.parts));
    let held = world.held().values().filter_map(|held: &HeldObject| {
        Some(of(link_pose(&held.link)? * held.link_from_object, &held.parts))
    });
    standing.chain(held.flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Change, WorldObject};

    fn nowhere(_: &str) -> Option<Pose> {
        None
    }

    fn boxed(x: f64) -> WorldObject {
        let shape = Shape::Box { half_extents_m: nalgebra::Vector3::repeat(0.1) };
        let part = Part { shape, object_from_part: Pose::identity() };
        WorldObject { root_from_object: Pose::translation(x, 0.0, 0.0), parts: vec![part] }
    }

    #[test]
    fn points_of_known_objects_are_no_obstacles_until_the_object_is_gone() {
        let mut world = PlanningWorld::default();
        world.put_fixed("box", boxed(0.5));
        let mut obstacles = Obstacles::default();
        let points = [[0.61, 0.0, 0.0], [0.63, 0.0, 0.0]].map(Point3::from).to_vec();
        obstacles.put(points);
        let count = |obstacles: &mut Obstacles, world: &PlanningWorld| {
            obstacles.unknown(world, &nowhere, 0.02);
            obstacles.cloud(0.01).map_or(0, |cloud| cloud.len())
        };
        assert_eq!(count(&mut obstacles, &world), 1);
        world.apply(Change::Remove { id: "box".into() }, &nowhere).unwrap();
        obstacles.outdate();
        assert_eq!(count(&mut obstacles, &world), 2);
    }

    #[test]
    fn no_points_are_no_cloud() {
        let world = PlanningWorld::default();
        let mut obstacles = Obstacles::default();
        assert!(obstacles.cloud(0.01).is_none());
        obstacles.put(Vec::new());
        assert!(obstacles.unknown(&world, &nowhere, 0.02).is_empty());
        assert!(obstacles.cloud(0.01).is_none());
    }
}
