use nalgebra::{Point3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;

/// Red, green, blue, each in 0..1.
pub type Colour = [f32; 3];

/// A box that never moves.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedBox {
    /// Name; unique in the world.
    pub id: String,
    /// Full edge lengths, metres.
    pub size_m: Vector3<f64>,
    /// Pose of its centre.
    pub world_from_box: Pose,
    /// Surface colour.
    pub colour: Colour,
}

/// An open box that takes the objects of one class; upright, aligned with the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Name; unique in the world.
    pub id: String,
    /// Class of object that belongs into it.
    pub class: String,
    /// Middle of the inner floor.
    pub floor_centre_in_world: Point3<f64>,
    /// Inner width along x and y, and height of the walls above the inner floor, metres.
    pub inner_size_m: Vector3<f64>,
    /// Thickness of floor and walls, metres.
    pub thickness_m: f64,
    /// Surface colour.
    pub colour: Colour,
}

impl Bin {
    /// Floor and four walls: `<id>_floor`, `<id>_wall_x_minus`, and so on.
    pub fn boxes(&self) -> Vec<FixedBox> {
        let (inner, t) = (self.inner_size_m, self.thickness_m);
        let wall_height_m = inner.z + t;
        let part = |name: &str, size_m: Vector3<f64>, offset: Vector3<f64>| FixedBox {
            id: format!("{}_{name}", self.id),
            size_m,
            world_from_box: Pose::from_parts(
                Translation3::from(self.floor_centre_in_world.coords + offset),
                UnitQuaternion::identity(),
            ),
            colour: self.colour,
        };
        let wall_z = 0.5 * wall_height_m - t;
        let along_x = Vector3::new(inner.x + 2.0 * t, t, wall_height_m);
        let along_y = Vector3::new(t, inner.y, wall_height_m);
        let (half_x, half_y) = (0.5 * (inner.x + t), 0.5 * (inner.y + t));
        vec![
            part("floor", Vector3::new(inner.x, inner.y, t), Vector3::new(0.0, 0.0, -0.5 * t)),
            part("wall_x_minus", along_y, Vector3::new(-half_x, 0.0, wall_z)),
            part("wall_x_plus", along_y, Vector3::new(half_x, 0.0, wall_z)),
            part("wall_y_minus", along_x, Vector3::new(0.0, -half_y, wall_z)),
            part("wall_y_plus", along_x, Vector3::new(0.0, half_y, wall_z)),
        ]
    }

    /// Whether a point lies inside: over the floor, between the walls, and no higher above the
    /// floor than `height_m`.
    pub fn contains(&self, point_in_world: &Point3<f64>, height_m: f64) -> bool {
        let offset = point_in_world - self.floor_centre_in_world;
        offset.x.abs() <= 0.5 * self.inner_size_m.x
            && offset.y.abs() <= 0.5 * self.inner_size_m.y
            && offset.z >= -1e-3
            && offset.z <= height_m
    }
}
