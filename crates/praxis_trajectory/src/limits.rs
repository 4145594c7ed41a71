use crate::TrajectoryError;

/// What one joint may do. Radians or metres, and seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointLimit {
    /// Lowest position; negative infinity for a continuous joint.
    pub min_position: f64,
    /// Highest position; infinity for a continuous joint.
    pub max_position: f64,
    /// Highest speed, per second.
    pub velocity: f64,
    /// Highest acceleration, per second squared.
    pub acceleration: f64,
    /// Highest jerk, per second cubed.
    pub jerk: f64,
}

impl JointLimit {
    /// Velocity, acceleration and jerk limits without position bounds.
    pub fn new(velocity: f64, acceleration: f64, jerk: f64) -> Self {
        Self {
            min_position: f64::NEG_INFINITY,
            max_position: f64::INFINITY,
            velocity,
            acceleration,
            jerk,
        }
    }
}

/// Limits of all joints of a group, in its order; checked once, sound ever after.
#[derive(Clone, Debug, PartialEq)]
pub struct JointLimits {
    joints: Vec<JointLimit>,
}

impl JointLimits {
    /// Checks that every limit is positive and finite and that bounds are not empty.
    pub fn new(joints: Vec<JointLimit>) -> Result<Self, TrajectoryError> {
        if joints.is_empty() {
            return Err(TrajectoryError::TooFew { what: "joint limits", got: 0, needed: 1 });
        }
        for (joint, limit) in joints.iter().enumerate() {
            for (what, value) in [
                ("velocity", limit.velocity),
                ("acceleration", limit.acceleration),
                ("jerk", limit.jerk),
            ] {
                if !(value.is_finite() && value > 0.0) {
                    return Err(TrajectoryError::BadLimit { what, joint, value });
                }
            }
            let ordered = limit.min_position <= limit.max_position;
            if !ordered {
                let value = limit.max_position - limit.min_position;
                return Err(TrajectoryError::BadLimit { what: "position", joint, value });
            }
        }
        Ok(Self { joints })
    }

    /// Number of joints.
    pub fn dim(&self) -> usize {
        self.joints.len()
    }

    /// The limits, one a joint.
    pub fn joints(&self) -> &[JointLimit] {
        &self.joints
    }

    /// Velocity and acceleration scaled down by factors in (0, 1]; jerk and bounds stay.
    pub fn scaled(&self, velocity: f64, acceleration: f64) -> Result<Self, TrajectoryError> {
        for (what, value) in [("velocity", velocity), ("acceleration", acceleration)] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(TrajectoryError::BadScaling { what, value });
            }
        }
        let joints = self
            .joints
            .iter()
            .map(|limit| JointLimit {
                velocity: limit.velocity * velocity,
                acceleration: limit.acceleration * acceleration,
                ..*limit
            })
            .collect();
        Ok(Self { joints })
    }

    /// Errors with joint and excess when a position is outside its bounds by more than `tolerance`.
    pub fn check_position(&self, position: &[f64], tolerance: f64) -> Result<(), TrajectoryError> {
        crate::error::ensure_finite(|| "position".to_owned(), position, self.dim())?;
        for (joint, (&position, limit)) in position.iter().zip(&self.joints).enumerate() {
            let excess = (limit.min_position - position).max(position - limit.max_position);
            if excess > tolerance {
                let (min, max) = (limit.min_position, limit.max_position);
                return Err(TrajectoryError::OutOfBounds { joint, position, excess, min, max });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_limits_are_refused_with_the_joint() {
        let good = JointLimit::new(1.0, 2.0, 3.0);
        assert!(JointLimits::new(vec![]).is_err());
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = JointLimits::new(vec![good, JointLimit::new(1.0, bad, 3.0)]).unwrap_err();
            assert!(matches!(
                error,
                TrajectoryError::BadLimit { what: "acceleration", joint: 1, .. }
            ));
        }
        let limits = JointLimits::new(vec![good]).unwrap();
        assert!(limits.scaled(0.0, 1.0).is_err());
        assert!(limits.scaled(0.5, f64::NAN).is_err());
        assert_eq!(limits.scaled(0.5, 0.25).unwrap().joints()[0].acceleration, 0.5);
    }
}
