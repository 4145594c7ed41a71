use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use praxis_geometry::{Shape, TriangleMesh};
use praxis_robot::Robot;
use roxmltree::{Document, Node};

/// A speed that stands for "not known" in a description, and is put where 0 stands, rad/s or m/s.
const FALLBACK_SPEED: f64 = 1.0;

/// A robot description made usable: every mesh is found, no speed limit is zero.
#[derive(Clone, Debug)]
pub struct Description {
    /// The URDF.
    pub urdf: String,
    /// What was changed.
    pub changes: Vec<String>,
}

impl Description {
    /// Reads a URDF file. Meshes are named by `file://`; those that are `package://` are looked for
    /// in `AMENT_PREFIX_PATH` and in the folders around the file.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read the robot description {}", file.display()))?;
        if text.contains("http://www.ros.org/wiki/xacro") && text.contains("<xacro:") {
            bail!(
                "{} is a xacro file\n  cure: xacro {} > robot.urdf",
                file.display(),
                file.display()
            );
        }
        let document = Document::parse(&text)
            .with_context(|| format!("{} is not well-formed XML", file.display()))?;
        let mut edits = Vec::new();
        let (mut changes, mut lost) = (Vec::new(), 0);
        for node in document.descendants().filter(|node| node.has_tag_name("mesh")) {
            let Some(attribute) = node.attribute_node("filename") else { continue };
            match find(attribute.value(), file) {
                Some(path) => {
                    edits.push((attribute.range_value(), format!("file://{}", path.display())));
                }
                None if is_within(&node, "visual") => lost += 1,
                None => bail!(
                    "mesh '{}' (line {}) is neither in AMENT_PREFIX_PATH nor in a folder around {}\n  \
                     cure: source the workspace of its package",
                    attribute.value(),
                    document.text_pos_at(node.range().start).row,
                    file.display()
                ),
            }
        }
        if lost > 0 {
            changes.push(format!("{lost} visual meshes were not found; they are for the eye only"));
        }
        for joint in document.root_element().children().filter(|node| node.has_tag_name("joint")) {
            let limit = joint.children().find(|node| node.has_tag_name("limit"));
            let Some(velocity) = limit.and_then(|limit| limit.attribute_node("velocity")) else {
                continue;
            };
            if velocity.value().trim().parse::<f64>().is_ok_and(|value| value <= 0.0) {
                edits.push((velocity.range_value(), FALLBACK_SPEED.to_string()));
                let name = joint.attribute("name").unwrap_or_default();
                changes.push(format!("speed limit of {name} was 0, is {FALLBACK_SPEED} now"));
            }
        }
        drop(document);
        Ok(Self { urdf: edited(text, edits), changes })
    }

    /// Writes collision meshes that are no STL as STL into `folder` and names those instead:
    /// physics engines read nothing else.
    pub fn bake_meshes(&mut self, robot: &Robot, folder: &Path) -> Result<()> {
        let document = Document::parse(&self.urdf)?;
        let mut edits = Vec::new();
        let mut written: BTreeMap<String, PathBuf> = BTreeMap::new();
        for link in document.root_element().children().filter(|node| node.has_tag_name("link")) {
            let name = link.attribute("name").unwrap_or_default();
            let solids = &robot.links()[robot.link_index(name)?].collision;
            let collisions = link.children().filter(|node| node.has_tag_name("collision"));
            for (number, (node, (shape, _))) in collisions.zip(solids).enumerate() {
                let mesh = node.descendants().find(|node| node.has_tag_name("mesh"));
                let (Some(mesh), Shape::Mesh(triangles)) = (mesh, shape) else { continue };
                let Some(attribute) = mesh.attribute_node("filename") else { continue };
                if attribute.value().to_ascii_lowercase().ends_with(".stl") {
                    continue;
                }
                fs::create_dir_all(folder)?;
                let path = std::path::absolute(folder.join(format!("{name}_{number}.stl")))?;
                fs::write(&path, stl(triangles))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                edits.push((attribute.range_value(), format!("file://{}", path.display())));
                if let Some(scale) = mesh.attribute_node("scale") {
                    edits.push((scale.range_value(), "1 1 1".to_owned()));
                }
                written.insert(name.to_owned(), path);
            }
        }
        drop(document);
        if !written.is_empty() {
            self.changes.push(format!("{} collision meshes were written as STL", edits.len()));
        }
        self.urdf = edited(std::mem::take(&mut self.urdf), edits);
        Ok(())
    }
}

fn is_within(node: &Node<'_, '_>, tag: &str) -> bool {
    node.ancestors().any(|above| above.has_tag_name(tag))
}

fn edited(mut text: String, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, replacement) in edits {
        text.replace_range(range, &replacement);
    }
    text
}

fn find(uri: &str, urdf: &Path) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let in_package = path.strip_prefix("package://").map(|path| path.trim_start_matches('/'));
    let found = match in_package {
        None => Path::new(path).is_file().then(|| PathBuf::from(path)),
        Some(path) => std::env::var("AMENT_PREFIX_PATH").ok().and_then(|prefixes| {
            let shares =
                prefixes.split(':').map(|prefix| Path::new(prefix).join("share").join(path));
            shares.into_iter().find(|path| path.is_file())
        }),
    };
    let found = found.or_else(|| around(Path::new(in_package.unwrap_or(path)), urdf))?;
    std::path::absolute(found).ok()
}

/// The mesh's path, leading folders dropped one by one, below each folder above the URDF.
fn around(path: &Path, urdf: &Path) -> Option<PathBuf> {
    let urdf = std::path::absolute(urdf).ok()?;
    let parts: Vec<_> = path.components().collect();
    urdf.ancestors().skip(1).find_map(|folder| {
        (0..parts.len())
            .map(|dropped| folder.join(parts[dropped..].iter().collect::<PathBuf>()))
            .find(|path| path.is_file())
    })
}

fn stl(mesh: &TriangleMesh) -> Vec<u8> {
    let mut bytes = vec![0_u8; 80];
    bytes.extend((mesh.triangles.len() as u32).to_le_bytes());
    for triangle in &mesh.triangles {
        // Readers compute the normal themselves.
        bytes.extend([0_u8; 12]);
        for index in triangle {
            let vertex = mesh.vertices[*index as usize];
            for value in [vertex.x, vertex.y, vertex.z] {
                bytes.extend((value as f32).to_le_bytes());
            }
        }
        bytes.extend([0_u8; 2]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meshes_are_found_around_the_file_and_zero_speeds_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let meshes = folder.path().join("arm_description/meshes");
        fs::create_dir_all(&meshes).unwrap();
        fs::write(meshes.join("a.stl"), "").unwrap();
        let urdf = folder.path().join("arm_description/urdf/arm.urdf");
        fs::create_dir_all(urdf.parent().unwrap()).unwrap();
        let text = r#"<robot name="r"><link name="a"><collision><geometry>
            <mesh filename="package://else/arm_description/meshes/a.stl"/></geometry></collision></link>
            <joint name="j"><limit velocity="0"/></joint></robot>"#;
        fs::write(&urdf, text).unwrap();
        let read = Description::read(&urdf).unwrap();
        assert!(read.urdf.contains(&format!("file://{}", meshes.join("a.stl").display())));
        assert!(read.urdf.contains(r#"velocity="1""#));
        assert_eq!(read.changes.len(), 1);

        fs::remove_file(meshes.join("a.stl")).unwrap();
        let error = Description::read(&urdf).unwrap_err().to_string();
        assert!(error.contains("a.stl") && error.contains("line 2"), "{error}");
    }
}
