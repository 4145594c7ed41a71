use std::collections::{BTreeSet, HashMap};

use nalgebra::{Unit, Vector3};
use praxis_geometry::{Pose, Shape, pose_from_xyz_rpy};
use roxmltree::{Document, Node};

use crate::error::RobotError;
use crate::mesh_file;
use crate::robot::{Joint, JointKind, Link, Mimic, Motion, Robot, Variable};

const WHAT: &str = "URDF";

struct RawJoint {
    name: String,
    kind: RawKind,
    child: String,
    parent_from_joint: Pose,
    axis: Unit<Vector3<f64>>,
    limits: [f64; 4],
    mimic: Option<(String, f64, f64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum RawKind {
    Fixed,
    Moving(JointKind),
}

/// Reads links and joints; groups, pairs and spheres are filled in later.
pub(crate) fn read(text: &str) -> Result<Robot, RobotError> {
    let document =
        Document::parse(text).map_err(|source| RobotError::Xml { what: WHAT, source })?;
    let root = document.root_element();
    if root.tag_name().name() != "robot" {
        return Err(at(&root, "is not <robot>"));
    }
    let mut solids: HashMap<String, Vec<(Shape, Pose)>> = HashMap::new();
    let mut order = Vec::new();
    for node in children(&root, "link") {
        let name = attribute(&node, "name")?.to_owned();
        let collision = collision_of(&node, &name)?;
        if solids.insert(name.clone(), collision).is_some() {
            return Err(at(&node, format!("'{name}' stands twice")));
        }
        order.push(name);
    }
    let mut by_parent: HashMap<String, Vec<RawJoint>> = HashMap::new();
    let mut with_parent = BTreeSet::new();
    let mut names = BTreeSet::new();
    for node in children(&root, "joint") {
        let (parent, joint) = joint_of(&node)?;
        for link in [&parent, &joint.child] {
            if !solids.contains_key(link) {
                return Err(at(
                    &node,
                    format!("'{}' names link '{link}', which is missing", joint.name),
                ));
            }
        }
        if !with_parent.insert(joint.child.clone()) {
            return Err(at(
                &node,
                format!("'{}' is a second parent of '{}'", joint.name, joint.child),
            ));
        }
        if !names.insert(joint.name.clone()) {
            return Err(at(&node, format!("'{}' stands twice", joint.name)));
        }
        by_parent.entry(parent).or_default().push(joint);
    }
    let roots: Vec<&String> = order.iter().filter(|link| !with_parent.contains(*link)).collect();
    let [root_link] = roots[..] else {
        return Err(RobotError::NotATree { problem: format!("links without a parent: {roots:?}") });
    };

    let mut robot = Robot {
        name: root.attribute("name").unwrap_or("robot").to_owned(),
        links: Vec::new(),
        joints: Vec::new(),
        mimics: Vec::new(),
        groups: Vec::new(),
        end_effectors: Vec::new(),
        spheres: Vec::new(),
        unchecked: BTreeSet::new(),
    };
    let mut waiting = Vec::new();
    grow(&mut robot, root_link, None, &mut by_parent, &mut solids, &mut waiting);
    if robot.links.len() != order.len() {
        return Err(RobotError::NotATree { problem: "some links form a loop".to_owned() });
    }
    for (link, joint) in waiting {
        copy_joint(&mut robot, link, &joint)?;
    }
    Ok(robot)
}

/// Adds a link and all below it, depth first; joints that mimic wait until all others are known.
fn grow(
    robot: &mut Robot,
    link: &str,
    above: Option<(usize, RawJoint)>,
    by_parent: &mut HashMap<String, Vec<RawJoint>>,
    solids: &mut HashMap<String, Vec<(Shape, Pose)>>,
    waiting: &mut Vec<(usize, RawJoint)>,
) {
    let index = robot.links.len();
    let mut entry = Link {
        name: link.to_owned(),
        parent: above.as_ref().map(|(parent, _)| *parent),
        parent_from_joint: above.as_ref().map_or(Pose::identity(), |(_, j)| j.parent_from_joint),
        motion: Motion::Fixed,
        collision: solids.remove(link).unwrap_or_default(),
    };
    if let Some((_, joint)) = above
        && let RawKind::Moving(kind) = joint.kind
    {
        if joint.mimic.is_some() {
            waiting.push((index, joint));
        } else {
            let variable = Variable { index: robot.joints.len(), multiplier: 1.0, offset: 0.0 };
            entry.motion = motion(kind, joint.axis, variable);
            let [lower, upper, velocity, effort] = joint.limits;
            robot.joints.push(Joint { name: joint.name, kind, lower, upper, velocity, effort });
        }
    }
    robot.links.push(entry);
    for joint in by_parent.remove(link).unwrap_or_default() {
        let child = joint.child.clone();
        grow(robot, &child, Some((index, joint)), by_parent, solids, waiting);
    }
}

fn copy_joint(robot: &mut Robot, link: usize, joint: &RawJoint) -> Result<(), RobotError> {
    let Some((of, multiplier, offset)) = joint.mimic.clone() else { return Ok(()) };
    let index = robot.joint_index(&of)?;
    if let RawKind::Moving(kind) = joint.kind {
        robot.links[link].motion = motion(kind, joint.axis, Variable { index, multiplier, offset });
    }
    robot.mimics.push(Mimic { name: joint.name.clone(), of: index, multiplier, offset });
    Ok(())
}

fn motion(kind: JointKind, axis: Unit<Vector3<f64>>, variable: Variable) -> Motion {
    match kind {
        JointKind::Prismatic => Motion::Slide { axis, variable },
        JointKind::Revolute | JointKind::Continuous => Motion::Turn { axis, variable },
    }
}

fn joint_of(node: &Node<'_, '_>) -> Result<(String, RawJoint), RobotError> {
    let name = attribute(node, "name")?.to_owned();
    let kind = match attribute(node, "type")? {
        "fixed" => RawKind::Fixed,
        "revolute" => RawKind::Moving(JointKind::Revolute),
        "continuous" => RawKind::Moving(JointKind::Continuous),
        "prismatic" => RawKind::Moving(JointKind::Prismatic),
        other => {
            let problem = format!(
                "'{name}' has type '{other}'; known are fixed, revolute, continuous, prismatic"
            );
            return Err(at(node, problem));
        }
    };
    let link = |tag: &str| -> Result<String, RobotError> {
        let element =
            child(node, tag).ok_or_else(|| at(node, format!("'{name}' has no <{tag}>")))?;
        Ok(attribute(&element, "link")?.to_owned())
    };
    let parent_from_joint = origin(node)?;
    let axis = match child(node, "axis") {
        // Files often give fixed joints an axis of zeros.
        Some(element) if kind != RawKind::Fixed => {
            triple(&element, "xyz")?.unwrap_or([1.0, 0.0, 0.0])
        }
        _ => [1.0, 0.0, 0.0],
    };
    let axis = Unit::try_new(Vector3::from(axis), 1e-9)
        .ok_or_else(|| at(node, format!("'{name}' has an axis of length zero")))?;
    let limits = limits_of(node, &name, kind)?;
    let mimic = match child(node, "mimic") {
        Some(element) => Some((
            attribute(&element, "joint")?.to_owned(),
            number(&element, "multiplier")?.unwrap_or(1.0),
            number(&element, "offset")?.unwrap_or(0.0),
        )),
        None => None,
    };
    let (parent, child) = (link("parent")?, link("child")?);
    Ok((parent, RawJoint { name, kind, child, parent_from_joint, axis, limits, mimic }))
}

/// Lower, upper, velocity, effort.
fn limits_of(node: &Node<'_, '_>, name: &str, kind: RawKind) -> Result<[f64; 4], RobotError> {
    let element = child(node, "limit");
    let read = |key: &str| match &element {
        Some(element) => number(element, key),
        None => Ok(None),
    };
    let velocity = read("velocity")?.unwrap_or(1.0).abs();
    let effort = read("effort")?.unwrap_or(0.0).abs();
    match kind {
        RawKind::Fixed => Ok([0.0; 4]),
        RawKind::Moving(JointKind::Continuous) => {
            Ok([f64::NEG_INFINITY, f64::INFINITY, velocity, effort])
        }
        RawKind::Moving(_) => {
            let (lower, upper) = (read("lower")?.unwrap_or(0.0), read("upper")?.unwrap_or(0.0));
            if lower > upper || element.is_none() {
                let problem = format!("'{name}' needs a <limit> with lower <= upper");
                return Err(at(node, problem));
            }
            Ok([lower, upper, velocity, effort])
        }
    }
}

fn collision_of(link: &Node<'_, '_>, name: &str) -> Result<Vec<(Shape, Pose)>, RobotError> {
    children(link, "collision")
        .map(|node| {
            let geometry = child(&node, "geometry")
                .and_then(|geometry| geometry.children().find(Node::is_element))
                .ok_or_else(|| at(&node, format!("of link '{name}' has no geometry")))?;
            Ok((shape_of(&geometry, name)?, origin(&node)?))
        })
        .collect()
}

fn shape_of(node: &Node<'_, '_>, link: &str) -> Result<Shape, RobotError> {
    let length = |key: &str| -> Result<f64, RobotError> {
        match number(node, key)? {
            Some(value) if value > 0.0 => Ok(value),
            _ => Err(at(node, format!("of link '{link}' needs {key} > 0"))),
        }
    };
    match node.tag_name().name() {
        "sphere" => Ok(Shape::Sphere { radius_m: length("radius")? }),
        "cylinder" => {
            Ok(Shape::Cylinder { radius_m: length("radius")?, length_m: length("length")? })
        }
        "capsule" => {
            Ok(Shape::Capsule { radius_m: length("radius")?, length_m: length("length")? })
        }
        "box" => {
            let size = triple(node, "size")?
                .filter(|size| size.iter().all(|edge| *edge > 0.0))
                .ok_or_else(|| at(node, format!("of link '{link}' needs a size of three edges")))?;
            Ok(Shape::Box { half_extents_m: 0.5 * Vector3::from(size) })
        }
        "mesh" => {
            let scale = triple(node, "scale")?.unwrap_or([1.0; 3]);
            mesh_file::load(attribute(node, "filename")?, scale, link).map(Shape::Mesh)
        }
        other => Err(at(node, format!("of link '{link}' is no known geometry ({other})"))),
    }
}

fn origin(node: &Node<'_, '_>) -> Result<Pose, RobotError> {
    match child(node, "origin") {
        Some(element) => Ok(pose_from_xyz_rpy(
            triple(&element, "xyz")?.unwrap_or_default(),
            triple(&element, "rpy")?.unwrap_or_default(),
        )),
        None => Ok(Pose::identity()),
    }
}

pub(crate) fn children<'a, 'input>(
    node: &Node<'a, 'input>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> + use<'a, 'input> {
    node.children().filter(move |child| child.has_tag_name(tag))
}

fn child<'a, 'input>(node: &Node<'a, 'input>, tag: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(tag))
}

fn attribute<'a>(node: &Node<'a, '_>, key: &str) -> Result<&'a str, RobotError> {
    node.attribute(key).ok_or_else(|| at(node, format!("has no attribute '{key}'")))
}

fn number(node: &Node<'_, '_>, key: &str) -> Result<Option<f64>, RobotError> {
    let Some(text) = node.attribute(key) else { return Ok(None) };
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        _ => Err(at(node, format!("has {key}=\"{text}\", which is no finite number"))),
    }
}

fn triple(node: &Node<'_, '_>, key: &str) -> Result<Option<[f64; 3]>, RobotError> {
    let Some(text) = node.attribute(key) else { return Ok(None) };
    let values: Vec<f64> = text.split_whitespace().filter_map(|part| part.parse().ok()).collect();
    match <[f64; 3]>::try_from(values) {
        Ok(values) if values.iter().all(|value| value.is_finite()) => Ok(Some(values)),
        _ => Err(at(node, format!("has {key}=\"{text}\", which is not three finite numbers"))),
    }
}

fn at(node: &Node<'_, '_>, problem: impl Into<String>) -> RobotError {
    element_error(WHAT, node, problem)
}

pub(crate) fn element_error(
    what: &'static str,
    node: &Node<'_, '_>,
    problem: impl Into<String>,
) -> RobotError {
    RobotError::Element {
        what,
        line: node.document().text_pos_at(node.range().start).row,
        element: node.tag_name().name().to_owned(),
        problem: problem.into(),
    }
}
