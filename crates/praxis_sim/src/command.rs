use std::collections::VecDeque;

use crate::error::CommandError;

/// Targets for joints, as they come from outside: one value a name, or an empty list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointCommand {
    /// When the sender meant it, seconds of the clock it follows; 0 if not told.
    pub stamp_s: f64,
    /// Joint names, in any order.
    pub names: Vec<String>,
    /// Positions, radians or metres.
    pub positions: Vec<f64>,
    /// Velocities; may be empty.
    pub velocities: Vec<f64>,
    /// Greatest force of a finger, newtons; ignored for the arm; may be empty.
    pub efforts: Vec<f64>,
}

/// One command to the whole arm, in the arm's order.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmTarget {
    /// See [`JointCommand::stamp_s`].
    pub stamp_s: f64,
    /// Positions, radians.
    pub positions: Vec<f64>,
    /// Velocities, radians a second.
    pub velocities: Vec<f64>,
}

/// One command to the fingers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FingerTarget {
    /// Distance of each finger from the middle, metres.
    pub position_m: f64,
    /// Greatest force, newtons; `None` keeps the one before.
    pub max_force_n: Option<f64>,
}

impl JointCommand {
    /// Sorts the values out: the arm's, all or none, and the fingers'.
    ///
    /// `fingers` are names of joints that move together; the first one counts.
    pub fn split(
        &self,
        arm: &[String],
        fingers: &[String],
    ) -> Result<(Option<ArmTarget>, Option<FingerTarget>), CommandError> {
        self.check(arm, fingers)?;
        let index_of = |joint: &String| self.names.iter().position(|name| name == joint);
        let value = |values: &[f64], index: usize| values.get(index).copied();

        let indices: Vec<Option<usize>> = arm.iter().map(index_of).collect();
        let arm_target = if indices.iter().all(Option::is_none) {
            None
        } else {
            let mut target =
                ArmTarget { stamp_s: self.stamp_s, positions: vec![], velocities: vec![] };
            for (joint, index) in arm.iter().zip(indices) {
                let index =
                    index.ok_or_else(|| CommandError::MissingJoint { joint: joint.clone() })?;
                target.positions.push(self.positions[index]);
                target.velocities.push(value(&self.velocities, index).unwrap_or(0.0));
            }
            Some(target)
        };
        let finger_target = fingers.iter().find_map(index_of).map(|index| FingerTarget {
            position_m: self.positions[index],
            max_force_n: value(&self.efforts, index).filter(|force| *force > 0.0),
        });
        Ok((arm_target, finger_target))
    }

    fn check(&self, arm: &[String], fingers: &[String]) -> Result<(), CommandError> {
        let names = self.names.len();
        let lists = [
            ("position", &self.positions, false),
            ("velocity", &self.velocities, true),
            ("effort", &self.efforts, true),
        ];
        for (what, values, may_be_empty) in lists {
            if values.len() != names && !(may_be_empty && values.is_empty()) {
                return Err(CommandError::LengthMismatch { names, values: values.len(), what });
            }
            if let Some((joint, &value)) =
                self.names.iter().zip(values).find(|(_, value)| !value.is_finite())
            {
                return Err(CommandError::NotFinite { what, joint: joint.clone(), value });
            }
        }
        for (index, joint) in self.names.iter().enumerate() {
            if !arm.contains(joint) && !fingers.contains(joint) {
                let driven = arm.iter().chain(fingers).cloned().collect();
                return Err(CommandError::UnknownJoint { joint: joint.clone(), driven });
            }
            if self.names[..index].contains(joint) {
                return Err(CommandError::Duplicate { joint: joint.clone() });
            }
        }
        Ok(())
    }
}

/// A command placed on the sender's own time line.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedTarget {
    /// Seconds since the stream's first command.
    pub stream_s: f64,
    /// Seconds since the command before; 0 for the first.
    pub period_s: f64,
    /// How far the step of positions is off the one that the velocities give, radians.
    pub jump_rad: f64,
    /// Positions, radians.
    pub positions: Vec<f64>,
    /// Velocities, radians a second.
    pub velocities: Vec<f64>,
}

impl TimedTarget {
    /// Whether it is the same as another, at speed: the sender's time stood still, as it does when its
    /// simulator has stopped.
    pub fn repeats_in_motion(&self, other: &Self) -> bool {
        self.positions == other.positions
            && self.velocities == other.velocities
            && self.velocities.iter().any(|velocity| *velocity != 0.0)
    }
}

/// Recovers when each command of a stream was meant, whatever delays the wire added.
///
/// While the arm moves, positions and velocities of neighbouring commands say how much time lies
/// between them: the step of positions over the mean of velocities. Near rest that is told no more, and
/// the period told last is taken, after some time at rest the mean spacing of stamps (of arrivals, if
/// there are no stamps).
#[derive(Clone, Debug)]
pub struct CommandTimeline {
    last: Option<TimedTarget>,
    stamps_s: VecDeque<f64>,
    nominal_period_s: f64,
    /// The period that the motion told last, and how many commands ago.
    told: Option<(f64, usize)>,
    /// Mean accelerations over the last step.
    accelerations: Vec<f64>,
}

/// Below this speed the motion does not tell the period, radians a second: what a joint at its jerk
/// limit is off the mean of two velocities is too large a share of the step.
const SLOW_RAD_PER_S: f64 = 0.01;
/// Commands for which a period that was told is taken for the present one.
const TOLD_FOR: usize = 25;
/// Share of the mean period down to which a motion tells it: a sender that slows its motion down with a
/// simulator that falls behind advances by ever less from one command to the next.
const LEAST_SHARE: f64 = 0.01;
/// Stamps that are averaged.
const STAMPS: usize = 51;
/// After a longer silence a driver has ended the stream, seconds.
const LONGEST_GAP_S: f64 = 0.2;
/// Period until stamps tell another.
const FIRST_PERIOD_S: f64 = 0.002;

impl Default for CommandTimeline {
    fn default() -> Self {
        Self {
            last: None,
            stamps_s: VecDeque::new(),
            nominal_period_s: FIRST_PERIOD_S,
            told: None,
            accelerations: Vec::new(),
        }
    }
}

impl CommandTimeline {
    /// Forgets the stream; the next command starts a new one.
    pub fn restart(&mut self) {
        *self = Self { nominal_period_s: self.nominal_period_s, ..Self::default() };
    }

    /// Places the next command; `arrival_s` is the simulated time at which it came in.
    pub fn place(&mut self, target: ArmTarget, arrival_s: f64) -> TimedTarget {
        let is_stamped = target.stamp_s > 0.0;
        let stamp_s = if is_stamped { target.stamp_s } else { arrival_s };
        let stamp_step_s =
            self.stamps_s.back().filter(|_| is_stamped).map_or(0.0, |last| stamp_s - last);
        self.stamps_s.push_back(stamp_s);
        if self.stamps_s.len() > STAMPS {
            self.stamps_s.pop_front();
        }
        self.update_nominal_period();

        let mut timed = TimedTarget {
            stream_s: 0.0,
            period_s: 0.0,
            jump_rad: 0.0,
            positions: target.positions,
            velocities: target.velocities,
        };
        if let Some(last) = self.last.take() {
            let period_s = self.period_between(&last, &timed, stamp_step_s);
            timed.period_s = period_s;
            timed.stream_s = last.stream_s + period_s;
            timed.jump_rad = jump_rad(&last, &timed, period_s);
            let steps = timed.velocities.iter().zip(&last.velocities);
            self.accelerations = steps.map(|(now, before)| (now - before) / period_s).collect();
        }
        self.last = Some(timed.clone());
        timed
    }

    /// Mean time between commands, seconds.
    pub fn nominal_period_s(&self) -> f64 {
        self.nominal_period_s
    }

    fn update_nominal_period(&mut self) {
        let (Some(first), Some(last)) = (self.stamps_s.front(), self.stamps_s.back()) else {
            return;
        };
        let steps = self.stamps_s.len() - 1;
        if steps >= 10 && last > first {
            self.nominal_period_s = ((last - first) / steps as f64).clamp(2e-4, 0.05);
        }
    }

    fn period_between(&mut self, last: &TimedTarget, next: &TimedTarget, stamp_step_s: f64) -> f64 {
        let nominal_s = self.nominal_period_s;
        let joints = 0..next.positions.len().min(last.positions.len());
        let mean = |joint: usize| 0.5 * (last.velocities[joint] + next.velocities[joint]);
        let fastest = joints.clone().map(|joint| mean(joint).abs()).fold(0.0, f64::max);
        let square: f64 = joints.clone().map(|joint| mean(joint).powi(2)).sum();
        // How long it takes at the mean velocities, but for what jerk puts the position off.
        let moved_but_for = |off_rad: &dyn Fn(usize) -> f64| {
            let step = |joint: usize| next.positions[joint] - last.positions[joint];
            let along = joints.clone().map(|joint| mean(joint) * (step(joint) + off_rad(joint)));
            along.sum::<f64>() / square.max(1e-12)
        };
        let first_s = moved_but_for(&|_| 0.0);
        // Acceleration has changed, from one end to the other, by about as much as it is off the step
        // before.
        let moved_s = moved_but_for(&|joint| {
            let before = self.accelerations.get(joint).copied().unwrap_or_default();
            (next.velocities[joint] - last.velocities[joint] - before * first_s) * first_s / 12.0
        });
        if fastest > SLOW_RAD_PER_S
            && (LEAST_SHARE * nominal_s..20.0 * nominal_s).contains(&moved_s)
        {
            // Where commands were lost it is that of several.
            if moved_s < 1.5 * nominal_s {
                self.told = Some((moved_s, 0));
            }
            return moved_s;
        }
        self.told = self.told.map(|(told_s, ago)| (told_s, ago + 1));
        // A lost command shows as a stamp step of several periods.
        let is_gap = stamp_step_s > 2.5 * nominal_s && stamp_step_s < LONGEST_GAP_S;
        let told_s = self.told.filter(|(_, ago)| *ago <= TOLD_FOR).map(|(told_s, _)| told_s);
        if is_gap { stamp_step_s } else { told_s.unwrap_or(nominal_s) }
    }
}

fn jump_rad(last: &TimedTarget, next: &TimedTarget, period_s: f64) -> f64 {
    let joints = next.positions.len().min(last.positions.len());
    (0..joints)
        .map(|joint| {
            let mean = 0.5 * (last.velocities[joint] + next.velocities[joint]);
            (next.positions[joint] - last.positions[joint] - mean * period_s).abs()
        })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn command(list: &[&str], positions: &[f64]) -> JointCommand {
        JointCommand { names: names(list), positions: positions.to_vec(), ..Default::default() }
    }

    #[test]
    fn arm_and_fingers_are_told_apart_in_any_order() {
        let mut given = command(&["f", "b", "a"], &[0.02, 2.0, 1.0]);
        given.efforts = vec![40.0, 0.0, 0.0];
        let (arm, fingers) = given.split(&names(&["a", "b"]), &names(&["f", "g"])).unwrap();
        assert_eq!(arm.unwrap().positions, [1.0, 2.0]);
        let expected = FingerTarget { position_m: 0.02, max_force_n: Some(40.0) };
        assert_eq!(fingers, Some(expected));
    }

    #[test]
    fn broken_commands_are_refused() {
        let (arm, fingers) = (names(&["a", "b"]), names(&["f"]));
        let split = |given: JointCommand| given.split(&arm, &fingers).unwrap_err();
        assert!(matches!(split(command(&["a"], &[0.0])), CommandError::MissingJoint { .. }));
        assert!(matches!(split(command(&["a", "b"], &[0.0])), CommandError::LengthMismatch { .. }));
        assert!(matches!(split(command(&["f"], &[f64::NAN])), CommandError::NotFinite { .. }));
        assert!(matches!(split(command(&["x"], &[0.0])), CommandError::UnknownJoint { .. }));
        assert!(matches!(split(command(&["f", "f"], &[0.0, 0.0])), CommandError::Duplicate { .. }));
    }

    #[test]
    fn late_and_bunched_arrivals_leave_no_trace_on_the_time_line() {
        let mut timeline = CommandTimeline::default();
        for n in 0..500 {
            let meant_s = 0.002 * f64::from(n);
            let arrival_s = (meant_s / 0.011).floor() * 0.011 + 0.011;
            let target = ArmTarget {
                stamp_s: 0.0,
                positions: vec![(2.0 * meant_s).sin(), 0.3],
                velocities: vec![2.0 * (2.0 * meant_s).cos(), 0.0],
            };
            let timed = timeline.place(target, arrival_s);
            assert!(timed.jump_rad < 1e-4, "{timed:?}");
            if n > 60 {
                let last_s = 0.002 * f64::from(n);
                assert!((timed.stream_s - last_s).abs() < 0.02, "{} {last_s}", timed.stream_s);
            }
        }
    }

    #[test]
    fn a_jump_is_seen() {
        let mut timeline = CommandTimeline::default();
        let at = |position: f64| ArmTarget {
            stamp_s: 0.0,
            positions: vec![position],
            velocities: vec![0.0],
        };
        timeline.place(at(0.0), 0.0);
        assert!((timeline.place(at(0.2), 0.002).jump_rad - 0.2).abs() < 1e-12);
    }
}
