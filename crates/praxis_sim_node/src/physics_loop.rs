use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use praxis_geometry::Stamp;
use praxis_ros::{Diagnostics, Latency, Level, StopFlag};
use praxis_sim::{JointCommand, Snapshot};

use crate::camera_loop::FrameSlot;
use crate::messages::{clock_msg, joint_state_msg, tf_msg};
use crate::pacing::Pacing;
use crate::pipeline::{Due, SimPipeline};
use crate::state_publishing::{State, StatePublishing};

/// How long the loop sleeps when it is ahead.
const NAP: Duration = Duration::from_micros(500);
/// Refused commands are logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// What the physics thread speaks through.
pub struct Outputs {
    /// `joint_states`, `/clock` and `/tf`.
    pub states: StatePublishing,
    /// `/diagnostics`.
    pub diagnostics: Diagnostics,
    /// Where camera frames are asked for; absent without a camera.
    pub frames: Option<Arc<FrameSlot>>,
}

/// Steps the simulation in a thread of its own and publishes what it brings forth.
pub struct PhysicsLoop {
    pipeline: SimPipeline,
    commands: Receiver<JointCommand>,
    outputs: Outputs,
    epoch: Stamp,
    pacing: Pacing,
    step_time: Latency,
    refused: u64,
    accepted: u64,
    last_refusal: Option<Instant>,
    reported: (Instant, f64),
}

impl PhysicsLoop {
    /// A loop that runs at `factor` times real time; `epoch` is the stamp of simulated time zero.
    pub fn new(
        pipeline: SimPipeline,
        commands: Receiver<JointCommand>,
        outputs: Outputs,
        epoch: Stamp,
        factor: f64,
    ) -> Self {
        Self {
            pacing: Pacing::new(factor, Duration::ZERO, pipeline.simulator().time_s()),
            pipeline,
            commands,
            outputs,
            epoch,
            step_time: Latency::default(),
            refused: 0,
            accepted: 0,
            last_refusal: None,
            reported: (Instant::now(), 0.0),
        }
    }

    /// Runs until `stop`; steps only while `is_running`.
    pub fn start(
        mut self,
        is_running: Arc<AtomicBool>,
        stop: StopFlag,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("physics".to_owned()).spawn(move || {
            let begin = Instant::now();
            while !stop.is_stopped() {
                if is_running.load(Ordering::SeqCst) {
                    self.catch_up(begin, &stop);
                } else {
                    self.pacing.resume(begin.elapsed(), self.pipeline.simulator().time_s());
                }
                std::thread::sleep(NAP);
            }
        })
    }

    fn catch_up(&mut self, begin: Instant, stop: &StopFlag) {
        let step_s = self.pipeline.simulator().timestep_s();
        let due_s = self.pacing.due_s(begin.elapsed(), self.pipeline.simulator().time_s());
        while self.pipeline.simulator().time_s() + step_s <= due_s && !stop.is_stopped() {
            while let Ok(command) = self.commands.try_recv() {
                self.command(&command);
            }
            let begin_step = Instant::now();
            let due = self.pipeline.step();
            self.step_time.add(begin_step.elapsed());
            self.publish(due);
            if let Err(error) = self.pipeline.tell_verdict() {
                tracing::error!(%error, "the judge's file cannot be written; the run goes on unjudged");
            }
        }
        if self.reported.0.elapsed() > Duration::from_secs(1) {
            self.report();
        }
    }

    fn command(&mut self, command: &JointCommand) {
        match self.pipeline.command(command) {
            Ok(()) => self.accepted += 1,
            Err(error) => {
                self.refused += 1;
                if self.last_refusal.is_none_or(|last| last.elapsed() > LOG_EVERY) {
                    self.last_refusal = Some(Instant::now());
                    tracing::warn!(%error, refused = self.refused, "joint command refused; the last one holds");
                }
            }
        }
    }

    fn publish(&self, due: Due) {
        let simulator = self.pipeline.simulator();
        let stamp = self.stamp();
        if due.clock {
            self.outputs.states.publish(State::Clock(clock_msg(stamp)));
        }
        if due.joint_states {
            let states = simulator.joint_states();
            let message = joint_state_msg(stamp, simulator.joint_names(), states);
            self.outputs.states.publish(State::Joints(message));
        }
        if due.transforms || due.frame {
            let snapshot = simulator.snapshot();
            if due.transforms {
                let frames = self.pipeline.moving_frames(&snapshot);
                self.outputs.states.publish(State::Transforms(tf_msg(stamp, &frames)));
            }
            if due.frame {
                self.ask_for_frame(stamp, snapshot);
            }
        }
    }

    fn ask_for_frame(&self, stamp: Stamp, snapshot: Snapshot) {
        if let Some(slot) = &self.outputs.frames {
            slot.ask(stamp, snapshot);
        }
    }

    fn stamp(&self) -> Stamp {
        let nanoseconds = (self.pipeline.simulator().time_s() * 1e9).round() as i64;
        Stamp { nanoseconds: self.epoch.nanoseconds + nanoseconds }
    }

    fn report(&mut self) {
        let (wall, sim_s) = (self.reported.0.elapsed(), self.pipeline.simulator().time_s());
        let factor = (sim_s - self.reported.1) / wall.as_secs_f64();
        self.reported = (Instant::now(), sim_s);
        let (slips, slipped) = self.pacing.slipped();

        let diagnostics = &self.outputs.diagnostics;
        let level = if slips > 0 { Level::Warn } else { Level::Ok };
        let message = if slips > 0 { "the machine is too slow: time slips" } else { "in time" };
        diagnostics.report("physics", level, message);
        diagnostics.value("physics", "real_time_factor", format!("{factor:.3}"));
        diagnostics.value("physics", "slips", slips);
        diagnostics.value("physics", "slipped_ms", slipped.as_millis());
        diagnostics.value("physics", "dropped_messages", self.outputs.states.dropped());
        diagnostics.latency("physics", "step", &self.step_time);
        let following = self.pipeline.simulator().is_following();
        let doing = if following { "following commands" } else { "holding" };
        diagnostics.report("driver", Level::Ok, doing);
        diagnostics.value("driver", "commands", self.accepted);
        diagnostics.value("driver", "refused_commands", self.refused);
    }
}
