use std::f64::consts::{FRAC_PI_2, PI};

use nalgebra::{Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;

use crate::object::{Footprint, SeenObject};

/// What the gripper can do.
#[derive(Clone, Debug, PartialEq)]
pub struct GraspConfig {
    /// Widest opening between the fingers, metres.
    pub max_opening_m: f64,
    /// Room that the open fingers need beside the object, metres over both sides.
    pub opening_margin_m: f64,
    /// Lowest height of the tool centre point above the support, metres.
    pub min_tool_height_m: f64,
    /// How far below the object's top the tool centre point may go, metres: the palm must stay
    /// clear of the top, also when its height is measured too low or the object slips.
    pub max_finger_depth_m: f64,
}

impl Default for GraspConfig {
    fn default() -> Self {
        Self {
            max_opening_m: 0.08,
            opening_margin_m: 0.006,
            min_tool_height_m: 0.02,
            // The Panda's palm is 37 mm above its tool centre point.
            max_finger_depth_m: 0.03,
        }
    }
}

/// One way to take an object: the tool comes from above, its y axis is the closing direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Grasp {
    /// Tool pose when the fingers close; tool z points down.
    pub world_from_tool: Pose,
    /// Width of the object between the fingers, metres.
    pub width_m: f64,
}

/// Grasps of an object from above, the best first: narrow sides before wide ones, and among equals
/// the one that turns the wrist least from the tool's neutral heading (tool x along world x).
///
/// Empty if no side fits between the fingers or the class is unknown.
pub fn grasps_for(object: &SeenObject, config: &GraspConfig) -> Vec<Grasp> {
    let usable_m = config.max_opening_m - config.opening_margin_m;
    let mut grasps: Vec<Grasp> = closing_directions(object)
        .into_iter()
        .filter(|&(_, width_m)| width_m <= usable_m)
        .map(|(tool_yaw_rad, width_m)| Grasp {
            world_from_tool: tool_pose(object, tool_yaw_rad, config),
            width_m,
        })
        .collect();
    grasps.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    grasps
}

/// Tool yaw and the width it closes on, for every side worth trying.
///
/// With the tool pointing down, its y axis lies at `yaw - 90°`: a tool turned like the object
/// closes across the object's y extent.
fn closing_directions(object: &SeenObject) -> Vec<(f64, f64)> {
    let yaw = object.yaw_rad;
    let (length_m, width_m) = (object.size_m.x, object.size_m.y);
    match Footprint::of_class(&object.class) {
        Some(Footprint::Rectangle | Footprint::Plus) => {
            [(yaw, width_m), (yaw + FRAC_PI_2, length_m)]
                .into_iter()
                .flat_map(|(turn, width)| [(wrap(turn), width), (wrap(turn + PI), width)])
                .collect()
        }
        Some(Footprint::Disc) => {
            let diameter_m = length_m.max(width_m);
            (0..8).map(|k| (wrap(f64::from(k) * PI / 4.0), diameter_m)).collect()
        }
        None => Vec::new(),
    }
}

fn tool_pose(object: &SeenObject, tool_yaw_rad: f64, config: &GraspConfig) -> Pose {
    let bottom_m = object.centre_in_world.z - 0.5 * object.size_m.z;
    let height_m = object
        .centre_in_world
        .z
        .max(object.top_m() - config.max_finger_depth_m)
        .max(bottom_m + config.min_tool_height_m);
    let centre = object.centre_in_world;
    Pose::from_parts(Translation3::new(centre.x, centre.y, height_m), tool_down(tool_yaw_rad))
}

/// Tool orientation that points z down and x along the heading `yaw_rad`.
pub(crate) fn tool_down(yaw_rad: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw_rad)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI)
}

/// Ten degrees of turn weigh as much as 5 mm of width.
fn cost(grasp: &Grasp) -> f64 {
    let heading = praxis_geometry::yaw_rad(&grasp.world_from_tool);
    grasp.width_m + 0.005 * heading.abs().to_degrees() / 10.0
}

/// Wraps an angle into (-π, π].
pub(crate) fn wrap(angle_rad: f64) -> f64 {
    let wrapped = angle_rad.rem_euclid(2.0 * PI);
    if wrapped > PI { wrapped - 2.0 * PI } else { wrapped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Point3;

    fn object(class: &str, size_m: [f64; 3], yaw_rad: f64) -> SeenObject {
        SeenObject {
            id: "1".into(),
            class: class.into(),
            score: 0.9,
            centre_in_world: Point3::new(0.5, 0.0, 0.5 * size_m[2]),
            yaw_rad,
            size_m: size_m.into(),
        }
    }

    #[test]
    fn a_box_is_taken_across_its_narrow_side() {
        let grasps = grasps_for(&object("box", [0.07, 0.04, 0.05], 0.3), &GraspConfig::default());
        let best = &grasps[0];
        assert_eq!(best.width_m, 0.04);
        let closing = best.world_from_tool.rotation * Vector3::y();
        let narrow = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.3) * Vector3::y();
        assert!(closing.dot(&narrow).abs() > 1.0 - 1e-12);
    }

    #[test]
    fn the_tool_points_down_and_stays_above_the_table() {
        for class in ["box", "cylinder", "cross"] {
            let grasps =
                grasps_for(&object(class, [0.05, 0.05, 0.03], -2.0), &GraspConfig::default());
            assert!(!grasps.is_empty());
            for grasp in grasps {
                let tool_z = grasp.world_from_tool.rotation * Vector3::z();
                assert!(tool_z.z < -1.0 + 1e-12);
                assert!(grasp.world_from_tool.translation.z >= 0.02);
            }
        }
    }

    #[test]
    fn what_does_not_fit_between_the_fingers_has_no_grasp() {
        assert!(
            grasps_for(&object("box", [0.2, 0.1, 0.05], 0.0), &GraspConfig::default()).is_empty()
        );
        assert!(
            grasps_for(&object("dog", [0.05, 0.05, 0.05], 0.0), &GraspConfig::default()).is_empty()
        );
    }
}
