use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nalgebra::{UnitQuaternion, Vector3};
use praxis_geometry::Pose;

use crate::constraint::PathConstraint;

/// What a motion is wanted for.
#[derive(Clone, Debug)]
pub struct MotionRequest<'a> {
    /// Position of every joint of the robot, in the robot's order.
    pub start: Vec<f64>,
    /// Name of the planning group that moves.
    pub group: String,
    /// Any of these may be reached; the best one found is taken.
    pub goals: Vec<Goal>,
    /// What has to hold all the way.
    pub constraints: Vec<PathConstraint>,
    /// Share of the velocity limits in (0, 1]; zero means the planner's default.
    pub velocity_scaling: f64,
    /// Share of the acceleration limits in (0, 1]; zero means the planner's default.
    pub acceleration_scaling: f64,
    /// One seed, one scene, one motion (as long as the time budget does not end the search).
    pub seed: u64,
    /// Longest time that planning may take.
    pub time_budget: Duration,
    /// Raised by another thread to stop planning.
    pub cancel: Option<&'a AtomicBool>,
}

/// Where a motion has to end.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// Joint values with tolerances; joints of the group that are not named stay where they are.
    Joints(Vec<JointGoal>),
    /// A pose of a link.
    Pose(PoseGoal),
    /// Anywhere in a region.
    Region(RegionGoal),
}

/// Where one joint has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct JointGoal {
    /// Its name.
    pub joint: String,
    /// Radians or metres.
    pub position: f64,
    /// How far below the position is still good.
    pub tolerance_below: f64,
    /// How far above the position is still good.
    pub tolerance_above: f64,
}

/// Where a link has to be, in the robot's root frame.
#[derive(Clone, Debug, PartialEq)]
pub struct PoseGoal {
    /// The link.
    pub link: String,
    /// Its pose.
    pub root_from_link: Pose,
    /// How far from the position is still good, in metres.
    pub position_tolerance_m: f64,
    /// Rotation about x, y and z of the link that is still good, in radians; π or more means free.
    pub orientation_tolerance_rad: [f64; 3],
}

/// Where a link may be, in the robot's root frame: its origin anywhere in a box, its orientation
/// anywhere within tolerances.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionGoal {
    /// The link.
    pub link: String,
    /// Middle and axes of the box.
    pub root_from_box: Pose,
    /// Half of each edge length, metres.
    pub half_extents_m: Vector3<f64>,
    /// The orientation that is meant.
    pub orientation: UnitQuaternion<f64>,
    /// Rotation about x, y and z of the link that is still good, in radians; π or more means free.
    pub orientation_tolerance_rad: [f64; 3],
}

/// A link that has to keep an orientation in the robot's root frame.
#[derive(Clone, Debug, PartialEq)]
pub struct OrientationConstraint {
    /// The link.
    pub link: String,
    /// The orientation to keep.
    pub root_from_link: UnitQuaternion<f64>,
    /// Rotation about x, y and z of the link that is allowed, in radians; π or more means free.
    pub tolerance_rad: [f64; 3],
}

impl OrientationConstraint {
    /// By how much an orientation is outside the tolerance, in radians; zero when it is within.
    pub fn excess_rad(&self, orientation: &UnitQuaternion<f64>) -> f64 {
        let turn = (self.root_from_link.inverse() * orientation).scaled_axis();
        (0..3).map(|axis| turn[axis].abs() - self.tolerance_rad[axis]).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_axis_may_turn_and_a_tight_one_may_not() {
        let upright = OrientationConstraint {
            link: "cup".into(),
            root_from_link: UnitQuaternion::identity(),
            tolerance_rad: [0.1, 0.1, 4.0],
        };
        let about = |axis: Vector3<f64>| UnitQuaternion::from_scaled_axis(axis);
        assert_eq!(upright.excess_rad(&about(Vector3::z() * 2.0)), 0.0);
        assert!((upright.excess_rad(&about(Vector3::x() * 0.3)) - 0.2).abs() < 1e-12);
    }
}
