use praxis_geometry::{Shape, TriangleMesh};

use crate::primitive;

/// Triangles ready to be drawn: single precision, flat shaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    pub(crate) vertices: Vec<[f32; 3]>,
    pub(crate) triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// Takes over vertices in metres and triangles, counter-clockwise seen from outside. Triangles
    /// that name a missing vertex are left out.
    pub fn new(vertices: Vec<[f32; 3]>, mut triangles: Vec<[u32; 3]>) -> Self {
        let count = vertices.len() as u32;
        triangles.retain(|triangle| triangle.iter().all(|&index| index < count));
        Self { vertices, triangles }
    }

    /// The surface of a solid; round ones get 32 sides.
    pub fn of_shape(shape: &Shape) -> Self {
        match shape {
            Shape::Sphere { radius_m } => primitive::capsule(*radius_m, 0.0),
            Shape::Box { half_extents_m: h } => primitive::cuboid(h.x, h.y, h.z),
            Shape::Cylinder { radius_m, length_m } => primitive::cylinder(*radius_m, *length_m),
            Shape::Capsule { radius_m, length_m } => primitive::capsule(*radius_m, *length_m),
            Shape::Mesh(mesh) => Self::of_triangles(mesh),
        }
    }

    /// A triangle mesh.
    pub fn of_triangles(mesh: &TriangleMesh) -> Self {
        let vertices = mesh.vertices.iter().map(|v| [v.x as f32, v.y as f32, v.z as f32]).collect();
        Self::new(vertices, mesh.triangles.clone())
    }
}
