use std::collections::BTreeMap;

use praxis_robot::Robot;
use rand_chacha::ChaCha8Rng;

use crate::states::{link_poses, random_state};

/// Random states that are looked at.
const LOOKS: usize = 600;
/// Links that touch at this share of them always do: no motion could avoid it.
const ALWAYS: f64 = 0.95;

/// Pairs of links whose spheres touch at nearly every state, with the share: they have to be
/// allowed, or the robot could never move. Pairs that never touch stay checked: states that were
/// not drawn may bring them together.
pub fn always_touching(
    robot: &Robot,
    joints: &[usize],
    random: &mut ChaCha8Rng,
) -> Vec<(usize, usize, f64)> {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for _ in 0..LOOKS {
        for pair in touching(robot, &random_state(robot, joints, random)) {
            *counts.entry(pair).or_default() += 1;
        }
    }
    let share = |count: usize| count as f64 / LOOKS as f64;
    counts
        .into_iter()
        .filter(|(_, count)| share(*count) >= ALWAYS)
        .map(|((a, b), count)| (a, b, share(count)))
        .collect()
}

/// Pairs of links that must not touch and do.
pub fn touching(robot: &Robot, state: &[f64]) -> Vec<(usize, usize)> {
    let poses = link_poses(robot, state);
    let mut by_link = vec![Vec::new(); poses.len()];
    for sphere in robot.spheres() {
        by_link[sphere.link].push((poses[sphere.link] * sphere.centre, sphere.radius_m));
    }
    let mut pairs = Vec::new();
    for a in 0..by_link.len() {
        for b in a + 1..by_link.len() {
            let meet = || {
                by_link[a]
                    .iter()
                    .any(|(p, r)| by_link[b].iter().any(|(q, s)| (p - q).norm() < r + s))
            };
            if robot.pair_is_checked(a, b) && meet() {
                pairs.push((a, b));
            }
        }
    }
    pairs
}
