use nalgebra::Point3;
use roxmltree::{Document, Node};

use crate::error::RobotError;
use crate::robot::{EndEffector, Group, LinkSphere, Robot};
use crate::urdf::{RawKind, VirtualJoint, children, element_error};

const WHAT: &str = "SRDF";

/// The joint that carries the whole robot, unless it is fixed.
pub(crate) fn virtual_joint(text: &str) -> Result<Option<VirtualJoint>, RobotError> {
    let document =
        Document::parse(text).map_err(|source| RobotError::Xml { what: WHAT, source })?;
    for node in children(&document.root_element(), "virtual_joint") {
        let kind = match attribute(&node, "type")? {
            "fixed" => continue,
            "planar" => RawKind::Planar,
            "floating" => RawKind::Floating,
            other => {
                let problem = format!("has type '{other}'; known are fixed, planar, floating");
                return Err(element_error(WHAT, &node, problem));
            }
        };
        let text = |key: &str| attribute(&node, key).map(str::to_owned);
        let (name, parent_frame) = (text("name")?, text("parent_frame")?);
        let child_link = text("child_link")?;
        return Ok(Some(VirtualJoint { name, kind, parent_frame, child_link }));
    }
    Ok(None)
}

/// Reads groups, states, end effectors, disabled pairs and spheres into the robot.
pub(crate) fn read(text: &str, robot: &mut Robot) -> Result<(), RobotError> {
    let document =
        Document::parse(text).map_err(|source| RobotError::Xml { what: WHAT, source })?;
    let root = document.root_element();
    for node in children(&root, "passive_joint") {
        let name = attribute(&node, "name")?;
        // Joints that mimic are no variables; files shared between variants name missing ones.
        robot.passive.extend(robot.joints.iter().position(|joint| joint.name == name));
    }
    for node in children(&root, "group") {
        let group = group_of(&node, robot)?;
        robot.groups.push(group);
    }
    for node in children(&root, "group_state") {
        let values = children(&node, "joint")
            .filter_map(|joint| {
                let name = joint.attribute("name")?;
                // Joints that mimic, and virtual ones, are no variables.
                let index = robot.joints.iter().position(|j| j.name == name)?;
                Some((joint, index))
            })
            .map(|(joint, index)| {
                let text = attribute(&joint, "value")?;
                match text.trim().parse::<f64>() {
                    Ok(value) if value.is_finite() => Ok((index, value)),
                    _ => Err(element_error(WHAT, &joint, format!("has value=\"{text}\""))),
                }
            })
            .collect::<Result<Vec<_>, RobotError>>()?;
        let (state, group) = (attribute(&node, "name")?, attribute(&node, "group")?);
        let owner = robot.groups.iter_mut().find(|g| g.name == group);
        let owner = owner.ok_or_else(|| {
            element_error(WHAT, &node, format!("names group '{group}', which is missing"))
        })?;
        owner.states.push((state.to_owned(), values));
    }
    for node in children(&root, "end_effector") {
        robot.end_effectors.push(EndEffector {
            name: attribute(&node, "name")?.to_owned(),
            group: attribute(&node, "group")?.to_owned(),
            parent_link: attribute(&node, "parent_link")?.to_owned(),
        });
    }
    for node in children(&root, "disable_collisions") {
        let index = |key: &str| Ok::<_, RobotError>(robot.link_index(attribute(&node, key)?).ok());
        // SRDFs are often shared between variants of a robot: a pair with a link that this one
        // lacks says nothing about it.
        if let (Some(a), Some(b)) = (index("link1")?, index("link2")?) {
            robot.unchecked.insert((a.min(b), a.max(b)));
        }
    }
    for node in children(&root, "link_sphere_approximation") {
        // As for pairs: of a link that this variant lacks nothing is said.
        if let Ok(link) = robot.link_index(attribute(&node, "link")?) {
            robot.told_spheres.insert(link);
            for sphere in children(&node, "sphere") {
                robot.spheres.extend(sphere_of(&sphere, link)?);
            }
        }
    }
    Ok(())
}

/// A sphere; one of radius 0 says that the link has none.
fn sphere_of(node: &Node<'_, '_>, link: usize) -> Result<Option<LinkSphere>, RobotError> {
    let numbers = |key: &str, count: usize| {
        let text = attribute(node, key)?;
        let values: Vec<f64> =
            text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        if values.len() == count && values.iter().all(|value| value.is_finite()) {
            return Ok(values);
        }
        Err(element_error(
            WHAT,
            node,
            format!("has {key}=\"{text}\", needs finite numbers: {count}"),
        ))
    };
    let (centre, radius_m) = (numbers("center", 3)?, numbers("radius", 1)?[0]);
    if radius_m < 0.0 {
        return Err(element_error(WHAT, node, format!("has the radius {radius_m}, below 0")));
    }
    let centre = Point3::new(centre[0], centre[1], centre[2]);
    Ok((radius_m > 0.0).then_some(LinkSphere { link, centre, radius_m }))
}

fn group_of(node: &Node<'_, '_>, robot: &Robot) -> Result<Group, RobotError> {
    let name = attribute(node, "name")?.to_owned();
    let mut joints = Vec::new();
    let mut tip_link = None;
    for element in node.children().filter(Node::is_element) {
        match element.tag_name().name() {
            "chain" => {
                let base = robot.link_index(attribute(&element, "base_link")?)?;
                let tip = robot.link_index(attribute(&element, "tip_link")?)?;
                joints.extend(robot.joints_between(base, tip).ok_or_else(|| {
                    element_error(
                        WHAT,
                        &element,
                        format!("of group '{name}' does not lead down the tree"),
                    )
                })?);
                tip_link = Some(tip);
            }
            "joint" => {
                let joint = attribute(&element, "name")?;
                // One of several freedoms is a chain of joints.
                let is_it = |name: &str| {
                    name.strip_prefix(joint)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                let named = (0..robot.joints.len()).filter(|&j| is_it(&robot.joints[j].name));
                let known = named.clone().next_back();
                joints.extend(named);
                tip_link = known.and_then(|index| robot.link_below(index)).or(tip_link);
            }
            "link" => {
                let link = robot.link_index(attribute(&element, "name")?)?;
                joints.extend(robot.joint_above(link));
                tip_link = Some(link);
            }
            "group" => {
                let inner = robot.group(attribute(&element, "name")?)?;
                joints.extend(&inner.joints);
                tip_link = Some(inner.tip_link);
            }
            // Passive joints follow on their own; some files put them into groups.
            "passive_joint" => {}
            other => {
                let problem = format!(
                    "of group '{name}' holds <{other}>; known are chain, joint, link, group"
                );
                return Err(element_error(WHAT, node, problem));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    joints.retain(|joint| seen.insert(*joint) && !robot.passive.contains(joint));
    Ok(Group { name, joints, tip_link: tip_link.unwrap_or(0), states: Vec::new() })
}

fn attribute<'a>(node: &Node<'a, '_>, key: &str) -> Result<&'a str, RobotError> {
    node.attribute(key)
        .ok_or_else(|| element_error(WHAT, node, format!("has no attribute '{key}'")))
}
