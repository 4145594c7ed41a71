use std::path::{Path, PathBuf};
use std::sync::Arc;

use praxis_geometry::TriangleMesh;

use crate::collada;
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
    let bytes = std::fs::read(&path).map_err(|error| broken(error.to_string()))?;
    let text = || String::from_utf8_lossy(&bytes);
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let mesh = match ending.as_str() {
        "stl" => TriangleMesh::from_stl(&bytes, scale).map_err(|e| e.to_string()),
        "obj" => TriangleMesh::from_obj(&text(), scale).map_err(|e| e.to_string()),
        "dae" => collada::read(&text(), scale),
        other => Err(format!("'.{other}' is not read; .stl, .obj and .dae are")),
    };
    mesh.map(Arc::new).map_err(broken)
}

fn resolve(uri: &str, link: &str) -> Result<PathBuf, RobotError> {
    let Some(in_package) = uri.strip_prefix("package://") else {
        return Ok(PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri)));
    };
    // `package:///name` is seen too.
    let in_package = in_package.trim_start_matches('/');
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
