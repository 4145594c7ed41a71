use nalgebra::{UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_planning::{BOUNDS_TOLERANCE, JointSpace, distance};
use praxis_robot::IkSolver;
use rand::{Rng, RngExt};

use crate::arm::Arm;
use crate::error::MotionError;
use crate::request::{Goal, JointGoal, PoseGoal};

/// Solutions of inverse kinematics that are tried before giving up.
const IK_ATTEMPTS: usize = 80;
/// Free configurations at the goal that are enough to choose from.
const ENOUGH: usize = 16;
/// So many of them, the nearest, are handed on.
const NEAREST: usize = 6;
/// Steps towards the start that one configuration takes.
const APPROACHES: usize = 8;
/// Configurations nearer than this are one.
const SAME_RAD: f64 = 1e-2;

/// Free configurations that meet the goal, nearest to the start first; at least one.
pub(crate) fn configurations(
    arm: &mut Arm<'_>,
    goal: &Goal,
    start: &[f64],
    random: &mut impl Rng,
) -> Result<Vec<Vec<f64>>, MotionError> {
    match goal {
        Goal::Joints(joints) => at_joints(arm, joints, start).map(|q| vec![q]),
        Goal::Pose(pose) => at_pose(arm, pose, start, random),
    }
}

fn at_joints(
    arm: &mut Arm<'_>,
    joints: &[JointGoal],
    start: &[f64],
) -> Result<Vec<f64>, MotionError> {
    let mut q = start.to_vec();
    for goal in joints {
        let index = arm.joint_index(&goal.joint)?;
        let (min, max) = arm.bounds_of(index);
        let (low, high) = (
            goal.position - goal.tolerance_below.abs(),
            goal.position + goal.tolerance_above.abs(),
        );
        if !goal.position.is_finite() {
            let reason = format!("goal of joint '{}' is {}", goal.joint, goal.position);
            return Err(MotionError::BadRequest { reason });
        }
        if high < min - BOUNDS_TOLERANCE || low > max + BOUNDS_TOLERANCE {
            let excess = (min - high).max(low - max);
            let (joint, position) = (goal.joint.clone(), goal.position);
            return Err(MotionError::GoalOutOfLimits { joint, position, excess, min, max });
        }
        q[index] = goal.position.clamp(min, max);
    }
    match arm.touching(&q) {
        Some(touching) => Err(MotionError::GoalInCollision { touching, solutions: 1 }),
        None if !arm.keeps_constraints(&q) => {
            Err(MotionError::GoalViolatesConstraints { solutions: 1 })
        }
        None => Ok(q),
    }
}

fn at_pose(
    arm: &mut Arm<'_>,
    goal: &PoseGoal,
    start: &[f64],
    random: &mut impl Rng,
) -> Result<Vec<Vec<f64>>, MotionError> {
    let link = arm.link(&goal.link)?;
    let mut solver = arm.ik_solver(link);
    let mut free: Vec<Vec<f64>> = Vec::new();
    let (mut solutions, mut first_touching, mut nearest) = (0, None, (f64::INFINITY, 0.0));
    for attempt in 0..IK_ATTEMPTS {
        let target = if attempt == 0 { goal.root_from_link } else { varied(goal, random) };
        let seed = if attempt == 0 { start.to_vec() } else { arm.random_configuration(random) };
        let q = match solver.solve(&target, &seed, 0, 0) {
            Ok(q) => approach(arm, &mut solver, &target, start, q),
            Err(miss) => {
                if miss.position_m + 0.1 * miss.rotation_rad < nearest.0 + 0.1 * nearest.1 {
                    nearest = (miss.position_m, miss.rotation_rad);
                }
                continue;
            }
        };
        solutions += 1;
        if !arm.touches_nothing(&q) {
            first_touching = first_touching.or_else(|| arm.touching(&q));
        } else if arm.keeps_constraints(&q)
            && !free.iter().any(|other| distance(other, &q) < SAME_RAD)
        {
            free.push(q);
            if free.len() >= ENOUGH {
                break;
            }
        }
    }
    free.sort_by(|a, b| distance(start, a).total_cmp(&distance(start, b)));
    free.truncate(NEAREST);
    if !free.is_empty() {
        return Ok(free);
    }
    Err(match (solutions, first_touching) {
        (0, _) => MotionError::Unreachable {
            link: goal.link.clone(),
            position_m: nearest.0,
            rotation_rad: nearest.1,
        },
        (_, Some(touching)) => MotionError::GoalInCollision { touching, solutions },
        (_, None) => MotionError::GoalViolatesConstraints { solutions },
    })
}

/// The way to the start as far as the redundancy of the arm leaves one: half of it at a time, then
/// back to the goal, while that stays free and comes nearer.
fn approach(
    arm: &mut Arm<'_>,
    solver: &mut IkSolver,
    target: &Pose,
    start: &[f64],
    mut q: Vec<f64>,
) -> Vec<f64> {
    for _ in 0..APPROACHES {
        let halfway: Vec<f64> = q.iter().zip(start).map(|(q, s)| 0.5 * (q + s)).collect();
        match solver.solve(target, &halfway, 0, 0) {
            Ok(nearer)
                if distance(&nearer, start) < distance(&q, start) - SAME_RAD
                    && arm.is_free(&nearer) =>
            {
                q = nearer;
            }
            _ => break,
        }
    }
    q
}

/// The goal pose, turned within what its tolerances leave free (at least one radian).
fn varied(goal: &PoseGoal, random: &mut impl Rng) -> Pose {
    let mut turn = Vector3::zeros();
    for axis in 0..3 {
        let tolerance_rad = goal.orientation_tolerance_rad[axis].min(std::f64::consts::PI);
        if tolerance_rad > 1.0 {
            turn[axis] = random.random_range(-tolerance_rad..=tolerance_rad);
        }
    }
    goal.root_from_link * UnitQuaternion::from_scaled_axis(turn)
}
