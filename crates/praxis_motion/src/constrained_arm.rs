use nalgebra::DMatrix;
use praxis_planning::{BOUNDS_TOLERANCE, ProjectedSpace};

use crate::arm::Arm;
use crate::constraint::{PathConstraint, PoseConstraint, PoseKind, step_back};
use crate::error::MotionError;

/// Steps of one projection, and the longest of them, in radians.
const PROJECTION_STEPS: usize = 30;
const LONGEST_PROJECTION_RAD: f64 = 0.5;

impl Arm<'_> {
    /// With constraints that every configuration has to keep.
    pub fn constrained(mut self, constraints: &[PathConstraint]) -> Result<Self, MotionError> {
        for constraint in constraints {
            match constraint {
                PathConstraint::Orientation(c) => {
                    let (link, kind) = (self.link(&c.link)?, PoseKind::Orientation(c.clone()));
                    self.constraints.push(PoseConstraint { link, kind });
                }
                PathConstraint::Position(c) => {
                    let (link, kind) = (self.link(&c.link)?, PoseKind::Position(c.clone()));
                    self.constraints.push(PoseConstraint { link, kind });
                }
                PathConstraint::Joint(window) => {
                    let joint = self.joint_index(&window.joint)?;
                    let (min, max) = self.bounds[joint];
                    let (min, max) = (min.max(window.min), max.min(window.max));
                    if min.is_nan() || max.is_nan() || min > max {
                        let reason = format!(
                            "the window [{}, {}] of joint '{}' lies outside its limits",
                            window.min, window.max, window.joint
                        );
                        return Err(MotionError::BadRequest { reason });
                    }
                    self.check_window(joint, min, max)?;
                    self.bounds[joint] = (min, max);
                }
            }
        }
        Ok(self)
    }

    fn check_window(&self, joint: usize, min: f64, max: f64) -> Result<(), MotionError> {
        let (position, (lower, upper)) = (self.start[joint], self.bounds[joint]);
        let excess = (min - position).max(position - max);
        // What is outside of the limits themselves is told by the check of the start.
        if excess > BOUNDS_TOLERANCE && position >= lower && position <= upper {
            let name = &self.names[joint];
            let complaint =
                format!("joint '{name}' is {excess:.4} outside its window [{min:.4}, {max:.4}]");
            return Err(MotionError::StartViolatesConstraint { complaint });
        }
        Ok(())
    }
}

impl ProjectedSpace for Arm<'_> {
    /// Newton's method on all constraints at once, the joints held within their bounds.
    fn project(&mut self, q: &mut [f64]) -> bool {
        for _ in 0..PROJECTION_STEPS {
            self.set(q);
            let mut rows = Vec::new();
            for constraint in &self.constraints {
                let pose = self.robot.link_pose(constraint.link, &self.state);
                let Some((first, excess)) = constraint.residual(&pose) else { continue };
                let jacobian = self.robot.jacobian(&self.group, constraint.link, &self.state);
                let three_rows = DMatrix::from_fn(3, q.len(), |i, j| jacobian[(first + i, j)]);
                rows.push((three_rows, excess));
            }
            if rows.is_empty() {
                return true;
            }
            let Some(step) = step_back(&rows, q.len()) else { return false };
            let scale = (LONGEST_PROJECTION_RAD / step.amax().max(f64::MIN_POSITIVE)).min(1.0);
            for ((value, step), (min, max)) in q.iter_mut().zip(step.iter()).zip(&self.bounds) {
                *value = (*value + scale * step).clamp(*min, *max);
            }
        }
        self.keeps_constraints(q)
    }
}
