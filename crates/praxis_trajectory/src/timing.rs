use crate::blended_path::{Polyline, Section};
use crate::limits::JointLimit;
use crate::smoothing::{Smoothed, ramp_s, smooth};
use crate::speed_profile::fastest;
use crate::{JointLimits, Trajectory, TrajectoryError};

/// Shares of the acceleration limit that are tried where the jerk limit is what holds a motion back.
const ACCELERATION_SHARES: [f64; 7] = [0.75, 0.55, 0.4, 0.3, 0.2, 0.12, 0.06];

/// Times a path of straight lines through `waypoints`, from rest to rest, as fast as `limits` allow.
///
/// Corners are rounded by parabolas that pass the waypoint at `deviation` (joint space, L2) or
/// nearer where legs are short; at zero deviation the motion stops at every corner and stays on the
/// lines exactly. Velocity, acceleration and jerk limits hold at every moment. The motion stays in
/// the convex hull of the waypoints; smoothing the acceleration moves it off the rounded path by at
/// most `ramp² acceleration / 6` a joint, where `ramp` is the longest `acceleration / jerk` of all
/// joints. So what has to be checked for collisions is the trajectory that comes back;
/// [`time_free_path`](crate::time_free_path) does both.
///
/// ```
/// # use praxis_trajectory::{JointLimit, JointLimits, time_path};
/// let limits = JointLimits::new(vec![JointLimit::new(1.0, 2.0, 10.0); 2])?;
/// let corner = [vec![0.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0]];
/// let names = vec!["a".to_owned(), "b".to_owned()];
/// let rounded = time_path(names.clone(), &corner, &limits, 0.05)?;
/// let stopping = time_path(names, &corner, &limits, 0.0)?;
/// assert!(rounded.duration_s() < stopping.duration_s());
/// # Ok::<(), praxis_trajectory::TrajectoryError>(())
/// ```
pub fn time_path(
    joint_names: Vec<String>,
    waypoints: &[Vec<f64>],
    limits: &JointLimits,
    deviation: f64,
) -> Result<Trajectory, TrajectoryError> {
    let deviations = vec![deviation; waypoints.len().saturating_sub(2)];
    time_path_with_corners(joint_names, waypoints, limits, &deviations)
}

/// Like [`time_path`], with a deviation for each inner waypoint.
pub fn time_path_with_corners(
    joint_names: Vec<String>,
    waypoints: &[Vec<f64>],
    limits: &JointLimits,
    corner_deviation: &[f64],
) -> Result<Trajectory, TrajectoryError> {
    let (polyline, deviations) = Polyline::new(waypoints, corner_deviation)?;
    check_dimensions(joint_names.len(), waypoints, limits)?;
    let timed = time_sections(&polyline, &deviations, limits);
    in_one(joint_names, &timed, &waypoints[0])
}

pub(crate) fn check_dimensions(
    dim: usize,
    waypoints: &[Vec<f64>],
    limits: &JointLimits,
) -> Result<(), TrajectoryError> {
    for (what, got) in [("waypoints", waypoints[0].len()), ("limits", limits.dim())] {
        if got != dim {
            let what = what.to_owned();
            return Err(TrajectoryError::LengthMismatch { what, got, expected: dim });
        }
    }
    Ok(())
}

/// The motion along each section, from rest to rest.
pub(crate) fn time_sections(
    polyline: &Polyline,
    deviations: &[f64],
    limits: &JointLimits,
) -> Vec<Smoothed> {
    polyline.sections(deviations).iter().map(|s| time_section(s, limits.joints())).collect()
}

/// The sections one after another; without any, a rest at the start.
pub(crate) fn in_one(
    joint_names: Vec<String>,
    timed: &[Smoothed],
    start: &[f64],
) -> Result<Trajectory, TrajectoryError> {
    let zeros = vec![0.0; joint_names.len()];
    let mut trajectory = Trajectory::with_capacity(joint_names, 64 * timed.len() + 1)?;
    let mut offset_s = 0.0;
    for (index, section) in timed.iter().enumerate() {
        section.append_to(&mut trajectory, offset_s, index == 0)?;
        offset_s += section.duration_s();
    }
    if timed.is_empty() {
        trajectory.push(0.0, start, Some(&zeros), Some(&zeros))?;
    }
    trajectory.finished()
}

fn time_section(section: &Section, limits: &[JointLimit]) -> Smoothed {
    let mut best = attempt(section, limits, limits);
    // With little jerk a gentler acceleration needs a shorter window and may be faster.
    if 2.0 * ramp_s(limits) > 0.1 * best.duration_s() {
        for share in ACCELERATION_SHARES {
            let gentler: Vec<JointLimit> = limits
                .iter()
                .map(|l| JointLimit { acceleration: share * l.acceleration, ..*l })
                .collect();
            let candidate = attempt(section, &gentler, limits);
            if candidate.duration_s() < best.duration_s() {
                best = candidate;
            }
        }
    }
    best
}

fn attempt(section: &Section, planned: &[JointLimit], limits: &[JointLimit]) -> Smoothed {
    let arcs = fastest(section, planned);
    smooth(section, &arcs, limits, ramp_s(planned))
}
