//! The planning scene in messages: read, changed, told.

use praxis_geometry::Stamp;
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::moveit_msgs::msg as moveit;

use crate::error::PlanningError;
use crate::messages::{
    allowed_message, attachment_of, change_of, held_message, object_message, read_allowed,
};
use crate::pipeline::Pipeline;
use crate::requests::state_message;
use crate::world::Change;

/// Components of `moveit_msgs/PlanningSceneComponents`.
const SCENE_SETTINGS: u32 = 1;
const ROBOT_STATE: u32 = 2;
const ATTACHED_OBJECTS: u32 = 4;
const OBJECT_NAMES: u32 = 8;
const OBJECT_GEOMETRY: u32 = 16;
const ALLOWED_COLLISIONS: u32 = 128;
/// All components.
pub const EVERYTHING: u32 = 1023;

/// The scene as a message with the components asked for.
pub fn scene_message(pipeline: &Pipeline, components: u32, stamp: Stamp) -> moveit::PlanningScene {
    let has = |component| components & component != 0;
    let world = pipeline.world();
    let mut scene = moveit::PlanningScene::default();
    if has(SCENE_SETTINGS) {
        scene.name = "praxis".to_owned();
        scene.robot_model_name = pipeline.robot().name().to_owned();
    }
    if has(ROBOT_STATE) {
        scene.robot_state = state_message(pipeline.robot(), &pipeline.known_state());
        scene.robot_state.joint_state.header.stamp = stamp.to_msg();
    }
    if has(ROBOT_STATE | ATTACHED_OBJECTS) {
        scene.robot_state.attached_collision_objects =
            world.held().iter().map(|(id, held)| held_message(id, held)).collect();
    }
    if has(OBJECT_NAMES | OBJECT_GEOMETRY) {
        let frame = &pipeline.parameters().planning_frame;
        scene.world.collision_objects = world
            .objects()
            .iter()
            .map(|(id, object)| {
                let mut message = object_message(id, object, frame);
                if !has(OBJECT_GEOMETRY) {
                    message.primitives.clear();
                    message.primitive_poses.clear();
                    message.meshes.clear();
                    message.mesh_poses.clear();
                }
                message
            })
            .collect();
    }
    if has(ALLOWED_COLLISIONS) {
        scene.allowed_collision_matrix = allowed_message(world);
    }
    scene
}

/// Changes the scene as a message says; all of it or, on an error, nothing.
pub fn apply_scene(
    pipeline: &mut Pipeline,
    message: &moveit::PlanningScene,
) -> Result<(), PlanningError> {
    let before = pipeline.world().clone();
    let outcome = apply_all(pipeline, message);
    if outcome.is_err() {
        pipeline.set_world(before);
    }
    outcome
}

fn apply_all(
    pipeline: &mut Pipeline,
    message: &moveit::PlanningScene,
) -> Result<(), PlanningError> {
    if !message.is_diff {
        if !pipeline.world().held().is_empty() {
            pipeline.apply(Change::Release { id: String::new(), link: String::new() })?;
        }
        pipeline.apply(Change::Remove { id: String::new() })?;
    }
    for object in &message.world.collision_objects {
        apply_object(pipeline, object)?;
    }
    for attached in &message.robot_state.attached_collision_objects {
        apply_attached(pipeline, attached)?;
    }
    let mut world = pipeline.world().clone();
    read_allowed(&mut world, &message.allowed_collision_matrix)?;
    pipeline.set_world(world);
    Ok(())
}

/// Changes one object as a message says.
pub fn apply_object(
    pipeline: &mut Pipeline,
    message: &moveit::CollisionObject,
) -> Result<(), PlanningError> {
    let change = change_of(message, &|frame| pipeline.frame(frame))?;
    pipeline.apply(change)
}

/// Attaches or detaches an object as a message says.
pub fn apply_attached(
    pipeline: &mut Pipeline,
    message: &moveit::AttachedCollisionObject,
) -> Result<(), PlanningError> {
    let change = attachment_of(message, &|frame| pipeline.frame(frame))?;
    pipeline.apply(change)
}
