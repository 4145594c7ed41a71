use nalgebra::{UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_planning::{BOUNDS_TOLERANCE, JointSpace, distance};
use praxis_robot::{IkMiss, IkSolver};
use rand::{Rng, RngExt};

use crate::arm::Arm;
use crate::error::MotionError;
use crate::request::{Goal, JointGoal, PoseGoal, RegionGoal};

/// Solutions of inverse kinematics that are tried before giving up.
const IK_ATTEMPTS: usize = 80;
/// Free configurations at the goal that are enough to choose from.
const ENOUGH: usize = 16;
/// So many of them, the nearest, are where a motion goes if it can.
const NEAREST: usize = 6;
/// At most so many more are gone to otherwise.
const OTHERS: usize = 32;
/// Steps towards the start that one configuration takes.
const APPROACHES: usize = 8;
/// Descents without limits that look for the joint whose limits are in the way.
const BOUNDLESS_RESTARTS: u32 = 20;
/// Configurations nearer than this are one.
const SAME_RAD: f64 = 1e-2;

/// Free configurations that meet a goal, nearest to the start first.
pub(crate) struct Configurations {
    /// Where to go; at least one.
    pub nearest: Vec<Vec<f64>>,
    /// Where else, if no way leads to those: farther ones, and the same with a joint turned once more
    /// or less, which may be on this side of an obstacle.
    pub others: Vec<Vec<f64>>,
}

/// Free configurations that meet the goal.
pub(crate) fn configurations(
    arm: &mut Arm<'_>,
    goal: &Goal,
    start: &[f64],
    random: &mut impl Rng,
) -> Result<Configurations, MotionError> {
    match goal {
        Goal::Joints(joints) => at_joints(arm, joints, start)
            .map(|q| Configurations { nearest: vec![q], others: Vec::new() }),
        Goal::Pose(pose) => at_place(arm, &Place::from(pose), start, random),
        Goal::Region(region) => at_place(arm, &Place::from(region), start, random),
    }
}

/// Where a link has to be: somewhere in a box, turned somehow within tolerances.
struct Place<'a> {
    link: &'a str,
    root_from_box: Pose,
    half_extents_m: Vector3<f64>,
    orientation: UnitQuaternion<f64>,
    tolerance_rad: [f64; 3],
}

impl<'a> From<&'a PoseGoal> for Place<'a> {
    /// The pose itself: its tolerances are for what comes of it, but for axes that are free (one
    /// radian or more).
    fn from(goal: &'a PoseGoal) -> Self {
        let free = |rad: f64| if rad > 1.0 { rad } else { 0.0 };
        Self {
            link: &goal.link,
            root_from_box: goal.root_from_link,
            half_extents_m: Vector3::zeros(),
            orientation: goal.root_from_link.rotation,
            tolerance_rad: goal.orientation_tolerance_rad.map(free),
        }
    }
}

impl<'a> From<&'a RegionGoal> for Place<'a> {
    fn from(goal: &'a RegionGoal) -> Self {
        Self {
            link: &goal.link,
            root_from_box: goal.root_from_box,
            half_extents_m: goal.half_extents_m,
            orientation: goal.orientation,
            tolerance_rad: goal.orientation_tolerance_rad,
        }
    }
}

impl Place<'_> {
    /// Its middle.
    fn middle(&self) -> Pose {
        Pose::from_parts(self.root_from_box.translation, self.orientation)
    }

    /// A random pose of it.
    fn any(&self, random: &mut impl Rng) -> Pose {
        let mut within =
            |most: f64| if most > 0.0 { random.random_range(-most..=most) } else { 0.0 };
        let offset = self.half_extents_m.map(&mut within);
        let turn = self.tolerance_rad.map(|most| within(most.min(std::f64::consts::PI)));
        let at = self.root_from_box * nalgebra::Point3::from(offset);
        let turned = UnitQuaternion::from_scaled_axis(Vector3::from(turn));
        // Large turns about several axes compound to more than each of them.
        let is_within = |q: &UnitQuaternion<f64>| {
            q.scaled_axis().iter().zip(self.tolerance_rad).all(|(v, most)| v.abs() <= most + 1e-12)
        };
        let turned = if is_within(&turned) { turned } else { UnitQuaternion::identity() };
        Pose::from_parts(at.coords.into(), self.orientation * turned)
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
        let wanted = goal.position.clamp(min, max);
        let nearer = turned(wanted, start[index]);
        let is_turn = arm.is_continuous(index) && nearer >= min && nearer <= max;
        q[index] = if is_turn { nearer } else { wanted };
    }
    match arm.touching(&q) {
        Some(touching) => Err(MotionError::GoalInCollision { touching, solutions: 1 }),
        None if !arm.keeps_constraints(&q) => {
            Err(MotionError::GoalViolatesConstraints { solutions: 1 })
        }
        None => Ok(q),
    }
}

fn at_place(
    arm: &mut Arm<'_>,
    goal: &Place<'_>,
    start: &[f64],
    random: &mut impl Rng,
) -> Result<Configurations, MotionError> {
    let link = arm.link(goal.link)?;
    let mut solver = arm.ik_solver(link);
    let mut free: Vec<Vec<f64>> = Vec::new();
    let (mut solutions, mut first_touching, mut nearest) = (0, None, Nearest::default());
    for attempt in 0..IK_ATTEMPTS {
        if arm.is_cancelled() {
            return Err(MotionError::Cancelled);
        }
        let target = if attempt == 0 { goal.middle() } else { goal.any(random) };
        let seed = if attempt == 0 { start.to_vec() } else { arm.random_configuration(random) };
        let q = match solver.solve(&target, &seed, 0, 0) {
            Ok(q) => approach(arm, &mut solver, &target, start, q),
            Err(miss) => {
                nearest.hear_of(miss, solver.configuration(), &target);
                continue;
            }
        };
        solutions += 1;
        let q = turned_towards(arm, start, q);
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
    if !free.is_empty() {
        let turns: Vec<Vec<f64>> = free.iter().flat_map(|q| other_turns(arm, q)).collect();
        sort_by_distance(&mut free, start);
        let mut others = free.split_off(free.len().min(NEAREST));
        others.extend(turns);
        sort_by_distance(&mut others, start);
        others.truncate(OTHERS);
        return Ok(Configurations { nearest: free, others });
    }
    Err(match (solutions, first_touching) {
        (0, _) => unreachable_error(arm, goal.link, link, &nearest),
        (_, Some(touching)) => MotionError::GoalInCollision { touching, solutions },
        (_, None) => MotionError::GoalViolatesConstraints { solutions },
    })
}

/// The nearest miss of many descents.
#[derive(Default)]
struct Nearest {
    found: Option<(IkMiss, Vec<f64>, Pose)>,
}

impl Nearest {
    fn hear_of(&mut self, miss: IkMiss, q: &[f64], target: &Pose) {
        let total = |miss: &IkMiss| miss.position_m + 0.1 * miss.rotation_rad;
        if self.found.as_ref().is_none_or(|(best, ..)| total(&miss) < total(best)) {
            self.found = Some((miss, q.to_vec(), *target));
        }
    }
}

/// How near the link comes, and which joint's limits keep it from coming nearer.
fn unreachable_error(arm: &mut Arm<'_>, name: &str, link: usize, nearest: &Nearest) -> MotionError {
    let Some((miss, q, target)) = &nearest.found else {
        let reason = format!("no descent towards a pose of {name} was tried");
        return MotionError::BadRequest { reason };
    };
    let mut solver = arm.boundless_ik_solver(link);
    let beyond = solver.solve(target, q, BOUNDLESS_RESTARTS, 1).ok().and_then(|q| {
        let excess = |joint: usize| {
            let (min, max) = arm.bounds_of(joint);
            let middle = 0.5 * (min + max);
            let value = if arm.is_prismatic(joint) { q[joint] } else { turned(q[joint], middle) };
            (min - value).max(value - max)
        };
        let worst = (0..q.len()).max_by(|&a, &b| excess(a).total_cmp(&excess(b)))?;
        (excess(worst) > 0.0).then(|| (arm.joint_names()[worst].clone(), excess(worst)))
    });
    MotionError::Unreachable {
        link: name.to_owned(),
        position_m: miss.position_m,
        rotation_rad: miss.rotation_rad,
        nearest: Box::new(arm.link_pose(link, q)),
        beyond,
    }
}

/// The same configuration with full turns of its joints taken off or added where that brings them
/// nearer to `start` within their bounds.
fn turned_towards(arm: &Arm<'_>, start: &[f64], mut q: Vec<f64>) -> Vec<f64> {
    for joint in (0..q.len()).filter(|&joint| !arm.is_prismatic(joint)) {
        let nearer = turned(q[joint], start[joint]);
        let (min, max) = arm.bounds_of(joint);
        if nearer >= min && nearer <= max {
            q[joint] = nearer;
        }
    }
    q
}

/// The same configuration with one of its joints a full turn farther, for each turn within bounds.
fn other_turns(arm: &Arm<'_>, q: &[f64]) -> Vec<Vec<f64>> {
    use std::f64::consts::TAU;
    let turns = (0..q.len())
        .filter(|&joint| !arm.is_prismatic(joint))
        .flat_map(|joint| [(joint, q[joint] - TAU), (joint, q[joint] + TAU)]);
    turns
        .filter(|&(joint, angle)| {
            let (min, max) = arm.bounds_of(joint);
            angle >= min && angle <= max
        })
        .map(|(joint, angle)| {
            let mut other = q.to_vec();
            other[joint] = angle;
            other
        })
        .collect()
}

fn sort_by_distance(configurations: &mut [Vec<f64>], start: &[f64]) {
    configurations.sort_by(|a, b| distance(start, a).total_cmp(&distance(start, b)));
}

/// An angle, as near to another as full turns bring it.
fn turned(angle_rad: f64, towards_rad: f64) -> f64 {
    use std::f64::consts::TAU;
    angle_rad - TAU * ((angle_rad - towards_rad) / TAU).round()
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
