//! Whether the rest of a running motion is still free.

use std::sync::Arc;

use praxis_collision::{Checker, Scene};
use praxis_robot::Robot;
use praxis_trajectory::{JointSample, Trajectory};

use crate::pipeline::touching_of;

/// Spacing of the states that are looked at.
const STEP_S: f64 = 0.02;

/// What a running motion is held against, taken out of the pipeline so that nobody waits meanwhile.
pub struct Recheck {
    /// The robot.
    pub robot: Arc<Robot>,
    /// What is not to be touched.
    pub scene: Scene,
    /// The motion's joints, as indices of the robot's.
    pub joints: Vec<usize>,
    /// Where the other joints are.
    pub state: Vec<f64>,
}

impl Recheck {
    /// Where the motion will touch something after it has come so far, if anywhere: positions of its
    /// joints.
    pub fn first_hit(&self, motion: &Trajectory, from_s: f64) -> Option<Vec<f64>> {
        let left_s = (motion.duration_s() - from_s).max(0.0);
        let steps = (left_s / STEP_S).ceil() as usize;
        let (mut cursor, mut sample) = (0, JointSample::zeros(motion.dim()));
        let put = |step: usize, states: &mut Vec<f64>| {
            motion.sample_into(from_s + step as f64 * STEP_S, &mut cursor, &mut sample);
            states.extend(&sample.position);
        };
        self.checker()?.first_blocked(steps + 1, put).map(|(_, hit)| hit)
    }

    /// What is touched at what [`Self::first_hit`] found, in words: it looks at every point, so
    /// nobody in a hurry asks.
    pub fn told(&self, hit: &[f64]) -> String {
        let contact = self.checker().and_then(|mut checker| checker.first_contact(hit));
        contact.map_or_else(
            || "something is in the way".to_owned(),
            |contact| touching_of(contact).to_string(),
        )
    }

    fn checker(&self) -> Option<Checker<'_>> {
        Checker::new(&self.robot, &self.scene, &self.joints, &self.state).ok()
    }
}
