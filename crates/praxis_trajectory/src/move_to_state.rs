use rsruckig::prelude::{
    DataArrayOrVec, InputParameter, Ruckig, RuckigResult, Synchronization, ThrowErrorHandler,
    Trajectory as Profiles,
};

use crate::hermite::{Segment, interpolate};
use crate::{JointLimit, JointLimits, JointSample, Trajectory, TrajectoryError};

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

/// The motion of [`move_to_state`], worked out but not yet written as a trajectory: whoever wants the
/// shortest of many asks each for its duration first.
pub struct DirectMotion<'a> {
    profiles: Profiles<0>,
    from: &'a JointSample,
    to: &'a JointSample,
}

impl<'a> DirectMotion<'a> {
    /// Works it out.
    pub fn new(
        from: &'a JointSample,
        to: &'a JointSample,
        limits: &JointLimits,
    ) -> Result<Self, TrajectoryError> {
        Self::in_at_least(from, to, limits, 0.0)
    }

    /// The same, taking `least_s` or, where no motion takes just that long, a little longer.
    fn in_at_least(
        from: &'a JointSample,
        to: &'a JointSample,
        limits: &JointLimits,
        least_s: f64,
    ) -> Result<Self, TrajectoryError> {
        from.check(limits.dim())?;
        to.check(limits.dim())?;
        Ok(Self { profiles: solve(from, to, limits, least_s)?, from, to })
    }

    /// How long it takes.
    pub fn duration_s(&self) -> f64 {
        self.profiles.get_duration()
    }

    /// Its trajectory, with a knot at every change of jerk.
    pub fn trajectory(&self, joint_names: Vec<String>) -> Result<Trajectory, TrajectoryError> {
        let Self { profiles, from, to } = self;
        let dim = joint_names.len();
        if from.position.len() != dim {
            let (what, got) = ("limits".to_owned(), from.position.len());
            return Err(TrajectoryError::LengthMismatch { what, got, expected: dim });
        }
        let duration_s = self.duration_s();
        let mut trajectory = Trajectory::with_capacity(joint_names, 8 * dim)?;
        let reached = state_at(profiles, duration_s, dim);
        for &time_s in &switching_times_s(profiles, duration_s) {
            let made_up;
            let JointSample { position, velocity, acceleration } = if time_s == 0.0 {
                from
            } else if time_s == duration_s {
                to
            } else {
                let mut state = state_at(profiles, time_s, dim);
                make_up(&mut state, &reached, to, time_s, duration_s);
                made_up = state;
                &made_up
            };
            trajectory.push(time_s, position, Some(velocity), Some(acceleration))?;
        }
        trajectory.finished()
    }
}

/// No more time than any motion of [`move_to_state`] between two states takes, in closed form: as if
/// acceleration could jump and each joint went alone.
pub fn least_duration_s(from: &JointSample, to: &JointSample, limits: &JointLimits) -> f64 {
    /// Ways nearer than this are the same, as rounding has them.
    const SAME_WAY: f64 = 1e-9;
    let joint_s = |(limit, [p0, v0, p1, v1]): (&JointLimit, [f64; 4])| {
        let (most, way) = (limit.acceleration, p1 - p0);
        // Full acceleration from one speed to the other covers this; more is gained by going faster
        // in between, less by going slower (or back): the mirror image of the same.
        let straight = 0.5 * (v1 - v0).abs() * (v0 + v1) / most;
        if (way - straight).abs() <= SAME_WAY {
            return (v1 - v0).abs() / most;
        }
        let (v0, v1, way) = if way > straight { (v0, v1, way) } else { (-v0, -v1, -way) };
        let squares = v0 * v0 + v1 * v1;
        let peak = (0.5 * squares + most * way).max(0.0).sqrt();
        let fastest = limit.velocity.max(v0.abs()).max(v1.abs());
        if peak <= fastest {
            return (2.0 * peak - v0 - v1) / most;
        }
        let cruise = way - (2.0 * fastest * fastest - squares) / (2.0 * most);
        (2.0 * fastest - v0 - v1) / most + cruise / fastest
    };
    let from = from.position.iter().zip(&from.velocity);
    let to = to.position.iter().zip(&to.velocity);
    let ends = from.zip(to).map(|((&p0, &v0), (&p1, &v1))| [p0, v0, p1, v1]);
    limits.joints().iter().zip(ends).map(joint_s).fold(0.0, f64::max)
}

/// [`move_to_state`], taking `least_s` or, where no motion takes just that long, a little longer.
pub(crate) fn move_to_state_in(
    joint_names: Vec<String>,
    from: &JointSample,
    to: &JointSample,
    limits: &JointLimits,
    least_s: f64,
) -> Result<Trajectory, TrajectoryError> {
    DirectMotion::in_at_least(from, to, limits, least_s)?.trajectory(joint_names)
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_motion_takes_less_than_its_least_time(
            start in prop::collection::vec((-2.0..2.0, -1.9..1.9), 3),
            end in prop::collection::vec((-2.0..2.0, -1.9..1.9), 3),
            jerk in 20.0..1e5,
        ) {
            let limits = JointLimits::new(vec![JointLimit::new(2.0, 4.0, jerk); 3]).unwrap();
            let state = |rows: &[(f64, f64)]| {
                let (position, velocity) = rows.iter().copied().unzip();
                JointSample { position, velocity, acceleration: vec![0.0; rows.len()] }
            };
            let (from, to) = (state(&start), state(&end));
            let least_s = least_duration_s(&from, &to, &limits);
            // Some states have no motion between them at low jerk without leaving the limits.
            if let Ok(motion) = DirectMotion::new(&from, &to, &limits) {
                prop_assert!(motion.duration_s() >= least_s - 1e-9);
            }
            let at_once = JointLimits::new(vec![JointLimit::new(2.0, 4.0, 1e7)]).unwrap();
            let one = |row: (f64, f64)| state(&[row]);
            let (from, to) = (one(start[0]), one(end[0]));
            let motion = DirectMotion::new(&from, &to, &at_once).unwrap();
            let least_s = least_duration_s(&from, &to, &at_once);
            prop_assert!(motion.duration_s() < least_s + 1e-3, "{least_s} is far off");
        }
    }

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
    fn a_state_is_where_it_is_at_any_speed() {
        let limits = JointLimits::new(vec![JointLimit::new(2.0, 4.0, 20.0)]).unwrap();
        for speed in [-1.0, 1.0] {
            let state = JointSample { velocity: vec![speed], ..JointSample::zeros(1) };
            assert_eq!(least_duration_s(&state, &state, &limits), 0.0);
        }
    }

    #[test]
    fn staying_takes_no_time() {
        let limits = JointLimits::new(vec![JointLimit::new(2.0, 4.0, 20.0)]).unwrap();
        let here = JointSample::at_rest(&[1.0]);
        let motion = move_to_state(vec!["a".into()], &here, &here, &limits).unwrap();
        assert_eq!(motion.duration_s(), 0.0);
    }
}
