//! The command as users call it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const URDF: &str = r#"<robot name="crane">
  <link name="base"><collision><origin xyz="0 0 0.05"/><geometry><box size="0.1 0.1 0.1"/></geometry></collision></link>
  <link name="post"><inertial><origin xyz="0 0 0.1"/><mass value="1"/></inertial>
    <collision><origin xyz="0 0 0.12"/><geometry><cylinder radius="0.03" length="0.2"/></geometry></collision></link>
  <link name="boom"><inertial><origin xyz="0.15 0 0"/><mass value="0.5"/></inertial>
    <collision><origin xyz="0.17 0 0"/><geometry><box size="0.26 0.04 0.04"/></geometry></collision></link>
  <link name="jib"><collision><origin xyz="0.12 0 0"/><geometry><box size="0.16 0.03 0.03"/></geometry></collision></link>
  <link name="tool0"/>
  <joint name="turn" type="continuous"><parent link="base"/><child link="post"/><origin xyz="0 0 0.1"/><axis xyz="0 0 1"/><limit velocity="2" effort="20"/></joint>
  <joint name="lift" type="revolute"><parent link="post"/><child link="boom"/><origin xyz="0 0 0.25"/><axis xyz="0 1 0"/><limit lower="-1.2" upper="1.2" velocity="0" effort="20"/></joint>
  <joint name="bend" type="revolute"><parent link="boom"/><child link="jib"/><origin xyz="0.33 0 0"/><axis xyz="0 1 0"/><limit lower="-2" upper="2" velocity="2" effort="20"/></joint>
  <joint name="end" type="fixed"><parent link="jib"/><child link="tool0"/><origin xyz="0.2 0 0"/></joint>
</robot>"#;

fn praxis(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_praxis")).args(words).current_dir(folder).output().unwrap()
}

#[test]
fn a_configuration_is_written_that_the_doctor_finds_nothing_wrong_with() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("crane.urdf"), URDF).unwrap();
    let made = praxis(folder.path(), &["new-robot", "crane.urdf", "--out", "./crane"]);
    assert!(made.status.success(), "{made:?}");
    let report = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(report.contains("3 joints from `base` to `tool0`"), "{report}");
    assert!(report.contains("speed limit of lift was 0"), "{report}");
    for file in ["control.yaml", "planning.yaml", "sim.yaml", "task.yaml", "reach.yaml", "home.png"]
    {
        assert!(folder.path().join("crane").join(file).is_file(), "{file}");
    }
    let doctor = praxis(folder.path(), &["doctor", "./crane"]);
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let sim = fs::read_to_string(folder.path().join("crane/sim.yaml")).unwrap();
    let home = sim.lines().find(|line| line.contains("start_positions_rad")).unwrap();
    assert!(!home.contains("[0.0000, 0.0000, 0.0000]"), "nobody named that a home: {home}");

    let limits = folder.path().join("crane/joint_limits.yaml");
    let text = fs::read_to_string(&limits)
        .unwrap()
        .replace("has_jerk_limits: true", "has_jerk_limits: false");
    fs::write(&limits, text).unwrap();
    let doctor = praxis(folder.path(), &["doctor", "./crane"]);
    assert!(!doctor.status.success());
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("WRONG  turn has limits"));

    let again = praxis(folder.path(), &["new-robot", "crane.urdf", "--out", "./crane"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"), "{again:?}");
    let tagged = praxis(folder.path(), &["urdf", "./crane", "--control", "topic"]);
    assert!(String::from_utf8_lossy(&tagged.stdout).contains("topic_based_ros2_control"));
}

#[test]
fn what_is_no_arm_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stone.urdf"), r#"<robot name="s"><link name="a"/></robot>"#)
        .unwrap();
    let made = praxis(folder.path(), &["new-robot", "stone.urdf", "--out", "stone"]);
    assert!(String::from_utf8_lossy(&made.stderr).contains("no arm"), "{made:?}");
}
