use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use praxis_control::{
    AcceptConfig, Acceptor, Controller, ControllerState, EStopLatch, RejectError, StopReason,
    ToolGuard, TrajectoryRequest,
};
use praxis_robot::Robot;
use praxis_ros::r2r::control_msgs::action::{FollowJointTrajectory, GripperCommand};
use praxis_ros::r2r::moveit_msgs::srv::ServoCommandType;
use praxis_ros::r2r::std_srvs::srv::{SetBool, Trigger};
use praxis_ros::topics::{self, names};
use praxis_ros::{
    Clock, Diagnostics, Level, Node, RealTime, Transitions, all_go_at_once, go_first, logging,
};
use praxis_trajectory::JointSample;
use rtrb::{Producer, RingBuffer};
use triple_buffer::triple_buffer;

use crate::begins::Begins;
use crate::commands::{CommandType, Commands};
use crate::control_loop::ControlLoop;
use crate::goals::{Goals, refused};
use crate::gripper::{Gripper, GripperSlot};
use crate::intake::Intake;
use crate::limits::{effort_limits_of, limits_of, read_if_named};
use crate::measuring::Measuring;
use crate::messages::{request_from_goal, request_from_msg};
use crate::parameters::ControlParameters;
use crate::publishing::Publishing;
use crate::realtime::{lock_memory, steady_ns};
use crate::servoing::{RawInput, ServoInbox};
use crate::shared::{Flags, GuardWord, JointFeedback, LoopReport, Order, ServoWord};
use crate::watching::{MonitorInbox, ServoSetup, Watching};

const NAME: &str = "control";
/// Orders that may wait for the next period.
const WAITING_ORDERS: usize = 64;
/// Events that may wait for the publishing thread.
const WAITING_EVENTS: usize = 4096;
/// Longest wait for the arm to come to rest at the end.
const LONGEST_END: Duration = Duration::from_millis(800);
/// Once in this time a broken joint state is told, nanoseconds.
const TELL_EVERY_NS: i64 = 2_000_000_000;

/// Sets the node up and serves it until it is told to stop.
pub fn run() -> anyhow::Result<()> {
    // Before the middleware starts its threads, which inherit it.
    let first = go_first();
    let mut node = Node::create(NAME)?;
    logging::start(&mut node)?;
    if let Err(error) = first {
        tracing::warn!(%error, "no higher priority; joint states may be late on a busy machine");
    }
    let (parameters, common) = node.parameters::<ControlParameters>(NAME, &[])?;
    let parameters = parameters.get();
    let clock = node.clock(common.use_sim_time)?;
    let diagnostics = node.diagnostics(NAME, &clock)?;
    let texts = Texts::read(&parameters)?;
    let limits = limits_of(&parameters.joints, &texts.urdf, &texts.limits)
        .context("the limits of the joints are not known")?;
    let effort_limits = effort_limits_of(&parameters.joints, &texts.urdf)?;
    let command_type = CommandType::parse(&parameters.command_type).with_context(|| {
        format!(
            "command_type is '{}'; it must be joint_state, float64_multi_array or joint_trajectory",
            parameters.command_type
        )
    })?;
    if parameters.realtime {
        match lock_memory() {
            Ok(()) => tracing::info!("memory is locked"),
            Err(error) => tracing::warn!(%error, "memory is not locked; page faults may delay"),
        }
    }

    let (orders, loop_orders) = RingBuffer::new(WAITING_ORDERS);
    let (loop_events, events) = RingBuffer::new(WAITING_EVENTS);
    let dim = limits.dim();
    let no_feedback = JointFeedback { sample: JointSample::zeros(dim), received_ns: 0 };
    let (feedback, loop_feedback) = triple_buffer(&no_feedback);
    let (loop_report, report) = triple_buffer(&LoopReport::empty(dim));
    let flags = Arc::new(Flags::default());
    let goals = Goals::new(parameters.joints.clone());
    let gripper_slot = GripperSlot::default();

    let mut controller = Controller::new(limits.clone(), parameters.controller())?
        .with_effort_limits(&effort_limits);
    if let Some(tool_limits) = parameters.tool()? {
        let (robot, joints) = (texts.robot()?, &parameters.joints);
        let guard = ToolGuard::new(robot, joints, &parameters.tool.link, tool_limits)?;
        controller = controller.with_tool(guard);
    }
    let servo_limits = limits.clone();
    let accept = AcceptConfig { effort_limits, ..parameters.accept() };
    let control = Rc::new(Control {
        acceptor: Acceptor::new(parameters.joints.clone(), limits, accept)?,
        orders: RefCell::new(orders),
        goals: goals.clone(),
        flags: flags.clone(),
        latch: latch(&parameters, &node.fully_qualified_name()),
        clock: clock.clone(),
        heartbeat_timeout_s: parameters.heartbeat_timeout_s,
        next_id: Cell::new(1),
    });
    let gripper = Rc::new(RefCell::new(Gripper::new(parameters.gripper(), gripper_slot.clone())));
    let inbox = MonitorInbox::default();
    hear_joints(&mut node, &parameters, feedback, &gripper, &diagnostics, &inbox)?;
    hear_motions(&mut node, &control)?;
    hear_stops(&mut node, &control)?;
    if !parameters.gripper.joint.is_empty() {
        hear_gripper(&mut node, &control, &gripper)?;
    }
    control.restore_e_stop();
    let (guard, loop_guard) = triple_buffer(&GuardWord::default());
    if parameters.monitor.enabled {
        hear_surroundings(&mut node, &inbox)?;
    } else {
        tracing::warn!("monitor.enabled is false: nothing watches for obstacles");
        diagnostics.report("monitor", Level::Warn, "switched off: nothing watches for obstacles");
    }
    let has_servo = parameters.monitor.enabled && !parameters.servo.link.is_empty();
    let (servo_word, loop_servo) = triple_buffer(&ServoWord::default());
    let servo = if has_servo {
        let servo = &parameters.servo;
        let inbox = ServoInbox::default();
        hear_servo(&mut node, &inbox)?;
        Some(ServoSetup {
            link: servo.link.clone(),
            limits: servo_limits,
            config: parameters.servo(),
            inbox,
            scales: servo.unitless.then_some((servo.linear_mps, servo.angular_rad_per_s)),
            rate_hz: servo.rate_hz,
            word: servo_word,
            status: node.publish_on(&topics::SERVO_STATUS)?,
        })
    } else {
        None
    };
    let markers = node.publish_on(&topics::CONTROL_MARKERS)?;
    let watching = parameters.monitor.enabled.then(|| Watching {
        servo,
        load: Box::new(move || texts.robot()),
        joints: parameters.joints.clone(),
        config: parameters.monitor(),
        rate_hz: parameters.monitor.rate_hz,
        planning_frame: parameters.monitor.planning_frame.clone(),
        people_classes: parameters.monitor.people_classes.clone(),
        inbox,
        goals: goals.clone(),
        guard,
        flags: flags.clone(),
        diagnostics: diagnostics.clone(),
        realtime: parameters.realtime,
        markers,
    });
    let period = Duration::from_secs_f64(1.0 / parameters.rate_hz);
    let finger_joint = &parameters.gripper.joint;

    let publishing = Publishing {
        report,
        events,
        goals,
        gripper: gripper_slot,
        commands: Commands::new(command_type, &mut node, &parameters.joints, finger_joint, period)?,
        states: node.publish_on(&topics::CONTROL_STATE)?,
        diagnostics,
        clock: clock.clone(),
        flags: flags.clone(),
        realtime: parameters.realtime,
        rate_hz: parameters.rate_hz,
        state_rate_hz: parameters.state_rate_hz,
        begins: Some(parameters.begins_file.as_str())
            .filter(|file| !file.is_empty())
            .map(|file| Begins::new(PathBuf::from(file))),
        measuring: match parameters.measure_file.as_str() {
            "" => None,
            file => {
                let (period_ns, file) = ((1e9 / parameters.rate_hz) as i64, PathBuf::from(file));
                Some(Measuring::start(file, period_ns, parameters.realtime, flags.clone())?)
            }
        },
    };
    node.lifecycle(NAME, &clock, common.autostart, Running(control))?;
    // This thread and the middleware's; those that are started from here on ask for themselves.
    if parameters.realtime
        && let Err(error) = all_go_at_once(RealTime::Hearing)
    {
        tracing::warn!(%error, "no real-time scheduling for hearing; motions may be late under load");
    }
    let publishing = std::thread::Builder::new()
        .name("publishing".to_owned())
        .spawn(move || publishing.run())
        .context("no thread to publish")?;
    let watching = watching.map(|watching| {
        std::thread::Builder::new().name("monitor".to_owned()).spawn(move || watching.run())
    });
    let watching = watching.transpose().context("no thread to watch")?;
    let control_loop = ControlLoop {
        controller,
        orders: loop_orders,
        feedback: loop_feedback,
        guard: watching.is_some().then_some(loop_guard),
        servo: has_servo.then_some(loop_servo),
        report: loop_report,
        events: loop_events,
        clock,
        flags: flags.clone(),
        period_ns: (1e9 / parameters.rate_hz) as i64,
        realtime: parameters.realtime,
    };
    let control_loop =
        control_loop.start(publishing.thread().clone()).context("no thread for the loop")?;
    // After the deactivation, while the publishers still live: the last results are told.
    node.at_end(move || {
        flags.quit();
        if control_loop.join().is_err() {
            tracing::error!("the control loop panicked");
        }
        if watching.is_some_and(|watching| watching.join().is_err()) {
            tracing::error!("the monitor panicked");
        }
        publishing.thread().unpark();
        if publishing.join().is_err() {
            tracing::error!("the publishing thread panicked");
        }
    });
    node.spin();
    Ok(())
}

/// What describes the robot.
struct Texts {
    urdf: String,
    srdf: String,
    limits: String,
}

impl Texts {
    fn read(parameters: &ControlParameters) -> anyhow::Result<Self> {
        let text = |text: &String, file: &String| {
            if text.is_empty() { read_if_named(file) } else { Ok(text.clone()) }
        };
        let (semantic, file) =
            (&parameters.robot_description_semantic, &parameters.robot_description_semantic_file);
        Ok(Self {
            urdf: text(&parameters.robot_description, &parameters.robot_description_file)?,
            srdf: text(semantic, file)?,
            limits: read_if_named(&parameters.joint_limits_file)?,
        })
    }

    /// The robot with its geometry.
    fn robot(&self) -> anyhow::Result<Arc<Robot>> {
        let srdf = Some(self.srdf.as_str()).filter(|text| !text.trim().is_empty());
        let robot = Robot::from_strings(&self.urdf, srdf).context("robot description")?;
        Ok(Arc::new(robot))
    }
}

fn latch(parameters: &ControlParameters, node_name: &str) -> EStopLatch {
    if !parameters.estop_file.is_empty() {
        return EStopLatch::new(&parameters.estop_file);
    }
    let folder = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let name = node_name.trim_start_matches('/').replace('/', ".");
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    EStopLatch::new(folder.join("praxis").join(format!("{name}.e_stop")))
}

/// What the callbacks of the hearing thread share.
struct Control {
    acceptor: Acceptor,
    orders: RefCell<Producer<Order>>,
    goals: Goals,
    flags: Arc<Flags>,
    latch: EStopLatch,
    clock: Clock,
    heartbeat_timeout_s: f64,
    next_id: Cell<u64>,
}

impl Control {
    /// Hands an order to the loop; the loop empties the ring every period.
    fn order(&self, order: Order) {
        let deadline = Instant::now() + Duration::from_millis(50);
        let mut order = order;
        while let Err(rtrb::PushError::Full(back)) = self.orders.borrow_mut().push(order) {
            if Instant::now() > deadline {
                tracing::error!(order = ?back, "the control loop takes no orders; order lost");
                return;
            }
            order = back;
            std::thread::yield_now();
        }
    }

    /// Checks a request and hands it to the loop; the goal's client hears of it in any case.
    fn start(
        &self,
        request: &praxis_control::TrajectoryRequest,
        goal: Option<praxis_ros::GoalHandle<FollowJointTrajectory::Action>>,
    ) {
        let id = self.next_id.replace(self.next_id.get() + 1);
        let heartbeat_s = self.flags.heartbeat_age_s(steady_ns());
        let needs_heartbeat = heartbeat_s.is_some_and(|age_s| age_s < self.heartbeat_timeout_s);
        let begun_ns = steady_ns();
        let accepted = self.ready().and_then(|()| {
            self.acceptor.accept(id, request, &self.goals.commanded(), needs_heartbeat)
        });
        match accepted {
            Ok(motion) => {
                let (duration_s, stretched_by) =
                    (motion.trajectory.duration_s(), motion.stretched_by);
                self.goals.add(id, motion.trajectory.clone(), goal);
                self.order(Order::Start(Box::new(motion)));
                tracing::info!(
                    motion = id,
                    points = request.points.len(),
                    duration_s,
                    joining_us = (steady_ns() - begun_ns) / 1000,
                    "motion accepted"
                );
                if stretched_by > 1.01 {
                    tracing::warn!(
                        motion = id,
                        stretched_by,
                        "trajectory is beyond acceleration or jerk limits; it runs slower"
                    );
                }
            }
            Err(error) => {
                tracing::warn!(%error, "trajectory refused");
                if let Some(goal) = goal {
                    goal.execute();
                    goal.abort(refused(&error));
                }
            }
        }
    }

    fn ready(&self) -> Result<(), RejectError> {
        let why = match self.goals.report().state {
            ControllerState::Hold | ControllerState::Follow | ControllerState::Servo => {
                return Ok(());
            }
            ControllerState::Inactive => {
                "no fresh joint states, or the node is not active; is the driver running?"
            }
            ControllerState::Brake => "it is braking; send the goal again at rest",
            ControllerState::EStopped => "emergency stop; call control/reset",
        };
        Err(RejectError::NotReady { why })
    }

    fn e_stop(&self, reason: &str) {
        self.order(Order::EStop);
        tracing::error!(reason, "emergency stop; latched until control/reset");
        if let Err(error) = self.latch.engage(reason) {
            tracing::error!(%error, "the emergency stop would not outlive this process");
        }
    }

    fn restore_e_stop(&self) {
        if self.latch.is_engaged() {
            let reason = self.latch.reason().unwrap_or_default();
            tracing::error!(reason, "starting stopped: an emergency stop is latched");
            self.order(Order::EStop);
        }
    }

    fn reset(&self) -> Trigger::Response {
        match self.latch.reset() {
            Ok(()) => {
                self.order(Order::Reset);
                tracing::info!("emergency stop released");
                Trigger::Response { success: true, message: "released".to_owned() }
            }
            Err(error) => Trigger::Response { success: false, message: error.to_string() },
        }
    }
}

fn hear_joints(
    node: &mut Node,
    parameters: &ControlParameters,
    mut feedback: triple_buffer::Input<JointFeedback>,
    gripper: &Rc<RefCell<Gripper>>,
    diagnostics: &Diagnostics,
    inbox: &MonitorInbox,
) -> anyhow::Result<()> {
    let inbox = inbox.clone();
    let mut intake = Intake::new(parameters.joints.clone(), parameters.gripper.joint.clone());
    let (gripper, diagnostics) = (gripper.clone(), diagnostics.clone());
    diagnostics.report("joint_states", Level::Warn, "none yet");
    let (mut told_ns, mut is_good) = (0, false);
    node.listen_to(&topics::JOINT_STATES, move |message| {
        match intake.take(&message, feedback.input_buffer_mut()) {
            Ok(finger) => {
                feedback.publish();
                inbox.put_joints(&message);
                if !is_good {
                    is_good = true;
                    diagnostics.report("joint_states", Level::Ok, "complete");
                }
                if let Some(finger) = finger {
                    gripper.borrow_mut().see(finger);
                }
            }
            Err(error) => {
                is_good = false;
                diagnostics.report("joint_states", Level::Error, error.to_string());
                if steady_ns() - told_ns > TELL_EVERY_NS {
                    told_ns = steady_ns();
                    tracing::error!(%error, "joint state refused");
                }
            }
        }
    })?;
    Ok(())
}

fn hear_surroundings(node: &mut Node, inbox: &MonitorInbox) -> anyhow::Result<()> {
    let ours = inbox.clone();
    node.listen_to(&topics::MONITORED_PLANNING_SCENE, move |message| ours.put_scene(message))?;
    let ours = inbox.clone();
    node.listen_to(&topics::OBSTACLES, move |message| ours.put_cloud(message))?;
    let ours = inbox.clone();
    node.listen_to(&topics::OBJECTS, move |message| ours.put_objects(message))?;
    Ok(())
}

fn hear_servo(node: &mut Node, inbox: &ServoInbox) -> anyhow::Result<()> {
    let ours = inbox.clone();
    node.listen_to(&topics::DELTA_TWIST, move |message| ours.put(RawInput::Twist(message)))?;
    let ours = inbox.clone();
    node.listen_to(&topics::DELTA_JOINT, move |message| ours.put(RawInput::Jog(message)))?;
    let ours = inbox.clone();
    node.listen_to(&topics::POSE_TARGET, move |message| ours.put(RawInput::Pose(message)))?;
    let ours = inbox.clone();
    node.serve::<SetBool::Service>(names::PAUSE_SERVO, move |request| {
        ours.pause(request.message.data);
        let message = if request.message.data { "paused" } else { "going on" }.to_owned();
        request.respond(SetBool::Response { success: true, message });
    })?;
    let ours = inbox.clone();
    node.serve::<ServoCommandType::Service>(names::SWITCH_COMMAND_TYPE, move |request| {
        let success = ours.choose(request.message.command_type);
        request.respond(ServoCommandType::Response { success });
    })?;
    Ok(())
}

fn hear_motions(node: &mut Node, control: &Rc<Control>) -> anyhow::Result<()> {
    let (starting, cancelling) = (control.clone(), control.clone());
    node.serve_action::<FollowJointTrajectory::Action>(
        names::FOLLOW_JOINT_TRAJECTORY,
        control.clock.clone(),
        // Every goal is taken and, if need be, given up at once: a result has room for the reason.
        |_| Ok(()),
        move |goal, handle| {
            let request = request_from_goal(&goal, starting.clock.now());
            starting.start(&request, Some(handle));
        },
        move |goal_id| {
            if let Some(id) = cancelling.goals.motion_of(goal_id) {
                cancelling.order(Order::Cancel(id));
            }
        },
    )?;
    let ours = control.clone();
    node.listen_to(&topics::JOINT_TRAJECTORY, move |message| {
        if message.points.is_empty() {
            ours.order(Order::Stop(StopReason::StopRequested));
        } else {
            let request = request_from_msg(&message, ours.clock.now());
            // A chunk may end at speed: the next one follows, or it brakes from there.
            ours.start(&TrajectoryRequest { may_end_moving: true, ..request }, None);
        }
    })?;
    let ours = control.clone();
    node.listen_to(&topics::SPEED_SCALING_INPUT, move |message| {
        ours.order(Order::ScaleSpeed(message.factor));
    })?;
    let flags = control.flags.clone();
    node.listen_to(&topics::PLANNING_HEARTBEAT, move |_| flags.note_heartbeat())?;
    Ok(())
}

fn hear_stops(node: &mut Node, control: &Rc<Control>) -> anyhow::Result<()> {
    let ours = control.clone();
    node.serve::<Trigger::Service>(names::CONTROL_STOP, move |request| {
        ours.order(Order::Stop(StopReason::StopRequested));
        let stop_s = ours.goals.report().stop_duration_s;
        let message = format!("at rest within {stop_s:.3} s");
        request.respond(Trigger::Response { success: true, message });
    })?;
    let ours = control.clone();
    node.serve::<Trigger::Service>(names::CONTROL_RESET, move |request| {
        request.respond(ours.reset());
    })?;
    let ours = control.clone();
    node.listen_to(&topics::E_STOP, move |message| {
        // Only control/reset releases it.
        if message.data {
            ours.e_stop("control/e_stop");
        }
    })?;
    let ours = control.clone();
    node.listen_to(&topics::TRAJECTORY_EXECUTION_EVENT, move |message| {
        if message.data == "stop" {
            ours.order(Order::Stop(StopReason::StopRequested));
        }
    })?;
    Ok(())
}

fn hear_gripper(
    node: &mut Node,
    control: &Rc<Control>,
    gripper: &Rc<RefCell<Gripper>>,
) -> anyhow::Result<()> {
    let (control, starting, cancelling) = (control.clone(), gripper.clone(), gripper.clone());
    node.serve_action::<GripperCommand::Action>(
        names::GRIPPER_CMD,
        control.clock.clone(),
        |_| Ok(()),
        move |goal, handle| {
            let refusal = match control.goals.report().state {
                ControllerState::Inactive => Some("control gives no commands now"),
                ControllerState::EStopped => Some("emergency stop; call control/reset"),
                _ => None,
            };
            starting.borrow_mut().start(&goal, handle, refusal);
        },
        move |goal_id| cancelling.borrow_mut().cancel(goal_id),
    )?;
    let watching = gripper.clone();
    node.every(Duration::from_millis(200), move || watching.borrow_mut().watch());
    Ok(())
}

/// Activation holds, deactivation brakes and waits for rest.
struct Running(Rc<Control>);

impl Transitions for Running {
    fn activate(&mut self) -> Result<(), String> {
        self.0.order(Order::Activate);
        Ok(())
    }

    fn deactivate(&mut self) -> Result<(), String> {
        self.0.order(Order::Deactivate);
        let deadline = Instant::now() + LONGEST_END;
        while !self.0.flags.is_inactive() {
            if Instant::now() > deadline {
                return Err("the arm did not come to rest within 0.8 s".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}
