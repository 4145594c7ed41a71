//! What has to hold on the way, where motions may end, and what is told when they cannot.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::{Point3, UnitQuaternion, Vector3};
use praxis_collision::{Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_motion::{
    CartesianEnd, CartesianRequest, Goal, JointGoal, JointWindow, JumpThresholds, MotionConfig,
    MotionError, MotionPlanner, MotionRequest, OrientationConstraint, PathConstraint, PoseGoal,
    PositionConstraint, RegionGoal, Search, arc,
};
use praxis_robot::Robot;
use praxis_trajectory::{LimitsFile, Trajectory};

use common::{GOAL, SRDF, START, assert_free, joints, planner, request, urdf, wall};

/// The hand points straight down, left of the wall; and on its other side.
const DOWN_LEFT: [f64; 7] = [-0.8, 0.9, 0.0, 1.3, 0.0, std::f64::consts::PI - 2.2, 0.0];
const DOWN_RIGHT: [f64; 7] = [0.8, 0.9, 0.0, 1.3, 0.0, std::f64::consts::PI - 2.2, 0.0];

fn tool_poses(motion: &Trajectory) -> Vec<Pose> {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let tool = robot.link_index("tool").unwrap();
    let steps = (motion.duration_s() * 1000.0) as usize;
    (0..=steps).map(|k| robot.link_pose(tool, &motion.sample(k as f64 * 1e-3).position)).collect()
}

fn tool_pose(q: &[f64]) -> Pose {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    robot.link_pose(robot.link_index("tool").unwrap(), q)
}

#[test]
fn the_hand_stays_upright_round_the_wall() {
    let upright = OrientationConstraint {
        link: "tool".into(),
        root_from_link: tool_pose(&DOWN_LEFT).rotation,
        tolerance_rad: [0.06, 0.06, 4.0],
    };
    let mut order = request(vec![joints(&DOWN_RIGHT)]);
    order.start = DOWN_LEFT.to_vec();
    order.constraints = vec![upright.clone().into()];
    let motion = planner().plan(&order, &wall()).unwrap();
    assert_free(&motion, &wall());
    assert!(motion.path.len() > 2);
    assert_eq!(motion.trajectory.last_position(), DOWN_RIGHT);
    for pose in tool_poses(&motion.trajectory) {
        let excess_rad = upright.excess_rad(&pose.rotation);
        assert!(excess_rad < 2e-3, "{excess_rad} rad outside");
    }
    assert_eq!(planner().plan(&order, &wall()).unwrap().trajectory, motion.trajectory);
}

#[test]
fn the_hand_stays_in_its_box_and_the_joint_in_its_window() {
    let inside = PositionConstraint {
        link: "tool".into(),
        root_from_box: Pose::translation(0.0, 0.0, tool_pose(&START).translation.vector.z),
        half_extents_m: Vector3::new(f64::INFINITY, f64::INFINITY, 0.05),
    };
    let window = JointWindow { joint: "j3".into(), min: -0.4, max: 0.4 };
    let mut order = request(vec![joints(&GOAL)]);
    order.constraints =
        vec![PathConstraint::Position(inside.clone()), PathConstraint::Joint(window)];
    let motion = planner().plan(&order, &wall()).unwrap();
    assert_free(&motion, &wall());
    for pose in tool_poses(&motion.trajectory) {
        assert!(inside.excess_m(&pose).norm() < 1e-3);
    }
    for k in 0..=(motion.trajectory.duration_s() * 1e3) as usize {
        assert!(motion.trajectory.sample(k as f64 * 1e-3).position[2].abs() <= 0.4 + 1e-3);
    }
}

#[test]
fn a_start_outside_of_a_constraint_is_refused_with_what_and_how_far() {
    let try_with = |constraint: PathConstraint| {
        let mut order = request(vec![joints(&GOAL)]);
        order.constraints = vec![constraint];
        planner().plan(&order, &Scene::default()).unwrap_err().to_string()
    };
    let window = JointWindow { joint: "j2".into(), min: -1.0, max: 1.0 };
    let text = try_with(PathConstraint::Joint(window));
    assert!(text.contains("joint 'j2' is 0.2000 outside its window"), "{text}");
    let at = tool_pose(&START).translation.vector + Vector3::z() * 0.3;
    let text = try_with(PathConstraint::Position(PositionConstraint {
        link: "tool".into(),
        root_from_box: Pose::translation(at.x, at.y, at.z),
        half_extents_m: Vector3::new(0.1, 0.1, 0.1),
    }));
    assert!(text.contains("tool is 0.2000 m outside its position constraint"), "{text}");
    let nowhere = JointWindow { joint: "j2".into(), min: 3.0, max: 4.0 };
    assert!(try_with(PathConstraint::Joint(nowhere)).contains("outside its limits"));
}

#[test]
fn a_region_is_reached_where_its_middle_cannot_be() {
    let middle = tool_pose(&GOAL);
    let region = RegionGoal {
        link: "tool".into(),
        root_from_box: Pose::from_parts(middle.translation, UnitQuaternion::identity()),
        half_extents_m: Vector3::new(0.1, 0.2, 0.05),
        orientation: middle.rotation,
        orientation_tolerance_rad: [0.2, 0.2, 4.0],
    };
    let mut scene = wall();
    let ball = Shape::Sphere { radius_m: 0.06 };
    let at = Pose::from_parts(middle.translation, UnitQuaternion::identity());
    scene.objects.push(SceneObject::new("ball", &[(ball, at)]).unwrap());
    let motion = planner().plan(&request(vec![Goal::Region(region.clone())]), &scene).unwrap();
    assert_free(&motion, &scene);
    let reached = tool_pose(motion.trajectory.last_position());
    let offset = reached.translation.vector - middle.translation.vector;
    assert!(
        offset.iter().zip(region.half_extents_m.iter()).all(|(x, most)| x.abs() <= most + 1e-6)
    );
    let turn = (region.orientation.inverse() * reached.rotation).scaled_axis();
    assert!(turn.x.abs() <= 0.2 + 1e-6 && turn.y.abs() <= 0.2 + 1e-6, "{turn}");
}

#[test]
fn of_a_set_of_grasps_one_that_can_be_reached_is_taken() {
    let grasp = |pose: Pose| {
        Goal::Pose(PoseGoal {
            link: "tool".into(),
            root_from_link: pose,
            position_tolerance_m: 0.001,
            orientation_tolerance_rad: [0.01; 3],
        })
    };
    let mut grasps = vec![grasp(Pose::translation(3.0, 0.0, 0.0)); 3];
    grasps.push(grasp(tool_pose(&GOAL)));
    let motion = planner().plan(&request(grasps), &wall()).unwrap();
    assert_eq!(motion.goal, 3);
}

#[test]
fn what_cannot_be_reached_tells_the_nearest_pose() {
    let far = Pose::translation(5.0, 0.0, 0.3);
    let goal = Goal::Pose(PoseGoal {
        link: "tool".into(),
        root_from_link: far,
        position_tolerance_m: 0.001,
        orientation_tolerance_rad: [0.01; 3],
    });
    let error = planner().plan(&request(vec![goal]), &Scene::default()).unwrap_err();
    let MotionError::Unreachable { position_m, nearest, beyond, .. } = error else {
        panic!("{error}")
    };
    let left = (nearest.translation.vector - far.translation.vector).norm();
    assert!((left - position_m).abs() < 1e-9, "{left} {position_m}");
    assert_eq!(beyond, None);
}

/// Two joints about z, a continuous one and one with narrow limits.
fn lever() -> MotionPlanner {
    let link = |name: &str| {
        format!(
            "<link name='{name}'><collision><origin xyz='0.2 0 0'/><geometry><sphere radius='0.02'/>\
             </geometry></collision></link>"
        )
    };
    let urdf = [
        "<robot name='lever'><link name='base'/>".to_owned(),
        link("upper"),
        link("fore"),
        "<joint name='turn' type='continuous'><parent link='base'/><child link='upper'/>\
         <axis xyz='0 0 1'/><limit velocity='2' effort='1'/></joint>\
         <joint name='elbow' type='revolute'><parent link='upper'/><child link='fore'/>\
         <origin xyz='0.4 0 0'/><axis xyz='0 0 1'/>\
         <limit lower='-1' upper='1' velocity='2' effort='1'/></joint></robot>"
            .to_owned(),
    ]
    .concat();
    let srdf = "<robot name='lever'><group name='arm'><chain base_link='base' tip_link='fore'/>\
                </group></robot>";
    let robot = Arc::new(Robot::from_strings(&urdf, Some(srdf)).unwrap());
    MotionPlanner::new(robot, &LimitsFile::default(), MotionConfig::default()).unwrap()
}

fn lever_request(start: [f64; 2], goal: Goal) -> MotionRequest<'static> {
    MotionRequest { start: start.to_vec(), ..request(vec![goal]) }
}

#[test]
fn limits_that_are_in_the_way_are_named() {
    let mut planner = lever();
    let robot = Arc::clone(planner.robot());
    let pose = robot.link_pose(robot.link_index("fore").unwrap(), &[0.5, 1.3]);
    let goal = Goal::Pose(PoseGoal {
        link: "fore".into(),
        root_from_link: pose,
        position_tolerance_m: 0.001,
        orientation_tolerance_rad: [0.01; 3],
    });
    let error = planner.plan(&lever_request([0.0, 0.0], goal), &Scene::default()).unwrap_err();
    assert!(error.to_string().contains("joint 'elbow' 0.3000 beyond its limits"), "{error}");
}

#[test]
fn a_continuous_joint_takes_the_short_way_round() {
    let goal = |joint: &str, position: f64| JointGoal {
        joint: joint.into(),
        position,
        tolerance_below: 0.0,
        tolerance_above: 0.0,
    };
    let goal = Goal::Joints(vec![goal("turn", 3.0), goal("elbow", 0.5)]);
    let motion = lever().plan(&lever_request([-3.0, 0.5], goal), &Scene::default()).unwrap();
    let end = motion.trajectory.last_position();
    assert!((end[0] - (3.0 - std::f64::consts::TAU)).abs() < 1e-12 && end[1] == 0.5, "{end:?}");
}

#[test]
fn an_arc_is_followed_on_its_circle() {
    let start = tool_pose(&START);
    let via = start.translation.vector + Vector3::new(0.0, 0.05, 0.05);
    let mut end = start;
    end.translation.vector += Vector3::new(0.0, 0.1, 0.0);
    let waypoints = arc(&start, &Point3::from(via), &end, 0.002).unwrap();
    let order = CartesianRequest {
        start: START.to_vec(),
        group: "arm".into(),
        link: "tool".into(),
        waypoints,
        max_step_m: 0.005,
        jumps: JumpThresholds { relative: 8.0, prismatic_m: 0.1, revolute_rad: 0.5 },
        avoid_collisions: true,
        velocity_scaling: 0.0,
        acceleration_scaling: 0.0,
    };
    let no: &[PathConstraint] = &[];
    let motion = planner().cartesian_path(&order, no, &Scene::default()).unwrap();
    assert_eq!((motion.fraction, &motion.end), (1.0, &CartesianEnd::Complete));
    let centre = start.translation.vector + Vector3::new(0.0, 0.05, 0.0);
    for pose in tool_poses(&motion.trajectory) {
        let radius = (pose.translation.vector - centre).norm();
        assert!((radius - 0.05).abs() < 3e-3, "{radius}");
        assert!(pose.translation.vector.z > centre.z - 3e-3);
    }
}

#[test]
fn a_flag_raised_meanwhile_ends_a_search_that_would_go_on() {
    // Improving goes on until its budget of an hour ends; the flag ends it.
    let raised = AtomicBool::new(false);
    let order = MotionRequest {
        cancel: Some(&raised),
        time_budget: std::time::Duration::from_secs(3600),
        ..request(vec![joints(&GOAL)])
    };
    let scene = wall();
    let answer = std::thread::scope(|scope| {
        let planning = scope.spawn(|| planner().plan_by(Search::Improving, &order, &scene));
        raised.store(true, Ordering::Relaxed);
        planning.join().unwrap()
    });
    assert_eq!(answer.unwrap_err(), MotionError::Cancelled);
}

/// A bar that turns by up to nearly a full turn either way; what it is to reach lies behind a post on
/// the short way round.
#[test]
fn a_joint_turns_the_long_way_round_where_the_short_one_is_blocked() {
    let urdf = "<robot name='bar'><link name='base'/><link name='bar'><collision><origin xyz='0.4 0 0'/>\
                <geometry><box size='0.6 0.05 0.05'/></geometry></collision></link>\
                <joint name='turn' type='revolute'><parent link='base'/><child link='bar'/>\
                <axis xyz='0 0 1'/><limit lower='-6.2' upper='6.2' velocity='2' effort='9'/></joint></robot>";
    let srdf = "<robot name='bar'><group name='arm'><chain base_link='base' tip_link='bar'/></group></robot>";
    let robot = Arc::new(Robot::from_strings(urdf, Some(srdf)).unwrap());
    let there = robot.link_pose(robot.link_index("bar").unwrap(), &[3.0]);
    let mut planner =
        MotionPlanner::new(robot, &LimitsFile::default(), MotionConfig::default()).unwrap();
    let post = Shape::Box { half_extents_m: Vector3::new(0.05, 0.05, 0.2) };
    let post = SceneObject::new("post", &[(post, Pose::translation(0.0, 0.5, 0.0))]).unwrap();
    let scene = Scene { objects: vec![post], ..Scene::default() };
    let mut order = request(vec![Goal::Pose(PoseGoal {
        link: "bar".into(),
        root_from_link: there,
        position_tolerance_m: 1e-3,
        orientation_tolerance_rad: [1e-3; 3],
    })]);
    order.start = vec![0.2];
    let motion = planner.plan(&order, &scene).unwrap();
    let end = motion.trajectory.last_position()[0];
    assert!((end - (3.0 - std::f64::consts::TAU)).abs() < 1e-3, "{end}");
}
