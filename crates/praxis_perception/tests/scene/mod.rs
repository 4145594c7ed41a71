//! A tiny world of upright prisms on a plane, seen by a depth camera, and a network that names
//! them. The depth is found by sphere tracing, so it owes nothing to the code under test.
#![allow(dead_code)] // every test file uses its own part of it

use std::time::Duration;

use nalgebra::{Isometry3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_network::{
    Card, Network, NetworkError, Outputs, ShapeKind, Tensor, TensorSpec, TensorView,
};
use praxis_perception::{CameraModel, ColourImage, DepthImage, Outline};

/// An upright prism on the plane z = 0.
#[derive(Clone, Copy, Debug)]
pub struct Prism {
    pub outline: Outline,
    pub height_m: f64,
    /// How far its bottom is above the plane.
    pub lift_m: f64,
}

pub fn prism(shape: ShapeKind, xy: [f64; 2], yaw: f64, sides: [f64; 2], height: f64) -> Prism {
    let outline = Outline { shape, centre_m: xy, yaw_rad: yaw, sides_m: sides };
    Prism { outline, height_m: height, lift_m: 0.0 }
}

impl Prism {
    pub fn class(&self) -> usize {
        match self.outline.shape {
            ShapeKind::Box => 0,
            ShapeKind::Cylinder => 1,
            ShapeKind::Cross => 2,
        }
    }

    fn distance_m(&self, point: &Point3<f64>) -> f64 {
        let side = self.outline.distance_m([point.x, point.y]);
        let middle = self.lift_m + 0.5 * self.height_m;
        side.max((point.z - middle).abs() - 0.5 * self.height_m)
    }
}

/// A camera like the one of the table world, looking down at the objects from the front.
pub fn world_from_camera() -> Isometry3<f64> {
    let eye = Point3::new(1.05, -0.03, 0.95);
    let ahead: Vector3<f64> = (Point3::new(0.42, 0.03, 0.0) - eye).normalize();
    let right = ahead.cross(&Vector3::z()).normalize();
    let down = ahead.cross(&right);
    let rotation = Rotation3::from_basis_unchecked(&[right, down, ahead]);
    Isometry3::from_parts(
        Translation3::from(eye.coords),
        UnitQuaternion::from_rotation_matrix(&rotation),
    )
}

pub fn camera(width: usize) -> CameraModel {
    let focal = 0.5 * width as f64 / (0.5f64 * 1.0123).tan();
    CameraModel::pinhole(width, width * 3 / 4, focal).unwrap()
}

/// Depth of every pixel in metres.
pub fn depth_m(camera: &CameraModel, prisms: &[Prism]) -> Vec<f32> {
    let pose = world_from_camera();
    let eye = Point3::from(pose.translation.vector);
    let mut depth = Vec::with_capacity(camera.width() * camera.height());
    for row in 0..camera.height() {
        for column in 0..camera.width() {
            let ray = pose.rotation * camera.ray([column as f64, row as f64]);
            let length = ray.norm();
            // From the height of the highest top down to the plane.
            let top = prisms.iter().map(|p| p.lift_m + p.height_m).fold(0.0, f64::max) + 1e-3;
            let end = -eye.z / ray.z;
            let mut at = (top - eye.z) / ray.z;
            while at < end {
                let point = eye + ray * at;
                let near = prisms.iter().map(|p| p.distance_m(&point)).fold(1.0, f64::min);
                if near < 1e-5 {
                    break;
                }
                at += 0.9 * near / length;
            }
            depth.push(at.min(end) as f32);
        }
    }
    depth
}

pub fn depth_image(camera: &CameraModel, prisms: &[Prism]) -> DepthImage {
    DepthImage::from_metres(camera.width(), camera.height(), depth_m(camera, prisms)).unwrap()
}

pub fn grey(camera: &CameraModel) -> ColourImage {
    let (width, height) = (camera.width(), camera.height());
    ColourImage::new(width, height, 3 * width, "rgb8", vec![128; 3 * width * height]).unwrap()
}

pub fn card() -> Card {
    Card::parse(
        r#"
        name = "fake"
        model = "fake.onnx"
        licence = "Apache-2.0"
        origin = "made up for a test"
        [input]
        name = "image"
        width = 320
        height = 240
        [decoder]
        kind = "centernet"
        stride = 4
        heatmap = "heatmap"
        size = "size"
        offset = "offset"
        [[classes]]
        name = "box"
        shape = "box"
        symmetry_order = 2
        [[classes]]
        name = "cylinder"
        shape = "cylinder"
        symmetry_order = 0
        [[classes]]
        name = "cross"
        shape = "cross"
        symmetry_order = 4
        "#,
    )
    .unwrap()
}

/// Names what it is told to name, wherever that is in the picture.
pub struct TellTale {
    outputs: Outputs,
}

impl TellTale {
    pub fn about(prisms: &[Prism]) -> Self {
        let (rows, columns) = (60, 80);
        let plane = rows * columns;
        let mut heatmap = vec![0.0; 3 * plane];
        let (mut size, mut offset) = (vec![0.0; 2 * plane], vec![0.0; 2 * plane]);
        let camera = camera(320);
        for prism in prisms {
            let (low, high) = bounds_px(&camera, prism);
            let centre = [0, 1].map(|axis| 0.125 * (low[axis] + high[axis]));
            let cell = centre[1] as usize * columns + centre[0] as usize;
            heatmap[prism.class() * plane + cell] = 0.9;
            for axis in 0..2 {
                size[axis * plane + cell] = (high[axis] - low[axis]) as f32;
                offset[axis * plane + cell] = centre[axis].fract() as f32;
            }
        }
        let tensor = |channels: usize, values| {
            Tensor::new(vec![1, channels, rows, columns], values).unwrap()
        };
        let outputs = Outputs::new(vec![
            ("heatmap".to_owned(), tensor(3, heatmap)),
            ("size".to_owned(), tensor(2, size)),
            ("offset".to_owned(), tensor(2, offset)),
        ]);
        Self { outputs }
    }
}

impl Network for TellTale {
    fn inputs(&self) -> &[TensorSpec] {
        &[]
    }
    fn outputs(&self) -> &[TensorSpec] {
        &[]
    }
    fn provider(&self) -> &str {
        "test"
    }
    fn run(
        &mut self,
        _: &[(&str, TensorView<'_>)],
        _: Option<Duration>,
    ) -> Result<Outputs, NetworkError> {
        Ok(self.outputs.clone())
    }
}

/// The rectangle around a prism in continuous picture coordinates.
fn bounds_px(camera: &CameraModel, prism: &Prism) -> ([f64; 2], [f64; 2]) {
    let camera_from_world = world_from_camera().inverse();
    let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
    for i in -40..=40 {
        for j in -40..=40 {
            let [x, y] = prism.outline.centre_m;
            let at = [x + f64::from(i) * 1e-3, y + f64::from(j) * 1e-3];
            if prism.outline.distance_m(at) > 0.0 {
                continue;
            }
            for z in [prism.lift_m, prism.lift_m + prism.height_m] {
                let pixel = camera.project(&(camera_from_world * Point3::new(at[0], at[1], z)));
                for axis in 0..2 {
                    let value = pixel.unwrap()[axis] + 0.5;
                    low[axis] = low[axis].min(value);
                    high[axis] = high[axis].max(value);
                }
            }
        }
    }
    (low, high)
}
