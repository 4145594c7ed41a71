use std::sync::Arc;
use std::time::Duration;

use praxis_control::ControllerState;
use praxis_geometry::Stamp;
use praxis_ros::r2r::control_msgs::msg::JointTrajectoryControllerState;
use praxis_ros::{Clock, Diagnostics, Latency, Level, Publisher, RealTime, go_at_once};
use rtrb::Consumer;
use triple_buffer::Output;

use crate::begins::Begins;
use crate::commands::Commands;
use crate::goals::Goals;
use crate::gripper::GripperSlot;
use crate::measuring::Measuring;
use crate::messages::{feedback_msg, fill_state, state_msg};
use crate::realtime::steady_ns;
use crate::shared::{Flags, LoopEvent, LoopReport};

/// Longest sleep without a word from the loop.
const LONGEST_PARK: Duration = Duration::from_millis(20);

/// The publishing thread: says to ROS what the control loop decided.
pub struct Publishing {
    /// The loop's newest report.
    pub report: Output<LoopReport>,
    /// Ends, periods, things to drop.
    pub events: Consumer<LoopEvent>,
    /// Motions under way.
    pub goals: Goals,
    /// Command of the fingers.
    pub gripper: GripperSlot,
    /// The driver's topic.
    pub commands: Commands,
    /// `control/state`.
    pub states: Publisher<JointTrajectoryControllerState>,
    /// `/diagnostics`.
    pub diagnostics: Diagnostics,
    /// ROS time.
    pub clock: Clock,
    /// When to end.
    pub flags: Arc<Flags>,
    /// Whether to ask for real-time scheduling.
    pub realtime: bool,
    /// Loop periods a second.
    pub rate_hz: f64,
    /// State messages a second.
    pub state_rate_hz: f64,
    /// The loop's periods beside a bare loop's, if they are measured.
    pub measuring: Option<Measuring>,
    /// When motions began, if that is measured.
    pub begins: Option<Begins>,
}

impl Publishing {
    /// Runs until the flags say to quit and the loop's last words are said.
    pub fn run(mut self) {
        if self.realtime
            && let Err(error) = go_at_once(RealTime::Commands)
        {
            tracing::warn!(%error, "no real-time scheduling for publishing; commands may be late under load");
        }
        let joints = self.goals.joints();
        let mut state = state_msg(&joints);
        let periods_per_state = (self.rate_hz / self.state_rate_hz).max(1.0) as u64;
        let periods_per_diagnosis = self.rate_hz as u64;
        let (mut periods, mut to_wire) = (Latency::default(), Latency::default());
        let (mut last_state, mut last_diagnosis) = (0, 0);
        loop {
            let is_quitting = self.flags.is_quitting();
            // Once the node has ceased to spin its publishers are gone.
            if self.report.update() && !is_quitting {
                let report = self.report.peek_output_buffer();
                let stamp = if self.clock.is_simulated() {
                    Stamp::from_secs_f64(report.time_s)
                } else {
                    self.clock.now()
                };
                if report.has_command {
                    let gripper = *self.gripper.lock().unwrap_or_else(|broken| broken.into_inner());
                    self.commands.publish(report, gripper, stamp);
                    let span_ns = u64::try_from(steady_ns() - report.woke_ns).unwrap_or(0);
                    to_wire.add(Duration::from_nanos(span_ns));
                    if let Some(begins) = &mut self.begins {
                        begins.sent(report.progress.map(|(motion, _)| motion), span_ns);
                    }
                }
                self.goals.set_report(report);
                if report.count >= last_state + periods_per_state {
                    last_state = report.count;
                    fill_state(&mut state, report, stamp);
                    self.states.publish(&state);
                    self.goals.feedback(|joints, report| feedback_msg(joints, report, stamp));
                }
                if report.count >= last_diagnosis + periods_per_diagnosis {
                    last_diagnosis = report.count;
                    diagnose(&self.diagnostics, report, &self.goals);
                    self.diagnostics.latency("loop", "period", &periods);
                    self.diagnostics.latency("loop", "loop_to_wire", &to_wire);
                }
            }
            while let Ok(event) = self.events.pop() {
                match event {
                    LoopEvent::Finished(finished) => self.goals.finish(finished),
                    LoopEvent::Retired(motion) => drop(motion),
                    LoopEvent::Period(ns) => {
                        periods.add(Duration::from_nanos(u64::from(ns)));
                        if let Some(measuring) = &mut self.measuring {
                            measuring.add(ns);
                        }
                    }
                }
            }
            if is_quitting {
                if let Some(Err(error)) = self.begins.as_ref().map(Begins::finish) {
                    tracing::error!(%error, "the measured begins are not written");
                }
                if let Some(Err(error)) = self.measuring.as_mut().map(Measuring::finish) {
                    tracing::error!(%error, "the measured periods are not written");
                }
                return;
            }
            std::thread::park_timeout(LONGEST_PARK);
        }
    }
}

fn diagnose(diagnostics: &Diagnostics, report: &LoopReport, goals: &Goals) {
    let (level, text) = match report.state {
        ControllerState::Inactive if report.measured_age_s.is_infinite() => {
            (Level::Warn, "no joint states yet; no commands".to_owned())
        }
        ControllerState::Inactive => (
            Level::Warn,
            format!("no commands; newest joint state is {:.3} s old", report.measured_age_s),
        ),
        ControllerState::Hold => (Level::Ok, "holding".to_owned()),
        ControllerState::Follow if report.is_held => {
            (Level::Warn, "standing before something in the way".to_owned())
        }
        ControllerState::Follow => (Level::Ok, "following".to_owned()),
        ControllerState::Servo => (Level::Ok, "servoing".to_owned()),
        ControllerState::Brake => (Level::Warn, "braking".to_owned()),
        ControllerState::EStopped => {
            (Level::Error, "emergency stop; call control/reset to release it".to_owned())
        }
    };
    diagnostics.report("state", level, text);
    diagnostics.value("state", "last_motion", goals.last_end());
    diagnostics.value("state", "joint_state_age_ms", format!("{:.1}", report.measured_age_s * 1e3));
    diagnostics.value("state", "stop_duration_s", format!("{:.3}", report.stop_duration_s));
    diagnostics.value("state", "motion_rate", format!("{:.2}", report.motion_rate));
    if let Some(breach) = report.breach {
        diagnostics.value("state", "tool_limit", format!("{breach:?}"));
    }
    if let Some(joint) = report.clipped {
        let name = goals.joints().get(joint).cloned().unwrap_or_default();
        diagnostics.value("state", "clipped_joint", name);
    }
    diagnostics.report("loop", Level::Ok, "running");
    diagnostics.value("loop", "overruns", report.overruns);
    diagnostics.value("loop", "periods", report.count);
    diagnostics.value("loop", "ros_time_rate", format!("{:.3}", report.rate));
}
