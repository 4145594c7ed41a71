use nalgebra::{DVector, Matrix6, Vector6};
use praxis_geometry::Pose;

use crate::robot::Robot;

/// A pose that a link should take.
#[derive(Clone, Copy, Debug)]
pub struct IkRequest<'a> {
    /// Indices of the joints that may move.
    pub joints: &'a [usize],
    /// The link.
    pub link: usize,
    /// Where it should be.
    pub root_from_link: &'a Pose,
    /// Full state to start from.
    pub seed: &'a [f64],
    /// Bounds of the joints, in their order; the robot's own if not given.
    pub bounds: Option<&'a [(f64, f64)]>,
    /// Steps before giving up.
    pub max_iterations: u32,
}

/// How near a descent came that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IkMiss {
    /// Distance left, metres.
    pub position_m: f64,
    /// Angle left, radians.
    pub rotation_rad: f64,
}

/// Arrived when both errors are below this, metres and radians.
const ARRIVED: f64 = 1e-7;
/// A descent that stands still this often has found a local minimum.
const MAX_REJECTED: u32 = 12;

impl Robot {
    /// Descends from the seed to the pose, within bounds: Levenberg-Marquardt on the twist between
    /// the link and its goal, with the damping that Sugihara gives ("Solvability-Unconcerned
    /// Inverse Kinematics by the Levenberg-Marquardt Method", IEEE T-RO 27(5), 2011, eq. 18-20).
    ///
    /// One descent from one seed: whoever needs more certainty tries more seeds.
    pub fn solve_ik(&self, request: &IkRequest<'_>) -> Result<Vec<f64>, IkMiss> {
        let own: Vec<(f64, f64)>;
        let bounds = match request.bounds {
            Some(bounds) => bounds,
            None => {
                let of = |&j: &usize| (self.joints[j].lower, self.joints[j].upper);
                own = request.joints.iter().map(of).collect();
                &own
            }
        };
        let mut q = request.seed.to_vec();
        for (&joint, &(lower, upper)) in request.joints.iter().zip(bounds) {
            q[joint] = q[joint].clamp(lower, upper);
        }
        let mut twist = self.twist_to(request, &q);
        let mut rejected = 0;
        let mut damping = 1e-3;
        for _ in 0..request.max_iterations {
            if arrived(&twist) {
                return Ok(q);
            }
            let jacobian = self.jacobian(request.joints, request.link, &q);
            let error = twist.norm_squared();
            let weight = damping * error + 1e-12;
            let normal: Matrix6<f64> =
                &jacobian * jacobian.transpose() + Matrix6::identity() * weight;
            let Some(solved) = normal.cholesky().map(|c| c.solve(&twist)) else { break };
            let step: DVector<f64> = jacobian.transpose() * solved;

            let mut next = q.clone();
            for ((&joint, &(lower, upper)), delta) in
                request.joints.iter().zip(bounds).zip(step.iter())
            {
                next[joint] = (q[joint] + delta.clamp(-0.6, 0.6)).clamp(lower, upper);
            }
            let next_twist = self.twist_to(request, &next);
            if next_twist.norm_squared() < error {
                (q, twist) = (next, next_twist);
                damping = (damping * 0.3).max(1e-6);
                rejected = 0;
            } else {
                damping *= 8.0;
                rejected += 1;
                if rejected > MAX_REJECTED {
                    break;
                }
            }
        }
        if arrived(&twist) {
            return Ok(q);
        }
        Err(IkMiss {
            position_m: twist.fixed_rows::<3>(0).norm(),
            rotation_rad: twist.fixed_rows::<3>(3).norm(),
        })
    }

    /// Translation and rotation vector that are left, root frame.
    fn twist_to(&self, request: &IkRequest<'_>, q: &[f64]) -> Vector6<f64> {
        let here = self.link_pose(request.link, q);
        let goal = request.root_from_link;
        let way = goal.translation.vector - here.translation.vector;
        let turn = (goal.rotation * here.rotation.inverse()).scaled_axis();
        Vector6::new(way.x, way.y, way.z, turn.x, turn.y, turn.z)
    }
}

fn arrived(twist: &Vector6<f64>) -> bool {
    twist.fixed_rows::<3>(0).norm() < ARRIVED && twist.fixed_rows::<3>(3).norm() < ARRIVED
}
