use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};

use praxis_control::{ControllerState, Finished, Motion, StopReason, ToolBreach};
use praxis_trajectory::JointSample;

use crate::realtime::steady_ns;

/// What the hearing thread asks of the control loop.
#[derive(Debug)]
pub enum Order {
    /// Hold where the arm is, once joint states come.
    Activate,
    /// Brake, then end commands.
    Deactivate,
    /// Run a motion.
    Start(Box<Motion>),
    /// Stop the motion with this number.
    Cancel(u64),
    /// Stop whatever runs.
    Stop(StopReason),
    /// Stop and stay stopped.
    EStop,
    /// Release the emergency stop.
    Reset,
    /// Slow motions down to this share of their speed.
    ScaleSpeed(f64),
}

/// The loop's part of the monitor's newest verdict.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardWord {
    /// The motion that was looked at.
    pub motion: u64,
    /// Highest rate that it may run at.
    pub rate: f64,
    /// Whether it must brake now.
    pub must_brake: bool,
    /// When it was given, steady nanoseconds; 0 before the first.
    pub at_ns: i64,
}

/// What servoing wants.
#[derive(Clone, Debug, Default)]
pub struct ServoWord {
    /// Velocities, one a joint.
    pub velocity: Vec<f64>,
    /// When the input came in that they rest on, steady nanoseconds; 0 before the first.
    pub at_ns: i64,
}

/// The newest joint state, in the controller's order.
#[derive(Clone, Debug)]
pub struct JointFeedback {
    /// Positions and velocities; accelerations stay zero.
    pub sample: JointSample,
    /// When it came in, steady nanoseconds; 0 before the first.
    pub received_ns: i64,
}

/// What the control loop did in one period.
#[derive(Clone, Debug)]
pub struct LoopReport {
    /// What the controller does.
    pub state: ControllerState,
    /// Whether `commanded` goes to the driver.
    pub has_command: bool,
    /// The command.
    pub commanded: JointSample,
    /// What the motion wanted.
    pub wanted: JointSample,
    /// The measured state that it was decided on.
    pub measured: JointSample,
    /// Age of that state, in seconds; infinite before the first.
    pub measured_age_s: f64,
    /// The running motion and how far it has come, in seconds.
    pub progress: Option<(u64, f64)>,
    /// Why it stopped last.
    pub last_stop: Option<StopReason>,
    /// Joint whose target the gate had to change.
    pub clipped: Option<usize>,
    /// What the tool's limits forbade.
    pub breach: Option<ToolBreach>,
    /// Efforts to send along.
    pub effort: Vec<f64>,
    /// The rate that the motion runs at: 1 as planned.
    pub motion_rate: f64,
    /// Whether the monitor has braked it.
    pub is_held: bool,
    /// Time until rest if it were stopped now, in seconds.
    pub stop_duration_s: f64,
    /// Smooth ROS time, in seconds; meaningful with simulated time only.
    pub time_s: f64,
    /// ROS seconds per steady second.
    pub rate: f64,
    /// When the loop woke, steady nanoseconds.
    pub woke_ns: i64,
    /// Periods that came too late to be kept, since the start.
    pub overruns: u64,
    /// Number of the period.
    pub count: u64,
}

impl LoopReport {
    /// Before the first period.
    pub fn empty(dim: usize) -> Self {
        Self {
            state: ControllerState::Inactive,
            has_command: false,
            commanded: JointSample::zeros(dim),
            wanted: JointSample::zeros(dim),
            measured: JointSample::zeros(dim),
            measured_age_s: f64::INFINITY,
            progress: None,
            last_stop: None,
            clipped: None,
            breach: None,
            effort: vec![0.0; dim],
            motion_rate: 1.0,
            is_held: false,
            stop_duration_s: 0.0,
            time_s: 0.0,
            rate: 0.0,
            woke_ns: 0,
            overruns: 0,
            count: 0,
        }
    }
}

/// What leaves the control loop besides its report; every item is told once.
#[derive(Debug)]
pub enum LoopEvent {
    /// A motion is over.
    Finished(Finished),
    /// A motion to be dropped where dropping may take its time.
    Retired(Box<Motion>),
    /// Length of a period, nanoseconds.
    Period(u32),
}

/// Single words that threads read from each other.
#[derive(Debug, Default)]
pub struct Flags {
    heartbeat_ns: AtomicI64,
    state: AtomicU8,
    quit: AtomicBool,
}

impl Flags {
    /// The planner lives.
    pub fn note_heartbeat(&self) {
        self.heartbeat_ns.store(steady_ns(), Ordering::Relaxed);
    }

    /// Time since the planner's last sign of life; `None` before the first.
    pub fn heartbeat_age_s(&self, now_ns: i64) -> Option<f64> {
        let heard_ns = self.heartbeat_ns.load(Ordering::Relaxed);
        (heard_ns != 0).then(|| (now_ns - heard_ns) as f64 * 1e-9)
    }

    /// Tells the controller's state to the others.
    pub fn set_state(&self, state: ControllerState) {
        self.state.store(state as u8, Ordering::Release);
    }

    /// Whether the controller gives no commands.
    pub fn is_inactive(&self) -> bool {
        self.state.load(Ordering::Acquire) == ControllerState::Inactive as u8
    }

    /// Asks the threads to end.
    pub fn quit(&self) {
        self.quit.store(true, Ordering::Release);
    }

    /// Whether the threads are to end.
    pub fn is_quitting(&self) -> bool {
        self.quit.load(Ordering::Acquire)
    }
}
