use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nalgebra::Vector3;
use praxis_control::{Monitor, Servo, ServoAnswer, ServoInput, ServoStatus};
use praxis_geometry::Pose;
use praxis_robot::Robot;
use praxis_ros::Publisher;
use praxis_ros::convert::FromMsg;
use praxis_ros::r2r::control_msgs::msg::JointJog;
use praxis_ros::r2r::geometry_msgs::msg::{PoseStamped, TwistStamped};
use praxis_ros::r2r::moveit_msgs::msg::ServoStatus as StatusMsg;
use triple_buffer::Input;

use crate::realtime::steady_ns;
use crate::shared::{LoopReport, ServoWord};

/// Input older than this begins a new session, nanoseconds.
const SESSION_NS: i64 = 300_000_000;
/// Input older than this is not looked at any more, nanoseconds; the loop has stopped by then.
const FRESH_NS: i64 = 150_000_000;
/// Once in this time the status is told.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// Input as it came in.
#[derive(Clone, Debug)]
pub enum RawInput {
    /// Velocities of joints.
    Jog(JointJog),
    /// Velocity of the tool.
    Twist(TwistStamped),
    /// Where the tool is to be.
    Pose(PoseStamped),
}

impl RawInput {
    /// Its number in moveit_msgs/ServoCommandType.
    fn kind(&self) -> i8 {
        match self {
            Self::Jog(_) => 0,
            Self::Twist(_) => 1,
            Self::Pose(_) => 2,
        }
    }
}

/// The newest servo input; the hearing thread puts it here.
#[derive(Clone, Default)]
pub struct ServoInbox(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    input: Option<(RawInput, i64)>,
    // Until someone chooses, any kind counts.
    kind: Option<i8>,
    is_paused: bool,
}

impl ServoInbox {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Takes input of the chosen kind, unless servoing is paused.
    pub fn put(&self, input: RawInput) {
        let mut heard = self.lock();
        if !heard.is_paused && heard.kind.is_none_or(|kind| kind == input.kind()) {
            heard.input = Some((input, steady_ns()));
        }
    }

    /// Halts servoing, or lets it go on.
    pub fn pause(&self, is_paused: bool) {
        let mut heard = self.lock();
        heard.is_paused = is_paused;
        heard.input = None;
    }

    /// Chooses a kind by its number; whether there is such a kind.
    pub fn choose(&self, kind: i8) -> bool {
        let exists = (0..=2).contains(&kind);
        if exists {
            let mut heard = self.lock();
            heard.kind = Some(kind);
            heard.input = None;
        }
        exists
    }

    fn newest(&self) -> Option<(RawInput, i64)> {
        self.lock().input.clone()
    }
}

/// Servo input on its way to the loop, on the monitor's thread.
pub struct Servoing {
    /// Velocities from input.
    pub servo: Servo,
    /// What has been heard.
    pub inbox: ServoInbox,
    /// Joints of the controller.
    pub joints: Vec<String>,
    /// Frames that stand where the robot's root stands.
    pub root_frames: Vec<String>,
    /// Metres and radians per second of a twist of 1; `None` where twists have units.
    pub scales: Option<(f64, f64)>,
    /// For the loop.
    pub word: Input<ServoWord>,
    /// `servo_node/status`.
    pub status: Publisher<StatusMsg>,
    /// When the last input came in, steady nanoseconds.
    pub last_ns: i64,
    /// When the status was told last.
    pub told: Instant,
}

impl Servoing {
    /// Whether there is input that is fresh enough to be followed.
    pub fn is_wanted(&self) -> bool {
        let newest = self.inbox.lock().input.as_ref().map(|(_, at_ns)| *at_ns);
        newest.is_some_and(|at_ns| steady_ns() - at_ns < FRESH_NS)
    }

    /// Follows the newest input for one look.
    pub fn follow(&mut self, report: &LoopReport, state: &[f64], monitor: &mut Monitor) {
        let Some((raw, at_ns)) = self.inbox.newest() else { return };
        if at_ns - self.last_ns > SESSION_NS {
            self.servo.begin();
        }
        self.last_ns = at_ns;
        let answer = match self.input_of(&raw, monitor.robot()) {
            Ok(input) => {
                let stop_s = report.stop_duration_s;
                self.servo.answer(&input, &report.commanded, state, stop_s, monitor)
            }
            Err(reason) => return self.tell(ServoStatus::Invalid, reason),
        };
        let word = self.word.input_buffer_mut();
        word.velocity.clone_from(&answer.velocity);
        word.at_ns = at_ns;
        self.word.publish();
        let text = explain(&answer, &self.joints);
        self.tell(answer.status, text);
    }

    fn tell(&mut self, status: ServoStatus, message: String) {
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            self.status.publish(&StatusMsg { code: status as i8, message });
        }
    }

    fn input_of(&self, raw: &RawInput, robot: &Robot) -> Result<ServoInput, String> {
        match raw {
            RawInput::Jog(message) => jog_of(message, &self.joints),
            RawInput::Twist(message) => {
                let axes = self.axes_of(&message.header.frame_id, robot)?;
                let (linear, angular) = (&message.twist.linear, &message.twist.angular);
                let (metres, radians) = self.scales.unwrap_or((1.0, 1.0));
                Ok(ServoInput::Twist {
                    linear: metres * Vector3::new(linear.x, linear.y, linear.z),
                    angular: radians * Vector3::new(angular.x, angular.y, angular.z),
                    axes,
                })
            }
            RawInput::Pose(message) => {
                let frame = &message.header.frame_id;
                if self.axes_of(frame, robot)?.is_some() {
                    return Err(format!("pose target in '{frame}'; give it in the root frame"));
                }
                let pose = Pose::from_msg(&message.pose).map_err(|error| error.to_string())?;
                Ok(ServoInput::Pose(pose))
            }
        }
    }

    /// The link whose axes a frame has; `None` for the root.
    fn axes_of(&self, frame: &str, robot: &Robot) -> Result<Option<usize>, String> {
        let frame = frame.trim_start_matches('/');
        if frame.is_empty() || self.root_frames.iter().any(|root| root == frame) {
            return Ok(None);
        }
        robot.link_index(frame).map(Some).map_err(|error| error.to_string())
    }
}

/// Velocities in the controller's order; joints that are not named stand.
pub fn jog_of(message: &JointJog, joints: &[String]) -> Result<ServoInput, String> {
    let (names, values) = (message.joint_names.len(), message.velocities.len());
    if names != values {
        return Err(format!(
            "{names} joint names but {values} velocities; displacements are not taken"
        ));
    }
    let mut velocity = vec![0.0; joints.len()];
    for (name, &value) in message.joint_names.iter().zip(&message.velocities) {
        let joint = joints.iter().position(|joint| joint == name);
        velocity[joint.ok_or_else(|| format!("joint '{name}' is not one of {joints:?}"))?] = value;
    }
    Ok(ServoInput::Joints(velocity))
}

fn explain(answer: &ServoAnswer, joints: &[String]) -> String {
    match (answer.status, &answer.threat, answer.joint) {
        (ServoStatus::Invalid, ..) => "the input is no number, or not one a joint".to_owned(),
        (ServoStatus::NearCollision | ServoStatus::AtCollision, Some(threat), _) => {
            format!("{} would touch {} in {:.2} s", threat.first, threat.second, threat.in_s)
        }
        (ServoStatus::NearCollision | ServoStatus::AtCollision, None, _) => {
            "someone or something unknown is near".to_owned()
        }
        (ServoStatus::JointBound, _, Some(joint)) => {
            format!("{} is near its bound", joints.get(joint).map_or("?", String::as_str))
        }
        (ServoStatus::NearSingularity, ..) => "slower towards a singularity".to_owned(),
        (ServoStatus::AtSingularity, ..) => {
            "stands before a singularity; any way out is free".to_owned()
        }
        (ServoStatus::LeavingSingularity, ..) => "leaving a singularity".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jogs_are_sorted_and_broken_ones_refused() {
        let joints = ["a".to_owned(), "b".to_owned()];
        let jog = |names: &[&str], velocities: &[f64]| JointJog {
            joint_names: names.iter().map(|&name| name.to_owned()).collect(),
            velocities: velocities.to_vec(),
            ..Default::default()
        };
        assert_eq!(
            jog_of(&jog(&["b"], &[0.3]), &joints).unwrap(),
            ServoInput::Joints(vec![0.0, 0.3])
        );
        assert!(jog_of(&jog(&["c"], &[0.3]), &joints).unwrap_err().contains("'c'"));
        assert!(jog_of(&jog(&["a"], &[]), &joints).is_err());
    }

    #[test]
    fn paused_or_of_another_kind_input_does_not_count() {
        let inbox = ServoInbox::default();
        let twist = || RawInput::Twist(TwistStamped::default());
        inbox.put(twist());
        assert!(inbox.newest().is_some());
        inbox.pause(true);
        inbox.put(twist());
        assert!(inbox.newest().is_none());
        inbox.pause(false);
        assert!(inbox.choose(0) && !inbox.choose(3));
        inbox.put(twist());
        assert!(inbox.newest().is_none());
        inbox.put(RawInput::Jog(JointJog::default()));
        assert!(inbox.newest().is_some());
    }
}
