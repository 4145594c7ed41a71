//! What is known about an object seen in one frame.

use nalgebra::{Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;

/// What the numbers of an object rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Its top face, measured by depth.
    Depth,
    /// The colour picture and the support plane; the size is a guess from the box.
    Picture,
}

/// An object seen in one frame, in the planning frame.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenObject {
    /// Index into the card's classes.
    pub class: usize,
    /// The network's score, 0 to 1.
    pub score: f32,
    /// Centre of the bounding box in metres.
    pub centre_m: Vector3<f64>,
    /// Heading about the vertical; along the longer side or a bar.
    pub yaw_rad: f64,
    /// Full extents along its own axes in metres.
    pub size_m: Vector3<f64>,
    /// What it rests on.
    pub evidence: Evidence,
    /// How well the outline speaks for the class: 1 when no other class fits better, towards 0 the
    /// better another one does.
    pub outline_support: f64,
    /// Standard deviation of the centre along each horizontal axis.
    pub position_sigma_m: f64,
    /// Standard deviation of the yaw.
    pub yaw_sigma_rad: f64,
}

impl SeenObject {
    /// The object's pose in the planning frame.
    pub fn world_from_object(&self) -> Pose {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.yaw_rad);
        Pose::from_parts(Translation3::from(self.centre_m), turn)
    }
}
