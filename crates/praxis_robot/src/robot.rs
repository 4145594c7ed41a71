use std::collections::BTreeSet;
use std::path::PathBuf;

use nalgebra::{Matrix3, Point3, Unit, Vector3};
use praxis_geometry::{Pose, Shape};

use crate::error::RobotError;
use crate::sphere_cache::{cached_cover, sphere_cache_folder};
use crate::{srdf, urdf};

/// How a joint moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// Turns between limits.
    Revolute,
    /// Turns without end.
    Continuous,
    /// Slides.
    Prismatic,
}

/// A joint that moves on its own: one variable of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Its name.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Least position, radians or metres; minus infinity for continuous joints.
    pub lower: f64,
    /// Greatest position; infinity for continuous joints.
    pub upper: f64,
    /// Greatest velocity, per second.
    pub velocity: f64,
    /// Greatest torque or force.
    pub effort: f64,
}

/// A joint that copies another.
#[derive(Clone, Debug, PartialEq)]
pub struct Mimic {
    /// Its name.
    pub name: String,
    /// Index of the joint it copies.
    pub of: usize,
    /// Position is `multiplier` times that of the other, plus `offset`.
    pub multiplier: f64,
    /// See `multiplier`.
    pub offset: f64,
}

/// A rigid body.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Index of the link it hangs on; `None` for the root.
    pub parent: Option<usize>,
    /// Where the joint above sits in the parent link.
    pub parent_from_joint: Pose,
    /// How the joint above moves this link.
    pub motion: Motion,
    /// Collision solids and where they sit in the link.
    pub collision: Vec<(Shape, Pose)>,
    /// Mass and how it is spread; nothing where the file does not say.
    pub inertia: Inertia,
}

/// Mass of a link and how it is spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inertia {
    /// Mass, kilograms.
    pub mass_kg: f64,
    /// Centre of mass in the link's frame, metres.
    pub centre: Point3<f64>,
    /// Moments about the centre of mass along the link's axes, kilogram metres squared.
    pub about_centre: Matrix3<f64>,
}

impl Inertia {
    /// No mass at all.
    pub const NONE: Self = Self {
        mass_kg: 0.0,
        centre: Point3::new(0.0, 0.0, 0.0),
        about_centre: Matrix3::new(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    };
}

/// How the joint above a link moves it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// Not at all.
    Fixed,
    /// Turns about an axis through the joint's origin.
    Turn {
        /// The axis, in the joint's frame.
        axis: Unit<Vector3<f64>>,
        /// The angle.
        variable: Variable,
    },
    /// Slides along an axis.
    Slide {
        /// The axis, in the joint's frame.
        axis: Unit<Vector3<f64>>,
        /// The way.
        variable: Variable,
    },
}

/// Position of a joint as a function of the state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variable {
    /// Index of the joint in the state.
    pub index: usize,
    /// Position is `multiplier` times the joint's plus `offset`.
    pub multiplier: f64,
    /// See `multiplier`.
    pub offset: f64,
}

impl Variable {
    /// Position at a state.
    pub fn value(&self, q: &[f64]) -> f64 {
        self.multiplier * q[self.index] + self.offset
    }
}

/// A sphere of a link's cover.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkSphere {
    /// Index of the link.
    pub link: usize,
    /// Centre in the link's frame.
    pub centre: Point3<f64>,
    /// Radius, metres.
    pub radius_m: f64,
}

/// Joints that are planned together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Indices of its joints, base first.
    pub joints: Vec<usize>,
    /// Index of the link at its end.
    pub tip_link: usize,
    /// Named positions: joint index and value.
    pub states: Vec<(String, Vec<(usize, f64)>)>,
}

/// A group that grips, and the link it is mounted on.
#[derive(Clone, Debug, PartialEq)]
pub struct EndEffector {
    /// Its name.
    pub name: String,
    /// The group that moves it.
    pub group: String,
    /// The link it is mounted on.
    pub parent_link: String,
}

/// A robot, checked: every index in it is valid, every limit is finite or deliberately infinite.
#[derive(Clone, Debug)]
pub struct Robot {
    pub(crate) name: String,
    pub(crate) links: Vec<Link>,
    pub(crate) joints: Vec<Joint>,
    pub(crate) mimics: Vec<Mimic>,
    pub(crate) groups: Vec<Group>,
    pub(crate) end_effectors: Vec<EndEffector>,
    pub(crate) spheres: Vec<LinkSphere>,
    /// Links whose spheres the SRDF tells.
    pub(crate) told_spheres: BTreeSet<usize>,
    pub(crate) unchecked: BTreeSet<(usize, usize)>,
    pub(crate) passive: BTreeSet<usize>,
}

/// How a robot is read.
#[derive(Clone, Debug, PartialEq)]
pub struct RobotOptions {
    /// Whether the SRDF's planar or floating virtual joint becomes variables of the state (a
    /// mobile base); otherwise the base stays where it is.
    pub moving_base: bool,
    /// Folder that keeps fitted spheres between runs; it is made when it is missing, and what
    /// cannot be read or written there is fitted again.
    pub sphere_cache: Option<PathBuf>,
}

impl Default for RobotOptions {
    /// A fixed base; spheres are kept where [`sphere_cache_folder`] says.
    fn default() -> Self {
        Self { moving_base: false, sphere_cache: sphere_cache_folder() }
    }
}

impl Robot {
    /// Reads URDF and SRDF with the default [`RobotOptions`].
    pub fn from_strings(urdf: &str, srdf: Option<&str>) -> Result<Self, RobotError> {
        Self::load(urdf, srdf, &RobotOptions::default())
    }

    /// Reads URDF and SRDF. Link spheres are taken from the SRDF where it tells them
    /// (`<link_sphere_approximation>`), from the URDF where its collision geometry is spheres, and
    /// are fitted otherwise. Links that a joint connects are never checked against each
    /// other, nor are pairs that the SRDF disables.
    ///
    /// A planar joint becomes the variables `<joint>/x`, `/y` (in the plane across its axis) and
    /// `/theta`; a floating one `/trans_x`, `/trans_y`, `/trans_z`, `/yaw`, `/pitch`, `/roll`.
    pub fn load(
        urdf: &str,
        srdf: Option<&str>,
        options: &RobotOptions,
    ) -> Result<Self, RobotError> {
        let base = match srdf {
            Some(text) if options.moving_base => srdf::virtual_joint(text)?,
            _ => None,
        };
        let mut robot = urdf::read(urdf, base)?;
        for link in 0..robot.links.len() {
            if let Some(parent) = robot.solid_ancestor(link) {
                robot.unchecked.insert((parent.min(link), parent.max(link)));
            }
        }
        if let Some(text) = srdf {
            srdf::read(text, &mut robot)?;
        }
        for (index, link) in robot.links.iter().enumerate() {
            if robot.told_spheres.contains(&index) {
                continue;
            }
            let cover = cached_cover(&link.collision, options.sphere_cache.as_deref());
            robot.spheres.extend(cover.into_iter().map(|(centre, radius_m)| LinkSphere {
                link: index,
                centre,
                radius_m,
            }));
        }
        robot.spheres.sort_by_key(|sphere| sphere.link);
        Ok(robot)
    }

    /// The nearest link above with collision geometry: pure frames between do not separate two
    /// bodies.
    fn solid_ancestor(&self, link: usize) -> Option<usize> {
        let mut above = self.links[link].parent;
        while let Some(parent) = above
            && self.links[parent].collision.is_empty()
        {
            above = self.links[parent].parent;
        }
        above
    }

    /// The robot's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the link that all others hang on; poses are told in its frame.
    pub fn root_link(&self) -> &str {
        &self.links[0].name
    }

    /// The links, parents before children.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The joints that move on their own, in tree order: the variables of a state.
    pub fn joints(&self) -> &[Joint] {
        &self.joints
    }

    /// The joints that copy others.
    pub fn mimics(&self) -> &[Mimic] {
        &self.mimics
    }

    /// The planning groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The end effectors.
    pub fn end_effectors(&self) -> &[EndEffector] {
        &self.end_effectors
    }

    /// Whether a link's spheres are the SRDF's, not fitted ones.
    pub fn spheres_are_told(&self, link: usize) -> bool {
        self.told_spheres.contains(&link)
    }

    /// Spheres that cover the collision solids.
    pub fn spheres(&self) -> &[LinkSphere] {
        &self.spheres
    }

    /// Whether two links must not touch.
    pub fn pair_is_checked(&self, a: usize, b: usize) -> bool {
        a != b && !self.unchecked.contains(&(a.min(b), a.max(b)))
    }

    /// Lets two links touch from now on.
    pub fn allow_pair(&mut self, a: usize, b: usize) {
        self.unchecked.insert((a.min(b), a.max(b)));
    }

    /// Whether a joint is moved by something else than its own motor (the SRDF's passive joints);
    /// such joints belong to no group.
    pub fn is_passive(&self, joint: usize) -> bool {
        self.passive.contains(&joint)
    }

    /// Index of a joint.
    pub fn joint_index(&self, name: &str) -> Result<usize, RobotError> {
        self.joints.iter().position(|joint| joint.name == name).ok_or_else(|| {
            unknown("joint", name, self.joints.iter().map(|joint| joint.name.clone()))
        })
    }

    /// Index of a link.
    pub fn link_index(&self, name: &str) -> Result<usize, RobotError> {
        self.links
            .iter()
            .position(|link| link.name == name)
            .ok_or_else(|| unknown("link", name, self.links.iter().map(|link| link.name.clone())))
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Result<&Group, RobotError> {
        self.groups.iter().find(|group| group.name == name).ok_or_else(|| {
            unknown("group", name, self.groups.iter().map(|group| group.name.clone()))
        })
    }

    /// Zero for every joint, or the limit nearest to zero.
    pub fn neutral(&self) -> Vec<f64> {
        self.joints.iter().map(|joint| 0.0_f64.clamp(joint.lower, joint.upper)).collect()
    }
}

fn unknown(what: &'static str, name: &str, known: impl Iterator<Item = String>) -> RobotError {
    RobotError::Unknown { what, name: name.to_owned(), known: known.collect() }
}
