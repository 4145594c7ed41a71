use praxis_trajectory::{JointLimit, JointLimits, JointSample};

use crate::stop::{JointState, StopPlan};
use crate::tool_limits::{ToolBreach, ToolGuard};

/// Pull of a joint that lags behind its target, 1/s: errors die away with this rate.
const PULL_PER_S: f64 = 30.0;
/// Share of the acceleration limit on which a lagging joint counts to arrive without overshoot.
const ARRIVAL_SHARE: f64 = 0.4;
/// Share of the acceleration and jerk limits that the gate's own motions use where there is room:
/// who differentiates commands by arrival times finds them within the limits all the same.
const OWN_SHARE: f64 = 0.99;
/// Halvings of the way from "brake" to "as wanted" that are tried.
const HALVINGS: u32 = 6;
/// Longest step taken at once, seconds; what goes beyond is lost (the motion is late, not unsafe).
pub(crate) const LONGEST_STEP_S: f64 = 0.02;

/// The last gate before the driver: turns any wish into a state within the limits.
///
/// Its law: from every state it gives out, the shortest stop stays within the position, velocity
/// and acceleration limits, and consecutive states are joined by a motion within the jerk limit.
/// A target that keeps the law passes unchanged. Any other is tracked as closely as the law
/// allows; what is not finite brakes. No input breaks the law, since braking always keeps it.
/// With a [`ToolGuard`] the stop keeps the workspace and the tool speed as well: a step that would
/// not is a step of braking. Efforts are clipped to their limits.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: JointLimits,
    // Position limits in force; wider than the joint's own only while it came from outside them.
    bounds: Vec<(f64, f64)>,
    sample: JointSample,
    clipped: Option<usize>,
    effort_limits: Vec<f64>,
    tool: Option<ToolGuard>,
    breach: Option<ToolBreach>,
    // Where the step began, for a step that must be taken back.
    before: JointSample,
    bounds_before: Vec<(f64, f64)>,
}

impl Gate {
    /// At rest at `position`, which may lie outside the limits: then the way back is open.
    pub fn new(limits: JointLimits, position: &[f64]) -> Self {
        let mut gate = Self {
            bounds: vec![(0.0, 0.0); limits.dim()],
            sample: JointSample::zeros(limits.dim()),
            before: JointSample::zeros(limits.dim()),
            bounds_before: vec![(0.0, 0.0); limits.dim()],
            effort_limits: vec![f64::INFINITY; limits.dim()],
            limits,
            clipped: None,
            tool: None,
            breach: None,
        };
        gate.reset(position);
        gate
    }

    /// With limits of each joint's effort; infinite where there is none.
    #[must_use]
    pub fn with_effort_limits(mut self, limits: &[f64]) -> Self {
        for (limit, &value) in self.effort_limits.iter_mut().zip(limits) {
            *limit = if value.is_nan() { 0.0 } else { value.abs() };
        }
        self
    }

    /// With limits of the tool.
    #[must_use]
    pub fn with_tool(mut self, mut tool: ToolGuard) -> Self {
        tool.reset(&self.sample.position);
        self.tool = Some(tool);
        self
    }

    /// Puts the gate at rest at a measured position; ignores what is not finite or too short.
    pub fn reset(&mut self, position: &[f64]) {
        for (joint, &position) in position.iter().take(self.limits.dim()).enumerate() {
            if position.is_finite() {
                self.sample.position[joint] = position;
            }
            let (limit, position) = (self.limits.joints()[joint], self.sample.position[joint]);
            self.bounds[joint] =
                (limit.min_position.min(position), limit.max_position.max(position));
            self.sample.velocity[joint] = 0.0;
            self.sample.acceleration[joint] = 0.0;
        }
        self.clipped = None;
        self.breach = None;
        if let Some(tool) = &mut self.tool {
            tool.reset(&self.sample.position);
        }
    }

    /// Efforts within their limits; what is not finite becomes 0. The first joint that was clipped.
    pub fn clip_effort(&self, effort: &mut [f64]) -> Option<usize> {
        let mut clipped = None;
        for (joint, (value, &limit)) in effort.iter_mut().zip(&self.effort_limits).enumerate() {
            let kept = if value.is_finite() { value.clamp(-limit, limit) } else { 0.0 };
            if kept != *value && clipped.is_none() {
                clipped = Some(joint);
            }
            *value = kept;
        }
        clipped
    }

    /// What the tool's limits forbade in the last step.
    pub fn breach(&self) -> Option<ToolBreach> {
        self.breach
    }

    /// The state given out last.
    pub fn sample(&self) -> &JointSample {
        &self.sample
    }

    /// The limits that every state given out keeps.
    pub fn limits(&self) -> &JointLimits {
        &self.limits
    }

    /// Joint whose target the last step had to change, the first if several.
    pub fn clipped(&self) -> Option<usize> {
        self.clipped
    }

    /// Whether every joint stands still.
    pub fn is_at_rest(&self) -> bool {
        self.sample.velocity.iter().chain(&self.sample.acceleration).all(|&value| value == 0.0)
    }

    /// Time until rest if every joint braked from now on.
    pub fn stop_duration_s(&self) -> f64 {
        let stops = self.limits.joints().iter().enumerate();
        stops.fold(0.0, |most, (joint, limit)| {
            f64::max(most, stop(self.state(joint), limit, self.bounds[joint]).duration_s())
        })
    }

    /// Goes on by `dt_s` towards `target`, the state wanted at the end of the step.
    pub fn step_towards(&mut self, target: &JointSample, dt_s: f64) {
        self.clipped = None;
        self.breach = None;
        let Some(dt_s) = usable_step(dt_s) else { return };
        copy_sample(&self.sample, &mut self.before);
        self.bounds_before.clone_from(&self.bounds);
        for joint in 0..self.limits.dim() {
            let wanted = JointState {
                position: value(&target.position, joint),
                velocity: value(&target.velocity, joint),
                acceleration: value(&target.acceleration, joint),
            };
            let (now, limit) = (self.state(joint), self.limits.joints()[joint]);
            let (next, is_as_wanted) = next_state(now, wanted, &limit, self.bounds[joint], dt_s);
            if !is_as_wanted && self.clipped.is_none() {
                self.clipped = Some(joint);
            }
            self.store(joint, next);
        }
        self.keep_tool_limits(dt_s);
    }

    /// Takes a step back, and brakes instead, after which the tool could not stop within its limits.
    fn keep_tool_limits(&mut self, dt_s: f64) {
        let Some(mut tool) = self.tool.take() else { return };
        let (limits, bounds, sample) = (&self.limits, &self.bounds, &self.sample);
        let plan =
            |joint: usize| stop(state_of(sample, joint), &limits.joints()[joint], bounds[joint]);
        let breach = tool.breach(sample, &plan);
        if breach.is_some() {
            copy_sample(&self.before, &mut self.sample);
            self.bounds.clone_from(&self.bounds_before);
            self.brake(dt_s);
        }
        tool.close(&self.limits, &self.sample);
        self.breach = breach;
        self.tool = Some(tool);
    }

    /// Brakes for `dt_s`, or stays at rest.
    pub fn step_stopping(&mut self, dt_s: f64) {
        self.clipped = None;
        self.breach = None;
        let Some(dt_s) = usable_step(dt_s) else { return };
        self.brake(dt_s);
    }

    fn brake(&mut self, dt_s: f64) {
        for joint in 0..self.limits.dim() {
            let limit = self.limits.joints()[joint];
            let next = stop(self.state(joint), &limit, self.bounds[joint]).state_at(dt_s);
            self.store(joint, next);
        }
    }

    fn state(&self, joint: usize) -> JointState {
        state_of(&self.sample, joint)
    }

    fn store(&mut self, joint: usize, next: JointState) {
        self.sample.position[joint] = next.position;
        self.sample.velocity[joint] = next.velocity;
        self.sample.acceleration[joint] = next.acceleration;
        let (limit, bounds) = (&self.limits.joints()[joint], &mut self.bounds[joint]);
        // A joint that came back inside does not get out again. What a stop still needs stays open.
        let (low, high) = StopPlan::new(next, limit).position_range();
        bounds.0 = bounds.0.max(limit.min_position.min(low));
        bounds.1 = bounds.1.min(limit.max_position.max(high));
    }
}

fn state_of(sample: &JointSample, joint: usize) -> JointState {
    JointState {
        position: sample.position[joint],
        velocity: sample.velocity[joint],
        acceleration: sample.acceleration[joint],
    }
}

/// Copies a state without allocating (a derived `clone_from` would).
pub(crate) fn copy_sample(from: &JointSample, to: &mut JointSample) {
    to.position.clone_from(&from.position);
    to.velocity.clone_from(&from.velocity);
    to.acceleration.clone_from(&from.acceleration);
}

fn usable_step(dt_s: f64) -> Option<f64> {
    (dt_s.is_finite() && dt_s > 0.0).then(|| dt_s.min(LONGEST_STEP_S))
}

fn value(values: &[f64], joint: usize) -> f64 {
    values.get(joint).copied().unwrap_or(f64::NAN)
}

/// Limits of the gate's own motions.
fn own(limit: &JointLimit) -> JointLimit {
    JointLimit {
        acceleration: OWN_SHARE * limit.acceleration,
        jerk: OWN_SHARE * limit.jerk,
        ..*limit
    }
}

/// The stop with a little left of the limits, or the very shortest where that one has no room.
fn stop(now: JointState, limit: &JointLimit, bounds: (f64, f64)) -> StopPlan {
    let gentle = StopPlan::new(now, &own(limit));
    if gentle.is_within(limit, bounds) { gentle } else { StopPlan::new(now, limit) }
}

/// The state closest to what is wanted, and whether it is exactly that.
fn next_state(
    now: JointState,
    wanted: JointState,
    limit: &JointLimit,
    bounds: (f64, f64),
    dt_s: f64,
) -> (JointState, bool) {
    let stopping = stop(now, limit, bounds).state_at(dt_s);
    let is_finite = (wanted.position + wanted.velocity + wanted.acceleration).is_finite();
    if !is_finite {
        return (stopping, false);
    }
    let may_be = |state: JointState| StopPlan::new(state, limit).is_within(limit, bounds);
    if is_joined(now, wanted, limit, dt_s) && may_be(wanted) {
        return (wanted, true);
    }

    let stop_jerk = (stopping.acceleration - now.acceleration) / dt_s;
    let mut jerk = pull(now, wanted, &own(limit), dt_s);
    for _ in 0..HALVINGS {
        let next = now.after(dt_s, jerk);
        if may_be(next) {
            return (next, false);
        }
        jerk = 0.5 * (jerk + stop_jerk);
    }
    (stopping, false)
}

/// Whether some motion within the jerk limit leads from one state to the other in `dt_s`.
fn is_joined(now: JointState, next: JointState, limit: &JointLimit, dt_s: f64) -> bool {
    let most = limit.jerk * (1.0 + 1e-6);
    let (a0, a1) = (now.acceleration, next.acceleration);
    let from_mean_acceleration = next.velocity - now.velocity - 0.5 * (a0 + a1) * dt_s;
    let from_ramp =
        next.position - now.position - dt_s * (now.velocity + dt_s * (2.0 * a0 + a1) / 6.0);
    (a1 - a0).abs() <= most * dt_s
        && from_mean_acceleration.abs() <= 0.25 * most * dt_s * dt_s
        && from_ramp.abs() <= most * dt_s * dt_s * dt_s / 6.0
}

/// Jerk that brings a joint back to its target: critically damped near it, as fast as a brake
/// allows from afar.
fn pull(now: JointState, wanted: JointState, limit: &JointLimit, dt_s: f64) -> f64 {
    let behind = wanted.position - now.position - dt_s * now.velocity;
    let near = 0.5 * PULL_PER_S * behind.abs();
    let far = (2.0 * ARRIVAL_SHARE * limit.acceleration * behind.abs()).sqrt();
    let velocity =
        (wanted.velocity + behind.signum() * near.min(far)).clamp(-limit.velocity, limit.velocity);
    let acceleration = wanted.acceleration
        + 2.0 * PULL_PER_S * (velocity - now.velocity - dt_s * now.acceleration);
    let acceleration = acceleration.clamp(-limit.acceleration, limit.acceleration);
    ((acceleration - now.acceleration) / dt_s).clamp(-limit.jerk, limit.jerk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> JointLimits {
        let limit = JointLimit {
            min_position: -1.0,
            max_position: 1.0,
            ..JointLimit::new(2.0, 10.0, 500.0)
        };
        JointLimits::new(vec![limit]).unwrap()
    }

    fn target(position: f64) -> JointSample {
        JointSample::at_rest(&[position])
    }

    #[test]
    fn a_far_target_is_reached_without_overshoot() {
        let mut gate = Gate::new(limits(), &[-0.9]);
        let mut highest: f64 = -0.9;
        for _ in 0..2000 {
            gate.step_towards(&target(0.8), 0.002);
            highest = highest.max(gate.sample().position[0]);
        }
        assert!((gate.sample().position[0] - 0.8).abs() < 1e-6, "{:?}", gate.sample());
        assert!(highest < 0.81, "{highest}");
    }

    #[test]
    fn a_target_beyond_the_bounds_is_approached_up_to_them() {
        let mut gate = Gate::new(limits(), &[0.0]);
        for _ in 0..3000 {
            gate.step_towards(&target(3.0), 0.002);
            assert!(gate.sample().position[0] <= 1.0 + 1e-6);
        }
        assert!(gate.sample().position[0] > 0.95, "{:?}", gate.sample());
        assert_eq!(gate.clipped(), Some(0));
    }

    #[test]
    fn what_is_not_a_number_brakes() {
        let mut gate = Gate::new(limits(), &[0.0]);
        for _ in 0..100 {
            gate.step_towards(&target(1.0), 0.002);
        }
        assert!(!gate.is_at_rest());
        let steps = (gate.stop_duration_s() / 0.002).ceil() as usize;
        for _ in 0..steps {
            gate.step_towards(&target(f64::NAN), 0.002);
        }
        assert!(gate.is_at_rest());
    }

    #[test]
    fn a_joint_found_outside_its_bounds_comes_back_and_stays_in() {
        let mut gate = Gate::new(limits(), &[1.2]);
        for _ in 0..2000 {
            gate.step_towards(&target(0.5), 0.002);
            assert!(gate.sample().position[0] <= 1.2 + 1e-9);
        }
        assert!((gate.sample().position[0] - 0.5).abs() < 1e-6);
        for _ in 0..2000 {
            gate.step_towards(&target(1.2), 0.002);
        }
        assert!(gate.sample().position[0] <= 1.0 + 1e-6);
    }
}
