use std::path::{Path, PathBuf};
use std::sync::Arc;

use praxis_geometry::TriangleMesh;

use crate::error::RobotError;

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
    let mesh = TriangleMesh::from_binary_stl(&bytes, scale);
    mesh.map(Arc::new).map_err(|error| broken(error.to_string()))
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
