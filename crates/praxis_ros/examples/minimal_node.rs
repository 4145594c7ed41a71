//! The shortest node that uses all of the runtime: it closes an imagined gripper.
//!
//! ```text
//! cargo run --release -p praxis_ros --example minimal_node -- --ros-args -p speed_mps:=0.02
//! ```
//!
//! Its action `~/close` moves a width towards the commanded one in a thread of its own, can be
//! cancelled, and tells feedback; `~/relay` runs a goal on somebody else's action `relayed`;
//! `~/count` says how many strings came on `burst`; `~/fail` lets a thread panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use praxis_ros::r2r::QosProfile;
use praxis_ros::r2r::control_msgs::action::GripperCommand;
use praxis_ros::r2r::std_msgs::msg::String as Text;
use praxis_ros::r2r::std_srvs::srv::Trigger;
use praxis_ros::{
    GoalEnd, GoalHandle, Level, Node, Parameters, ServiceRequest, Transitions, logging,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the gripper moves.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Speed of closing, in metres per second.
    #[schemars(range(min = 0.001, max = 0.5))]
    speed_mps: f64,
    /// Name of the hand.
    hand: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { speed_mps: 0.05, hand: "left".to_owned() }
    }
}

struct Hand;

impl Transitions for Hand {
    fn activate(&mut self) -> Result<(), String> {
        tracing::info!("the hand may move");
        Ok(())
    }
}

/// Widest opening, in metres.
const OPEN_M: f64 = 0.08;

fn main() -> anyhow::Result<()> {
    let mut node = Node::create("minimal")?;
    logging::start(&mut node)?;
    let (config, common) = node.parameters::<Config>("minimal", &["speed_mps"])?;
    let clock = node.clock(common.use_sim_time)?;
    let diagnostics = node.diagnostics("minimal", &clock)?;
    diagnostics.report("hand", Level::Ok, "open");

    let stop = node.stop_flag();
    node.serve_action::<GripperCommand::Action>(
        "minimal/close",
        clock.clone(),
        |goal| match goal.command.position {
            width_m if (0.0..=OPEN_M).contains(&width_m) => Ok(()),
            width_m => Err(format!("a width of {width_m} m is outside 0 .. {OPEN_M} m")),
        },
        move |goal, handle| {
            let (config, stop) = (config.clone(), stop.clone());
            std::thread::spawn(move || close(&config, goal.command.position, handle, &stop));
        },
        |_| (),
    )?;

    let relayed = node.action_client::<GripperCommand::Action>("relayed")?;
    node.serve::<Trigger::Service>("minimal/relay", move |request| {
        let relayed = relayed.clone();
        std::thread::spawn(move || {
            let mut goal = GripperCommand::Goal::default();
            goal.command.position = 0.01;
            let (answer_s, end_s) = (Duration::from_secs(2), Duration::from_secs(2));
            let outcome = relayed.run(goal, answer_s, end_s, &|| false);
            let success = matches!(outcome, Ok((GoalEnd::Succeeded, _)));
            let message = match outcome {
                Ok((end, result)) => format!("{end:?} at {}", result.position),
                Err(error) => error.to_string(),
            };
            answer(request, success, message);
        });
    })?;

    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let deep = QosProfile::default().keep_last(200).reliable();
    node.subscribe("burst", deep, move |_: Text| {
        counted.fetch_add(1, Ordering::Relaxed);
    })?;
    node.serve::<Trigger::Service>("minimal/count", move |request| {
        answer(request, true, count.load(Ordering::Relaxed).to_string());
    })?;
    node.serve::<Trigger::Service>("minimal/fail", |request| {
        answer(request, true, "a thread panics".to_owned());
        std::thread::spawn(|| panic!("asked to"));
    })?;

    node.lifecycle("minimal", &clock, common.autostart, Hand)?;
    node.spin();
    Ok(())
}

fn close(
    config: &Parameters<Config>,
    width_m: f64,
    handle: GoalHandle<GripperCommand::Action>,
    stop: &praxis_ros::StopFlag,
) {
    const STEP: Duration = Duration::from_millis(10);
    handle.execute();
    let mut position = OPEN_M;
    while position > width_m {
        std::thread::sleep(STEP);
        position = (position - config.get().speed_mps * STEP.as_secs_f64()).max(width_m);
        let result = GripperCommand::Result { position, ..Default::default() };
        if handle.is_canceling() {
            return handle.canceled(result);
        }
        if stop.is_stopped() {
            return handle.abort(result);
        }
        handle.feedback(GripperCommand::Feedback { position, ..Default::default() });
    }
    handle.succeed(GripperCommand::Result { position, reached_goal: true, ..Default::default() });
}

fn answer(request: ServiceRequest<Trigger::Service>, success: bool, message: String) {
    request.respond(Trigger::Response { success, message });
}
