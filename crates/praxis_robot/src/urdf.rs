use std::collections::{BTreeSet, HashMap};

use nalgebra::{Matrix3, Point3, Unit, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape, pose_from_xyz_rpy};
use roxmltree::{Document, Node};

use crate::error::RobotError;
use crate::mesh_file;
use crate::robot::{Inertia, Joint, JointKind, Link, Mimic, Motion, Robot, Variable};

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
pub(crate) enum RawKind {
    Fixed,
    Moving(JointKind),
    Planar,
    Floating,
}

/// A joint that an SRDF puts between the world and the robot.
pub(crate) struct VirtualJoint {
    pub(crate) name: String,
    pub(crate) kind: RawKind,
    pub(crate) parent_frame: String,
    pub(crate) child_link: String,
}

/// What a link consists of.
type Body = (Vec<(Shape, Pose)>, Inertia);

/// Reads links and joints; groups, pairs and spheres are filled in later.
pub(crate) fn read(text: &str, base: Option<VirtualJoint>) -> Result<Robot, RobotError> {
    let document =
        Document::parse(text).map_err(|source| RobotError::Xml { what: WHAT, source })?;
    let root = document.root_element();
    if root.tag_name().name() != "robot" {
        return Err(at(&root, "is not <robot>"));
    }
    let mut solids: HashMap<String, Body> = HashMap::new();
    let mut order = Vec::new();
    for node in children(&root, "link") {
        let name = attribute(&node, "name")?.to_owned();
        let body = (collision_of(&node, &name)?, inertia_of(&node, &name)?);
        if solids.insert(name.clone(), body).is_some() {
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
        told_spheres: BTreeSet::new(),
        unchecked: BTreeSet::new(),
        passive: BTreeSet::new(),
    };
    let mut waiting = Vec::new();
    let above = base.map(|base| mount(&mut robot, root_link, &order, base)).transpose()?;
    grow(&mut robot, root_link, above, &mut by_parent, &mut solids, &mut waiting);
    if !solids.is_empty() {
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
    solids: &mut HashMap<String, Body>,
    waiting: &mut Vec<(usize, RawJoint)>,
) {
    let (collision, inertia) = solids.remove(link).unwrap_or((Vec::new(), Inertia::NONE));
    let mut entry = Link {
        name: link.to_owned(),
        parent: above.as_ref().map(|(parent, _)| *parent),
        parent_from_joint: above.as_ref().map_or(Pose::identity(), |(_, j)| j.parent_from_joint),
        motion: Motion::Fixed,
        collision,
        inertia,
    };
    if let Some((_, joint)) = above {
        if joint.mimic.is_some() {
            waiting.push((robot.links.len(), joint));
        } else {
            add_joint(robot, &mut entry, &joint);
        }
    }
    let index = robot.links.len();
    robot.links.push(entry);
    for joint in by_parent.remove(link).unwrap_or_default() {
        let child = joint.child.clone();
        grow(robot, &child, Some((index, joint)), by_parent, solids, waiting);
    }
}

/// The world below a virtual joint, and the joint as a file would have it.
fn mount(
    robot: &mut Robot,
    root_link: &str,
    links: &[String],
    base: VirtualJoint,
) -> Result<(usize, RawJoint), RobotError> {
    let problem = if base.child_link != root_link {
        Some(format!("carries '{}', but the root link is '{root_link}'", base.child_link))
    } else if links.contains(&base.parent_frame) {
        Some(format!("stands on '{}', which is a link of the robot", base.parent_frame))
    } else {
        None
    };
    if let Some(problem) = problem {
        let problem = format!("virtual joint '{}' {problem}", base.name);
        return Err(RobotError::NotATree { problem });
    }
    robot.links.push(frame_only(base.parent_frame, None, Pose::identity()));
    let joint = RawJoint {
        name: base.name,
        kind: base.kind,
        child: base.child_link,
        parent_from_joint: Pose::identity(),
        axis: Vector3::z_axis(),
        limits: [f64::NEG_INFINITY, f64::INFINITY, 1.0, 0.0],
        mimic: None,
    };
    Ok((0, joint))
}

fn frame_only(name: String, parent: Option<usize>, parent_from_joint: Pose) -> Link {
    let (motion, collision, inertia) = (Motion::Fixed, Vec::new(), Inertia::NONE);
    Link { name, parent, parent_from_joint, motion, collision, inertia }
}

/// Gives a link its joint; one of several freedoms becomes a chain of links without bodies.
fn add_joint(robot: &mut Robot, entry: &mut Link, joint: &RawJoint) {
    let [lower, upper, velocity, effort] = joint.limits;
    let steps = freedoms(joint);
    let last = steps.len().saturating_sub(1);
    for (step, (suffix, kind, axis)) in steps.into_iter().enumerate() {
        let variable = Variable { index: robot.joints.len(), multiplier: 1.0, offset: 0.0 };
        let name = format!("{}{suffix}", joint.name);
        let motion = motion(kind, axis, variable);
        robot.joints.push(Joint { name: name.clone(), kind, lower, upper, velocity, effort });
        if step == last {
            entry.motion = motion;
            return;
        }
        let between = frame_only(name, entry.parent, entry.parent_from_joint);
        robot.links.push(Link { motion, ..between });
        entry.parent = Some(robot.links.len() - 1);
        entry.parent_from_joint = Pose::identity();
    }
}

/// The joints of one freedom that a joint consists of, and what is added to its name.
fn freedoms(joint: &RawJoint) -> Vec<(&'static str, JointKind, Unit<Vector3<f64>>)> {
    use JointKind::{Continuous, Prismatic};
    let [x, y, z] = [Vector3::x_axis(), Vector3::y_axis(), Vector3::z_axis()];
    match joint.kind {
        RawKind::Fixed => Vec::new(),
        RawKind::Moving(kind) => vec![("", kind, joint.axis)],
        RawKind::Planar => {
            let turn = UnitQuaternion::rotation_between_axis(&z, &joint.axis)
                .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&x, std::f64::consts::PI));
            vec![
                ("/x", Prismatic, turn * x),
                ("/y", Prismatic, turn * y),
                ("/theta", Continuous, joint.axis),
            ]
        }
        RawKind::Floating => vec![
            ("/trans_x", Prismatic, x),
            ("/trans_y", Prismatic, y),
            ("/trans_z", Prismatic, z),
            ("/yaw", Continuous, z),
            ("/pitch", Continuous, y),
            ("/roll", Continuous, x),
        ],
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
        "planar" => RawKind::Planar,
        "floating" => RawKind::Floating,
        other => {
            let problem = format!(
                "'{name}' has type '{other}'; known are fixed, revolute, continuous, prismatic, \
                 planar, floating"
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
    // A joint that is held fixed in one variant of a robot still tells what it would copy.
    let element = child(node, "mimic").filter(|_| matches!(kind, RawKind::Moving(_)));
    let mimic = match element {
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
        RawKind::Moving(JointKind::Continuous) | RawKind::Planar | RawKind::Floating => {
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

fn inertia_of(link: &Node<'_, '_>, name: &str) -> Result<Inertia, RobotError> {
    let Some(node) = child(link, "inertial") else { return Ok(Inertia::NONE) };
    let place = origin(&node)?;
    let mass_kg = match child(&node, "mass") {
        Some(element) => number(&element, "value")?.unwrap_or(0.0),
        None => 0.0,
    };
    if mass_kg < 0.0 {
        return Err(at(&node, format!("of link '{name}' has a mass of {mass_kg} kg")));
    }
    let about_centre = match child(&node, "inertia") {
        Some(element) => {
            let read = |key| Ok::<_, RobotError>(number(&element, key)?.unwrap_or(0.0));
            let (xy, xz, yz) = (read("ixy")?, read("ixz")?, read("iyz")?);
            let (xx, yy, zz) = (read("ixx")?, read("iyy")?, read("izz")?);
            Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz)
        }
        None => Matrix3::zeros(),
    };
    let turn = place.rotation.to_rotation_matrix().into_inner();
    Ok(Inertia {
        mass_kg,
        centre: Point3::from(place.translation.vector),
        about_centre: turn * about_centre * turn.transpose(),
    })
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
