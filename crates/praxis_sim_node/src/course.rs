use anyhow::{Context, bail};
use praxis_collision::{Checker, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use praxis_trajectory::LimitsFile;
use praxis_world::World;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// States that are tried for each pose.
const DRAWS: usize = 20_000;
/// Room around the robot in the states that are drawn, metres: poses are to be reached, not grazed.
const ROOM_M: f64 = 0.01;
/// Share of each joint's range that is left out at either end.
const EDGE: f64 = 0.02;
/// Joints without limits are drawn within one turn.
const UNBOUNDED: (f64, f64) = (-std::f64::consts::PI, std::f64::consts::PI);

/// What is wanted.
pub struct Course<'a> {
    /// Joints that move.
    pub arm_joints: &'a [String],
    /// Link whose poses are told.
    pub tool_link: &'a str,
    /// States of the joints that the poses are taken from, one after the other and again from the
    /// first; random ones if empty.
    pub states: &'a [f64],
    /// How many.
    pub poses: usize,
    /// One seed, one course.
    pub seed: u64,
}

/// Poses of the tool at the states given, or at random states of the arm that touch nothing, evenly
/// drawn over its joints.
pub fn draw(
    urdf: &str,
    srdf: Option<&str>,
    limits: &LimitsFile,
    world: &World,
    course: &Course<'_>,
) -> anyhow::Result<Vec<Pose>> {
    let robot = Robot::from_strings(urdf, srdf)?;
    let joints: Vec<usize> =
        course.arm_joints.iter().map(|name| robot.joint_index(name)).collect::<Result<_, _>>()?;
    let tool = robot.link_index(course.tool_link)?;
    let bounds: Vec<(f64, f64)> = joints
        .iter()
        .map(|&index| {
            let joint = &robot.joints()[index];
            let (low, high) = limits.joint(&joint.name).tighten_range((joint.lower, joint.upper));
            let (low, high) =
                if low.is_finite() && high.is_finite() { (low, high) } else { UNBOUNDED };
            let edge = EDGE * (high - low);
            (low + edge, high - edge)
        })
        .collect();
    if !course.states.is_empty() {
        let dim = joints.len();
        anyhow::ensure!(
            course.states.len().is_multiple_of(dim),
            "{} numbers are no whole number of states of {dim} joints",
            course.states.len()
        );
        let states: Vec<&[f64]> = course.states.chunks_exact(dim).collect();
        return Ok((0..course.poses)
            .map(|index| {
                let mut state = robot.neutral();
                for (&joint, &position) in joints.iter().zip(states[index % states.len()]) {
                    state[joint] = position;
                }
                robot.link_pose(tool, &state)
            })
            .collect());
    }
    let scene = scene_of(world)?;
    let mut state = robot.neutral();
    let mut checker = Checker::new(&robot, &scene, &joints, &state)?;
    let mut random = ChaCha8Rng::seed_from_u64(course.seed);
    let mut poses = Vec::new();
    while poses.len() < course.poses {
        let mut draws = (0..DRAWS).map(|_| -> Vec<f64> {
            bounds.iter().map(|&(low, high)| random.random_range(low..=high)).collect()
        });
        let Some(free) = draws.find(|q| checker.is_free(q)) else {
            bail!(
                "no free state among {DRAWS} random ones: do the obstacles of '{}' leave the robot \
                 room, and do its semantics allow links that always touch?",
                world.name
            );
        };
        for (&joint, &position) in joints.iter().zip(&free) {
            state[joint] = position;
        }
        poses.push(robot.link_pose(tool, &state));
    }
    Ok(poses)
}

fn scene_of(world: &World) -> anyhow::Result<Scene> {
    let objects = world
        .fixed_boxes()
        .iter()
        .map(|fixed| {
            let shape = Shape::Box { half_extents_m: 0.5 * fixed.size_m };
            SceneObject::new(fixed.id.clone(), &[(shape, fixed.world_from_box)])
        })
        .collect::<Result<_, _>>()
        .context("the world's boxes cannot be checked against")?;
    Ok(Scene { objects, padding_m: ROOM_M, ..Scene::default() })
}
