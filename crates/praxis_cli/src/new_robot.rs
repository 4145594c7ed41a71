use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use praxis_robot::Robot;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::arm::Arm;
use crate::description::Description;
use crate::files::{self, Paths};
use crate::pairs::Pairs;
use crate::report::Report;
use crate::{home, limits, obstacles, picture, ros2_control};

/// Options of `new-robot`.
#[derive(Args)]
#[command(after_help = "\
Writes control.yaml, planning.yaml, sim.yaml, task.yaml, perception.yaml, joint_limits.yaml, robot.srdf,
robot.urdf (meshes found, zero speeds replaced), reach.yaml (obstacles to try it among), controllers.yaml
(for ros2_control), report.md and home.png.

Links that may touch are those that no motion could keep apart. Where spheres alone would touch, because two
links pass close to one another, the links get tighter spheres in robot.srdf (<link_sphere_approximation>).

Examples:
  praxis new-robot ur10.urdf --out my_ur10
  praxis doctor my_ur10
  ros2 launch praxis reach.launch.py robot:=$PWD/my_ur10      (or: cargo xtask demo --scenario reach --robot my_ur10)")]
pub struct Options {
    /// The robot's URDF; of a xacro file, its output.
    urdf: PathBuf,
    /// The robot's SRDF, if there is one: its groups, named states and pairs are kept.
    #[arg(long, value_name = "FILE")]
    srdf: Option<PathBuf>,
    /// Folder to write.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Link that is brought to poses, where guessing takes another one.
    #[arg(long, value_name = "LINK")]
    tip: Option<String>,
    /// Refer to the URDF where it is instead of writing a copy: its meshes must be found from there.
    #[arg(long)]
    keep_urdf: bool,
    /// Write over an existing configuration.
    #[arg(long)]
    force: bool,
    /// Seed of the random states.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// Reads the description, decides what it does not say, and writes the configuration.
pub fn run(options: &Options) -> Result<()> {
    let out = &options.out;
    if out.join("control.yaml").exists() && !options.force {
        bail!("{} holds a configuration\n  cure: --force writes over it", out.display());
    }
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);

    let mut description = Description::read(&options.urdf)?;
    let given = options.srdf.as_ref().map(fs::read_to_string).transpose()?;
    let robot = Robot::from_strings(&description.urdf, given.as_deref())?;
    let arm = Arm::choose(&robot, options.tip.as_deref())?;
    let pairs = Pairs::of(&robot, &arm.joints, &mut random);

    // The robot anew, with the pairs that were found: home and obstacles are chosen with those.
    let draft = files::srdf(&robot, &arm, &vec![0.0; arm.joints.len()], &pairs);
    let with_pairs = Robot::from_strings(&description.urdf, Some(&draft))?;
    let reach_m = obstacles::reach_m(&robot, &arm, &mut random)?;
    let floor = obstacles::floor(&robot, &arm, reach_m);
    let floor_top_m = floor.world_from_box.translation.z + 0.5 * floor.size_m.z;
    let mut boxes = vec![floor];
    let ground = obstacles::scene_of(&boxes, 0.0)?;
    let home = home::choose(&with_pairs, &arm, &ground, &mut random)?;
    boxes.extend(obstacles::around(&with_pairs, &arm, &home, reach_m, floor_top_m)?);
    let limits = limits::estimate(&robot, &arm, &description.urdf, &mut random);

    if !options.keep_urdf {
        description.bake_meshes(&robot, &out.join("meshes"))?;
    }
    let paths = Paths {
        urdf: named(if options.keep_urdf { options.urdf.clone() } else { out.join("robot.urdf") })?,
        srdf: named(out.join("robot.srdf"))?,
        limits: named(out.join("joint_limits.yaml"))?,
        world: named(out.join("reach.yaml"))?,
    };
    let name =
        out.file_name().map_or(robot.name().to_owned(), |name| name.to_string_lossy().into_owned());
    let names = arm.joint_names(&robot);
    let mut texts = vec![
        ("robot.srdf", files::srdf(&robot, &arm, &home, &pairs)),
        ("joint_limits.yaml", files::joint_limits(&limits)),
        ("control.yaml", files::control(&robot, &arm, &paths)),
        ("planning.yaml", files::planning(&paths)),
        ("sim.yaml", files::sim(&robot, &arm, &home, &paths)),
        ("task.yaml", files::task(&arm, &paths)),
        ("perception.yaml", files::perception()),
        ("controllers.yaml", ros2_control::controllers(&names, arm.fingers.first())),
        ("reach.yaml", obstacles::world_yaml(&name, &boxes, reach_m)),
    ];
    if !options.keep_urdf {
        texts.push(("robot.urdf", description.urdf.clone()));
    }
    let report = Report {
        robot: &robot,
        arm: &arm,
        home: &home,
        pairs: &pairs,
        limits: &limits,
        reach_m,
        obstacles: boxes.iter().map(|fixed| fixed.id.as_str()).collect(),
        changes: &description.changes,
        folder: &out.to_string_lossy(),
    }
    .text();
    texts.push(("report.md", report.clone()));
    for (file, text) in texts {
        let path = out.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut state = robot.neutral();
    for (&joint, &position) in arm.joints.iter().zip(&home) {
        state[joint] = position;
    }
    picture::draw(&robot, &state, &boxes, &out.join("home.png"))?;
    print!("{report}");
    Ok(())
}

/// How the configuration names a file: nodes run in the repository or in share/praxis, so paths
/// inside those are relative and all others absolute.
fn named(path: PathBuf) -> Result<String> {
    let path = std::path::absolute(path)?;
    let here = std::env::current_dir()?;
    let inside = here.join("launch").is_dir().then(|| path.strip_prefix(&here).ok()).flatten();
    Ok(inside.unwrap_or(Path::new(&path)).display().to_string())
}
