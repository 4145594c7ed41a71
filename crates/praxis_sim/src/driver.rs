use std::collections::VecDeque;

use nalgebra::DVector;

use crate::command::{FingerTarget, TimedTarget};
use crate::limits::JointLimits;

/// How the driver follows.
#[derive(Clone, Debug, PartialEq)]
pub struct DriverConfig {
    /// Bandwidth of the joint loops, radians a second.
    pub bandwidth_rad_per_s: f64,
    /// Without a command for this long the arm stops and holds, seconds.
    pub hold_after_s: f64,
    /// Commands are played this much later than they were meant, to take up jitter, seconds.
    pub play_delay_s: f64,
    /// Speed of a finger, metres a second.
    pub finger_speed_m_per_s: f64,
    /// Stiffness of a finger's servo, newtons a metre.
    pub finger_stiffness_n_per_m: f64,
    /// Force of a finger until a command tells another, newtons.
    pub finger_force_n: f64,
}

impl Default for DriverConfig {
    fn default() -> Self {
        Self {
            bandwidth_rad_per_s: 90.0,
            hold_after_s: 0.1,
            play_delay_s: 0.004,
            finger_speed_m_per_s: 0.1,
            finger_stiffness_n_per_m: 8000.0,
            finger_force_n: 20.0,
        }
    }
}

/// Where the arm should be this instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Positions, radians.
    pub positions: DVector<f64>,
    /// Velocities, radians a second.
    pub velocities: DVector<f64>,
    /// Accelerations, radians a second squared.
    pub accelerations: DVector<f64>,
}

/// Plays the commands of an arm as a continuous reference and stops smoothly when they cease.
#[derive(Clone, Debug)]
pub(crate) struct ArmReference {
    config: DriverConfig,
    stopping_rad_per_s2: Vec<f64>,
    queue: VecDeque<TimedTarget>,
    play_s: f64,
    silent_s: f64,
    now: Reference,
    following: bool,
}

/// Farther behind than this the player skips ahead, seconds.
const SKIP_BEHIND_S: f64 = 0.05;

impl ArmReference {
    pub(crate) fn new(positions: &[f64], limits: &[JointLimits], config: &DriverConfig) -> Self {
        let zeros = DVector::zeros(positions.len());
        Self {
            config: config.clone(),
            // Stops at half of what is allowed: firmly, with room for the rest.
            stopping_rad_per_s2: limits
                .iter()
                .map(|limits| 0.5 * limits.max_acceleration.unwrap_or(10.0))
                .collect(),
            queue: VecDeque::new(),
            play_s: 0.0,
            silent_s: f64::INFINITY,
            now: Reference {
                positions: DVector::from_column_slice(positions),
                velocities: zeros.clone(),
                accelerations: zeros,
            },
            following: false,
        }
    }

    /// Whether a command stream is being followed; otherwise the arm stops or holds.
    pub(crate) fn is_following(&self) -> bool {
        self.following
    }

    pub(crate) fn now(&self) -> &Reference {
        &self.now
    }

    /// Takes the next command of the stream; the first one after a pause starts a new stream.
    pub(crate) fn take(&mut self, target: TimedTarget) {
        if !self.following {
            self.queue.clear();
            self.play_s = target.stream_s - self.config.play_delay_s;
            self.following = true;
        }
        self.silent_s = 0.0;
        self.queue.push_back(target);
    }

    /// Moves on by one step.
    pub(crate) fn advance(&mut self, step_s: f64) {
        self.silent_s += step_s;
        if self.following && self.silent_s > self.config.hold_after_s {
            self.following = false;
        }
        if self.following {
            self.play(step_s);
        } else {
            self.stop(step_s);
        }
    }

    fn play(&mut self, step_s: f64) {
        let Some(newest_s) = self.queue.back().map(|target| target.stream_s) else { return };
        // The clock of the sender and ours drift apart slowly; the play-out rate follows by 1 %.
        let ahead_s = newest_s - self.play_s;
        let rate = 1.0 + (2.0 * (ahead_s - self.config.play_delay_s)).clamp(-0.01, 0.01);
        self.play_s += rate * step_s;
        if ahead_s > SKIP_BEHIND_S {
            self.play_s = newest_s - self.config.play_delay_s;
        }
        while self.queue.len() > 2 && self.queue[1].stream_s <= self.play_s {
            self.queue.pop_front();
        }
        self.now = match (self.queue.front(), self.queue.get(1)) {
            (Some(a), Some(b)) if self.play_s < b.stream_s => between(a, b, self.play_s),
            (_, Some(last)) | (Some(last), None) => beyond(last, self.play_s),
            (None, None) => return,
        };
    }

    fn stop(&mut self, step_s: f64) {
        for joint in 0..self.stopping_rad_per_s2.len() {
            let velocity = self.now.velocities[joint];
            let change = self.stopping_rad_per_s2[joint] * step_s;
            let slower = velocity - velocity.clamp(-change, change);
            self.now.positions[joint] += 0.5 * (velocity + slower) * step_s;
            self.now.velocities[joint] = slower;
            self.now.accelerations[joint] = (slower - velocity) / step_s;
        }
    }
}

/// Cubic through both commands.
fn between(a: &TimedTarget, b: &TimedTarget, play_s: f64) -> Reference {
    let period_s = (b.stream_s - a.stream_s).max(1e-6);
    let t = ((play_s - a.stream_s) / period_s).clamp(0.0, 1.0);
    let at = |joint: usize| {
        let (p0, p1) = (a.positions[joint], b.positions[joint]);
        let (v0, v1) = (a.velocities[joint] * period_s, b.velocities[joint] * period_s);
        let (c2, c3) = (3.0 * (p1 - p0) - 2.0 * v0 - v1, 2.0 * (p0 - p1) + v0 + v1);
        let position = p0 + t * (v0 + t * (c2 + t * c3));
        let velocity = (v0 + t * (2.0 * c2 + 3.0 * t * c3)) / period_s;
        (position, velocity, (v1 - v0) / (period_s * period_s))
    };
    let joints = a.positions.len();
    Reference {
        positions: DVector::from_fn(joints, |joint, _| at(joint).0),
        velocities: DVector::from_fn(joints, |joint, _| at(joint).1),
        accelerations: DVector::from_fn(joints, |joint, _| at(joint).2),
    }
}

/// On at the velocity of the last command.
fn beyond(last: &TimedTarget, play_s: f64) -> Reference {
    let late_s = (play_s - last.stream_s).max(0.0);
    let velocities = DVector::from_column_slice(&last.velocities);
    Reference {
        positions: DVector::from_column_slice(&last.positions) + late_s * &velocities,
        accelerations: DVector::zeros(velocities.len()),
        velocities,
    }
}

/// Force-limited servo of fingers that move together.
#[derive(Clone, Debug)]
pub(crate) struct FingerServo {
    config: DriverConfig,
    target_m: f64,
    reference_m: f64,
    max_force_n: f64,
    damping_n_s_per_m: f64,
    range_m: [f64; 2],
}

impl FingerServo {
    pub(crate) fn new(
        position_m: f64,
        range_m: [f64; 2],
        mass_kg: f64,
        config: &DriverConfig,
    ) -> Self {
        Self {
            config: config.clone(),
            target_m: position_m,
            reference_m: position_m,
            max_force_n: config.finger_force_n,
            damping_n_s_per_m: 2.0 * (config.finger_stiffness_n_per_m * mass_kg).sqrt(),
            range_m,
        }
    }

    pub(crate) fn take(&mut self, target: FingerTarget) {
        self.target_m = target.position_m.clamp(self.range_m[0], self.range_m[1]);
        if let Some(force_n) = target.max_force_n {
            self.max_force_n = force_n;
        }
    }

    pub(crate) fn advance(&mut self, step_s: f64, position_m: f64) {
        let change = self.config.finger_speed_m_per_s * step_s;
        self.reference_m += (self.target_m - self.reference_m).clamp(-change, change);
        // Where a finger is held up the reference waits, so that it does not snap when freed.
        let reach_m = 1.2 * self.max_force_n / self.config.finger_stiffness_n_per_m;
        self.reference_m = self.reference_m.clamp(position_m - reach_m, position_m + reach_m);
    }

    /// Force on a finger, newtons, positive outwards.
    pub(crate) fn force_n(&self, position_m: f64, velocity_m_per_s: f64) -> f64 {
        let spring = self.config.finger_stiffness_n_per_m * (self.reference_m - position_m);
        let force = spring - self.damping_n_s_per_m * velocity_m_per_s;
        force.clamp(-self.max_force_n, self.max_force_n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{ArmTarget, CommandTimeline};

    fn limits() -> Vec<JointLimits> {
        vec![JointLimits {
            range: [-3.0, 3.0],
            max_velocity: 2.0,
            max_acceleration: Some(10.0),
            max_jerk: Some(500.0),
        }]
    }

    #[test]
    fn bunched_commands_play_smoothly() {
        let mut reference = ArmReference::new(&[0.0], &limits(), &DriverConfig::default());
        let mut timeline = CommandTimeline::default();
        let mut sent = 0;
        let mut last = 0.0;
        for step in 0..2000 {
            let now_s = f64::from(step) * 0.001;
            // Commands come in bunches of three, every 6 ms.
            while f64::from(sent / 3 * 3) * 0.002 + 0.006 <= now_s {
                let t = f64::from(sent) * 0.002;
                let target = ArmTarget {
                    stamp_s: t + 1e-9,
                    positions: vec![(1.5 * t).sin()],
                    velocities: vec![1.5 * (1.5 * t).cos()],
                };
                let timed = timeline.place(target, now_s);
                reference.take(timed);
                sent += 1;
            }
            reference.advance(0.001);
            let position = reference.now().positions[0];
            let speed = (position - last) / 0.001;
            if step > 100 {
                assert!(
                    (speed - 1.5 * (1.5 * (now_s - 0.01)).cos()).abs() < 0.08,
                    "{now_s}: {speed}"
                );
            }
            last = position;
        }
    }

    #[test]
    fn the_arm_stops_and_holds_when_commands_cease() {
        let mut reference = ArmReference::new(&[0.0], &limits(), &DriverConfig::default());
        reference.take(TimedTarget {
            stream_s: 0.0,
            period_s: 0.0,
            jump_rad: 0.0,
            positions: vec![0.0],
            velocities: vec![1.0],
        });
        let mut fastest_change: f64 = 0.0;
        let mut last = 1.0;
        for _ in 0..500 {
            reference.advance(0.001);
            fastest_change = fastest_change.max((reference.now().velocities[0] - last).abs());
            last = reference.now().velocities[0];
        }
        assert!(!reference.is_following());
        assert_eq!(reference.now().velocities[0], 0.0);
        assert!(fastest_change <= 0.005 + 1e-9);
        // 100 ms onwards at 1 rad/s, then 0.1 rad to brake at 5 rad/s².
        assert!((reference.now().positions[0] - 0.2).abs() < 0.01);
    }
}
