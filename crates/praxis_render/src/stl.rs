use std::path::Path;

use crate::error::RenderError;
use crate::mesh::Mesh;

const HEADER: usize = 84;
const RECORD: usize = 50;

/// Reads a binary STL file, scaled by `scale` to metres.
pub fn load_stl(path: &Path, scale: f32) -> Result<Mesh, RenderError> {
    let bytes = std::fs::read(path)
        .map_err(|source| RenderError::Read { path: path.to_owned(), source })?;
    let broken = |problem: String| RenderError::NotStl { path: path.to_owned(), problem };
    let Some(count) = bytes.get(80..HEADER) else {
        return Err(broken(format!("{} bytes are too few for a header", bytes.len())));
    };
    let count = u32::from_le_bytes([count[0], count[1], count[2], count[3]]) as usize;
    let expected = count.checked_mul(RECORD).and_then(|body| body.checked_add(HEADER));
    if expected != Some(bytes.len()) {
        return Err(broken(format!("{count} triangles do not fill {} bytes", bytes.len())));
    }
    let mut vertices = Vec::with_capacity(3 * count);
    for record in bytes[HEADER..].chunks_exact(RECORD) {
        for corner in record[12..48].chunks_exact(12) {
            let number = |i: usize| {
                f32::from_le_bytes([corner[i], corner[i + 1], corner[i + 2], corner[i + 3]]) * scale
            };
            let vertex = [number(0), number(4), number(8)];
            if vertex.iter().any(|x| !x.is_finite()) {
                return Err(broken("a vertex is not finite".to_owned()));
            }
            vertices.push(vertex);
        }
    }
    let triangles = (0..count as u32).map(|t| [3 * t, 3 * t + 1, 3 * t + 2]).collect();
    Ok(Mesh::new(vertices, triangles))
}
