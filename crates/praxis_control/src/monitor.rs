//! The collision monitor: the rest of a motion against the newest surroundings.

mod body;
mod outlook;
mod separation;

use std::sync::Arc;

use nalgebra::Point3;
use praxis_collision::{Checker, PointCloud, Scene};
use praxis_geometry::Pose;
use praxis_robot::Robot;
use praxis_trajectory::{JointSample, Trajectory};

use self::body::Body;
pub use self::outlook::Outlook;
pub use self::separation::{Person, Separation};
use crate::ControlError;

/// Most looks ahead.
const MOST_LOOKS: usize = 4000;
/// Most contacts that a motion may start in.
const MOST_EXCUSES: usize = 16;
/// Slower than this it stands.
const LEAST_RATE: f64 = 0.05;
/// A motion from rest counts as being at its start for this long, seconds.
const AT_START_S: f64 = 0.1;
/// A point this near to one of the cloud before is of the same thing, metres.
const SAME_THING_M: f32 = 0.08;
/// Measured points as the collision checker calls them.
const POINTS: &str = "<octomap>";

/// What the monitor keeps clear of, and how early it slows down.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorConfig {
    /// Spacing of looks ahead, seconds.
    pub step_s: f64,
    /// Distance kept from measured points, metres.
    pub point_margin_m: f64,
    /// Distance kept from objects of the scene, metres. Planned motions may pass them at any
    /// distance above zero.
    pub object_margin_m: f64,
    /// Points nearer than this to an object of the scene, a tracked or a held one belong to it, metres.
    pub known_margin_m: f64,
    /// Points nearer than this to the robot's surface belong to it, metres.
    pub self_margin_m: f64,
    /// Points nearer than this to it or to what it holds belong to it if they appear there: what was
    /// seen before the robot came near still counts. Edges that perception did not remove while the
    /// arm moved on are such points.
    pub appears_margin_m: f64,
    /// From the moment a threat is seen until the brake takes hold, seconds.
    pub reaction_s: f64,
    /// Threats later than the braking time plus this do not slow the motion, seconds.
    pub slow_within_s: f64,
    /// Points or scene older than this are stale, seconds.
    pub stale_after_s: f64,
    /// Highest rate while points or scene are stale that had been there.
    pub blind_rate: f64,
    /// Distance to people and to what is unknown.
    pub separation: Separation,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            step_s: 0.01,
            point_margin_m: 0.03,
            object_margin_m: 0.0,
            known_margin_m: 0.03,
            self_margin_m: 0.015,
            appears_margin_m: 0.08,
            reaction_s: 0.06,
            slow_within_s: 1.0,
            stale_after_s: 3.0,
            blind_rate: 0.3,
            separation: Separation::default(),
        }
    }
}

/// A motion under way.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// Its number.
    pub motion: u64,
    /// Its knots.
    pub trajectory: &'a Trajectory,
    /// How far it has come, seconds.
    pub time_s: f64,
    /// The state commanded last.
    pub commanded: &'a JointSample,
    /// The rate that it runs at.
    pub rate: f64,
    /// Time until rest if every joint braked now, seconds.
    pub stop_s: f64,
}

/// A tracked object's box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownBox {
    /// Where it is, root frame.
    pub root_from_box: Pose,
    /// Half of each edge, metres.
    pub half_m: [f64; 3],
}

impl KnownBox {
    /// Whether a point is inside, or no further out than the margin on each side.
    fn holds(&self, point: Point3<f64>, margin_m: f64) -> bool {
        let local = self.root_from_box.inverse_transform_point(&point);
        (0..3).all(|axis| local[axis].abs() <= self.half_m[axis] + margin_m)
    }
}

impl Ahead<'_> {
    /// Whether the arm stands, or has just begun to move from rest.
    fn is_at_start(&self) -> bool {
        let is_zero = |velocity: &[f64]| velocity.iter().all(|&velocity| velocity == 0.0);
        let start_s = self.trajectory.times_s()[0];
        is_zero(&self.commanded.velocity)
            || (self.time_s - start_s <= AT_START_S
                && is_zero(&self.trajectory.sample(start_s).velocity))
    }
}

/// What will be touched first.
#[derive(Clone, Debug, PartialEq)]
pub struct Threat {
    /// Link or held object.
    pub first: String,
    /// What it will touch: an object, a link, or `<octomap>` for measured points.
    pub second: String,
    /// In what time at the planned rate, seconds.
    pub in_s: f64,
}

/// What a look ahead says.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The motion that was looked at.
    pub motion: u64,
    /// Highest rate that it may run at.
    pub rate: f64,
    /// Whether only a brake now comes in time.
    pub must_brake: bool,
    /// What is in the way.
    pub threat: Option<Threat>,
    /// Nearest person or unknown point, metres; infinite if there is none.
    pub separation_m: f64,
    /// Whether points or scene are stale.
    pub is_blind: bool,
}

/// Looks ahead of motions.
///
/// The rest of the motion is sampled every `step_s` and checked against objects, held objects,
/// measured points and the robot itself, as the planner checks it. A threat slows the motion to
/// `(in_s − reaction_s − 2 step_s) / slow_within_s` of its planned rate (below 5 %: to rest), so
/// that it comes to rest before it; one nearer than the braking time brakes. Contacts that a motion starts in do not
/// count for it: it could not leave them otherwise.
#[derive(Debug)]
pub struct Monitor {
    robot: Arc<Robot>,
    joints: Vec<usize>,
    config: MonitorConfig,
    scene: Scene,
    points: Vec<Point3<f32>>,
    people: Vec<Person>,
    known: Vec<KnownBox>,
    motion: u64,
    // What the running motion started in contact with.
    excused_pairs: Vec<(String, String)>,
    excused_points: Vec<Point3<f32>>,
    body: Body,
}

impl Monitor {
    /// For the joints of a controller, in its order.
    pub fn new(
        robot: Arc<Robot>,
        joint_names: &[String],
        config: MonitorConfig,
    ) -> Result<Self, ControlError> {
        let index = |name: &String| {
            robot
                .joint_index(name)
                .map_err(|error| ControlError::Robot { reason: error.to_string() })
        };
        let joints = joint_names.iter().map(index).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            body: Body::new(robot.clone()),
            robot,
            joints,
            config,
            scene: Scene::default(),
            points: Vec::new(),
            people: Vec::new(),
            known: Vec::new(),
            motion: 0,
            excused_pairs: Vec::new(),
            excused_points: Vec::new(),
        })
    }

    /// The robot.
    pub fn robot(&self) -> &Arc<Robot> {
        &self.robot
    }

    /// Takes the newest planning scene.
    pub fn set_scene(&mut self, mut scene: Scene) {
        scene.cloud = self.scene.cloud.take();
        scene.padding_m = self.config.object_margin_m;
        for (first, second) in &self.excused_pairs {
            scene.allowed.set(first, second, true);
        }
        self.scene = scene;
    }

    /// Takes the newest measured points, root frame; `state` of the whole robot. What belongs to
    /// known objects or to the robot is left out.
    pub fn set_points(&mut self, points: &[Point3<f32>], state: &[f64]) {
        let known_m = self.config.known_margin_m;
        self.body.place(state, &self.scene.attached, &self.robot);
        let margin = self.config.point_margin_m as f32;
        let MonitorConfig { self_margin_m, appears_margin_m, .. } = self.config;
        let was_seen = |point: &Point3<f32>| {
            self.points.iter().any(|seen| nalgebra::distance(seen, point) < SAME_THING_M)
        };
        let is_robot = |point: &Point3<f32>, at: Point3<f64>| {
            let away_m = self.body.distance_m(at).min(self.body.held_distance_m(at));
            away_m <= self_margin_m || (away_m <= appears_margin_m && !was_seen(point))
        };
        let is_unknown = |point: &&Point3<f32>| {
            let at = point.cast::<f64>();
            at.iter().all(|value| value.is_finite())
                && !is_robot(point, at)
                && self.body.held_distance_m(at) > known_m
                && !self.known.iter().any(|known| known.holds(at, known_m))
                && self.scene.objects.iter().all(|object| object.distance_m(at) > known_m)
        };
        let excused = |point: &&Point3<f32>| {
            self.excused_points.iter().any(|other| nalgebra::distance(other, point) < margin)
        };
        self.points = points.iter().filter(is_unknown).filter(|p| !excused(p)).copied().collect();
        self.renew_cloud();
    }

    /// Takes where people are.
    pub fn set_people(&mut self, people: Vec<Person>) {
        self.people = people;
    }

    /// Takes where tracked objects are: points in or near them are theirs.
    pub fn set_known(&mut self, known: Vec<KnownBox>) {
        self.known = known;
    }

    /// Unknown points in the way of which motions are checked.
    pub fn unknown_points(&self) -> usize {
        self.points.len()
    }

    fn renew_cloud(&mut self) {
        // The scene's padding is added to points too.
        let radius_m = self.config.point_margin_m - self.config.object_margin_m;
        let cloud = (!self.points.is_empty())
            .then(|| Arc::new(PointCloud::new(&self.points, radius_m.max(0.0) as f32)));
        self.scene.cloud = cloud;
    }

    /// Looks ahead; `state` of the whole robot, and the age of the oldest of points and scene that
    /// have ever come in.
    pub fn look(&mut self, ahead: &Ahead<'_>, state: &[f64], age_s: f64) -> Verdict {
        if ahead.motion != self.motion {
            self.motion = ahead.motion;
            if ahead.is_at_start() {
                self.excuse(&ahead.commanded.position, state);
            }
        }
        let threat = self.threat(ahead, state);
        let is_blind = age_s > self.config.stale_after_s;
        let (separation_m, separation_rate) = self.separation(ahead, state);
        let MonitorConfig { reaction_s, step_s, slow_within_s, blind_rate, .. } = self.config;
        let mut rate = if is_blind { separation_rate.min(blind_rate) } else { separation_rate };
        let mut must_brake = false;
        if let Some(threat) = &threat {
            let spare_s = threat.in_s - reaction_s - 2.0 * step_s;
            let slow = (spare_s / slow_within_s).clamp(0.0, 1.0);
            rate = rate.min(if slow < LEAST_RATE { 0.0 } else { slow });
            let is_moving = ahead.commanded.velocity.iter().any(|&velocity| velocity != 0.0);
            must_brake = is_moving && threat.in_s <= ahead.rate * (reaction_s + ahead.stop_s);
        }
        Verdict { motion: ahead.motion, rate, must_brake, threat, separation_m, is_blind }
    }

    /// Excuses what the arm touches now, at the start of a motion from rest.
    fn excuse(&mut self, position: &[f64], state: &[f64]) {
        for (first, second) in self.excused_pairs.drain(..) {
            // What the scene itself says comes back with the next one.
            self.scene.allowed.set(&first, &second, false);
        }
        self.excused_points.clear();
        for _ in 0..MOST_EXCUSES {
            let contact = Checker::new(&self.robot, &self.scene, &self.joints, state)
                .ok()
                .and_then(|mut checker| checker.first_contact(position));
            let Some(contact) = contact else { return };
            if contact.second == POINTS {
                self.excuse_points(position, state);
            } else {
                self.scene.allowed.set(&contact.first, &contact.second, true);
                self.excused_pairs.push((contact.first, contact.second));
            }
        }
    }

    fn excuse_points(&mut self, position: &[f64], state: &[f64]) {
        let state = self.whole(position, state);
        self.body.place(&state, &self.scene.attached, &self.robot);
        let margin_m = self.config.point_margin_m + 1e-4;
        let (touching, rest) = self.points.iter().partition(|point| {
            let at = point.cast::<f64>();
            self.body.distance_m(at) <= margin_m || self.body.held_distance_m(at) <= margin_m
        });
        let touching: Vec<Point3<f32>> = touching;
        self.excused_points.extend(touching);
        self.points = rest;
        self.renew_cloud();
    }

    fn whole(&self, position: &[f64], state: &[f64]) -> Vec<f64> {
        let mut whole = state.to_vec();
        for (&joint, &position) in self.joints.iter().zip(position) {
            whole[joint] = position;
        }
        whole
    }

    /// What the rest of the motion touches first.
    fn threat(&self, ahead: &Ahead<'_>, state: &[f64]) -> Option<Threat> {
        let mut checker = Checker::new(&self.robot, &self.scene, &self.joints, state).ok()?;
        let left_s = (ahead.trajectory.duration_s() - ahead.time_s).max(0.0);
        let looks = ((left_s / self.config.step_s).ceil() as usize).min(MOST_LOOKS);
        let put = |look: usize, states: &mut Vec<f64>| match look {
            0 => states.extend(&ahead.commanded.position),
            _ => {
                let time_s = ahead.time_s + look as f64 * self.config.step_s;
                states.extend(ahead.trajectory.sample(time_s).position);
            }
        };
        let (look, touching) = checker.first_blocked(looks + 1, put)?;
        let (first, second) = checker.first_contact(&touching).map_or_else(
            || ("the arm".to_owned(), "an object it only grazes".to_owned()),
            |contact| (contact.first, contact.second),
        );
        Some(Threat { first, second, in_s: look as f64 * self.config.step_s })
    }

    /// Distance to the nearest person or unknown point, and the rate that it allows.
    fn separation(&mut self, ahead: &Ahead<'_>, state: &[f64]) -> (f64, f64) {
        if self.people.is_empty() && self.points.is_empty() {
            return (f64::INFINITY, 1.0);
        }
        let here = self.whole(&ahead.commanded.position, state);
        self.body.place(&here, &self.scene.attached, &self.robot);
        let people_m = self.people.iter().map(|person| {
            self.body.distance_to_upright_m(person.position, person.height_m) - person.radius_m
        });
        let people_m = people_m.fold(f64::INFINITY, f64::min);
        let points = self.points.iter().map(|point| self.body.distance_m(point.cast::<f64>()));
        let points_m = points.fold(f64::INFINITY, f64::min);
        let speed_mps = self.fastest_mps(ahead, state);
        let rate = self.config.separation.rate(people_m, points_m, speed_mps, ahead.stop_s);
        (people_m.min(points_m), rate)
    }

    /// Speed of the fastest part of the arm at the planned rate, now or soon.
    fn fastest_mps(&mut self, ahead: &Ahead<'_>, state: &[f64]) -> f64 {
        const SPAN_S: f64 = 0.01;
        let mut fastest_mps: f64 = 0.0;
        for soon_s in [0.0, 0.1, 0.2] {
            let [from, to] = [0.0, SPAN_S].map(|later_s| {
                let sample = ahead.trajectory.sample(ahead.time_s + soon_s + later_s);
                self.whole(&sample.position, state)
            });
            fastest_mps = fastest_mps.max(self.body.farthest_moved_m(&from, &to) / SPAN_S);
        }
        fastest_mps
    }
}
