//! What all threads of the node share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use praxis_robot::Robot;
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::r2r::std_msgs;
use praxis_ros::r2r::visualization_msgs::msg::MarkerArray;
use praxis_ros::{Clock, Diagnostics, Publisher, StateHandle};

use crate::error::PlanningError;
use crate::markers::tool_path;
use crate::messages;
use crate::pipeline::{Pipeline, group_of};
use crate::requests::state_message;
use crate::scene_changes::SceneChanges;

/// Handles that every thread of the node may use.
#[derive(Clone)]
pub struct Shared {
    /// The pipeline, once the robot is known.
    pub pipeline: Arc<Mutex<Option<Pipeline>>>,
    /// Whether the node is active; set when the lifecycle has been set up.
    pub state: Arc<Mutex<Option<StateHandle>>>,
    /// Time.
    pub clock: Clock,
    /// Health.
    pub diagnostics: Diagnostics,
    /// The scene, for other nodes and people.
    pub monitored_scene: Publisher<moveit::PlanningScene>,
    /// Planned motions, for people.
    pub display: Publisher<moveit::DisplayTrajectory>,
    /// The way of the tool, for people.
    pub markers: Publisher<MarkerArray>,
    /// The SRDF, for other nodes.
    pub semantics: Publisher<std_msgs::msg::String>,
    /// Grows with every "stop".
    pub stops: Arc<AtomicU64>,
    /// Changes of the scene.
    pub changes: SceneChanges,
    /// Held while a motion is carried out.
    pub executing: Arc<Mutex<()>>,
}

impl Shared {
    /// Works with the pipeline; an error while there is none or the node is not active.
    pub fn with<T>(
        &self,
        work: impl FnOnce(&mut Pipeline) -> Result<T, PlanningError>,
    ) -> Result<T, PlanningError> {
        let active = lock(&self.state).as_ref().is_none_or(StateHandle::is_active);
        match lock(&self.pipeline).as_mut() {
            Some(pipeline) if active => work(pipeline),
            _ => Err(PlanningError::Inactive),
        }
    }

    /// Tells everyone what the scene is now.
    pub fn scene_changed(&self) {
        self.changes.note();
        let scene = lock(&self.pipeline).as_ref().map(|pipeline| {
            crate::scene::scene_message(pipeline, crate::scene::EVERYTHING, self.clock.now())
        });
        if let Some(scene) = scene {
            self.monitored_scene.publish(&scene);
        }
    }

    /// Stops told so far.
    pub fn stops(&self) -> u64 {
        self.stops.load(Ordering::SeqCst)
    }

    /// Shows a planned motion of a group to people; `state` is its start.
    pub fn show(
        &self,
        robot: &Robot,
        group: &str,
        trajectory: &moveit::RobotTrajectory,
        state: &[f64],
    ) {
        self.display.publish(&moveit::DisplayTrajectory {
            trajectory: vec![trajectory.clone()],
            trajectory_start: state_message(robot, state),
            ..Default::default()
        });
        if self.markers.has_subscribers()
            && let Ok(group) = group_of(robot, group)
        {
            let now = self.clock.now();
            self.markers.publish(&tool_path(robot, group.tip_link, trajectory, state, now));
        }
    }

    /// Tells a failure once.
    pub fn tell<T>(&self, what: &str, outcome: &Result<T, PlanningError>) {
        if let Err(error) = outcome {
            tracing::warn!(what, code = error.code(), %error, "request failed");
            self.diagnostics.value("requests", "last failure", format!("{what}: {error}"));
        }
    }

    /// The error code message of an outcome.
    pub fn code<T>(
        &self,
        what: &str,
        outcome: &Result<T, PlanningError>,
    ) -> moveit::MoveItErrorCodes {
        self.tell(what, outcome);
        messages::error_code(outcome)
    }
}

/// A lock that a panic elsewhere does not take from us.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
