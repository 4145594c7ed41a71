use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use nalgebra::{Unit, UnitVector3, Vector3};
use praxis_geometry::{Pose, Shape, pose_from_xyz_rpy};
use roxmltree::Node;

use super::solid_spheres::fill;
use super::stl;
use super::tree::{Body, BodyJoint, BodyLink, JointKind, Sphere, bounding};

/// Why a robot description is unusable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BodyError {
    /// The text is not XML.
    #[error("{what} is not XML: {problem}")]
    Xml {
        /// URDF or SRDF.
        what: &'static str,
        /// What the parser says.
        problem: String,
    },
    /// An element lacks something or says something impossible.
    #[error("{what}, line {line}: {problem}")]
    Element {
        /// URDF or SRDF.
        what: &'static str,
        /// Where.
        line: u32,
        /// What is wrong.
        problem: String,
    },
    /// The links make no single tree.
    #[error("the links make no tree: roots {roots:?}, not reached {lost:?}")]
    NoTree {
        /// Links without a parent.
        roots: Vec<String>,
        /// Links that no root leads to.
        lost: Vec<String>,
    },
    /// A mesh that cannot be used.
    #[error("mesh {path}: {problem}")]
    Mesh {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

struct Doc<'a> {
    what: &'static str,
    doc: &'a roxmltree::Document<'a>,
}

impl Doc<'_> {
    fn error(&self, node: Node<'_, '_>, problem: impl Into<String>) -> BodyError {
        let line = self.doc.text_pos_at(node.range().start).row;
        BodyError::Element { what: self.what, line, problem: problem.into() }
    }

    fn text<'n>(&self, node: Node<'n, '_>, name: &str) -> Result<&'n str, BodyError> {
        node.attribute(name).ok_or_else(|| {
            self.error(node, format!("<{}> has no '{name}'", node.tag_name().name()))
        })
    }

    fn numbers<const N: usize>(
        &self,
        node: Node<'_, '_>,
        name: &str,
        default: Option<[f64; N]>,
    ) -> Result<[f64; N], BodyError> {
        let text = match (node.attribute(name), default) {
            (Some(text), _) => text,
            (None, Some(default)) => return Ok(default),
            (None, None) => self.text(node, name)?,
        };
        let values: Vec<f64> = text.split_whitespace().filter_map(|t| t.parse().ok()).collect();
        <[f64; N]>::try_from(values)
            .ok()
            .filter(|values| values.iter().all(|v| v.is_finite()))
            .ok_or_else(|| self.error(node, format!("'{name}' is '{text}', not {N} numbers")))
    }

    fn origin(&self, node: Node<'_, '_>) -> Result<Pose, BodyError> {
        match child(node, "origin") {
            None => Ok(Pose::identity()),
            Some(origin) => Ok(pose_from_xyz_rpy(
                self.numbers(origin, "xyz", Some([0.0; 3]))?,
                self.numbers(origin, "rpy", Some([0.0; 3]))?,
            )),
        }
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|c| c.has_tag_name(name))
}

fn children<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |c| c.has_tag_name(name))
}

impl Body {
    /// Reads URDF and SRDF texts; collision meshes are loaded from their files (STL) and filled
    /// with spheres.
    pub fn from_urdf_srdf(urdf: &str, srdf: &str) -> Result<Self, BodyError> {
        let parse = |what, text| {
            roxmltree::Document::parse(text)
                .map_err(|error| BodyError::Xml { what, problem: error.to_string() })
        };
        let urdf_doc = parse("URDF", urdf)?;
        let doc = Doc { what: "URDF", doc: &urdf_doc };
        let root = urdf_doc.root_element();
        let mut links = Vec::new();
        for node in children(root, "link") {
            links.push(read_link(&doc, node)?);
        }
        let (joints, state_names) = read_joints(&doc, root, &mut links)?;
        let mut body = Self {
            name: root.attribute("name").unwrap_or_default().to_owned(),
            links,
            joints,
            state_names,
            groups: BTreeMap::new(),
            tips: BTreeMap::new(),
            group_states: BTreeMap::new(),
            disabled: BTreeSet::new(),
        };
        for joint in &body.joints {
            body.disabled.insert(ordered(joint.parent, joint.child));
        }
        let srdf_doc = parse("SRDF", srdf)?;
        read_srdf(&mut body, &Doc { what: "SRDF", doc: &srdf_doc })?;
        Ok(body)
    }
}

fn read_link(doc: &Doc<'_>, node: Node<'_, '_>) -> Result<BodyLink, BodyError> {
    let mut spheres = Vec::new();
    for collision in children(node, "collision") {
        let link_from_shape = doc.origin(collision)?;
        let geometry = child(collision, "geometry")
            .ok_or_else(|| doc.error(collision, "<collision> has no <geometry>"))?;
        spheres.extend(
            shape_spheres(doc, geometry)?
                .into_iter()
                .map(|sphere| Sphere { centre: link_from_shape * sphere.centre, ..sphere }),
        );
    }
    let bounding = bounding(&spheres);
    let name = doc.text(node, "name")?.to_owned();
    Ok(BodyLink { name, spheres, bounding, parent_joint: None })
}

fn shape_spheres(doc: &Doc<'_>, geometry: Node<'_, '_>) -> Result<Vec<Sphere>, BodyError> {
    let shape = geometry
        .children()
        .find(Node::is_element)
        .ok_or_else(|| doc.error(geometry, "<geometry> is empty"))?;
    Ok(match shape.tag_name().name() {
        "sphere" => {
            let [radius] = doc.numbers(shape, "radius", None)?;
            vec![Sphere { centre: nalgebra::Point3::origin(), radius }]
        }
        "box" => {
            let size: [f64; 3] = doc.numbers(shape, "size", None)?;
            fill(&Shape::Box { half_extents_m: Vector3::from(size) * 0.5 })
        }
        "cylinder" => {
            let [radius_m] = doc.numbers(shape, "radius", None)?;
            let [length_m] = doc.numbers(shape, "length", None)?;
            fill(&Shape::Cylinder { radius_m, length_m })
        }
        "mesh" => {
            let file = doc.text(shape, "filename")?;
            let scale: [f64; 3] = doc.numbers(shape, "scale", Some([1.0; 3]))?;
            let path = PathBuf::from(file.strip_prefix("file://").unwrap_or(file));
            let mesh = stl::read(&path, scale)
                .map_err(|problem| BodyError::Mesh { path: path.clone(), problem })?;
            fill(&Shape::Mesh(mesh.into()))
        }
        other => return Err(doc.error(shape, format!("<{other}> is no known shape"))),
    })
}

fn read_joints(
    doc: &Doc<'_>,
    root: Node<'_, '_>,
    links: &mut [BodyLink],
) -> Result<(Vec<BodyJoint>, Vec<String>), BodyError> {
    let (mut joints, mut names, mut mimics) = (Vec::new(), Vec::new(), Vec::new());
    for node in children(root, "joint") {
        let end = |tag: &str| {
            let element =
                child(node, tag).ok_or_else(|| doc.error(node, format!("joint has no <{tag}>")))?;
            let name = doc.text(element, "link")?;
            links
                .iter()
                .position(|link| link.name == name)
                .ok_or_else(|| doc.error(element, format!("there is no link '{name}'")))
        };
        let (parent, child_link) = (end("parent")?, end("child")?);
        let name = doc.text(node, "name")?.to_owned();
        let (kind, bounded) = match doc.text(node, "type")? {
            "fixed" => (JointKind::Fixed, false),
            "revolute" => (JointKind::Revolute, true),
            "continuous" => (JointKind::Revolute, false),
            "prismatic" => (JointKind::Prismatic, true),
            other => return Err(doc.error(node, format!("joint type '{other}' is not supported"))),
        };
        let limit = child(node, "limit");
        let of = |attribute: &str, default: f64| match limit {
            Some(limit) => Ok(doc.numbers(limit, attribute, Some([default]))?[0]),
            None => Ok(default),
        };
        let bounds = if bounded {
            (of("lower", 0.0)?, of("upper", 0.0)?)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        };
        let velocity = of("velocity", 1.0)?;
        let mut state = None;
        if kind != JointKind::Fixed {
            if let Some(mimic) = child(node, "mimic") {
                let factor = doc.numbers(mimic, "multiplier", Some([1.0]))?[0];
                let offset = doc.numbers(mimic, "offset", Some([0.0]))?[0];
                let leader = doc.text(mimic, "joint")?.to_owned();
                mimics.push((joints.len(), leader, (factor, offset)));
            } else {
                state = Some(names.len());
                names.push(name.clone());
            }
        }
        joints.push(BodyJoint {
            name,
            kind,
            parent,
            child: child_link,
            parent_from_joint: doc.origin(node)?,
            axis: axis(doc, node)?,
            bounds,
            velocity,
            state,
            follows: (1.0, 0.0),
        });
    }
    for (index, leader, follows) in mimics {
        let state = names.iter().position(|name| *name == leader);
        if state.is_none() {
            return Err(doc.error(root, format!("mimic of '{leader}', which does not move")));
        }
        (joints[index].state, joints[index].follows) = (state, follows);
    }
    Ok((from_root_outwards(joints, links)?, names))
}

fn axis(doc: &Doc<'_>, node: Node<'_, '_>) -> Result<UnitVector3<f64>, BodyError> {
    let given = match child(node, "axis") {
        Some(axis) => doc.numbers(axis, "xyz", Some([1.0, 0.0, 0.0]))?,
        None => [1.0, 0.0, 0.0],
    };
    Unit::try_new(Vector3::from(given), 1e-9).ok_or_else(|| doc.error(node, "axis is zero"))
}

fn from_root_outwards(
    joints: Vec<BodyJoint>,
    links: &mut [BodyLink],
) -> Result<Vec<BodyJoint>, BodyError> {
    let name = |&index: &usize| links[index].name.clone();
    let is_child = |link: usize| joints.iter().any(|joint| joint.child == link);
    let roots: Vec<usize> = (0..links.len()).filter(|&link| !is_child(link)).collect();
    let mut reached = roots.clone();
    let mut sorted: Vec<BodyJoint> = Vec::with_capacity(joints.len());
    let mut at = 0;
    while at < reached.len() {
        let here = reached[at];
        for joint in joints.iter().filter(|joint| joint.parent == here) {
            if !reached.contains(&joint.child) {
                reached.push(joint.child);
                sorted.push(joint.clone());
            }
        }
        at += 1;
    }
    if roots.len() != 1 || reached.len() != links.len() {
        let lost = (0..links.len()).filter(|link| !reached.contains(link));
        return Err(BodyError::NoTree {
            roots: roots.iter().map(name).collect(),
            lost: lost.map(|link| links[link].name.clone()).collect(),
        });
    }
    for (index, joint) in sorted.iter().enumerate() {
        links[joint.child].parent_joint = Some(index);
    }
    Ok(sorted)
}

pub(crate) fn ordered(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn read_srdf(body: &mut Body, doc: &Doc<'_>) -> Result<(), BodyError> {
    let root = doc.doc.root_element();
    // A group may name groups that stand before it.
    for group in children(root, "group") {
        let name = doc.text(group, "name")?.to_owned();
        let (joints, tip) = group_joints(body, doc, group)?;
        if let Some(tip) = tip {
            body.tips.insert(name.clone(), tip);
        }
        body.groups.insert(name, joints);
    }
    for node in children(root, "group_state") {
        let key = (doc.text(node, "group")?.to_owned(), doc.text(node, "name")?.to_owned());
        let mut values = BTreeMap::new();
        for joint in children(node, "joint") {
            let [value] = doc.numbers(joint, "value", None)?;
            values.insert(doc.text(joint, "name")?.to_owned(), value);
        }
        body.group_states.insert(key, values);
    }
    for node in children(root, "end_effector") {
        if let (Some(group), Some(link)) = (node.attribute("group"), node.attribute("parent_link"))
            && let Some(link) = body.link_index(link)
        {
            body.tips.entry(group.to_owned()).or_insert(link);
        }
    }
    for node in children(root, "disable_collisions") {
        let (a, b) = (doc.text(node, "link1")?, doc.text(node, "link2")?);
        if let (Some(a), Some(b)) = (body.link_index(a), body.link_index(b)) {
            body.disabled.insert(ordered(a, b));
        }
    }
    Ok(())
}

fn group_joints(
    body: &Body,
    doc: &Doc<'_>,
    group: Node<'_, '_>,
) -> Result<(Vec<usize>, Option<usize>), BodyError> {
    let (mut states, mut tip) = (Vec::new(), None);
    let mut add = |joint: usize| {
        let joint = &body.joints[joint];
        if let Some(state) = joint.state
            && body.state_names[state] == joint.name
            && !states.contains(&state)
        {
            states.push(state);
        }
    };
    let link_of = |node, attribute| {
        let name = doc.text(node, attribute)?;
        body.link_index(name).ok_or_else(|| doc.error(node, format!("there is no link '{name}'")))
    };
    for node in group.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "joint" => {
                let name = doc.text(node, "name")?;
                // Virtual joints stand in the SRDF alone and do not move here.
                if let Some(joint) = body.joints.iter().position(|joint| joint.name == name) {
                    tip = Some(body.joints[joint].child);
                    add(joint);
                }
            }
            "link" => {
                let link = link_of(node, "name")?;
                tip = Some(link);
                body.links[link].parent_joint.into_iter().for_each(&mut add);
            }
            "chain" => {
                let (base, end) = (link_of(node, "base_link")?, link_of(node, "tip_link")?);
                let (mut at, mut chain) = (end, Vec::new());
                while at != base {
                    let Some(joint) = body.links[at].parent_joint else {
                        return Err(doc.error(node, "the tip is not below the base"));
                    };
                    chain.push(joint);
                    at = body.joints[joint].parent;
                }
                chain.into_iter().rev().for_each(&mut add);
                tip = Some(end);
            }
            "group" => {
                let name = doc.text(node, "name")?;
                let inner = body.groups.get(name).ok_or_else(|| {
                    doc.error(node, format!("group '{name}' does not stand before"))
                })?;
                for &state in inner {
                    let joint = body.joints.iter().position(|j| j.state == Some(state));
                    joint.into_iter().for_each(&mut add);
                }
            }
            _ => {}
        }
    }
    Ok((states, tip))
}
