//! Laws of timed paths, seen from outside: limits at 1 kHz, rest to rest, on the path.

use praxis_trajectory::{
    JointLimit, JointLimits, JointSample, Trajectory, brake_along, join, move_to_state,
    time_free_path, time_path,
};
use proptest::prelude::*;

fn names(dim: usize) -> Vec<String> {
    (0..dim).map(|i| format!("joint{i}")).collect()
}

fn panda_like() -> JointLimits {
    let limits = [
        (2.175, 15.0),
        (2.175, 7.5),
        (2.175, 10.0),
        (2.175, 12.5),
        (2.61, 15.0),
        (2.61, 20.0),
        (2.61, 20.0),
    ];
    JointLimits::new(limits.map(|(v, a)| JointLimit::new(v, a, 50.0 * a)).to_vec()).unwrap()
}

/// Checks velocity and acceleration at 1 kHz, jerk by differences of the acceleration, and that
/// position and velocity are the integrals of what follows them.
fn check_limits(trajectory: &Trajectory, limits: &JointLimits) -> Result<(), TestCaseError> {
    let steps = (trajectory.duration_s() * 1000.0).floor() as usize;
    let mut cursor = 0;
    let mut here = JointSample::zeros(trajectory.dim());
    let mut before = trajectory.sample(0.0);
    for step in 1..steps {
        trajectory.sample_into(step as f64 * 1e-3, &mut cursor, &mut here);
        for (i, limit) in limits.joints().iter().enumerate() {
            let [p, v, a] = [here.position[i], here.velocity[i], here.acceleration[i]];
            prop_assert!(v.abs() <= limit.velocity * (1.0 + 1e-6), "velocity {v} of {i}");
            prop_assert!(a.abs() <= limit.acceleration * (1.0 + 1e-6), "acceleration {a} of {i}");
            let jerk = (a - before.acceleration[i]) / 1e-3;
            prop_assert!(jerk.abs() <= limit.jerk * (1.0 + 1e-3), "jerk {jerk} of {i}");
            let mean_velocity = (p - before.position[i]) / 1e-3;
            let expected = 0.5 * (v + before.velocity[i]);
            prop_assert!((mean_velocity - expected).abs() <= limit.jerk * 1e-6 + 1e-7);
        }
        std::mem::swap(&mut here, &mut before);
    }
    Ok(())
}

/// How far a free motion may leave the chords that were found free.
const CHORD_DEVIATION: f64 = 5e-4;

/// What must not be touched, in joint space.
#[derive(Debug)]
struct Ball {
    centre: [f64; 3],
    radius: f64,
}

fn at_1_khz(motion: &Trajectory) -> impl Iterator<Item = Vec<f64>> + '_ {
    let steps = (motion.duration_s() * 1000.0) as usize;
    (0..=steps).map(|step| motion.sample(step as f64 * 1e-3).position)
}

fn off_path(point: &[f64], path: &[Vec<f64>]) -> f64 {
    path.windows(2)
        .map(|pair| distance_to_segment(point, &pair[0], &pair[1]))
        .fold(f64::INFINITY, f64::min)
}

/// Farthest that averaging the motion moves it off the rounded path: `ramp² acceleration / 6` a
/// joint, with the longest `ramp = acceleration / jerk` of all.
fn smoothing_deviation(limits: &JointLimits) -> f64 {
    let ramp_s = limits.joints().iter().map(|l| l.acceleration / l.jerk).fold(0.0, f64::max);
    let squared: f64 = limits.joints().iter().map(|l| l.acceleration.powi(2)).sum();
    ramp_s * ramp_s * squared.sqrt() / 6.0 + 1e-9
}

fn waypoints(dim: usize, most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(-2.5..2.5, dim), 2..most)
}

/// 64 random cases a law, or as many as `PROPTEST_CASES` asks for.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn timed_paths_keep_all_limits(path in waypoints(7, 9), deviation in 0.0..0.3) {
        let limits = panda_like();
        let motion = time_path(names(7), &path, &limits, deviation).unwrap();
        check_limits(&motion, &limits)?;
        prop_assert_eq!(motion.position(0), path[0].as_slice());
        prop_assert_eq!(motion.last_position(), path[path.len() - 1].as_slice());
        // Rest to rest: what the last knot says is also where the integration arrives.
        let nearly = motion.sample(motion.duration_s() - 1e-7);
        for (got, want) in nearly.position.iter().zip(motion.last_position()) {
            prop_assert!((got - want).abs() < 1e-6);
        }
    }

    #[test]
    fn low_jerk_paths_keep_all_limits(path in waypoints(3, 6), jerk in 0.5..20.0) {
        let limits = JointLimits::new(vec![JointLimit::new(1.5, 5.0, jerk); 3]).unwrap();
        let motion = time_path(names(3), &path, &limits, 0.1).unwrap();
        check_limits(&motion, &limits)?;
    }

    #[test]
    fn without_deviation_the_motion_stays_on_the_lines(path in waypoints(3, 6)) {
        let limits = JointLimits::new(vec![JointLimit::new(1.0, 4.0, 30.0); 3]).unwrap();
        let motion = time_path(names(3), &path, &limits, 0.0).unwrap();
        let steps = (motion.duration_s() * 200.0) as usize;
        for step in 0..steps {
            let point = motion.sample(step as f64 / 200.0).position;
            let nearest = path.windows(2).map(|w| distance_to_segment(&point, &w[0], &w[1]));
            prop_assert!(nearest.fold(f64::INFINITY, f64::min) < 1e-6);
        }
    }

    #[test]
    fn corners_stay_within_their_deviation(path in waypoints(7, 9), deviation in 0.0..0.3) {
        let limits = panda_like();
        let motion = time_path(names(7), &path, &limits, deviation).unwrap();
        let most = deviation + smoothing_deviation(&limits);
        for point in at_1_khz(&motion) {
            prop_assert!(off_path(&point, &path) <= most);
        }
    }

    #[test]
    fn free_motions_touch_nothing_and_keep_all_limits(
        path in waypoints(3, 7),
        balls in prop::collection::vec((prop::array::uniform3(-2.5..2.5), 0.05..1.5), 0..12),
        deviation in 0.0..0.4,
    ) {
        // Each ball keeps off the path itself by a hair, so that some corners graze theirs.
        let balls: Vec<Ball> = balls
            .into_iter()
            .map(|(centre, radius): ([f64; 3], f64)| {
                Ball { centre, radius: radius.min(off_path(&centre, &path) - 1e-3) }
            })
            .filter(|ball| ball.radius > 0.0)
            .collect();
        let limits = JointLimits::new(vec![JointLimit::new(1.5, 8.0, 300.0); 3]).unwrap();
        let is_free = |a: &[f64], b: &[f64]| {
            balls.iter().all(|ball| distance_to_segment(&ball.centre, a, b) > ball.radius)
        };
        let motion = time_free_path(names(3), &path, &limits, deviation, is_free).unwrap();
        check_limits(&motion, &limits)?;
        prop_assert_eq!(motion.position(0), path[0].as_slice());
        prop_assert_eq!(motion.last_position(), path[path.len() - 1].as_slice());
        let most = deviation + smoothing_deviation(&limits);
        for point in at_1_khz(&motion) {
            prop_assert!(off_path(&point, &path) <= most);
            for ball in &balls {
                let inside = ball.radius - distance_to_segment(&point, &ball.centre, &ball.centre);
                prop_assert!(inside < CHORD_DEVIATION, "{inside} inside {ball:?}");
            }
        }
    }

    #[test]
    fn state_to_state_motions_keep_limits_and_arrive(
        from in prop::collection::vec((-2.0..2.0, -1.4..1.4, -3.0..3.0), 3),
        to in prop::collection::vec((-2.0..2.0, -0.7..0.7), 3),
    ) {
        let limits = JointLimits::new(vec![JointLimit::new(2.0, 5.0, 50.0); 3]).unwrap();
        let start = JointSample {
            position: from.iter().map(|s| s.0).collect(),
            velocity: from.iter().map(|s| s.1).collect(),
            acceleration: from.iter().map(|s| s.2).collect(),
        };
        let goal = JointSample {
            position: to.iter().map(|s| s.0).collect(),
            velocity: to.iter().map(|s| s.1).collect(),
            acceleration: vec![0.0; 3],
        };
        let motion = move_to_state(names(3), &start, &goal, &limits).unwrap();
        check_limits(&motion, &limits)?;
        let end = motion.sample(motion.duration_s() - 1e-9);
        for i in 0..3 {
            prop_assert!((end.position[i] - goal.position[i]).abs() < 1e-5);
            prop_assert!((end.velocity[i] - goal.velocity[i]).abs() < 1e-4);
        }
    }

    #[test]
    fn a_brake_along_the_path_stays_on_it(path in waypoints(3, 5), when in 0.05..0.95) {
        let limits = JointLimits::new(vec![JointLimit::new(1.0, 4.0, 60.0); 3]).unwrap();
        let motion = time_path(names(3), &path, &limits, 0.05).unwrap();
        let at_s = when * motion.duration_s();
        // A stop needs more than the motion itself used of the limits.
        let stop_limits = JointLimits::new(vec![JointLimit::new(1.0, 8.0, 240.0); 3]).unwrap();
        let stop = brake_along(&motion, at_s, &stop_limits).unwrap();
        check_limits(&stop, &stop_limits)?;
        let end = stop.last_position();
        // No joint moves by more than a milliradian from look to look.
        let looks = ((motion.duration_s() - at_s) * 1000.0).ceil() as usize;
        let on_path = (0..=looks).any(|k| {
            let p = motion.sample(at_s + k as f64 * 1e-3);
            p.position.iter().zip(end).all(|(a, b)| (a - b).abs() < 1.5e-3)
        });
        prop_assert!(on_path);
    }

    #[test]
    fn a_joined_motion_has_no_jump(a in waypoints(3, 4), b in waypoints(3, 4), when in 0.0..1.0) {
        let limits = JointLimits::new(vec![JointLimit::new(1.0, 4.0, 60.0); 3]).unwrap();
        let running = time_path(names(3), &a, &limits, 0.05).unwrap();
        let next = time_path(names(3), &b, &limits, 0.05).unwrap();
        let at_s = when * running.duration_s();
        let joined = join(&running, at_s, &next, &limits).unwrap();
        check_limits(&joined, &limits)?;
        prop_assert_eq!(joined.last_position(), next.last_position());
    }
}

fn distance_to_segment(p: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let along: f64 = (0..p.len()).map(|i| (p[i] - a[i]) * (b[i] - a[i])).sum();
    let length2: f64 = (0..p.len()).map(|i| (b[i] - a[i]).powi(2)).sum();
    let t = if length2 > 0.0 { (along / length2).clamp(0.0, 1.0) } else { 0.0 };
    (0..p.len()).map(|i| (p[i] - a[i] - t * (b[i] - a[i])).powi(2)).sum::<f64>().sqrt()
}
