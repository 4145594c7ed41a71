use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use praxis_geometry::{NamedJoints, Pose, Stamp};
use praxis_ros::convert::FromMsg;
use praxis_ros::r2r::geometry_msgs::msg::PoseArray;
use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_ros::r2r::std_srvs::srv::Trigger;
use praxis_ros::r2r::vision_msgs::msg::Detection3DArray;
use praxis_ros::topics::{self, names};
use praxis_ros::{Diagnostics, Level, Node, StopFlag, Transitions, logging};
use praxis_task::{Bin, FollowConfig, FollowTask, ReachConfig, ReachTask, SortTask, TaskError};

use crate::clients::RosSkills;
use crate::messages;
use crate::parameters::TaskParameters;
use crate::pipeline::{NamedStates, bin_parts_of, bins_of, classes_of};
use crate::scene::SceneClient;
use crate::seen::Seen;

/// Starts the node and serves it until it is asked to stop.
pub fn run() -> anyhow::Result<()> {
    let mut node = Node::create("task")?;
    logging::start(&mut node)?;
    let (parameters, common) = node.parameters::<TaskParameters>("task", &[])?;
    let parameters = parameters.get();
    let clock = node.clock(common.use_sim_time)?;
    let diagnostics = node.diagnostics("task", &clock)?;
    let stop = node.stop_flag();

    let seen = Seen::default();
    listen(&mut node, &seen)?;
    let cancel = Arc::new(AtomicBool::new(false));
    let answer_timeout = Duration::from_secs_f64(parameters.answer_timeout_s);
    let scene = SceneClient {
        get: node.client(names::GET_PLANNING_SCENE)?,
        apply: node.client(names::APPLY_PLANNING_SCENE)?,
        timeout: answer_timeout,
    };
    let states = NamedStates::read(&parameters.robot_description_semantic_file, &parameters.group)?;
    let (mut bin_parts, mut classes) = Default::default();
    let job = match parameters.kind.as_str() {
        "reach" => Job::Reach,
        kind => {
            states.positions(&parameters.look_state)?;
            classes = classes_of(&parameters.world_file)?;
            bin_parts = bin_parts_of(&parameters.world_file)?;
            match kind {
                "follow" => Job::Follow(Box::new(parameters.follow()?)),
                _ => Job::Sort(bins_of(&parameters.world_file)?),
            }
        }
    };
    let skills = RosSkills {
        states,
        classes,
        bin_parts,
        clock: clock.clone(),
        seen,
        cancel: cancel.clone(),
        stop: stop.clone(),
        diagnostics: diagnostics.clone(),
        scene,
        move_group: node.action_client(names::MOVE_ACTION)?,
        execute: node.action_client(names::EXECUTE_TRAJECTORY)?,
        cartesian: node.client(names::COMPUTE_CARTESIAN_PATH)?,
        gripper: node.action_client(names::GRIPPER_CMD)?,
        kinematics: node.client(names::COMPUTE_FK)?,
        twists: node.publish_on(&topics::DELTA_TWIST)?,
        gripping: None,
        parameters: parameters.clone(),
    };

    let (start, starts) = channel();
    let transitions = Control {
        start: start.clone(),
        cancel: cancel.clone(),
        run_on_start: parameters.run_on_start,
    };
    let state = node.lifecycle("task", &clock, common.autostart, transitions)?;
    let ours = start;
    node.serve::<Trigger::Service>(names::TASK_RUN, move |request| {
        let active = state.is_active();
        if active {
            // The worker lives as long as the node.
            let _ = ours.send(());
        }
        let message = if active { "the task runs" } else { "the node is not active" };
        respond(request, active, message);
    })?;
    let ours = cancel.clone();
    node.serve::<Trigger::Service>(names::TASK_CANCEL, move |request| {
        ours.store(true, Ordering::SeqCst);
        respond(request, true, "the task is being cancelled");
    })?;

    let worker = std::thread::Builder::new().name("task".to_owned()).spawn({
        let stop = stop.clone();
        move || work(skills, &job, &starts, &stop, &diagnostics)
    })?;
    node.spin();
    stop.stop();
    worker.join().map_err(|_| anyhow::anyhow!("the task's thread panicked"))
}

fn listen(node: &mut Node, seen: &Seen) -> anyhow::Result<()> {
    let ours = seen.clone();
    node.listen_to(&topics::OBJECTS, move |message: Detection3DArray| {
        let stamp = Stamp::from_msg(&message.header.stamp);
        match stamp.and_then(|stamp| Ok((stamp, messages::objects_of(&message)?))) {
            Ok((stamp, objects)) => ours.set_objects(stamp, objects),
            Err(error) => tracing::warn!(%error, "objects left out"),
        }
    })?;
    let ours = seen.clone();
    node.listen_to(&topics::REACH_POSES, move |message: PoseArray| {
        match message.poses.iter().map(Pose::from_msg).collect() {
            Ok(poses) => ours.set_course(poses),
            Err(error) => tracing::warn!(%error, "poses to reach left out"),
        }
    })?;
    let ours = seen.clone();
    node.listen_calmly_to(&topics::JOINT_STATES, move |message: JointState| {
        match NamedJoints::from_msg(&message) {
            Ok(joints) => ours.set_joints(joints),
            Err(error) => tracing::warn!(%error, "joint state left out"),
        }
    })?;
    Ok(())
}

/// Starts and cancels the task at lifecycle transitions.
struct Control {
    start: Sender<()>,
    cancel: Arc<AtomicBool>,
    run_on_start: bool,
}

impl Transitions for Control {
    fn activate(&mut self) -> Result<(), String> {
        self.cancel.store(false, Ordering::SeqCst);
        if self.run_on_start {
            self.start.send(()).map_err(|_| "the task's thread has ended".to_owned())?;
        }
        Ok(())
    }

    fn deactivate(&mut self) -> Result<(), String> {
        self.cancel.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// What a start starts.
enum Job {
    Sort(Vec<Bin>),
    Reach,
    Follow(Box<FollowConfig>),
}

impl Job {
    /// Runs it to its end; the report is for a file.
    fn run(&self, skills: &mut RosSkills) -> (serde_json::Value, Result<(), TaskError>) {
        match self {
            Self::Sort(bins) => {
                let task = SortTask::new(skills.parameters.sort(), bins.clone());
                let (report, result) = task.run(skills);
                (serde_json::json!(report), result)
            }
            Self::Reach => {
                let Some(course) = skills.course() else {
                    return (serde_json::Value::Null, Err(TaskError::Cancelled));
                };
                let (report, result) = ReachTask::new(ReachConfig::default(), course).run(skills);
                (serde_json::json!(report), result)
            }
            Self::Follow(config) => {
                let (report, result) = FollowTask::new(config.as_ref().clone()).run(skills);
                (serde_json::json!(report), result)
            }
        }
    }

    fn done(&self) -> &'static str {
        match self {
            Self::Sort(_) => "the table is sorted",
            Self::Reach => "every pose was reached",
            Self::Follow(_) => "the object is in the hand",
        }
    }
}

/// Runs one task for every start, until the node stops.
fn work(
    mut skills: RosSkills,
    job: &Job,
    starts: &Receiver<()>,
    stop: &StopFlag,
    diagnostics: &Diagnostics,
) {
    diagnostics.report("task", Level::Ok, "idle");
    while !stop.is_stopped() {
        if starts.recv_timeout(Duration::from_millis(100)).is_err() {
            continue;
        }
        while starts.try_recv().is_ok() {}
        let (report, result) = job.run(&mut skills);
        match &result {
            Ok(()) => {
                tracing::info!("{}", job.done());
                diagnostics.report("task", Level::Ok, job.done());
            }
            Err(TaskError::Cancelled) => {
                tracing::info!("the task was cancelled");
                diagnostics.report("task", Level::Ok, "cancelled");
            }
            Err(error) => {
                tracing::error!(%error, "the task ended early");
                diagnostics.report("task", Level::Error, error.to_string());
            }
        }
        let file = &skills.parameters.report_file;
        if !file.is_empty()
            && let Err(error) = std::fs::write(file, report.to_string())
        {
            tracing::warn!(%error, %file, "the report was not written");
        }
        // A cancel ends one run, not the next; while deactivated nothing starts one.
        skills.cancel.store(false, Ordering::SeqCst);
    }
}

fn respond(request: praxis_ros::ServiceRequest<Trigger::Service>, success: bool, message: &str) {
    let response = Trigger::Response { success, message: message.to_owned() };
    request.respond(response);
}
