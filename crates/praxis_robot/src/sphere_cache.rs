//! Fitted spheres kept on disk, under a name made from all that the fitting depends on.

use std::path::{Path, PathBuf};

use nalgebra::Point3;
use praxis_geometry::{Pose, Shape};
use sha2::{Digest, Sha256};

use crate::fitting;

/// Changes whenever the fitting does, so that older files are passed over.
const FITTING: &[u8] = b"praxis spheres 2";
const BYTES_A_SPHERE: usize = 32;

/// Where fitted spheres are kept: `PRAXIS_CACHE_DIR`, or `praxis` in `XDG_CACHE_HOME` or in
/// `~/.cache`; nowhere if none of these is set or if `PRAXIS_CACHE_DIR` is empty.
pub fn sphere_cache_folder() -> Option<PathBuf> {
    let set = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty());
    let root = match std::env::var_os("PRAXIS_CACHE_DIR") {
        Some(folder) if folder.is_empty() => return None,
        Some(folder) => PathBuf::from(folder),
        None => set("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))?
            .join("praxis"),
    };
    Some(root.join("spheres"))
}

/// Spheres that cover the solids, from the folder if they are there.
pub(crate) fn cached_cover(
    solids: &[(Shape, Pose)],
    folder: Option<&Path>,
) -> Vec<(Point3<f64>, f64)> {
    let is_quick = |shape: &Shape| matches!(shape, Shape::Sphere { .. } | Shape::Capsule { .. });
    let Some(folder) = folder.filter(|_| !solids.iter().all(|(shape, _)| is_quick(shape))) else {
        return fitting::cover(solids);
    };
    let file = folder.join(name_of(solids));
    if let Some(spheres) = std::fs::read(&file).ok().and_then(|bytes| spheres_in(&bytes)) {
        return spheres;
    }
    let spheres = fitting::cover(solids);
    // A folder that cannot be written costs only the fitting of the next run.
    let _ = keep(&file, &spheres);
    spheres
}

fn name_of(solids: &[(Shape, Pose)]) -> String {
    let mut hash = Sha256::new_with_prefix(FITTING);
    let mut add = |values: &[f64]| values.iter().for_each(|v| hash.update(v.to_le_bytes()));
    for (shape, pose) in solids {
        match shape {
            Shape::Sphere { radius_m } => add(&[0.0, *radius_m]),
            Shape::Box { half_extents_m: h } => add(&[1.0, h.x, h.y, h.z]),
            Shape::Cylinder { radius_m, length_m } => add(&[2.0, *radius_m, *length_m]),
            Shape::Capsule { radius_m, length_m } => add(&[3.0, *radius_m, *length_m]),
            Shape::Mesh(mesh) => {
                add(&[4.0, mesh.vertices.len() as f64, mesh.triangles.len() as f64]);
                mesh.vertices.iter().for_each(|p| add(&[p.x, p.y, p.z]));
                mesh.triangles.iter().for_each(|t| add(&t.map(f64::from)));
            }
        }
        add(pose.translation.vector.as_slice());
        add(pose.rotation.coords.as_slice());
    }
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + ".spheres"
}

/// The spheres of a file, unless it is damaged.
fn spheres_in(bytes: &[u8]) -> Option<Vec<(Point3<f64>, f64)>> {
    let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    if Sha256::digest(content).as_slice() != sum || content.len() % BYTES_A_SPHERE != 0 {
        return None;
    }
    let number = |bytes: &[u8]| bytes.try_into().map(f64::from_le_bytes).ok();
    content
        .chunks_exact(BYTES_A_SPHERE)
        .map(|sphere| {
            let [x, y, z, radius] = [0, 8, 16, 24].map(|first| number(&sphere[first..first + 8]));
            Some((Point3::new(x?, y?, z?), radius?))
        })
        .collect()
}

/// Writes beside the file and renames, so that no one reads half of it.
fn keep(file: &Path, spheres: &[(Point3<f64>, f64)]) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(spheres.len() * BYTES_A_SPHERE + 32);
    for (centre, radius) in spheres {
        for value in [centre.x, centre.y, centre.z, *radius] {
            bytes.extend(value.to_le_bytes());
        }
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&sum);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let half = file.with_extension(format!("{}.half", std::process::id()));
    std::fs::write(&half, bytes)?;
    std::fs::rename(half, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_used_and_what_is_damaged_is_not() {
        let folder = std::env::temp_dir().join(format!("praxis-spheres-{}", std::process::id()));
        let solids =
            [(Shape::Cylinder { radius_m: 0.03, length_m: 0.1 }, Pose::translation(0.1, 0.0, 0.0))];
        let fitted = fitting::cover(&solids);
        assert_eq!(cached_cover(&solids, Some(&folder)), fitted);
        let file = folder.join(name_of(&solids));
        // Other content under the same name shows that it is read.
        keep(&file, &[(Point3::origin(), 1.0)]).unwrap();
        assert_eq!(cached_cover(&solids, Some(&folder)), [(Point3::origin(), 1.0)]);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(cached_cover(&solids, Some(&folder)), fitted);
        let mut other = solids.clone();
        other[0].1 = Pose::identity();
        assert_ne!(name_of(&other), name_of(&solids));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
