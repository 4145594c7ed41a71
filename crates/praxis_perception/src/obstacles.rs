//! Points of everything above the support that is neither robot nor known object.

use std::collections::HashSet;

use praxis_geometry::Pose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exclusion::RobotBody;
use crate::plane::SupportPlane;
use crate::scan::Scan;

/// Which points are obstacles, and how densely they are told.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ObstacleConfig {
    /// Every so many pixels along both sides are looked at.
    #[schemars(range(min = 1, max = 64))]
    pub pixel_step: usize,
    /// One point per cube of this side, metres.
    #[schemars(range(min = 0.001, max = 0.5))]
    pub voxel_m: f64,
    /// Lower than this above the support is no obstacle, metres.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub min_height_m: f64,
    /// Farther than this from the origin is no obstacle, metres.
    #[schemars(range(min = 0.1, max = 100.0))]
    pub max_distance_m: f64,
    /// Known objects are grown by this before their points are removed, metres.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub object_padding_m: f64,
}

impl Default for ObstacleConfig {
    fn default() -> Self {
        Self {
            pixel_step: 4,
            voxel_m: 0.015,
            min_height_m: 0.015,
            max_distance_m: 1.2,
            object_padding_m: 0.015,
        }
    }
}

/// A known object's box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct KnownBox {
    pub box_from_world: Pose,
    pub half_m: [f64; 3],
}

/// The obstacle points of one depth picture, in the planning frame.
pub(crate) fn obstacle_points(
    scan: &Scan<'_>,
    plane: &SupportPlane,
    robot: &RobotBody,
    known: &[KnownBox],
    config: &ObstacleConfig,
) -> Vec<[f32; 3]> {
    let step = config.pixel_step.max(1);
    let per_voxel = 1.0 / config.voxel_m.max(1e-3);
    let reach2 = (config.max_distance_m * config.max_distance_m) as f32;
    let mut taken = HashSet::new();
    let mut points = Vec::new();
    for row in (0..scan.height()).step_by(step) {
        for column in (0..scan.width()).step_by(step) {
            let point = scan.point(column, row);
            if point[2].is_nan() {
                continue;
            }
            let [x, y, z] = point.map(f64::from);
            let far = point[0] * point[0] + point[1] * point[1] + point[2] * point[2] > reach2;
            if far || z - plane.z_at(x, y) < config.min_height_m {
                continue;
            }
            let voxel = [x, y, z].map(|at| (at * per_voxel).floor() as i32);
            if taken.contains(&voxel) || robot.contains(point) || is_known([x, y, z], known, config)
            {
                continue;
            }
            taken.insert(voxel);
            points.push(point);
        }
    }
    points
}

fn is_known(point: [f64; 3], known: &[KnownBox], config: &ObstacleConfig) -> bool {
    known.iter().any(|object| {
        let local = object.box_from_world * nalgebra::Point3::from(point);
        (0..3).all(|axis| local[axis].abs() <= object.half_m[axis] + config.object_padding_m)
    })
}
