//! How long it takes to plan a motion that takes over from a running one, round points that have come
//! into its way: `takeover_time PANDA_URDF [ROUNDS]`. CPU time of the calling thread but
//! for the parts of the planning from rest, which are wall time.

use std::sync::Arc;
use std::time::Duration;

use nalgebra::{Point3, Vector3};
use praxis_collision::{PointCloud, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_motion::{Goal, JointGoal, MotionConfig, MotionPlanner, MotionRequest};
use praxis_robot::Robot;
use praxis_trajectory::LimitsFile;
use rustix::time::{ClockId, clock_gettime};

const SRDF: &str = include_str!("../../../models/robots/panda/panda.srdf");
const LIMITS: &str = include_str!("../../../config/panda/joint_limits.yaml");
const FROM: [f64; 7] = [1.3, -0.2, 0.0, -2.0, 0.0, 1.8, 0.785];
const TO: [f64; 7] = [-1.3, -0.2, 0.0, -2.0, 0.0, 1.8, 0.785];
/// Edges of the box that has come, and spacing of its points.
const BOX_M: f64 = 0.08;
const SPACING_M: f64 = 0.01;
/// Distance that motions keep from points.
const CLEARANCE_M: f32 = 0.04;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let urdf = std::fs::read_to_string(arguments.next().ok_or("PANDA_URDF")?)?;
    let rounds: u32 = arguments.next().map_or(Ok(20), |rounds| rounds.parse())?;
    let robot = Arc::new(Robot::from_strings(&urdf, Some(SRDF))?);
    let limits = LimitsFile::parse(LIMITS)?;
    let config = MotionConfig {
        default_velocity_scaling: 0.35,
        default_acceleration_scaling: 0.25,
        ..MotionConfig::default()
    };
    let mut planner = MotionPlanner::new(robot.clone(), &limits, config)?;
    let mut scene = Scene::default();
    for (id, size, z) in [("table", [1.5, 1.7, 0.04], -0.02), ("floor", [9.0, 9.0, 0.04], -0.4)] {
        let shape = Shape::Box { half_extents_m: 0.5 * Vector3::from(size) };
        scene.objects.push(SceneObject::new(id, &[(shape, Pose::translation(0.35, 0.0, z))])?);
    }
    let state_of = |q: &[f64]| {
        let mut state = robot.neutral();
        for (name, &position) in (1..=7).map(|k| format!("panda_joint{k}")).zip(q) {
            if let Ok(index) = robot.joint_index(&name) {
                state[index] = position;
            }
        }
        state
    };
    let tool = robot.link_index("panda_hand_tcp")?;
    // As the planning node: where the running motion ends is tried first.
    let end = |(joint, &position): (usize, &f64)| JointGoal {
        joint: format!("panda_joint{}", joint + 1),
        position,
        tolerance_above: 0.0,
        tolerance_below: 0.0,
    };
    let goal = Goal::Joints(TO.iter().enumerate().map(end).collect());
    let request = |start: Vec<f64>, seed: u64| MotionRequest {
        start,
        group: "panda_arm".to_owned(),
        goals: vec![goal.clone()],
        constraints: Vec::new(),
        velocity_scaling: 0.0,
        acceleration_scaling: 0.0,
        seed,
        time_budget: Duration::from_secs(2),
        cancel: None,
    };
    let running = planner.plan(&request(state_of(&FROM), 1), &scene)?.trajectory;
    let mut spans: [(&str, Vec<f64>); 8] = [
        "cloud",
        "in all",
        "of which the brake",
        "checks of start and goal",
        "search",
        "shortening",
        "timing",
        "the rest: joining",
    ]
    .map(|what| (what, Vec::new()));
    let mut failed = 0;
    for round in 0..rounds {
        let share = f64::from(round) / f64::from(rounds.max(2) - 1);
        let met = running.sample((0.55 + 0.25 * share) * running.duration_s()).position;
        let at = robot.link_pose(tool, &state_of(&met)).translation.vector;
        let mut blocked = scene.clone();
        let points = points(at);
        let begun = cpu_ms();
        blocked.cloud = Some(Arc::new(PointCloud::new(&points, CLEARANCE_M)));
        let cloud_ms = cpu_ms() - begun;
        let at_s = (0.1 + 0.15 * share) * running.duration_s();
        let order = request(state_of(&running.sample(at_s).position), u64::from(round));
        let begun = cpu_ms();
        let stop = planner.safe_brake(&order, &running, at_s, &blocked);
        let brake_ms = cpu_ms() - begun;
        drop(stop);
        let begun = cpu_ms();
        let motion = planner.clone().plan_taking_over(&order, &running, at_s, &blocked);
        let all_ms = cpu_ms() - begun;
        match motion {
            Ok(motion) => {
                let t = motion.timings;
                let [goals, search, simplify, timing] =
                    [t.goals, t.search, t.simplify, t.timing].map(|span| span.as_secs_f64() * 1e3);
                let rest_ms = all_ms - brake_ms - goals - search - simplify - timing;
                let told = [cloud_ms, all_ms, brake_ms, goals, search, simplify, timing, rest_ms];
                spans.iter_mut().zip(told).for_each(|((_, spans), span)| spans.push(span));
            }
            Err(error) => {
                failed += 1;
                println!("round {round}: {error}");
            }
        }
    }
    for (what, times) in &mut spans {
        times.sort_by(f64::total_cmp);
        let (middle, most) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{what}: median {middle:.2} ms, most {most:.2} ms");
    }
    println!("{failed} of {rounds} found no way");
    Ok(())
}

/// Points on the surface of a box.
fn points(centre: Vector3<f64>) -> Vec<Point3<f32>> {
    let steps = (BOX_M / SPACING_M).round() as i32;
    let mut points = Vec::new();
    for (i, j, k) in
        (0..=steps).flat_map(|i| (0..=steps).flat_map(move |j| (0..=steps).map(move |k| (i, j, k))))
    {
        if [i, j, k].iter().any(|&index| index == 0 || index == steps) {
            let offset = Vector3::new(f64::from(i), f64::from(j), f64::from(k)) * SPACING_M;
            let at = centre + offset - Vector3::repeat(0.5 * BOX_M);
            points.push(Point3::from(at).cast());
        }
    }
    points
}

fn cpu_ms() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 * 1e-6
}
