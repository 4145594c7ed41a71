//! Motion and monitor in a closed loop, in exact time: what appears in the way is never touched.

use std::sync::Arc;

use nalgebra::Point3;
use praxis_collision::{AttachedObject, Checker, PointCloud, Scene, SceneObject};
use praxis_control::{
    AcceptConfig, Acceptor, Ahead, Commanded, Controller, ControllerConfig, Guard, KnownBox,
    Measured, Monitor, MonitorConfig, Outcome, Person, PointRequest, StepInputs, StopReason,
    TrajectoryRequest, Verdict,
};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use praxis_trajectory::{JointLimit, JointLimits, JointSample, Trajectory};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PERIOD_S: f64 = 0.002;
/// The monitor looks this often: 50 Hz.
const LOOK_EVERY: usize = 10;

/// A boom of 1 m that turns about z, and a forearm of 0.4 m on its end.
const URDF: &str = r#"<robot name="boom">
  <link name="base"/>
  <link name="boom"><collision><origin xyz="0.5 0 0"/><geometry><box size="1 0.08 0.08"/></geometry></collision></link>
  <link name="forearm"><collision><origin xyz="0.25 0 0"/><geometry><box size="0.3 0.06 0.06"/></geometry></collision></link>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="boom"/><origin xyz="0 0 0.5"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="2" effort="50"/></joint>
  <joint name="elbow" type="revolute"><parent link="boom"/><child link="forearm"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-2.5" upper="2.5" velocity="2" effort="20"/></joint>
</robot>"#;

fn robot() -> Arc<Robot> {
    Arc::new(Robot::from_strings(URDF, None).unwrap())
}

fn names() -> Vec<String> {
    vec!["shoulder".into(), "elbow".into()]
}

fn limits() -> JointLimits {
    let limit = |max_position: f64| JointLimit {
        min_position: -max_position,
        max_position,
        ..JointLimit::new(2.0, 8.0, 200.0)
    };
    JointLimits::new(vec![limit(3.0), limit(2.5)]).unwrap()
}

/// A ball of 5 cm at an angle of the boom, in its plane.
fn ball(angle_rad: f64, away_m: f64) -> Scene {
    let pose = Pose::translation(away_m * angle_rad.cos(), away_m * angle_rad.sin(), 0.5);
    let object = SceneObject::new("ball", &[(Shape::Sphere { radius_m: 0.05 }, pose)]).unwrap();
    Scene { objects: vec![object], ..Scene::default() }
}

/// The motion that runs, as the monitor is told of it.
fn ahead_of<'a>(
    controller: &'a Controller,
    trajectory: &'a Option<Arc<Trajectory>>,
) -> Option<Ahead<'a>> {
    let (motion, time_s) = controller.progress()?;
    Some(Ahead {
        motion,
        trajectory: trajectory.as_ref()?,
        time_s,
        commanded: controller.commanded(),
        rate: controller.rate(),
        stop_s: controller.stop_duration_s(),
    })
}

struct Rig {
    robot: Arc<Robot>,
    controller: Controller,
    acceptor: Acceptor,
    monitor: Monitor,
    measured: JointSample,
    verdict: Option<(Verdict, usize)>,
    trajectory: Option<Arc<Trajectory>>,
    steps: usize,
    is_watched: bool,
}

impl Rig {
    fn new() -> Self {
        let robot = robot();
        let mut controller = Controller::new(limits(), ControllerConfig::default()).unwrap();
        controller.activate();
        Self {
            controller,
            acceptor: Acceptor::new(names(), limits(), AcceptConfig::default()).unwrap(),
            monitor: Monitor::new(robot.clone(), &names(), MonitorConfig::default()).unwrap(),
            robot,
            measured: JointSample::at_rest(&[-1.5, 0.0]),
            verdict: None,
            trajectory: None,
            steps: 0,
            is_watched: true,
        }
    }

    /// From where it stands to a shoulder angle.
    fn go(&mut self, shoulder: f64, duration_s: f64) {
        self.step();
        let request = TrajectoryRequest {
            joint_names: names(),
            points: vec![PointRequest {
                time_s: duration_s,
                positions: vec![shoulder, 0.0],
                ..PointRequest::default()
            }],
            ..TrajectoryRequest::default()
        };
        let commanded = Commanded { sample: self.controller.commanded().clone(), running: None };
        let motion = self.acceptor.accept(7, &request, &commanded, false).unwrap();
        self.trajectory = Some(motion.trajectory.clone());
        self.controller.start(Box::new(motion));
    }

    fn look(&mut self) {
        let Some(ahead) = ahead_of(&self.controller, &self.trajectory) else { return };
        let verdict = self.monitor.look(&ahead, &self.measured.position, 0.0);
        self.verdict = Some((verdict, self.steps));
    }

    fn step(&mut self) {
        if self.steps.is_multiple_of(LOOK_EVERY) && self.is_watched {
            self.look();
        }
        let guard = self.verdict.as_ref().map(|(verdict, at)| Guard {
            motion: verdict.motion,
            rate: verdict.rate,
            must_brake: verdict.must_brake,
            age_s: (self.steps - at) as f64 * PERIOD_S,
        });
        let inputs = StepInputs {
            measured: Some(Measured {
                position: &self.measured.position,
                velocity: &self.measured.velocity,
                age_s: 0.0,
            }),
            guard,
            ..StepInputs::default()
        };
        if let Some(command) = self.controller.step(PERIOD_S, &inputs) {
            self.measured = command.clone();
        }
        self.steps += 1;
    }

    fn touches(&self, scene: &Scene) -> bool {
        let state = &self.measured.position;
        !Checker::new(&self.robot, scene, &[0, 1], state).unwrap().is_free(state)
    }

    fn outcome(&mut self) -> Option<Outcome> {
        self.controller.take_finished().map(|finished| finished.outcome)
    }
}

#[test]
fn a_ball_put_in_the_way_at_any_moment_is_not_touched_and_the_motion_goes_on_without_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut braked = 0;
    for run in 0..100 {
        let mut rig = Rig::new();
        rig.go(1.5, rng.random_range(3.0..5.0));
        while rig.measured.position[0] < rng.random_range(-1.4..0.6) {
            rig.step();
        }
        // The braking distance, the way in one look, and what the ball and half of the boom take.
        let speed = rig.measured.velocity[0];
        let stop_s = rig.controller.stop_duration_s();
        let away_m = rng.random_range(0.4..1.3);
        let wide = (0.05 + 0.04 + 0.03_f64).atan2(away_m) + 0.05;
        let room = speed * (stop_s + 0.08 + 0.02) + wide;
        let angle = rig.measured.position[0] + room + rng.random_range(0.0..0.5);
        let scene = ball(angle, away_m);
        rig.monitor.set_scene(scene.clone());
        for _ in 0..1500 {
            rig.step();
            braked += usize::from(rig.controller.is_held());
            assert!(!rig.touches(&scene), "run {run}: touches at {:?}", rig.measured);
        }
        if angle < 1.4 {
            assert!(rig.outcome().is_none(), "run {run}: gave up or went through");
        }
        rig.monitor.set_scene(Scene::default());
        let outcome = (0..4000).find_map(|_| {
            rig.step();
            rig.outcome()
        });
        if angle < 1.4 {
            assert_eq!(outcome, Some(Outcome::Reached), "run {run}");
            assert!((rig.measured.position[0] - 1.5).abs() < 1e-6, "run {run}");
        }
    }
    println!("{braked} periods under the brake");
}

#[test]
fn points_are_kept_clear_of_as_objects_are() {
    let mut rig = Rig::new();
    let points: Vec<Point3<f32>> =
        (0..40).map(|k| Point3::new(0.9, 0.0, 0.3 + 0.01 * k as f32)).collect();
    rig.monitor.set_points(&points, &[-1.5, 0.0]);
    rig.go(1.5, 3.0);
    for _ in 0..2500 {
        rig.step();
    }
    let cloud = Some(Arc::new(PointCloud::new(&points, 0.02)));
    assert!(!rig.touches(&Scene { cloud, ..Scene::default() }));
    assert!(rig.measured.position[0] > -0.6, "stopped far too early: {:?}", rig.measured);
    // Seen before the arm came near they stay; what appears beside the arm is its own edge.
    let state = rig.measured.position.clone();
    let edge = Point3::new(0.5 * state[0].cos(), 0.5 * state[0].sin(), 0.5 + 0.04 + 0.03);
    let with_edge: Vec<_> = points.iter().copied().chain([edge.cast()]).collect();
    rig.monitor.set_points(&with_edge, &state);
    assert_eq!(rig.monitor.unknown_points(), points.len());
    let threat = rig.verdict.as_ref().unwrap().0.threat.as_ref().unwrap();
    assert_eq!((threat.first.as_str(), threat.second.as_str()), ("boom", "<octomap>"));
}

#[test]
fn a_way_that_stays_blocked_ends_the_motion_with_the_reason() {
    let mut rig = Rig::new();
    rig.monitor.set_scene(ball(0.0, 0.8));
    rig.go(1.5, 3.0);
    let outcome = (0..12_000).find_map(|_| {
        rig.step();
        rig.outcome()
    });
    assert!(
        matches!(outcome, Some(Outcome::Stopped(StopReason::Obstructed { waited_s })) if waited_s > 10.0),
        "{outcome:?}"
    );
}

#[test]
fn a_silent_monitor_counts_as_a_threat() {
    let mut rig = Rig::new();
    rig.go(1.5, 4.0);
    for _ in 0..400 {
        rig.step();
    }
    assert!(rig.measured.velocity[0] > 0.1);
    rig.is_watched = false;
    for _ in 0..400 {
        rig.step();
    }
    assert_eq!(rig.measured.velocity, [0.0, 0.0]);
    assert!(rig.controller.is_held());
    rig.is_watched = true;
    let outcome = (0..4000).find_map(|_| {
        rig.step();
        rig.outcome()
    });
    assert_eq!(outcome, Some(Outcome::Reached));
}

#[test]
fn what_is_held_counts_and_what_a_motion_starts_in_does_not() {
    // A long rod in the hand reaches the ball that the arm alone would pass.
    let rod = (
        Shape::Box { half_extents_m: nalgebra::Vector3::new(0.3, 0.02, 0.02) },
        Pose::translation(0.6, 0.0, 0.0),
    );
    let held = AttachedObject::new("rod", "forearm", &[rod], &["forearm".into()], 0.0).unwrap();
    let scene = |attached: Vec<AttachedObject>| Scene { attached, ..ball(0.0, 1.7) };
    for (attached, passes) in [(vec![], true), (vec![held], false)] {
        let mut rig = Rig::new();
        rig.monitor.set_scene(scene(attached));
        rig.go(1.5, 3.0);
        let outcome = (0..2000).find_map(|_| {
            rig.step();
            rig.outcome()
        });
        assert_eq!(outcome == Some(Outcome::Reached), passes, "{outcome:?}");
    }

    // It starts against the ball and may leave it.
    let mut rig = Rig::new();
    rig.monitor.set_scene(ball(-1.5, 0.8));
    rig.go(1.5, 3.0);
    let outcome = (0..2000).find_map(|_| {
        rig.step();
        rig.outcome()
    });
    assert_eq!(outcome, Some(Outcome::Reached));
}

#[test]
fn points_of_known_objects_and_of_the_robot_do_not_brake() {
    let mut rig = Rig::new();
    let mut scene = ball(0.0, 1.0);
    scene.allowed.set("ball", "boom", true);
    scene.allowed.set("ball", "forearm", true);
    rig.monitor.set_scene(scene);
    let on_ball = Point3::new(1.0, 0.0, 0.555);
    let on_boom = Point3::new(0.6 * 1.5_f32.cos(), -0.6 * 1.5_f32.sin(), 0.5);
    // A tracked object that the scene does not have, and a point 2 cm beside its box.
    let root_from_box = Pose::translation(0.0, 1.0, 0.5);
    rig.monitor.set_known(vec![KnownBox { root_from_box, half_m: [0.05; 3] }]);
    let beside = Point3::new(0.0, 1.07, 0.5);
    rig.monitor.set_points(&[on_ball, on_boom, beside], &[-1.5, 0.0]);
    assert_eq!(rig.monitor.unknown_points(), 0);
    rig.go(1.5, 3.0);
    let outcome = (0..2000).find_map(|_| {
        rig.step();
        rig.outcome()
    });
    assert_eq!(outcome, Some(Outcome::Reached), "the planned contact is allowed");
}

#[test]
fn people_slow_the_arm_and_stop_it_when_they_are_near() {
    let person =
        |x: f64| Person { position: Point3::new(x, 0.0, 0.0), radius_m: 0.25, height_m: 1.8 };
    let slowest = |people: Vec<Person>| {
        let mut rig = Rig::new();
        rig.monitor.set_people(people);
        rig.go(1.5, 3.0);
        let mut slowest: f64 = 1.0;
        for _ in 0..1500 {
            rig.step();
            slowest = slowest.min(rig.controller.rate());
        }
        slowest
    };
    assert_eq!(slowest(vec![]), 1.0);
    let (far, near) = (slowest(vec![person(3.0)]), slowest(vec![person(1.9)]));
    assert!(far < 1.0 && far > 0.2, "{far}");
    assert_eq!(near, 0.0);
}

#[test]
fn stale_surroundings_slow_the_motion() {
    let mut rig = Rig::new();
    rig.go(1.5, 3.0);
    rig.step();
    let ahead = ahead_of(&rig.controller, &rig.trajectory).unwrap();
    let ahead = Ahead { rate: 1.0, stop_s: 0.0, ..ahead };
    let fresh = rig.monitor.look(&ahead, &[-1.5, 0.0], 0.5);
    let stale = rig.monitor.look(&ahead, &[-1.5, 0.0], 5.0);
    assert_eq!((fresh.rate, fresh.is_blind), (1.0, false));
    assert_eq!((stale.rate, stale.is_blind), (0.3, true));
}

#[test]
fn the_outlook_reaches_as_far_as_the_brake_and_shows_the_nearest_point() {
    let mut rig = Rig::new();
    rig.go(1.5, 3.0);
    (0..500).for_each(|_| rig.step());
    let ahead = ahead_of(&rig.controller, &rig.trajectory).unwrap();
    let at = Point3::new(0.0, 1.6, 0.5);
    rig.monitor.set_points(&[at.cast()], &rig.measured.position);
    let outlook = rig.monitor.outlook(&ahead, &rig.measured.position);
    let angle = |position: &[f64]| position[0];
    let farthest = outlook
        .braking
        .iter()
        .filter(|(centre, _)| centre.coords.xy().norm() > 0.9)
        .map(|(centre, _)| centre.y.atan2(centre.x))
        .fold(f64::NEG_INFINITY, f64::max);
    let stops_at =
        angle(&ahead.trajectory.sample(ahead.time_s + ahead.rate * ahead.stop_s).position);
    assert!(ahead.stop_s > 0.05 && stops_at > angle(&ahead.commanded.position) + 0.02);
    assert!((farthest - stops_at).abs() < 0.1, "{farthest} {stops_at}");
    let [on_robot, there] = outlook.nearest.unwrap();
    assert!((there - at).norm() < 1e-6, "{there}");
    assert!((on_robot - at).norm() > 0.1 && on_robot.coords.xy().norm() < 1.5);
}
