use crate::joint_space::{distance, path_length};
use crate::sampler::Sampler;
use crate::{Budget, JointSpace};

/// How much work goes into shortening a path.
#[derive(Clone, Debug, PartialEq)]
pub struct SimplifyConfig {
    /// Most rounds of greedy shortcuts, random shortcuts and corner rounding.
    pub max_rounds: u32,
    /// Random partial shortcuts tried in a round.
    pub random_tries: u32,
    /// A round that shortens the path by less than this share is the last.
    pub least_gain: f64,
}

impl Default for SimplifyConfig {
    fn default() -> Self {
        Self { max_rounds: 5, random_tries: 4, least_gain: 0.03 }
    }
}

/// Shortens a path whose edges are free; every edge of the result has been found free.
///
/// Greedy shortcuts between waypoints, random partial shortcuts between points on edges, and
/// cutting of corners (a quadratic B-spline's subdivision) in turn. Stops early when the budget's
/// deadline passes or it is cancelled; iterations of the budget are not counted here.
pub fn simplify(
    space: &mut impl JointSpace,
    path: &mut Vec<Vec<f64>>,
    config: &SimplifyConfig,
    seed: u64,
    budget: &Budget<'_>,
) {
    let mut random = Sampler::new(0, seed ^ 0x5eed);
    let mut length = path_length(path);
    shortcut_greedily(space, path);
    for round in 0..config.max_rounds {
        if path.len() < 3 || budget.check(0, 0).is_err() {
            return;
        }
        for _ in 0..config.random_tries {
            shortcut_partially(space, path, &mut random);
        }
        cut_corners(space, path);
        shortcut_greedily(space, path);
        let shorter = path_length(path);
        if round > 0 && shorter > (1.0 - config.least_gain) * length {
            return;
        }
        length = shorter;
    }
}

/// From each waypoint straight to the farthest one that can be reached.
fn shortcut_greedily(space: &mut impl JointSpace, path: &mut Vec<Vec<f64>>) {
    let mut from = 0;
    while from + 2 < path.len() {
        let mut to = path.len() - 1;
        while to > from + 1 {
            if space.edge_is_free(&path[from], &path[to]) {
                path.drain(from + 1..to);
                break;
            }
            to -= 1;
        }
        from += 1;
    }
}

/// A straight edge between two random points on different edges, if it is shorter and free.
fn shortcut_partially(space: &mut impl JointSpace, path: &mut Vec<Vec<f64>>, random: &mut Sampler) {
    if path.len() < 3 {
        return;
    }
    let total = path_length(path);
    let (u, v) = (random.uniform(), random.uniform());
    let (first, a) = point_at(path, u.min(v) * total);
    let (second, b) = point_at(path, u.max(v) * total);
    if first == second {
        return;
    }
    let along = distance(&a, &path[first + 1])
        + path_length(&path[first + 1..=second])
        + distance(&path[second], &b);
    if distance(&a, &b) < 0.999 * along && space.edge_is_free(&a, &b) {
        path.splice(first + 1..=second, [a, b]);
    }
}

/// Edge and point at an arc length from the start.
fn point_at(path: &[Vec<f64>], mut arc: f64) -> (usize, Vec<f64>) {
    let last = path.len() - 2;
    for edge in 0..=last {
        let length = distance(&path[edge], &path[edge + 1]);
        if arc <= length || edge == last {
            let share = if length > 0.0 { (arc / length).min(1.0) } else { 0.0 };
            return (edge, between(&path[edge], &path[edge + 1], share));
        }
        arc -= length;
    }
    (last, path[last + 1].clone())
}

/// Replaces corners by chords, as wide as they are free: half of both edges, else a quarter.
fn cut_corners(space: &mut impl JointSpace, path: &mut Vec<Vec<f64>>) {
    let mut corner = 1;
    while corner + 1 < path.len() {
        let mut next = corner + 1;
        for share in [0.5, 0.25, 0.125] {
            let before = between(&path[corner], &path[corner - 1], share);
            let after = between(&path[corner], &path[corner + 1], share);
            let around = distance(&before, &path[corner]) + distance(&path[corner], &after);
            if around < 1e-3 || distance(&before, &after) > 0.99 * around {
                break; // nothing to gain
            }
            if space.edge_is_free(&before, &after) {
                path.splice(corner..=corner, [before, after]);
                next += 1;
                break;
            }
        }
        corner = next;
    }
}

fn between(a: &[f64], b: &[f64], share: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect()
}
