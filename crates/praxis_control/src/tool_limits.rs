use std::sync::Arc;

use nalgebra::Point3;
use praxis_robot::Robot;
use praxis_trajectory::{JointLimits, JointSample};

use crate::ControlError;
use crate::stop::{JointState, StopPlan};

/// Looks along a stop.
const LOOKS: u32 = 16;
/// Span over which the tool's speed is measured along its way, seconds.
const SPEED_SPAN_S: f64 = 1e-4;
/// Between two looks the tool may be out by this much, metres and metres per second.
const ROUNDING: f64 = 1e-9;

/// Where a point of the tool may be, in the robot's root frame, and how fast it may go.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolLimits {
    /// Lowest corner of the workspace, metres; minus infinity where it is open.
    pub min_m: [f64; 3],
    /// Highest corner, metres; infinity where it is open.
    pub max_m: [f64; 3],
    /// Highest speed, metres per second; infinity for none.
    pub speed_mps: f64,
}

impl Default for ToolLimits {
    fn default() -> Self {
        let (min_m, max_m) = ([f64::NEG_INFINITY; 3], [f64::INFINITY; 3]);
        Self { min_m, max_m, speed_mps: f64::INFINITY }
    }
}

/// How the tool would leave its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolBreach {
    /// It would leave the workspace.
    Workspace {
        /// 0, 1, 2 for x, y, z.
        axis: usize,
        /// Where it would be, metres.
        value_m: f64,
        /// The bound, metres.
        limit_m: f64,
    },
    /// It would be too fast.
    Speed {
        /// How fast it would be, metres per second.
        value_mps: f64,
        /// The limit, metres per second.
        limit_mps: f64,
    },
}

/// Holds the tool inside its limits: a state passes if the whole stop from it does.
///
/// A stop is looked at in 16 places, so between them the tool may be out by the sagitta of its way
/// (1 mm for a stop of 0.3 s at 10 m/s²). Nothing here allocates.
#[derive(Clone, Debug)]
pub struct ToolGuard {
    robot: Arc<Robot>,
    joints: Vec<usize>,
    link: usize,
    limits: ToolLimits,
    // The box in force: wider than the limits only while the tool came from outside them.
    low_m: [f64; 3],
    high_m: [f64; 3],
    state: Vec<f64>,
}

impl ToolGuard {
    /// For the origin of `link`, moved by `joint_names`.
    pub fn new(
        robot: Arc<Robot>,
        joint_names: &[String],
        link: &str,
        limits: ToolLimits,
    ) -> Result<Self, ControlError> {
        let known = |error| ControlError::Robot { reason: format!("{error}") };
        let joints = joint_names.iter().map(|name| robot.joint_index(name).map_err(known));
        let joints = joints.collect::<Result<Vec<_>, _>>()?;
        let link = robot.link_index(link).map_err(known)?;
        for axis in 0..3 {
            let (min, max) = (limits.min_m[axis], limits.max_m[axis]);
            if min.is_nan() || max.is_nan() || min >= max {
                return Err(ControlError::BadSetting { what: "workspace", value: max - min });
            }
        }
        if limits.speed_mps.is_nan() || limits.speed_mps <= 0.0 {
            let value = limits.speed_mps;
            return Err(ControlError::BadSetting { what: "tool speed", value });
        }
        let (low_m, high_m) = (limits.min_m, limits.max_m);
        let state = robot.neutral();
        Ok(Self { robot, joints, link, limits, low_m, high_m, state })
    }

    /// The limits.
    pub fn limits(&self) -> &ToolLimits {
        &self.limits
    }

    /// Where the tool is with the joints at `position`.
    pub fn tool_m(&mut self, position: &[f64]) -> Point3<f64> {
        for (&joint, &position) in self.joints.iter().zip(position) {
            self.state[joint] = position;
        }
        Point3::from(self.robot.link_pose(self.link, &self.state).translation.vector)
    }

    /// How fast the tool goes in this state, metres per second.
    pub fn speed_mps(&mut self, sample: &JointSample) -> f64 {
        let here = self.tool_m(&sample.position);
        for (index, &joint) in self.joints.iter().enumerate() {
            self.state[joint] += SPEED_SPAN_S * sample.velocity[index];
        }
        let there = self.robot.link_pose(self.link, &self.state).translation.vector;
        (there - here.coords).norm() / SPEED_SPAN_S
    }

    /// Opens the box as far as the tool is outside it now: the way back is free.
    pub(crate) fn reset(&mut self, position: &[f64]) {
        let at = self.tool_m(position);
        for axis in 0..3 {
            self.low_m[axis] = self.limits.min_m[axis].min(at[axis]);
            self.high_m[axis] = self.limits.max_m[axis].max(at[axis]);
        }
    }

    /// What the shortest stop from this state would break, if anything.
    pub(crate) fn breach(
        &mut self,
        sample: &JointSample,
        stop: &dyn Fn(usize) -> StopPlan,
    ) -> Option<ToolBreach> {
        let dim = self.joints.len();
        let longest_s = (0..dim).map(|joint| stop(joint).duration_s()).fold(0.0, f64::max);
        let looks = if longest_s > 0.0 { LOOKS } else { 0 };
        (0..=looks).find_map(|look| {
            let time_s = longest_s * f64::from(look) / f64::from(LOOKS);
            self.breach_at(dim, &|joint| match look {
                0 => JointState {
                    position: sample.position[joint],
                    velocity: sample.velocity[joint],
                    acceleration: 0.0,
                },
                _ => stop(joint).state_at(time_s),
            })
        })
    }

    fn breach_at(&mut self, dim: usize, state: &dyn Fn(usize) -> JointState) -> Option<ToolBreach> {
        for joint in 0..dim {
            self.state[self.joints[joint]] = state(joint).position;
        }
        let at = self.robot.link_pose(self.link, &self.state).translation.vector;
        for axis in 0..3 {
            let (value_m, low_m, high_m) = (at[axis], self.low_m[axis], self.high_m[axis]);
            if value_m < low_m - ROUNDING || value_m > high_m + ROUNDING {
                let limit_m = if value_m < low_m { low_m } else { high_m };
                return Some(ToolBreach::Workspace { axis, value_m, limit_m });
            }
        }
        if self.limits.speed_mps.is_infinite() {
            return None;
        }
        for joint in 0..dim {
            self.state[self.joints[joint]] += SPEED_SPAN_S * state(joint).velocity;
        }
        let then = self.robot.link_pose(self.link, &self.state).translation.vector;
        let value_mps = (then - at).norm() / SPEED_SPAN_S;
        let limit_mps = self.limits.speed_mps;
        (value_mps > limit_mps + 1e-6).then_some(ToolBreach::Speed { value_mps, limit_mps })
    }

    /// Closes the box behind a tool that comes back inside; what the stop still needs stays open.
    pub(crate) fn close(&mut self, limits: &JointLimits, sample: &JointSample) {
        let is_open = (0..3).any(|axis| {
            self.low_m[axis] < self.limits.min_m[axis]
                || self.high_m[axis] > self.limits.max_m[axis]
        });
        if !is_open {
            return;
        }
        let (mut low_m, mut high_m) = (self.limits.min_m, self.limits.max_m);
        let plan = |joint: usize| {
            let state = JointState {
                position: sample.position[joint],
                velocity: sample.velocity[joint],
                acceleration: sample.acceleration[joint],
            };
            StopPlan::new(state, &limits.joints()[joint])
        };
        let longest_s = (0..limits.dim()).map(|joint| plan(joint).duration_s()).fold(0.0, f64::max);
        for look in 0..=LOOKS {
            let time_s = longest_s * f64::from(look) / f64::from(LOOKS);
            for joint in 0..limits.dim() {
                self.state[self.joints[joint]] = plan(joint).state_at(time_s).position;
            }
            let at = self.robot.link_pose(self.link, &self.state).translation.vector;
            for axis in 0..3 {
                low_m[axis] = low_m[axis].min(at[axis]);
                high_m[axis] = high_m[axis].max(at[axis]);
            }
        }
        for axis in 0..3 {
            self.low_m[axis] = self.low_m[axis].max(low_m[axis]);
            self.high_m[axis] = self.high_m[axis].min(high_m[axis]);
        }
    }
}
