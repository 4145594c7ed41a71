use nalgebra::UnitQuaternion;
use praxis_geometry::Pose;
use praxis_planning::JointSpace;

use crate::arm::Arm;
use crate::error::{MotionError, Touching};

/// A rotation step counts as this many metres a radian when steps are cut by `max_step_m`.
const METRES_PER_RADIAN: f64 = 1.0 / 3.5;
/// Fewest steps of a segment for which a relative jump threshold means something.
const FEWEST_STEPS_FOR_RELATIVE_JUMP: usize = 10;

/// A motion of a link along straight lines.
#[derive(Clone, Debug)]
pub struct CartesianRequest {
    /// Position of every joint of the robot, in the robot's order.
    pub start: Vec<f64>,
    /// Name of the planning group that moves.
    pub group: String,
    /// The link that is led.
    pub link: String,
    /// Its poses in turn, in the robot's root frame.
    pub waypoints: Vec<Pose>,
    /// Longest step between solved poses, in metres (and 3.5 rad for each metre).
    pub max_step_m: f64,
    /// What counts as a jump in joint space.
    pub jumps: JumpThresholds,
    /// Whether configurations have to be free.
    pub avoid_collisions: bool,
    /// Share of the velocity limits in (0, 1]; zero means the planner's default.
    pub velocity_scaling: f64,
    /// Share of the acceleration limits in (0, 1]; zero means the planner's default.
    pub acceleration_scaling: f64,
}

/// Joint motion between two steps that ends a Cartesian path; zero turns a threshold off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JumpThresholds {
    /// So many times the mean joint distance of all steps.
    pub relative: f64,
    /// So far for any prismatic joint, in metres.
    pub prismatic_m: f64,
    /// So far for any revolute joint, in radians.
    pub revolute_rad: f64,
}

/// Why a Cartesian path ended where it did.
#[derive(Clone, Debug, PartialEq)]
pub enum CartesianEnd {
    /// It reached the last waypoint.
    Complete,
    /// The next pose has no configuration near; the nearest misses by this much.
    Unreachable {
        /// Distance left, in metres.
        position_m: f64,
        /// Rotation left, in radians.
        rotation_rad: f64,
    },
    /// The next configuration, or the way to it, is not free.
    Collision(Touching),
    /// The next configuration is a jump away.
    Jump {
        /// The joint that jumps, or the one that moves most.
        joint: String,
        /// How far it would move.
        by: f64,
    },
}

impl std::fmt::Display for CartesianEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete => write!(f, "complete"),
            Self::Unreachable { position_m, rotation_rad } => write!(
                f,
                "the next pose has no configuration near; the nearest is {position_m:.4} m and \
                 {rotation_rad:.4} rad away"
            ),
            Self::Collision(touching) => write!(f, "{touching}"),
            Self::Jump { joint, by } => write!(f, "joint '{joint}' would jump by {by:.3}"),
        }
    }
}

/// Configurations along the lines, as far as they go, and the share of the way that is done.
pub(crate) fn follow(
    arm: &mut Arm<'_>,
    request: &CartesianRequest,
) -> Result<(Vec<Vec<f64>>, f64, CartesianEnd), MotionError> {
    check(request)?;
    let link = arm.link(&request.link)?;
    let start = arm.start().to_vec();
    let poses = interpolated(arm.link_pose(link, &start), &request.waypoints, request.max_step_m);
    let mut path = vec![start];
    let mut end = CartesianEnd::Complete;
    for (pose, _) in &poses {
        let here = &path[path.len() - 1];
        let next = match arm.solve_ik(link, pose, here) {
            Ok(next) => next,
            Err(miss) => {
                let (position_m, rotation_rad) = (miss.position_m, miss.rotation_rad);
                end = CartesianEnd::Unreachable { position_m, rotation_rad };
                break;
            }
        };
        if let Some(jump) = absolute_jump(arm, here, &next, &request.jumps) {
            end = jump;
            break;
        }
        if request.avoid_collisions && !arm.edge_is_free(here, &next) {
            end = CartesianEnd::Collision(arm.touching_along(here, &next));
            break;
        }
        path.push(next);
    }
    if let Some((kept, jump)) = relative_jump(arm, &path, request.jumps.relative) {
        path.truncate(kept);
        end = jump;
    }
    let fraction = match path.len() {
        1 => f64::from(u8::from(poses.is_empty())),
        steps => poses[steps - 2].1,
    };
    Ok((path, fraction, end))
}

fn check(request: &CartesianRequest) -> Result<(), MotionError> {
    let bad = |reason: &str| Err(MotionError::BadRequest { reason: reason.to_owned() });
    if !(request.max_step_m.is_finite() && request.max_step_m > 0.0) {
        return bad("max_step must be positive");
    }
    if request.waypoints.is_empty() {
        return bad("a Cartesian path needs a waypoint");
    }
    let thresholds = request.jumps;
    if [thresholds.relative, thresholds.prismatic_m, thresholds.revolute_rad]
        .iter()
        .any(|t| !t.is_finite() || *t < 0.0)
    {
        return bad("jump thresholds must not be negative");
    }
    let finite = |pose: &Pose| pose.to_homogeneous().iter().all(|v| v.is_finite());
    if !request.waypoints.iter().all(finite) {
        return bad("a waypoint is not finite");
    }
    Ok(())
}

/// Poses on the lines, each with the share of the way (each segment counting by its length).
fn interpolated(start: Pose, waypoints: &[Pose], max_step_m: f64) -> Vec<(Pose, f64)> {
    let corners: Vec<Pose> = std::iter::once(start).chain(waypoints.iter().copied()).collect();
    let lengths: Vec<f64> = corners.windows(2).map(|w| length_m(&w[0], &w[1])).collect();
    let total: f64 = lengths.iter().sum();
    let mut poses = Vec::new();
    let mut done = 0.0;
    for (corner, &length) in corners.windows(2).zip(&lengths) {
        let steps = (length / max_step_m).ceil() as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let pose = between(&corner[0], &corner[1], share);
            poses.push((pose, (done + share * length) / total));
        }
        done += length;
    }
    poses
}

fn length_m(a: &Pose, b: &Pose) -> f64 {
    let moved = (b.translation.vector - a.translation.vector).norm();
    moved.max(a.rotation.angle_to(&b.rotation) * METRES_PER_RADIAN)
}

fn between(a: &Pose, b: &Pose, share: f64) -> Pose {
    let turn = (a.rotation.inverse() * b.rotation).scaled_axis();
    Pose::from_parts(
        a.translation.vector.lerp(&b.translation.vector, share).into(),
        a.rotation * UnitQuaternion::from_scaled_axis(turn * share),
    )
}

fn absolute_jump(
    arm: &Arm<'_>,
    from: &[f64],
    to: &[f64],
    thresholds: &JumpThresholds,
) -> Option<CartesianEnd> {
    (0..from.len()).find_map(|i| {
        let most =
            if arm.is_prismatic(i) { thresholds.prismatic_m } else { thresholds.revolute_rad };
        let by = (to[i] - from[i]).abs();
        (most > 0.0 && by > most)
            .then(|| CartesianEnd::Jump { joint: arm.joint_names()[i].clone(), by })
    })
}

/// How many configurations to keep where a step is longer than `factor` times the mean.
fn relative_jump(arm: &Arm<'_>, path: &[Vec<f64>], factor: f64) -> Option<(usize, CartesianEnd)> {
    let steps: Vec<f64> =
        path.windows(2).map(|w| praxis_planning::distance(&w[0], &w[1])).collect();
    if factor <= 0.0 || steps.len() < FEWEST_STEPS_FOR_RELATIVE_JUMP {
        return None;
    }
    let most = factor * steps.iter().sum::<f64>() / steps.len() as f64;
    let jump = steps.iter().position(|&step| step > most)?;
    let moved = |i: usize| (path[jump + 1][i] - path[jump][i]).abs();
    let joint = (0..path[0].len()).max_by(|&a, &b| moved(a).total_cmp(&moved(b)))?;
    let name = arm.joint_names()[joint].clone();
    Some((jump + 1, CartesianEnd::Jump { joint: name, by: moved(joint) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_short_and_end_on_the_waypoints() {
        let line = [Pose::translation(0.1, 0.0, 0.0), Pose::translation(0.1, 0.3, 0.0)];
        let poses = interpolated(Pose::identity(), &line, 0.01);
        assert_eq!(poses.len(), 40);
        assert!((poses[9].1 - 0.25).abs() < 1e-12);
        assert_eq!(poses[39], (line[1], 1.0));
    }
}
