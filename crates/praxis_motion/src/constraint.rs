use nalgebra::{DMatrix, DVector, Point3, Vector3};
use praxis_geometry::Pose;

use crate::request::OrientationConstraint;

/// What has to hold all along a motion.
#[derive(Clone, Debug, PartialEq)]
pub enum PathConstraint {
    /// A link keeps an orientation.
    Orientation(OrientationConstraint),
    /// A link's origin stays in a box.
    Position(PositionConstraint),
    /// A joint stays in a window.
    Joint(JointWindow),
}

/// A box that a link's origin may not leave.
#[derive(Clone, Debug, PartialEq)]
pub struct PositionConstraint {
    /// The link.
    pub link: String,
    /// Middle and axes of the box, in the robot's root frame.
    pub root_from_box: Pose,
    /// Half of each edge length, metres; infinity leaves an axis free.
    pub half_extents_m: Vector3<f64>,
}

/// Positions that a joint may not leave.
#[derive(Clone, Debug, PartialEq)]
pub struct JointWindow {
    /// Its name.
    pub joint: String,
    /// Lowest position, radians or metres.
    pub min: f64,
    /// Highest position.
    pub max: f64,
}

impl From<OrientationConstraint> for PathConstraint {
    fn from(constraint: OrientationConstraint) -> Self {
        Self::Orientation(constraint)
    }
}

impl PositionConstraint {
    /// How far outside of the box a point of the root frame is, along each axis of the box.
    pub fn excess_m(&self, root_from_link: &Pose) -> Vector3<f64> {
        let in_box = self.root_from_box.inverse() * Point3::from(root_from_link.translation.vector);
        in_box.coords.zip_map(&self.half_extents_m, beyond)
    }
}

/// How far a coordinate is outside of ± `most`, with its sign.
fn beyond(value: f64, most: f64) -> f64 {
    value - value.clamp(-most, most)
}

/// A constraint on the pose of a link, its link found.
#[derive(Clone, Debug)]
pub(crate) struct PoseConstraint {
    pub link: usize,
    pub kind: PoseKind,
}

#[derive(Clone, Debug)]
pub(crate) enum PoseKind {
    Orientation(OrientationConstraint),
    Position(PositionConstraint),
}

/// Share of a tolerance that a projection aims at: its edge would be missed by rounding.
const AIMED_SHARE: f64 = 0.8;

impl PoseConstraint {
    pub fn holds(&self, root_from_link: &Pose) -> bool {
        match &self.kind {
            PoseKind::Orientation(c) => c.excess_rad(&root_from_link.rotation) <= 0.0,
            PoseKind::Position(c) => c.excess_m(root_from_link) == Vector3::zeros(),
        }
    }

    /// What is wrong with a pose, for people.
    pub fn complaint(&self, root_from_link: &Pose) -> String {
        match &self.kind {
            PoseKind::Orientation(c) => {
                let excess_rad = c.excess_rad(&root_from_link.rotation);
                format!("{} is {excess_rad:.3} rad outside its orientation constraint", c.link)
            }
            PoseKind::Position(c) => {
                let excess_m = c.excess_m(root_from_link).norm();
                format!("{} is {excess_m:.4} m outside its position constraint", c.link)
            }
        }
    }

    /// The way out of the tolerances (root frame: metres or radians) that a projection has to undo,
    /// with the rows of the Jacobian that it belongs to; nothing where the constraint holds well.
    pub fn residual(&self, root_from_link: &Pose) -> Option<(usize, Vector3<f64>)> {
        match &self.kind {
            PoseKind::Orientation(c) => {
                let turn = c.root_from_link.inverse() * root_from_link.rotation;
                let aimed = Vector3::from(c.tolerance_rad) * AIMED_SHARE;
                let excess = turn.scaled_axis().zip_map(&aimed, beyond);
                (excess != Vector3::zeros()).then(|| (3, root_from_link.rotation * excess))
            }
            PoseKind::Position(c) => {
                let aimed = PositionConstraint {
                    half_extents_m: c.half_extents_m * AIMED_SHARE,
                    ..c.clone()
                };
                let excess = aimed.excess_m(root_from_link);
                (excess != Vector3::zeros()).then(|| (0, c.root_from_box.rotation * excess))
            }
        }
    }
}

/// The shortest step of the joints that undoes residuals to first order, damped near singularities.
pub(crate) fn step_back(
    rows: &[(DMatrix<f64>, Vector3<f64>)],
    joints: usize,
) -> Option<DVector<f64>> {
    const DAMPING: f64 = 1e-6;
    let mut jacobian = DMatrix::zeros(3 * rows.len(), joints);
    let mut residual = DVector::zeros(3 * rows.len());
    for (k, (three_rows, excess)) in rows.iter().enumerate() {
        jacobian.rows_mut(3 * k, 3).copy_from(three_rows);
        residual.rows_mut(3 * k, 3).copy_from(excess);
    }
    let mut square = &jacobian * jacobian.transpose();
    for k in 0..square.nrows() {
        square[(k, k)] += DAMPING;
    }
    Some(-(jacobian.transpose() * square.cholesky()?.solve(&residual)))
}
