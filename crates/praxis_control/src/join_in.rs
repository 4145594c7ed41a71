use praxis_trajectory::{
    JointLimits, JointSample, Knot, Trajectory, TrajectoryError, move_to_state,
};

use crate::smooth::stretch;

/// States nearer than this are the same: position, and shares of the velocity and acceleration limits.
const SAME_POSITION: f64 = 1e-6;
const SAME_SHARE: f64 = 0.01;
/// Spans tried for the way onto the trajectory, seconds: the first, and the growth from one to the next.
const FIRST_SPAN_S: f64 = 0.02;
const GROWTH: f64 = 1.15;
/// Looks along the way at positions and velocities.
const LOOKS: usize = 24;
/// So much faster the way may be than its limits let it: a motion near its own leaves little room to
/// catch up with it. The gate has the last word.
const HASTE: f64 = 1.02;

/// The trajectory from `enter_s` on, but entered from a state that is not on it: the shortest smooth
/// way within the limits leads to where the trajectory will be when the way ends.
///
/// A trajectory that starts in the given state comes back as it is. Where the trajectory ends before
/// any such way does, its end is reached as soon as the limits allow.
pub(crate) fn join_in(
    trajectory: Trajectory,
    enter_s: f64,
    from: &JointSample,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    if is_same(&trajectory.sample(enter_s), from, limits) {
        return Ok(trajectory);
    }
    let (names, end_s) = (trajectory.joint_names().to_vec(), trajectory.duration_s());
    let start = knot(enter_s, from);
    let mut span_s = FIRST_SPAN_S;
    while enter_s + span_s < end_s {
        let meet_s = enter_s + span_s;
        let ends = [start.clone(), knot(meet_s, &trajectory.sample(meet_s))];
        let way = Trajectory::new(names.clone(), &ends)?;
        if keeps(&way, enter_s, span_s, limits) {
            let rest = trajectory.knots().filter(|knot| knot.time_s > meet_s + 1e-6);
            let knots: Vec<Knot> = ends.into_iter().chain(rest).collect();
            return Trajectory::new(names, &knots);
        }
        span_s *= GROWTH;
    }
    let end = JointSample::at_rest(trajectory.last_position());
    let way = move_to_state(names.clone(), from, &end, limits)?;
    let later = |knot: Knot| Knot { time_s: knot.time_s + enter_s, ..knot };
    let knots: Vec<Knot> = way.knots().map(later).collect();
    Trajectory::new(names, &knots)
}

fn knot(time_s: f64, state: &JointSample) -> Knot {
    Knot {
        time_s,
        position: state.position.clone(),
        velocity: state.velocity.clone(),
        acceleration: state.acceleration.clone(),
    }
}

fn is_same(a: &JointSample, b: &JointSample, limits: &JointLimits) -> bool {
    limits.joints().iter().enumerate().all(|(joint, limit)| {
        (a.position[joint] - b.position[joint]).abs() <= SAME_POSITION
            && (a.velocity[joint] - b.velocity[joint]).abs() <= SAME_SHARE * limit.velocity
            && (a.acceleration[joint] - b.acceleration[joint]).abs()
                <= SAME_SHARE * limit.acceleration
    })
}

fn keeps(way: &Trajectory, enter_s: f64, span_s: f64, limits: &JointLimits) -> bool {
    let (mut cursor, mut sample) = (0, JointSample::zeros(way.dim()));
    let inside = (0..=LOOKS).all(|look| {
        // The end itself would be sampled at rest.
        let share = look as f64 / LOOKS as f64 * (1.0 - 1e-9);
        way.sample_into(enter_s + share * span_s, &mut cursor, &mut sample);
        limits.joints().iter().enumerate().all(|(joint, limit)| {
            sample.velocity[joint].abs() <= limit.velocity
                && sample.position[joint] >= limit.min_position
                && sample.position[joint] <= limit.max_position
        })
    });
    inside && stretch(way, limits) <= HASTE
}
