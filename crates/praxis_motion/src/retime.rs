use praxis_planning::{JointSpace, distance};
use praxis_trajectory::{
    JointLimits, JointSample, Trajectory, TrajectoryError, time_path_with_corners,
};

/// Largest distance between configurations that are checked on a rounded corner, in radians.
const CHECK_STEP_RAD: f64 = 0.01;
/// A sample this near an edge of the path is on it, and the edge is known to be free.
const ON_EDGE_RAD: f64 = 1e-6;
/// Corners are rounded by less than this or not at all.
const LEAST_DEVIATION_RAD: f64 = 0.002;
/// Share of a deviation that is tried next where a rounded corner is not free.
const NEXT_SHARE: f64 = 0.4;

/// Times a free path and makes sure that its rounded corners are free too.
///
/// Every corner starts with `deviation_rad`; where the motion is not free the nearest corner gets
/// less, in the end none: then the motion stops there and stays on the path's own edges.
pub fn time_free_path(
    space: &mut impl JointSpace,
    joint_names: &[String],
    path: &[Vec<f64>],
    limits: &JointLimits,
    deviation_rad: f64,
) -> Result<Trajectory, TrajectoryError> {
    let mut deviations = vec![deviation_rad; path.len().saturating_sub(2)];
    loop {
        let trajectory = time_path_with_corners(joint_names.to_vec(), path, limits, &deviations)?;
        let Some(collision) = first_collision(space, &trajectory, path) else {
            return Ok(trajectory);
        };
        let nearest = (0..deviations.len()).filter(|&c| deviations[c] > 0.0).min_by(|&a, &b| {
            distance(&path[a + 1], &collision).total_cmp(&distance(&path[b + 1], &collision))
        });
        let Some(corner) = nearest else {
            return Ok(trajectory); // on the free path itself, stopping at every corner
        };
        deviations[corner] *= NEXT_SHARE;
        if deviations[corner] < LEAST_DEVIATION_RAD {
            deviations[corner] = 0.0;
        }
    }
}

/// First sampled configuration off the path from which the motion is not free.
fn first_collision(
    space: &mut impl JointSpace,
    trajectory: &Trajectory,
    path: &[Vec<f64>],
) -> Option<Vec<f64>> {
    let fastest = peak_speed(trajectory).max(1e-6);
    let step_s = CHECK_STEP_RAD / fastest;
    let steps = (trajectory.duration_s() / step_s).ceil() as usize;
    let (mut cursor, mut edge) = (0, 0);
    let mut sample = JointSample::zeros(trajectory.dim());
    let mut checked = path[0].clone();
    for step in 1..=steps {
        trajectory.sample_into(step as f64 * step_s, &mut cursor, &mut sample);
        let here = &sample.position;
        // The motion goes along the edges in turn.
        while edge + 2 < path.len()
            && squared_to_edge(here, &path[edge + 1], &path[edge + 2])
                < squared_to_edge(here, &path[edge], &path[edge + 1])
        {
            edge += 1;
        }
        let on_edge = |q: &[f64]| {
            path.windows(2)
                .skip(edge.saturating_sub(1))
                .take(3)
                .any(|w| squared_to_edge(q, &w[0], &w[1]) < ON_EDGE_RAD * ON_EDGE_RAD)
        };
        if on_edge(here) {
            checked.copy_from_slice(here);
            continue;
        }
        if distance(&checked, here) < CHECK_STEP_RAD && step < steps {
            continue;
        }
        if !space.edge_is_free(&checked, here) {
            return Some(here.clone());
        }
        checked.copy_from_slice(here);
    }
    None
}

fn peak_speed(trajectory: &Trajectory) -> f64 {
    (0..trajectory.knot_count())
        .filter_map(|k| trajectory.velocity(k))
        .map(|velocity| velocity.iter().map(|v| v * v).sum::<f64>().sqrt())
        .fold(0.0, f64::max)
}

fn squared_to_edge(p: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let (mut along, mut length2) = (0.0, 0.0);
    for i in 0..p.len() {
        along += (p[i] - a[i]) * (b[i] - a[i]);
        length2 += (b[i] - a[i]).powi(2);
    }
    let t = if length2 > 0.0 { (along / length2).clamp(0.0, 1.0) } else { 0.0 };
    (0..p.len()).map(|i| (p[i] - a[i] - t * (b[i] - a[i])).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use praxis_trajectory::JointLimit;

    /// Everything is free but a disc.
    struct Disc {
        centre: [f64; 2],
        radius: f64,
    }

    impl JointSpace for Disc {
        fn dim(&self) -> usize {
            2
        }
        fn bounds(&self) -> &[(f64, f64)] {
            &[(-9.0, 9.0), (-9.0, 9.0)]
        }
        fn is_free(&mut self, q: &[f64]) -> bool {
            distance(q, &self.centre) > self.radius
        }
        fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
            squared_to_edge(&self.centre, a, b) > self.radius * self.radius
        }
    }

    #[test]
    fn corners_are_rounded_only_as_far_as_it_is_free() {
        let path = [vec![0.0, 0.0], vec![2.0, 0.0], vec![2.0, 2.0]];
        let limits = JointLimits::new(vec![JointLimit::new(1.0, 5.0, 100.0); 2]).unwrap();
        let names = ["a".to_owned(), "b".to_owned()];
        let go = |radius: f64| {
            let mut disc = Disc { centre: [1.8, 0.2], radius };
            let motion = time_free_path(&mut disc, &names, &path, &limits, 0.3).unwrap();
            for step in 0..(motion.duration_s() * 1000.0) as usize {
                assert!(disc.is_free(&motion.sample(step as f64 * 1e-3).position));
            }
            motion.duration_s()
        };
        let (wide, narrow) = (go(0.001), go(0.199));
        assert!(wide < narrow, "{wide} {narrow}");
    }
}
