//! Between the task's words and messages.

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, pose_from_xyz_rpy};
use praxis_ros::convert::{ConvertError, FromMsg, ToMsg};
use praxis_ros::r2r::{
    geometry_msgs, moveit_msgs::msg as moveit, shape_msgs, std_msgs, vision_msgs,
};
use praxis_task::{HeldObject, SeenObject};

/// `SolidPrimitive::BOX`, `SPHERE`.
const BOX: u8 = 1;
const SPHERE: u8 = 2;
/// `CollisionObject::ADD`, `REMOVE`.
pub const ADD: u8 = 0;
pub const REMOVE: u8 = 1;
/// Ids of seen objects in the planner's world begin so.
pub const SEEN: &str = "seen_";
/// Ids of held objects begin so; the class follows.
pub const HELD: &str = "held_";
/// What measured points are called in the matrix of allowed pairs. Near an object that is picked or
/// put down there are points of the object itself and of its neighbours.
pub const MEASURED_POINTS: &str = "<octomap>";

/// Reads the objects of a detection array; one without a hypothesis is left out.
pub fn objects_of(
    message: &vision_msgs::msg::Detection3DArray,
) -> Result<Vec<SeenObject>, ConvertError> {
    message
        .detections
        .iter()
        .filter_map(|detection| Some((detection, detection.results.first()?)))
        .map(|(detection, result)| {
            let pose = Pose::from_msg(&detection.bbox.center)?;
            let size_m = Vector3::from_msg(&detection.bbox.size)?;
            Ok(SeenObject {
                id: detection.id.clone(),
                class: result.hypothesis.class_id.clone(),
                score: result.hypothesis.score,
                centre_in_world: Point3::from(pose.translation.vector),
                yaw_rad: praxis_geometry::yaw_rad(&pose),
                size_m,
            })
        })
        .collect()
}

fn header(frame: &str) -> std_msgs::msg::Header {
    std_msgs::msg::Header { frame_id: frame.to_owned(), ..Default::default() }
}

fn primitive(kind: u8, dimensions: Vec<f64>) -> shape_msgs::msg::SolidPrimitive {
    shape_msgs::msg::SolidPrimitive { type_: kind, dimensions, ..Default::default() }
}

/// Pose of an object that stands upright.
pub fn upright(object: &SeenObject) -> Pose {
    let centre = object.centre_in_world;
    pose_from_xyz_rpy([centre.x, centre.y, centre.z], [0.0, 0.0, object.yaw_rad])
}

/// A box around a seen object, grown sideways and upwards.
pub fn obstacle(object: &SeenObject, frame: &str, padding_m: f64) -> moveit::CollisionObject {
    let grown = object.size_m + 2.0 * Vector3::new(padding_m, padding_m, 0.0);
    moveit::CollisionObject {
        header: header(frame),
        pose: upright(object).to_msg(),
        id: format!("{SEEN}{}", object.id),
        primitives: vec![primitive(BOX, grown.iter().copied().collect())],
        primitive_poses: vec![Pose::identity().to_msg()],
        operation: ADD,
        ..Default::default()
    }
}

/// Takes an object out of the planner's world.
pub fn removal(id: &str) -> moveit::CollisionObject {
    moveit::CollisionObject { id: id.to_owned(), operation: REMOVE, ..Default::default() }
}

/// A held object in the tool's frame: a box around it that is grown by `padding_m`, since objects
/// turn a little between the fingers; a second solid keeps its own size for [`held_of`].
pub fn attached(
    held: &HeldObject,
    tool_link: &str,
    touch_links: &[String],
    padding_m: f64,
) -> moveit::AttachedCollisionObject {
    moveit::AttachedCollisionObject {
        link_name: tool_link.to_owned(),
        object: moveit::CollisionObject {
            header: header(tool_link),
            pose: held.tool_from_object.to_msg(),
            id: format!("{HELD}{}", held.class),
            primitives: [0.0, padding_m]
                .map(|padding| held.size_m.map(|edge| edge + 2.0 * padding))
                .map(|size| primitive(BOX, size.iter().copied().collect()))
                .to_vec(),
            primitive_poses: vec![Pose::identity().to_msg(); 2],
            operation: ADD,
            ..Default::default()
        },
        touch_links: touch_links.to_vec(),
        ..Default::default()
    }
}

/// Reads back what [`attached`] wrote; something attached by others is nobody's class.
pub fn held_of(message: &moveit::AttachedCollisionObject, tool_link: &str) -> Option<HeldObject> {
    let class = message.object.id.strip_prefix(HELD)?;
    let [solid, ..] = message.object.primitives.as_slice() else { return None };
    let [x, y, z] = solid.dimensions[..] else { return None };
    if message.link_name != tool_link {
        return None;
    }
    Some(HeldObject {
        class: class.to_owned(),
        tool_from_object: Pose::from_msg(&message.object.pose).ok()?,
        size_m: Vector3::new(x, y, z),
    })
}

/// Goal constraints that bring a link to a pose.
pub fn pose_goal(link: &str, frame: &str, pose: &Pose) -> moveit::Constraints {
    const POSITION_TOLERANCE_M: f64 = 5e-4;
    const ROTATION_TOLERANCE_RAD: f64 = 2e-3;
    let region = moveit::BoundingVolume {
        primitives: vec![primitive(SPHERE, vec![POSITION_TOLERANCE_M])],
        primitive_poses: vec![geometry_msgs::msg::Pose {
            position: Point3::from(pose.translation.vector).to_msg(),
            orientation: Pose::identity().rotation.to_msg(),
        }],
        ..Default::default()
    };
    moveit::Constraints {
        position_constraints: vec![moveit::PositionConstraint {
            header: header(frame),
            link_name: link.to_owned(),
            constraint_region: region,
            weight: 1.0,
            ..Default::default()
        }],
        orientation_constraints: vec![moveit::OrientationConstraint {
            header: header(frame),
            orientation: pose.rotation.to_msg(),
            link_name: link.to_owned(),
            absolute_x_axis_tolerance: ROTATION_TOLERANCE_RAD,
            absolute_y_axis_tolerance: ROTATION_TOLERANCE_RAD,
            absolute_z_axis_tolerance: ROTATION_TOLERANCE_RAD,
            weight: 1.0,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Goal constraints that bring joints to positions.
pub fn joint_goal(joints: &[(String, f64)]) -> moveit::Constraints {
    const TOLERANCE_RAD: f64 = 1e-3;
    let constraint = |(name, position): &(String, f64)| moveit::JointConstraint {
        joint_name: name.clone(),
        position: *position,
        tolerance_above: TOLERANCE_RAD,
        tolerance_below: TOLERANCE_RAD,
        weight: 1.0,
    };
    moveit::Constraints {
        joint_constraints: joints.iter().map(constraint).collect(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_object_survives_the_way_through_the_planner() {
        let held = HeldObject {
            class: "cross".into(),
            tool_from_object: pose_from_xyz_rpy([0.0, 0.001, 0.01], [3.1, 0.0, 0.4]),
            size_m: Vector3::new(0.05, 0.05, 0.04),
        };
        let back = held_of(&attached(&held, "tool", &[], 0.01), "tool").unwrap();
        assert_eq!((back.class, back.size_m), (held.class, held.size_m));
        assert!((back.tool_from_object.inverse() * held.tool_from_object).rotation.angle() < 1e-9);
    }
}
