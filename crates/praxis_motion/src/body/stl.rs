use std::collections::HashMap;
use std::path::Path;

use nalgebra::Point3;
use praxis_geometry::TriangleMesh;

/// Reads a triangle mesh from an STL file, binary or text; equal corners become one vertex.
pub(crate) fn read(path: &Path, scale: [f64; 3]) -> Result<TriangleMesh, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let corners = match binary(&bytes) {
        Some(corners) => corners,
        None => text(&bytes).ok_or("is neither binary nor text STL")?,
    };
    if corners.is_empty() || corners.iter().flatten().any(|v| !v.is_finite()) {
        return Err("has no triangles, or a corner that is not finite".to_owned());
    }
    let mut mesh = TriangleMesh::default();
    let mut index_of: HashMap<[u32; 3], u32> = HashMap::new();
    for triangle in corners.chunks_exact(3) {
        let mut indices = [0; 3];
        for (index, corner) in indices.iter_mut().zip(triangle) {
            *index = *index_of.entry(corner.map(f32::to_bits)).or_insert_with(|| {
                let [x, y, z] = [0, 1, 2].map(|i| f64::from(corner[i]) * scale[i]);
                mesh.vertices.push(Point3::new(x, y, z));
                mesh.vertices.len() as u32 - 1
            });
        }
        mesh.triangles.push(indices);
    }
    Ok(mesh)
}

fn binary(bytes: &[u8]) -> Option<Vec<[f32; 3]>> {
    let count = u32::from_le_bytes(bytes.get(80..84)?.try_into().ok()?) as usize;
    if bytes.len() != 84 + 50 * count {
        return None;
    }
    let mut corners = Vec::with_capacity(3 * count);
    for record in bytes[84..].chunks_exact(50) {
        for corner in record[12..48].chunks_exact(12) {
            let number = |i: usize| {
                f32::from_le_bytes([
                    corner[4 * i],
                    corner[4 * i + 1],
                    corner[4 * i + 2],
                    corner[4 * i + 3],
                ])
            };
            corners.push([number(0), number(1), number(2)]);
        }
    }
    Some(corners)
}

fn text(bytes: &[u8]) -> Option<Vec<[f32; 3]>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut corners = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.trim().strip_prefix("vertex") {
            let numbers: Vec<f32> =
                rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            corners.push(<[f32; 3]>::try_from(numbers).ok()?);
        }
    }
    (corners.len() % 3 == 0).then_some(corners)
}
