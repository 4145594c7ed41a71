use std::sync::{Arc, Mutex};

use praxis_control::{GripperConfig, GripperGoal, GripperMonitor, GripperOutcome};
use praxis_ros::GoalHandle;
use praxis_ros::r2r::control_msgs::action::GripperCommand::{
    Action, Feedback, Goal, Result as End,
};

use crate::intake::FingerState;
use crate::realtime::steady_ns;

/// Without finger states for this long a goal is given up, nanoseconds.
const STALE_NS: i64 = 1_000_000_000;

/// What the fingers are commanded to; read by the publishing thread.
pub type GripperSlot = Arc<Mutex<Option<GripperGoal>>>;

/// The gripper's action, on the hearing thread.
pub struct Gripper {
    config: GripperConfig,
    slot: GripperSlot,
    running: Option<(GripperMonitor, GoalHandle<Action>)>,
    newest: Option<FingerState>,
    states_since_feedback: u32,
}

impl Gripper {
    /// Without a command: the fingers stay as they are.
    pub fn new(config: GripperConfig, slot: GripperSlot) -> Self {
        Self { config, slot, running: None, newest: None, states_since_feedback: 0 }
    }

    /// Takes a goal over from the one before, or says why not.
    pub fn start(&mut self, goal: &Goal, handle: GoalHandle<Action>, refusal: Option<&str>) {
        let checked = self.config.check(goal.command.position, goal.command.max_effort);
        let is_fresh = self.newest.is_some_and(|f| steady_ns() - f.received_ns < STALE_NS);
        let reason = match (&checked, refusal) {
            (_, Some(refusal)) => Some(refusal.to_owned()),
            (Err(error), None) => Some(error.to_string()),
            (Ok(_), None) if !is_fresh => Some("no joint states of the finger".to_owned()),
            _ => None,
        };
        handle.execute();
        let (Ok(target), None) = (checked, &reason) else {
            let reason = reason.unwrap_or_default();
            tracing::warn!(%reason, "gripper goal refused");
            handle.abort(self.end(0.0, None));
            return;
        };
        if let Some((monitor, replaced)) = self.running.take() {
            replaced.abort(self.end(monitor.goal().effort_n, None));
        }
        self.set(target);
        self.running = Some((GripperMonitor::new(self.config.clone(), target), handle));
    }

    /// Takes in a finger state.
    pub fn see(&mut self, state: FingerState) {
        self.newest = Some(state);
        let Some((monitor, goal)) = &mut self.running else { return };
        let progress = monitor.update(state.position_m, state.speed_mps, state.since_last_s);
        self.states_since_feedback += 1;
        if self.states_since_feedback >= 25 {
            self.states_since_feedback = 0;
            goal.feedback(Feedback {
                position: progress.position_m,
                effort: monitor.goal().effort_n,
                stalled: false,
                reached_goal: false,
            });
        }
        if let Some(outcome) = progress.outcome
            && let Some((monitor, goal)) = self.running.take()
        {
            tracing::info!(position_m = state.position_m, ?outcome, "gripper goal ended");
            goal.succeed(self.end(monitor.goal().effort_n, Some(outcome)));
        }
    }

    /// Holds the fingers where they are when a client takes its goal back.
    pub fn cancel(&mut self, goal_id: [u8; 16]) {
        if let Some((monitor, goal)) = self.running.take_if(|(_, goal)| goal.id() == goal_id) {
            let effort_n = monitor.goal().effort_n;
            if let Some(state) = self.newest {
                self.set(GripperGoal { position_m: state.position_m, effort_n });
            }
            goal.canceled(self.end(effort_n, None));
        }
    }

    /// Gives a goal up when nothing is heard of the fingers any more.
    pub fn watch(&mut self) {
        let is_stale = self.newest.is_none_or(|f| steady_ns() - f.received_ns > STALE_NS);
        if is_stale && let Some((monitor, goal)) = self.running.take() {
            tracing::warn!("no joint states of the finger; gripper goal given up");
            goal.abort(self.end(monitor.goal().effort_n, None));
        }
    }

    fn set(&self, target: GripperGoal) {
        *self.slot.lock().unwrap_or_else(|broken| broken.into_inner()) = Some(target);
    }

    fn end(&self, effort_n: f64, outcome: Option<GripperOutcome>) -> End {
        End {
            position: self.newest.map_or(0.0, |finger| finger.position_m),
            effort: effort_n,
            stalled: outcome == Some(GripperOutcome::Stalled),
            reached_goal: outcome == Some(GripperOutcome::Reached),
        }
    }
}
