use std::collections::{BTreeMap, VecDeque};

use crate::command::TimedTarget;
use crate::limits::JointLimits;

/// Limits may be passed by this share of their size.
const TOLERANCE: f64 = 0.01;
/// Commands between the two whose difference is taken: smooths rounding, sees every real step.
const SPAN: usize = 4;
/// Positions may be off the step that the velocities give by this much, radians.
const JUMP_RAD: f64 = 2e-3;
/// Violations of one kind by one joint closer together than this are one, seconds.
const EPISODE_END_S: f64 = 0.2;
/// A simulated joint's speed is a mean over this many steps: contacts are sudden, joints are not.
const SPEED_STEPS: usize = 4;

/// One limit passed by one joint.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The joint.
    pub joint: String,
    /// What was passed: "commanded acceleration", "position", …
    pub what: &'static str,
    /// By how much: the value over the limit, in the limit's unit.
    pub value: f64,
    /// The limit.
    pub limit: f64,
    /// When, simulated seconds.
    pub time_s: f64,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { joint, what, value, limit, time_s } = self;
        write!(f, "{joint}: {what} {value:.4}, limit {limit:.4}, at {time_s:.3} s")
    }
}

/// Holds commands and simulated joints against the limits in force, 1 % tolerance.
///
/// Of commands: positions and velocities as they are; accelerations and jerks from differences of
/// the velocity field over four periods of the sender's time line (`CommandTimeline`), so that
/// delays on the wire do not count; a position that velocities do not lead to is a "jump".
/// Of simulated joints: positions and velocities.
#[derive(Clone, Debug)]
pub(crate) struct LimitJudge {
    joints: Vec<(String, JointLimits)>,
    commands: VecDeque<TimedTarget>,
    /// For how long of the stream its sender's time has stood still, seconds.
    stood_s: f64,
    speeds: VecDeque<Vec<f64>>,
    episodes: BTreeMap<(usize, &'static str), f64>,
}

impl LimitJudge {
    pub(crate) fn new(joints: Vec<(String, JointLimits)>) -> Self {
        Self {
            joints,
            commands: VecDeque::new(),
            stood_s: 0.0,
            speeds: VecDeque::new(),
            episodes: BTreeMap::new(),
        }
    }

    /// The next command starts a new stream, `from` where the arm is.
    pub(crate) fn restart(&mut self) {
        self.commands.clear();
        self.stood_s = 0.0;
    }

    /// Holds one command to the arm (the first joints) against the limits.
    pub(crate) fn command(&mut self, now_s: f64, command: &TimedTarget) -> Vec<Violation> {
        if self.commands.back().is_some_and(|last| command.repeats_in_motion(last)) {
            self.stood_s += command.period_s;
        } else {
            let stream_s = command.stream_s - self.stood_s;
            self.commands.push_back(TimedTarget { stream_s, ..command.clone() });
        }
        if self.commands.len() > 2 * SPAN + 1 {
            self.commands.pop_front();
        }
        let mut violations = Vec::new();
        for joint in 0..command.positions.len() {
            let limits = self.joints[joint].1.clone();
            let position = command.positions[joint];
            if let Some((value, limit)) = outside(position, &limits) {
                self.note(now_s, joint, "commanded position", value, limit, &mut violations);
            }
            let velocity = command.velocities[joint].abs();
            if velocity > (1.0 + TOLERANCE) * limits.max_velocity {
                let limit = limits.max_velocity;
                self.note(now_s, joint, "commanded velocity", velocity, limit, &mut violations);
            }
            let last = self.commands.len() - 1;
            if let (Some(limit), Some(value)) =
                (limits.max_acceleration, self.acceleration(joint, last))
                && value.abs() > (1.0 + TOLERANCE) * limit
            {
                let value = value.abs();
                self.note(now_s, joint, "commanded acceleration", value, limit, &mut violations);
            }
            if let (Some(limit), Some(value)) = (limits.max_jerk, self.jerk(joint, last))
                && value.abs() > (1.0 + TOLERANCE) * limit
            {
                self.note(now_s, joint, "commanded jerk", value.abs(), limit, &mut violations);
            }
        }
        let limit = JUMP_RAD + self.unseen_rad(command.period_s);
        if command.jump_rad > limit {
            self.note(now_s, 0, "commanded jump", command.jump_rad, limit, &mut violations);
        }
        violations
    }

    /// Holds the simulated joints against the limits.
    pub(crate) fn state(
        &mut self,
        now_s: f64,
        positions: &[f64],
        velocities: &[f64],
    ) -> Vec<Violation> {
        self.speeds.push_back(velocities.to_vec());
        if self.speeds.len() > SPEED_STEPS {
            self.speeds.pop_front();
        }
        let mut violations = Vec::new();
        for joint in 0..self.joints.len() {
            let limits = self.joints[joint].1.clone();
            if let Some((value, limit)) = outside(positions[joint], &limits) {
                self.note(now_s, joint, "position", value, limit, &mut violations);
            }
            let sum: f64 = self.speeds.iter().map(|speeds| speeds[joint]).sum();
            let speed = (sum / self.speeds.len() as f64).abs();
            if self.speeds.len() == SPEED_STEPS && speed > (1.0 + TOLERANCE) * limits.max_velocity {
                self.note(now_s, joint, "velocity", speed, limits.max_velocity, &mut violations);
            }
        }
        violations
    }

    /// How far a motion within limits may be off the step that the velocities at both ends of a span
    /// give: where commands between them were lost nobody knows better.
    fn unseen_rad(&self, span_s: f64) -> f64 {
        // The trapezoidal rule's error.
        let most = self.joints.iter().filter_map(|(_, limits)| limits.max_jerk).fold(0.0, f64::max);
        most * span_s.powi(3) / 12.0
    }

    fn acceleration(&self, joint: usize, last: usize) -> Option<f64> {
        let first = last.checked_sub(SPAN)?;
        let (a, b) = (self.commands.get(first)?, self.commands.get(last)?);
        let span_s = b.stream_s - a.stream_s;
        (span_s > 0.0).then(|| (b.velocities[joint] - a.velocities[joint]) / span_s)
    }

    fn jerk(&self, joint: usize, last: usize) -> Option<f64> {
        let middle = last.checked_sub(SPAN)?;
        let later = self.acceleration(joint, last)?;
        let earlier = self.acceleration(joint, middle)?;
        let span_s = 0.5 * (self.commands[last].stream_s - self.commands[middle - SPAN].stream_s);
        (span_s > 0.0).then(|| (later - earlier) / span_s)
    }

    fn note(
        &mut self,
        time_s: f64,
        joint: usize,
        what: &'static str,
        value: f64,
        limit: f64,
        violations: &mut Vec<Violation>,
    ) {
        let last_s = self.episodes.insert((joint, what), time_s);
        if last_s.is_none_or(|last_s| time_s - last_s > EPISODE_END_S) {
            let joint = self.joints[joint].0.clone();
            violations.push(Violation { joint, what, value, limit, time_s });
        }
    }
}

/// Value and limit passed, tolerance included; the tolerance is a share of half the range.
fn outside(position: f64, limits: &JointLimits) -> Option<(f64, f64)> {
    let [lower, upper] = limits.range;
    let tolerance =
        if (upper - lower).is_finite() { 0.5 * TOLERANCE * (upper - lower) } else { 0.0 };
    if position < lower - tolerance {
        return Some((position, lower));
    }
    (position > upper + tolerance).then_some((position, upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{ArmTarget, CommandTimeline};

    fn judge() -> LimitJudge {
        LimitJudge::new(vec![(
            "joint".to_owned(),
            JointLimits {
                range: [-2.0, 2.0],
                max_velocity: 1.0,
                max_acceleration: Some(10.0),
                max_jerk: Some(500.0),
            },
        )])
    }

    /// Commands at 500 Hz from a position and a velocity over time, arriving in bunches.
    fn violations(over_time: impl Fn(f64) -> (f64, f64), duration_s: f64) -> Vec<&'static str> {
        let (mut judge, mut timeline) = (judge(), CommandTimeline::default());
        let mut seen = Vec::new();
        for n in 0..(duration_s / 0.002) as usize {
            let t = n as f64 * 0.002;
            let (position, velocity) = over_time(t);
            let arrival_s = (t / 0.009).ceil() * 0.009;
            let target = ArmTarget {
                stamp_s: t + 1.0,
                positions: vec![position],
                velocities: vec![velocity],
            };
            let timed = timeline.place(target, arrival_s);
            seen.extend(judge.command(t, &timed).iter().map(|violation| violation.what));
        }
        seen
    }

    #[test]
    fn a_motion_at_its_limits_passes() {
        // Velocity 0.9 sin²: acceleration up to 9.9, jerk up to 218.
        let rate = 22.0;
        let over_time = |t: f64| {
            let velocity = 0.45 * (1.0 - (rate * t).cos());
            (0.45 * (t - (rate * t).sin() / rate), velocity)
        };
        assert_eq!(violations(over_time, 1.0), Vec::<&str>::new());
    }

    #[test]
    fn a_brake_at_its_limits_passes_whatever_the_sender_s_periods_are() {
        // Acceleration down to -8.7 and back at a jerk of 500.
        let (jerk, speed) = (500.0_f64, 0.15_f64);
        let half_s = (speed / jerk).sqrt();
        let velocity = |t: f64| {
            let left_s = (2.0 * half_s - t).clamp(0.0, 2.0 * half_s);
            match t {
                t if t < 0.0 => speed,
                t if t < half_s => speed - 0.5 * jerk * t * t,
                _ => 0.5 * jerk * left_s * left_s,
            }
        };
        let position = |t: f64| {
            let left_s = (2.0 * half_s - t).clamp(0.0, 2.0 * half_s);
            match t {
                t if t < half_s => speed * t - jerk * t.max(0.0).powi(3) / 6.0,
                _ => speed * half_s - jerk * left_s.powi(3) / 6.0,
            }
        };
        // Simulated time goes faster than its mean of late.
        for period_s in [0.0018, 0.0019, 0.0021, 0.0022] {
            for shift in 0..10 {
                let (mut judge, mut timeline) = (judge(), CommandTimeline::default());
                for n in 0..150 {
                    let t = f64::from(n - 100) * period_s + f64::from(shift) * 2e-4;
                    let target = ArmTarget {
                        stamp_s: 1.0 + f64::from(n) * 0.002,
                        positions: vec![position(t)],
                        velocities: vec![velocity(t)],
                    };
                    let timed = timeline.place(target, t);
                    assert_eq!(judge.command(t, &timed), [], "{period_s} {shift}");
                }
            }
        }
    }

    #[test]
    fn a_sender_whose_time_slows_to_a_stand_and_goes_on_keeps_its_limits() {
        let (mut judge, mut timeline) = (judge(), CommandTimeline::default());
        let rate = 22.0;
        let mut t = 0.0;
        for n in 0..3000_u32 {
            // Once in 150 periods its time slows down over 25, stands for 20 and comes back.
            let share = f64::from((n % 150).abs_diff(35).saturating_sub(10).min(25)) / 25.0;
            t += 0.002 * share;
            let target = ArmTarget {
                stamp_s: 1.0 + f64::from(n) * 0.002,
                positions: vec![-1.5 + 0.45 * t + 0.4 * (rate * t).sin() / rate],
                velocities: vec![0.45 + 0.4 * (rate * t).cos()],
            };
            let timed = timeline.place(target, f64::from(n) * 0.002);
            assert_eq!(judge.command(t, &timed), [], "{n}");
        }
    }

    #[test]
    fn lost_commands_are_no_violation() {
        let (mut judge, mut timeline) = (judge(), CommandTimeline::default());
        let rate = 22.0;
        for n in (0..2000_usize).filter(|n| n % 7 != 3 && n % 31 != 4) {
            let t = n as f64 * 0.002;
            let target = ArmTarget {
                stamp_s: (t / 0.004).floor() * 0.004 + 1.0, // a coarse clock
                positions: vec![0.43 * (t - (rate * t).sin() / rate)],
                velocities: vec![0.43 * (1.0 - (rate * t).cos())],
            };
            let timed = timeline.place(target, t);
            assert_eq!(judge.command(t, &timed), []);
        }
    }

    #[test]
    fn commands_lost_for_long_are_no_jump() {
        let (mut judge, mut timeline) = (judge(), CommandTimeline::default());
        let rate = 22.0;
        for n in (0..2000_usize).filter(|n| n % 500 < 455) {
            let t = n as f64 * 0.002;
            let target = ArmTarget {
                stamp_s: t + 1.0,
                positions: vec![0.43 * (t - (rate * t).sin() / rate)],
                velocities: vec![0.43 * (1.0 - (rate * t).cos())],
            };
            let timed = timeline.place(target, t);
            let violations = judge.command(t, &timed);
            assert!(violations.iter().all(|v| v.what != "commanded jump"), "{violations:?}");
        }
    }

    #[test]
    fn every_kind_of_violation_is_seen() {
        let fast = |t: f64| (-1.0 + 1.1 * t, 1.1);
        assert!(violations(fast, 0.5).contains(&"commanded velocity"));
        let far = |t: f64| (1.5 + 0.8 * t, 0.8);
        assert!(violations(far, 1.0).contains(&"commanded position"));
        let hard = |t: f64| (6.0 * t * t, 12.0 * t);
        assert!(violations(hard, 0.08).contains(&"commanded acceleration"));
        let sudden = |t: f64| {
            if t < 0.1 {
                (0.0, 0.0)
            } else {
                let u = t - 0.1;
                (4.5 * u * u, 9.0 * u)
            }
        };
        assert!(violations(sudden, 0.15).contains(&"commanded jerk"));
        let jump = |t: f64| if t < 0.1 { (0.0, 0.0) } else { (0.05, 0.0) };
        assert!(violations(jump, 0.2).contains(&"commanded jump"));
    }

    #[test]
    fn simulated_joints_are_held_to_position_and_velocity() {
        let mut judge = judge();
        assert!(judge.state(0.0, &[2.01], &[0.0]).is_empty(), "within tolerance");
        assert_eq!(judge.state(0.001, &[2.03], &[0.0])[0].what, "position");
        let mut judge = judge.clone();
        let seen: Vec<_> =
            (0..10).flat_map(|n| judge.state(1.0 + 0.001 * f64::from(n), &[0.0], &[1.2])).collect();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].what, "velocity");
    }
}
