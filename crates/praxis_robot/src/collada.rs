use nalgebra::{Matrix4, Point3, Rotation3, Unit, Vector3};
use praxis_geometry::TriangleMesh;
use roxmltree::{Document, Node};

/// Nodes in nodes deeper than this are a circle.
const DEEPEST: u32 = 64;

/// Reads the surfaces of a COLLADA file: its numbers times its unit times `scale` are metres. As in
/// RViz the file's "up" is not heeded: URDF says how a mesh lies.
pub(crate) fn read(text: &str, scale: [f64; 3]) -> Result<TriangleMesh, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let unit = descendant(root, "unit").and_then(|unit| unit.attribute("meter"));
    let unit: f64 = unit.map_or(Ok(1.0), str::parse).map_err(|_| "its unit is no number")?;
    let metres = Matrix4::new_nonuniform_scaling(&(Vector3::from(scale) * unit));
    let mut mesh = TriangleMesh::default();
    match descendant(root, "visual_scene") {
        Some(scene) => add_nodes(root, scene, &metres, &mut mesh, DEEPEST)?,
        None => {
            for geometry in root.descendants().filter(|node| node.has_tag_name_in("geometry")) {
                add_geometry(geometry, &metres, &mut mesh)?;
            }
        }
    }
    if mesh.triangles.is_empty() { Err("holds no triangle".to_owned()) } else { Ok(mesh) }
}

/// Tags whatever their namespace: files name different ones.
trait Tagged {
    fn has_tag_name_in(&self, name: &str) -> bool;
}

impl Tagged for Node<'_, '_> {
    fn has_tag_name_in(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn descendant<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.descendants().find(|node| node.has_tag_name_in(name))
}

/// What a reference such as `#shape0` names.
fn referred<'a, 'i>(root: Node<'a, 'i>, reference: Option<&str>) -> Result<Node<'a, 'i>, String> {
    let id = reference.and_then(|text| text.strip_prefix('#')).ok_or("a reference is missing")?;
    let found = root.descendants().find(|node| node.attribute("id") == Some(id));
    found.ok_or_else(|| format!("there is no '{id}' in it"))
}

fn add_nodes(
    root: Node<'_, '_>,
    parent: Node<'_, '_>,
    metres_from_parent: &Matrix4<f64>,
    mesh: &mut TriangleMesh,
    deepest: u32,
) -> Result<(), String> {
    let deepest = deepest.checked_sub(1).ok_or("its nodes go in a circle")?;
    let mut metres_from_here = *metres_from_parent;
    for child in parent.children().filter(Node::is_element) {
        let url = child.attribute("url");
        match child.tag_name().name() {
            "matrix" | "translate" | "rotate" | "scale" => metres_from_here *= transform(child)?,
            "instance_geometry" => {
                add_geometry(referred(root, url)?, &metres_from_here, mesh)?;
            }
            "instance_node" => {
                add_nodes(root, referred(root, url)?, &metres_from_here, mesh, deepest)?;
            }
            "node" => add_nodes(root, child, &metres_from_here, mesh, deepest)?,
            _ => {}
        }
    }
    Ok(())
}

fn transform(node: Node<'_, '_>) -> Result<Matrix4<f64>, String> {
    let name = node.tag_name().name();
    let n: Vec<f64> = numbers(node)?;
    let vector = || Vector3::new(n[0], n[1], n[2]);
    match (name, n.len()) {
        ("matrix", 16) => Ok(Matrix4::from_row_slice(&n)),
        ("translate", 3) => Ok(Matrix4::new_translation(&vector())),
        ("scale", 3) => Ok(Matrix4::new_nonuniform_scaling(&vector())),
        ("rotate", 4) => Ok(Unit::try_new(vector(), 1e-12)
            .map_or_else(Matrix4::identity, |axis| {
                Rotation3::from_axis_angle(&axis, n[3].to_radians()).to_homogeneous()
            })),
        _ => Err(format!("<{name}> has {} numbers", n.len())),
    }
}

fn add_geometry(
    geometry: Node<'_, '_>,
    metres_from_geometry: &Matrix4<f64>,
    mesh: &mut TriangleMesh,
) -> Result<(), String> {
    let kinds = ["triangles", "polylist", "polygons"];
    let surfaces =
        geometry.descendants().filter(|node| kinds.iter().any(|kind| node.has_tag_name_in(kind)));
    for surface in surfaces {
        let layout = Layout::of(geometry, surface)?;
        let first = mesh.vertices.len();
        for corner in layout.positions.chunks_exact(3) {
            let corner = Point3::new(corner[0], corner[1], corner[2]);
            mesh.vertices.push(metres_from_geometry.transform_point(&corner));
        }
        let count = mesh.vertices.len() - first;
        for face in layout.faces(surface)? {
            if face.len() < 3 || face.iter().any(|&corner| corner >= count) {
                return Err("a face names a corner that is not there".to_owned());
            }
            let face: Vec<u32> = face.iter().map(|corner| (first + corner) as u32).collect();
            mesh.push_fan(&face);
        }
    }
    if mesh.vertices.iter().flat_map(Point3::iter).any(|number| !number.is_finite()) {
        return Err("a corner is not finite".to_owned());
    }
    Ok(())
}

/// How the indices of a surface lie, and what they point to.
struct Layout {
    positions: Vec<f64>,
    /// Indices a corner, and which of them is the position's.
    stride: usize,
    offset: usize,
}

impl Layout {
    fn of(geometry: Node<'_, '_>, surface: Node<'_, '_>) -> Result<Self, String> {
        let inputs = || surface.children().filter(|node| node.has_tag_name_in("input"));
        let offset = |input: &Node<'_, '_>| {
            input.attribute("offset").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0)
        };
        let stride = inputs().map(|input| offset(&input)).max().unwrap_or(0) + 1;
        let vertex = inputs().find(|input| input.attribute("semantic") == Some("VERTEX"));
        let vertex = vertex.ok_or("a surface has no corners")?;
        let vertices = referred(geometry, vertex.attribute("source"))?;
        let position = vertices
            .children()
            .find(|input| input.attribute("semantic") == Some("POSITION"))
            .ok_or("corners have no positions")?;
        let source = referred(geometry, position.attribute("source"))?;
        let array = descendant(source, "float_array").ok_or("positions have no numbers")?;
        Ok(Self { positions: numbers(array)?, stride, offset: offset(&vertex) })
    }

    /// The corners of each face.
    fn faces(&self, surface: Node<'_, '_>) -> Result<Vec<Vec<usize>>, String> {
        let lists = surface.children().filter(|node| node.has_tag_name_in("p"));
        let lists: Vec<Vec<usize>> =
            lists.map(|list| self.corners(list)).collect::<Result<_, _>>()?;
        if surface.has_tag_name_in("polygons") {
            return Ok(lists);
        }
        let corners = lists.concat();
        let counts = surface.children().find(|node| node.has_tag_name_in("vcount"));
        let counts: Vec<usize> = match counts {
            Some(counts) => numbers(counts)?,
            None => vec![3; corners.len() / 3],
        };
        let mut rest = corners.as_slice();
        let mut faces = Vec::with_capacity(counts.len());
        for count in counts {
            let (face, after) = rest.split_at_checked(count).ok_or("a face is cut short")?;
            faces.push(face.to_vec());
            rest = after;
        }
        Ok(faces)
    }

    fn corners(&self, list: Node<'_, '_>) -> Result<Vec<usize>, String> {
        let indices: Vec<usize> = numbers(list)?;
        let groups = indices.chunks_exact(self.stride);
        Ok(groups.map(|group| group[self.offset]).collect())
    }
}

fn numbers<T: std::str::FromStr>(node: Node<'_, '_>) -> Result<Vec<T>, String> {
    let words = node.text().unwrap_or_default().split_ascii_whitespace();
    let read = |word: &str| {
        word.parse().map_err(|_| format!("'{word}' in <{}> is no number", node.tag_name().name()))
    };
    words.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square in millimetres, lifted by 5 mm and turned by a quarter about z.
    const SQUARE: &str = r##"<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema">
      <asset><unit meter="0.001"/></asset>
      <library_geometries><geometry id="g"><mesh>
        <source id="s"><float_array count="12">0 0 0 1 0 0 1 1 0 0 1 0</float_array></source>
        <vertices id="v"><input semantic="POSITION" source="#s"/></vertices>
        <polylist count="1"><input semantic="NORMAL" source="#n" offset="0"/>
          <input semantic="VERTEX" source="#v" offset="1"/>
          <vcount>4</vcount><p>9 0 9 1 9 2 9 3</p></polylist>
      </mesh></geometry></library_geometries>
      <library_visual_scenes><visual_scene><node><translate>0 0 5</translate>
        <rotate>0 0 1 90</rotate><instance_geometry url="#g"/></node></visual_scene>
      </library_visual_scenes></COLLADA>"##;

    #[test]
    fn units_nodes_and_offsets_are_heeded() {
        let mesh = read(SQUARE, [1.0, 1.0, 2.0]).unwrap();
        assert_eq!(mesh.triangles, [[0, 1, 2], [0, 2, 3]]);
        let expected = Point3::new(0.0, 0.001, 0.010);
        assert!((mesh.vertices[1] - expected).norm() < 1e-12, "{}", mesh.vertices[1]);
    }

    #[test]
    fn broken_files_say_what_is_wrong() {
        let error = |from, to| read(&SQUARE.replace(from, to), [1.0; 3]).unwrap_err();
        assert!(error("9 3<", "9 7<").contains("not there"));
        assert!(error("<vcount>4", "<vcount>5").contains("cut short"));
        assert!(error("#s\"", "#t\"").contains("'t'"));
        assert!(error("0 0 5", "0 0").contains("<translate> has 2"));
        assert!(error("0 1 0</float", "0 x 0</float").contains("'x'"));
        assert!(read("<COLLADA/>", [1.0; 3]).unwrap_err().contains("no triangle"));
        assert!(read("solid", [1.0; 3]).is_err());
    }
}
