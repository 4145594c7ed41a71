//! moveit_msgs to the node's own words and back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use nalgebra::{Point3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape, TriangleMesh};
use praxis_motion::{
    Goal, JointGoal, JointWindow, OrientationConstraint, PathConstraint, PoseGoal,
    PositionConstraint,
};
use praxis_ros::convert::{FromMsg, ToMsg, TrajectoryPoint, TrajectoryValues};
use praxis_ros::r2r::geometry_msgs::msg as geometry;
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::r2r::shape_msgs::msg as shapes;
use praxis_ros::r2r::trajectory_msgs;
use praxis_trajectory::{Knot, Trajectory};

use crate::error::{PlanningError, code};
use crate::world::{Change, HeldObject, Part, PlanningWorld, WorldObject};

/// Operations of `CollisionObject`.
const ADD: u8 = 0;
const REMOVE: u8 = 1;
const APPEND: u8 = 2;
const MOVE: u8 = 3;

/// Where frames are at present.
pub type Frames<'a> = &'a dyn Fn(&str) -> Result<Pose, PlanningError>;

/// A pose whose quaternion may be left at zero for "no rotation".
pub fn pose(what: &str, message: &geometry::Pose) -> Result<Pose, PlanningError> {
    let q = &message.orientation;
    let mut message = message.clone();
    if [q.x, q.y, q.z, q.w] == [0.0; 4] {
        message.orientation.w = 1.0;
    }
    Pose::from_msg(&message).map_err(|error| PlanningError::bad(what, error))
}

/// What a message on `collision_object` asks for.
pub fn change_of(
    message: &moveit::CollisionObject,
    frames: Frames<'_>,
) -> Result<Change, PlanningError> {
    let id = message.id.clone();
    match message.operation {
        REMOVE => Ok(Change::Remove { id }),
        _ if id.is_empty() => Err(PlanningError::bad("collision object", "has no id")),
        ADD => Ok(Change::Put { object: world_object(message, frames, true)?, id }),
        APPEND => Ok(Change::Append { object: world_object(message, frames, true)?, id }),
        MOVE => {
            let root_from_object = frames(&message.header.frame_id)? * pose(&id, &message.pose)?;
            Ok(Change::Move { id, root_from_object })
        }
        other => Err(PlanningError::bad(id, format!("operation {other} is unknown"))),
    }
}

/// What a message on `attached_collision_object` asks for.
pub fn attachment_of(
    message: &moveit::AttachedCollisionObject,
    frames: Frames<'_>,
) -> Result<Change, PlanningError> {
    let (id, link) = (message.object.id.clone(), message.link_name.clone());
    if message.object.operation == REMOVE {
        return Ok(Change::Release { id, link });
    }
    if id.is_empty() || link.is_empty() {
        return Err(PlanningError::bad("attached object", "needs an id and a link"));
    }
    let object = world_object(&message.object, frames, false)?;
    let root_from_link = frames(&link)?;
    let held = HeldObject {
        link_from_object: root_from_link.inverse() * object.root_from_object,
        link,
        parts: object.parts,
        touch_links: message.touch_links.iter().cloned().collect::<BTreeSet<_>>(),
        spheres: Arc::default(),
    };
    Ok(Change::Hold { id, held })
}

fn world_object(
    message: &moveit::CollisionObject,
    frames: Frames<'_>,
    needs_parts: bool,
) -> Result<WorldObject, PlanningError> {
    let id = &message.id;
    let pose_of = |poses: &[geometry::Pose], index: usize| match poses.get(index) {
        Some(message) => pose(id, message),
        None => Ok(Pose::identity()), // pymoveit2 leaves them out
    };
    let mut parts = Vec::new();
    for (index, primitive) in message.primitives.iter().enumerate() {
        let object_from_part = pose_of(&message.primitive_poses, index)?;
        parts.push(Part { shape: shape(id, primitive)?, object_from_part });
    }
    for (index, mesh) in message.meshes.iter().enumerate() {
        let object_from_part = pose_of(&message.mesh_poses, index)?;
        parts.push(Part { shape: triangle_mesh(id, mesh)?, object_from_part });
    }
    if !message.planes.is_empty() {
        return Err(PlanningError::bad(id, "planes are not supported; use a large box"));
    }
    if needs_parts && parts.is_empty() {
        return Err(PlanningError::bad(id, "has neither primitives nor meshes"));
    }
    let root_from_object = frames(&message.header.frame_id)? * pose(id, &message.pose)?;
    Ok(WorldObject { root_from_object, parts })
}

fn shape(id: &str, primitive: &shapes::SolidPrimitive) -> Result<Shape, PlanningError> {
    let d = &primitive.dimensions;
    let needed = match primitive.type_ {
        1 => 3,
        2 => 1,
        3 => 2,
        other => return Err(PlanningError::bad(id, format!("primitive type {other} is unknown"))),
    };
    if d.len() < needed || d[..needed].iter().any(|v| !(v.is_finite() && *v > 0.0)) {
        return Err(PlanningError::bad(
            id,
            format!("dimensions {d:?}: {needed} positive numbers are needed"),
        ));
    }
    Ok(match primitive.type_ {
        1 => Shape::Box { half_extents_m: Vector3::new(d[0], d[1], d[2]) * 0.5 },
        2 => Shape::Sphere { radius_m: d[0] },
        _ => Shape::Cylinder { length_m: d[0], radius_m: d[1] },
    })
}

fn triangle_mesh(id: &str, mesh: &shapes::Mesh) -> Result<Shape, PlanningError> {
    let vertices: Vec<Point3<f64>> = mesh
        .vertices
        .iter()
        .map(Point3::from_msg)
        .collect::<Result<_, _>>()
        .map_err(|error| PlanningError::bad(id, error))?;
    let triangles: Vec<[u32; 3]> = mesh
        .triangles
        .iter()
        .filter_map(|triangle| <[u32; 3]>::try_from(triangle.vertex_indices.as_slice()).ok())
        .collect();
    let count = vertices.len() as u32;
    if triangles.is_empty() || triangles.iter().flatten().any(|&index| index >= count) {
        return Err(PlanningError::bad(id, "mesh has no triangles or an index out of range"));
    }
    Ok(Shape::Mesh(Arc::new(TriangleMesh { vertices, triangles })))
}

/// The scene's object as a message.
pub fn object_message(id: &str, object: &WorldObject, frame: &str) -> moveit::CollisionObject {
    let mut message = moveit::CollisionObject {
        id: id.to_owned(),
        pose: object.root_from_object.to_msg(),
        operation: ADD,
        ..Default::default()
    };
    message.header.frame_id = frame.to_owned();
    fill_parts(&mut message, &object.parts);
    message
}

/// A held object as a message.
pub fn held_message(id: &str, held: &HeldObject) -> moveit::AttachedCollisionObject {
    let mut object = moveit::CollisionObject {
        id: id.to_owned(),
        pose: held.link_from_object.to_msg(),
        operation: ADD,
        ..Default::default()
    };
    object.header.frame_id = held.link.clone();
    fill_parts(&mut object, &held.parts);
    moveit::AttachedCollisionObject {
        link_name: held.link.clone(),
        object,
        touch_links: held.touch_links.iter().cloned().collect(),
        ..Default::default()
    }
}

fn fill_parts(message: &mut moveit::CollisionObject, parts: &[Part]) {
    for part in parts {
        let (type_, dimensions) = match &part.shape {
            Shape::Box { half_extents_m: h } => (1, vec![2.0 * h.x, 2.0 * h.y, 2.0 * h.z]),
            Shape::Sphere { radius_m } => (2, vec![*radius_m]),
            Shape::Cylinder { radius_m, length_m } => (3, vec![*length_m, *radius_m]),
            Shape::Capsule { radius_m, length_m } => {
                (3, vec![*length_m + 2.0 * radius_m, *radius_m])
            }
            Shape::Mesh(mesh) => {
                message.meshes.push(mesh_message(mesh));
                message.mesh_poses.push(part.object_from_part.to_msg());
                continue;
            }
        };
        message.primitives.push(shapes::SolidPrimitive { type_, dimensions, ..Default::default() });
        message.primitive_poses.push(part.object_from_part.to_msg());
    }
}

fn mesh_message(mesh: &TriangleMesh) -> shapes::Mesh {
    let triangle = |t: &[u32; 3]| shapes::MeshTriangle { vertex_indices: t.to_vec() };
    shapes::Mesh {
        triangles: mesh.triangles.iter().map(triangle).collect(),
        vertices: mesh.vertices.iter().map(ToMsg::to_msg).collect(),
    }
}

/// The allowed pairs as a message.
pub fn allowed_message(world: &PlanningWorld) -> moveit::AllowedCollisionMatrix {
    let names = world.allowed.names();
    let row = |a: &String| moveit::AllowedCollisionEntry {
        enabled: names.iter().map(|b| world.allowed.get(a, b).unwrap_or(false)).collect(),
    };
    moveit::AllowedCollisionMatrix {
        entry_values: names.iter().map(row).collect(),
        default_entry_names: world.allowed.defaults().map(|(name, _)| name.to_owned()).collect(),
        default_entry_values: world.allowed.defaults().map(|(_, allowed)| allowed).collect(),
        entry_names: names,
    }
}

/// Reads a matrix of allowed pairs into the world; an empty one changes nothing.
pub fn read_allowed(
    world: &mut PlanningWorld,
    message: &moveit::AllowedCollisionMatrix,
) -> Result<(), PlanningError> {
    let names = &message.entry_names;
    let square = message.entry_values.len() == names.len()
        && message.entry_values.iter().all(|row| row.enabled.len() == names.len());
    if !square || message.default_entry_names.len() != message.default_entry_values.len() {
        return Err(PlanningError::bad("allowed collision matrix", "is not square"));
    }
    for (i, row) in message.entry_values.iter().enumerate() {
        for (j, &enabled) in row.enabled.iter().enumerate().skip(i + 1) {
            world.allowed.set(&names[i], &names[j], enabled);
        }
    }
    for (name, &enabled) in message.default_entry_names.iter().zip(&message.default_entry_values) {
        world.allowed.set_default(name, enabled);
    }
    Ok(())
}

/// The goals of a request: one for each set of constraints.
pub fn goals_of(
    constraints: &[moveit::Constraints],
    frames: Frames<'_>,
) -> Result<Vec<Goal>, PlanningError> {
    constraints.iter().map(|set| goal_of(set, frames)).collect()
}

fn goal_of(set: &moveit::Constraints, frames: Frames<'_>) -> Result<Goal, PlanningError> {
    let (positions, orientations) = (&set.position_constraints, &set.orientation_constraints);
    if !set.visibility_constraints.is_empty() {
        return Err(unsupported("visibility constraints in goals"));
    }
    match (set.joint_constraints.len(), positions.len(), orientations.len()) {
        (0, 0, 0) => Err(PlanningError::bad("goal constraints", "are empty")),
        (_, 0, 0) => Ok(Goal::Joints(set.joint_constraints.iter().map(joint_goal).collect())),
        (0, 1, 0 | 1) => pose_goal(&positions[0], orientations.first(), frames).map(Goal::Pose),
        _ => Err(unsupported(
            "goal constraints other than joints alone, or one position with one orientation",
        )),
    }
}

fn unsupported(what: &str) -> PlanningError {
    praxis_motion::MotionError::Unsupported { what: what.to_owned() }.into()
}

fn joint_goal(message: &moveit::JointConstraint) -> JointGoal {
    JointGoal {
        joint: message.joint_name.clone(),
        position: message.position,
        tolerance_below: message.tolerance_below,
        tolerance_above: message.tolerance_above,
    }
}

fn pose_goal(
    position: &moveit::PositionConstraint,
    orientation: Option<&moveit::OrientationConstraint>,
    frames: Frames<'_>,
) -> Result<PoseGoal, PlanningError> {
    let link = position.link_name.clone();
    let region = &position.constraint_region;
    let (Some(primitive), Some(region_pose)) =
        (region.primitives.first(), region.primitive_poses.first())
    else {
        return Err(PlanningError::bad("position constraint", "needs a primitive with its pose"));
    };
    let target = frames(&position.header.frame_id)? * pose("position constraint", region_pose)?;
    let (rotation, orientation_tolerance_rad) = match orientation {
        Some(constraint) if constraint.link_name == link => {
            let constraint = orientation_constraint(constraint, frames)?;
            (constraint.root_from_link, constraint.tolerance_rad)
        }
        Some(constraint) => {
            return Err(PlanningError::bad(
                "goal constraints",
                format!("position is for '{link}', orientation for '{}'", constraint.link_name),
            ));
        }
        None => (UnitQuaternion::identity(), [std::f64::consts::PI; 3]),
    };
    let offset = Vector3::from_msg(&position.target_point_offset)
        .map_err(|error| PlanningError::bad("target_point_offset", error))?;
    let root_from_link =
        Pose::from_parts((target.translation.vector - rotation * offset).into(), rotation);
    let smallest = primitive.dimensions.iter().copied().fold(f64::INFINITY, f64::min);
    let position_tolerance_m = if smallest.is_finite() { smallest.max(0.0) } else { 0.0 };
    Ok(PoseGoal { link, root_from_link, position_tolerance_m, orientation_tolerance_rad })
}

/// Constraints that have to hold all the way.
pub fn path_constraints_of(
    set: &moveit::Constraints,
    frames: Frames<'_>,
) -> Result<Vec<PathConstraint>, PlanningError> {
    if !set.visibility_constraints.is_empty() {
        return Err(unsupported("visibility path constraints"));
    }
    let orientations = set.orientation_constraints.iter();
    let orientations =
        orientations.map(|c| orientation_constraint(c, frames).map(PathConstraint::Orientation));
    let positions = set.position_constraints.iter();
    let positions = positions.map(|c| position_box(c, frames).map(PathConstraint::Position));
    let joints = set.joint_constraints.iter();
    let joints = joints.map(|c| joint_window(c).map(PathConstraint::Joint));
    orientations.chain(positions).chain(joints).collect()
}

fn joint_window(message: &moveit::JointConstraint) -> Result<JointWindow, PlanningError> {
    let numbers = [message.position, message.tolerance_below, message.tolerance_above];
    if numbers.iter().any(|value| !value.is_finite()) {
        let what = format!("path constraint of joint '{}'", message.joint_name);
        return Err(PlanningError::bad(what, "is not finite"));
    }
    Ok(JointWindow {
        joint: message.joint_name.clone(),
        min: message.position - message.tolerance_below.abs(),
        max: message.position + message.tolerance_above.abs(),
    })
}

/// A box that a link may not leave; spheres and other shapes are refused, not taken for boxes.
fn position_box(
    message: &moveit::PositionConstraint,
    frames: Frames<'_>,
) -> Result<PositionConstraint, PlanningError> {
    const BOX: u8 = 1;
    let what = || format!("position path constraint of link '{}'", message.link_name);
    let region = &message.constraint_region;
    let (Some(primitive), Some(region_pose)) =
        (region.primitives.first(), region.primitive_poses.first())
    else {
        return Err(PlanningError::bad(what(), "needs a primitive with its pose"));
    };
    let edges = match (primitive.type_, primitive.dimensions.as_slice()) {
        (BOX, &[x, y, z, ..]) if x >= 0.0 && y >= 0.0 && z >= 0.0 => Vector3::new(x, y, z),
        _ => return Err(PlanningError::bad(what(), "needs a BOX with three edges, none negative")),
    };
    Ok(PositionConstraint {
        link: message.link_name.clone(),
        root_from_box: frames(&message.header.frame_id)? * pose(&what(), region_pose)?,
        half_extents_m: 0.5 * edges,
    })
}

fn orientation_constraint(
    message: &moveit::OrientationConstraint,
    frames: Frames<'_>,
) -> Result<OrientationConstraint, PlanningError> {
    let orientation = UnitQuaternion::from_msg(&message.orientation)
        .map_err(|error| PlanningError::bad("orientation constraint", error))?;
    let tolerance_rad = [
        message.absolute_x_axis_tolerance,
        message.absolute_y_axis_tolerance,
        message.absolute_z_axis_tolerance,
    ];
    if tolerance_rad.iter().any(|t| t.is_nan() || *t < 0.0) {
        return Err(PlanningError::bad("orientation constraint", "has a negative tolerance"));
    }
    Ok(OrientationConstraint {
        link: message.link_name.clone(),
        root_from_link: frames(&message.header.frame_id)?.rotation * orientation,
        tolerance_rad,
    })
}

/// A trajectory as a message.
pub fn trajectory_message(trajectory: &Trajectory) -> moveit::RobotTrajectory {
    let points = trajectory
        .knots()
        .map(|knot| TrajectoryPoint {
            time_from_start: Duration::from_secs_f64(knot.time_s),
            positions: knot.position,
            velocities: knot.velocity,
            accelerations: knot.acceleration,
            effort: Vec::new(),
        })
        .collect();
    let joint_names = trajectory.joint_names().to_vec();
    let values = TrajectoryValues { joint_names, points, ..Default::default() };
    moveit::RobotTrajectory { joint_trajectory: values.to_msg(), ..Default::default() }
}

/// A trajectory from a message.
pub fn trajectory_of(
    message: &trajectory_msgs::msg::JointTrajectory,
) -> Result<Trajectory, PlanningError> {
    let bad = |error: &dyn std::fmt::Display| PlanningError::bad("trajectory", error);
    let values = TrajectoryValues::from_msg(message).map_err(|error| bad(&error))?;
    let knots: Vec<Knot> = values
        .points
        .into_iter()
        .map(|point| Knot {
            time_s: point.time_from_start.as_secs_f64(),
            position: point.positions,
            velocity: point.velocities,
            acceleration: point.accelerations,
        })
        .collect();
    Trajectory::new(values.joint_names, &knots).map_err(|error| bad(&error))
}

/// The error code message of an outcome.
pub fn error_code<T>(outcome: &Result<T, PlanningError>) -> moveit::MoveItErrorCodes {
    let (val, message) = match outcome {
        Ok(_) => (code::SUCCESS, String::new()),
        Err(error) => (error.code(), error.to_string()),
    };
    moveit::MoveItErrorCodes { val, message, source: "praxis_planning".to_owned() }
}
