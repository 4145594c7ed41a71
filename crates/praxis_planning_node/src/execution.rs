//! Carries motions out through the controller's action, and plans anew what the scene has spoilt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use praxis_motion::Timings;
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::control_msgs::action::FollowJointTrajectory;
use praxis_ros::r2r::moveit_msgs::action::{ExecuteTrajectory, MoveGroup};
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::r2r::trajectory_msgs::msg::JointTrajectory;
use praxis_ros::{ActionClient, GoalEnd, GoalHandle, RealTime, RosError, at_once, go_first};
use praxis_trajectory::Trajectory;

use crate::error::PlanningError;
use crate::messages::{trajectory_message, trajectory_of};
use crate::recheck::Recheck;
use crate::requests::{Planned, order_of, plan};
use crate::shared::Shared;
use crate::takeovers::{Cause, Takeovers};

/// How long the controller may take to accept.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A motion may take this many times its duration (simulators may run slowly), and so much more.
const LONGEST_RATIO: f64 = 10.0;
const LONGEST_EXTRA: Duration = Duration::from_secs(20);

/// How often the client is looked at while a motion is carried out.
const WATCH_EVERY: Duration = Duration::from_millis(2);

/// Share of the time for planning anew that is given to reaching the same end as before.
const SAME_END_SHARE: f64 = 0.3;

/// A motion on its way to the controller.
struct Takeover {
    message: JointTrajectory,
    trajectory: Trajectory,
    /// Absent for the first one, which takes over from none.
    cause: Option<Cause>,
}

/// A motion that takes over, and why and how it came to be.
struct GoingRound {
    next: Takeover,
    recheck: Recheck,
    /// Where the running motion would have touched something.
    hit: Vec<f64>,
    spans: Spans,
}

/// What took its time when a motion was planned anew, microseconds.
struct Spans {
    waited_us: u64,
    recheck_us: u64,
    desk_us: u64,
    planning_us: u64,
    timings: Timings,
    points: usize,
}

/// What is waited for while a motion is carried out.
enum Event {
    /// A motion, by its number, has ended.
    Ended(u64, Result<(GoalEnd, FollowJointTrajectory::Result), RosError>),
    /// Look at the scene.
    SceneChanged,
}

/// Carries motions out.
#[derive(Clone)]
pub struct Execution {
    /// What the node shares.
    pub shared: Shared,
    /// The controller.
    pub controller: ActionClient<FollowJointTrajectory::Action>,
    /// For whoever measures.
    pub takeovers: Takeovers,
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
            let planned = match attempt {
                0 => self.plan_watched(&goal.request, attempt, cancelled)?,
                _ => self.plan_when_free(&goal.request, attempt, cancelled)?,
            };
            result.planning_time += planned.time_s;
            result.trajectory_start = planned.start;
            result.planned_trajectory = planned.trajectory.clone();
            if options.plan_only {
                return Ok(());
            }
            tell("MONITOR");
            let anew = Some(&goal.request);
            let trajectory = &planned.motion.trajectory;
            match self.execute(&planned.trajectory, trajectory, anew, cancelled) {
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

    /// Plans for an arm that was stopped under way; as long as the way is blocked every change of
    /// the scene is another try, until `wait_for_way_s` has passed.
    fn plan_when_free(
        &self,
        request: &moveit::MotionPlanRequest,
        attempt: u64,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Planned, PlanningError> {
        let wait_s = self.shared.with(|pipeline| Ok(pipeline.parameters().wait_for_way_s))?;
        let deadline = Instant::now() + Duration::from_secs_f64(wait_s);
        let mut told = false;
        loop {
            let version = self.shared.changes.count();
            match self.plan_watched(request, attempt, cancelled) {
                Err(error) if error.is_blocked_way() && Instant::now() < deadline => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::info!(%error, "the way is blocked; waiting for it to be free");
                    }
                }
                outcome => return outcome,
            }
            while self.shared.changes.count() == version && Instant::now() < deadline {
                if cancelled() {
                    return Err(PlanningError::Cancelled);
                }
                std::thread::sleep(WATCH_EVERY);
            }
        }
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
            .and_then(|trajectory| self.execute(&goal.trajectory, &trajectory, None, &cancelled));
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
    ///
    /// When a change of the scene spoils what is left of it and there is a request to plan `anew`, a
    /// motion from the moving state takes over; where there is none the arm is brought to rest.
    fn execute(
        &self,
        message: &moveit::RobotTrajectory,
        trajectory: &Trajectory,
        anew: Option<&moveit::MotionPlanRequest>,
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
        let first = Takeover {
            message: message.joint_trajectory.clone(),
            trajectory: trajectory.clone(),
            cause: None,
        };
        let (reached, verdict) = self.follow(first, anew, cancelled);
        self.shared.with(|pipeline| {
            pipeline.motion_ended(verdict.is_ok().then_some(&reached));
            Ok(())
        })?;
        verdict
    }

    /// Has the controller follow a motion, and those that take over from it; returns the last one
    /// and how it ended.
    fn follow(
        &self,
        first: Takeover,
        anew: Option<&moveit::MotionPlanRequest>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> (Trajectory, Result<(), PlanningError>) {
        let give_up = AtomicBool::new(false);
        let (tell, told) = mpsc::channel();
        let changed = tell.clone();
        let _listening = self.shared.changes.listen(move || {
            // Nobody waits any more when the motion has just ended.
            let _ = changed.send(Event::SceneChanged);
        });
        std::thread::scope(|scope| {
            let (give_up, controller) = (&give_up, &self.controller);
            let send = |number: u64, next: &Takeover| {
                let duration_s = next.trajectory.duration_s();
                let goal = FollowJointTrajectory::Goal {
                    trajectory: next.message.clone(),
                    ..Default::default()
                };
                // On its way before another thread begins to wait for its end.
                let is_over = || give_up.load(Ordering::SeqCst);
                let begun = controller.begin(goal, ANSWER_WITHIN, &|| is_over() || cancelled());
                let (tell, cause) = (tell.clone(), next.cause);
                scope.spawn(move || {
                    let end_within =
                        Duration::from_secs_f64(duration_s * LONGEST_RATIO) + LONGEST_EXTRA;
                    let joined = || {
                        cause.iter().for_each(|cause| self.takeovers.joined(cause));
                        // Only the wait for the end is left, which need not go at once as the thread
                        // did that started this one.
                        let _ = go_first();
                    };
                    let outcome = begun.and_then(|goal| goal.run(end_within, &is_over, &joined));
                    // Nobody listens any more only when this thread has panicked.
                    let _ = tell.send(Event::Ended(number, outcome));
                });
            };
            let mut running = first.trajectory.clone();
            let (mut newest, mut open) = (0, 1);
            send(newest, &first);
            let mut seen = self.shared.changes.count();
            let mut why: Option<PlanningError> = None;
            let mut last = None;
            while open > 0 {
                if let Ok(Event::Ended(number, outcome)) = told.recv_timeout(WATCH_EVERY) {
                    open -= 1;
                    if number == newest {
                        // One that cannot take over leaves the one before it running.
                        if outcome.is_err() && open > 0 {
                            give_up.store(true, Ordering::SeqCst);
                        }
                        last = Some(outcome);
                    }
                    continue;
                }
                if why.is_some() {
                    continue;
                }
                if cancelled() {
                    give_up.store(true, Ordering::SeqCst);
                    why = Some(PlanningError::Cancelled);
                    continue;
                }
                let version = self.shared.changes.count();
                if std::mem::replace(&mut seen, version) == version {
                    continue;
                }
                // The arm may be on its way into something.
                let at_once = at_once(RealTime::Replanning);
                match self.go_round(&running, anew, newest + 1, give_up) {
                    Ok(None) => {}
                    Ok(Some(round)) => {
                        (newest, open) = (newest + 1, open + 1);
                        send(newest, &round.next);
                        drop(at_once);
                        tell_going_round(&round);
                        running = round.next.trajectory;
                    }
                    Err(error) => {
                        give_up.store(true, Ordering::SeqCst);
                        why = Some(error);
                    }
                }
            }
            let verdict = match (last, why) {
                (Some(Ok((GoalEnd::Succeeded, _))), _) => Ok(()),
                (_, Some(why)) => Err(why),
                (Some(Ok((end, result))), None) => {
                    let reason =
                        format!("{end:?}, code {}: {}", result.error_code, result.error_string);
                    // Control, too, stops before what comes into the way.
                    match self.go_round(&running, None, 0, give_up) {
                        Err(PlanningError::Invalidated { .. }) => {
                            Err(PlanningError::Invalidated { reason })
                        }
                        _ => Err(PlanningError::Control { reason }),
                    }
                }
                // It was cancelled before it could be sent.
                (Some(Err(RosError::Stopped)), None) if cancelled() => {
                    Err(PlanningError::Cancelled)
                }
                (Some(Err(error)), None) => {
                    Err(PlanningError::Control { reason: error.to_string() })
                }
                (None, None) => {
                    Err(PlanningError::Control { reason: "no end was told".to_owned() })
                }
            };
            (running, verdict)
        })
    }

    /// Nothing, if the rest of a running motion is free; otherwise a motion that takes over from it.
    /// Raises `cancel` where there is none.
    fn go_round(
        &self,
        running: &Trajectory,
        anew: Option<&moveit::MotionPlanRequest>,
        seed: u64,
        cancel: &AtomicBool,
    ) -> Result<Option<GoingRound>, PlanningError> {
        let shared = &self.shared;
        let (now, looked, progress_s, recheck, look) = shared.with(|pipeline| {
            let (now, looked) = (shared.clock.now(), Instant::now());
            let progress_s = pipeline.progress_s(running, now);
            Ok((now, looked, progress_s, pipeline.recheck(running), pipeline.look()))
        })?;
        let (Some(progress_s), Some(recheck)) = (progress_s, recheck) else { return Ok(None) };
        let Some(hit) = recheck.first_hit(running, progress_s) else { return Ok(None) };
        let spoilt = |what: &str| {
            // The arm brakes while it is put into words.
            cancel.store(true, Ordering::SeqCst);
            let reason = format!("{}; {what}", recheck.told(&hit));
            PlanningError::Invalidated { reason }
        };
        let Some(request) = anew else {
            return Err(spoilt("a given trajectory is not planned anew"));
        };
        let waited_us = (looked - look.heard).as_micros() as u64;
        let recheck_us = looked.elapsed().as_micros() as u64;
        let begun = Instant::now();
        let planned = shared.with(|pipeline| {
            let takeover_s = pipeline.parameters().takeover_s;
            let mut request = request.clone();
            request.start_state.joint_state = Default::default();
            let (mut order, desk) = order_of(pipeline, &request, seed, begun)?;
            order.time_budget = order.time_budget.min(Duration::from_secs_f64(takeover_s));
            Ok((order, desk, takeover_s))
        });
        let desk_us = begun.elapsed().as_micros() as u64;
        let points = planned.as_ref().ok().and_then(|(_, desk, _)| desk.scene.cloud.as_ref());
        let points = points.map_or(0, |cloud| cloud.len());
        let planned = planned.and_then(|(order, mut desk, takeover_s)| {
            let at_s = progress_s + takeover_s;
            // Where the motion ends now meets the goal already; only if that cannot be reached any
            // more it is worth the time to look for other ways to meet it.
            let same_end = order.to_the_end_of(running, SAME_END_SHARE);
            let motion = match same_end.plan_taking_over(&mut desk, running, at_s, cancel) {
                Err(_) if !cancel.load(Ordering::SeqCst) => {
                    order.plan_taking_over(&mut desk, running, at_s, cancel)?
                }
                outcome => outcome?,
            };
            Ok((motion, takeover_s))
        });
        let (motion, takeover_s) = planned.map_err(|error| spoilt(&error.to_string()))?;
        let mut message = trajectory_message(&motion.trajectory).joint_trajectory;
        message.header.stamp = (now + Duration::from_secs_f64(takeover_s)).to_msg();
        let cause = Cause {
            frame: look.taken,
            heard: look.heard,
            planning: look.heard.elapsed(),
            takes_over: looked + Duration::from_secs_f64(takeover_s),
        };
        let spans = Spans {
            waited_us,
            recheck_us,
            desk_us,
            planning_us: begun.elapsed().as_micros() as u64,
            timings: motion.timings,
            points,
        };
        let next = Takeover { message, trajectory: motion.trajectory, cause: Some(cause) };
        Ok(Some(GoingRound { next, recheck, hit, spans }))
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

fn tell_going_round(GoingRound { next, recheck, hit, spans }: &GoingRound) {
    let &Spans { waited_us, recheck_us, desk_us, planning_us, points, timings } = spans;
    tracing::info!(
        touching = recheck.told(hit),
        waited_us,
        recheck_us,
        desk_us,
        search_us = (timings.goals + timings.search).as_micros() as u64,
        simplify_us = timings.simplify.as_micros() as u64,
        timing_us = timings.timing.as_micros() as u64,
        planning_us,
        points,
        knots = next.trajectory.knot_count(),
        duration_s = next.trajectory.duration_s(),
        "the scene is in the way; going round in motion"
    );
}

/// Runs work in a thread of its own; the node's spinning thread must not wait.
pub fn in_background(name: &str, work: impl FnOnce() + Send + 'static) {
    let work = move || {
        // The spinning thread may go at once; what may take seconds goes first at most.
        let _ = go_first();
        work();
    };
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
