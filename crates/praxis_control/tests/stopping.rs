//! Stops at any moment of any motion: at rest in time, within limits, and nothing moves afterwards.

mod common;

use common::{Bench, PERIOD_S, READY, check_step, names, panda_limits, request_of};
use praxis_control::{ControllerState, Outcome, StopReason, TrajectoryRequest};
use praxis_trajectory::{JointSample, time_path};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A timed motion from the ready pose through a few random poses.
fn random_request(rng: &mut ChaCha8Rng) -> TrajectoryRequest {
    let limits = panda_limits();
    let mut path = vec![READY.to_vec()];
    for _ in 0..rng.random_range(1..4) {
        let pose = limits.joints().iter().map(|limit| {
            let middle = 0.5 * (limit.min_position + limit.max_position);
            let half = 0.45 * (limit.max_position - limit.min_position);
            middle + half * rng.random_range(-1.0..1.0)
        });
        path.push(pose.collect());
    }
    let trajectory = time_path(names(), &path, &limits, 0.05).unwrap();
    request_of(&trajectory)
}

#[test]
fn a_thousand_stops_at_random_moments_are_in_time_and_within_limits() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut stops_in_motion = 0;
    for run in 0..1000 {
        let mut bench = Bench::holding();
        let request = random_request(&mut rng);
        let duration_s = request.points[request.points.len() - 1].time_s;
        let id = bench.start(&request);
        let mut before = bench.controller.commanded().clone();
        for _ in 0..(rng.random_range(0.0..duration_s) / PERIOD_S) as usize {
            let now = bench.step().unwrap();
            check_step(&before, &now);
            before = now;
        }
        let bound_s = bench.controller.stop_duration_s() + 2.0 * PERIOD_S;
        let was_moving = !bench.controller.is_at_rest();
        stops_in_motion += usize::from(was_moving);
        let reason = match run % 3 {
            0 => {
                bench.controller.cancel(id);
                StopReason::Cancelled
            }
            1 => {
                bench.controller.stop(StopReason::StopRequested);
                StopReason::StopRequested
            }
            _ => {
                bench.controller.e_stop();
                StopReason::EStop
            }
        };
        let mut stop_s = 0.0;
        while stop_s == 0.0 || !bench.controller.is_at_rest() {
            let now = bench.step().unwrap();
            check_step(&before, &now);
            before = now;
            stop_s += PERIOD_S;
            assert!(stop_s <= bound_s + 1e-9, "run {run}: {stop_s} s, bound {bound_s} s");
        }
        let finished = bench.controller.take_finished().unwrap();
        assert_eq!((finished.id, finished.outcome), (id, Outcome::Stopped(reason)));
        let rest = bench.controller.commanded().clone();
        for _ in 0..50 {
            assert_eq!(bench.step().unwrap(), rest, "run {run}: moves after the stop");
        }
        let is_e_stop = reason == StopReason::EStop;
        let wanted = if is_e_stop { ControllerState::EStopped } else { ControllerState::Hold };
        assert_eq!(bench.controller.state(), wanted);
    }
    assert!(stops_in_motion > 800, "{stops_in_motion}");
}

#[test]
fn planned_motions_are_followed_to_their_end_unclipped() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..50 {
        let mut bench = Bench::holding();
        let request = random_request(&mut rng);
        let end = request.points[request.points.len() - 1].clone();
        let id = bench.start(&request);
        let (mut steps, mut clipped) = (0, 0);
        while bench.controller.state() == ControllerState::Follow {
            bench.step();
            steps += 1;
            clipped += usize::from(bench.controller.clipped().is_some());
            assert!(steps as f64 * PERIOD_S < end.time_s + 0.5, "does not end");
        }
        let finished = bench.controller.take_finished().unwrap();
        assert_eq!((finished.id, finished.outcome), (id, Outcome::Reached));
        for (at, wanted) in bench.measured.position.iter().zip(&end.positions) {
            assert!((at - wanted).abs() < 1e-4, "{at} {wanted}");
        }
        assert!(clipped * 20 <= steps, "{clipped} of {steps} steps clipped");
    }
}

#[test]
fn a_loop_that_was_held_up_holds_the_arm_where_its_driver_has_brought_it_to_rest() {
    let mut bench = Bench::holding();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let id = bench.start(&random_request(&mut rng));
    while bench.controller.commanded().velocity.iter().all(|v| v.abs() < 0.5) {
        bench.step().unwrap();
    }
    // Short enough for the driver: the motion goes on.
    bench.controller.was_silent(0.05);
    assert_eq!(bench.controller.state(), ControllerState::Follow);

    bench.controller.was_silent(1.5);
    let finished = bench.controller.take_finished().unwrap();
    assert_eq!(finished.id, id);
    let Outcome::Stopped(reason) = finished.outcome else { panic!("{finished:?}") };
    assert!(matches!(reason, StopReason::LoopHeldUp { .. }), "{reason:?}");
    assert!(reason.explain(&names()).contains("held up for 1.500 s, limit 0.100 s"));
    // What was measured before the silence, or while the driver still brakes, is no place to hold.
    for _ in 0..100 {
        assert!(bench.step().is_none());
    }
    bench.measured.velocity.fill(0.0);
    bench.measured.position[0] += 0.1;
    let mut silent = 0;
    let held = loop {
        match bench.step() {
            Some(held) => break held,
            None => silent += 1,
        }
    };
    assert!((20..50).contains(&silent), "after {silent} periods");
    assert_eq!(held, JointSample::at_rest(&bench.measured.position));
    assert_eq!(bench.controller.state(), ControllerState::Hold);
}

#[test]
fn an_arm_that_stands_is_not_moved_by_a_silence_and_an_emergency_stop_outlasts_one() {
    let mut bench = Bench::holding();
    let held = bench.step().unwrap();
    bench.controller.was_silent(1.5);
    assert_eq!(bench.step().unwrap(), held);

    bench.start(&random_request(&mut ChaCha8Rng::seed_from_u64(5)));
    while bench.controller.commanded().velocity.iter().all(|v| v.abs() < 0.5) {
        bench.step().unwrap();
    }
    bench.controller.e_stop();
    bench.controller.was_silent(1.5);
    bench.measured.velocity.fill(0.0);
    for _ in 0..100 {
        bench.step();
    }
    assert_eq!(bench.controller.state(), ControllerState::EStopped);
}

#[test]
fn an_arm_that_is_pushed_while_it_stands_is_held_there_by_commands_within_limits() {
    for (joint, push) in [(0, 0.5), (1, -0.4), (3, 2.4)] {
        let mut bench = Bench::holding();
        // It does not give way to the command, and may be pushed beyond a joint's limit.
        bench.follows = 0.0;
        bench.measured.position[joint] += push;
        let limit = panda_limits().joints()[joint];
        let held = bench.measured.position[joint].clamp(limit.min_position, limit.max_position);
        let mut before = bench.controller.commanded().clone();
        for _ in 0..1500 {
            let now = bench.step().unwrap();
            check_step(&before, &now);
            before = now;
        }
        assert!(bench.controller.is_at_rest());
        assert_eq!(bench.controller.state(), ControllerState::Hold);
        assert!((before.position[joint] - held).abs() < 1e-3, "{} {held}", before.position[joint]);
        // From there it moves as ever.
        bench.follows = 1.0;
        bench.measured.position[joint] = before.position[joint];
        let mut goal = before.position.clone();
        goal[6] += 0.3;
        let path = [before.position.clone(), goal.clone()];
        let id =
            bench.start(&request_of(&time_path(names(), &path, &panda_limits(), 0.0).unwrap()));
        bench.steps(1500);
        let finished = bench.controller.take_finished().unwrap();
        assert_eq!((finished.id, finished.outcome), (id, Outcome::Reached));
    }
}
