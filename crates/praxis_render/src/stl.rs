use std::path::Path;

use praxis_geometry::TriangleMesh;

use crate::error::RenderError;
use crate::mesh::Mesh;

/// Reads a binary STL file, scaled by `scale` to metres.
pub fn load_stl(path: &Path, scale: f64) -> Result<Mesh, RenderError> {
    let bytes = std::fs::read(path)
        .map_err(|source| RenderError::Read { path: path.to_owned(), source })?;
    let mesh = TriangleMesh::from_binary_stl(&bytes, [scale; 3])
        .map_err(|source| RenderError::NotStl { path: path.to_owned(), source })?;
    Ok(Mesh::of_triangles(&mesh))
}
