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
/// States known to be reachable from the start, and how many are tried to find these.
const KNOWN: usize = 200;
const KNOWN_DRAWS: usize = 5_000;
/// So many of them, the nearest, are looked at from a state that may be reachable too.
const NEIGHBOURS: usize = 20;
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
    /// Where they stand when it begins.
    pub start: &'a [f64],
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

/// Poses of the tool at the states given, or at random states of the arm, evenly drawn over its joints,
/// that touch nothing and to which free straight motions lead from the start: what is behind a wall of
/// obstacles all round is nobody's to reach.
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
    let roomy = Scene { padding_m: ROOM_M, ..scene.clone() };
    let mut state = robot.neutral();
    let mut has_room = Checker::new(&robot, &roomy, &joints, &state)?;
    let mut reachable = Reachable {
        checker: Checker::new(&robot, &scene, &joints, &state)?,
        states: vec![course.start.to_vec()],
    };
    let any = |random: &mut ChaCha8Rng| -> Vec<f64> {
        bounds.iter().map(|&(low, high)| random.random_range(low..=high)).collect()
    };
    // Its own numbers: however many states it takes, the poses of a seed stay the same.
    let mut others = ChaCha8Rng::seed_from_u64(!course.seed);
    for _ in 0..KNOWN_DRAWS {
        if reachable.states.len() >= KNOWN {
            break;
        }
        reachable.try_add(any(&mut others));
    }
    let mut random = ChaCha8Rng::seed_from_u64(course.seed);
    let mut poses = Vec::new();
    while poses.len() < course.poses {
        let mut draws = (0..DRAWS).map(|_| any(&mut random));
        let Some(free) = draws.find(|q| has_room.is_free(q) && reachable.has_way_to(q)) else {
            bail!(
                "none of {DRAWS} random states is free and can be reached from the start: do the \
                 obstacles of '{}' leave the robot room, and do its semantics allow links that always \
                 touch?",
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

/// States that free straight motions join to the start.
struct Reachable<'a> {
    checker: Checker<'a>,
    states: Vec<Vec<f64>>,
}

impl Reachable<'_> {
    /// Takes a state in if it is free and one of those known can be seen from it.
    fn try_add(&mut self, q: Vec<f64>) {
        if self.has_way_to(&q) {
            self.states.push(q);
        }
    }

    fn has_way_to(&mut self, q: &[f64]) -> bool {
        let away = |known: &[f64]| known.iter().zip(q).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let mut nearest: Vec<(f64, &Vec<f64>)> =
            self.states.iter().map(|known| (away(known), known)).collect();
        nearest.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self.checker.is_free(q)
            && nearest.iter().take(NEIGHBOURS).any(|(_, known)| self.checker.edge_is_free(known, q))
    }
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
    Ok(Scene { objects, ..Scene::default() })
}
