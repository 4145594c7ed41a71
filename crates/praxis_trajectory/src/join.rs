use crate::move_to_state::move_to_state;
use crate::{JointLimits, JointSample, Trajectory, TrajectoryError};

/// States nearer than this (position, velocity, acceleration) are taken to be the same.
const SAME_STATE: f64 = 1e-6;

/// The running trajectory up to `at_s`, then the new one, without a jump in position, velocity or
/// acceleration.
///
/// Where the running motion at `at_s` is not the state that `next` starts from, a shortest motion
/// within the limits leads over; it is new geometry, to be checked for collisions. Time zero is the
/// start of the running trajectory.
pub fn join(
    running: &Trajectory,
    at_s: f64,
    next: &Trajectory,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    if running.joint_names() != next.joint_names() {
        return Err(TrajectoryError::DifferentJoints {
            left: running.joint_names().to_vec(),
            right: next.joint_names().to_vec(),
        });
    }
    let at_s = if at_s.is_nan() { 0.0 } else { at_s.clamp(0.0, running.duration_s()) };
    let state = running.sample(at_s);
    let first = next.times_s()[0];
    let start = next.sample(first);
    let names = running.joint_names().to_vec();

    let mut joined = Trajectory::with_capacity(names.clone(), running.knot_count() + 16)?;
    for index in 0..running.knot_count() {
        if running.times_s()[index] < at_s - 1e-9 {
            joined.push_knot_of(running, index, 0.0)?;
        }
    }
    joined.push(at_s, &state.position, Some(&state.velocity), Some(&state.acceleration))?;
    let mut offset_s = at_s;
    if !same_state(&state, &start) {
        let bridge = move_to_state(names, &state, &start, limits)?;
        for index in 1..bridge.knot_count() {
            joined.push_knot_of(&bridge, index, offset_s)?;
        }
        offset_s += bridge.duration_s();
    }
    for index in 1..next.knot_count() {
        joined.push_knot_of(next, index, offset_s - first)?;
    }
    joined.finished()
}

impl Trajectory {
    /// What is left of it from `at_s` on, which becomes time zero.
    pub fn tail(&self, at_s: f64) -> Result<Trajectory, TrajectoryError> {
        let at_s = at_s.clamp(self.times_s()[0], self.duration_s());
        let mut tail = Trajectory::with_capacity(self.joint_names().to_vec(), self.knot_count())?;
        let later = (0..self.knot_count()).filter(|&index| self.times_s()[index] > at_s + 1e-9);
        if later.clone().next().is_some() {
            let JointSample { position, velocity, acceleration } = self.sample(at_s);
            tail.push(0.0, &position, Some(&velocity), Some(&acceleration))?;
        } else {
            tail.push_knot_of(self, self.knot_count() - 1, -self.duration_s())?;
        }
        for index in later {
            tail.push_knot_of(self, index, -at_s)?;
        }
        tail.finished()
    }

    /// It, then another that starts in the very state in which it ends.
    pub fn followed_by(&self, next: &Trajectory) -> Result<Trajectory, TrajectoryError> {
        let mut both = self.clone();
        let offset_s = self.duration_s() - next.times_s()[0];
        for index in 1..next.knot_count() {
            both.push_knot_of(next, index, offset_s)?;
        }
        both.finished()
    }
}

fn same_state(a: &JointSample, b: &JointSample) -> bool {
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_STATE);
    near(&a.position, &b.position)
        && near(&a.velocity, &b.velocity)
        && near(&a.acceleration, &b.acceleration)
}

impl Trajectory {
    fn push_knot_of(
        &mut self,
        other: &Trajectory,
        index: usize,
        offset_s: f64,
    ) -> Result<(), TrajectoryError> {
        self.push(
            other.times_s()[index] + offset_s,
            other.position(index),
            other.velocity(index),
            other.acceleration(index),
        )
    }
}
