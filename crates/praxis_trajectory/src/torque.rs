use crate::error::ensure_finite;
use crate::free_path::time_free_path;
use crate::{JointLimit, JointLimits, JointSample, Trajectory, TrajectoryError};

/// Torques are looked at this often.
const STEP_S: f64 = 1e-3;
/// Share of what gravity leaves of a torque limit that is used at the looks; the rest is for between
/// them.
const USED_SHARE: f64 = 0.99;
/// Shares of the acceleration limits that are tried: gentler ramps with a faster cruise between
/// them may be over sooner than the whole motion slowed down.
const ACCELERATION_SHARES: [f64; 7] = [1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2];

/// Slows a motion down where it asks for more than `most_torque` (one a joint, symmetric): each
/// stretch from rest to rest as a whole, by the least factor that suffices, so that the motion stays
/// on its own curve and what has been found free stays so.
///
/// `torques` tells what a state of the joints asks for; it has to be linear in the accelerations
/// and quadratic in the velocities, as those of a rigid mechanism are. A motion that starts or ends
/// moving is refused where it would have to be slowed down.
pub fn slow_for_torques(
    motion: &Trajectory,
    most_torque: &[f64],
    torques: &mut impl FnMut(&JointSample) -> Vec<f64>,
) -> Result<Trajectory, TrajectoryError> {
    check(most_torque, motion.dim())?;
    let mut slowed = Trajectory::with_capacity(motion.joint_names().to_vec(), motion.knot_count())?;
    let times_s = motion.times_s();
    let (mut first, mut offset_s, mut is_slower) = (0, times_s[0], false);
    for last in 1..motion.knot_count() {
        let is_end = last + 1 == motion.knot_count();
        if !is_end && !rests(motion, last) {
            continue;
        }
        let factor = slowness(motion, times_s[first], times_s[last], most_torque, torques)?;
        if factor > 1.0 && !(rests(motion, first) && rests(motion, last)) {
            let reason = format!(
                "the torque limits ask for {factor:.3} times the duration between {:.3} s and {:.3} s, \
                 where the motion does not rest",
                times_s[first], times_s[last]
            );
            return Err(TrajectoryError::Unreachable { reason });
        }
        is_slower |= factor > 1.0;
        for knot in usize::from(first > 0) + first..=last {
            let time_s = offset_s + factor * (times_s[knot] - times_s[first]);
            let scaled = |values: Option<&[f64]>, by: f64| -> Option<Vec<f64>> {
                values.map(|values| values.iter().map(|value| value / by).collect())
            };
            let velocity = scaled(motion.velocity(knot), factor);
            let acceleration = scaled(motion.acceleration(knot), factor * factor);
            let position = motion.position(knot);
            slowed.push(time_s, position, velocity.as_deref(), acceleration.as_deref())?;
        }
        offset_s += factor * (times_s[last] - times_s[first]);
        first = last;
    }
    if is_slower { slowed.finished() } else { Ok(motion.clone()) }
}

/// Like [`time_free_path`], within torque limits too: the quickest of several motions with gentler
/// accelerations, each slowed down as [`slow_for_torques`] does.
pub fn time_free_path_within_torques(
    joint_names: &[String],
    waypoints: &[Vec<f64>],
    limits: &JointLimits,
    deviation: f64,
    most_torque: &[f64],
    torques: &mut impl FnMut(&JointSample) -> Vec<f64>,
    mut edge_is_free: impl FnMut(&[f64], &[f64]) -> bool,
) -> Result<Trajectory, TrajectoryError> {
    let mut best: Option<Trajectory> = None;
    for share in ACCELERATION_SHARES {
        let gentler =
            |limit: &JointLimit| JointLimit { acceleration: share * limit.acceleration, ..*limit };
        let gentler = JointLimits::new(limits.joints().iter().map(gentler).collect())?;
        let names = joint_names.to_vec();
        let motion = time_free_path(names, waypoints, &gentler, deviation, &mut edge_is_free)?;
        let slowed = slow_for_torques(&motion, most_torque, torques)?;
        let was_within = slowed.duration_s() <= motion.duration_s();
        if best.as_ref().is_none_or(|best| slowed.duration_s() < best.duration_s()) {
            best = Some(slowed);
        }
        if was_within {
            break;
        }
    }
    best.ok_or(TrajectoryError::TooFew { what: "motions", got: 0, needed: 1 })
}

fn check(most_torque: &[f64], dim: usize) -> Result<(), TrajectoryError> {
    ensure_finite(|| "torque limits".to_owned(), most_torque, dim)?;
    match most_torque.iter().position(|most| *most <= 0.0) {
        Some(joint) => {
            let value = most_torque[joint];
            Err(TrajectoryError::BadLimit { what: "torque", joint, value })
        }
        None => Ok(()),
    }
}

fn rests(motion: &Trajectory, knot: usize) -> bool {
    let still = |values: Option<&[f64]>| values.is_none_or(|v| v.iter().all(|v| *v == 0.0));
    still(motion.velocity(knot)) && still(motion.acceleration(knot))
}

/// The least factor, 1 or more, by which a stretch has to be longer.
fn slowness(
    motion: &Trajectory,
    start_s: f64,
    end_s: f64,
    most_torque: &[f64],
    torques: &mut impl FnMut(&JointSample) -> Vec<f64>,
) -> Result<f64, TrajectoryError> {
    let steps = ((end_s - start_s) / STEP_S).ceil().max(1.0) as usize;
    let (mut cursor, mut state) = (0, JointSample::zeros(motion.dim()));
    let mut share = 1.0_f64;
    for step in 0..=steps {
        let time_s = start_s + (end_s - start_s) * step as f64 / steps as f64;
        motion.sample_into(time_s, &mut cursor, &mut state);
        let asked = torques(&state);
        let held = torques(&JointSample::at_rest(&state.position));
        for (joint, &most) in most_torque.iter().enumerate() {
            let (held, moving) = (held[joint], asked[joint] - held[joint]);
            let left = most - held * moving.signum();
            if held.abs() >= most || !(held + moving).is_finite() {
                return Err(TrajectoryError::HoldingTorque { joint, torque: held, most, time_s });
            }
            // Slower by k, what is not holding shrinks by k².
            if moving.abs() > USED_SHARE * left {
                share = share.min(USED_SHARE * left / moving.abs());
            }
        }
    }
    Ok(share.recip().sqrt())
}
