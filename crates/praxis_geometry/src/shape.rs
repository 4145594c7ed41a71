use std::sync::Arc;

use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};

/// A solid in its own frame, centred at the origin; cylinders and capsules lie along z.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// All points within `radius_m` of the origin.
    Sphere {
        /// Radius in metres.
        radius_m: f64,
    },
    /// `|x| <= half_extents_m.x` and so on.
    Box {
        /// Half of each edge length, in metres.
        half_extents_m: Vector3<f64>,
    },
    /// Flat ends at `z = ±length_m / 2`.
    Cylinder {
        /// Radius in metres.
        radius_m: f64,
        /// Distance between the flat ends, in metres.
        length_m: f64,
    },
    /// A cylinder with round caps: all points within `radius_m` of the segment `|z| <= length_m / 2`.
    Capsule {
        /// Radius in metres.
        radius_m: f64,
        /// Length of the axis segment, caps not included, in metres.
        length_m: f64,
    },
    /// A triangle surface.
    #[serde(skip)]
    Mesh(Arc<TriangleMesh>),
}

/// Triangles over shared vertices, counter-clockwise seen from outside; metres.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TriangleMesh {
    /// Corner points.
    pub vertices: Vec<Point3<f64>>,
    /// Indices into `vertices`, three a triangle.
    pub triangles: Vec<[u32; 3]>,
}
