//! Carries motions out through the controller's action, and plans anew what the scene has spoilt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use praxis_ros::r2r::control_msgs::action::FollowJointTrajectory;
use praxis_ros::r2r::moveit_msgs::action::{ExecuteTrajectory, MoveGroup};
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::{ActionClient, GoalEnd, GoalHandle};
use praxis_trajectory::Trajectory;

use crate::error::PlanningError;
use crate::messages::trajectory_of;
use crate::requests::{Planned, plan};
use crate::shared::{Shared, lock};

/// How long the controller may take to accept.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A motion may take this many times its duration (simulators may run slowly), and so much more.
const LONGEST_RATIO: f64 = 10.0;
const LONGEST_EXTRA: Duration = Duration::from_secs(20);

/// Carries motions out.
#[derive(Clone)]
pub struct Execution {
    /// What the node shares.
    pub shared: Shared,
    /// The controller.
    pub controller: ActionClient<FollowJointTrajectory::Action>,
}

impl Execution {
    /// Serves one goal of `move_action`, on the calling thread.
    pub fn move_group(&self, goal: &MoveGroup::Goal, handle: GoalHandle<MoveGroup::Action>) {
        handle.execute();
        let tell = |state: &str| handle.feedback(MoveGroup::Feedback { state: state.to_owned() });
        let stops = self.shared.stops();
        let cancelled = || handle.is_canceling() || self.shared.stops() != stops;
        let mut result = MoveGroup::Result::default();
        let outcome = self.plan_and_execute(goal, &cancelled, &tell, &mut result);
        tell("IDLE");
        result.error_code = self.shared.code("move_action", &outcome);
        match outcome {
            Ok(()) => handle.succeed(result),
            Err(PlanningError::Cancelled) if handle.is_canceling() => handle.canceled(result),
            Err(_) => handle.abort(result),
        }
    }

    fn plan_and_execute(
        &self,
        goal: &MoveGroup::Goal,
        cancelled: &(dyn Fn() -> bool + Sync),
        tell: &dyn Fn(&str),
        result: &mut MoveGroup::Result,
    ) -> Result<(), PlanningError> {
        let options = &goal.planning_options;
        let diff = &options.planning_scene_diff;
        let changes_scene = !diff.world.collision_objects.is_empty()
            || !diff.robot_state.attached_collision_objects.is_empty()
            || !diff.allowed_collision_matrix.entry_names.is_empty();
        if changes_scene {
            self.shared.with(|pipeline| crate::scene::apply_scene(pipeline, diff))?;
            self.shared.scene_changed();
        }
        let attempts = self.shared.with(|p| Ok(p.parameters().replan_attempts.max(0)))?;
        for attempt in 0.. {
            tell("PLANNING");
            let planned = self.plan_watched(&goal.request, attempt, cancelled)?;
            result.planning_time += planned.time_s;
            result.trajectory_start = planned.start;
            result.planned_trajectory = planned.trajectory.clone();
            if options.plan_only {
                return Ok(());
            }
            tell("MONITOR");
            match self.execute(&planned.trajectory, &planned.motion.trajectory, cancelled) {
                Ok(()) => {
                    result.executed_trajectory = planned.trajectory;
                    return Ok(());
                }
                Err(PlanningError::Invalidated { reason }) if (attempt as i64) < attempts => {
                    tracing::info!(reason, attempt, "the scene is in the way; planning anew");
                    // The request's start is where the arm was; now it is elsewhere.
                    self.settle(cancelled)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Plans; a cancel is passed on within milliseconds.
    fn plan_watched(
        &self,
        request: &moveit::MotionPlanRequest,
        attempt: u64,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Planned, PlanningError> {
        let mut request = request.clone();
        if attempt > 0 {
            request.start_state.joint_state = Default::default();
        }
        let (flag, done) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    if cancelled() {
                        flag.store(true, Ordering::SeqCst);
                    }
                    std::thread::park_timeout(Duration::from_millis(2));
                }
            });
            let outcome = plan(&self.shared, &request, attempt, &flag);
            done.store(true, Ordering::SeqCst);
            match outcome {
                Err(PlanningError::Motion(praxis_motion::MotionError::Cancelled)) => {
                    Err(PlanningError::Cancelled)
                }
                other => other,
            }
        })
    }

    /// Serves one goal of `execute_trajectory`, on the calling thread.
    pub fn execute_trajectory(
        &self,
        goal: &ExecuteTrajectory::Goal,
        handle: GoalHandle<ExecuteTrajectory::Action>,
    ) {
        handle.execute();
        handle.feedback(ExecuteTrajectory::Feedback { state: "MONITOR".to_owned() });
        let stops = self.shared.stops();
        let cancelled = || handle.is_canceling() || self.shared.stops() != stops;
        let outcome = trajectory_of(&goal.trajectory.joint_trajectory)
            .and_then(|trajectory| self.execute(&goal.trajectory, &trajectory, &cancelled));
        handle.feedback(ExecuteTrajectory::Feedback { state: "IDLE".to_owned() });
        let error_code = self.shared.code("execute_trajectory", &outcome);
        let result = ExecuteTrajectory::Result { error_code };
        match outcome {
            Ok(()) => handle.succeed(result),
            Err(PlanningError::Cancelled) if handle.is_canceling() => handle.canceled(result),
            Err(_) => handle.abort(result),
        }
    }

    /// Sends a trajectory to the controller and waits for its end; watches scene and client.
    fn execute(
        &self,
        message: &moveit::RobotTrajectory,
        trajectory: &Trajectory,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), PlanningError> {
        let Ok(_one_at_a_time) = self.shared.executing.try_lock() else {
            let reason = "another motion is being carried out".to_owned();
            return Err(PlanningError::Control { reason });
        };
        self.shared.with(|pipeline| pipeline.check_start(trajectory, Instant::now()))?;
        if trajectory.duration_s() == 0.0 {
            return Ok(()); // the arm is there already
        }
        let goal = FollowJointTrajectory::Goal {
            trajectory: message.joint_trajectory.clone(),
            ..Default::default()
        };
        let seen = AtomicU64::new(self.shared.scene_version.load(Ordering::SeqCst));
        let spoilt = std::sync::Mutex::new(None);
        let give_up = || {
            if cancelled() {
                return true;
            }
            let version = self.shared.scene_version.load(Ordering::SeqCst);
            if seen.swap(version, Ordering::SeqCst) != version {
                let touching = lock(&self.shared.pipeline)
                    .as_ref()
                    .and_then(|pipeline| pipeline.recheck(trajectory));
                *lock(&spoilt) = touching.map(|touching| touching.to_string());
            }
            lock(&spoilt).is_some()
        };
        let end_within =
            Duration::from_secs_f64(trajectory.duration_s() * LONGEST_RATIO) + LONGEST_EXTRA;
        let outcome = self.controller.run(goal, ANSWER_WITHIN, end_within, &give_up);
        let spoilt = lock(&spoilt).take();
        let verdict = match outcome {
            Ok((GoalEnd::Succeeded, _)) => Ok(()),
            Ok(_) if cancelled() => Err(PlanningError::Cancelled),
            Ok(_) if spoilt.is_some() => {
                Err(PlanningError::Invalidated { reason: spoilt.unwrap_or_default() })
            }
            Ok((end, result)) => Err(PlanningError::Control {
                reason: format!("{end:?}, code {}: {}", result.error_code, result.error_string),
            }),
            Err(_) if cancelled() => Err(PlanningError::Cancelled),
            Err(error) => Err(PlanningError::Control { reason: error.to_string() }),
        };
        let reached = verdict.is_ok().then_some(trajectory);
        self.shared.with(|pipeline| {
            pipeline.motion_ended(reached);
            Ok(())
        })?;
        verdict
    }

    /// Waits until the arm is at rest.
    fn settle(&self, cancelled: &dyn Fn() -> bool) -> Result<(), PlanningError> {
        let now = || self.shared.with(|pipeline| pipeline.current_state(Instant::now()));
        let mut before = now()?;
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(20));
            if cancelled() {
                return Err(PlanningError::Cancelled);
            }
            let here = now()?;
            let moved = here.iter().zip(&before).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            if moved < 1e-4 {
                return Ok(());
            }
            before = here;
        }
        Ok(())
    }
}

/// Runs work in a thread of its own; the node's spinning thread must not wait.
pub fn in_background(name: &str, work: impl FnOnce() + Send + 'static) {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    if let Err(error) = spawned {
        tracing::error!(%error, name, "no thread for a request; it gets no answer");
    }
}

/// Keeps the compiler honest about what crosses threads.
const _: fn() = || {
    fn sendable<T: Send + Sync>() {}
    sendable::<Arc<Execution>>();
};
