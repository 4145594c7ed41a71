//! Servo input: followed, damped near singularities, slowed before bounds and contact, never stuck.

mod common;

use std::sync::Arc;

use common::{Bench, PERIOD_S, check_step};
use nalgebra::{UnitQuaternion, Vector3};
use praxis_collision::{Scene, SceneObject};
use praxis_control::{
    ControllerState, Monitor, MonitorConfig, Servo, ServoAnswer, ServoConfig, ServoInput,
    ServoStatus, StopReason,
};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use praxis_trajectory::{JointLimit, JointLimits, JointSample};

/// Six turning joints: waist, shoulder, elbow, and a wrist whose axes meet.
fn urdf() -> String {
    let joint = |k: usize, xyz: &str, axis: &str| {
        let (parent, child) = (k - 1, k);
        format!(
            "<link name='l{k}'/><joint name='j{k}' type='revolute'><parent link='l{parent}'/>\
             <child link='l{child}'/><origin xyz='{xyz}'/><axis xyz='{axis}'/>\
             <limit lower='-2.9' upper='2.9' velocity='2' effort='50'/></joint>"
        )
    };
    let hand = "<link name='hand'><collision><geometry><sphere radius='0.05'/></geometry></collision>\
                </link><joint name='flange' type='fixed'><parent link='l6'/><child link='hand'/>\
                <origin xyz='0.1 0 0'/></joint>";
    format!(
        "<robot name='six'><link name='l0'/>{}{}{}{}{}{}{hand}</robot>",
        joint(1, "0 0 0.3", "0 0 1"),
        joint(2, "0 0 0", "0 1 0"),
        joint(3, "0.4 0 0", "0 1 0"),
        joint(4, "0.4 0 0", "1 0 0"),
        joint(5, "0 0 0", "0 1 0"),
        joint(6, "0 0 0", "1 0 0"),
    )
}

struct Rig {
    robot: Arc<Robot>,
    servo: Servo,
    monitor: Monitor,
    at: JointSample,
}

impl Rig {
    fn new() -> Self {
        let robot = Arc::new(Robot::from_strings(&urdf(), None).unwrap());
        let names: Vec<String> = (1..=6).map(|k| format!("j{k}")).collect();
        let limit = JointLimit {
            min_position: -2.9,
            max_position: 2.9,
            ..JointLimit::new(2.0, 10.0, 500.0)
        };
        let limits = JointLimits::new(vec![limit; 6]).unwrap();
        let config = ServoConfig::default();
        Self {
            servo: Servo::new(robot.clone(), &names, "hand", limits, config).unwrap(),
            monitor: Monitor::new(robot.clone(), &names, MonitorConfig::default()).unwrap(),
            robot,
            at: JointSample::at_rest(&[0.0, -0.9, 1.6, 0.3, 0.6, 0.0]),
        }
    }

    fn hand(&self) -> Pose {
        self.robot.link_pose(self.robot.link_index("hand").unwrap(), &self.at.position)
    }

    /// One hundredth of a second at the velocities of the answer.
    fn step(&mut self, input: &ServoInput) -> ServoAnswer {
        let state = self.at.position.clone();
        let answer = self.servo.answer(input, &self.at, &state, 0.1, &mut self.monitor);
        for (position, velocity) in self.at.position.iter_mut().zip(&answer.velocity) {
            *position += 0.01 * velocity;
        }
        self.at.velocity.clone_from(&answer.velocity);
        answer
    }
}

fn twist(x: f64, z: f64) -> ServoInput {
    let (linear, angular) = (Vector3::new(x, 0.0, z), Vector3::zeros());
    ServoInput::Twist { linear, angular, axes: None }
}

#[test]
fn a_twist_moves_the_tool_as_asked() {
    let mut rig = Rig::new();
    let before = rig.hand();
    for _ in 0..100 {
        assert_eq!(rig.step(&twist(0.0, 0.1)).status, ServoStatus::NoWarning);
    }
    let moved = rig.hand().translation.vector - before.translation.vector;
    assert!((moved - Vector3::new(0.0, 0.0, 0.1)).norm() < 2e-3, "{moved}");
    assert!(rig.hand().rotation.angle_to(&before.rotation) < 5e-3);
}

#[test]
fn it_slows_towards_a_singularity_and_always_gets_out_again() {
    let mut rig = Rig::new();
    let mut statuses = Vec::new();
    for _ in 0..800 {
        let answer = rig.step(&twist(0.3, 0.0));
        assert!(answer.velocity.iter().all(|v| v.abs() <= 2.0 + 1e-9), "{answer:?}");
        statuses.push(answer.status);
    }
    assert!(statuses.contains(&ServoStatus::NearSingularity), "{:?}", statuses.last());
    let stretched = rig.hand().translation.vector.x;
    assert!(stretched > 0.75, "stopped far too early: {stretched}");
    // Back: it moves at once.
    for _ in 0..200 {
        rig.step(&twist(-0.3, 0.0));
    }
    let back = stretched - rig.hand().translation.vector.x;
    assert!(back > 0.2, "only {back} m in 2 s");
}

#[test]
fn a_joint_slows_before_its_bound_and_leaves_it_freely() {
    let mut rig = Rig::new();
    let jog = |speed: f64| {
        let mut velocity = vec![0.0; 6];
        velocity[0] = speed;
        ServoInput::Joints(velocity)
    };
    let mut last = rig.step(&jog(1.5));
    for _ in 0..400 {
        last = rig.step(&jog(1.5));
        assert!(rig.at.position[0] <= 2.9);
    }
    assert_eq!((last.status, last.joint), (ServoStatus::JointBound, Some(0)));
    assert!(rig.at.position[0] > 2.85, "{:?}", rig.at.position);
    let answer = rig.step(&jog(-1.5));
    assert_eq!((answer.status, answer.velocity[0]), (ServoStatus::NoWarning, -1.5));
}

#[test]
fn it_stops_before_an_object_and_backs_out() {
    let mut rig = Rig::new();
    let hand = rig.hand().translation.vector;
    let pose = Pose::translation(hand.x, hand.y, hand.z - 0.4);
    let half_extents_m = Vector3::new(0.3, 0.3, 0.1);
    let object = SceneObject::new("box", &[(Shape::Box { half_extents_m }, pose)]).unwrap();
    rig.monitor.set_scene(Scene { objects: vec![object], ..Scene::default() });
    let mut last = rig.step(&twist(0.0, -0.2));
    for _ in 0..400 {
        last = rig.step(&twist(0.0, -0.2));
        let gap = rig.hand().translation.vector.z - 0.05 - (hand.z - 0.3);
        assert!(gap > 0.0, "touches");
    }
    assert!(
        matches!(last.status, ServoStatus::AtCollision | ServoStatus::NearCollision),
        "{last:?}"
    );
    assert_eq!(last.threat.unwrap().second, "box");
    let low = rig.hand().translation.vector.z;
    assert!(low < hand.z - 0.15, "stopped far too early");
    for _ in 0..50 {
        rig.step(&twist(0.0, 0.2));
    }
    assert!(rig.hand().translation.vector.z > low + 0.08, "does not back out");
}

#[test]
fn a_pose_target_is_reached() {
    let mut rig = Rig::new();
    let start = rig.hand();
    let turn = UnitQuaternion::from_euler_angles(0.0, 0.2, 0.2);
    let target = Pose::from_parts(
        (start.translation.vector + Vector3::new(-0.05, 0.1, 0.1)).into(),
        turn * start.rotation,
    );
    for _ in 0..300 {
        rig.step(&ServoInput::Pose(target));
    }
    assert!((rig.hand().translation.vector - target.translation.vector).norm() < 1e-3);
    assert!(rig.hand().rotation.angle_to(&target.rotation) < 1e-2);
}

#[test]
fn nonsense_is_answered_with_a_stand() {
    let mut rig = Rig::new();
    let nan = Vector3::new(f64::NAN, 0.0, 0.0);
    let inputs = [
        ServoInput::Joints(vec![1.0; 3]),
        ServoInput::Joints(vec![f64::INFINITY; 6]),
        ServoInput::Twist { linear: nan, angular: Vector3::zeros(), axes: None },
    ];
    for input in inputs {
        let answer = rig.step(&input);
        assert_eq!(answer.status, ServoStatus::Invalid, "{input:?}");
        assert_eq!(answer.velocity, [0.0; 6]);
    }
}

#[test]
fn the_loop_follows_within_limits_and_stops_when_input_ends() {
    let mut bench = Bench::holding();
    bench.servo = Some((vec![0.5; 7], 0.0));
    let mut before = bench.controller.commanded().clone();
    let mut step = |bench: &mut Bench| {
        let now = bench.step().unwrap();
        check_step(&before, &now);
        before = now.clone();
        now
    };
    for _ in 0..200 {
        step(&mut bench);
    }
    assert_eq!(bench.controller.state(), ControllerState::Servo);
    assert!((step(&mut bench).velocity[0] - 0.5).abs() < 0.01);
    // The last input grows old.
    let mut age_s = 0.0;
    while bench.controller.state() == ControllerState::Servo {
        age_s += PERIOD_S;
        bench.servo = Some((vec![0.5; 7], age_s));
        step(&mut bench);
        assert!(age_s < 0.1 + 0.2, "does not stop");
    }
    assert!(bench.controller.is_at_rest() && age_s > 0.1);

    // After a stop the same input moves nothing until it was let go.
    bench.servo = Some((vec![0.5; 7], 0.0));
    for _ in 0..100 {
        step(&mut bench);
    }
    bench.controller.stop(StopReason::StopRequested);
    for _ in 0..300 {
        step(&mut bench);
    }
    assert!(bench.controller.is_at_rest());
    bench.servo = None;
    step(&mut bench);
    bench.servo = Some((vec![0.5; 7], 0.0));
    for _ in 0..20 {
        step(&mut bench);
    }
    assert!(!bench.controller.is_at_rest(), "does not go on after it was let go");
}
