//! Requests of clients, read into orders and answered.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use praxis_geometry::NamedJoints;
use praxis_motion::{CartesianRequest, JumpThresholds, Motion, PathConstraint, PoseGoal};
use praxis_planning::BOUNDS_TOLERANCE;
use praxis_robot::Robot;
use praxis_ros::convert::{FromMsg, ToMsg};
use praxis_ros::r2r::moveit_msgs::{msg as moveit, srv};
use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_ros::r2r::{geometry_msgs, moveit_msgs};

use crate::error::PlanningError;
use crate::messages::{attachment_of, goals_of, path_constraints_of, pose, trajectory_message};
use crate::pipeline::{Desk, Pipeline, PlanOrder, group_of};
use crate::shared::Shared;
use crate::world::{Change, HeldObject};

/// What comes out of planning: the motion, its start, and how long it took.
pub struct Planned {
    /// The motion.
    pub motion: Motion,
    /// Its trajectory as a message.
    pub trajectory: moveit::RobotTrajectory,
    /// Where it starts.
    pub start: moveit::RobotState,
    /// Planning time.
    pub time_s: f64,
}

/// A state as a message, mimic joints included.
pub fn state_message(robot: &Robot, state: &[f64]) -> moveit::RobotState {
    let own = robot.joints().iter().zip(state).map(|(joint, q)| (joint.name.clone(), *q));
    let mimics = robot
        .mimics()
        .iter()
        .map(|mimic| (mimic.name.clone(), mimic.multiplier * state[mimic.of] + mimic.offset));
    let (name, position) = own.chain(mimics).unzip();
    let joint_state = JointState { name, position, ..JointState::default() };
    moveit::RobotState { joint_state, ..Default::default() }
}

/// Joint positions of a state message.
pub fn joints_of(message: &moveit::RobotState) -> Result<NamedJoints, PlanningError> {
    if !message.multi_dof_joint_state.joint_names.is_empty() {
        return Err(PlanningError::bad("robot state", "multi-DOF joints are not supported"));
    }
    NamedJoints::from_msg(&message.joint_state)
        .map_err(|error| PlanningError::bad("robot state", error))
}

/// Reads a request, and takes out what planning it needs.
pub fn order_of(
    pipeline: &mut Pipeline,
    request: &moveit::MotionPlanRequest,
    seed: u64,
    now: Instant,
) -> Result<(PlanOrder, Desk), PlanningError> {
    let frames = |frame: &str| pipeline.frame(frame);
    let parameters = pipeline.parameters();
    let seconds = match request.allowed_planning_time {
        t if t > 0.0 && t.is_finite() => t,
        _ => parameters.default_planning_time_s,
    };
    for (what, factor) in [
        ("max_velocity_scaling_factor", request.max_velocity_scaling_factor),
        ("max_acceleration_scaling_factor", request.max_acceleration_scaling_factor),
    ] {
        if !(0.0..=1.0).contains(&factor) {
            return Err(PlanningError::bad(what, format!("{factor} is not in [0, 1]")));
        }
    }
    let order = PlanOrder {
        start: pipeline.start_state(&joints_of(&request.start_state)?, now)?,
        group: request.group_name.clone(),
        goals: goals_of(&request.goal_constraints, &frames)?,
        constraints: path_constraints_of(&request.path_constraints, &frames)?,
        velocity_scaling: request.max_velocity_scaling_factor,
        acceleration_scaling: request.max_acceleration_scaling_factor,
        time_budget: Duration::from_secs_f64(seconds.min(600.0)),
        seed: seed + parameters.seed.unsigned_abs(),
    };
    let held = held_in(&request.start_state, &frames)?;
    let desk = pipeline.desk(&order.start, held.as_ref())?;
    Ok((order, desk))
}

/// Plans what a request asks for, in its own scene where it brings one.
pub fn plan(
    shared: &Shared,
    request: &moveit::MotionPlanRequest,
    seed: u64,
    cancel: &AtomicBool,
) -> Result<Planned, PlanningError> {
    let begun = Instant::now();
    let (order, mut desk) = shared.with(|pipeline| order_of(pipeline, request, seed, begun))?;
    let motion = order.plan(&mut desk, cancel)?;
    let time_s = begun.elapsed().as_secs_f64();
    let planned = Planned {
        trajectory: trajectory_message(&motion.trajectory),
        start: state_message(&desk.robot, &order.start),
        motion,
        time_s,
    };
    let timings = planned.motion.timings;
    tracing::info!(
        group = order.group,
        planning_us = timings.total().as_micros() as u64,
        goals_us = timings.goals.as_micros() as u64,
        search_us = timings.search.as_micros() as u64,
        simplify_us = timings.simplify.as_micros() as u64,
        timing_us = timings.timing.as_micros() as u64,
        duration_s = planned.motion.trajectory.duration_s(),
        "motion planned"
    );
    shared.show(&desk.robot, &order.group, &planned.trajectory, &order.start);
    Ok(planned)
}

/// Objects held in a request's own start state; none named means: what the scene says.
///
/// MoveIt drops held objects when `is_diff` is false; here they stay unless others are named.
fn held_in(
    state: &moveit::RobotState,
    frames: crate::messages::Frames<'_>,
) -> Result<Option<BTreeMap<String, HeldObject>>, PlanningError> {
    let mut held = BTreeMap::new();
    for message in &state.attached_collision_objects {
        if let Change::Hold { id, held: mut object } = attachment_of(message, frames)?
            && !object.parts.is_empty()
        {
            object.fill();
            held.insert(id, object);
        }
    }
    Ok((!held.is_empty()).then_some(held))
}

/// Answers `compute_cartesian_path`.
pub fn cartesian(
    shared: &Shared,
    request: &srv::GetCartesianPath::Request,
) -> srv::GetCartesianPath::Response {
    let mut response = srv::GetCartesianPath::Response::default();
    let outcome = try_cartesian(shared, request, &mut response);
    response.error_code = shared.code("compute_cartesian_path", &outcome);
    if let Ok(end) = outcome
        && response.fraction < 1.0
    {
        // A path that ends early is an answer, not an error; why it ends is said.
        tracing::info!(fraction = response.fraction, %end, "Cartesian path ends early");
        response.error_code.message =
            format!("{:.1} % of the path: {end}", 100.0 * response.fraction);
    }
    response
}

fn try_cartesian(
    shared: &Shared,
    request: &srv::GetCartesianPath::Request,
    response: &mut srv::GetCartesianPath::Response,
) -> Result<String, PlanningError> {
    let (order, constraints, mut desk) = shared.with(|pipeline| {
        let frames = |frame: &str| pipeline.frame(frame);
        let root_from_frame = frames(&request.header.frame_id)?;
        let waypoints = request
            .waypoints
            .iter()
            .map(|waypoint| Ok(root_from_frame * pose("waypoint", waypoint)?))
            .collect::<Result<_, PlanningError>>()?;
        let order = CartesianRequest {
            start: pipeline.start_state(&joints_of(&request.start_state)?, Instant::now())?,
            group: request.group_name.clone(),
            link: link_or_tip(pipeline.robot(), &request.group_name, &request.link_name)?,
            waypoints,
            max_step_m: request.max_step,
            jumps: JumpThresholds {
                relative: request.jump_threshold,
                prismatic_m: request.prismatic_jump_threshold,
                revolute_rad: request.revolute_jump_threshold,
            },
            avoid_collisions: request.avoid_collisions,
            velocity_scaling: request.max_velocity_scaling_factor.clamp(0.0, 1.0),
            acceleration_scaling: request.max_acceleration_scaling_factor.clamp(0.0, 1.0),
        };
        let constraints = path_constraints_of(&request.path_constraints, &frames)?;
        let held = held_in(&request.start_state, &frames)?;
        let desk = pipeline.desk(&order.start, held.as_ref())?;
        Ok((order, constraints, desk))
    })?;
    let motion = desk.cartesian(&order, &constraints)?;
    response.start_state = state_message(&desk.robot, &order.start);
    response.solution = trajectory_message(&motion.trajectory);
    response.fraction = motion.fraction;
    shared.show(&desk.robot, &request.group_name, &response.solution, &order.start);
    Ok(motion.end.to_string())
}

fn link_or_tip(robot: &Robot, group: &str, link: &str) -> Result<String, PlanningError> {
    if !link.is_empty() {
        return Ok(link.to_owned());
    }
    let tip = group_of(robot, group)?.tip_link;
    Ok(robot.links()[tip].name.clone())
}

/// Answers `compute_ik`.
pub fn inverse(
    shared: &Shared,
    request: &srv::GetPositionIK::Request,
) -> srv::GetPositionIK::Response {
    let outcome = try_inverse(shared, &request.ik_request);
    let error_code = shared.code("compute_ik", &outcome);
    srv::GetPositionIK::Response { solution: outcome.unwrap_or_default(), error_code }
}

fn try_inverse(
    shared: &Shared,
    request: &moveit::PositionIKRequest,
) -> Result<moveit::RobotState, PlanningError> {
    let (start, goal, desk, seed) = shared.with(|pipeline| {
        let target = &request.pose_stamped;
        let root_from_link =
            pipeline.frame(&target.header.frame_id)? * pose("pose_stamped", &target.pose)?;
        let goal = PoseGoal {
            link: link_or_tip(pipeline.robot(), &request.group_name, &request.ik_link_name)?,
            root_from_link,
            position_tolerance_m: 1e-6,
            orientation_tolerance_rad: [1e-6; 3],
        };
        let start = pipeline.start_state(&joints_of(&request.robot_state)?, Instant::now())?;
        let seed = pipeline.parameters().seed.unsigned_abs();
        let desk = pipeline.desk(&start, None)?;
        Ok((start, goal, desk, seed))
    })?;
    let state = desk.inverse(&start, &request.group_name, &goal, request.avoid_collisions, seed)?;
    Ok(state_message(&desk.robot, &state))
}

/// Answers `compute_fk`.
pub fn forward(
    shared: &Shared,
    request: &srv::GetPositionFK::Request,
) -> srv::GetPositionFK::Response {
    let outcome = shared.with(|pipeline| {
        let state = pipeline.start_state(&joints_of(&request.robot_state)?, Instant::now())?;
        let frame = request.header.frame_id.clone();
        let frame_from_root = pipeline.frame(&frame)?.inverse();
        let poses = request.fk_link_names.iter().map(|name| {
            let link = pipeline
                .robot()
                .link_index(name)
                .map_err(|_| PlanningError::UnknownLink { link: name.clone() })?;
            let pose = frame_from_root * pipeline.robot().link_pose(link, &state);
            let mut message = geometry_msgs::msg::PoseStamped::default();
            message.header.frame_id = match frame.as_str() {
                "" => pipeline.parameters().planning_frame.clone(),
                _ => frame.clone(),
            };
            message.header.stamp = shared.clock.now().to_msg();
            message.pose = pose.to_msg();
            Ok(message)
        });
        poses.collect::<Result<Vec<_>, PlanningError>>()
    });
    let error_code = shared.code("compute_fk", &outcome);
    srv::GetPositionFK::Response {
        fk_link_names: request.fk_link_names.clone(),
        pose_stamped: outcome.unwrap_or_default(),
        error_code,
    }
}

/// By how much a state is outside a constraint, radians or metres; zero within.
fn excess_of(
    robot: &Robot,
    state: &[f64],
    constraint: &PathConstraint,
) -> Result<f64, PlanningError> {
    let pose = |link: &String| {
        let unknown = |_| PlanningError::UnknownLink { link: link.clone() };
        Ok::<_, PlanningError>(robot.link_pose(robot.link_index(link).map_err(unknown)?, state))
    };
    match constraint {
        PathConstraint::Orientation(kept) => Ok(kept.excess_rad(&pose(&kept.link)?.rotation)),
        PathConstraint::Position(kept) => Ok(kept.excess_m(&pose(&kept.link)?).norm()),
        PathConstraint::Joint(window) => {
            let unknown =
                |_| PlanningError::bad("constraints", format!("no joint '{}'", window.joint));
            let q = state[robot.joint_index(&window.joint).map_err(unknown)?];
            Ok((q - q.clamp(window.min, window.max.max(window.min))).abs())
        }
    }
}

/// Answers `check_state_validity`.
pub fn validity(
    shared: &Shared,
    request: &srv::GetStateValidity::Request,
) -> srv::GetStateValidity::Response {
    let outcome = shared.with(|pipeline| {
        let state = pipeline.start_state(&joints_of(&request.robot_state)?, Instant::now())?;
        let touching = pipeline.touching(&state, &request.group_name)?;
        let bounded = pipeline.robot().joints().iter().zip(&state).all(|(joint, q)| {
            *q >= joint.lower - BOUNDS_TOLERANCE && *q <= joint.upper + BOUNDS_TOLERANCE
        });
        let frames = |frame: &str| pipeline.frame(frame);
        let mut constraint_result = Vec::new();
        for constraint in path_constraints_of(&request.constraints, &frames)? {
            let distance = excess_of(pipeline.robot(), &state, &constraint)?;
            constraint_result
                .push(moveit_msgs::msg::ConstraintEvalResult { result: distance == 0.0, distance });
        }
        Ok((touching, bounded, constraint_result))
    });
    shared.tell("check_state_validity", &outcome);
    let mut response = srv::GetStateValidity::Response::default();
    if let Ok((touching, bounded, constraint_result)) = outcome {
        response.valid =
            touching.is_none() && bounded && constraint_result.iter().all(|result| result.result);
        response.constraint_result = constraint_result;
        response.contacts = touching
            .into_iter()
            .map(|touching| moveit::ContactInformation {
                depth: touching.depth_m,
                contact_body_1: touching.first,
                contact_body_2: touching.second,
                ..Default::default()
            })
            .collect();
    }
    response
}

/// Answers `plan_kinematic_path`.
pub fn motion_plan(
    shared: &Shared,
    request: &srv::GetMotionPlan::Request,
) -> srv::GetMotionPlan::Response {
    let request = &request.motion_plan_request;
    let outcome = plan(shared, request, 0, &AtomicBool::new(false));
    let error_code = shared.code("plan_kinematic_path", &outcome);
    let mut response = moveit::MotionPlanResponse {
        group_name: request.group_name.clone(),
        error_code,
        ..Default::default()
    };
    if let Ok(planned) = outcome {
        response.planning_time = planned.time_s;
        response.trajectory = planned.trajectory;
        response.trajectory_start = planned.start;
    }
    srv::GetMotionPlan::Response { motion_plan_response: response }
}
