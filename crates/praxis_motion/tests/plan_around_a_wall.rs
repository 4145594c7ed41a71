//! Motions of a seven-joint arm made of boxes: free, within limits, repeatable, and failures that say why.

mod common;

use std::sync::atomic::AtomicBool;

use nalgebra::{UnitQuaternion, Vector3};
use praxis_collision::{AttachedObject, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_motion::{
    CartesianEnd, CartesianRequest, Goal, JumpThresholds, MotionError, MotionRequest,
    PathConstraint, PoseGoal, spheres_inside,
};
use praxis_robot::Robot;

use common::{GOAL, SRDF, START, assert_free, joints, planner, request, urdf, wall};

#[test]
fn the_way_round_the_wall_is_free_all_the_time() {
    let mut planner = planner();
    let motion = planner.plan(&request(vec![joints(&GOAL)]), &wall()).unwrap();
    assert_free(&motion, &wall());
    assert!(motion.path.len() > 2, "the wall is in the straight way");
    assert_eq!(motion.trajectory.last_position(), GOAL);
    let again = planner.plan(&request(vec![joints(&GOAL)]), &wall()).unwrap();
    assert_eq!(motion.trajectory, again.trajectory);
}

#[test]
fn what_is_held_is_kept_clear_too() {
    let mut scene = wall();
    let stick = Shape::Cylinder { radius_m: 0.01, length_m: 0.12 };
    let spheres = spheres_inside(&[(stick, Pose::translation(0.0, 0.0, 0.03))]);
    let touch_links = ["l7".to_owned(), "tool".to_owned()];
    let held = AttachedObject::from_spheres("stick", "tool", spheres, &touch_links).unwrap();
    scene.attached.push(held);
    let motion = planner().plan(&request(vec![joints(&GOAL)]), &scene).unwrap();
    assert_free(&motion, &scene);
}

#[test]
fn a_pose_goal_is_reached() {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let tool = robot.link_index("tool").unwrap();
    let target = robot.link_pose(tool, &GOAL);
    let goal = Goal::Pose(PoseGoal {
        link: "tool".into(),
        root_from_link: target,
        position_tolerance_m: 0.001,
        orientation_tolerance_rad: [0.01; 3],
    });
    let motion = planner().plan(&request(vec![goal]), &wall()).unwrap();
    assert_free(&motion, &wall());
    let reached = robot.link_pose(tool, motion.trajectory.last_position());
    assert!((reached.translation.vector - target.translation.vector).norm() < 1e-5);
    assert!(reached.rotation.angle_to(&target.rotation) < 1e-5);
}

#[test]
fn failures_name_what_stands_in_the_way() {
    let mut planner = planner();
    let mut scene = wall();
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let at_tool = robot.link_pose(robot.link_index("l7").unwrap(), &GOAL);
    let shape = Shape::Sphere { radius_m: 0.05 };
    scene.objects.push(SceneObject::new("ball", &[(shape, at_tool)]).unwrap());
    let error = planner.plan(&request(vec![joints(&GOAL)]), &scene).unwrap_err();
    assert!(
        matches!(&error, MotionError::GoalInCollision { touching, .. }
        if touching.second == "ball" && touching.depth_m > 0.0),
        "{error}"
    );

    let error = planner.plan(&request(vec![joints(&[3.0])]), &wall()).unwrap_err();
    assert!(matches!(error, MotionError::GoalOutOfLimits { .. }), "{error}");
    let far = Goal::Pose(PoseGoal {
        link: "tool".into(),
        root_from_link: Pose::translation(5.0, 0.0, 0.0),
        position_tolerance_m: 0.001,
        orientation_tolerance_rad: [0.01; 3],
    });
    let error = planner.plan(&request(vec![far]), &wall()).unwrap_err();
    assert!(matches!(error, MotionError::Unreachable { position_m, .. } if position_m > 3.0));
    let mut unknown = request(vec![joints(&GOAL)]);
    unknown.group = "leg".into();
    assert!(matches!(
        planner.plan(&unknown, &wall()).unwrap_err(),
        MotionError::UnknownName { what: "group", .. }
    ));
    let raised = AtomicBool::new(true);
    let cancelled = MotionRequest { cancel: Some(&raised), ..request(vec![joints(&GOAL)]) };
    assert_eq!(planner.plan(&cancelled, &wall()).unwrap_err(), MotionError::Cancelled);
}

#[test]
fn a_straight_line_is_followed_until_the_wall() {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let tool = robot.link_index("tool").unwrap();
    let start = robot.link_pose(tool, &START);
    let mut across = start;
    across.translation.vector.y += 0.1;
    let go = |waypoint: Pose, avoid_collisions: bool, max_y: f64| {
        let request = CartesianRequest {
            start: START.to_vec(),
            group: "arm".into(),
            link: "tool".into(),
            waypoints: vec![waypoint],
            max_step_m: 0.005,
            jumps: JumpThresholds { revolute_rad: 0.5, ..JumpThresholds::default() },
            avoid_collisions,
            velocity_scaling: 0.0,
            acceleration_scaling: 0.0,
        };
        let motion = planner().cartesian_path(&request, &[] as &[PathConstraint], &wall()).unwrap();
        for step in 0..=(motion.trajectory.duration_s() * 100.0) as usize {
            let pose =
                robot.link_pose(tool, &motion.trajectory.sample(step as f64 * 0.01).position);
            let offset = pose.translation.vector - start.translation.vector;
            assert!(offset.x.abs() < 5e-3 && offset.z.abs() < 5e-3 && offset.y < max_y, "{offset}");
            assert!(pose.rotation.angle_to(&start.rotation) < 0.02);
        }
        motion
    };
    let short = go(across, true, 0.101);
    assert_eq!((short.fraction, &short.end), (1.0, &CartesianEnd::Complete));
    across.translation.vector.y = 0.2;
    let long = go(across, true, 1.0);
    assert!(long.fraction > 0.1 && long.fraction < 1.0);
    assert!(matches!(&long.end, CartesianEnd::Collision(t) if t.second == "wall"), "{}", long.end);
}

#[test]
fn an_upright_cup_stays_upright() {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let tool = robot.link_index("tool").unwrap();
    let constraint = praxis_motion::OrientationConstraint {
        link: "tool".into(),
        root_from_link: robot.link_pose(tool, &START).rotation,
        tolerance_rad: [0.4, 0.4, 4.0],
    };
    let wanted = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), 0.3);
    let mut target = START;
    target[0] += 0.3;
    let mut request = request(vec![joints(&target)]);
    request.constraints = vec![constraint.clone().into()];
    let motion = planner().plan(&request, &Scene::default()).unwrap();
    for step in 0..=(motion.trajectory.duration_s() * 100.0) as usize {
        let pose = robot.link_pose(tool, &motion.trajectory.sample(step as f64 * 0.01).position);
        assert!(constraint.excess_rad(&pose.rotation) < 1e-3);
    }
    assert!(wanted.angle() > 0.0);
}
