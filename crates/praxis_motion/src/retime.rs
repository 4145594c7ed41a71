use praxis_planning::JointSpace;
use praxis_trajectory::{JointLimits, Trajectory, TrajectoryError};

/// Times a free path; its corners are rounded by `deviation_rad`, less where that is not free, and
/// where nothing is the motion stops and stays on the path's own edges.
pub fn time_free_path(
    space: &mut impl JointSpace,
    joint_names: &[String],
    path: &[Vec<f64>],
    limits: &JointLimits,
    deviation_rad: f64,
) -> Result<Trajectory, TrajectoryError> {
    let edge_is_free = |a: &[f64], b: &[f64]| space.edge_is_free(a, b);
    praxis_trajectory::time_free_path(
        joint_names.to_vec(),
        path,
        limits,
        deviation_rad,
        edge_is_free,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use praxis_planning::distance;
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

    fn squared_to_edge(p: &[f64], a: &[f64], b: &[f64]) -> f64 {
        let dot = |f: &dyn Fn(usize) -> f64| (0..p.len()).map(f).sum::<f64>();
        let length2 = dot(&|i| (b[i] - a[i]).powi(2)).max(f64::MIN_POSITIVE);
        let t = (dot(&|i| (p[i] - a[i]) * (b[i] - a[i])) / length2).clamp(0.0, 1.0);
        dot(&|i| (p[i] - a[i] - t * (b[i] - a[i])).powi(2))
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
