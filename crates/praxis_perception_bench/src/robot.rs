//! The robot's body in a posture, as the perception node finds it from transforms.

use std::path::Path;

use anyhow::{Context as _, Result};
use praxis_perception::{RobotBody, Sphere};
use praxis_robot::Robot;
use praxis_scenes::Posture;

/// As config/panda/perception.yaml.
const PADDING_M: f64 = 0.015;

/// The robot as its description has it.
pub struct RobotModel {
    robot: Robot,
    joints: [usize; 7],
    /// The other finger mimics it.
    finger: usize,
}

impl RobotModel {
    /// Reads a URDF with the Panda's joint names.
    pub fn read(urdf: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(urdf).with_context(|| {
            format!("cannot read {}; `cargo xtask setup` brings it", urdf.display())
        })?;
        let robot = Robot::from_strings(&text, None)?;
        let joint = |name: String| robot.joint_index(&name);
        let mut joints = [0; 7];
        for (number, index) in joints.iter_mut().enumerate() {
            *index = joint(format!("panda_joint{}", number + 1))?;
        }
        let finger = joint("panda_finger_joint1".to_owned())?;
        Ok(Self { robot, joints, finger })
    }

    /// The body in a posture; empty without one.
    pub fn body(&self, posture: Option<&Posture>) -> RobotBody {
        let Some(posture) = posture else { return RobotBody::default() };
        let mut q = self.robot.neutral();
        for (&index, angle) in self.joints.iter().zip(posture.joints_rad) {
            q[index] = angle;
        }
        q[self.finger] = posture.finger_m;
        let mut poses = Vec::new();
        self.robot.link_poses(&q, &mut poses);
        let placed =
            |centre, link: usize, radius_m| Sphere { centre: poses[link] * centre, radius_m };
        let spheres = self.robot.spheres().iter();
        let spheres: Vec<Sphere> =
            spheres.map(|own| placed(own.centre, own.link, own.radius_m)).collect();
        RobotBody::new(&spheres, PADDING_M)
    }
}
