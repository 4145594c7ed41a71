use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use nalgebra::Vector3;
use praxis_geometry::{Pose, pose_from_xyz_rpy};
use roxmltree::{Document, Node};

use crate::error::SimError;

/// A robot as physics needs it: links with mass and collision solids, in tree order.
#[derive(Clone, Debug)]
pub struct RobotDescription {
    /// Parents before children; the first is the base.
    pub links: Vec<LinkDescription>,
    /// Pairs of links whose contact means nothing (from the SRDF).
    pub may_touch: Vec<(String, String)>,
}

/// One rigid body and the joint that it hangs on.
#[derive(Clone, Debug)]
pub struct LinkDescription {
    /// Name of the link.
    pub name: String,
    /// Index of the parent in the list of links; `None` for the base.
    pub parent: Option<usize>,
    /// Pose at joint position zero.
    pub parent_from_link: Pose,
    /// The joint between parent and link; `None` if fixed.
    pub joint: Option<JointDescription>,
    /// Mass; zero for pure frames.
    pub mass_kg: f64,
    /// Pose of the frame of the inertia tensor.
    pub link_from_inertia: Pose,
    /// Inertia about that frame: xx, yy, zz, xy, xz, yz.
    pub inertia_kgm2: [f64; 6],
    /// Collision solids.
    pub solids: Vec<Solid>,
}

/// A joint that moves.
#[derive(Clone, Debug)]
pub struct JointDescription {
    /// Name of the joint.
    pub name: String,
    /// Slides instead of turning.
    pub prismatic: bool,
    /// Axis in the link's frame.
    pub axis: Vector3<f64>,
    /// Lower and upper position limit: radians or metres.
    pub range: [f64; 2],
    /// Velocity limit: radians or metres a second.
    pub max_velocity: f64,
    /// Greatest torque or force: newton metres or newtons; infinite where none is told.
    pub max_effort: f64,
    /// The joint that this one copies, if any.
    pub mimics: Option<Mimic>,
}

/// A joint that copies another: `multiplier` times its position plus `offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mimic {
    /// The joint that is copied.
    pub joint: String,
    /// See [`Mimic`].
    pub multiplier: f64,
    /// See [`Mimic`].
    pub offset: f64,
}

/// One collision solid of a link.
#[derive(Clone, Debug)]
pub struct Solid {
    /// Pose in the link's frame.
    pub link_from_solid: Pose,
    /// What it is.
    pub shape: SolidShape,
}

/// Shape of a collision solid.
#[derive(Clone, Debug)]
pub enum SolidShape {
    /// Half edge lengths, metres.
    Box(Vector3<f64>),
    /// Along z: radius and full length, metres.
    Cylinder(f64, f64),
    /// Radius, metres.
    Sphere(f64),
    /// Mesh file whose convex hull counts, and its scale.
    Mesh(PathBuf, Vector3<f64>),
}

impl RobotDescription {
    /// Reads a URDF file and, if given, an SRDF file.
    ///
    /// Mesh files given as `package://` are looked for beside the URDF file, dropping leading
    /// folders until one is there.
    pub fn read(urdf: &Path, srdf: Option<&Path>) -> Result<Self, SimError> {
        let folder = urdf.parent().unwrap_or(Path::new("."));
        let srdf = srdf.map(read_text).transpose()?;
        Self::parse(&read_text(urdf)?, srdf.as_deref(), folder)
    }

    /// From the texts of a URDF and an SRDF, with the folder where meshes are looked for.
    pub fn parse(urdf: &str, srdf: Option<&str>, folder: &Path) -> Result<Self, SimError> {
        let document = parse_xml("robot description", urdf)?;
        let robot = document.root_element();
        let mut bodies = BTreeMap::new();
        for node in elements(robot, "link") {
            bodies.insert(text(node, "name", "a name")?.to_owned(), node);
        }

        let mut parents = BTreeMap::new();
        for node in elements(robot, "joint") {
            let parent = named_child(node, "parent")?;
            let child = named_child(node, "child")?;
            if !bodies.contains_key(parent) || !bodies.contains_key(child) {
                let reason =
                    format!("a joint goes from '{parent}' to '{child}', not both described");
                return Err(SimError::NoTree { reason });
            }
            if parents.insert(child.to_owned(), (parent.to_owned(), node)).is_some() {
                return Err(SimError::NoTree { reason: format!("'{child}' has two parents") });
            }
        }
        let links = tree_order(&bodies, &parents, folder)?;
        let may_touch = srdf.map(read_may_touch).transpose()?.unwrap_or_default();
        Ok(Self { links, may_touch })
    }

    /// The joints that move and copy no other, in tree order.
    pub fn driven_joints(&self) -> impl Iterator<Item = &JointDescription> {
        self.moving_joints().filter(|joint| joint.mimics.is_none())
    }

    /// All joints that move, in tree order.
    pub fn moving_joints(&self) -> impl Iterator<Item = &JointDescription> {
        self.links.iter().filter_map(|link| link.joint.as_ref())
    }
}

fn tree_order(
    bodies: &BTreeMap<String, Node<'_, '_>>,
    parents: &BTreeMap<String, (String, Node<'_, '_>)>,
    folder: &Path,
) -> Result<Vec<LinkDescription>, SimError> {
    let roots: Vec<&String> = bodies.keys().filter(|name| !parents.contains_key(*name)).collect();
    let [root] = roots[..] else {
        return Err(SimError::NoTree { reason: format!("roots are {roots:?}, should be one") });
    };
    let mut links: Vec<LinkDescription> = vec![read_link(root, bodies[root], None, folder)?];
    let mut next = 0;
    while next < links.len() {
        let parent_name = links[next].name.clone();
        for (child, (parent, joint)) in parents {
            if *parent == parent_name {
                links.push(read_link(child, bodies[child], Some((next, *joint)), folder)?);
            }
        }
        next += 1;
    }
    if links.len() != bodies.len() {
        let reached: BTreeSet<&String> = links.iter().map(|link| &link.name).collect();
        let lost: Vec<_> = bodies.keys().filter(|name| !reached.contains(name)).collect();
        return Err(SimError::NoTree { reason: format!("{lost:?} hang in a loop") });
    }
    Ok(links)
}

fn read_link(
    name: &str,
    node: Node<'_, '_>,
    joint: Option<(usize, Node<'_, '_>)>,
    folder: &Path,
) -> Result<LinkDescription, SimError> {
    let mut link = LinkDescription {
        name: name.to_owned(),
        parent: joint.map(|(parent, _)| parent),
        parent_from_link: joint.map_or(Ok(Pose::identity()), |(_, joint)| origin(joint))?,
        joint: joint.map_or(Ok(None), |(_, joint)| read_joint(joint))?,
        mass_kg: 0.0,
        link_from_inertia: Pose::identity(),
        inertia_kgm2: [0.0; 6],
        solids: Vec::new(),
    };
    if let Some(inertial) = child(node, "inertial") {
        link.link_from_inertia = origin(inertial)?;
        if let Some(mass) = child(inertial, "mass") {
            link.mass_kg = number(mass, "value", "a mass")?;
        }
        if let Some(tensor) = child(inertial, "inertia") {
            for (value, key) in
                link.inertia_kgm2.iter_mut().zip(["ixx", "iyy", "izz", "ixy", "ixz", "iyz"])
            {
                *value = number(tensor, key, "ixx, iyy, izz, ixy, ixz and iyz")?;
            }
        }
    }
    for collision in elements(node, "collision") {
        link.solids.push(read_solid(collision, folder)?);
    }
    Ok(link)
}

fn read_joint(node: Node<'_, '_>) -> Result<Option<JointDescription>, SimError> {
    let kind = text(node, "type", "a type")?;
    if kind == "fixed" {
        return Ok(None);
    }
    if !["revolute", "continuous", "prismatic"].contains(&kind) {
        return Err(missing(node, "type fixed, revolute, continuous or prismatic"));
    }
    let axis = child(node, "axis").map_or(Ok(Vector3::x()), |axis| vector(axis, "xyz"))?;
    let limit = child(node, "limit").ok_or_else(|| missing(node, "a <limit>"))?;
    let range = if kind == "continuous" {
        [-f64::INFINITY, f64::INFINITY]
    } else {
        [number(limit, "lower", "lower")?, number(limit, "upper", "upper")?]
    };
    Ok(Some(JointDescription {
        name: text(node, "name", "a name")?.to_owned(),
        prismatic: kind == "prismatic",
        axis: axis.try_normalize(1e-9).ok_or_else(|| missing(node, "an axis that is not zero"))?,
        range,
        max_velocity: number(limit, "velocity", "velocity")?,
        // Many descriptions write 0 where nothing is known.
        max_effort: match number(limit, "effort", "effort")? {
            effort if effort > 0.0 => effort,
            _ => f64::INFINITY,
        },
        mimics: child(node, "mimic").map(read_mimic).transpose()?,
    }))
}

fn read_mimic(node: Node<'_, '_>) -> Result<Mimic, SimError> {
    let or = |key, default: f64| match node.attribute(key) {
        Some(_) => number(node, key, "a number"),
        None => Ok(default),
    };
    Ok(Mimic {
        joint: text(node, "joint", "a joint")?.to_owned(),
        multiplier: or("multiplier", 1.0)?,
        offset: or("offset", 0.0)?,
    })
}

fn read_solid(node: Node<'_, '_>, folder: &Path) -> Result<Solid, SimError> {
    let geometry = child(node, "geometry").ok_or_else(|| missing(node, "a <geometry>"))?;
    let solid = geometry
        .children()
        .find(Node::is_element)
        .ok_or_else(|| missing(geometry, "a box, cylinder, sphere or mesh"))?;
    let shape = match solid.tag_name().name() {
        "box" => SolidShape::Box(0.5 * vector(solid, "size")?),
        "cylinder" => SolidShape::Cylinder(
            number(solid, "radius", "radius")?,
            number(solid, "length", "length")?,
        ),
        "sphere" => SolidShape::Sphere(number(solid, "radius", "radius")?),
        "mesh" => {
            let uri = text(solid, "filename", "a filename")?;
            let scale = match solid.attribute("scale") {
                Some(_) => vector(solid, "scale")?,
                None => Vector3::repeat(1.0),
            };
            SolidShape::Mesh(find_mesh(uri, folder)?, scale)
        }
        _ => return Err(missing(geometry, "a box, cylinder, sphere or mesh")),
    };
    Ok(Solid { link_from_solid: origin(node)?, shape })
}

fn find_mesh(uri: &str, folder: &Path) -> Result<PathBuf, SimError> {
    let path = uri.strip_prefix("package://").or(uri.strip_prefix("file://")).unwrap_or(uri);
    let mut tried = vec![PathBuf::from(path)];
    let parts: Vec<_> = Path::new(path).components().collect();
    for base in [Some(folder), folder.parent()].into_iter().flatten() {
        for dropped in 0..parts.len() {
            tried.push(base.join(parts[dropped..].iter().collect::<PathBuf>()));
        }
    }
    if let Some(found) = tried.iter().find(|path| path.is_file()) {
        return Ok(std::path::absolute(found).unwrap_or_else(|_| found.clone()));
    }
    Err(SimError::NoMesh { uri: uri.to_owned(), tried })
}

fn read_may_touch(srdf: &str) -> Result<Vec<(String, String)>, SimError> {
    let document = parse_xml("semantic robot description", srdf)?;
    elements(document.root_element(), "disable_collisions")
        .map(|node| {
            Ok((text(node, "link1", "link1")?.to_owned(), text(node, "link2", "link2")?.to_owned()))
        })
        .collect()
}

fn read_text(path: &Path) -> Result<String, SimError> {
    std::fs::read_to_string(path)
        .map_err(|source| SimError::Unreadable { path: path.to_owned(), source })
}

fn parse_xml<'t>(what: &'static str, text: &'t str) -> Result<Document<'t>, SimError> {
    Document::parse(text).map_err(|source| SimError::Xml { what, source })
}

fn elements<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.has_tag_name(name))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn named_child<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str, SimError> {
    let link = child(node, name).ok_or_else(|| missing(node, "a <parent> and a <child>"))?;
    text(link, "link", "a link")
}

fn missing(node: Node<'_, '_>, expected: &'static str) -> SimError {
    let line = node.document().text_pos_at(node.range().start).row;
    SimError::Attribute { line, element: node.tag_name().name().to_owned(), expected }
}

fn text<'a>(node: Node<'a, '_>, key: &str, expected: &'static str) -> Result<&'a str, SimError> {
    node.attribute(key).ok_or_else(|| missing(node, expected))
}

fn number(node: Node<'_, '_>, key: &str, expected: &'static str) -> Result<f64, SimError> {
    text(node, key, expected)?
        .trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| missing(node, expected))
}

fn vector(node: Node<'_, '_>, key: &str) -> Result<Vector3<f64>, SimError> {
    let expected = "three finite numbers";
    let values: Vec<f64> = text(node, key, expected)?
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match values[..] {
        [x, y, z] if values.iter().all(|value| value.is_finite()) => Ok(Vector3::new(x, y, z)),
        _ => Err(missing(node, expected)),
    }
}

fn origin(node: Node<'_, '_>) -> Result<Pose, SimError> {
    let Some(origin) = child(node, "origin") else { return Ok(Pose::identity()) };
    let or_zero = |key| match origin.attribute(key) {
        Some(_) => vector(origin, key),
        None => Ok(Vector3::zeros()),
    };
    Ok(pose_from_xyz_rpy(or_zero("xyz")?.into(), or_zero("rpy")?.into()))
}
