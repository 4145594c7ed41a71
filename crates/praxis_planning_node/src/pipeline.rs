//! Decides: what the robot's state is, what stands around it, which motion answers a request.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nalgebra::Point3;
use praxis_collision::{
    AllowedPairs, AttachedObject, Checker, CollisionError, PointCloud, Scene, SceneObject,
};
use praxis_geometry::{NamedJoints, Pose, Shape, Stamp};
use praxis_motion::{
    CartesianMotion, CartesianRequest, Goal, JointGoal, Motion, MotionConfig, MotionError,
    MotionPlanner, MotionRequest, PathConstraint, PoseGoal, Touching,
};
use praxis_planning::RrtConnectConfig;
use praxis_robot::Robot;
use praxis_trajectory::{JointSample, LimitsFile, Trajectory};
use praxis_world::World;

use crate::error::PlanningError;
use crate::obstacles::Obstacles;
use crate::parameters::PlanningParameters;
use crate::recheck::Recheck;
use crate::world::{Change, HeldObject, Part, PlanningWorld, WorldObject};

/// A joint this near the end of the last motion is taken to be there, so that the next motion goes
/// on from where control holds the arm and not from where gravity has pulled it.
const AT_LAST_END: f64 = 0.02;
/// How finely the place of the arm on a running motion is looked for, around where it is nearest
/// among steps so many times as long.
const PROGRESS_STEP_S: f64 = 0.004;
const COARSE_STEPS: usize = 8;

/// When the newest points were measured and heard of.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// When the frame was taken, in ROS time.
    pub taken: Stamp,
    /// When the points came in.
    pub heard: Instant,
}

/// The robot, its state, its world and its planner.
pub struct Pipeline {
    robot: Arc<Robot>,
    planner: MotionPlanner,
    world: PlanningWorld,
    /// The world as collision checks see it, without points; absent while outdated.
    scene: Option<Scene>,
    obstacles: Obstacles,
    look: Look,
    state: Vec<f64>,
    heard: Vec<bool>,
    heard_at: Option<Instant>,
    /// When the newest positions were measured, in ROS time.
    measured_at: Stamp,
    last_end: BTreeMap<String, f64>,
    parameters: PlanningParameters,
    descriptions: [String; 2],
}

/// All that one request needs, taken out so that nobody waits while it is planned.
pub struct Desk {
    /// Plans.
    pub planner: MotionPlanner,
    /// What is not to be touched.
    pub scene: Scene,
    /// The robot.
    pub robot: Arc<Robot>,
}

impl Pipeline {
    /// Loads robot, limits and fixed world.
    pub fn load(
        parameters: &PlanningParameters,
        urdf: String,
        srdf: String,
    ) -> Result<Self, PlanningError> {
        let robot = Robot::from_strings(&urdf, Some(&srdf))
            .map_err(|error| PlanningError::bad("robot description", error))?;
        let robot = Arc::new(robot);
        let limits = match parameters.joint_limits_file.as_str() {
            "" => LimitsFile::default(),
            file => LimitsFile::parse(&read(file)?).map_err(MotionError::from)?,
        };
        let config = MotionConfig {
            search: RrtConnectConfig {
                max_edge_rad: parameters.max_edge_rad,
                ..RrtConnectConfig::default()
            },
            corner_deviation_rad: parameters.corner_deviation_rad,
            default_velocity_scaling: parameters.default_velocity_scaling,
            default_acceleration_scaling: parameters.default_acceleration_scaling,
            ..MotionConfig::default()
        };
        let planner = MotionPlanner::new(robot.clone(), &limits, config)?;
        let mut world = PlanningWorld::default();
        let links = robot.links();
        for (a, first) in links.iter().enumerate() {
            for (b, second) in links.iter().enumerate().skip(a + 1) {
                if !robot.pair_is_checked(a, b) {
                    world.allowed.set(&first.name, &second.name, true);
                }
            }
        }
        if !parameters.scene_file.is_empty() {
            put_fixed_boxes(&mut world, Path::new(&parameters.scene_file))?;
        }
        let dim = robot.joints().len();
        let (state, heard) = (vec![0.0; dim], vec![false; dim]);
        Ok(Self {
            robot,
            planner,
            world,
            scene: None,
            obstacles: Obstacles::default(),
            look: Look { taken: Stamp::ZERO, heard: Instant::now() },
            state,
            heard,
            heard_at: None,
            measured_at: Stamp::ZERO,
            last_end: BTreeMap::new(),
            parameters: parameters.clone(),
            descriptions: [urdf, srdf],
        })
    }

    /// The robot.
    pub fn robot(&self) -> &Arc<Robot> {
        &self.robot
    }

    /// The robot's SRDF.
    pub fn semantic_description(&self) -> &str {
        &self.descriptions[1]
    }

    /// The parameters.
    pub fn parameters(&self) -> &PlanningParameters {
        &self.parameters
    }

    /// The scene as clients describe it.
    pub fn world(&self) -> &PlanningWorld {
        &self.world
    }

    /// Takes a scene in place of the present one.
    pub fn set_world(&mut self, world: PlanningWorld) {
        self.world = world;
        self.outdate();
    }

    /// Takes measured points, told in `frame`.
    pub fn see(
        &mut self,
        look: Look,
        frame: &str,
        mut points: Vec<Point3<f32>>,
    ) -> Result<(), PlanningError> {
        let root_from_frame = self.frame(frame)?;
        if root_from_frame != Pose::identity() {
            let root_from_frame = root_from_frame.cast::<f32>();
            points.iter_mut().for_each(|point| *point = root_from_frame * *point);
        }
        self.obstacles.put(points);
        self.look = look;
        Ok(())
    }

    /// When the newest points were measured and heard of.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Takes positions that have been heard; joints of other robots are passed over.
    pub fn hear(&mut self, joints: &NamedJoints, measured: Stamp, now: Instant) {
        for (name, position) in joints.iter() {
            if let Ok(index) = self.robot.joint_index(name) {
                self.state[index] = position;
                self.heard[index] = true;
                self.heard_at = Some(now);
                self.measured_at = measured;
            }
        }
    }

    /// The state of all joints, if it is complete and fresh.
    pub fn current_state(&self, now: Instant) -> Result<Vec<f64>, PlanningError> {
        let joints = self.robot.joints();
        let missing: Vec<String> = (0..joints.len())
            .filter(|&index| !self.heard[index])
            .map(|index| joints[index].name.clone())
            .collect();
        let Some(heard_at) = self.heard_at.filter(|_| missing.is_empty()) else {
            return Err(PlanningError::NoJointState { missing });
        };
        let age_s = now.saturating_duration_since(heard_at).as_secs_f64();
        let limit_s = self.parameters.max_joint_state_age_s;
        if age_s > limit_s {
            return Err(PlanningError::StaleJointState { age_s, limit_s });
        }
        Ok(self.state.clone())
    }

    /// Where a motion starts: the current state, but from where control holds the arm if that is
    /// where it is; `overrides` by name come from the request.
    pub fn start_state(
        &self,
        overrides: &NamedJoints,
        now: Instant,
    ) -> Result<Vec<f64>, PlanningError> {
        let complete = self.robot.joints().iter().all(|joint| overrides.get(&joint.name).is_some());
        let mut state = if complete { self.state.clone() } else { self.current_state(now)? };
        for (index, joint) in self.robot.joints().iter().enumerate() {
            if let Some(position) = overrides.get(&joint.name) {
                state[index] = position;
            }
        }
        let at_end = !self.last_end.is_empty()
            && self.last_end.iter().all(|(name, end)| {
                self.robot
                    .joint_index(name)
                    .ok()
                    .is_some_and(|index| (state[index] - end).abs() < AT_LAST_END)
            });
        if at_end {
            for (name, end) in &self.last_end {
                if let Ok(index) = self.robot.joint_index(name) {
                    state[index] = *end;
                }
            }
        }
        Ok(state)
    }

    /// Remembers where control holds the arm after a motion that was carried out; `None` after one
    /// that was not.
    pub fn motion_ended(&mut self, trajectory: Option<&Trajectory>) {
        self.last_end = match trajectory {
            None => BTreeMap::new(),
            Some(trajectory) => trajectory
                .joint_names()
                .iter()
                .cloned()
                .zip(trajectory.last_position().iter().copied())
                .collect(),
        };
    }

    /// Pose of a frame in the root frame: the planning frame, a link, or an object.
    pub fn frame(&self, frame: &str) -> Result<Pose, PlanningError> {
        let frame = frame.trim_start_matches('/');
        if frame.is_empty() || frame == self.parameters.planning_frame {
            return Ok(Pose::identity());
        }
        if let Ok(link) = self.robot.link_index(frame) {
            return Ok(self.robot.link_pose(link, &self.state));
        }
        if let Some(object) = self.world.objects().get(frame) {
            return Ok(object.root_from_object);
        }
        if let Some(held) = self.world.held().get(frame) {
            return Ok(self.frame(&held.link)? * held.link_from_object);
        }
        let planning_frame = self.parameters.planning_frame.clone();
        Err(PlanningError::UnknownFrame { frame: frame.to_owned(), planning_frame })
    }

    /// Makes one change of the scene.
    pub fn apply(&mut self, change: Change) -> Result<(), PlanningError> {
        self.outdate();
        let (robot, state) = (&self.robot, &self.state);
        self.world.apply(change, &|link| link_pose(robot, state, link))
    }

    fn outdate(&mut self) {
        self.scene = None;
        self.obstacles.outdate();
    }

    /// The scene for collision checks, without points; `held` in place of what the scene says the
    /// robot holds.
    fn scene(
        &mut self,
        held: Option<&BTreeMap<String, HeldObject>>,
    ) -> Result<Scene, PlanningError> {
        if let Some(held) = held {
            return check_scene(&self.world, held);
        }
        let scene = match self.scene.take() {
            Some(scene) => scene,
            None => check_scene(&self.world, self.world.held())?,
        };
        Ok(self.scene.insert(scene).clone())
    }

    /// The measured points as balls of a radius, if they are planned around.
    fn points(&mut self, radius_m: f64) -> Option<Arc<PointCloud>> {
        if !self.parameters.avoid_points {
            return None;
        }
        let (robot, state) = (&self.robot, &self.state);
        let pose = |link: &str| link_pose(robot, state, link);
        self.obstacles.unknown(&self.world, &pose, self.parameters.object_padding_m);
        self.obstacles.cloud(radius_m)
    }

    /// Distance that a motion from `start` keeps from points: what the parameters say, or as much as
    /// there is where the arm stands nearer than that already. It may go away, not nearer.
    fn point_clearance_m(&mut self, scene: &Scene, start: &[f64]) -> f64 {
        /// Points are measured no better than this.
        const TOUCHING_M: f64 = 0.005;
        let wanted_m = self.parameters.point_clearance_m;
        let Some(cloud) = self.points(wanted_m) else { return wanted_m };
        let mut balls = Vec::new();
        let mut poses = Vec::new();
        self.robot.link_poses(start, &mut poses);
        balls.extend(self.robot.spheres().iter().map(|s| (poses[s.link] * s.centre, s.radius_m)));
        for held in &scene.attached {
            if let Ok(link) = self.robot.link_index(held.link()) {
                balls.extend(held.spheres().iter().map(|(at, radius)| (poses[link] * at, *radius)));
            }
        }
        // Only balls that are too near are held against every point.
        let is_near =
            |(centre, radius): &(Point3<f64>, f64)| cloud.any_within(centre.cast(), *radius as f32);
        balls.retain(is_near);
        if balls.is_empty() {
            return wanted_m;
        }
        let (robot, state) = (&self.robot, &self.state);
        let pose = |link: &str| link_pose(robot, state, link);
        let padding_m = self.parameters.object_padding_m;
        let points = self.obstacles.unknown(&self.world, &pose, padding_m);
        let away_m = |point: &Point3<f32>| {
            let at = point.cast::<f64>();
            let from =
                |(centre, radius): &(Point3<f64>, f64)| nalgebra::distance(centre, &at) - radius;
            balls.iter().map(from).fold(f64::INFINITY, f64::min)
        };
        let least_m = points.iter().map(away_m).fold(f64::INFINITY, f64::min);
        if least_m > TOUCHING_M { wanted_m.min(least_m - 0.001) } else { wanted_m }
    }

    /// What one request from a state needs; `held` in place of what the scene says the robot holds.
    pub fn desk(
        &mut self,
        start: &[f64],
        held: Option<&BTreeMap<String, HeldObject>>,
    ) -> Result<Desk, PlanningError> {
        let mut scene = self.scene(held)?;
        let clearance_m = self.point_clearance_m(&scene, start);
        scene.cloud = self.points(clearance_m);
        Ok(Desk { planner: self.planner.clone(), scene, robot: self.robot.clone() })
    }

    /// Errors unless a trajectory starts where the arm is.
    pub fn check_start(&self, trajectory: &Trajectory, now: Instant) -> Result<(), PlanningError> {
        let state = self.current_state(now)?;
        let allowed = self.parameters.allowed_start_tolerance;
        for (name, &start) in trajectory.joint_names().iter().zip(trajectory.position(0)) {
            let index =
                self.robot.joint_index(name).ok().ok_or_else(|| {
                    PlanningError::bad("trajectory", format!("no joint '{name}'"))
                })?;
            let off_by = (state[index] - start).abs();
            if off_by > allowed {
                return Err(PlanningError::NotAtStart { joint: name.clone(), off_by, allowed });
            }
        }
        Ok(())
    }

    /// How far a running motion has come at `now`, in seconds of its own time: the place nearest to
    /// where the arm was measured, and the time since.
    pub fn progress_s(&self, trajectory: &Trajectory, now: Stamp) -> Option<f64> {
        /// A measurement older than this tells nothing; a stamp from the future is of now.
        const OLDEST_S: f64 = 0.1;
        let indices = self.indices_of(trajectory)?;
        let (mut cursor, mut sample) = (0, JointSample::zeros(trajectory.dim()));
        let mut nearest = |steps: &mut dyn Iterator<Item = usize>| {
            let (mut nearest, mut least) = (0, f64::INFINITY);
            for step in steps {
                trajectory.sample_into(step as f64 * PROGRESS_STEP_S, &mut cursor, &mut sample);
                let away = indices.iter().zip(&sample.position);
                let away = away.map(|(&i, p)| (p - self.state[i]).powi(2)).sum();
                if away < least {
                    (nearest, least) = (step, away);
                }
            }
            nearest
        };
        let steps = (trajectory.duration_s() / PROGRESS_STEP_S).ceil() as usize;
        let coarse = nearest(&mut (0..=steps).step_by(COARSE_STEPS));
        let around = coarse.saturating_sub(COARSE_STEPS)..=(coarse + COARSE_STEPS).min(steps);
        let nearest_s = nearest(&mut { around }) as f64 * PROGRESS_STEP_S;
        let age_s = now.seconds_since(self.measured_at);
        Some(nearest_s + if age_s < OLDEST_S { age_s.max(0.0) } else { 0.0 })
    }

    fn indices_of(&self, trajectory: &Trajectory) -> Option<Vec<usize>> {
        trajectory.joint_names().iter().map(|name| self.robot.joint_index(name).ok()).collect()
    }

    /// What the rest of a running motion is held against, if its joints are known.
    pub fn recheck(&mut self, trajectory: &Trajectory) -> Option<Recheck> {
        let joints = self.indices_of(trajectory)?;
        let mut scene = self.scene(None).ok()?;
        scene.cloud = self.points(self.parameters.point_margin_m);
        Some(Recheck { robot: self.robot.clone(), scene, joints, state: self.state.clone() })
    }

    /// What a state touches, as far as the joints of `group` (all joints if empty) matter.
    pub fn touching(
        &mut self,
        state: &[f64],
        group: &str,
    ) -> Result<Option<Touching>, PlanningError> {
        let mut scene = self.scene(None)?;
        scene.cloud = self.points(0.0);
        let all: Vec<usize> = (0..state.len()).collect();
        let joints = match group {
            "" => all.as_slice(),
            name => group_of(&self.robot, name)?.joints.as_slice(),
        };
        let mut checker =
            Checker::new(&self.robot, &scene, joints, state).map_err(MotionError::from)?;
        let q: Vec<f64> = joints.iter().map(|&joint| state[joint]).collect();
        Ok(checker.first_contact(&q).map(touching_of))
    }
}

/// A group by name.
pub fn group_of<'a>(
    robot: &'a Robot,
    name: &str,
) -> Result<&'a praxis_robot::Group, PlanningError> {
    robot.group(name).map_err(|_| {
        let known = robot.groups().iter().map(|group| group.name.clone()).collect();
        MotionError::UnknownName { what: "group", name: name.to_owned(), known }.into()
    })
}

fn link_pose(robot: &Robot, state: &[f64], link: &str) -> Option<Pose> {
    robot.link_index(link).ok().map(|link| robot.link_pose(link, state))
}

/// What a contact is called here.
pub fn touching_of(contact: praxis_collision::Contact) -> Touching {
    Touching { first: contact.first, second: contact.second, depth_m: contact.depth_m }
}

impl Desk {
    /// Plans a motion.
    pub fn plan(&mut self, request: &MotionRequest<'_>) -> Result<Motion, PlanningError> {
        Ok(self.planner.plan(request, &self.scene)?)
    }

    /// Leads a link along straight lines.
    pub fn cartesian(
        &mut self,
        request: &CartesianRequest,
        constraints: &[PathConstraint],
    ) -> Result<CartesianMotion, PlanningError> {
        Ok(self.planner.cartesian_path(request, constraints, &self.scene)?)
    }

    /// A state that brings a link to a pose.
    pub fn inverse(
        &self,
        state: &[f64],
        group: &str,
        pose: &PoseGoal,
        avoid_collisions: bool,
        seed: u64,
    ) -> Result<Vec<f64>, PlanningError> {
        let scene = avoid_collisions.then_some(&self.scene);
        Ok(self.planner.inverse_kinematics(state, group, pose, scene, seed)?)
    }
}

/// A planning request without its ROS clothes.
pub struct PlanOrder {
    /// Position of every joint.
    pub start: Vec<f64>,
    /// The group that moves.
    pub group: String,
    /// Any of these.
    pub goals: Vec<Goal>,
    /// All the way.
    pub constraints: Vec<PathConstraint>,
    /// Zero for the default.
    pub velocity_scaling: f64,
    /// Zero for the default.
    pub acceleration_scaling: f64,
    /// Longest planning time.
    pub time_budget: Duration,
    /// Of the search.
    pub seed: u64,
}

impl PlanOrder {
    /// Plans it on a desk.
    pub fn plan(&self, desk: &mut Desk, cancel: &AtomicBool) -> Result<Motion, PlanningError> {
        desk.plan(&self.request(cancel))
    }

    /// The same order with the place where a motion ends for its goal: no search for configurations
    /// that meet the goal, and `share` of the time.
    pub fn to_the_end_of(&self, motion: &Trajectory, share: f64) -> Self {
        let goal = |(joint, &position): (&String, &f64)| JointGoal {
            joint: joint.clone(),
            position,
            tolerance_above: 0.0,
            tolerance_below: 0.0,
        };
        let end = motion.joint_names().iter().zip(motion.last_position()).map(goal).collect();
        Self {
            start: self.start.clone(),
            group: self.group.clone(),
            goals: vec![Goal::Joints(end)],
            constraints: self.constraints.clone(),
            time_budget: self.time_budget.mul_f64(share),
            ..*self
        }
    }

    /// Plans it on a desk, for a motion that takes over from a running one at `at_s` on it.
    pub fn plan_taking_over(
        &self,
        desk: &mut Desk,
        running: &Trajectory,
        at_s: f64,
        cancel: &AtomicBool,
    ) -> Result<Motion, PlanningError> {
        let request = self.request(cancel);
        Ok(desk.planner.plan_taking_over(&request, running, at_s, &desk.scene)?)
    }

    fn request<'a>(&self, cancel: &'a AtomicBool) -> MotionRequest<'a> {
        MotionRequest {
            start: self.start.clone(),
            group: self.group.clone(),
            goals: self.goals.clone(),
            constraints: self.constraints.clone(),
            velocity_scaling: self.velocity_scaling,
            acceleration_scaling: self.acceleration_scaling,
            seed: self.seed,
            time_budget: self.time_budget,
            cancel: Some(cancel),
        }
    }
}

fn read(file: &str) -> Result<String, PlanningError> {
    std::fs::read_to_string(file).map_err(|error| PlanningError::bad(file, error))
}

fn put_fixed_boxes(world: &mut PlanningWorld, file: &Path) -> Result<(), PlanningError> {
    let described = World::read(file).map_err(|error| PlanningError::bad("scene_file", error))?;
    for fixed in described.fixed_boxes() {
        let shape = Shape::Box { half_extents_m: fixed.size_m * 0.5 };
        let part = Part { shape, object_from_part: Pose::identity() };
        let object = WorldObject { root_from_object: fixed.world_from_box, parts: vec![part] };
        world.put_fixed(&fixed.id, object);
    }
    Ok(())
}

fn check_scene(
    world: &PlanningWorld,
    held: &BTreeMap<String, HeldObject>,
) -> Result<Scene, PlanningError> {
    build_scene(world, held).map_err(|error| MotionError::from(error).into())
}

fn build_scene(
    world: &PlanningWorld,
    held: &BTreeMap<String, HeldObject>,
) -> Result<Scene, CollisionError> {
    let mut scene = Scene::default();
    for (name, object) in world.objects().iter().filter(|(name, _)| !held.contains_key(*name)) {
        let parts = placed(&object.root_from_object, &object.parts);
        scene.objects.push(SceneObject::new(name, &parts)?);
    }
    for (name, object) in held {
        let touch_links: Vec<String> = object.touch_links.iter().cloned().collect();
        scene.attached.push(AttachedObject::from_spheres(
            name,
            &object.link,
            object.spheres.to_vec(),
            &touch_links,
        )?);
    }
    scene.allowed = allowed_pairs(world, held);
    Ok(scene)
}

fn placed(frame_from_object: &Pose, parts: &[Part]) -> Vec<(Shape, Pose)> {
    let place = |part: &Part| (part.shape.clone(), frame_from_object * part.object_from_part);
    parts.iter().map(place).collect()
}

fn allowed_pairs(world: &PlanningWorld, held: &BTreeMap<String, HeldObject>) -> AllowedPairs {
    let mut allowed = AllowedPairs::default();
    for (a, b, may_touch) in world.allowed.pairs() {
        allowed.set(a, b, may_touch);
    }
    for (name, may_touch) in world.allowed.defaults() {
        allowed.set_default(name, may_touch);
    }
    // A client that sends back the whole matrix means no ban on the links that hold an object.
    for (name, object) in held {
        for link in &object.touch_links {
            allowed.set(name, link, true);
        }
    }
    allowed
}

impl Pipeline {
    /// The state as far as it has been heard; zero where it has not.
    pub fn known_state(&self) -> Vec<f64> {
        self.state.clone()
    }
}
