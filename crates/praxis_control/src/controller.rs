mod follow;
mod servo;
mod watch;

use praxis_trajectory::{JointLimits, JointSample};

use crate::ControlError;
use crate::gate::{Gate, copy_sample};
use crate::guard::{Guard, ServoWish};
use crate::motion::Motion;
use crate::pace::Pace;
use crate::reason::{Finished, Outcome, StopReason};
use crate::tool_limits::{ToolBreach, ToolGuard};

/// Ends of motions that can wait to be told.
const FINISHED_SLOTS: usize = 8;
/// Periods of standing still that are commanded before commands end, so that the driver gets to see
/// them; and that are seen before commands begin again after a silence.
const LAST_PERIODS: u32 = 25;
/// Below this measured speed a joint counts as standing, per second.
const STANDING: f64 = 0.2;
/// Nearer than this to where the arm was moved the command has come there, radians or metres.
const NEAR: f64 = 1e-4;

/// When the controller gives a motion up by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerConfig {
    /// Joint states older than this count as lost, seconds.
    pub stale_after_s: f64,
    /// Silence of the planner after which its motion is stopped, seconds.
    pub heartbeat_timeout_s: f64,
    /// Largest distance between commanded and measured position, radians.
    pub max_tracking_error: f64,
    /// Longest stand before something in the way, seconds; then the motion is given up.
    pub longest_stand_s: f64,
    /// Silence of the monitor after which its motion brakes, seconds.
    pub monitor_timeout_s: f64,
    /// Age of servo input after which servoing stops, seconds.
    pub servo_timeout_s: f64,
    /// Silence of the control loop itself after which a moving arm is not where it was commanded to
    /// be, seconds: drivers brake and hold without commands.
    pub longest_silence_s: f64,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            stale_after_s: 0.1,
            heartbeat_timeout_s: 0.3,
            max_tracking_error: 0.2,
            longest_stand_s: 10.0,
            monitor_timeout_s: 0.25,
            servo_timeout_s: 0.1,
            longest_silence_s: 0.1,
        }
    }
}

/// What the controller does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControllerState {
    /// No commands: not activated, or no joint states.
    #[default]
    Inactive,
    /// Standing at the last commanded position.
    Hold,
    /// Following a motion, or standing on it while something is in the way.
    Follow,
    /// Going as servo input says.
    Servo,
    /// Braking to rest; then it holds.
    Brake,
    /// Emergency stop: braked, and standing until reset.
    EStopped,
}

/// The newest measured joint state, in the controller's order.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Positions; finite.
    pub position: &'a [f64],
    /// Velocities; finite.
    pub velocity: &'a [f64],
    /// Time since it came in, steady seconds.
    pub age_s: f64,
}

/// What the controller gets to see in one period.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepInputs<'a> {
    /// Joint state; `None` before the first.
    pub measured: Option<Measured<'a>>,
    /// Time since the planner's last heartbeat, steady seconds; `None` before the first.
    pub heartbeat_age_s: Option<f64>,
    /// The monitor's verdict; `None` where none watches.
    pub guard: Option<Guard>,
    /// What servo input wants; `None` where there is none.
    pub servo: Option<ServoWish<'a>>,
}

/// Follows, holds or brakes: one command a period, always within limits.
///
/// Nothing in [`Self::step`] allocates, locks or waits. Motions come in boxes made elsewhere and go
/// back to be dropped elsewhere.
#[derive(Debug)]
pub struct Controller {
    config: ControllerConfig,
    gate: Gate,
    target: JointSample,
    state: ControllerState,
    is_active: bool,
    is_e_stopped: bool,
    last_stop: Option<StopReason>,
    running: Option<Box<Motion>>,
    waiting: Option<Box<Motion>>,
    // Trajectory time of the running motion, and its segment.
    time_s: f64,
    cursor: usize,
    settling_s: f64,
    // Speed scaling asked for, and the rate that trajectory time goes at.
    scaling: f64,
    pace: Pace,
    // Braked by the monitor: standing, or about to, and for how long.
    is_held: bool,
    held_s: f64,
    // Since the motion began to wait for the monitor's first word.
    unwatched_s: f64,
    effort: Vec<f64>,
    // Servo input that was stopped counts again only after it has been let go.
    servo_is_locked: bool,
    last_measured: Vec<f64>,
    since_measured_s: f64,
    standing_periods: u32,
    // Where the arm was moved to while it was held: the command is led there.
    moved_to: JointSample,
    was_moved: bool,
    // Begins again only once the arm has been seen standing.
    awaits_rest: bool,
    finished: [Option<Finished>; FINISHED_SLOTS],
    // Motions that are over, for another thread to drop: in their boxes, for unboxing would free.
    #[allow(clippy::vec_box)]
    retired: Vec<Box<Motion>>,
}

impl Controller {
    /// Inactive, for joints with these limits.
    pub fn new(limits: JointLimits, config: ControllerConfig) -> Result<Self, ControlError> {
        for (what, value) in [
            ("stale_after_s", config.stale_after_s),
            ("heartbeat_timeout_s", config.heartbeat_timeout_s),
            ("max_tracking_error", config.max_tracking_error),
            ("longest_stand_s", config.longest_stand_s),
            ("monitor_timeout_s", config.monitor_timeout_s),
            ("servo_timeout_s", config.servo_timeout_s),
            ("longest_silence_s", config.longest_silence_s),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(ControlError::BadSetting { what, value });
            }
        }
        let dim = limits.dim();
        Ok(Self {
            config,
            gate: Gate::new(limits, &vec![0.0; dim]),
            target: JointSample::zeros(dim),
            state: ControllerState::Inactive,
            is_active: false,
            is_e_stopped: false,
            last_stop: None,
            running: None,
            waiting: None,
            time_s: 0.0,
            cursor: 0,
            settling_s: 0.0,
            scaling: 1.0,
            pace: Pace::default(),
            is_held: false,
            held_s: 0.0,
            unwatched_s: 0.0,
            effort: vec![0.0; dim],
            servo_is_locked: false,
            last_measured: Vec::with_capacity(dim),
            since_measured_s: 0.0,
            standing_periods: 0,
            moved_to: JointSample::zeros(dim),
            was_moved: false,
            awaits_rest: false,
            finished: [None; FINISHED_SLOTS],
            retired: Vec::with_capacity(2 * FINISHED_SLOTS),
        })
    }

    /// With limits of each joint's effort.
    #[must_use]
    pub fn with_effort_limits(mut self, limits: &[f64]) -> Self {
        self.gate = self.gate.with_effort_limits(limits);
        self
    }

    /// With limits of the tool.
    #[must_use]
    pub fn with_tool(mut self, tool: ToolGuard) -> Self {
        self.gate = self.gate.with_tool(tool);
        self
    }

    /// Begins to hold at the measured position with the next fresh joint state.
    pub fn activate(&mut self) {
        self.is_active = true;
    }

    /// Brakes; commands end once the arm is at rest.
    pub fn deactivate(&mut self) {
        self.is_active = false;
        self.standing_periods = 0;
        self.stop(StopReason::Deactivated);
    }

    /// What it does now.
    pub fn state(&self) -> ControllerState {
        self.state
    }

    /// The state commanded last.
    pub fn commanded(&self) -> &JointSample {
        self.gate.sample()
    }

    /// What the running motion wants now; the command unless the gate had to change it.
    pub fn wanted(&self) -> &JointSample {
        &self.target
    }

    /// The running motion's number and how far it has come, in seconds.
    pub fn progress(&self) -> Option<(u64, f64)> {
        self.running.as_ref().map(|motion| (motion.id, self.time_s))
    }

    /// The rate that the motion runs at: 1 as planned.
    pub fn rate(&self) -> f64 {
        match self.state {
            ControllerState::Follow if self.is_held => 0.0,
            ControllerState::Follow => self.pace.rate(),
            _ => self.scaling,
        }
    }

    /// Whether the monitor has braked the motion, which goes on when the way is free.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Efforts to send along.
    pub fn effort(&self) -> &[f64] {
        &self.effort
    }

    /// What the tool's limits forbade in the last step.
    pub fn breach(&self) -> Option<ToolBreach> {
        self.gate.breach()
    }

    /// Slows motions down: 1 as planned, 0 to stand. What is negative or no number is passed over,
    /// what is more than 1 is 1.
    pub fn scale_speed(&mut self, factor: f64) {
        if factor >= 0.0 {
            self.scaling = factor.min(1.0);
        }
    }

    /// Why it stopped last.
    pub fn last_stop(&self) -> Option<StopReason> {
        self.last_stop
    }

    /// Joint whose target the gate changed in the last step.
    pub fn clipped(&self) -> Option<usize> {
        self.gate.clipped()
    }

    /// Whether the commanded arm stands still.
    pub fn is_at_rest(&self) -> bool {
        self.gate.is_at_rest()
    }

    /// Time until rest if it were stopped now.
    pub fn stop_duration_s(&self) -> f64 {
        self.gate.stop_duration_s()
    }

    /// Takes a motion, now or when its wait is over. A motion that cannot run is finished at once.
    pub fn start(&mut self, motion: Box<Motion>) {
        let refusal = if self.is_e_stopped {
            Some(StopReason::EStop)
        } else if !self.takes_motions() {
            Some(self.last_stop.unwrap_or(StopReason::StopRequested))
        } else {
            None
        };
        if let Some(reason) = refusal {
            self.finish(motion, Outcome::Stopped(reason));
        } else if motion.wait_s > 0.0 || motion.take_over.is_some() {
            if let Some(replaced) = self.waiting.replace(motion) {
                self.finish(replaced, Outcome::Replaced);
            }
        } else {
            self.run(motion);
        }
    }

    fn takes_motions(&self) -> bool {
        use ControllerState::{Follow, Hold, Servo};
        matches!(self.state, Hold | Follow | Servo)
    }

    /// Stops the motion with this number if it runs or waits.
    pub fn cancel(&mut self, id: u64) {
        if let Some(motion) = self.waiting.take_if(|motion| motion.id == id) {
            self.finish(motion, Outcome::Stopped(StopReason::Cancelled));
        }
        if self.running.as_ref().is_some_and(|motion| motion.id == id) {
            self.stop(StopReason::Cancelled);
        }
    }

    /// Brakes to rest and forgets every motion.
    pub fn stop(&mut self, reason: StopReason) {
        if let Some(motion) = self.waiting.take() {
            self.finish(motion, Outcome::Stopped(reason));
        }
        self.servo_is_locked = true;
        if matches!(self.state, ControllerState::Follow | ControllerState::Servo) {
            self.last_stop = Some(reason);
            self.state = ControllerState::Brake;
            self.is_held = false;
        }
    }

    /// Brakes, and stands until [`Self::reset`].
    pub fn e_stop(&mut self) {
        self.is_e_stopped = true;
        self.stop(StopReason::EStop);
        self.last_stop = Some(StopReason::EStop);
        if self.state != ControllerState::Inactive {
            self.state = ControllerState::EStopped;
        }
    }

    /// To be told before a step that comes `silent_s` after the one before. A moving arm that got no
    /// commands for so long has been braked by its driver: its motion is given up, and nothing is
    /// commanded until it has been seen standing; then it is held where it stands.
    pub fn was_silent(&mut self, silent_s: f64) {
        let limit_s = self.config.longest_silence_s;
        let is_standing = self.state == ControllerState::Inactive || self.gate.is_at_rest();
        if silent_s <= limit_s || is_standing {
            return;
        }
        let reason = StopReason::LoopHeldUp { silent_s, limit_s };
        self.stop(reason);
        if let Some(motion) = self.running.take() {
            let reason = self.last_stop.unwrap_or(reason);
            self.finish(motion, Outcome::Stopped(reason));
        }
        self.state = ControllerState::Inactive;
        self.awaits_rest = true;
        self.standing_periods = 0;
    }

    /// Releases the emergency stop; the arm stays where it is.
    pub fn reset(&mut self) {
        self.is_e_stopped = false;
        if self.state == ControllerState::EStopped {
            let is_at_rest = self.gate.is_at_rest();
            self.state = if is_at_rest { ControllerState::Hold } else { ControllerState::Brake };
        }
    }

    /// Whether the emergency stop is engaged.
    pub fn is_e_stopped(&self) -> bool {
        self.is_e_stopped
    }

    /// The next end of a motion that was not told yet.
    pub fn take_finished(&mut self) -> Option<Finished> {
        self.finished.iter_mut().find_map(Option::take)
    }

    /// A motion that is over, to be dropped where dropping may take its time.
    pub fn take_retired(&mut self) -> Option<Box<Motion>> {
        self.retired.pop()
    }

    /// Goes on by `dt_s` of trajectory time; the command, or `None` while there is none to give.
    pub fn step(&mut self, dt_s: f64, inputs: &StepInputs<'_>) -> Option<&JointSample> {
        let dt_s =
            if dt_s.is_finite() { dt_s.clamp(0.0, crate::gate::LONGEST_STEP_S) } else { 0.0 };
        if self.state == ControllerState::Inactive {
            self.try_begin(inputs);
        } else {
            self.watch(dt_s, inputs);
            self.begin_waiting(dt_s);
            self.begin_servo(inputs);
            self.effort.fill(0.0);
            self.was_moved &=
                self.state != ControllerState::Follow && self.state != ControllerState::Servo;
            match self.state {
                ControllerState::Follow => self.follow(dt_s, inputs),
                ControllerState::Servo => self.servo(dt_s, inputs),
                _ => self.stand_or_brake(dt_s, inputs),
            }
        }
        (self.state != ControllerState::Inactive).then(|| self.gate.sample())
    }

    /// Starts to hold where the arm is, once a fresh joint state says so.
    fn try_begin(&mut self, inputs: &StepInputs<'_>) {
        let Some(measured) = inputs.measured.filter(|m| self.is_active && self.is_fresh(m)) else {
            return;
        };
        if self.awaits_rest {
            let is_standing = measured.velocity.iter().all(|v| v.abs() < STANDING);
            self.standing_periods = if is_standing { self.standing_periods + 1 } else { 0 };
            if self.standing_periods <= LAST_PERIODS {
                return;
            }
            self.awaits_rest = false;
        }
        self.gate.reset(measured.position);
        copy_sample(self.gate.sample(), &mut self.target);
        let is_e_stopped = self.is_e_stopped;
        self.state = if is_e_stopped { ControllerState::EStopped } else { ControllerState::Hold };
    }

    fn is_fresh(&self, measured: &Measured<'_>) -> bool {
        measured.age_s <= self.config.stale_after_s
            && measured.position.len() == self.target.position.len()
    }

    fn stand_or_brake(&mut self, dt_s: f64, inputs: &StepInputs<'_>) {
        let is_fresh = inputs.measured.is_some_and(|measured| self.is_fresh(&measured));
        let is_led = self.was_moved && is_fresh && self.is_active;
        if is_led {
            self.gate.step_towards(&self.moved_to, dt_s);
            self.was_moved = !self.is_near_where_it_was_moved();
        } else {
            self.was_moved = false;
            self.gate.step_stopping(dt_s);
        }
        copy_sample(self.gate.sample(), &mut self.target);
        if is_led || !self.gate.is_at_rest() {
            self.standing_periods = 0;
            return;
        }
        if self.state == ControllerState::Brake || self.running.is_some() {
            let reason = self.last_stop.unwrap_or(StopReason::StopRequested);
            self.end(Outcome::Stopped(reason));
        }
        if !self.is_active || !is_fresh {
            // Without joint states nobody knows where the arm is: the driver holds it. It is
            // held anew from where it is when they come back.
            if let Some(motion) = self.waiting.take() {
                self.finish(motion, Outcome::Stopped(StopReason::Deactivated));
            }
            self.standing_periods += 1;
            if self.standing_periods > LAST_PERIODS {
                self.state = ControllerState::Inactive;
            }
            return;
        }
        self.standing_periods = 0;
        if self.tracking_error(inputs).is_some()
            && let Some(measured) = inputs.measured
            && measured.velocity.iter().all(|velocity| velocity.abs() < STANDING)
        {
            // It was moved by others while standing: it is held there rather than pulled back, by a
            // command that gets there within the limits.
            self.moved_to.position.copy_from_slice(measured.position);
            self.was_moved = true;
        }
    }

    fn is_near_where_it_was_moved(&self) -> bool {
        let there = self.gate.sample().position.iter().zip(&self.moved_to.position);
        let mut joints = there.zip(self.gate.limits().joints());
        // Beyond its limits the command does not go.
        joints.all(|((here, there), limit)| {
            let there = there.clamp(limit.min_position, limit.max_position);
            (here - there).abs() < NEAR
        })
    }

    /// Ends the running motion and holds, or stays stopped.
    fn end(&mut self, outcome: Outcome) {
        if let Some(motion) = self.running.take() {
            self.finish(motion, outcome);
        }
        if self.state != ControllerState::EStopped {
            self.state = ControllerState::Hold;
        }
    }

    fn finish(&mut self, motion: Box<Motion>, outcome: Outcome) {
        let finished = Finished { id: motion.id, outcome };
        if let Some(slot) = self.finished.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(finished);
        }
        if self.retired.len() < self.retired.capacity() {
            self.retired.push(motion);
        }
    }
}
