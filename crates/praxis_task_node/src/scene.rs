use std::time::Duration;

use praxis_ros::r2r::moveit_msgs::msg::{
    AllowedCollisionEntry, AllowedCollisionMatrix, AttachedCollisionObject, CollisionObject,
    PlanningScene, PlanningSceneComponents,
};
use praxis_ros::r2r::moveit_msgs::srv::{ApplyPlanningScene, GetPlanningScene};
use praxis_ros::{Client, RosError};

/// `PlanningSceneComponents`.
const ATTACHED_OBJECTS: u32 = 4;
const WORLD_OBJECT_NAMES: u32 = 8;
const ALLOWED_COLLISION_MATRIX: u32 = 128;

/// Reads and changes the planner's world.
#[derive(Clone)]
pub struct SceneClient {
    /// `get_planning_scene`.
    pub get: Client<GetPlanningScene::Service>,
    /// `apply_planning_scene`.
    pub apply: Client<ApplyPlanningScene::Service>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Why the planner's world was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// No answer.
    #[error(transparent)]
    Ros(#[from] RosError),
    /// The planner does not take the change.
    #[error("apply_planning_scene refused the change; the log of move_group says why")]
    Refused,
}

impl SceneClient {
    fn read(&self, components: u32, stop: &dyn Fn() -> bool) -> Result<PlanningScene, SceneError> {
        let components = PlanningSceneComponents { components };
        let request = GetPlanningScene::Request { components };
        Ok(self.get.call_unless(&request, self.timeout, stop)?.scene)
    }

    fn change(&self, mut scene: PlanningScene, stop: &dyn Fn() -> bool) -> Result<(), SceneError> {
        scene.is_diff = true;
        scene.robot_state.is_diff = true;
        let request = ApplyPlanningScene::Request { scene };
        let answer = self.apply.call_unless(&request, self.timeout, stop)?;
        if answer.success { Ok(()) } else { Err(SceneError::Refused) }
    }

    /// Ids of all objects that stand in the world.
    pub fn object_ids(&self, stop: &dyn Fn() -> bool) -> Result<Vec<String>, SceneError> {
        let scene = self.read(WORLD_OBJECT_NAMES, stop)?;
        Ok(scene.world.collision_objects.into_iter().map(|object| object.id).collect())
    }

    /// Adds and removes objects.
    pub fn change_objects(
        &self,
        objects: Vec<CollisionObject>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SceneError> {
        let mut scene = PlanningScene::default();
        scene.world.collision_objects = objects;
        self.change(scene, stop)
    }

    /// What is attached to the robot.
    pub fn attached(
        &self,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<AttachedCollisionObject>, SceneError> {
        Ok(self.read(ATTACHED_OBJECTS, stop)?.robot_state.attached_collision_objects)
    }

    /// Attaches and detaches objects; what is detached stays in the world where it is.
    pub fn change_attached(
        &self,
        attached: Vec<AttachedCollisionObject>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SceneError> {
        let mut scene = PlanningScene::default();
        scene.robot_state.attached_collision_objects = attached;
        self.change(scene, stop)
    }

    /// Allows or forbids each name to touch each of the others. The matrix is replaced as a whole,
    /// as MoveIt does, so it is read first.
    pub fn allow(
        &self,
        names: &[&str],
        others: &[String],
        allowed: bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SceneError> {
        let mut scene = PlanningScene {
            allowed_collision_matrix: self
                .read(ALLOWED_COLLISION_MATRIX, stop)?
                .allowed_collision_matrix,
            ..PlanningScene::default()
        };
        for (name, other) in names.iter().flat_map(|name| others.iter().map(move |o| (name, o))) {
            set(&mut scene.allowed_collision_matrix, name, other, allowed);
        }
        self.change(scene, stop)
    }
}

/// Sets one pair of a symmetric matrix, which grows as needed.
fn set(matrix: &mut AllowedCollisionMatrix, a: &str, b: &str, allowed: bool) {
    let mut index = |name: &str| {
        matrix.entry_names.iter().position(|known| known == name).unwrap_or_else(|| {
            matrix.entry_names.push(name.to_owned());
            matrix.entry_names.len() - 1
        })
    };
    let (a, b) = (index(a), index(b));
    let size = matrix.entry_names.len();
    matrix.entry_values.resize(size, AllowedCollisionEntry::default());
    for row in &mut matrix.entry_values {
        row.enabled.resize(size, false);
    }
    matrix.entry_values[a].enabled[b] = allowed;
    matrix.entry_values[b].enabled[a] = allowed;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_stays_square_and_symmetric() {
        let mut matrix = AllowedCollisionMatrix::default();
        set(&mut matrix, "table", "finger", true);
        set(&mut matrix, "table", "hand", true);
        set(&mut matrix, "finger", "table", false);
        assert_eq!(matrix.entry_names, ["table", "finger", "hand"]);
        let rows: Vec<_> = matrix.entry_values.iter().map(|row| row.enabled.clone()).collect();
        assert_eq!(rows, [[false, false, true], [false, false, false], [true, false, false]]);
    }
}
