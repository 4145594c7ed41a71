use std::collections::{BTreeMap, BTreeSet, VecDeque};

use nalgebra::Point3;
use praxis_geometry::{Pose, Shape};

use super::description::ordered;
use super::obstacles::Obstacle;
use super::solid_spheres::fill_from_inside;
use super::tree::{Body, JointKind, Sphere, bounding};
use crate::error::Touching;

/// An edge is cut down to this length (joint space, L2) where clearance does not prove it free.
const FINEST_RAD: f64 = 1.0 / 256.0;

/// A solid that stands in the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneSolid {
    /// Name of the object that it belongs to.
    pub name: String,
    /// Its shape; meshes count as the box around them.
    pub shape: Shape,
    /// Its pose in the robot's root frame.
    pub root_from_solid: Pose,
}

/// A solid that moves with a link.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldSolid {
    /// Name of the object that it belongs to.
    pub name: String,
    /// The link.
    pub link: String,
    /// Its shape.
    pub shape: Shape,
    /// Its pose on the link.
    pub link_from_solid: Pose,
    /// Links that it may touch.
    pub touch_links: BTreeSet<String>,
}

/// What the robot may not touch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckScene {
    /// What stands there.
    pub solids: Vec<SceneSolid>,
    /// What the robot holds.
    pub held: Vec<HeldSolid>,
    /// Pairs of names (sorted) that may touch or, against the robot description, may not.
    pub allowed: BTreeMap<(String, String), bool>,
    /// Whether a name may touch what no pair speaks of.
    pub allowed_by_default: BTreeMap<String, bool>,
}

impl CheckScene {
    fn may_touch(&self, a: &str, b: &str) -> Option<bool> {
        let key = if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) };
        self.allowed.get(&key).copied().or_else(|| {
            match (self.allowed_by_default.get(a), self.allowed_by_default.get(b)) {
                (Some(&x), Some(&y)) => Some(x && y),
                (Some(&x), None) | (None, Some(&x)) => Some(x),
                (None, None) => None,
            }
        })
    }
}

/// Spheres that move together: a link, or an object on it.
struct Part {
    name: String,
    link: usize,
    spheres: Vec<Sphere>,
    bounding: Sphere,
    /// The joint of the group that moves it last; parts with the same one never move apart.
    cluster: Option<usize>,
}

/// The nearest pair of a configuration.
#[derive(Clone, Copy, Debug)]
struct Nearest {
    distance: f64,
    first: usize,
    second: Other,
}

#[derive(Clone, Copy, Debug)]
enum Other {
    Part(usize),
    Obstacle(usize),
    Nothing,
}

/// Answers whether configurations and edges of a group of joints are free.
pub struct Checker<'a> {
    body: &'a Body,
    parts: Vec<Part>,
    obstacles: Vec<Obstacle>,
    names: Vec<String>,
    part_obstacles: Vec<(usize, usize)>,
    part_pairs: Vec<(usize, usize)>,
    /// How far a point moves at most for each radian (or metre) of a joint of the state.
    reach: Vec<f64>,
    poses: Vec<Pose>,
    centres: Vec<Vec<Point3<f64>>>,
    bounding_centres: Vec<Point3<f64>>,
    intervals: VecDeque<(f64, f64)>,
}

impl<'a> Checker<'a> {
    /// Prepares the questions for the joints `moving` (indices of the state); pairs that these
    /// joints cannot move against each other are left out.
    pub fn new(body: &'a Body, scene: &CheckScene, moving: &[usize]) -> Result<Self, String> {
        let cluster = |link: usize| {
            let mut at = link;
            while let Some(joint) = body.links[at].parent_joint {
                if body.joints[joint].state.is_some_and(|state| moving.contains(&state)) {
                    return Some(joint);
                }
                at = body.joints[joint].parent;
            }
            None
        };
        let mut parts: Vec<Part> = body
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| !link.spheres.is_empty())
            .map(|(index, link)| Part {
                name: link.name.clone(),
                link: index,
                spheres: link.spheres.clone(),
                bounding: link.bounding,
                cluster: cluster(index),
            })
            .collect();
        let link_parts = parts.len();
        for held in &scene.held {
            let link = body.link_index(&held.link).ok_or_else(|| held.link.clone())?;
            let mut spheres = fill_from_inside(&held.shape);
            for sphere in &mut spheres {
                sphere.centre = held.link_from_solid * sphere.centre;
            }
            let bounding = bounding(&spheres);
            parts.push(Part {
                name: held.name.clone(),
                link,
                spheres,
                bounding,
                cluster: cluster(link),
            });
        }
        let mut names: Vec<String> = Vec::new();
        let obstacles: Vec<Obstacle> = scene
            .solids
            .iter()
            .map(|solid| {
                names.push(solid.name.clone());
                Obstacle::new(names.len() - 1, &solid.shape, &solid.root_from_solid)
            })
            .collect();

        let (mut part_obstacles, mut part_pairs) = (Vec::new(), Vec::new());
        // From the tip inwards: the tip collides most.
        for (index, part) in parts.iter().enumerate().rev() {
            if part.cluster.is_some() {
                let free =
                    |o: &Obstacle| scene.may_touch(&part.name, &names[o.name]).unwrap_or(false);
                part_obstacles.extend(
                    (0..obstacles.len()).filter(|&o| !free(&obstacles[o])).map(|o| (index, o)),
                );
            }
            for (other_index, other) in parts.iter().enumerate().take(index) {
                let said = scene.may_touch(&part.name, &other.name);
                let may_touch = if index < link_parts {
                    let described = body.disabled.contains(&ordered(part.link, other.link));
                    said.unwrap_or(described)
                } else {
                    let held = &scene.held[index - link_parts];
                    part.name == other.name
                        || held.touch_links.contains(&other.name)
                        || said == Some(true)
                };
                if part.cluster != other.cluster && !may_touch {
                    part_pairs.push((index, other_index));
                }
            }
        }
        let centres = parts.iter().map(|p| vec![Point3::origin(); p.spheres.len()]).collect();
        let bounding_centres = vec![Point3::origin(); parts.len()];
        let reach = reaches(body, &parts);
        Ok(Self {
            body,
            parts,
            obstacles,
            names,
            part_obstacles,
            part_pairs,
            reach,
            poses: Vec::new(),
            centres,
            bounding_centres,
            intervals: VecDeque::new(),
        })
    }

    /// The first pair found to overlap at this state, if any.
    pub fn touching(&mut self, state: &[f64]) -> Option<Touching> {
        let nearest = self.nearest(state);
        if nearest.distance >= 0.0 {
            return None;
        }
        let second = match nearest.second {
            Other::Part(part) => self.parts[part].name.clone(),
            Other::Obstacle(obstacle) => self.names[self.obstacles[obstacle].name].clone(),
            Other::Nothing => return None,
        };
        let first = self.parts[nearest.first].name.clone();
        Some(Touching { first, second, depth_m: -nearest.distance })
    }

    /// Whether a state is free.
    pub fn is_free(&mut self, state: &[f64]) -> bool {
        self.nearest(state).distance >= 0.0
    }

    /// Whether all states on a straight line are free. `state` is scratch that holds the joints that
    /// do not move; `group` says where the values of `a` and `b` go.
    ///
    /// A clearance at a state proves the line free as far as no point can have moved that far
    /// (conservative advancement, middle first); where clearance is too small the line is sampled
    /// at 1/256 rad.
    pub fn edge_is_free(
        &mut self,
        state: &mut [f64],
        group: &[usize],
        a: &[f64],
        b: &[f64],
    ) -> bool {
        for (&index, &value) in group.iter().zip(b) {
            state[index] = value;
        }
        if !self.is_free(state) {
            return false;
        }
        let (mut bound, mut length2) = (0.0, 0.0);
        for ((&index, a), b) in group.iter().zip(a).zip(b) {
            bound += (b - a).abs() * self.reach[index];
            length2 += (b - a) * (b - a);
        }
        let length = length2.sqrt();
        self.intervals.clear();
        self.intervals.push_back((0.5, 0.5));
        while let Some((middle, half)) = self.intervals.pop_front() {
            for ((&index, a), b) in group.iter().zip(a).zip(b) {
                state[index] = a + middle * (b - a);
            }
            let clearance = self.nearest(state).distance;
            if clearance < 0.0 {
                return false;
            }
            if clearance < bound * half && length * half > FINEST_RAD {
                self.intervals.push_back((middle - 0.5 * half, 0.5 * half));
                self.intervals.push_back((middle + 0.5 * half, 0.5 * half));
            }
        }
        true
    }

    /// Smallest distance of all pairs, or the first that is negative.
    fn nearest(&mut self, state: &[f64]) -> Nearest {
        self.body.link_poses_into(state, &mut self.poses);
        for (index, part) in self.parts.iter().enumerate() {
            let pose = &self.poses[part.link];
            self.bounding_centres[index] = pose * part.bounding.centre;
            for (centre, sphere) in self.centres[index].iter_mut().zip(&part.spheres) {
                *centre = pose * sphere.centre;
            }
        }
        let mut nearest = Nearest { distance: f64::INFINITY, first: 0, second: Other::Nothing };
        for &(part, obstacle) in &self.part_obstacles {
            self.part_to_obstacle(part, obstacle, &mut nearest);
            if nearest.distance < 0.0 {
                return nearest;
            }
        }
        for &(first, second) in &self.part_pairs {
            self.part_to_part(first, second, &mut nearest);
            if nearest.distance < 0.0 {
                return nearest;
            }
        }
        nearest
    }

    fn part_to_obstacle(&self, part: usize, obstacle: usize, nearest: &mut Nearest) {
        let solid = &self.obstacles[obstacle];
        let bounding = self.parts[part].bounding.radius;
        let centre = &self.bounding_centres[part];
        if solid.distance_at_least(centre) - bounding >= nearest.distance
            || solid.distance(centre) - bounding >= nearest.distance
        {
            return;
        }
        for (centre, sphere) in self.centres[part].iter().zip(&self.parts[part].spheres) {
            let distance = solid.distance(centre) - sphere.radius;
            if distance < nearest.distance {
                *nearest = Nearest { distance, first: part, second: Other::Obstacle(obstacle) };
            }
        }
    }

    fn part_to_part(&self, first: usize, second: usize, nearest: &mut Nearest) {
        let (a, b) = (&self.parts[first], &self.parts[second]);
        let apart = (self.bounding_centres[first] - self.bounding_centres[second]).norm();
        if apart - a.bounding.radius - b.bounding.radius >= nearest.distance {
            return;
        }
        for (p, sphere) in self.centres[first].iter().zip(&a.spheres) {
            let to_other = (p - self.bounding_centres[second]).norm();
            if to_other - sphere.radius - b.bounding.radius >= nearest.distance {
                continue;
            }
            for (q, other) in self.centres[second].iter().zip(&b.spheres) {
                let distance = (p - q).norm() - sphere.radius - other.radius;
                if distance < nearest.distance {
                    *nearest = Nearest { distance, first, second: Other::Part(second) };
                }
            }
        }
    }
}

/// For each value of the state, how far any point moves at most for each unit of it.
fn reaches(body: &Body, parts: &[Part]) -> Vec<f64> {
    // Distance from the origin of a link to its farthest point outwards, over all configurations.
    let mut outwards: Vec<f64> = vec![0.0; body.links.len()];
    for part in parts {
        let far = part.bounding.centre.coords.norm() + part.bounding.radius;
        outwards[part.link] = outwards[part.link].max(far);
    }
    let mut reach = vec![0.0; body.state_names.len()];
    for joint in body.joints.iter().rev() {
        let slide = match joint.kind {
            JointKind::Prismatic => joint.bounds.0.abs().max(joint.bounds.1.abs()),
            _ => 0.0,
        };
        if let Some(state) = joint.state {
            let unit = if joint.kind == JointKind::Prismatic { 1.0 } else { outwards[joint.child] };
            reach[state] += joint.follows.0.abs() * unit;
        }
        let through =
            joint.parent_from_joint.translation.vector.norm() + slide + outwards[joint.child];
        outwards[joint.parent] = outwards[joint.parent].max(through);
    }
    reach
}
