use crate::stop::{JerkPhase, stop_phases};
use crate::{JointLimits, JointSample, Trajectory, TrajectoryError};

/// Knots of a brake nearer in time than this are one.
const SAME_TIME_S: f64 = 1e-9;
/// Knot spacing of a brake along a path.
const STEP_S: f64 = 0.002;
/// Share of the limits that a brake along a path uses at its knots; the rest is for between them.
const KNOT_SHARE: f64 = 0.85;
/// Halvings of what is not known about the shortest brake along a path.
const PATH_BRAKE_HALVINGS: u32 = 4;
/// Longest brake along a path before every joint brakes on its own.
const LONGEST_PATH_BRAKE_S: f64 = 4.0;

/// Stops every joint on its own as soon as its acceleration and jerk limits allow.
///
/// Works from any finite state, also one beyond the limits (then acceleration returns within its
/// limit at the jerk limit first). The joints leave their path; [`brake_along`] stays on it.
pub fn brake(
    joint_names: Vec<String>,
    state: &JointSample,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    let dim = joint_names.len();
    state.check(dim)?;
    if limits.dim() != dim {
        let what = "limits".to_owned();
        return Err(TrajectoryError::LengthMismatch { what, got: limits.dim(), expected: dim });
    }
    let phases: Vec<[JerkPhase; 3]> = limits
        .joints()
        .iter()
        .enumerate()
        .map(|(i, limit)| stop_phases(state.velocity[i], state.acceleration[i], limit))
        .collect();

    let mut times_s = vec![0.0];
    for joint in &phases {
        let mut time_s = 0.0;
        for phase in joint {
            time_s += phase.duration_s;
            times_s.push(time_s);
        }
    }
    times_s.sort_by(f64::total_cmp);
    times_s.dedup_by(|later, kept| *later - *kept < SAME_TIME_S);

    let mut trajectory = Trajectory::with_capacity(joint_names, times_s.len())?;
    let mut row = JointSample::zeros(dim);
    let last = times_s.len() - 1;
    for (index, &time_s) in times_s.iter().enumerate() {
        for i in 0..dim {
            let start = [state.position[i], state.velocity[i], state.acceleration[i]];
            let [p, v, a] = state_after(start, &phases[i], time_s);
            let is_end = index == last && index > 0;
            (row.position[i], row.velocity[i], row.acceleration[i]) =
                if is_end { (p, 0.0, 0.0) } else { (p, v, a) };
        }
        trajectory.push(time_s, &row.position, Some(&row.velocity), Some(&row.acceleration))?;
    }
    trajectory.finished()
}

fn state_after(start: [f64; 3], phases: &[JerkPhase], time_s: f64) -> [f64; 3] {
    let [mut p, mut v, mut a] = start;
    let mut left_s = time_s;
    for phase in phases {
        let t = phase.duration_s.min(left_s);
        p += t * (v + t * (0.5 * a + t * phase.jerk / 6.0));
        v += t * (a + 0.5 * t * phase.jerk);
        a += t * phase.jerk;
        left_s -= t;
    }
    [p, v, a]
}

/// Stops a running trajectory on its own path: time is slowed from its rate 1 at `time_s` to 0.
///
/// Takes the shortest such stop whose velocities, accelerations and jerks keep `limits`; where
/// none does within seconds, every joint brakes on its own as [`brake`] does.
pub fn brake_along(
    trajectory: &Trajectory,
    time_s: f64,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    let state = trajectory.sample(time_s);
    let (mut too_short_s, mut duration_s) = (0.0, 0.02);
    while duration_s < LONGEST_PATH_BRAKE_S {
        let mut slowed = slow_down(trajectory, time_s, duration_s)?;
        if keeps_limits(&slowed, limits) {
            for _ in 0..PATH_BRAKE_HALVINGS {
                let between_s = 0.5 * (too_short_s + duration_s);
                let shorter = slow_down(trajectory, time_s, between_s)?;
                if keeps_limits(&shorter, limits) {
                    (slowed, duration_s) = (shorter, between_s);
                } else {
                    too_short_s = between_s;
                }
            }
            return Ok(slowed);
        }
        too_short_s = duration_s;
        duration_s *= 1.15;
    }
    brake(trajectory.joint_names().to_vec(), &state, limits)
}

/// The trajectory from `time_s` on, its clock rate falling from 1 to 0 as a cubic.
fn slow_down(
    trajectory: &Trajectory,
    time_s: f64,
    duration_s: f64,
) -> Result<Trajectory, TrajectoryError> {
    let steps = (duration_s / STEP_S).ceil() as usize;
    let mut slowed = Trajectory::with_capacity(trajectory.joint_names().to_vec(), steps + 1)?;
    let mut row = JointSample::zeros(trajectory.dim());
    let mut cursor = 0;
    for step in 0..=steps {
        let x = step as f64 / steps as f64;
        let rate = 1.0 - x * x * (3.0 - 2.0 * x);
        let rate_change = -6.0 * x * (1.0 - x) / duration_s;
        let elapsed_s = duration_s * (x - x * x * x + 0.5 * x * x * x * x);
        trajectory.sample_into(time_s + elapsed_s, &mut cursor, &mut row);
        for (v, a) in row.velocity.iter_mut().zip(&mut row.acceleration) {
            *a = *a * rate * rate + *v * rate_change;
            *v *= rate;
        }
        slowed.push(x * duration_s, &row.position, Some(&row.velocity), Some(&row.acceleration))?;
    }
    slowed.finished()
}

fn keeps_limits(trajectory: &Trajectory, limits: &JointLimits) -> bool {
    let times_s = trajectory.times_s();
    (1..trajectory.knot_count()).all(|k| {
        let step_s = times_s[k] - times_s[k - 1];
        let (Some(before), Some(here)) =
            (trajectory.acceleration(k - 1), trajectory.acceleration(k))
        else {
            return false;
        };
        limits.joints().iter().enumerate().all(|(i, limit)| {
            here[i].abs() <= KNOT_SHARE * limit.acceleration
                && (here[i] - before[i]).abs() <= KNOT_SHARE * limit.jerk * step_s
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JointLimit;
    use proptest::prelude::*;

    fn limit() -> JointLimit {
        JointLimit::new(2.0, 4.0, 20.0)
    }

    proptest! {
        #[test]
        fn every_brake_ends_at_rest_within_limits(
            position in -3.0..3.0,
            velocity in -2.5..2.5,
            acceleration in -6.0..6.0,
        ) {
            let limits = JointLimits::new(vec![limit()]).unwrap();
            let state = JointSample {
                position: vec![position],
                velocity: vec![velocity],
                acceleration: vec![acceleration],
            };
            let stop = brake(vec!["a".into()], &state, &limits).unwrap();
            let phases = stop_phases(velocity, acceleration, &limit());
            let [_, v, a] = state_after([position, velocity, acceleration], &phases, 1e9);
            prop_assert!(v.abs() < 1e-9 && a.abs() < 1e-9, "{v} {a}");
            let start = stop.sample(0.0);
            if stop.knot_count() > 1 {
                prop_assert!((start.velocity[0] - velocity).abs() < 1e-9);
            }
            let most = acceleration.abs().max(4.0) + 1e-6;
            let steps = (stop.duration_s() * 1000.0) as usize;
            let mut before = start.acceleration[0];
            for step in 1..steps {
                let sample = stop.sample(step as f64 * 1e-3);
                prop_assert!(sample.acceleration[0].abs() <= most);
                prop_assert!((sample.acceleration[0] - before).abs() <= 0.02 + 1e-6);
                before = sample.acceleration[0];
            }
        }
    }
}
