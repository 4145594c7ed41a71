use std::sync::Arc;

use nalgebra::{Point3, Rotation3, Vector3};
use praxis_geometry::Pose;
use praxis_robot::{JointKind, Motion, Robot};

use crate::cloud::PointCloud;
use crate::error::CollisionError;
use crate::lanes::WIDTH;
use crate::scene::{PlacedSurface, Scene};
use crate::solid::Solid;
use crate::sweep::shared_frame;

/// How far a slide without limits is taken to reach, metres.
const UNBOUNDED_SLIDE_M: f64 = 10.0;
/// A rotation that differs from quarter turns by less than single precision tells is one.
const MOST_SKEW: f32 = 2e-7;

/// Robot and scene as one query needs them: fixed joints folded away, obstacles out of reach left
/// out, constants in single precision. Frame 0 is the root, frames move about or along their z.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) variables: usize,
    pub(crate) frames: Vec<Frame>,
    pub(crate) parts: Vec<Part>,
    pub(crate) pairs: Vec<PartPair>,
    pub(crate) solids: Vec<(usize, Solid)>,
    pub(crate) surfaces: Vec<(usize, PlacedSurface)>,
    pub(crate) cloud: Option<Arc<PointCloud>>,
    /// Order in which parts meet the environment: what moves most first.
    pub(crate) order: Vec<usize>,
}

/// A joint that moves.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) parent: usize,
    /// Axes in the parent, then the origin, before the joint moves.
    pub(crate) columns: Columns,
    pub(crate) translation: [f32; 3],
    pub(crate) turns: bool,
    /// Which of the group's joints.
    pub(crate) variable: usize,
    pub(crate) multiplier: f32,
    pub(crate) offset: f32,
}

/// Three axes, by the parent's axes.
#[derive(Debug)]
pub(crate) enum Columns {
    /// Each is one of the parent's, times 1 or -1.
    Picked([(usize, f32); 3]),
    /// Each is a sum of the parent's.
    Mixed([[f32; 3]; 3]),
}

/// Spheres that move together: a link, or an object on it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) link: usize,
    pub(crate) frame: usize,
    /// Centres in the frame, and radii (towards the environment with padding).
    pub(crate) spheres: Vec<Ball>,
    pub(crate) bounding: Ball,
    /// How far a centre is from that of the bounding ball at most, metres.
    pub(crate) spread: f32,
    /// Index of its first sphere among all.
    pub(crate) first: usize,
    /// What it may touch in this query.
    pub(crate) obstacles: Obstacles,
    /// Indices of the surfaces it may touch.
    pub(crate) surfaces: Vec<usize>,
    pub(crate) meets_cloud: bool,
    /// For each frame that carries it, from its own towards the root: metres that a centre moves
    /// at most for each unit of the frame's joint.
    pub(crate) levers: Vec<(usize, f32)>,
    /// Centres in the link's frame and radii, for the plain twin.
    pub(crate) in_link: Vec<(Point3<f64>, f64)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ball {
    pub(crate) centre: [f32; 3],
    /// Towards the environment: padded.
    pub(crate) radius: f32,
    /// Towards other parts.
    pub(crate) own_radius: f32,
    /// How far it reaches from the centre of the part's bounding ball (padded).
    pub(crate) outermost: f32,
}

/// Parts that must not touch each other.
#[derive(Debug)]
pub(crate) struct PartPair {
    pub(crate) first: usize,
    pub(crate) second: usize,
    /// The last frame that carries both.
    pub(crate) shared: usize,
}

/// Indices of solids, and the axis-aligned boxes around them, coordinate by coordinate. Boxes that
/// are empty fill up the last row of lanes.
#[derive(Debug, Default)]
pub(crate) struct Obstacles {
    pub(crate) solids: Vec<usize>,
    pub(crate) low: [Vec<f32>; 3],
    pub(crate) high: [Vec<f32>; 3],
}

impl Obstacles {
    fn new(solids: Vec<usize>, all: &[(usize, Solid)]) -> Self {
        let room = solids.len().next_multiple_of(WIDTH);
        let bound = |pick: fn(&Solid) -> &[f32; 3], i: usize, empty: f32| {
            let mut values = vec![empty; room];
            for (value, &solid) in values.iter_mut().zip(&solids) {
                *value = pick(&all[solid].1)[i];
            }
            values
        };
        Self {
            low: [0, 1, 2].map(|i| bound(|solid| &solid.low, i, f32::INFINITY)),
            high: [0, 1, 2].map(|i| bound(|solid| &solid.high, i, f32::NEG_INFINITY)),
            solids,
        }
    }
}

impl Columns {
    fn new(columns: [[f32; 3]; 3]) -> Self {
        let pick = |column: &[f32; 3]| {
            let axis = column.iter().position(|x| x.abs() > 0.5)?;
            let rest = (0..3).filter(|&i| i != axis).map(|i| column[i].abs()).sum::<f32>();
            (rest < MOST_SKEW).then_some((axis, column[axis].signum()))
        };
        match columns.each_ref().map(pick) {
            [Some(x), Some(y), Some(z)] => Self::Picked([x, y, z]),
            _ => Self::Mixed(columns),
        }
    }
}

struct Placed {
    frame: usize,
    frame_from_link: Pose,
}

impl Model {
    pub(crate) fn new(
        robot: &Robot,
        scene: &Scene,
        joints: &[usize],
        state: &[f64],
    ) -> Result<Self, CollisionError> {
        check_state(robot, joints, state)?;
        let (frames, placed) = place(robot, joints, state);
        let levers = Levers { robot, frames: &frames, joints };
        let mut model = Self {
            variables: joints.len(),
            frames: Vec::new(),
            parts: Vec::new(),
            pairs: Vec::new(),
            solids: Vec::new(),
            surfaces: Vec::new(),
            cloud: scene.cloud.clone().filter(|cloud| !cloud.is_empty()),
            order: Vec::new(),
        };
        let mut first = 0;
        let mut add = |name: &str, link: usize, spheres: Vec<(Point3<f64>, f64)>| {
            if !spheres.is_empty() {
                let padding_m = scene.padding_of(name);
                let part = levers.part(name, link, &placed[link], spheres, first, padding_m);
                first += part.spheres.len();
                model.parts.push(part);
            }
        };
        let mut spheres = robot.spheres().iter().peekable();
        for (index, link) in robot.links().iter().enumerate() {
            let mut own = Vec::new();
            while let Some(sphere) = spheres.next_if(|sphere| sphere.link == index) {
                own.push((sphere.centre, sphere.radius_m));
            }
            add(&link.name, index, own);
        }
        let links = model_parts_of_links(robot);
        for held in &scene.attached {
            let link = robot.link_index(&held.link).map_err(|_| CollisionError::UnknownLink {
                object: held.id.clone(),
                link: held.link.clone(),
            })?;
            add(&held.id, link, held.spheres.clone());
        }
        model.add_solids(scene);
        model.find_obstacles(scene, &levers);
        model.find_pairs(robot, scene, links);
        model.order = (0..model.parts.len()).filter(|&p| model.parts[p].frame != 0).collect();
        model.order.reverse();
        model.frames = frames;
        Ok(model)
    }

    fn add_solids(&mut self, scene: &Scene) {
        for (object, entry) in scene.objects.iter().enumerate() {
            self.solids.extend(entry.solids.iter().map(|solid| (object, solid.clone())));
            self.surfaces.extend(entry.surfaces.iter().map(|surface| (object, surface.clone())));
        }
    }

    fn find_obstacles(&mut self, scene: &Scene, levers: &Levers<'_>) {
        for part in &mut self.parts {
            let may_touch = |id: &str| scene.allowed.get(&part.name, id).unwrap_or(false);
            let around = levers.reach(part.frame, &part.spheres);
            let in_reach = |solid: &Solid| {
                around.is_none_or(|(at, reach_m)| solid.distance_m(at).0 <= reach_m + 1e-4)
            };
            let matters = |&index: &usize| {
                let (object, solid) = &self.solids[index];
                in_reach(solid) && !may_touch(&scene.objects[*object].id)
            };
            let found = (0..self.solids.len()).filter(matters).collect();
            part.obstacles = Obstacles::new(found, &self.solids);
            let surface_matters = |&index: &usize| {
                let (object, surface) = &self.surfaces[index];
                let (centre, radius_m) = surface.around();
                let meets = |(at, reach_m): (Point3<f64>, f64)| {
                    (at - centre).norm() <= reach_m + radius_m + 1e-4
                };
                around.is_none_or(meets) && !may_touch(&scene.objects[*object].id)
            };
            part.surfaces = (0..self.surfaces.len()).filter(surface_matters).collect();
            part.meets_cloud = !scene.allowed.get(&part.name, "<octomap>").unwrap_or(false);
        }
    }

    fn find_pairs(&mut self, robot: &Robot, scene: &Scene, links: usize) {
        for second in 0..self.parts.len() {
            for first in 0..second {
                let (a, b) = (&self.parts[first], &self.parts[second]);
                let by_robot = match (first < links, second < links) {
                    (true, true) => robot.pair_is_checked(a.link, b.link),
                    (true, false) => a.link != b.link && !touches(scene, second - links, &a.name),
                    (false, false) => a.link != b.link,
                    (false, true) => true,
                };
                let checked = scene.allowed.get(&a.name, &b.name).map_or(by_robot, |may| !may);
                // What the group cannot move against each other is no matter of this query.
                if checked && a.frame != b.frame {
                    self.pairs.push(PartPair { first, second, shared: shared_frame(a, b) });
                }
            }
        }
        // Far apart on the chain first: hands meet bodies more often than forearms meet wrists.
        self.pairs.sort_by_key(|pair| {
            std::cmp::Reverse(self.parts[pair.second].frame.abs_diff(self.parts[pair.first].frame))
        });
    }
}

fn model_parts_of_links(robot: &Robot) -> usize {
    let mut links: Vec<usize> = robot.spheres().iter().map(|sphere| sphere.link).collect();
    links.dedup();
    links.len()
}

fn touches(scene: &Scene, held: usize, link: &str) -> bool {
    let present = scene.attached.iter().filter(|held| !held.spheres.is_empty()).nth(held);
    present.is_some_and(|held| held.touch_links.iter().any(|name| name == link))
}

fn check_state(robot: &Robot, joints: &[usize], state: &[f64]) -> Result<(), CollisionError> {
    let expected = robot.joints().len();
    if state.len() != expected {
        return Err(CollisionError::StateLength { got: state.len(), expected });
    }
    if let Some((joint, &value)) = state.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        return Err(CollisionError::NotFinite { joint, value });
    }
    match joints.iter().find(|&&joint| joint >= expected) {
        Some(&joint) => Err(CollisionError::UnknownJoint { joint, known: expected }),
        None => Ok(()),
    }
}

fn place(robot: &Robot, joints: &[usize], state: &[f64]) -> (Vec<Frame>, Vec<Placed>) {
    let mut frames = vec![Frame {
        parent: 0,
        columns: Columns::Picked([(0, 1.0), (1, 1.0), (2, 1.0)]),
        translation: [0.0; 3],
        turns: true,
        variable: 0,
        multiplier: 0.0,
        offset: 0.0,
    }];
    let mut placed: Vec<Placed> = Vec::new();
    for link in robot.links() {
        let (frame, frame_from_parent) = match link.parent {
            Some(parent) => (placed[parent].frame, placed[parent].frame_from_link),
            None => (0, Pose::identity()),
        };
        let moving = match link.motion {
            Motion::Turn { axis, variable } => Some((true, axis, variable)),
            Motion::Slide { axis, variable } => Some((false, axis, variable)),
            Motion::Fixed => None,
        };
        let own = moving.and_then(|(turns, axis, variable)| {
            let slot = joints.iter().position(|joint| *joint == variable.index)?;
            Some((turns, axis, variable, slot))
        });
        let Some((turns, axis, variable, slot)) = own else {
            let frame_from_link = frame_from_parent * link.parent_from_link(state);
            placed.push(Placed { frame, frame_from_link });
            continue;
        };
        let joint_from_frame =
            Rotation3::rotation_between(&Vector3::z(), &axis).unwrap_or_else(|| {
                Rotation3::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
            });
        let before = frame_from_parent
            * link.parent_from_joint
            * Pose::from_parts(nalgebra::Translation3::identity(), joint_from_frame.into());
        let rotation = before.rotation.to_rotation_matrix();
        frames.push(Frame {
            parent: frame,
            columns: Columns::new([0, 1, 2].map(|j| [0, 1, 2].map(|i| rotation[(i, j)] as f32))),
            translation: [0, 1, 2].map(|i| before.translation.vector[i] as f32),
            turns,
            variable: slot,
            multiplier: variable.multiplier as f32,
            offset: variable.offset as f32,
        });
        placed.push(Placed {
            frame: frames.len() - 1,
            frame_from_link: Pose::from_parts(
                nalgebra::Translation3::identity(),
                joint_from_frame.inverse().into(),
            ),
        });
    }
    (frames, placed)
}

/// Bounds on how far joints carry what hangs on them.
struct Levers<'a> {
    robot: &'a Robot,
    frames: &'a [Frame],
    joints: &'a [usize],
}

impl Levers<'_> {
    fn part(
        &self,
        name: &str,
        link: usize,
        placed: &Placed,
        in_link: Vec<(Point3<f64>, f64)>,
        first: usize,
        padding_m: f64,
    ) -> Part {
        let mut spheres: Vec<Ball> = in_link
            .iter()
            .map(|(centre, radius)| {
                let centre = placed.frame_from_link * centre;
                Ball {
                    centre: [centre.x as f32, centre.y as f32, centre.z as f32],
                    radius: (radius + padding_m).max(0.0) as f32,
                    own_radius: *radius as f32,
                    outermost: 0.0,
                }
            })
            .collect();
        let bounding = around(&spheres);
        let levers = self.levers(placed.frame, &spheres, &bounding);
        let away = |ball: &Ball| {
            norm(std::array::from_fn(|i| ball.centre[i] - bounding.centre[i])) * (1.0 + 1e-6)
        };
        let spread = spheres.iter().map(away).fold(0.0, f32::max);
        for ball in &mut spheres {
            ball.outermost = away(ball) + ball.radius;
        }
        Part {
            name: name.to_owned(),
            link,
            frame: placed.frame,
            spheres,
            bounding,
            spread,
            first,
            obstacles: Obstacles::default(),
            surfaces: Vec::new(),
            meets_cloud: true,
            levers,
            in_link,
        }
    }

    /// For each frame that carries the part: metres that a centre moves at most for each unit of
    /// its variable.
    fn levers(&self, frame: usize, spheres: &[Ball], bounding: &Ball) -> Vec<(usize, f32)> {
        let centres = || spheres.iter().chain([bounding]).map(|ball| ball.centre);
        let mut across = centres().map(|[x, y, _]| x.hypot(y)).fold(0.0, f32::max);
        let mut ball = centres().map(norm).fold(0.0, f32::max);
        let mut levers = Vec::new();
        let mut here = frame;
        while here != 0 {
            let body = &self.frames[here];
            let slide = self.slide_m(body);
            let lever = if body.turns { across } else { 1.0 };
            levers.push((here, lever * body.multiplier.abs()));
            let [x, y, _] = body.translation;
            ball += slide;
            across = x.hypot(y) + ball;
            ball += norm(body.translation);
            here = body.parent;
        }
        levers
    }

    fn slide_m(&self, frame: &Frame) -> f32 {
        if frame.turns {
            return 0.0;
        }
        let joint = &self.robot.joints()[self.joints[frame.variable]];
        debug_assert!(joint.kind == JointKind::Prismatic || frame.multiplier != 0.0);
        let way = joint.lower.abs().max(joint.upper.abs());
        let way = if way.is_finite() { way } else { UNBOUNDED_SLIDE_M };
        way as f32 * frame.multiplier.abs() + frame.offset.abs()
    }

    /// A ball that the part never leaves.
    fn reach(&self, frame: usize, spheres: &[Ball]) -> Option<(Point3<f64>, f64)> {
        let mut ball =
            spheres.iter().map(|ball| norm(ball.centre) + ball.radius).fold(0.0, f32::max);
        let mut here = frame;
        while here != 0 {
            let body = &self.frames[here];
            ball += self.slide_m(body);
            if body.parent == 0 {
                let [x, y, z] = body.translation.map(f64::from);
                return Some((Point3::new(x, y, z), f64::from(ball)));
            }
            ball += norm(body.translation);
            here = body.parent;
        }
        None
    }
}

/// A small ball around balls: the centre walks towards the farthest (Badoiu and Clarkson).
fn around(balls: &[Ball]) -> Ball {
    let mut centre = balls[0].centre;
    let farthest = |centre: &[f32; 3]| {
        let beyond =
            |ball: &Ball| norm(std::array::from_fn(|i| ball.centre[i] - centre[i])) + ball.radius;
        balls
            .iter()
            .map(|ball| (beyond(ball), ball))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((0.0, &balls[0]))
    };
    let ball = |centre, radius| Ball { centre, radius, own_radius: radius, outermost: radius };
    let (radius, mut far) = farthest(&centre);
    let mut best = ball(centre, radius);
    for step in 1..24_u8 {
        let share = 1.0 / (f32::from(step) + 1.0);
        centre = std::array::from_fn(|i| centre[i] + share * (far.centre[i] - centre[i]));
        let radius;
        (radius, far) = farthest(&centre);
        if radius < best.radius {
            best = ball(centre, radius);
        }
    }
    best.radius *= 1.0 + 1e-6;
    best
}

fn norm(v: [f32; 3]) -> f32 {
    v.iter().map(|x| x * x).sum::<f32>().sqrt()
}
