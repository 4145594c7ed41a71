use crate::move_to_state::{move_to_state, move_to_state_in};
use crate::{JointLimits, JointSample, Trajectory, TrajectoryError};

/// Arrival times nearer than this are one.
const SAME_TIME_S: f64 = 1e-9;
/// Estimates of the arrival time before giving up.
const MOST_ESTIMATES: u32 = 400;
/// From then on estimates are raised by this factor.
const PATIENCE: u32 = 100;
const RAISE: f64 = 1.02;

/// The motion from a state onto a target that moves on with its velocity (it is at `target` when
/// the motion begins): at its end the joints are where the target is then, and as fast. Jerk-limited,
/// and as soon as the limits allow, within 2 % of the time where the quickest ways have gaps.
pub fn meet_target(
    joint_names: &[String],
    from: &JointSample,
    target: &JointSample,
    limits: &JointLimits,
) -> Result<Trajectory, TrajectoryError> {
    target.check(joint_names.len())?;
    let mut arrival_s = 0.0;
    for estimate in 0..MOST_ESTIMATES {
        let there = target_at(target, arrival_s);
        let motion = move_to_state(joint_names.to_vec(), from, &there, limits)?;
        let duration_s = motion.duration_s();
        if (duration_s - arrival_s).abs() <= SAME_TIME_S {
            return Ok(motion);
        }
        if duration_s < arrival_s {
            // There is time to spare; some joints cannot be slower by any amount, though.
            let names = joint_names.to_vec();
            let motion = move_to_state_in(names, from, &there, limits, arrival_s)?;
            if (motion.duration_s() - arrival_s).abs() <= SAME_TIME_S {
                return Ok(motion);
            }
        }
        let raised = if estimate < PATIENCE { arrival_s } else { RAISE * arrival_s };
        arrival_s = duration_s.max(raised).max(arrival_s + SAME_TIME_S);
    }
    let reason = format!("the target is still ahead after {arrival_s:.3} s");
    Err(TrajectoryError::Unreachable { reason })
}

/// Where a target is after a time.
fn target_at(target: &JointSample, time_s: f64) -> JointSample {
    let moved = target.position.iter().zip(&target.velocity).map(|(p, v)| p + v * time_s);
    JointSample {
        position: moved.collect(),
        velocity: target.velocity.clone(),
        acceleration: vec![0.0; target.position.len()],
    }
}

/// Motion made while it runs: towards a target that may change at any moment, without a jump in
/// position, velocity or acceleration.
#[derive(Clone, Debug)]
pub struct OnlineMotion {
    limits: JointLimits,
    motion: Trajectory,
    begun_s: f64,
    /// Where the motion ends, and how fast the target moves on from there.
    end: JointSample,
}

impl OnlineMotion {
    /// At rest at `position`.
    pub fn at_rest(
        joint_names: Vec<String>,
        position: &[f64],
        limits: JointLimits,
    ) -> Result<Self, TrajectoryError> {
        let here = JointSample::at_rest(position);
        here.check(limits.dim())?;
        let motion = move_to_state(joint_names, &here, &here, &limits)?;
        Ok(Self { limits, motion, begun_s: 0.0, end: here })
    }

    /// From `now_s` on towards a target, which is at `target` at that moment and moves on with its
    /// velocity. An error leaves the motion as it was.
    pub fn aim(&mut self, now_s: f64, target: &JointSample) -> Result<(), TrajectoryError> {
        let here = self.state(now_s);
        let motion = meet_target(self.motion.joint_names(), &here, target, &self.limits)?;
        self.end = target_at(target, motion.duration_s());
        self.begun_s = now_s;
        self.motion = motion;
        Ok(())
    }

    /// The state at a time; once the target is met, its own.
    pub fn state(&self, now_s: f64) -> JointSample {
        let elapsed_s = now_s - self.begun_s;
        if elapsed_s >= self.motion.duration_s() {
            return target_at(&self.end, elapsed_s - self.motion.duration_s());
        }
        self.motion.sample(elapsed_s)
    }

    /// When the target is met.
    pub fn arrival_s(&self) -> f64 {
        self.begun_s + self.motion.duration_s()
    }
}
