use std::path::PathBuf;

/// The repository's root.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map(PathBuf::from).unwrap_or(here)
}

/// What set-up brings: ignored by git, may be deleted at any time. Several checkouts may share one
/// by a link; builds are the same then, for the path that they see is.
pub fn ros() -> PathBuf {
    let here = root().join(".ros");
    here.canonicalize().unwrap_or(here)
}

/// The private ROS 2.
pub fn venv() -> PathBuf {
    ros().join("venv")
}

/// Message packages that the private ROS 2 lacks.
pub fn overlay() -> PathBuf {
    ros().join("overlay")
}

/// The peers of the benchmarks, and the Python that sees them.
pub fn peers() -> PathBuf {
    ros().join("peers")
}

/// colcon, ament_cmake and a launch implementation, for the test of the ament package.
pub fn colcon() -> PathBuf {
    ros().join("colcon")
}

/// Descriptions of the arms of `config/` beside the Panda.
pub fn arms() -> PathBuf {
    ros().join("arms")
}

/// Descriptions of many robots, as a prefix with `share/<package>`.
pub fn robot_packages() -> PathBuf {
    ros().join("robot_packages")
}

/// Pre-trained networks, and the Python that converts and checks them.
pub fn pretrained() -> PathBuf {
    ros().join("pretrained")
}

/// ONNX Runtime and MuJoCo.
pub fn libraries() -> PathBuf {
    ros().join("lib")
}

/// Scripts and tables of this crate.
pub fn scripts() -> PathBuf {
    root().join("crates/xtask/scripts")
}

/// A script that prepares or checks the pre-trained networks.
pub fn networks_script(name: &str) -> PathBuf {
    root().join("models/networks/pretrained").join(name)
}

/// Where the crates that need ROS are built, apart from plain cargo's folder.
pub fn target() -> PathBuf {
    root().join("target/ros")
}

/// Folder of the environment of the running demo.
pub fn demos() -> PathBuf {
    root().join("target/demo")
}
