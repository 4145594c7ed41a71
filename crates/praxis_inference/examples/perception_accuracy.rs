//! How well objects are found and placed in rendered tables whose truth is known, and how fast.
//!
//!     cargo run --release -p praxis_inference --example perception_accuracy -- \
//!         models/networks/tabletop models/worlds/sort_table.yaml [FRAMES] [noise]
//!
//! `truth` instead of the network's folder takes the true boxes from the renderer: what remains is
//! the error of the geometry alone. Prints one JSON object.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use praxis_geometry::{Pose, Stamp, yaw_rad};
use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::{
    Card, Network, NetworkError, Outputs, PixelBox, Tensor, TensorSpec, TensorView,
};
use praxis_perception::{
    CameraModel, ColourImage, DepthImage, Frame, Perceiver, PerceiverConfig, Perception, RobotBody,
    wrapped, yaw_period_rad,
};
use praxis_render::{Camera, Frame as Picture, Light, Material, Mesh, Renderer, Scene};
use praxis_world::{ObjectInstance, World};

/// Seeds from here on; the demo counts from 1.
const FIRST_SEED: u64 = 900_000;
/// An object farther off than this from where it was told to be was not found, metres.
const FOUND_WITHIN_M: f64 = 0.03;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, world, rest @ ..] = &arguments[..] else {
        return Err("usage: perception_accuracy FOLDER|truth WORLD [FRAMES] [noise]".into());
    };
    let frames: u64 = rest.first().map_or(Ok(100), |text| text.parse())?;
    let noise = rest.get(1).is_some_and(|word| word == "noise");
    let world = World::read(world)?;
    let mut tally = Tally::default();
    let mut perceiver = match folder.as_str() {
        "truth" => None,
        folder => Some(load(folder)?),
    };
    let card = match &perceiver {
        Some(perceiver) => perceiver.card().clone(),
        None => Card::parse(TRUTH_CARD)?,
    };
    for seed in FIRST_SEED..FIRST_SEED + frames {
        let view = View::of(&world, seed, noise)?;
        let told = match &mut perceiver {
            Some(perceiver) => view.look(perceiver, &mut tally)?,
            None => {
                let network = Box::new(Truth::about(&view, &card));
                let mut perceiver =
                    Perceiver::new(card.clone(), network, PerceiverConfig::default());
                view.look(&mut perceiver, &mut tally)?
            }
        };
        tally.take(&view, &told, &card);
    }
    tally.print(&card);
    Ok(())
}

fn load(folder: &str) -> Result<Perceiver, Box<dyn std::error::Error>> {
    let card = Card::read(folder.as_ref())?;
    let config = InferenceConfig {
        library: library_path("")?,
        providers: vec!["cpu".to_owned()],
        intra_op_threads: 1,
    };
    let network = OrtNetwork::load(&card, &config)?;
    Ok(Perceiver::new(card, Box::new(network), PerceiverConfig::default()))
}

/// One rendered table and all that is true of it.
struct View {
    objects: Vec<ObjectInstance>,
    /// Box of the visible pixels of each object; none for one that is hidden.
    boxes: Vec<Option<PixelBox>>,
    colour: ColourImage,
    depth: DepthImage,
    camera: CameraModel,
    world_from_camera: Pose,
}

impl View {
    fn of(world: &World, seed: u64, noise: bool) -> Result<Self, Box<dyn std::error::Error>> {
        let objects = world.layout(seed)?;
        let mut scene = Scene::default();
        for fixed in world.fixed_boxes() {
            let shape = praxis_geometry::Shape::Box { half_extents_m: 0.5 * fixed.size_m };
            scene.add(Mesh::of_shape(&shape), Material::plain(fixed.colour), fixed.world_from_box);
        }
        // Instance numbers count from 1; which object each belongs to.
        let mut owner = BTreeMap::new();
        for (index, object) in objects.iter().enumerate() {
            for part in &object.parts {
                let pose = object.world_from_object * part.object_from_part;
                scene.add(Mesh::of_shape(&part.shape), Material::plain(object.colour), pose);
                owner.insert(scene.len() as u16, index);
            }
        }
        let optics = world.camera.intrinsics;
        let view = Camera {
            width_px: optics.width_px as usize,
            height_px: optics.height_px as usize,
            fx_px: optics.fx_px,
            fy_px: optics.fy_px,
            cx_px: optics.cx_px,
            cy_px: optics.cy_px,
            world_from_optical: world.camera.world_from_optical,
        };
        let mut picture = Picture::default();
        Renderer::default().render(&scene, &Light::default(), &view, &mut picture);
        if noise {
            spoil(&mut picture, seed);
        }
        let (width, height) = (picture.width_px, picture.height_px);
        let k = [view.fx_px, 0.0, view.cx_px, 0.0, view.fy_px, view.cy_px, 0.0, 0.0, 1.0];
        Ok(Self {
            boxes: boxes(&picture, &owner, objects.len()),
            objects,
            colour: ColourImage::new(width, height, 3 * width, "rgb8", picture.colour)?,
            depth: DepthImage::from_metres(width, height, picture.depth_m)?,
            camera: CameraModel::new(width, height, &k, "", &[])?,
            world_from_camera: view.world_from_optical,
        })
    }

    fn look(
        &self,
        perceiver: &mut Perceiver,
        tally: &mut Tally,
    ) -> Result<Perception, Box<dyn std::error::Error>> {
        perceiver.forget();
        let frame = Frame {
            stamp: Stamp::from_secs_f64(1.0),
            colour: &self.colour,
            depth: Some(&self.depth),
            camera: &self.camera,
            world_from_camera: &self.world_from_camera,
            robot: &RobotBody::default(),
        };
        let started = Instant::now();
        let perception = perceiver.process(&frame)?;
        let whole = started.elapsed();
        tally.frame_ms.push(whole.as_secs_f64() * 1e3);
        tally.rest_ms.push((whole - perception.times.network).as_secs_f64() * 1e3);
        Ok(perception)
    }
}

fn boxes(picture: &Picture, owner: &BTreeMap<u16, usize>, count: usize) -> Vec<Option<PixelBox>> {
    let mut boxes: Vec<Option<PixelBox>> = vec![None; count];
    for (pixel, instance) in picture.instance.iter().enumerate() {
        let Some(&object) = owner.get(instance) else { continue };
        let at = [(pixel % picture.width_px) as f64, (pixel / picture.width_px) as f64];
        let bounds = boxes[object].get_or_insert(PixelBox { min_px: at, max_px: at });
        for axis in 0..2 {
            bounds.min_px[axis] = bounds.min_px[axis].min(at[axis]);
            bounds.max_px[axis] = bounds.max_px[axis].max(at[axis] + 1.0);
        }
    }
    boxes
}

/// Noise of a real sensor: 1.5 mm at one metre, growing with the square of the distance, 60 % of
/// the pixels at edges and 0.2 % of all without depth, grain of 3 in colour.
fn spoil(picture: &mut Picture, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut even = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let sharp = picture.depth_m.clone();
    for (pixel, depth) in picture.depth_m.iter_mut().enumerate() {
        // The sum of twelve even numbers is as good as normal here.
        let normal = (0..12).map(|_| even()).sum::<f32>() - 6.0;
        let near = sharp[pixel.saturating_sub(1)];
        let above = sharp[pixel.saturating_sub(picture.width_px)];
        let edge = (*depth - near).abs().max((*depth - above).abs()) > 0.015;
        let lost = even() < if edge { 0.6 } else { 0.002 };
        *depth = if lost { 0.0 } else { *depth + 0.0015 * *depth * *depth * normal };
    }
    for byte in &mut picture.colour {
        *byte = (f32::from(*byte) + 3.0 * (even() + even() - 1.0) * 2.4).clamp(0.0, 255.0) as u8;
    }
}

/// What has been measured.
#[derive(Default)]
struct Tally {
    position_mm: Vec<f64>,
    yaw_deg: Vec<f64>,
    frame_ms: Vec<f64>,
    rest_ms: Vec<f64>,
    objects: usize,
    found: usize,
    ghosts: usize,
    /// Of each class: score and whether it is right, and how many there are.
    ranked: BTreeMap<usize, Vec<(f32, bool)>>,
    present: BTreeMap<usize, usize>,
}

impl Tally {
    fn take(&mut self, view: &View, told: &Perception, card: &Card) {
        self.take_objects(view, told, card);
        self.take_boxes(view, told, card);
    }

    fn take_objects(&mut self, view: &View, told: &Perception, card: &Card) {
        let mut used = vec![false; told.seen.len()];
        self.objects += view.objects.len();
        for truth in &view.objects {
            let centre = truth.world_from_object.translation.vector;
            let nearest = (0..told.seen.len())
                .filter(|&index| !used[index])
                .filter(|&index| card.classes[told.seen[index].class].name == truth.class)
                .map(|index| ((told.seen[index].centre_m - centre).norm(), index))
                .filter(|(distance, _)| *distance <= FOUND_WITHIN_M)
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((distance, index)) = nearest else { continue };
            used[index] = true;
            self.found += 1;
            self.position_mm.push(distance * 1e3);
            let seen = &told.seen[index];
            if let Some(period) = yaw_period_rad(&card.classes[seen.class]) {
                // A square box looks alike after a quarter turn.
                let ratio = truth.size_m.x / truth.size_m.y;
                let square = (0.95..1.05).contains(&ratio);
                let period = if square { TAU / 4.0 } else { period };
                let error = wrapped(seen.yaw_rad - yaw_rad(&truth.world_from_object), period);
                self.yaw_deg.push(error.abs().to_degrees());
            }
        }
        self.ghosts += used.iter().filter(|used| !**used).count();
    }

    fn take_boxes(&mut self, view: &View, told: &Perception, card: &Card) {
        let class_of = |object: &ObjectInstance| {
            card.classes.iter().position(|class| class.name == object.class)
        };
        for (object, bounds) in view.objects.iter().zip(&view.boxes) {
            if let (Some(class), Some(_)) = (class_of(object), bounds) {
                *self.present.entry(class).or_default() += 1;
            }
        }
        let mut taken = vec![false; view.objects.len()];
        for detection in &told.detections {
            let hit = (0..view.objects.len())
                .filter(|&index| !taken[index])
                .filter(|&index| class_of(&view.objects[index]) == Some(detection.class))
                .filter_map(|index| Some((view.boxes[index]?.iou(&detection.bounds), index)))
                .filter(|(iou, _)| *iou >= 0.5)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, index)) = hit {
                taken[index] = true;
            }
            self.ranked.entry(detection.class).or_default().push((detection.score, hit.is_some()));
        }
    }

    /// Area under the precision-recall curve of one class.
    fn average_precision(&self, class: usize) -> Option<f64> {
        let present = *self.present.get(&class)? as f64;
        let mut ranked = self.ranked.get(&class).cloned().unwrap_or_default();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut right = 0.0;
        let mut curve = Vec::new();
        for (told, (_, hit)) in ranked.iter().enumerate() {
            right += f64::from(u8::from(*hit));
            curve.push((right / present, right / (told + 1) as f64));
        }
        let (mut area, mut best, mut recall) = (0.0, 0.0f64, curve.last().map_or(0.0, |c| c.0));
        for &(at, precision) in curve.iter().rev() {
            area += best * (recall - at);
            recall = at;
            best = best.max(precision);
        }
        Some(area + best * recall)
    }

    fn print(&self, card: &Card) {
        let precisions: Vec<f64> =
            (0..card.classes.len()).filter_map(|class| self.average_precision(class)).collect();
        let map50 = precisions.iter().sum::<f64>() / precisions.len().max(1) as f64;
        let each: Vec<String> = card
            .classes
            .iter()
            .zip(&precisions)
            .map(|(class, precision)| format!("\"{}\":{precision:.4}", class.name))
            .collect();
        println!(
            "{{\"frames\":{},\"objects\":{},\"found\":{},\"ghosts\":{},\"map50\":{map50:.4},\
             \"ap50\":{{{}}},\"position_error_mm\":{},\"yaw_error_deg\":{},\
             \"frame_to_objects_ms\":{},\"without_network_ms\":{}}}",
            self.frame_ms.len(),
            self.objects,
            self.found,
            self.ghosts,
            each.join(","),
            spread(&self.position_mm),
            spread(&self.yaw_deg),
            spread(&self.frame_ms),
            spread(&self.rest_ms),
        );
    }
}

fn spread(values: &[f64]) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = share * sorted.len().saturating_sub(1) as f64;
        sorted.get(index.round() as usize).copied()
    };
    let field = |name: &str, share: f64| {
        at(share).map(|value| format!("\"{name}\":{value:.3}")).unwrap_or_default()
    };
    let fields = [field("median", 0.5), field("p95", 0.95), field("p99", 0.99), field("max", 1.0)];
    format!("{{{}}}", fields.join(",").trim_matches(','))
}

/// A network that tells the true boxes.
struct Truth(Outputs);

impl Truth {
    fn about(view: &View, card: &Card) -> Self {
        let (rows, columns) = (card.input.height, card.input.width);
        let plane = rows * columns;
        let mut heat = vec![0.0; card.classes.len() * plane];
        let (mut size, mut offset) = (vec![0.0; 2 * plane], vec![0.0; 2 * plane]);
        let scale = columns as f64 / view.camera.width() as f64;
        for (object, bounds) in view.objects.iter().zip(&view.boxes) {
            let class = card.classes.iter().position(|class| class.name == object.class);
            let (Some(class), Some(bounds)) = (class, bounds) else { continue };
            let centre = bounds.centre_px().map(|at| at * scale);
            let cell = centre[1] as usize * columns + centre[0] as usize;
            heat[class * plane + cell] = 0.99;
            for axis in 0..2 {
                let side = (bounds.max_px[axis] - bounds.min_px[axis]) * scale;
                size[axis * plane + cell] = side as f32;
                offset[axis * plane + cell] = centre[axis].fract() as f32;
            }
        }
        let tensor =
            |channels: usize, values| Tensor::new(vec![1, channels, rows, columns], values);
        let named = [("heat", card.classes.len(), heat), ("size", 2, size), ("offset", 2, offset)];
        let tensors = named.into_iter().filter_map(|(name, channels, values)| {
            Some((name.to_owned(), tensor(channels, values).ok()?))
        });
        Self(Outputs::new(tensors.collect()))
    }
}

impl Network for Truth {
    fn inputs(&self) -> &[TensorSpec] {
        &[]
    }
    fn outputs(&self) -> &[TensorSpec] {
        &[]
    }
    fn provider(&self) -> &str {
        "truth"
    }
    fn run(
        &mut self,
        _: &[(&str, TensorView<'_>)],
        _: Option<Duration>,
    ) -> Result<Outputs, NetworkError> {
        Ok(self.0.clone())
    }
}

const TRUTH_CARD: &str = r#"
name = "truth"
model = "none.onnx"
licence = "Apache-2.0"
origin = "the renderer"
[input]
name = "image"
width = 320
height = 240
[decoder]
kind = "centernet"
stride = 1
heatmap = "heat"
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
"#;
