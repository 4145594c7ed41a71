//! Laws of torque limits and of motions towards moving targets, at 1 kHz and finer.

use praxis_trajectory::{
    JointLimit, JointLimits, JointSample, OnlineMotion, Trajectory, TrajectoryError, meet_target,
    slow_for_torques, time_free_path_within_torques, time_path,
};
use proptest::prelude::*;

fn names() -> Vec<String> {
    ["shoulder", "elbow"].map(str::to_owned).to_vec()
}

fn limits() -> JointLimits {
    JointLimits::new(vec![JointLimit::new(2.0, 8.0, 200.0); 2]).unwrap()
}

/// Two rods in a vertical plane, 1 kg at the end of each metre (a textbook's double pendulum).
fn torques(state: &JointSample) -> Vec<f64> {
    const G: f64 = 9.81;
    let [q1, q2] = [state.position[0], state.position[1]];
    let [v1, v2] = [state.velocity[0], state.velocity[1]];
    let [a1, a2] = [state.acceleration[0], state.acceleration[1]];
    let (sin, cos) = q2.sin_cos();
    let fore = G * (q1 + q2).cos();
    vec![
        (3.0 + 2.0 * cos) * a1 + (1.0 + cos) * a2 - sin * (2.0 * v1 * v2 + v2 * v2)
            + 2.0 * G * q1.cos()
            + fore,
        (1.0 + cos) * a1 + a2 + sin * v1 * v1 + fore,
    ]
}

fn waypoints() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(-2.5..2.5, 2), 2..6)
}

fn states(motion: &Trajectory, step_s: f64) -> Vec<JointSample> {
    let steps = (motion.duration_s() / step_s) as usize;
    (0..=steps).map(|step| motion.sample(step as f64 * step_s)).collect()
}

fn within(motion: &Trajectory, most: [f64; 2]) -> Result<(), TestCaseError> {
    for state in states(motion, 2.3e-4) {
        for (torque, most) in torques(&state).iter().zip(most) {
            prop_assert!(torque.abs() <= most, "{torque} of {most}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slowed_motions_keep_torque_limits_and_their_curve(
        path in waypoints(),
        most in (31.0..60.0, 11.0..30.0),
        deviation in 0.0..0.2,
    ) {
        let most = [most.0, most.1];
        let motion = time_path(names(), &path, &limits(), deviation).unwrap();
        let slowed = slow_for_torques(&motion, &most, &mut torques).unwrap();
        within(&slowed, most)?;
        prop_assert!(slowed.duration_s() >= motion.duration_s() - 1e-12);
        // The same knots, and the same way between them.
        prop_assert_eq!(slowed.knot_count(), motion.knot_count());
        for k in 0..motion.knot_count() - 1 {
            prop_assert_eq!(slowed.position(k), motion.position(k));
            for share in [0.3, 0.7] {
                let at = |m: &Trajectory| {
                    let times_s = m.times_s();
                    m.sample(times_s[k] + share * (times_s[k + 1] - times_s[k])).position
                };
                for (a, b) in at(&slowed).iter().zip(at(&motion)) {
                    prop_assert!((a - b).abs() < 1e-9, "{a} {b}");
                }
            }
        }
        let same = slow_for_torques(&motion, &[1e4, 1e4], &mut torques).unwrap();
        prop_assert_eq!(same, motion);
    }

    #[test]
    fn the_best_of_several_is_within_limits_and_no_slower(path in waypoints(), most in (31.0..60.0, 11.0..30.0)) {
        let most = [most.0, most.1];
        let free = |_: &[f64], _: &[f64]| true;
        let best = time_free_path_within_torques(
            &names(), &path, &limits(), 0.1, &most, &mut torques, free,
        ).unwrap();
        within(&best, most)?;
        let plain = time_path(names(), &path, &limits(), 0.1).unwrap();
        let slowed = slow_for_torques(&plain, &most, &mut torques).unwrap();
        prop_assert!(best.duration_s() <= slowed.duration_s() + 1e-9);
    }

    #[test]
    fn a_moving_target_is_met_where_it_is_then(
        from in prop::collection::vec((-2.0..2.0, -1.0..1.0, -2.0..2.0), 2),
        target in prop::collection::vec((-2.0..2.0, -1.2..1.2), 2),
    ) {
        let start = JointSample {
            position: from.iter().map(|s| s.0).collect(),
            velocity: from.iter().map(|s| s.1).collect(),
            acceleration: from.iter().map(|s| s.2).collect(),
        };
        let goal = JointSample {
            position: target.iter().map(|s| s.0).collect(),
            velocity: target.iter().map(|s| s.1).collect(),
            acceleration: vec![0.0; 2],
        };
        let motion = meet_target(&names(), &start, &goal, &limits()).unwrap();
        let end_s = motion.duration_s();
        let end = motion.sample(end_s - 1e-9);
        for i in 0..2 {
            let there = goal.position[i] + goal.velocity[i] * end_s;
            prop_assert!((motion.last_position()[i] - there).abs() < 1e-6);
            prop_assert!((end.velocity[i] - goal.velocity[i]).abs() < 1e-5);
        }
        for state in states(&motion, 1e-3) {
            for i in 0..2 {
                prop_assert!(state.velocity[i].abs() <= 2.0 + 1e-6);
                prop_assert!(state.acceleration[i].abs() <= 8.0 + 1e-6);
            }
        }
    }

    #[test]
    fn aiming_anew_never_jumps(
        aims in prop::collection::vec((0.01..0.8, prop::collection::vec((-2.0..2.0, -0.8..0.8), 2)), 1..8),
    ) {
        let mut online = OnlineMotion::at_rest(names(), &[0.0, 0.5], limits()).unwrap();
        let (mut now_s, mut next_aim, mut aim_at_s) = (0.0, 0, 0.1);
        let mut before = online.state(0.0);
        while now_s < 5.0 {
            now_s += 1e-3;
            if next_aim < aims.len() && now_s >= aim_at_s {
                let target = JointSample {
                    position: aims[next_aim].1.iter().map(|t| t.0).collect(),
                    velocity: aims[next_aim].1.iter().map(|t| t.1).collect(),
                    acceleration: vec![0.0; 2],
                };
                online.aim(now_s, &target).unwrap();
                aim_at_s += aims[next_aim].0;
                next_aim += 1;
            }
            let here = online.state(now_s);
            for i in 0..2 {
                let jerk = (here.acceleration[i] - before.acceleration[i]) / 1e-3;
                prop_assert!(jerk.abs() <= 200.0 * 1.001, "jerk {jerk} at {now_s}");
                let mean = (here.position[i] - before.position[i]) / 1e-3;
                prop_assert!((mean - 0.5 * (here.velocity[i] + before.velocity[i])).abs() < 3e-4);
                prop_assert!(here.velocity[i].abs() <= 2.0 + 1e-6);
            }
            before = here;
        }
    }
}

#[test]
fn what_cannot_be_held_is_refused_with_joint_and_torque() {
    let motion = time_path(names(), &[vec![0.0, 0.0], vec![1.0, 0.0]], &limits(), 0.0).unwrap();
    let error = slow_for_torques(&motion, &[20.0, 20.0], &mut torques).unwrap_err();
    let TrajectoryError::HoldingTorque { joint, torque, most, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((joint, most), (0, 20.0));
    assert!((torque - 3.0 * 9.81).abs() < 1e-9);
    let error = slow_for_torques(&motion, &[20.0, 0.0], &mut torques).unwrap_err();
    assert!(matches!(error, TrajectoryError::BadLimit { what: "torque", joint: 1, .. }));
}

#[test]
fn a_target_faster_than_the_joint_is_refused() {
    let start = JointSample::at_rest(&[0.0, 0.0]);
    let mut target = JointSample::at_rest(&[1.0, 0.0]);
    target.velocity[0] = 3.0;
    assert!(meet_target(&names(), &start, &target, &limits()).is_err());
}
