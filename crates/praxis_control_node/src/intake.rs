use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_trajectory::JointSample;

use crate::realtime::steady_ns;
use crate::shared::JointFeedback;

/// Why a joint state is of no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum IntakeError {
    /// A joint that is driven is not in the message.
    #[error("joint state lacks '{joint}'; it has {present:?}; nothing moves")]
    Missing {
        /// The joint.
        joint: String,
        /// What is there.
        present: Vec<String>,
    },
    /// Names and values differ in number.
    #[error("joint state has {names} names but {values} {what}; nothing moves")]
    Length {
        /// How many names.
        names: usize,
        /// How many values.
        values: usize,
        /// "positions" or "velocities".
        what: &'static str,
    },
    /// NaN or infinite.
    #[error("{what} of '{joint}' in the joint state is {value}; nothing moves")]
    NotFinite {
        /// "position" or "velocity".
        what: &'static str,
        /// The joint.
        joint: String,
        /// The value.
        value: f64,
    },
}

/// Where the finger is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FingerState {
    /// Position, metres.
    pub position_m: f64,
    /// Speed, metres per second.
    pub speed_mps: f64,
    /// When it came in, steady nanoseconds.
    pub received_ns: i64,
    /// Time since the state before, in the sender's seconds.
    pub since_last_s: f64,
}

/// Sorts joint states into the controller's order.
pub struct Intake {
    joints: Vec<String>,
    finger_joint: String,
    // Names of the last message and where our joints stand in them.
    names: Vec<String>,
    columns: Vec<usize>,
    finger_column: Option<usize>,
    last_stamp_ns: Option<i64>,
    sample: JointSample,
}

impl Intake {
    /// For these joints and this finger (empty: none).
    pub fn new(joints: Vec<String>, finger_joint: String) -> Self {
        let sample = JointSample::zeros(joints.len());
        Self {
            joints,
            finger_joint,
            names: Vec::new(),
            columns: Vec::new(),
            finger_column: None,
            last_stamp_ns: None,
            sample,
        }
    }

    /// Checks a message and takes it in; the finger's state comes back if it is in it.
    pub fn take(
        &mut self,
        message: &JointState,
        into: &mut JointFeedback,
    ) -> Result<Option<FingerState>, IntakeError> {
        let names = message.name.len();
        for (what, values, may_be_empty) in
            [("positions", &message.position, false), ("velocities", &message.velocity, true)]
        {
            if values.len() != names && !(may_be_empty && values.is_empty()) {
                return Err(IntakeError::Length { names, values: values.len(), what });
            }
        }
        if self.names != message.name || self.columns.len() != self.joints.len() {
            self.find_columns(&message.name)?;
        }
        let since_last_s = self.since_last_s(message);
        for (joint, &column) in self.columns.iter().enumerate() {
            let (position, velocity) = (message.position[column], message.velocity.get(column));
            // A driver that measures no velocity: the step of positions tells it.
            let velocity = velocity.copied().unwrap_or_else(|| {
                let step = position - self.sample.position[joint];
                if since_last_s > 0.0 { step / since_last_s } else { 0.0 }
            });
            for (what, value) in [("position", position), ("velocity", velocity)] {
                if !value.is_finite() {
                    let joint = self.joints[joint].clone();
                    return Err(IntakeError::NotFinite { what, joint, value });
                }
            }
            self.sample.position[joint] = position;
            self.sample.velocity[joint] = velocity;
        }
        into.sample.position.clone_from(&self.sample.position);
        into.sample.velocity.clone_from(&self.sample.velocity);
        into.received_ns = steady_ns();
        let finger = self.finger_column.map(|column| FingerState {
            position_m: message.position[column],
            speed_mps: message.velocity.get(column).copied().unwrap_or(0.0),
            received_ns: into.received_ns,
            since_last_s,
        });
        Ok(finger.filter(|f| f.position_m.is_finite() && f.speed_mps.is_finite()))
    }

    fn find_columns(&mut self, names: &[String]) -> Result<(), IntakeError> {
        self.columns.clear();
        self.names = names.to_vec();
        for joint in &self.joints {
            let column = names.iter().position(|name| name == joint).ok_or_else(|| {
                IntakeError::Missing { joint: joint.clone(), present: names.to_vec() }
            })?;
            self.columns.push(column);
        }
        self.finger_column = names.iter().position(|name| *name == self.finger_joint);
        Ok(())
    }

    fn since_last_s(&mut self, message: &JointState) -> f64 {
        let stamp = &message.header.stamp;
        let is_stamped = (stamp.sec, stamp.nanosec) != (0, 0);
        let now_ns = if is_stamped {
            i64::from(stamp.sec) * 1_000_000_000 + i64::from(stamp.nanosec)
        } else {
            steady_ns()
        };
        let last_ns = self.last_stamp_ns.replace(now_ns).unwrap_or(now_ns);
        // A clock that jumped tells nothing.
        let span_s = (now_ns - last_ns) as f64 * 1e-9;
        if (0.0..1.0).contains(&span_s) { span_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(names: &[&str], position: &[f64], velocity: &[f64]) -> JointState {
        JointState {
            name: names.iter().map(|&name| name.to_owned()).collect(),
            position: position.to_vec(),
            velocity: velocity.to_vec(),
            ..JointState::default()
        }
    }

    fn intake() -> (Intake, JointFeedback) {
        let feedback = JointFeedback { sample: JointSample::zeros(2), received_ns: 0 };
        (Intake::new(vec!["a".into(), "b".into()], "f".into()), feedback)
    }

    #[test]
    fn joints_are_sorted_and_others_left_out() {
        let (mut intake, mut feedback) = intake();
        let state = message(&["f", "b", "x", "a"], &[0.03, 2.0, 9.0, 1.0], &[0.1, 0.2, 0.9, 0.3]);
        let finger = intake.take(&state, &mut feedback).unwrap().unwrap();
        assert_eq!((finger.position_m, finger.speed_mps), (0.03, 0.1));
        assert_eq!(feedback.sample.position, [1.0, 2.0]);
        assert_eq!(feedback.sample.velocity, [0.3, 0.2]);
        assert!(feedback.received_ns > 0);
    }

    #[test]
    fn useless_states_are_refused_and_leave_no_trace() {
        let (mut intake, mut feedback) = intake();
        let cases = [
            (message(&["a"], &[1.0], &[]), "lacks 'b'"),
            (message(&["a", "b"], &[1.0], &[]), "2 names but 1 positions"),
            (message(&["a", "b"], &[1.0, 2.0], &[0.0]), "1 velocities"),
            (message(&["a", "b"], &[1.0, f64::NAN], &[]), "position of 'b'"),
            (message(&[], &[], &[]), "lacks 'a'"),
        ];
        for (state, text) in cases {
            let error = intake.take(&state, &mut feedback).unwrap_err().to_string();
            assert!(error.contains(text), "'{error}' lacks '{text}'");
            assert_eq!(feedback.received_ns, 0);
        }
        assert!(intake.take(&message(&["b", "a"], &[1.0, 2.0], &[]), &mut feedback).is_ok());
    }
}
