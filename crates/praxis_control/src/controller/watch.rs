//! When a motion is given up because what it rests on is gone.

use super::{Controller, ControllerState, StepInputs};
use crate::reason::StopReason;

/// Positions may jump by this much however short the time, radians: noise.
const NOISE: f64 = 0.05;

impl Controller {
    /// Gives a running motion up when what it rests on is gone.
    pub(super) fn watch(&mut self, dt_s: f64, inputs: &StepInputs<'_>) {
        let jump = self.jump(dt_s, inputs);
        if !matches!(self.state, ControllerState::Follow | ControllerState::Servo) {
            return;
        }
        let limit_s = self.config.stale_after_s;
        if !inputs.measured.is_some_and(|measured| self.is_fresh(&measured)) {
            let age_s = inputs.measured.map_or(f64::INFINITY, |measured| measured.age_s);
            return self.stop(StopReason::StaleJointStates { age_s, limit_s });
        }
        let limit_s = self.config.heartbeat_timeout_s;
        if self.running.as_ref().is_some_and(|motion| motion.needs_heartbeat)
            && let Some(age_s) = inputs.heartbeat_age_s
            && age_s > limit_s
        {
            return self.stop(StopReason::PlannerLost { age_s, limit_s });
        }
        if let Some(reason) = jump {
            return self.stop(reason);
        }
        if let Some((joint, error)) = self.tracking_error(inputs) {
            let limit = self.config.max_tracking_error;
            self.stop(StopReason::TrackingError { joint, error, limit });
        }
    }

    /// Whether a joint state is further from the one before than the joint can have gone; joint
    /// states may be late by as long as they may be old.
    fn jump(&mut self, dt_s: f64, inputs: &StepInputs<'_>) -> Option<StopReason> {
        let measured = inputs.measured.filter(|measured| self.is_fresh(measured))?;
        self.since_measured_s += dt_s;
        if self.last_measured == measured.position {
            return None;
        }
        let span_s = self.since_measured_s + self.config.stale_after_s;
        let joints = self.gate.limits().joints().iter().zip(&self.last_measured);
        let jump =
            joints.zip(measured.position).enumerate().find_map(|(joint, ((limit, a), b))| {
                let (jump, limit) = (b - a, limit.velocity * span_s + NOISE);
                (jump.abs() > limit).then_some(StopReason::StateJump { joint, jump, limit })
            });
        self.last_measured.clear();
        self.last_measured.extend_from_slice(measured.position);
        self.since_measured_s = 0.0;
        jump
    }

    /// The first joint that is too far from its command; what it may have moved since it was measured
    /// does not count.
    pub(super) fn tracking_error(&self, inputs: &StepInputs<'_>) -> Option<(usize, f64)> {
        let measured = inputs.measured?;
        let commanded = self.gate.sample();
        let age_s = measured.age_s.clamp(0.0, self.config.stale_after_s);
        (0..commanded.position.len()).find_map(|joint| {
            let error = commanded.position[joint] - measured.position.get(joint)?;
            let moved = commanded.velocity[joint].abs() * age_s;
            (error.abs() > self.config.max_tracking_error + moved).then_some((joint, error))
        })
    }
}
