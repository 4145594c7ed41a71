use std::sync::Arc;
use std::thread::{JoinHandle, Thread};

use praxis_control::{Controller, Guard, Measured, ServoWish, StepInputs, TrajectoryClock};
use praxis_ros::{Clock, RealTime, go_at_once};
use praxis_trajectory::JointSample;
use rtrb::{Consumer, Producer};
use triple_buffer::{Input, Output};

use crate::realtime::{sleep_until, steady_ns};
use crate::shared::{Flags, GuardWord, JointFeedback, LoopEvent, LoopReport, Order, ServoWord};

/// Periods made up for at once after the loop was held up; what is beyond is lost time.
const MOST_PERIODS_AT_ONCE: i64 = 10;

/// The control loop: its own thread on the steady clock. Nothing inside a period allocates, locks
/// or waits; orders and motions come through rings, reports leave through a wait-free slot.
pub struct ControlLoop {
    /// What decides.
    pub controller: Controller,
    /// Orders, oldest first.
    pub orders: Consumer<Order>,
    /// The newest joint state.
    pub feedback: Output<JointFeedback>,
    /// The monitor's newest verdict; `None` where none watches.
    pub guard: Option<Output<GuardWord>>,
    /// What servoing wants; `None` where there is no servoing.
    pub servo: Option<Output<ServoWord>>,
    /// The newest report, for the publishing thread.
    pub report: Input<LoopReport>,
    /// Ends, periods, and what is to be dropped elsewhere.
    pub events: Producer<LoopEvent>,
    /// ROS time.
    pub clock: Clock,
    /// Heartbeat, state, end.
    pub flags: Arc<Flags>,
    /// Length of a period.
    pub period_ns: i64,
    /// Whether to ask for real-time scheduling.
    pub realtime: bool,
}

impl ControlLoop {
    /// Starts the thread; `publisher` is woken after every period.
    pub fn start(self, publisher: Thread) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("control_loop".to_owned()).spawn(move || {
            if self.realtime {
                match go_at_once(RealTime::ControlLoop) {
                    Ok(()) => tracing::info!("the control loop runs under SCHED_FIFO"),
                    Err(error) => tracing::warn!(
                        %error,
                        "no real-time scheduling for the control loop; its jitter depends on load"
                    ),
                }
            }
            self.run(&publisher);
        })
    }

    fn run(mut self, publisher: &Thread) {
        let mut clock = TrajectoryClock::default();
        let mut due_ns = steady_ns() + self.period_ns;
        let (mut last_ns, mut overruns, mut count) = (due_ns - self.period_ns, 0_u64, 0_u64);
        while !self.flags.is_quitting() {
            sleep_until(due_ns);
            let now_ns = steady_ns();
            let passed = 1 + (now_ns - due_ns).max(0) / self.period_ns;
            overruns += (passed - 1) as u64;
            due_ns += passed * self.period_ns;
            count += 1;

            let steady_s = passed.min(MOST_PERIODS_AT_ONCE) as f64 * self.period_ns as f64 * 1e-9;
            let dt_s = if self.clock.is_simulated() {
                let now = self.clock.now();
                let ros_s = (now.nanoseconds != 0).then(|| now.as_secs_f64());
                clock.tick(steady_s, ros_s)
            } else {
                steady_s
            };
            self.take_orders();
            self.controller.was_silent((now_ns - last_ns) as f64 * 1e-9);
            self.period(dt_s, now_ns, &clock, overruns, count);
            let period_ns = u32::try_from(now_ns - last_ns).unwrap_or(u32::MAX);
            last_ns = now_ns;
            self.tell(period_ns);
            publisher.unpark();
        }
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.pop() {
            match order {
                Order::Activate => self.controller.activate(),
                Order::Deactivate => self.controller.deactivate(),
                Order::Start(motion) => self.controller.start(motion),
                Order::Cancel(id) => self.controller.cancel(id),
                Order::Stop(reason) => self.controller.stop(reason),
                Order::EStop => self.controller.e_stop(),
                Order::Reset => self.controller.reset(),
                Order::ScaleSpeed(factor) => self.controller.scale_speed(factor),
            }
        }
    }

    fn period(
        &mut self,
        dt_s: f64,
        now_ns: i64,
        clock: &TrajectoryClock,
        overruns: u64,
        count: u64,
    ) {
        let feedback = self.feedback.read();
        let age_s = (now_ns - feedback.received_ns).max(0) as f64 * 1e-9;
        let measured = (feedback.received_ns != 0).then_some(Measured {
            position: &feedback.sample.position,
            velocity: &feedback.sample.velocity,
            age_s,
        });
        let heartbeat_age_s = self.flags.heartbeat_age_s(now_ns);
        let since_s = |at_ns: i64| (now_ns - at_ns).max(0) as f64 * 1e-9;
        let guard = self.guard.as_mut().map(|slot| {
            let GuardWord { motion, rate, must_brake, at_ns } = *slot.read();
            Guard { motion, rate, must_brake, age_s: since_s(at_ns) }
        });
        let servo = self.servo.as_mut().map(|slot| slot.read());
        let servo = servo.filter(|word| word.at_ns != 0);
        let servo =
            servo.map(|word| ServoWish { velocity: &word.velocity, age_s: since_s(word.at_ns) });
        let inputs = StepInputs { measured, heartbeat_age_s, guard, servo };
        let has_command = self.controller.step(dt_s, &inputs).is_some();
        self.flags.set_state(self.controller.state());

        let report = self.report.input_buffer_mut();
        report.state = self.controller.state();
        report.has_command = has_command;
        // Same lengths every time: nothing is allocated.
        copy(self.controller.commanded(), &mut report.commanded);
        copy(self.controller.wanted(), &mut report.wanted);
        copy(&feedback.sample, &mut report.measured);
        report.measured_age_s = measured.map_or(f64::INFINITY, |measured| measured.age_s);
        report.progress = self.controller.progress();
        report.last_stop = self.controller.last_stop();
        report.clipped = self.controller.clipped();
        report.breach = self.controller.breach();
        report.effort.copy_from_slice(self.controller.effort());
        report.motion_rate = self.controller.rate();
        report.is_held = self.controller.is_held();
        report.stop_duration_s = self.controller.stop_duration_s();
        report.time_s = clock.time_s();
        report.rate = if self.clock.is_simulated() { clock.rate() } else { 1.0 };
        report.woke_ns = now_ns;
        report.overruns = overruns;
        report.count = count;
        self.report.publish();
    }

    /// Hands on what must not get lost; what finds no room waits for the next period.
    fn tell(&mut self, period_ns: u32) {
        while self.events.slots() > 1 {
            if let Some(finished) = self.controller.take_finished() {
                let _ = self.events.push(LoopEvent::Finished(finished));
            } else if let Some(motion) = self.controller.take_retired() {
                let _ = self.events.push(LoopEvent::Retired(motion));
            } else {
                break;
            }
        }
        // A period that is not counted is no loss.
        let _ = self.events.push(LoopEvent::Period(period_ns));
    }
}

/// Copies a state into one of the same length without allocating.
fn copy(from: &JointSample, to: &mut JointSample) {
    to.position.clone_from(&from.position);
    to.velocity.clone_from(&from.velocity);
    to.acceleration.clone_from(&from.acceleration);
}
