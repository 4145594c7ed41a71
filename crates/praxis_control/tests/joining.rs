//! A new trajectory or chunk in mid-motion, in time, late or overlapping: no jump, within limits.

mod common;

use common::{Bench, PERIOD_S, READY, check_step, names, panda_limits, request_of};
use praxis_control::{Outcome, PointRequest, TrajectoryRequest};
use praxis_trajectory::time_path;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A planned motion between two poses.
fn between(from: &[f64], to: &[f64]) -> TrajectoryRequest {
    let limits = panda_limits().scaled(0.6, 0.6).unwrap();
    let trajectory = time_path(names(), &[from.to_vec(), to.to_vec()], &limits, 0.0).unwrap();
    request_of(&trajectory)
}

fn random_pose(rng: &mut ChaCha8Rng) -> Vec<f64> {
    READY.iter().map(|ready| ready + rng.random_range(-0.6..0.6)).collect()
}

#[test]
fn a_motion_that_starts_near_where_the_arm_moves_takes_over_smoothly() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut in_motion = 0;
    for run in 0..300 {
        let mut bench = Bench::holding();
        let first = between(&READY, &random_pose(&mut rng));
        let duration_s = first.points[first.points.len() - 1].time_s;
        bench.start(&first);
        let mut before = bench.controller.commanded().clone();
        for _ in 0..(rng.random_range(0.1..0.9) * duration_s / PERIOD_S) as usize {
            let now = bench.step().unwrap();
            check_step(&before, &now);
            before = now;
        }
        // Planned from rest near the present place, as a planner without prediction does.
        let near: Vec<f64> =
            before.position.iter().map(|p| p + rng.random_range(-0.02..0.02)).collect();
        let mut second = between(&near, &random_pose(&mut rng));
        let end = second.points[second.points.len() - 1].clone();
        // At once, a little late, or a little ahead.
        second.start_in_s = [0.0, -0.05, 0.04][run % 3];
        in_motion += usize::from(before.velocity.iter().any(|v| v.abs() > 0.1));
        let id = bench.start(&second);
        let mut finished = None;
        for _ in 0..4000 {
            let now = bench.step().unwrap();
            check_step(&before, &now);
            before = now;
            while let Some(end) = bench.controller.take_finished() {
                if end.id == id {
                    finished = Some(end.outcome);
                }
            }
            if finished.is_some() {
                break;
            }
        }
        assert_eq!(finished, Some(Outcome::Reached), "run {run}");
        for (at, wanted) in before.position.iter().zip(&end.positions) {
            assert!((at - wanted).abs() < 1e-6, "run {run}: {at} {wanted}");
        }
    }
    assert!(in_motion > 200, "{in_motion}");
}

/// Where a policy wants the arm to be: a slow wave.
fn wave(time_s: f64) -> Vec<f64> {
    READY.iter().enumerate().map(|(k, p)| p + 0.2 * (time_s + 0.3 * k as f64).sin()).collect()
}

#[test]
fn overlapping_and_late_chunks_become_one_smooth_motion() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut bench = Bench::holding();
    let to_wave = between(&READY, &wave(0.0));
    bench.start(&to_wave);
    while bench.controller.take_finished().is_none() {
        bench.step();
    }
    let begun_s = bench.time_s;
    let mut before = bench.controller.commanded().clone();
    let (mut farthest, mut chunks): (f64, u32) = (0.0, 0);
    for step in 0..5000 {
        if step % 100 == 0 {
            // 0.6 s of positions at 20 Hz, told up to 80 ms after the moment that they are for.
            let late_s = rng.random_range(0.0..0.08);
            let now_s = bench.time_s - begun_s;
            let point = |k: u32| PointRequest {
                time_s: 0.05 * f64::from(k),
                positions: wave(now_s - late_s + 0.05 * f64::from(k))
                    .iter()
                    .map(|p| p + rng.random_range(-0.003..0.003))
                    .collect(),
                ..PointRequest::default()
            };
            let mut point = point;
            let request = TrajectoryRequest {
                joint_names: names(),
                points: (0..12).map(&mut point).collect(),
                start_in_s: -late_s - 1e-9,
                may_end_moving: true,
                ..TrajectoryRequest::default()
            };
            bench.start(&request);
            chunks += 1;
        }
        let now = bench.step().unwrap();
        check_step(&before, &now);
        before = now;
        let wanted = wave(bench.time_s - begun_s);
        if step > 500 {
            let off = before.position.iter().zip(&wanted).map(|(a, b)| (a - b).abs());
            farthest = off.fold(farthest, f64::max);
        }
    }
    assert_eq!(chunks, 50);
    assert!(farthest < 0.03, "off the policy's way by {farthest} rad");
}
