use praxis_trajectory::{JointLimits, JointSample, Knot, Trajectory, TrajectoryError};

/// Knots nearer in time than this are one: a sender's rounding of times, not a motion.
const SAME_TIME_S: f64 = 1e-6;
/// Segments shorter than this are looked at only at their ends: rounding of times rules inside.
const SHORT_S: f64 = 1e-3;
/// Looks into a longer segment, at most.
const MOST_LOOKS: f64 = 8.0;

/// Fills in velocities and accelerations that were not given, so that the motion through the knots
/// has no jump in either: at rest at both ends, and between them velocities that do not overshoot
/// the knots (Fritsch and Butland 1984), accelerations as the cubics on both sides have on average.
///
/// joint_trajectory_controller takes straight lines or bare cubics here, whose jumps no arm can
/// follow; the knots are met either way.
pub(crate) fn complete(knots: &mut [Knot]) {
    let Some(dim) = knots.first().map(|knot| knot.position.len()) else { return };
    let last = knots.len() - 1;
    for index in 0..knots.len() {
        if knots[index].velocity.is_empty() {
            let velocity = if index == 0 || index == last {
                vec![0.0; dim]
            } else {
                (0..dim).map(|joint| knot_velocity(knots, index, joint)).collect()
            };
            knots[index].velocity = velocity;
        }
    }
    for index in 0..knots.len() {
        if knots[index].acceleration.is_empty() {
            let acceleration = if index == 0 || index == last {
                vec![0.0; dim]
            } else {
                let sides = |joint| {
                    let [_, before] = cubic_accelerations(knots, index - 1, joint);
                    let [after, _] = cubic_accelerations(knots, index, joint);
                    0.5 * (before + after)
                };
                (0..dim).map(sides).collect()
            };
            knots[index].acceleration = acceleration;
        }
    }
}

/// Drops knots that stand at the time of the one before; the end stays.
pub(crate) fn merge_close(knots: &mut Vec<Knot>) {
    let last = knots.pop();
    knots.dedup_by(|later, kept| later.time_s - kept.time_s < SAME_TIME_S);
    if let Some(last) = last {
        if knots.last().is_some_and(|knot| last.time_s - knot.time_s < SAME_TIME_S) {
            knots.pop();
        }
        knots.push(last);
    }
}

/// How much slower a trajectory must run so that its accelerations and jerks keep the limits.
pub(crate) fn stretch(trajectory: &Trajectory, limits: &JointLimits) -> f64 {
    let times_s = trajectory.times_s();
    let mut most: f64 = 1.0;
    let (mut cursor, mut sample) = (0, JointSample::zeros(trajectory.dim()));
    for index in 1..times_s.len() {
        let (start_s, span_s) = (times_s[index - 1], times_s[index] - times_s[index - 1]);
        let ends = [trajectory.acceleration(index - 1), trajectory.acceleration(index)];
        let (Some(mut before), Some(end)) = (ends[0].map(<[f64]>::to_vec), ends[1]) else {
            continue;
        };
        let looks = (span_s / SHORT_S).clamp(1.0, MOST_LOOKS) as usize;
        for look in 1..=looks {
            let now = if look == looks {
                end
            } else {
                let time_s = start_s + span_s * look as f64 / looks as f64;
                trajectory.sample_into(time_s, &mut cursor, &mut sample);
                &sample.acceleration
            };
            for (joint, limit) in limits.joints().iter().enumerate() {
                most = most.max((now[joint].abs() / limit.acceleration).sqrt());
                if span_s >= SHORT_S {
                    let jerk = (now[joint] - before[joint]) * looks as f64 / span_s;
                    most = most.max((jerk.abs() / limit.jerk).cbrt());
                }
            }
            before.copy_from_slice(now);
        }
    }
    most
}

/// The same path, `factor` times slower.
pub(crate) fn slower(trajectory: &Trajectory, factor: f64) -> Result<Trajectory, TrajectoryError> {
    let slow = |mut knot: Knot| {
        knot.time_s *= factor;
        knot.velocity.iter_mut().for_each(|velocity| *velocity /= factor);
        knot.acceleration.iter_mut().for_each(|value| *value /= factor * factor);
        knot
    };
    let knots: Vec<Knot> = trajectory.knots().map(slow).collect();
    Trajectory::new(trajectory.joint_names().to_vec(), &knots)
}

/// Weighted harmonic mean of the slopes on both sides; zero where the direction turns.
fn knot_velocity(knots: &[Knot], index: usize, joint: usize) -> f64 {
    let slope = |from: usize| {
        let span_s = knots[from + 1].time_s - knots[from].time_s;
        ((knots[from + 1].position[joint] - knots[from].position[joint]) / span_s, span_s)
    };
    let ((left, left_s), (right, right_s)) = (slope(index - 1), slope(index));
    if left * right <= 0.0 {
        return 0.0;
    }
    let (w1, w2) = (2.0 * right_s + left_s, right_s + 2.0 * left_s);
    (w1 + w2) / (w1 / left + w2 / right)
}

/// Accelerations at both ends of the cubic between knot `from` and the next.
fn cubic_accelerations(knots: &[Knot], from: usize, joint: usize) -> [f64; 2] {
    let (a, b) = (&knots[from], &knots[from + 1]);
    let h = b.time_s - a.time_s;
    let mean = (b.position[joint] - a.position[joint]) / h;
    let (v0, v1) = (a.velocity[joint], b.velocity[joint]);
    [(6.0 * mean - 4.0 * v0 - 2.0 * v1) / h, (2.0 * v0 + 4.0 * v1 - 6.0 * mean) / h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knot(time_s: f64, position: f64) -> Knot {
        Knot { time_s, position: vec![position], ..Knot::default() }
    }

    #[test]
    fn equal_steps_are_passed_at_their_slope() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 2.0), knot(3.0, 3.0)];
        complete(&mut knots);
        let velocities: Vec<f64> = knots.iter().map(|k| k.velocity[0]).collect();
        assert_eq!(velocities, [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(knots[0].acceleration, [0.0]);
    }

    #[test]
    fn a_turning_point_is_not_overshot() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 0.0)];
        complete(&mut knots);
        assert_eq!(knots[1].velocity, [0.0]);
    }

    #[test]
    fn knots_doubled_by_rounding_become_one_and_the_end_stays() {
        let mut knots =
            vec![knot(0.0, 0.0), knot(1.0, 1.0), knot(1.0 + 1e-9, 1.0), knot(1.0 + 2e-9, 1.1)];
        merge_close(&mut knots);
        assert_eq!(knots, [knot(0.0, 0.0), knot(1.0 + 2e-9, 1.1)]);
    }

    #[test]
    fn a_hasty_motion_is_stretched_until_it_keeps_the_limits() {
        let limits =
            JointLimits::new(vec![praxis_trajectory::JointLimit::new(9.0, 4.0, 100.0)]).unwrap();
        let mut knots = [knot(0.0, 0.0), knot(0.2, 0.5)];
        complete(&mut knots);
        let hasty = Trajectory::new(vec!["a".into()], &knots).unwrap();
        let factor = stretch(&hasty, &limits);
        assert!(factor > 3.0, "{factor}");
        let calm = slower(&hasty, factor).unwrap();
        assert!((stretch(&calm, &limits) - 1.0).abs() < 1e-9);
        assert_eq!(calm.last_position(), hasty.last_position());
    }

    #[test]
    fn what_was_given_stays() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 2.0)];
        knots[1].velocity = vec![0.3];
        complete(&mut knots);
        assert_eq!(knots[1].velocity, [0.3]);
    }
}
