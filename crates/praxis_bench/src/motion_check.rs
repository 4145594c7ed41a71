use praxis_trajectory::{JointLimits, JointSample, Trajectory};

use crate::obstacles::Obstacles;
use crate::plain_checker::PlainChecker;

/// The rate at which a controller samples a motion, one over it in seconds.
const STEP_S: f64 = 1e-3;
/// Share by which a limit may seem to be passed: the rounding of third differences.
const TOLERANCE: f64 = 1e-5;
/// Tolerance of the joints' bounds, radians or metres.
const BOUNDS_TOLERANCE: f64 = 1e-5;

/// What sampling a motion at 1 kHz shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MotionVerdict {
    /// Samples looked at.
    pub samples: u64,
    /// Samples at which a joint is out of bounds, too fast, accelerates or jerks too much.
    pub outside: u64,
    /// Whether any sample is not free.
    pub collides: bool,
}

/// Samples a motion as a controller would, from before its start until after its end.
///
/// Limits are judged by the positions alone: the first, second and third differences are means of
/// velocity, acceleration and jerk, so none of them can be greater than the greatest of these.
pub fn verdict_on(
    motion: &Trajectory,
    limits: &JointLimits,
    bounds: &[(f64, f64)],
    obstacles: &Obstacles,
    checker: &mut PlainChecker<'_>,
) -> MotionVerdict {
    let mut verdict = MotionVerdict::default();
    let mut differences = vec![Differences::default(); motion.dim()];
    let (mut cursor, mut sample) = (0, JointSample::zeros(motion.dim()));
    let steps = (motion.duration_s() / STEP_S).ceil() as i64;
    for step in -3..=steps + 3 {
        motion.sample_into(step as f64 * STEP_S, &mut cursor, &mut sample);
        let mut outside = false;
        for (joint, difference) in differences.iter_mut().enumerate() {
            let (position, limit) = (sample.position[joint], &limits.joints()[joint]);
            difference.push(position);
            outside |= position < bounds[joint].0 - BOUNDS_TOLERANCE
                || position > bounds[joint].1 + BOUNDS_TOLERANCE;
            if let Some([velocity, acceleration, jerk]) = difference.rates() {
                outside |= velocity > limit.velocity * (1.0 + TOLERANCE)
                    || acceleration > limit.acceleration * (1.0 + TOLERANCE)
                    || jerk > limit.jerk * (1.0 + TOLERANCE);
            }
        }
        verdict.samples += 1;
        verdict.outside += u64::from(outside);
        verdict.collides = verdict.collides || !checker.is_free(&sample.position, obstacles);
    }
    verdict
}

/// The last four positions of a joint.
#[derive(Clone, Copy, Default)]
struct Differences {
    last: [f64; 4],
    count: usize,
}

impl Differences {
    fn push(&mut self, position: f64) {
        self.last.rotate_left(1);
        self.last[3] = position;
        self.count += 1;
    }

    /// Sizes of mean velocity, acceleration and jerk, once there are four positions.
    fn rates(&self) -> Option<[f64; 3]> {
        if self.count < 4 {
            return None;
        }
        let [a, b, c, d] = self.last;
        let third = (d - c) - 2.0 * (c - b) + (b - a);
        Some([
            ((d - c) / STEP_S).abs(),
            (((d - c) - (c - b)) / (STEP_S * STEP_S)).abs(),
            (third / (STEP_S * STEP_S * STEP_S)).abs(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plain_checker::tests::LEVER;
    use praxis_robot::Robot;
    use praxis_trajectory::{JointLimit, time_path};

    fn verdict(share: f64, obstacles: &str) -> MotionVerdict {
        let robot = Robot::from_strings(LEVER, Some(r#"<robot name="lever"/>"#)).unwrap();
        let limits = |share: f64| {
            JointLimits::new(vec![JointLimit::new(share, 3.0 * share, 60.0 * share); 2]).unwrap()
        };
        let path = [vec![-1.0, 0.0], vec![0.0, 0.3], vec![1.0, 0.0]];
        let names = vec!["turn".to_owned(), "slide".to_owned()];
        let motion = time_path(names, &path, &limits(1.0), 0.1).unwrap();
        let mut checker = PlainChecker::new(&robot, &[0, 1], &robot.neutral());
        let obstacles = serde_json::from_str(obstacles).unwrap();
        let bounds = [(-3.0, 3.0), (0.0, 2.0)];
        verdict_on(&motion, &limits(share), &bounds, &obstacles, &mut checker)
    }

    #[test]
    fn a_motion_is_within_its_own_limits_and_outside_tighter_ones() {
        let own = verdict(1.0, "{}");
        assert_eq!((own.outside, own.collides), (0, false), "{own:?}");
        assert!(own.samples > 2000);
        assert!(verdict(0.99, "{}").outside > 10);
    }

    #[test]
    fn what_stands_in_the_way_is_met() {
        let ball = |x: f64| {
            format!(r#"{{"spheres": [{{"name": "b", "center": [{x}, 0, 0], "radius": 0.01}}]}}"#)
        };
        assert!(verdict(1.0, &ball(1.25)).collides);
        assert!(!verdict(1.0, &ball(1.5)).collides);
    }
}
