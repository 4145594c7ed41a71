//! Robots and problems of the motion-planning benchmark.

use std::io::Read;
use std::path::Path;

use nalgebra::{Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_collision::{Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_robot::Robot;
use serde_json::Value;

pub fn problems(dir: &Path, robot: &str) -> Value {
    let file = std::fs::File::open(dir.join(format!("{robot}.json.gz"))).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn robot(dir: &Path, name: &str) -> Robot {
    let read = |file: String| std::fs::read_to_string(dir.join(file)).unwrap();
    Robot::from_strings(
        &read(format!("{name}_spherized.urdf")),
        Some(&read(format!("{name}.srdf"))),
    )
    .unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

pub fn vector(value: &Value) -> Vector3<f64> {
    Vector3::from_vec(numbers(value))
}

pub fn scene(problem: &Value) -> Scene {
    let mut scene = Scene::default();
    let mut add = |entry: &Value, shape: Shape, pose: Pose| {
        let name = entry["name"].as_str().unwrap();
        scene.objects.push(SceneObject::new(name, &[(shape, pose)]).unwrap());
    };
    for entry in problem["spheres"].as_array().unwrap() {
        let radius_m = entry["radius"].as_f64().unwrap();
        let pose = Pose::from_parts(vector(&entry["center"]).into(), UnitQuaternion::identity());
        add(entry, Shape::Sphere { radius_m }, pose);
    }
    for entry in problem["capsules"].as_array().unwrap() {
        let (a, b) = (vector(&entry["a"]), vector(&entry["b"]));
        let turn = UnitQuaternion::rotation_between(&Vector3::z(), &(b - a)).unwrap_or_else(|| {
            UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
        });
        let pose = Pose::from_parts(Translation3::from((a + b) / 2.0), turn);
        let radius_m = entry["radius"].as_f64().unwrap();
        add(entry, Shape::Capsule { radius_m, length_m: (b - a).norm() }, pose);
    }
    for entry in problem["cuboids"].as_array().unwrap() {
        let axes = entry["axes"].as_array().unwrap();
        let columns = [vector(&axes[0]), vector(&axes[1]), vector(&axes[2])];
        let turn = Rotation3::from_matrix(&Matrix3::from_columns(&columns));
        let pose = Pose::from_parts(
            vector(&entry["center"]).into(),
            UnitQuaternion::from_rotation_matrix(&turn),
        );
        add(entry, Shape::Box { half_extents_m: vector(&entry["half_extents"]) }, pose);
    }
    scene
}
