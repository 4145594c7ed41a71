//! Following a motion: at the rate that speed scaling and monitor allow, up to its end.

use super::{Controller, ControllerState, Measured, StepInputs};
use crate::gate::copy_sample;
use crate::motion::{JointTolerance, Motion};
use crate::pace::Pace;
use crate::reason::{Outcome, StopReason};
use crate::tool_limits::ToolBreach;
use praxis_trajectory::JointSample;

/// How much longer than foreseen a motion waits for the one that it is joined to, seconds.
const LATE_S: f64 = 0.05;
/// A braked motion is taken up again where it is nearest on this stretch, seconds, in these steps.
const AHEAD_S: f64 = 0.6;
const AHEAD_STEP_S: f64 = 0.004;

impl Controller {
    /// Lets a waiting motion take over when its time has come.
    pub(super) fn begin_waiting(&mut self, dt_s: f64) {
        let Some(motion) = &mut self.waiting else { return };
        motion.wait_s -= dt_s;
        let due = match (motion.take_over, &self.running) {
            (Some((id, at_s)), Some(running)) if running.id == id && !self.is_held => {
                self.time_s >= at_s || motion.wait_s <= -LATE_S
            }
            (Some(_), _) => true,
            (None, _) => motion.wait_s <= 0.0,
        };
        if let Some(motion) = self.waiting.take_if(|_| due) {
            self.run(motion);
        }
    }

    pub(super) fn run(&mut self, motion: Box<Motion>) {
        let past_s = match (motion.take_over, &self.running) {
            (Some((id, at_s)), Some(running)) if running.id == id => {
                (self.time_s - at_s).clamp(0.0, LATE_S)
            }
            _ => 0.0,
        };
        self.time_s = motion.enter_at_s + past_s;
        self.cursor = 0;
        self.settling_s = 0.0;
        self.unwatched_s = 0.0;
        if self.state != ControllerState::Follow || self.is_held {
            self.pace = Pace::default();
        }
        self.is_held = false;
        self.state = ControllerState::Follow;
        if let Some(replaced) = self.running.replace(motion) {
            self.finish(replaced, Outcome::Replaced);
        }
    }

    pub(super) fn follow(&mut self, dt_s: f64, inputs: &StepInputs<'_>) {
        if self.running.is_none() {
            return self.stand_or_brake(dt_s, inputs);
        }
        let allowed = self.allowed_rate(dt_s, inputs);
        if self.is_held {
            return self.stand_before_threat(dt_s, allowed);
        }
        self.held_s = if self.pace == Pace::STANDING && self.scaling > 0.0 {
            self.held_s + dt_s
        } else {
            0.0
        };
        if self.held_s > self.config.longest_stand_s {
            return self.stop(StopReason::Obstructed { waited_s: self.held_s });
        }
        let Some(motion) = &self.running else { return };
        let limits = self.gate.limits().joints();
        motion.trajectory.sample_into(self.time_s, &mut self.cursor, &mut self.target);
        self.time_s += self.pace.advance(allowed.unwrap_or(0.0), &self.target, limits, dt_s);
        let end_s = motion.trajectory.duration_s();
        let is_over = self.time_s >= end_s;
        motion.trajectory.sample_into(self.time_s, &mut self.cursor, &mut self.target);
        self.pace.apply(&mut self.target);
        if is_over && motion.ends_moving {
            self.gate.step_stopping(dt_s);
            copy_sample(self.gate.sample(), &mut self.target);
        } else {
            self.gate.step_towards(&self.target, dt_s);
        }
        if let Some(effort) = &motion.effort {
            effort.sample_into(self.time_s, &mut self.effort);
            self.gate.clip_effort(&mut self.effort);
        }
        if let Some(reason) = self.forbidden_for_the_tool().or_else(|| self.off_path()) {
            return self.stop(reason);
        }
        self.judge(dt_s, is_over, inputs);
    }

    /// Holds the measured state against the tolerances; ends what has arrived.
    fn judge(&mut self, dt_s: f64, is_over: bool, inputs: &StepInputs<'_>) {
        let (Some(motion), Some(measured)) = (&self.running, inputs.measured) else { return };
        if !is_over {
            if let Some(reason) = outside(&motion.path_tolerance, &self.target, &measured, false) {
                self.stop(reason);
            }
            return;
        }
        if motion.ends_moving {
            if self.gate.is_at_rest() {
                self.end(Outcome::Reached);
            }
            return;
        }
        let off = outside(&motion.goal_tolerance, &self.target, &measured, true);
        let has_arrived = self.gate.is_at_rest() && off.is_none();
        self.settling_s += dt_s;
        if has_arrived {
            self.end(Outcome::Reached);
        } else if self.settling_s > motion.goal_time_s
            && let Some(reason) = off
        {
            self.stop(reason);
        }
    }

    /// The rate that scaling and monitor allow; `None` if the motion must brake now.
    fn allowed_rate(&mut self, dt_s: f64, inputs: &StepInputs<'_>) -> Option<f64> {
        let Some(guard) = inputs.guard else { return Some(self.scaling) };
        let id = self.running.as_ref().map(|motion| motion.id);
        let limit_s = self.config.monitor_timeout_s;
        if Some(guard.motion) == id && guard.age_s <= limit_s {
            self.unwatched_s = 0.0;
            self.is_held |= guard.must_brake;
            return (!guard.must_brake).then(|| self.scaling.min(guard.rate));
        }
        // The first verdict on a new motion takes a moment; then silence counts as a threat.
        self.unwatched_s += dt_s;
        if self.unwatched_s <= limit_s {
            return Some(self.scaling);
        }
        self.is_held = true;
        None
    }

    /// Brakes and stands until the way is free, then takes the motion up where it is nearest.
    fn stand_before_threat(&mut self, dt_s: f64, allowed: Option<f64>) {
        self.gate.step_stopping(dt_s);
        copy_sample(self.gate.sample(), &mut self.target);
        if !self.gate.is_at_rest() {
            self.held_s = 0.0;
            return;
        }
        self.held_s += dt_s;
        if allowed.is_some_and(|rate| rate > 0.0) {
            self.take_up_again();
        } else if self.held_s > self.config.longest_stand_s {
            let limit_s = self.config.monitor_timeout_s;
            let reason = if self.unwatched_s > limit_s {
                StopReason::MonitorSilent { age_s: self.unwatched_s, limit_s }
            } else {
                StopReason::Obstructed { waited_s: self.held_s }
            };
            self.stop(reason);
        }
    }

    fn take_up_again(&mut self) {
        let Some(motion) = &self.running else { return };
        let at = self.gate.sample();
        let (mut nearest_s, mut least) = (self.time_s, f64::INFINITY);
        let mut time_s = self.time_s;
        while time_s <= (self.time_s + AHEAD_S).min(motion.trajectory.duration_s()) {
            motion.trajectory.sample_into(time_s, &mut self.cursor, &mut self.target);
            let pairs = self.target.position.iter().zip(&at.position);
            let away: f64 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            if away < least {
                (nearest_s, least) = (time_s, away);
            }
            time_s += AHEAD_STEP_S;
        }
        self.time_s = nearest_s;
        self.cursor = 0;
        self.pace = Pace::STANDING;
        self.is_held = false;
    }

    fn forbidden_for_the_tool(&self) -> Option<StopReason> {
        Some(match self.gate.breach()? {
            ToolBreach::Workspace { axis, value_m, limit_m } => {
                StopReason::Workspace { axis, value_m, limit_m }
            }
            ToolBreach::Speed { value_mps, limit_mps } => {
                StopReason::ToolSpeed { value_mps, limit_mps }
            }
        })
    }

    /// The first joint whose command the gate had to leave far behind the motion: what was checked
    /// for collisions is no longer what is driven.
    fn off_path(&self) -> Option<StopReason> {
        let tolerance = self.config.max_tracking_error;
        let commanded = self.gate.sample().position.iter();
        let mut errors = self.target.position.iter().zip(commanded).map(|(w, c)| w - c).enumerate();
        let (joint, error) = errors.find(|(_, error)| error.abs() > tolerance)?;
        Some(StopReason::PathTolerance { joint, what: "commanded position", error, tolerance })
    }
}

/// The first tolerance that the measured state does not keep.
fn outside(
    tolerances: &[JointTolerance],
    wanted: &JointSample,
    measured: &Measured<'_>,
    is_goal: bool,
) -> Option<StopReason> {
    for (joint, tolerance) in tolerances.iter().enumerate() {
        let position = wanted.position[joint] - measured.position.get(joint)?;
        let velocity =
            measured.velocity.get(joint).map_or(0.0, |measured| wanted.velocity[joint] - measured);
        for (what, error, tolerance) in
            [("position", position, tolerance.position), ("velocity", velocity, tolerance.velocity)]
        {
            if error.abs() > tolerance {
                return Some(if is_goal {
                    StopReason::GoalTolerance { joint, what, error, tolerance }
                } else {
                    StopReason::PathTolerance { joint, what, error, tolerance }
                });
            }
        }
    }
    None
}
