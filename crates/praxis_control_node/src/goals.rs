use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use praxis_control::{
    Commanded, ControllerState, Finished, Outcome, RejectError, ResultCode, Running, StopReason,
    Threat,
};
use praxis_ros::GoalHandle;
use praxis_ros::r2r::control_msgs::action::FollowJointTrajectory::{Action, Result as GoalResult};
use praxis_trajectory::Trajectory;

use crate::shared::LoopReport;

/// A motion that was handed to the loop and is not over.
struct Open {
    trajectory: Arc<Trajectory>,
    // Absent for motions from the topic.
    goal: Option<GoalHandle<Action>>,
}

/// Motions under way and the newest report: what hearing and publishing threads share.
#[derive(Clone)]
pub struct Goals(Arc<Mutex<Inner>>);

struct Inner {
    joints: Vec<String>,
    open: HashMap<u64, Open>,
    report: LoopReport,
    last_end: String,
    // What the monitor saw last in the way of a motion.
    threat: Option<Threat>,
}

impl Goals {
    /// None yet.
    pub fn new(joints: Vec<String>) -> Self {
        let report = LoopReport::empty(joints.len());
        let last_end = "no motion yet".to_owned();
        Self(Arc::new(Mutex::new(Inner {
            joints,
            open: HashMap::new(),
            report,
            last_end,
            threat: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Keeps a motion until the loop says that it is over.
    pub fn add(&self, id: u64, trajectory: Arc<Trajectory>, goal: Option<GoalHandle<Action>>) {
        if let Some(goal) = &goal {
            goal.execute();
        }
        self.lock().open.insert(id, Open { trajectory, goal });
    }

    /// Number of the motion of an action goal.
    pub fn motion_of(&self, goal_id: [u8; 16]) -> Option<u64> {
        let inner = self.lock();
        let is_it = |open: &Open| open.goal.as_ref().is_some_and(|goal| goal.id() == goal_id);
        inner.open.iter().find(|(_, open)| is_it(open)).map(|(&id, _)| id)
    }

    /// Takes in the loop's newest report.
    pub fn set_report(&self, report: &LoopReport) {
        self.lock().report.clone_from(report);
    }

    /// The loop's newest report.
    pub fn report(&self) -> LoopReport {
        self.lock().report.clone()
    }

    /// What is commanded now and next, for the acceptor.
    pub fn commanded(&self) -> Commanded {
        let inner = self.lock();
        let report = &inner.report;
        // A motion that is braked or stands is no longer where its trajectory says.
        let is_on_path = report.state == ControllerState::Follow && !report.is_held;
        let running = report.progress.filter(|_| is_on_path).and_then(|(id, time_s)| {
            let trajectory = inner.open.get(&id)?.trajectory.clone();
            Some(Running { id, trajectory, time_s })
        });
        Commanded { sample: inner.report.commanded.clone(), running }
    }

    /// The knots of a motion under way.
    pub fn trajectory(&self, id: u64) -> Option<Arc<Trajectory>> {
        self.lock().open.get(&id).map(|open| open.trajectory.clone())
    }

    /// What the monitor sees in the way.
    pub fn set_threat(&self, threat: Option<&Threat>) {
        if let Some(threat) = threat {
            self.lock().threat = Some(threat.clone());
        }
    }

    /// Tells the client of a motion how it ended.
    pub fn finish(&self, finished: Finished) {
        let (open, text) = {
            let mut inner = self.lock();
            let mut text = explain(&finished.outcome, &inner.joints);
            if let (Outcome::Stopped(StopReason::Obstructed { .. }), Some(threat)) =
                (&finished.outcome, &inner.threat)
            {
                text += &format!(": {} would touch {}", threat.first, threat.second);
            }
            inner.last_end.clone_from(&text);
            (inner.open.remove(&finished.id), text)
        };
        match finished.outcome {
            Outcome::Reached => tracing::info!(motion = finished.id, "{text}"),
            _ => tracing::warn!(motion = finished.id, "{text}"),
        }
        let Some(goal) = open.and_then(|open| open.goal) else { return };
        let was_cancelled = goal.is_canceling();
        match finished.outcome {
            Outcome::Reached => goal.succeed(result(ResultCode::Successful, text)),
            Outcome::Stopped(StopReason::Cancelled) if was_cancelled => {
                goal.canceled(result(ResultCode::Successful, text));
            }
            Outcome::Stopped(reason) if was_cancelled => {
                goal.canceled(result(reason.code(), text));
            }
            Outcome::Stopped(reason) => goal.abort(result(reason.code(), text)),
            Outcome::Replaced => goal.abort(result(ResultCode::InvalidGoal, text)),
        }
    }

    /// Publishes feedback of the running goal, if it has a client.
    pub fn feedback(&self, feedback: impl FnOnce(&[String], &LoopReport) -> Feedback) {
        let inner = self.lock();
        let Some((id, _)) = inner.report.progress else { return };
        if let Some(goal) = inner.open.get(&id).and_then(|open| open.goal.as_ref()) {
            goal.feedback(feedback(&inner.joints, &inner.report));
        }
    }

    /// How the last motion ended.
    pub fn last_end(&self) -> String {
        self.lock().last_end.clone()
    }

    /// The joints, in order.
    pub fn joints(&self) -> Vec<String> {
        self.lock().joints.clone()
    }
}

type Feedback = praxis_ros::r2r::control_msgs::action::FollowJointTrajectory::Feedback;

/// Result of a goal that was never run.
pub fn refused(error: &RejectError) -> GoalResult {
    result(error.code(), error.to_string())
}

fn result(code: ResultCode, error_string: String) -> GoalResult {
    GoalResult { error_code: code as i32, error_string }
}

fn explain(outcome: &Outcome, joints: &[String]) -> String {
    match outcome {
        Outcome::Reached => "reached".to_owned(),
        Outcome::Replaced => "replaced by a newer trajectory".to_owned(),
        Outcome::Stopped(reason) => reason.explain(joints),
    }
}
