//! The seven-joint arm made of boxes, and a wall that stands in its way.
#![allow(dead_code, reason = "not every test uses all of it")]

use std::sync::Arc;
use std::time::Duration;

use nalgebra::Vector3;
use praxis_collision::{Checker, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_motion::{Goal, JointGoal, Motion, MotionConfig, MotionPlanner, MotionRequest};
use praxis_robot::Robot;
use praxis_trajectory::LimitsFile;

/// Alternating yaw and pitch joints, 0.2 m apart.
pub fn urdf() -> String {
    urdf_with("")
}

/// The same with more in each link.
pub fn urdf_with(in_link: &str) -> String {
    let mut links = String::from("<link name='base'/>");
    let mut joints = String::new();
    for k in 1..=7 {
        let parent = if k == 1 { "base".to_owned() } else { format!("l{}", k - 1) };
        let axis = if k % 2 == 1 { "0 0 1" } else { "0 1 0" };
        links += &format!(
            "<link name='l{k}'><collision><origin xyz='0 0 0.09'/><geometry>\
             <box size='0.06 0.06 0.16'/></geometry></collision>{in_link}</link>"
        );
        joints += &format!(
            "<joint name='j{k}' type='revolute'><parent link='{parent}'/><child link='l{k}'/>\
             <origin xyz='0 0 {}'/><axis xyz='{axis}'/>\
             <limit lower='-2.6' upper='2.6' velocity='2' effort='60'/></joint>",
            if k == 1 { 0.1 } else { 0.2 }
        );
    }
    links += "<link name='tool'/>";
    joints += "<joint name='jt' type='fixed'><parent link='l7'/><child link='tool'/>\
               <origin xyz='0 0 0.2'/></joint>";
    format!("<robot name='arm'>{links}{joints}</robot>")
}

pub const SRDF: &str = "<robot name='arm'><group name='arm'>\
                    <chain base_link='base' tip_link='tool'/></group></robot>";
pub const START: [f64; 7] = [-0.8, 1.2, 0.0, 0.5, 0.0, 0.4, 0.0];
pub const GOAL: [f64; 7] = [0.8, 1.2, 0.0, 0.5, 0.0, 0.4, 0.0];

pub fn planner() -> MotionPlanner {
    let robot = Arc::new(Robot::from_strings(&urdf(), Some(SRDF)).unwrap());
    MotionPlanner::new(robot, &LimitsFile::default(), MotionConfig::default()).unwrap()
}

pub fn wall() -> Scene {
    let shape = Shape::Box { half_extents_m: Vector3::new(0.5, 0.02, 0.3) };
    let root_from_solid = Pose::translation(0.9, 0.0, 0.3);
    let wall = SceneObject::new("wall", &[(shape, root_from_solid)]).unwrap();
    Scene { objects: vec![wall], ..Scene::default() }
}

pub fn joints(values: &[f64]) -> Goal {
    let goal = |(k, &position): (usize, &f64)| JointGoal {
        joint: format!("j{}", k + 1),
        position,
        tolerance_below: 0.001,
        tolerance_above: 0.001,
    };
    Goal::Joints(values.iter().enumerate().map(goal).collect())
}

pub fn request(goals: Vec<Goal>) -> MotionRequest<'static> {
    MotionRequest {
        start: START.to_vec(),
        group: "arm".into(),
        goals,
        constraints: vec![],
        velocity_scaling: 0.0,
        acceleration_scaling: 0.0,
        seed: 3,
        time_budget: Duration::from_secs(120),
        cancel: None,
    }
}

pub fn assert_free(motion: &Motion, scene: &Scene) {
    let robot = Robot::from_strings(&urdf(), Some(SRDF)).unwrap();
    let mut checker = Checker::new(&robot, scene, &[0, 1, 2, 3, 4, 5, 6], &START).unwrap();
    let steps = (motion.trajectory.duration_s() * 1000.0) as usize;
    for step in 0..=steps {
        let state = motion.trajectory.sample(step as f64 * 1e-3).position;
        assert!(checker.is_free(&state), "{:?} at step {step}", checker.first_contact(&state));
    }
}
