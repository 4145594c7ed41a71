use crate::blended_path::{Piece, Polyline};
use crate::chords::{Walker, sampling_step_s};
use crate::smoothing::{Smoothed, Stretch};
use crate::timing::{check_dimensions, in_one, time_sections};
use crate::{JointLimits, Trajectory, TrajectoryError};

/// Corners are rounded by less than this or not at all.
const LEAST_DEVIATION: f64 = 1e-3;
/// Halvings, on a logarithmic scale, of what is not known about the largest free deviation.
const HALVINGS: u32 = 3;
/// Share that is taken of a deviation at the edge of what is free: what nearly touches takes long
/// to prove free, and averaging moves the motion inwards.
const TAKEN_SHARE: f64 = 0.9;
/// Share of a deviation that is tried next where the motion around a corner is not free.
const NEXT_SHARE: f64 = 0.6;
/// Chords of a rounded corner in a first look, from the middle outwards: where it is farthest off
/// the path it is most likely to touch. Being inside the curve they are on the safe side.
const FIRST_LOOK: [(f64, f64); 4] = [(0.5, 0.25), (0.5, 0.75), (0.25, 0.0), (0.75, 1.0)];

/// Times a path as [`time_path`](crate::time_path) does, with corners rounded only as far as they
/// are free: by `deviation` (joint space, L2) where that is free, by less where it is not, and where
/// nothing is the motion stops at the corner.
///
/// `edge_is_free` says whether all of a straight line from a free configuration to another is free;
/// it is not asked about the lines through `waypoints`, which have to be free. All of the motion
/// that leaves them is checked as it will be executed, in chords that it leaves by less than
/// 0.5 mrad.
///
/// ```
/// # use praxis_trajectory::{JointLimit, JointLimits, time_free_path};
/// let limits = JointLimits::new(vec![JointLimit::new(1.0, 2.0, 10.0); 2])?;
/// let corner = [vec![0.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0]];
/// let names = || vec!["a".to_owned(), "b".to_owned()];
/// let right_of_it = |_: &[f64], to: &[f64]| to[0] - to[1] > 0.95 || to[1] > 0.5 || to[0] < 0.5;
/// let rounded = time_free_path(names(), &corner, &limits, 0.3, right_of_it)?;
/// let stopping = time_free_path(names(), &corner, &limits, 0.3, |_, _| false)?;
/// assert!(rounded.duration_s() < stopping.duration_s());
/// # Ok::<(), praxis_trajectory::TrajectoryError>(())
/// ```
pub fn time_free_path(
    joint_names: Vec<String>,
    waypoints: &[Vec<f64>],
    limits: &JointLimits,
    deviation: f64,
    mut edge_is_free: impl FnMut(&[f64], &[f64]) -> bool,
) -> Result<Trajectory, TrajectoryError> {
    let wished = vec![deviation; waypoints.len().saturating_sub(2)];
    let (polyline, mut deviations) = Polyline::new(waypoints, &wished)?;
    check_dimensions(joint_names.len(), waypoints, limits)?;
    for (corner, deviation) in deviations.iter_mut().enumerate() {
        *deviation = free_deviation(&polyline, corner, *deviation, &mut edge_is_free);
    }
    loop {
        let timed = time_sections(&polyline, &deviations, limits);
        let motion = in_one(joint_names.clone(), &timed, &waypoints[0])?;
        let blocked = blocked_corners(&motion, &timed, limits, &mut edge_is_free);
        if blocked.is_empty() {
            return Ok(motion);
        }
        for corner in blocked {
            let smaller = NEXT_SHARE * deviations[corner];
            deviations[corner] = if smaller < LEAST_DEVIATION { 0.0 } else { smaller };
        }
    }
}

/// About the largest deviation, up to what is wished for, at which a first look finds the rounded
/// corner free. The timed motion decides.
fn free_deviation(
    polyline: &Polyline,
    corner: usize,
    wished: f64,
    edge_is_free: &mut impl FnMut(&[f64], &[f64]) -> bool,
) -> f64 {
    let mut looks_free = |deviation: f64| {
        polyline.rounded(corner, deviation).is_none_or(|piece| first_look(&piece, edge_is_free))
    };
    let widest = wished.min(polyline.widest_deviation(corner));
    if widest <= LEAST_DEVIATION || looks_free(widest) {
        return widest;
    }
    let (mut free, mut blocked) = (LEAST_DEVIATION, widest);
    for _ in 0..HALVINGS {
        let between = (free * blocked).sqrt();
        *if looks_free(between) { &mut free } else { &mut blocked } = between;
    }
    TAKEN_SHARE * free
}

fn first_look(piece: &Piece, edge_is_free: &mut impl FnMut(&[f64], &[f64]) -> bool) -> bool {
    let mut ends = [vec![0.0; piece.start.len()], vec![0.0; piece.start.len()]];
    FIRST_LOOK.iter().all(|&(from, to)| {
        piece.position_into(from * piece.length, &mut ends[0]);
        piece.position_into(to * piece.length, &mut ends[1]);
        edge_is_free(&ends[0], &ends[1])
    })
}

/// Corners around which the motion is not free.
fn blocked_corners(
    motion: &Trajectory,
    timed: &[Smoothed],
    limits: &JointLimits,
    edge_is_free: &mut impl FnMut(&[f64], &[f64]) -> bool,
) -> Vec<usize> {
    let step_s = sampling_step_s(limits);
    let mut walker = Walker::new(motion);
    let (mut blocked, mut offset_s, mut checked_s) = (Vec::new(), 0.0, 0.0);
    for section in timed {
        for &Stretch { corner, start_s, end_s } in &section.stretches {
            let end_s = offset_s + end_s.min(section.duration_s());
            // Stretches of near corners overlap.
            let start_s = (offset_s + start_s).max(checked_s);
            if walker.first_blocked(start_s, end_s, step_s, edge_is_free).is_some() {
                blocked.push(corner);
            }
            checked_s = end_s;
        }
        offset_s += section.duration_s();
    }
    blocked
}
