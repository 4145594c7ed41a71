use praxis_geometry::Pose;
use praxis_robot::{Joint, Robot};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Where states are drawn: joints that turn on and on are turned half a turn either way.
pub fn bounds_of(joint: &Joint) -> (f64, f64) {
    if joint.lower.is_finite() && joint.upper.is_finite() {
        (joint.lower, joint.upper)
    } else {
        (-std::f64::consts::PI, std::f64::consts::PI)
    }
}

/// The robot at rest with the joints in question at random positions within their limits.
pub fn random_state(robot: &Robot, joints: &[usize], random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut state = robot.neutral();
    for &joint in joints {
        let (low, high) = bounds_of(&robot.joints()[joint]);
        state[joint] = random.random_range(low..=high);
    }
    state
}

/// Pose of every link at a state.
pub fn link_poses(robot: &Robot, state: &[f64]) -> Vec<Pose> {
    let mut poses = Vec::new();
    robot.link_poses(state, &mut poses);
    poses
}
