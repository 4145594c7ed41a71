//! Listens and speaks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use nalgebra::Point3;
use praxis_ros::convert::{CloudPoints, FromMsg, JointStateValues, ToMsg};
use praxis_ros::r2r::moveit_msgs::action::{ExecuteTrajectory, MoveGroup};
use praxis_ros::r2r::moveit_msgs::{msg as moveit, srv};
use praxis_ros::r2r::{std_msgs, std_srvs};
use praxis_ros::topics::{self, names};
use praxis_ros::{
    Level, Node, Parameters, RealTime, Transitions, all_go_at_once, go_first, logging,
};

use crate::error::PlanningError;
use crate::execution::{Execution, in_background};
use crate::parameters::PlanningParameters;
use crate::pipeline::{Look, Pipeline};
use crate::requests;
use crate::scene::{apply_attached, apply_object, apply_scene, scene_message};
use crate::scene_changes::SceneChanges;
use crate::shared::{Shared, lock};
use crate::takeovers::Takeovers;

const NAME: &str = "move_group";
const PIPELINE: &str = "praxis";
const PLANNER: &str = "rrt_connect";
const HEARTBEAT_PERIOD: Duration = Duration::from_millis(50);
/// How often a joint state that cannot be read is told.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Runs the node until it is told to stop.
pub fn run() -> anyhow::Result<()> {
    // Before the middleware starts its threads, which inherit it: an arm in motion waits for this node.
    let first = go_first();
    let mut node = Node::create(NAME)?;
    logging::start(&mut node)?;
    if let Err(error) = first {
        tracing::info!(%error, "no higher priority; requests may be late on a busy machine");
    }
    let (parameters, common) = node.parameters::<PlanningParameters>(NAME, &[])?;
    let clock = node.clock(common.use_sim_time)?;
    let shared = Shared {
        pipeline: Arc::default(),
        state: Arc::default(),
        diagnostics: node.diagnostics(NAME, &clock)?,
        monitored_scene: node.publish_on(&topics::MONITORED_PLANNING_SCENE)?,
        display: node.publish_on(&topics::DISPLAY_PLANNED_PATH)?,
        markers: node.publish_on(&topics::PLANNING_MARKERS)?,
        semantics: node.publish_on(&topics::ROBOT_DESCRIPTION_SEMANTIC)?,
        stops: Arc::new(AtomicU64::new(0)),
        changes: SceneChanges::default(),
        executing: Arc::new(Mutex::new(())),
        clock: clock.clone(),
    };
    hear_robot(&mut node, &shared, &parameters)?;
    hear_scene(&mut node, &shared)?;
    serve_requests(&mut node, &shared)?;
    serve_scene(&mut node, &shared)?;
    serve_planner_settings(&mut node, &parameters)?;
    serve_motions(&mut node, &shared, &parameters)?;

    let loader = Loader { shared: shared.clone(), parameters };
    let state = node.lifecycle(NAME, &clock, common.autostart, loader)?;
    *lock(&shared.state) = Some(state.clone());

    let heartbeat = node.publish_on(&topics::PLANNING_HEARTBEAT)?;
    let alive = shared.clone();
    node.every(HEARTBEAT_PERIOD, move || {
        if state.is_active() {
            let header =
                std_msgs::msg::Header { stamp: alive.clock.now().to_msg(), ..Default::default() };
            heartbeat.publish(&header);
        }
    });
    // Whoever asks late gets the scene by service; whoever only listens gets it now and then.
    let ours = shared.clone();
    node.every(Duration::from_secs(1), move || {
        if ours.monitored_scene.has_subscribers() {
            let scene = lock(&ours.pipeline).as_ref().map(|pipeline| {
                scene_message(pipeline, crate::scene::EVERYTHING, ours.clock.now())
            });
            if let Some(scene) = scene {
                ours.monitored_scene.publish(&scene);
            }
        }
    });
    // Last of what is done at the start: the robot is loaded by then, if it is not told by a topic.
    node.at_start(|| {
        if let Err(error) = all_go_at_once(RealTime::Hearing) {
            tracing::info!(%error, "no real-time scheduling; going round in motion may be late under load");
        }
    });
    let ending = shared;
    node.at_end(move || {
        ending.stops.fetch_add(1, Ordering::SeqCst);
    });
    node.spin();
    Ok(())
}

/// Loads robot and world when the node is configured.
struct Loader {
    shared: Shared,
    parameters: Parameters<PlanningParameters>,
}

impl Transitions for Loader {
    fn configure(&mut self) -> Result<(), String> {
        let parameters = self.parameters.get();
        let text = |text: &str, file: &str| match (text, file) {
            ("", "") => Ok(None),
            ("", file) => std::fs::read_to_string(file)
                .map(Some)
                .map_err(|error| format!("cannot read {file}: {error}")),
            (text, _) => Ok(Some(text.to_owned())),
        };
        let urdf = text(&parameters.robot_description, &parameters.robot_description_file)?;
        match urdf {
            Some(urdf) => load(&self.shared, &parameters, urdf).map_err(|error| error.to_string()),
            None => {
                let message = "waiting for the topic 'robot_description'";
                tracing::info!(message);
                self.shared.diagnostics.report("robot", Level::Warn, message);
                Ok(())
            }
        }
    }

    fn deactivate(&mut self) -> Result<(), String> {
        // A motion under way is cancelled as by a stop event.
        self.shared.stops.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn cleanup(&mut self) -> Result<(), String> {
        *lock(&self.shared.pipeline) = None;
        Ok(())
    }
}

fn load(
    shared: &Shared,
    parameters: &PlanningParameters,
    urdf: String,
) -> Result<(), PlanningError> {
    let begun = Instant::now();
    let srdf = match parameters.robot_description_semantic.as_str() {
        "" => {
            let file = &parameters.robot_description_semantic_file;
            std::fs::read_to_string(file).map_err(|error| PlanningError::bad(file, error))?
        }
        text => text.to_owned(),
    };
    let pipeline = Pipeline::load(parameters, urdf, srdf)?;
    let robot_load_ms = begun.elapsed().as_secs_f64() * 1e3;
    let robot = pipeline.robot();
    let spheres = robot.spheres().len();
    let groups: Vec<&str> = robot.groups().iter().map(|group| group.name.as_str()).collect();
    let (robot, groups) = (robot.name().to_owned(), groups.join(", "));
    tracing::info!(robot, groups, spheres, robot_load_ms, "robot is loaded");
    shared.diagnostics.report("robot", Level::Ok, format!("{robot}: groups {groups}"));
    let data = pipeline.semantic_description().to_owned();
    shared.semantics.publish(&std_msgs::msg::String { data });
    *lock(&shared.pipeline) = Some(pipeline);
    shared.scene_changed();
    Ok(())
}

fn hear_robot(
    node: &mut Node,
    shared: &Shared,
    parameters: &Parameters<PlanningParameters>,
) -> anyhow::Result<()> {
    let (ours, parameters) = (shared.clone(), parameters.clone());
    node.listen_to(&topics::ROBOT_DESCRIPTION, move |message: std_msgs::msg::String| {
        if lock(&ours.pipeline).is_some() {
            return; // parameters outweigh the topic, and the first description the later ones
        }
        if let Err(error) = load(&ours, &parameters.get(), message.data) {
            tracing::error!(%error, "robot description is unusable");
            ours.diagnostics.report("robot", Level::Error, error.to_string());
        }
    })?;
    let ours = shared.clone();
    let mut told: Option<Instant> = None;
    node.listen_calmly_to(&topics::JOINT_STATES, move |message| match JointStateValues::from_msg(
        &message,
    ) {
        Ok(joints) => {
            if let Some(pipeline) = lock(&ours.pipeline).as_mut() {
                pipeline.hear(&joints.positions, joints.stamp, Instant::now());
            }
        }
        Err(error) if told.is_none_or(|at| at.elapsed() > TELL_EVERY) => {
            told = Some(Instant::now());
            tracing::warn!(%error, "joint state is passed over");
        }
        Err(_) => {}
    })?;
    let ours = shared.clone();
    node.listen_to(&topics::TRAJECTORY_EXECUTION_EVENT, move |message: std_msgs::msg::String| {
        if message.data == "stop" {
            ours.stops.fetch_add(1, Ordering::SeqCst);
        }
    })?;
    Ok(())
}

/// Changes the scene, tells everyone, and tells a failure once.
fn change_scene(
    shared: &Shared,
    what: &str,
    change: impl FnOnce(&mut Pipeline) -> Result<(), PlanningError>,
) -> bool {
    let outcome = shared.with(change);
    shared.tell(what, &outcome);
    shared.scene_changed();
    outcome.is_ok()
}

fn hear_scene(node: &mut Node, shared: &Shared) -> anyhow::Result<()> {
    let ours = shared.clone();
    let mut told: Option<Instant> = None;
    node.listen_to(&topics::OBSTACLES, move |message| {
        let heard = Instant::now();
        let outcome = CloudPoints::from_msg(&message)
            .map_err(|error| PlanningError::bad(topics::OBSTACLES.name, error))
            .and_then(|points| {
                ours.with(|pipeline| {
                    let measured = points.points.into_iter().map(Point3::from).collect();
                    pipeline.see(Look { taken: points.stamp, heard }, &points.frame, measured)
                })
            });
        match outcome {
            Ok(()) => {
                ours.changes.note();
            }
            Err(PlanningError::Inactive) => {}
            Err(error) if told.is_none_or(|at| at.elapsed() > TELL_EVERY) => {
                told = Some(Instant::now());
                tracing::warn!(%error, "obstacle points are passed over");
            }
            Err(_) => {}
        }
    })?;
    let ours = shared.clone();
    node.listen_to(&topics::PLANNING_SCENE, move |message| {
        change_scene(&ours, "planning_scene", |pipeline| apply_scene(pipeline, &message));
    })?;
    let ours = shared.clone();
    node.listen_to(&topics::COLLISION_OBJECT, move |message| {
        change_scene(&ours, "collision_object", |pipeline| apply_object(pipeline, &message));
    })?;
    let ours = shared.clone();
    node.listen_to(&topics::ATTACHED_COLLISION_OBJECT, move |message| {
        change_scene(&ours, "attached_collision_object", |pipeline| {
            apply_attached(pipeline, &message)
        });
    })?;
    Ok(())
}

/// Serves requests that take time, each in a thread of its own.
macro_rules! serve_in_background {
    ($node:expr, $shared:expr, $name:expr, $service:ty, $answer:path) => {{
        let ours = $shared.clone();
        $node.serve::<$service>($name, move |request| {
            let ours = ours.clone();
            in_background($name, move || {
                let response = $answer(&ours, &request.message);
                request.respond(response);
            });
        })?;
    }};
}

fn serve_requests(node: &mut Node, shared: &Shared) -> anyhow::Result<()> {
    serve_in_background!(
        node,
        shared,
        names::PLAN_KINEMATIC_PATH,
        srv::GetMotionPlan::Service,
        requests::motion_plan
    );
    serve_in_background!(
        node,
        shared,
        names::COMPUTE_CARTESIAN_PATH,
        srv::GetCartesianPath::Service,
        requests::cartesian
    );
    serve_in_background!(
        node,
        shared,
        names::COMPUTE_IK,
        srv::GetPositionIK::Service,
        requests::inverse
    );
    serve_in_background!(
        node,
        shared,
        names::COMPUTE_FK,
        srv::GetPositionFK::Service,
        requests::forward
    );
    serve_in_background!(
        node,
        shared,
        names::CHECK_STATE_VALIDITY,
        srv::GetStateValidity::Service,
        requests::validity
    );
    Ok(())
}

fn serve_scene(node: &mut Node, shared: &Shared) -> anyhow::Result<()> {
    let ours = shared.clone();
    node.serve::<srv::GetPlanningScene::Service>(names::GET_PLANNING_SCENE, move |request| {
        let components = match request.message.components.components {
            0 => crate::scene::EVERYTHING,
            components => components,
        };
        let scene = ours.with(|pipeline| Ok(scene_message(pipeline, components, ours.clock.now())));
        ours.tell(names::GET_PLANNING_SCENE, &scene);
        let response = srv::GetPlanningScene::Response { scene: scene.unwrap_or_default() };
        request.respond(response);
    })?;
    let ours = shared.clone();
    node.serve::<srv::ApplyPlanningScene::Service>(names::APPLY_PLANNING_SCENE, move |request| {
        let success = change_scene(&ours, names::APPLY_PLANNING_SCENE, |pipeline| {
            apply_scene(pipeline, &request.message.scene)
        });
        request.respond(srv::ApplyPlanningScene::Response { success });
    })?;
    node.serve::<std_srvs::srv::Empty::Service>("clear_octomap", move |request| {
        // There is no octomap to clear; perceived points are always the newest.
        request.respond(std_srvs::srv::Empty::Response::default());
    })?;
    Ok(())
}

fn serve_planner_settings(
    node: &mut Node,
    parameters: &Parameters<PlanningParameters>,
) -> anyhow::Result<()> {
    node.serve::<srv::QueryPlannerInterfaces::Service>("query_planner_interface", |request| {
        let planner = moveit::PlannerInterfaceDescription {
            name: "Praxis".to_owned(),
            pipeline_id: PIPELINE.to_owned(),
            planner_ids: vec![PLANNER.to_owned()],
        };
        let response = srv::QueryPlannerInterfaces::Response { planner_interfaces: vec![planner] };
        request.respond(response);
    })?;
    let ours = parameters.clone();
    node.serve::<srv::GetPlannerParams::Service>("get_planner_params", move |request| {
        let values = ours.get();
        let params = moveit::PlannerParams {
            keys: vec!["max_edge_rad".to_owned(), "corner_deviation_rad".to_owned()],
            values: vec![values.max_edge_rad.to_string(), values.corner_deviation_rad.to_string()],
            descriptions: vec![
                "longest edge that one extension of the search adds".to_owned(),
                "how far from its waypoint a corner may be rounded".to_owned(),
            ],
        };
        request.respond(srv::GetPlannerParams::Response { params });
    })?;
    node.serve::<srv::SetPlannerParams::Service>("set_planner_params", |request| {
        tracing::warn!("set_planner_params changes nothing; set the node's own parameters");
        request.respond(srv::SetPlannerParams::Response::default());
    })?;
    Ok(())
}

fn serve_motions(
    node: &mut Node,
    shared: &Shared,
    parameters: &Parameters<PlanningParameters>,
) -> anyhow::Result<()> {
    let parameters = parameters.get();
    let controller = node.action_client(&parameters.trajectory_action)?;
    let takeovers = Takeovers::open(&parameters.takeovers_file)
        .with_context(|| format!("cannot write takeovers_file {}", parameters.takeovers_file))?;
    let execution = Execution { shared: shared.clone(), controller, takeovers };
    let (ours, active) = (execution.clone(), shared.clone());
    node.serve_action::<MoveGroup::Action>(
        names::MOVE_ACTION,
        shared.clock.clone(),
        move |_| active.with(|_| Ok(())).map_err(|error| error.to_string()),
        move |goal, handle| {
            let ours = ours.clone();
            in_background(names::MOVE_ACTION, move || ours.move_group(&goal, handle));
        },
        |_| {},
    )?;
    let active = shared.clone();
    node.serve_action::<ExecuteTrajectory::Action>(
        names::EXECUTE_TRAJECTORY,
        shared.clock.clone(),
        move |_| active.with(|_| Ok(())).map_err(|error| error.to_string()),
        move |goal, handle| {
            let ours = execution.clone();
            in_background(names::EXECUTE_TRAJECTORY, move || {
                ours.execute_trajectory(&goal, handle)
            });
        },
        |_| {},
    )?;
    Ok(())
}
