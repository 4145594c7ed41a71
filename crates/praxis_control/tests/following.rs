//! What a driver of joint_trajectory_controller expects, and what happens when something is lost.

mod common;

use common::{Bench, READY, names, request};
use praxis_control::{
    AcceptConfig, Acceptor, ControllerState, Outcome, PointRequest, RejectError, ResultCode,
    StopReason, ToleranceRequest, TrajectoryRequest,
};

fn outcome(bench: &mut Bench) -> Option<Outcome> {
    bench.controller.take_finished().map(|finished| finished.outcome)
}

fn run_to_end(bench: &mut Bench) -> Outcome {
    for _ in 0..5000 {
        bench.step();
        if let Some(outcome) = outcome(bench) {
            return outcome;
        }
    }
    panic!("no end within 10 s: {:?}", bench.controller.state());
}

#[test]
fn positions_alone_are_followed_smoothly() {
    let mut bench = Bench::holding();
    bench.start(&request(0.3, 1.0));
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
    assert!((bench.measured.position[0] - 0.3).abs() < 1e-6);
    assert!(bench.time_s < 1.1, "{}", bench.time_s);
}

#[test]
fn a_hasty_motion_runs_slower_on_its_path() {
    let mut bench = Bench::holding();
    bench.start(&request(0.5, 0.45));
    let mut widest: f64 = 0.0;
    let outcome = loop {
        bench.step();
        let moved: Vec<f64> =
            bench.measured.position.iter().zip(READY).map(|(p, start)| p - start).collect();
        // All joints have gone the same way: the straight line between the two poses.
        widest = widest.max(moved.iter().fold(0.0, |most, m| f64::max(most, (m - moved[0]).abs())));
        if let Some(outcome) = outcome(&mut bench) {
            break outcome;
        }
        assert!(bench.time_s < 3.0);
    };
    assert_eq!(outcome, Outcome::Reached);
    assert!(bench.time_s > 0.46, "{}", bench.time_s);
    assert!(widest < 1e-3, "{widest}");
}

#[test]
fn some_joints_in_any_order_move_and_the_others_stay() {
    let mut bench = Bench::holding();
    let names = names();
    bench.start(&TrajectoryRequest {
        joint_names: vec![names[6].clone(), names[0].clone()],
        points: vec![PointRequest {
            time_s: 1.0,
            positions: vec![0.9, -0.2],
            ..PointRequest::default()
        }],
        ..TrajectoryRequest::default()
    });
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
    assert!((bench.measured.position[6] - 0.9).abs() < 1e-6);
    assert!((bench.measured.position[0] + 0.2).abs() < 1e-6);
    assert_eq!(bench.measured.position[1..6], READY[1..6]);
}

#[test]
fn broken_requests_are_refused_with_code_joint_and_value() {
    let mut bench = Bench::holding();
    let good = request(0.1, 1.0);
    let broken = |change: &dyn Fn(&mut TrajectoryRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    type Change<'a> = &'a dyn Fn(&mut TrajectoryRequest);
    let cases: [(Change<'_>, ResultCode, &str); 13] = [
        (&|r| r.joint_names[0] = "elbow".into(), ResultCode::InvalidJoints, "'elbow'"),
        (&|r| r.joint_names[1] = r.joint_names[0].clone(), ResultCode::InvalidJoints, "twice"),
        (&|r| r.joint_names.clear(), ResultCode::InvalidJoints, "no joint names"),
        (&|r| r.points.clear(), ResultCode::InvalidGoal, "no points"),
        (&|r| r.points[1].positions.truncate(6), ResultCode::InvalidGoal, "6 positions for 7"),
        (&|r| r.points[1].velocities = vec![0.0; 3], ResultCode::InvalidGoal, "3 velocities"),
        (
            &|r| r.points[1].positions[2] = f64::NAN,
            ResultCode::InvalidGoal,
            "positions of panda_joint3 is NaN",
        ),
        (&|r| r.points[1].time_s = 0.0, ResultCode::InvalidGoal, "not after"),
        (&|r| r.points[1].time_s = f64::INFINITY, ResultCode::InvalidGoal, "inf"),
        (&|r| r.points[1].positions[5] = 4.0, ResultCode::InvalidGoal, "panda_joint6 is 4.0"),
        (&|r| r.points[1].time_s = 0.05, ResultCode::InvalidGoal, "velocity of panda_joint1"),
        (&|r| r.start_in_s = -3.0, ResultCode::OldHeaderTimestamp, "ended 2.000 s ago"),
        (&|r| r.start_in_s = f64::NAN, ResultCode::InvalidGoal, "header stamp"),
    ];
    for (change, code, text) in cases {
        let error = bench.accept(&broken(change)).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(text), "'{error}' lacks '{text}'");
    }
    let elsewhere = broken(&|r| r.points[0].positions[3] += 0.2);
    let error = bench.accept(&elsewhere).unwrap_err();
    assert!(
        matches!(&error, RejectError::StartsElsewhere { joint, .. } if joint == "panda_joint4")
    );
}

#[test]
fn a_start_in_the_past_is_entered_on_the_way_and_one_in_the_future_waits() {
    let mut bench = Bench::holding();
    let late = TrajectoryRequest { start_in_s: -0.1, ..request(0.1, 1.0) };
    bench.start(&late);
    bench.step();
    assert!((bench.controller.progress().unwrap().1 - 0.102).abs() < 1e-9);
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);

    let mut bench = Bench::holding();
    bench.start(&TrajectoryRequest { start_in_s: 0.5, ..request(0.1, 1.0) });
    bench.steps(240);
    assert_eq!(bench.controller.state(), ControllerState::Hold);
    bench.steps(20);
    assert_eq!(bench.controller.state(), ControllerState::Follow);
}

#[test]
fn a_new_motion_takes_over_in_mid_motion_without_a_jump() {
    let mut bench = Bench::holding();
    let first = bench.start(&request(0.6, 1.0));
    bench.steps(200);
    // From where the arm is now on to somewhere else.
    let back = PointRequest {
        time_s: 1.2,
        positions: READY.iter().map(|p| p - 0.1).collect(),
        ..PointRequest::default()
    };
    let second = bench.start(&TrajectoryRequest { points: vec![back], ..request(0.0, 1.0) });
    let limits = common::panda_limits();
    let mut before = bench.controller.commanded().clone();
    assert!(before.velocity[0] > 0.3);
    for _ in 0..900 {
        let now = bench.step().unwrap();
        for (joint, limit) in limits.joints().iter().enumerate() {
            let jerk = (now.acceleration[joint] - before.acceleration[joint]) / common::PERIOD_S;
            assert!(jerk.abs() <= 1.00001 * limit.jerk, "{jerk}");
        }
        before = now;
    }
    let replaced = bench.controller.take_finished().unwrap();
    assert_eq!((replaced.id, replaced.outcome), (first, Outcome::Replaced));
    let reached = bench.controller.take_finished().unwrap();
    assert_eq!((reached.id, reached.outcome), (second, Outcome::Reached));
}

#[test]
fn stale_joint_states_brake_then_end_commands_until_they_are_back() {
    let mut bench = Bench::holding();
    bench.start(&request(0.6, 1.0));
    bench.steps(200);
    bench.age_s = 0.15;
    bench.step();
    assert_eq!(bench.controller.state(), ControllerState::Brake);
    let outcome = run_to_end(&mut bench);
    assert!(
        matches!(outcome, Outcome::Stopped(StopReason::StaleJointStates { age_s, .. }) if age_s == 0.15),
        "{outcome:?}"
    );
    bench.steps(30);
    assert_eq!(bench.step(), None, "nobody knows where the arm is");
    bench.age_s = 0.0;
    bench.measured.position[0] = 0.5;
    assert_eq!(bench.step().unwrap().position[0], 0.5, "holds where it finds the arm");
}

#[test]
fn a_lost_planner_brakes_only_the_motion_of_one_that_was_alive() {
    let mut bench = Bench::holding();
    bench.start(&request(0.3, 1.0));
    assert_eq!(run_to_end(&mut bench), Outcome::Reached, "no heartbeat was ever heard");

    let mut bench = Bench::holding();
    bench.heartbeat_age_s = Some(0.01);
    bench.start(&request(0.3, 1.0));
    bench.steps(100);
    bench.heartbeat_age_s = Some(0.31);
    assert!(matches!(run_to_end(&mut bench), Outcome::Stopped(StopReason::PlannerLost { .. })));
}

#[test]
fn an_arm_that_does_not_follow_is_given_up() {
    let mut bench = Bench::holding();
    bench.start(&request(0.5, 1.0));
    bench.follows = 0.0;
    let outcome = run_to_end(&mut bench);
    assert!(matches!(outcome, Outcome::Stopped(StopReason::TrackingError { .. })), "{outcome:?}");
}

#[test]
fn tolerances_of_the_goal_are_kept() {
    let tolerance = |position| {
        vec![ToleranceRequest { joint: "panda_joint1".into(), position, velocity: -1.0 }]
    };
    let mut bench = Bench::holding();
    bench.follows = 0.02;
    bench.start(&TrajectoryRequest { path_tolerance: tolerance(0.001), ..request(0.1, 1.0) });
    let outcome = run_to_end(&mut bench);
    assert!(
        matches!(outcome, Outcome::Stopped(StopReason::PathTolerance { joint: 0, .. })),
        "{outcome:?}"
    );

    let mut bench = Bench::holding();
    bench.follows = 0.0;
    let goal_tolerance = names()
        .into_iter()
        .map(|joint| ToleranceRequest { joint, position: 0.05, velocity: 0.0 })
        .collect();
    bench.start(&TrajectoryRequest { goal_tolerance, goal_time_s: 0.3, ..request(0.1, 1.0) });
    let outcome = run_to_end(&mut bench);
    assert!(matches!(outcome, Outcome::Stopped(StopReason::GoalTolerance { .. })), "{outcome:?}");
    assert!((bench.time_s - 1.3).abs() < 0.02, "{}", bench.time_s);

    // -1 takes any position.
    let mut bench = Bench::holding();
    bench.follows = 0.0;
    let goal_tolerance = names()
        .into_iter()
        .map(|joint| ToleranceRequest { joint, position: -1.0, velocity: -1.0 })
        .collect();
    bench.start(&TrajectoryRequest { goal_tolerance, ..request(0.1, 1.0) });
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
}

#[test]
fn the_emergency_stop_holds_until_reset() {
    let mut bench = Bench::holding();
    bench.start(&request(0.6, 1.0));
    bench.steps(200);
    bench.controller.e_stop();
    assert!(matches!(run_to_end(&mut bench), Outcome::Stopped(StopReason::EStop)));
    let mut again = request(0.1, 1.0);
    again.points.remove(0);
    bench.start(&again);
    assert!(matches!(outcome(&mut bench), Some(Outcome::Stopped(StopReason::EStop))));
    bench.controller.reset();
    bench.step();
    assert_eq!(bench.controller.state(), ControllerState::Hold);
    bench.start(&again);
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
}

#[test]
fn deactivation_brakes_first_and_then_ends_commands() {
    let mut bench = Bench::holding();
    bench.start(&request(0.6, 1.0));
    bench.steps(200);
    bench.controller.deactivate();
    let (mut steps, mut last) = (0, None);
    while let Some(command) = bench.step() {
        steps += 1;
        last = Some(command);
        assert!(steps < 300);
    }
    assert!(steps > 10, "{steps}");
    assert_eq!(last.unwrap().velocity, [0.0; 7], "the driver is told to stand");
    assert!(matches!(outcome(&mut bench), Some(Outcome::Stopped(StopReason::Deactivated))));
    assert_eq!(bench.controller.state(), ControllerState::Inactive);
}

#[test]
fn velocities_alone_are_integrated_if_that_is_allowed() {
    let point = |time_s, speed| PointRequest {
        time_s,
        velocities: vec![speed; 7],
        ..PointRequest::default()
    };
    let request = TrajectoryRequest {
        points: vec![point(0.0, 0.0), point(0.5, 0.2), point(1.0, 0.2), point(1.5, 0.0)],
        ..request(0.0, 1.0)
    };
    let mut bench = Bench::holding();
    let error = bench.accept(&request).unwrap_err();
    assert_eq!((&error, error.code()), (&RejectError::VelocitiesAlone, ResultCode::InvalidGoal));
    let config = AcceptConfig { allow_integration: true, ..AcceptConfig::default() };
    bench.acceptor = Acceptor::new(names(), common::panda_limits(), config).unwrap();
    bench.start(&request);
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
    // 0.05 while speeding up, 0.1, 0.05.
    assert!((bench.measured.position[0] - 0.2).abs() < 1e-6, "{:?}", bench.measured);
}

#[test]
fn efforts_go_along_between_the_points_and_are_clipped() {
    let mut bench = Bench::holding();
    let config = AcceptConfig { effort_limits: vec![20.0; 7], ..AcceptConfig::default() };
    bench.acceptor = Acceptor::new(names(), common::panda_limits(), config).unwrap();
    let mut request = request(0.1, 1.0);
    request.points[0].efforts = vec![0.0; 7];
    request.points[1].efforts = vec![10.0; 7];
    request.points[1].efforts[1] = 99.0;
    bench.start(&request);
    bench.steps(250);
    assert!((bench.controller.effort()[0] - 5.0).abs() < 0.1, "{:?}", bench.controller.effort());
    assert!((bench.controller.effort()[1] - 10.0).abs() < 0.1, "99 is clipped to 20");
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
    bench.step();
    assert_eq!(bench.controller.effort(), [0.0; 7]);
    request.points[1].efforts.pop();
    assert!(bench.accept(&request).unwrap_err().to_string().contains("6 efforts for 7"));
}

#[test]
fn a_goal_must_end_at_rest_and_a_chunk_need_not() {
    let mut bench = Bench::holding();
    let mut request = request(0.3, 1.0);
    request.points[1].velocities = vec![0.4; 7];
    request.points[0].velocities = vec![0.0; 7];
    let error = bench.accept(&request).unwrap_err();
    assert_eq!(error.code(), ResultCode::InvalidGoal);
    assert!(error.to_string().contains("panda_joint1 ends at 0.4"), "{error}");
    request.may_end_moving = true;
    bench.start(&request);
    let mut before = bench.controller.commanded().clone();
    let outcome = loop {
        let now = bench.step().unwrap();
        common::check_step(&before, &now);
        assert!(now.velocity[0] >= -1e-9, "it came back: {now:?}");
        before = now;
        if let Some(outcome) = outcome(&mut bench) {
            break outcome;
        }
    };
    assert_eq!(outcome, Outcome::Reached);
    assert!(before.position[0] > 0.3 && before.position[0] < 0.35, "{before:?}");
}

#[test]
fn speed_scaling_slows_and_stops_the_motion_on_its_path() {
    let mut bench = Bench::holding();
    bench.controller.scale_speed(0.5);
    bench.start(&request(0.3, 1.0));
    assert_eq!(run_to_end(&mut bench), Outcome::Reached);
    assert!((1.8..2.3).contains(&bench.time_s), "{}", bench.time_s);

    let mut bench = Bench::holding();
    bench.start(&request(0.6, 1.0));
    let mut before = bench.controller.commanded().clone();
    for step in 0..2000 {
        match step {
            200 => bench.controller.scale_speed(0.0),
            // Neither is a factor.
            300 => bench.controller.scale_speed(-1.0),
            301 => bench.controller.scale_speed(f64::NAN),
            900 => {
                assert_eq!(before.velocity, [0.0; 7], "it stands");
                assert_eq!(bench.controller.state(), ControllerState::Follow);
                bench.controller.scale_speed(7.0);
            }
            _ => {}
        }
        let now = bench.step().unwrap();
        common::check_step(&before, &now);
        let moved: Vec<f64> = now.position.iter().zip(READY).map(|(p, start)| p - start).collect();
        let off = moved.iter().fold(0.0, |most, m| f64::max(most, (m - moved[0]).abs()));
        assert!(off < 2e-3, "off its path by {off}");
        before = now;
    }
    assert_eq!(outcome(&mut bench), Some(Outcome::Reached));
}

#[test]
fn interpolation_meets_what_the_points_give() {
    // Positions and velocities: a cubic's middle; with accelerations: a quintic's.
    let mut bench = Bench::holding();
    let mut given = request(0.2, 1.0);
    given.points[0].velocities = vec![0.0; 7];
    given.points[1].velocities = vec![0.0; 7];
    let cubic = bench.accept(&given).unwrap().trajectory;
    given.points[0].accelerations = vec![0.5; 7];
    given.points[1].accelerations = vec![0.0; 7];
    let quintic = bench.accept(&given).unwrap().trajectory;
    assert!((cubic.sample(0.5).position[0] - 0.1).abs() < 1e-9);
    // An initial acceleration a adds a T² / 64 at the middle.
    let middle = quintic.sample(0.5).position[0];
    assert!((middle - 0.1 - 0.5 / 64.0).abs() < 1e-3, "{middle}");
    assert!((quintic.sample(0.02).acceleration[0] - 0.5).abs() < 0.2);
}

#[test]
fn a_negative_goal_time_waits_for_ever() {
    let mut bench = Bench::holding();
    bench.follows = 0.0;
    bench.start(&TrajectoryRequest { goal_time_s: -1.0, ..request(0.1, 1.0) });
    bench.steps(5000);
    assert_eq!(outcome(&mut bench), None);
}

#[test]
fn a_joint_state_that_jumps_stops_the_motion() {
    let mut bench = Bench::holding();
    bench.start(&request(0.3, 1.0));
    bench.steps(200);
    bench.measured.position[2] += 1.5;
    let outcome = run_to_end(&mut bench);
    assert!(
        matches!(outcome, Outcome::Stopped(StopReason::StateJump { joint: 2, .. })),
        "{outcome:?}"
    );
}
