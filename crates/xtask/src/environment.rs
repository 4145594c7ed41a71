use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{bring, domain, places, setup};

/// Message packages whose Rust types are generated.
const MESSAGES: &[&str] = &[
    "action_msgs",
    "builtin_interfaces",
    "control_msgs",
    "diagnostic_msgs",
    "geometry_msgs",
    "lifecycle_msgs",
    "moveit_msgs",
    "nav_msgs",
    "object_recognition_msgs",
    "octomap_msgs",
    "rcl_interfaces",
    "rosgraph_msgs",
    "sensor_msgs",
    "service_msgs",
    "shape_msgs",
    "std_msgs",
    "std_srvs",
    "tf2_msgs",
    "trajectory_msgs",
    "type_description_interfaces",
    "unique_identifier_msgs",
    "vision_msgs",
    "visualization_msgs",
];

/// Variable that names the file with Fast DDS's transports.
pub const FAST_DDS_PROFILE: &str = "FASTRTPS_DEFAULT_PROFILES_FILE";

/// The ROS 2 that the nodes are built and run with.
pub enum Ros {
    /// Somebody sourced one; it is used as it is.
    Sourced,
    /// The private one in `.ros`.
    Private,
}

/// Whether a ROS 2 is sourced: its rcl can be found.
pub fn which_ros() -> Ros {
    let prefixes = std::env::var("AMENT_PREFIX_PATH").unwrap_or_default();
    let private = places::ros();
    let sourced = prefixes
        .split(':')
        .filter(|prefix| !prefix.is_empty() && !Path::new(prefix).starts_with(&private))
        .any(|prefix| Path::new(prefix).join("share/rcl").is_dir());
    if sourced { Ros::Sourced } else { Ros::Private }
}

/// The Python that sees rclpy.
pub fn python() -> PathBuf {
    match which_ros() {
        Ros::Sourced => "python3".into(),
        Ros::Private => places::venv().join("bin/python"),
    }
}

/// Where the message packages are, as a list with colons.
pub fn message_prefixes() -> String {
    match which_ros() {
        Ros::Sourced => std::env::var("AMENT_PREFIX_PATH").unwrap_or_default(),
        Ros::Private => places::overlay().to_string_lossy().into_owned(),
    }
}

/// Variables for building and running the nodes.
pub fn variables() -> Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    let mut set = |key: &str, value: String| variables.insert(key.to_owned(), value);
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let libraries = text(places::libraries());
    set("MUJOCO_DYNAMIC_LINK_DIR", libraries.clone());
    set("ORT_DYLIB_PATH", text(places::libraries().join("libonnxruntime.so")));
    set("IDL_PACKAGE_FILTER", MESSAGES.join(";"));
    // Camera frames are larger than Fast DDS's default shared-memory segment.
    set(FAST_DDS_PROFILE, text(places::root().join("config/fastdds_shm.xml")));
    // `praxis` and the nodes, once they are built.
    let programs = text(places::target().join("release"));
    let inherited = |key: &str| std::env::var(key).unwrap_or_default();
    let mut rpaths = Vec::new();
    match which_ros() {
        Ros::Sourced => {
            set("LD_LIBRARY_PATH", joined(&[libraries.clone(), inherited("LD_LIBRARY_PATH")]));
            set("PATH", joined(&[programs, inherited("PATH")]));
        }
        Ros::Private => {
            let (venv, overlay) = (text(places::venv()), text(places::overlay()));
            let python = bring::python_folder(&places::venv())?;
            let lib = [format!("{venv}/lib"), format!("{overlay}/lib"), libraries.clone()];
            set("ROS_DISTRO", "jazzy".to_owned());
            set("ROS_VERSION", "2".to_owned());
            set("AMENT_PREFIX_PATH", joined(&[venv.clone(), overlay.clone()]));
            set("LD_LIBRARY_PATH", joined(&lib));
            set("PYTHONPATH", format!("{overlay}/lib/{python}/site-packages"));
            set("LIBCLANG_PATH", format!("{venv}/lib/{python}/site-packages/clang/native"));
            set("BINDGEN_EXTRA_CLANG_ARGS", format!("-isystem {}", gcc_headers()?));
            set("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp".to_owned());
            set("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "1".to_owned());
            set("PATH", joined(&[programs, format!("{venv}/bin"), inherited("PATH")]));
            rpaths.extend([format!("{venv}/lib"), format!("{overlay}/lib")]);
        }
    }
    rpaths.push(libraries);
    let flags: Vec<String> =
        rpaths.iter().map(|path| format!("-C link-arg=-Wl,-rpath,{path}")).collect();
    set("RUSTFLAGS", flags.join(" "));
    Ok(variables)
}

fn joined(parts: &[String]) -> String {
    let kept: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    kept.join(":")
}

fn gcc_headers() -> Result<String> {
    let output = Command::new("gcc")
        .arg("-print-file-name=include")
        .output()
        .context("gcc was not found; a C compiler is needed: sudo apt install build-essential")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A command with the environment of the nodes, kept on this machine and in one domain.
pub fn command(program: impl AsRef<std::ffi::OsStr>, domain: u8) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .envs(variables()?)
        .env("ROS_DOMAIN_ID", domain.to_string())
        .env("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        .current_dir(places::root());
    Ok(command)
}

/// Runs a command with the environment of the nodes.
pub fn exec(words: &[String], domain: Option<u8>) -> Result<ExitCode> {
    setup::run()?;
    let [program, arguments @ ..] = words else { bail!("no command was given after --") };
    let domain = domain.or_else(domain::of_running_demo).unwrap_or(0);
    let status = command(program, domain)?
        .args(arguments)
        .current_dir(std::env::current_dir()?)
        .status()
        .with_context(|| format!("cannot run '{program}'"))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
