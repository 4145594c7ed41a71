use anyhow::{Context, Result};
use praxis_collision::{Checker, Scene};
use praxis_robot::Robot;
use rand_chacha::ChaCha8Rng;

use crate::arm::Arm;
use crate::states::{bounds_of, random_state};

/// Random states that are compared.
const DRAWS: usize = 4_000;
/// Names under which descriptions keep a pose to start from, best first.
const NAMED: [&str; 4] = ["home", "ready", "default", "init"];
/// Of the states that look best, so many are compared by what they see of the rest.
const CANDIDATES: usize = 50;
/// Other free states that a candidate looks at.
const SEEN_FROM_HOME: usize = 200;
/// Room that the robot should have around it at home, metres.
const ROOM_M: f64 = 0.02;

/// A pose to start from: the one that the SRDF of `given` names, if it is free, else one that is
/// free with room around it, far from joint limits and singularities, with the tool in front and
/// well above the floor, and from which straight motions lead to as many other states as can be.
pub fn choose(
    given: &Robot,
    robot: &Robot,
    arm: &Arm,
    scene: &Scene,
    random: &mut ChaCha8Rng,
) -> Result<Vec<f64>> {
    let roomy = Scene { padding_m: ROOM_M, ..scene.clone() };
    let rest = robot.neutral();
    let mut checker = Checker::new(robot, &roomy, &arm.joints, &rest)?;
    let of_arm = |state: &[f64]| -> Vec<f64> { arm.joints.iter().map(|&j| state[j]).collect() };
    let group = given.groups().iter().find(|group| group.name == arm.group);
    for name in NAMED {
        let states = group.into_iter().flat_map(|group| &group.states);
        for (_, values) in states.filter(|(state, _)| state.eq_ignore_ascii_case(name)) {
            let mut state = rest.clone();
            values.iter().for_each(|&(joint, value)| state[joint] = value);
            if checker.is_free(&of_arm(&state)) {
                return Ok(of_arm(&state));
            }
        }
    }

    let tool = robot.link_index(&arm.tool_link)?;
    let free: Vec<Vec<f64>> = (0..DRAWS)
        .map(|_| within_a_turn(robot, arm, random_state(robot, &arm.joints, random)))
        .filter(|state| checker.is_free(&of_arm(state)))
        .collect();
    let dexterity = |state: &[f64]| {
        // Fewer than six joints have no such measure in six dimensions.
        if arm.joints.len() < 6 { 0.0 } else { robot.manipulability(&arm.joints, tool, state) }
    };
    let place = |state: &[f64]| robot.link_pose(tool, state).translation.vector;
    let most = |of: &dyn Fn(&[f64]) -> f64| free.iter().map(|s| of(s)).fold(1e-9, f64::max);
    let (most_dexterous, highest) = (most(&dexterity), most(&|s| place(s).z));
    let farthest = most(&|s| place(s).xy().norm());
    let score = |state: &Vec<f64>| {
        let at = place(state);
        let share = |value: f64, best: f64| (value / (0.6 * best)).clamp(-1.0, 1.0);
        centredness(robot, arm, state)
            + share(dexterity(state), most_dexterous)
            + share(at.x, farthest)
            - (at.y / farthest).abs()
            + share(at.z, highest)
    };
    let mut ranked: Vec<(f64, Vec<f64>)> =
        free.iter().map(|state| (score(state), of_arm(state))).collect();
    ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let others: Vec<Vec<f64>> = free.iter().take(SEEN_FROM_HOME).map(|s| of_arm(s)).collect();
    let mut seen_from =
        |home: &[f64]| others.iter().filter(|other| checker.edge_is_free(home, other)).count();
    // Of those that see as much, the one that looks better.
    let best = ranked
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, home)| (seen_from(&home), home))
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(_, home)| home).with_context(|| {
        format!("none of {DRAWS} random states is free: links touch that the SRDF should allow")
    })
}

/// The same state with joints that can turn more than once brought within half a turn of zero.
fn within_a_turn(robot: &Robot, arm: &Arm, mut state: Vec<f64>) -> Vec<f64> {
    use std::f64::consts::{PI, TAU};
    for &joint in &arm.joints {
        let (low, high) = bounds_of(&robot.joints()[joint]);
        let turned = state[joint] - TAU * (state[joint] / TAU).round();
        if high - low > TAU && turned.abs() <= PI && (low..=high).contains(&turned) {
            state[joint] = turned;
        }
    }
    state
}

/// How far from its nearest limit the worst joint is, 0 to 1 where a quarter of its range counts as
/// far enough.
fn centredness(robot: &Robot, arm: &Arm, state: &[f64]) -> f64 {
    let room = |&joint: &usize| {
        let (low, high) = bounds_of(&robot.joints()[joint]);
        let position = state[joint];
        (4.0 * (position - low).min(high - position) / (high - low).max(1e-9)).clamp(0.0, 1.0)
    };
    arm.joints.iter().map(room).fold(1.0, f64::min)
}
