use std::path::{Path, PathBuf};
use std::sync::Arc;

use nalgebra::Point3;
use praxis_geometry::TriangleMesh;

use crate::error::RobotError;

const HEADER: usize = 84;
const RECORD: usize = 50;

/// Loads the mesh that a URDF names: a plain path, `file://`, or `package://` looked up in the
/// folders of `AMENT_PREFIX_PATH`.
pub(crate) fn load(
    uri: &str,
    scale: [f64; 3],
    link: &str,
) -> Result<Arc<TriangleMesh>, RobotError> {
    let path = resolve(uri, link)?;
    let broken =
        |problem: String| RobotError::Mesh { link: link.to_owned(), path: path.clone(), problem };
    let is_stl = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("stl"));
    if !is_stl {
        return Err(broken("only STL collision meshes are read; convert it".to_owned()));
    }
    let bytes = std::fs::read(&path).map_err(|error| broken(error.to_string()))?;
    read_binary_stl(&bytes, scale).map(Arc::new).map_err(broken)
}

fn resolve(uri: &str, link: &str) -> Result<PathBuf, RobotError> {
    let Some(in_package) = uri.strip_prefix("package://") else {
        return Ok(PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri)));
    };
    let prefixes = std::env::var("AMENT_PREFIX_PATH").unwrap_or_default();
    let found = prefixes
        .split(':')
        .filter(|prefix| !prefix.is_empty())
        .map(|prefix| Path::new(prefix).join("share").join(in_package))
        .find(|path| path.is_file());
    found.ok_or_else(|| RobotError::Mesh {
        link: link.to_owned(),
        path: PathBuf::from(uri),
        problem: format!("is in no share folder of AMENT_PREFIX_PATH ({prefixes})"),
    })
}

fn read_binary_stl(bytes: &[u8], scale: [f64; 3]) -> Result<TriangleMesh, String> {
    let Some(count) = bytes.get(80..HEADER) else {
        return Err(format!("{} bytes are too few for an STL header", bytes.len()));
    };
    let count = u32::from_le_bytes([count[0], count[1], count[2], count[3]]) as usize;
    if count.checked_mul(RECORD).and_then(|body| body.checked_add(HEADER)) != Some(bytes.len()) {
        return Err(format!(
            "is no binary STL: {count} triangles do not fill {} bytes",
            bytes.len()
        ));
    }
    let mut mesh = TriangleMesh::default();
    for record in bytes[HEADER..].chunks_exact(RECORD) {
        let first = mesh.vertices.len() as u32;
        for corner in record[12..48].chunks_exact(12) {
            let number = |i: usize| {
                let bytes =
                    [corner[4 * i], corner[4 * i + 1], corner[4 * i + 2], corner[4 * i + 3]];
                f64::from(f32::from_le_bytes(bytes)) * scale[i]
            };
            let vertex = Point3::new(number(0), number(1), number(2));
            if !vertex.iter().all(|value| value.is_finite()) {
                return Err("a vertex is not finite".to_owned());
            }
            mesh.vertices.push(vertex);
        }
        mesh.triangles.push([first, first + 1, first + 2]);
    }
    if mesh.triangles.is_empty() {
        return Err("holds no triangle".to_owned());
    }
    Ok(mesh)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_files_are_errors() {
        assert!(read_binary_stl(&[], [1.0; 3]).is_err());
        assert!(read_binary_stl(&[0; 84], [1.0; 3]).is_err());
        let mut absurd = vec![0; 84];
        absurd[80..84].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read_binary_stl(&absurd, [1.0; 3]).is_err());
        let mut one = vec![0; 84 + 50];
        one[80] = 1;
        assert!(read_binary_stl(&one, [1.0; 3]).is_ok());
    }
}
