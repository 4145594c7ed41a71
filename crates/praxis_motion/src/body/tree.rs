use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{Point3, Translation3, UnitQuaternion, UnitVector3};
use praxis_geometry::Pose;

/// How a joint moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// Does not move.
    Fixed,
    /// Turns about its axis, between limits or for ever.
    Revolute,
    /// Slides along its axis.
    Prismatic,
}

/// A joint between two links.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyJoint {
    /// Its name.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Index of the link that it sits on.
    pub parent: usize,
    /// Index of the link that it moves.
    pub child: usize,
    /// Where it sits.
    pub parent_from_joint: Pose,
    /// Its axis, in its own frame.
    pub axis: UnitVector3<f64>,
    /// Lowest and highest position; infinite for a continuous joint.
    pub bounds: (f64, f64),
    /// Highest speed.
    pub velocity: f64,
    /// Index in the state: its own, or that of the joint that it follows.
    pub state: Option<usize>,
    /// Position = factor * state + offset.
    pub follows: (f64, f64),
}

/// A sphere on a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Centre in the frame of the link.
    pub centre: Point3<f64>,
    /// Radius in metres.
    pub radius: f64,
}

/// A sphere around spheres.
pub(crate) fn bounding(spheres: &[Sphere]) -> Sphere {
    let count = spheres.len().max(1) as f64;
    let sum: nalgebra::Vector3<f64> = spheres.iter().map(|s| s.centre.coords).sum();
    let centre = Point3::from(sum / count);
    let radius = spheres.iter().map(|s| (s.centre - centre).norm() + s.radius).fold(0.0, f64::max);
    Sphere { centre, radius }
}

/// A link with the spheres that fill its collision geometry.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyLink {
    /// Its name.
    pub name: String,
    /// The spheres.
    pub spheres: Vec<Sphere>,
    /// A sphere around them.
    pub bounding: Sphere,
    /// The joint that moves it; none for the root.
    pub parent_joint: Option<usize>,
}

/// A robot: links, joints in order from the root, groups, and pairs of links that never matter.
#[derive(Clone, Debug)]
pub struct Body {
    pub(crate) name: String,
    pub(crate) links: Vec<BodyLink>,
    pub(crate) joints: Vec<BodyJoint>,
    pub(crate) state_names: Vec<String>,
    pub(crate) groups: BTreeMap<String, Vec<usize>>,
    pub(crate) tips: BTreeMap<String, usize>,
    pub(crate) group_states: BTreeMap<(String, String), BTreeMap<String, f64>>,
    /// Pairs of links (smaller index first) that may touch.
    pub(crate) disabled: BTreeSet<(usize, usize)>,
}

impl Body {
    /// Name of the robot.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the joints that make up a state, in its order. Mimic joints follow and are not in.
    pub fn state_names(&self) -> &[String] {
        &self.state_names
    }

    /// The joint behind a value of the state.
    pub fn state_joint(&self, index: usize) -> &BodyJoint {
        let own = |joint: &&BodyJoint| {
            joint.state == Some(index) && joint.name == self.state_names[index]
        };
        self.joints.iter().find(own).expect("every state has its joint")
    }

    /// Index of a joint in the state.
    pub fn state_index(&self, joint: &str) -> Option<usize> {
        self.state_names.iter().position(|name| name == joint)
    }

    /// Every joint that can move, mimic joints included, with its position in `state`.
    pub fn moving_joints<'a>(
        &'a self,
        state: &'a [f64],
    ) -> impl Iterator<Item = (&'a str, f64)> + 'a {
        self.joints.iter().filter_map(move |joint| {
            joint.state.map(|index| {
                (joint.name.as_str(), joint.follows.0 * state[index] + joint.follows.1)
            })
        })
    }

    /// Indices in the state of the joints of a group.
    pub fn group(&self, name: &str) -> Option<&[usize]> {
        self.groups.get(name).map(Vec::as_slice)
    }

    /// Last link of a group, if it is a chain.
    pub fn tip(&self, group: &str) -> Option<&str> {
        self.tips.get(group).map(|&link| self.links[link].name.as_str())
    }

    /// Names of the groups.
    pub fn group_names(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    /// A named state of a group: joint values by name.
    pub fn group_state(&self, group: &str, state: &str) -> Option<&BTreeMap<String, f64>> {
        self.group_states.get(&(group.to_owned(), state.to_owned()))
    }

    /// Names of the links.
    pub fn link_names(&self) -> Vec<String> {
        self.links.iter().map(|link| link.name.clone()).collect()
    }

    /// Index of a link.
    pub fn link_index(&self, name: &str) -> Option<usize> {
        self.links.iter().position(|link| link.name == name)
    }

    /// Number of spheres on all links.
    pub fn sphere_count(&self) -> usize {
        self.links.iter().map(|link| link.spheres.len()).sum()
    }

    /// Poses of all links in the frame of the root, written to `poses`.
    pub fn link_poses_into(&self, state: &[f64], poses: &mut Vec<Pose>) {
        poses.resize(self.links.len(), Pose::identity());
        for joint in &self.joints {
            let position =
                joint.state.map_or(0.0, |index| joint.follows.0 * state[index] + joint.follows.1);
            poses[joint.child] = poses[joint.parent] * joint.moved(position);
        }
    }

    /// Pose of one link in the frame of the root.
    pub fn link_pose(&self, state: &[f64], link: usize) -> Pose {
        let mut pose = Pose::identity();
        let mut at = link;
        while let Some(index) = self.links[at].parent_joint {
            let joint = &self.joints[index];
            let position =
                joint.state.map_or(0.0, |index| joint.follows.0 * state[index] + joint.follows.1);
            pose = joint.moved(position) * pose;
            at = joint.parent;
        }
        pose
    }
}

impl BodyJoint {
    /// Pose of the child on the parent.
    pub fn moved(&self, position: f64) -> Pose {
        match self.kind {
            JointKind::Fixed => self.parent_from_joint,
            JointKind::Revolute => {
                self.parent_from_joint * UnitQuaternion::from_axis_angle(&self.axis, position)
            }
            JointKind::Prismatic => {
                self.parent_from_joint * Translation3::from(self.axis.into_inner() * position)
            }
        }
    }
}

impl Body {
    /// Pairs of links that the description says never matter.
    pub fn ignored_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.disabled
            .iter()
            .map(|&(a, b)| (self.links[a].name.as_str(), self.links[b].name.as_str()))
    }
}
