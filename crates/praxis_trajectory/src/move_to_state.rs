use rsruckig::prelude::{
    DataArrayOrVec, InputParameter, Ruckig, RuckigResult, Synchronization, ThrowErrorHandler,
    Trajectory as Profiles,
};

use crate::hermite::{Segment, interpolate};
use crate::{JointLimits, JointSample, Trajectory, TrajectoryError};

/// Switching times nearer than this are one.
const SAME_TIME_S: f64 = 1e-9;

/// Time-optimal motion from any state to any state, all joints arriving together.
///
/// Exact jerk phases (Ruckig, Berscheid and Kröger, RSS 2021) with a knot at every switch. A start
/// beyond the velocity or acceleration limits is brought within them first; a target must be
/// within them. The joints take no common path: check what comes back for collisions.
pub fn move_to_state(
    joint_names: Vec<String>,
    from: &JointSample,
    to: &JointSample,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    move_to_state_in(joint_names, from, to, limits, 0.0)
}

/// How long the motion of [`move_to_state`] takes, without working it out.
pub fn move_to_state_s(
    from: &JointSample,
    to: &JointSample,
    limits: &JointLimits,
) -> Result<f64, TrajectoryError> {
    from.check(limits.dim())?;
    to.check(limits.dim())?;
    Ok(solve(from, to, limits, 0.0)?.get_duration())
}

/// The same, taking `least_s` or, where no motion takes just that long, a little longer.
pub(crate) fn move_to_state_in(
    joint_names: Vec<String>,
    from: &JointSample,
    to: &JointSample,
    limits: &JointLimits,
    least_s: f64,
) -> Result<Trajectory, TrajectoryError> {
    let dim = joint_names.len();
    from.check(dim)?;
    to.check(dim)?;
    if limits.dim() != dim {
        let what = "limits".to_owned();
        return Err(TrajectoryError::LengthMismatch { what, got: limits.dim(), expected: dim });
    }
    let profiles = solve(from, to, limits, least_s)?;
    let duration_s = profiles.get_duration();

    let mut trajectory = Trajectory::with_capacity(joint_names, 8 * dim)?;
    let reached = state_at(&profiles, duration_s, dim);
    for &time_s in &switching_times_s(&profiles, duration_s) {
        let JointSample { position, velocity, acceleration } = if time_s == 0.0 {
            from.clone()
        } else if time_s == duration_s {
            to.clone()
        } else {
            let mut state = state_at(&profiles, time_s, dim);
            make_up(&mut state, &reached, to, time_s, duration_s);
            state
        };
        trajectory.push(time_s, &position, Some(&velocity), Some(&acceleration))?;
    }
    trajectory.finished()
}

fn state_at(profiles: &Profiles<0>, time_s: f64, dim: usize) -> JointSample {
    let mut position = heap(dim, |_| 0.0);
    let mut velocity = position.clone();
    let mut acceleration = position.clone();
    profiles.at_time(
        time_s,
        &mut Some(&mut position),
        &mut Some(&mut velocity),
        &mut Some(&mut acceleration),
        &mut None,
        &mut None,
    );
    let [position, velocity, acceleration] =
        [&position, &velocity, &acceleration].map(|values| slice(values).to_vec());
    JointSample { position, velocity, acceleration }
}

/// Spreads what the profiles miss of their target, by rounding, over the whole motion: made up for
/// in a last phase of a millisecond, 1e-12 rad would be 0.1 % of a jerk limit.
fn make_up(
    state: &mut JointSample,
    reached: &JointSample,
    to: &JointSample,
    time_s: f64,
    duration_s: f64,
) {
    for i in 0..state.position.len() {
        let missed = [
            to.position[i] - reached.position[i],
            to.velocity[i] - reached.velocity[i],
            to.acceleration[i] - reached.acceleration[i],
        ];
        let spread = Segment { duration_s, start: [0.0; 3], end: missed };
        let [position, velocity, acceleration] = interpolate(&spread, 2, time_s);
        state.position[i] += position;
        state.velocity[i] += velocity;
        state.acceleration[i] += acceleration;
    }
}

fn solve(
    from: &JointSample,
    to: &JointSample,
    limits: &JointLimits,
    least_s: f64,
) -> Result<Profiles<0>, TrajectoryError> {
    let dim = limits.dim();
    let joints = limits.joints();
    let mut input = InputParameter::<0>::new(Some(dim));
    input.synchronization = Synchronization::Time;
    input.minimum_duration = (least_s > 0.0).then_some(least_s);
    input.current_position = heap(dim, |i| from.position[i]);
    input.current_velocity = heap(dim, |i| from.velocity[i]);
    input.current_acceleration = heap(dim, |i| from.acceleration[i]);
    input.target_position = heap(dim, |i| to.position[i]);
    input.target_velocity = heap(dim, |i| to.velocity[i]);
    input.target_acceleration = heap(dim, |i| to.acceleration[i]);
    input.max_velocity = heap(dim, |i| joints[i].velocity);
    input.max_acceleration = heap(dim, |i| joints[i].acceleration);
    input.max_jerk = heap(dim, |i| joints[i].jerk);

    let mut profiles = Profiles::<0>::new(Some(dim));
    let mut ruckig = Ruckig::<0, ThrowErrorHandler>::new(Some(dim), 0.001);
    match ruckig.calculate(&input, &mut profiles) {
        Ok(RuckigResult::Working | RuckigResult::Finished) => Ok(profiles),
        Ok(other) => Err(TrajectoryError::Unreachable { reason: format!("{other:?}") }),
        Err(error) => Err(TrajectoryError::Unreachable { reason: format!("{error:?}") }),
    }
}

fn switching_times_s(profiles: &Profiles<0>, duration_s: f64) -> Vec<f64> {
    let mut times_s = vec![0.0];
    let joints = &profiles.get_profiles()[0];
    for joint in 0..joints.len() {
        let profile = &joints[joint];
        let brake_s = profile.brake.duration;
        times_s.extend([profile.brake.t[0].min(brake_s), brake_s]);
        times_s.extend(profile.t_sum.iter().map(|t| brake_s + t));
    }
    times_s.retain(|&t| t == 0.0 || (t > SAME_TIME_S && t < duration_s - SAME_TIME_S));
    if duration_s > SAME_TIME_S {
        times_s.push(duration_s);
    }
    times_s.sort_by(f64::total_cmp);
    times_s.dedup_by(|later, kept| *later - *kept < SAME_TIME_S);
    times_s
}

fn heap(dim: usize, value: impl Fn(usize) -> f64) -> DataArrayOrVec<f64, 0> {
    DataArrayOrVec::Heap((0..dim).map(value).collect())
}

fn slice(values: &DataArrayOrVec<f64, 0>) -> &[f64] {
    match values {
        DataArrayOrVec::Heap(values) => values,
        DataArrayOrVec::Stack(values) => values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JointLimit;

    #[test]
    fn rest_to_rest_takes_the_seven_phase_time() {
        // v/a + a/j + (L)/v with all phases present: 0.5 + 0.2 + 1.5.
        let limits = JointLimits::new(vec![JointLimit::new(2.0, 4.0, 20.0)]).unwrap();
        let (from, to) = (JointSample::at_rest(&[0.0]), JointSample::at_rest(&[3.0]));
        let motion = move_to_state(vec!["a".into()], &from, &to, &limits).unwrap();
        assert!((motion.duration_s() - 2.2).abs() < 1e-9, "{}", motion.duration_s());
        assert!((motion.sample(1.1).position[0] - 1.5).abs() < 1e-9);
    }

    #[test]
    fn staying_takes_no_time() {
        let limits = JointLimits::new(vec![JointLimit::new(2.0, 4.0, 20.0)]).unwrap();
        let here = JointSample::at_rest(&[1.0]);
        let motion = move_to_state(vec!["a".into()], &here, &here, &limits).unwrap();
        assert_eq!(motion.duration_s(), 0.0);
    }
}
