use nalgebra::{Matrix6, Vector3, Vector6};
use praxis_geometry::Pose;

use super::tree::{Body, JointKind};

const POSITION_TOLERANCE_M: f64 = 1e-6;
const ROTATION_TOLERANCE_RAD: f64 = 1e-6;
const MAX_ITERATIONS: usize = 80;
/// Longest step of one joint in one iteration.
const LONGEST_STEP: f64 = 0.4;

/// How far the nearest configuration found is from the pose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IkMiss {
    /// Distance left, in metres.
    pub position_m: f64,
    /// Rotation left, in radians.
    pub rotation_rad: f64,
}

impl Body {
    /// Moves the joints `group` of `state` until `link` is at `target`, by damped least squares from
    /// where the state is, within `bounds` of the group's joints. One attempt from one seed.
    pub fn solve_ik(
        &self,
        state: &mut [f64],
        group: &[usize],
        bounds: &[(f64, f64)],
        link: usize,
        target: &Pose,
    ) -> Result<(), IkMiss> {
        let mut columns = vec![Vector6::zeros(); group.len()];
        let mut miss = IkMiss { position_m: f64::INFINITY, rotation_rad: f64::INFINITY };
        for _ in 0..MAX_ITERATIONS {
            let pose = self.jacobian_into(state, group, link, &mut columns);
            let position = target.translation.vector - pose.translation.vector;
            let rotation = (target.rotation * pose.rotation.inverse()).scaled_axis();
            miss = IkMiss { position_m: position.norm(), rotation_rad: rotation.norm() };
            if miss.position_m < POSITION_TOLERANCE_M && miss.rotation_rad < ROTATION_TOLERANCE_RAD
            {
                return Ok(());
            }
            let error = Vector6::new(
                position.x, position.y, position.z, rotation.x, rotation.y, rotation.z,
            );
            let damping = 1e-9 + 1e-2 * error.norm_squared().min(1.0);
            let mut square = Matrix6::identity() * damping;
            for column in &columns {
                square += column * column.transpose();
            }
            let Some(inverse) = square.cholesky() else { break };
            let weighted = inverse.solve(&error);
            for (k, column) in columns.iter().enumerate() {
                let step = column.dot(&weighted).clamp(-LONGEST_STEP, LONGEST_STEP);
                let (min, max) = bounds[k];
                state[group[k]] = (state[group[k]] + step).clamp(min, max);
            }
        }
        Err(miss)
    }

    /// How each joint of the group moves the link (linear, then angular, in the root frame), and
    /// the link's pose.
    fn jacobian_into(
        &self,
        state: &[f64],
        group: &[usize],
        link: usize,
        columns: &mut [Vector6<f64>],
    ) -> Pose {
        let pose = self.link_pose(state, link);
        columns.fill(Vector6::zeros());
        let mut at = link;
        while let Some(index) = self.links[at].parent_joint {
            let joint = &self.joints[index];
            if let Some(k) = joint.state.and_then(|s| group.iter().position(|&g| g == s)) {
                let root_from_joint = self.link_pose(state, joint.parent) * joint.parent_from_joint;
                let axis: Vector3<f64> = root_from_joint * joint.axis.into_inner();
                let (linear, angular) = match joint.kind {
                    JointKind::Prismatic => (axis, Vector3::zeros()),
                    _ => {
                        let arm = pose.translation.vector - root_from_joint.translation.vector;
                        (axis.cross(&arm), axis)
                    }
                };
                let column =
                    Vector6::new(linear.x, linear.y, linear.z, angular.x, angular.y, angular.z);
                columns[k] += column * joint.follows.0;
            }
            at = joint.parent;
        }
        pose
    }
}
