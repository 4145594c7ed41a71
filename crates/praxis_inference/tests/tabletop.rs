//! The committed network finds in its stored pictures what it found when it was made.
//!
//! `ORT_DYLIB_PATH` names the library; `cargo xtask test` sets it.

use std::path::{Path, PathBuf};

use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::{
    Card, DepthPreprocessor, DepthView, Detection, ImageView, Network, PixelBox, PixelFormat,
    Preprocessor,
};
use serde::Deserialize;

const METRES_PER_UNIT: f32 = 1e-4;

#[derive(Deserialize)]
struct Expected {
    picture: String,
    depth: String,
    detections: Vec<ExpectedDetection>,
}

#[derive(Deserialize)]
struct ExpectedDetection {
    class: String,
    score: f32,
    #[serde(rename = "box")]
    bounds: [f64; 4],
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/networks/tabletop")
}

fn expected() -> Vec<Expected> {
    let text = std::fs::read_to_string(folder().join("golden/expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn network(card: &Card) -> OrtNetwork {
    let library = library_path("").expect("these tests need ONNX Runtime");
    let config =
        InferenceConfig { library, providers: vec!["cpu".to_owned()], intra_op_threads: 1 };
    OrtNetwork::load(card, &config).unwrap()
}

/// What the network finds in a stored picture, with or without its depth.
fn found(card: &Card, network: &mut OrtNetwork, stored: &Expected, depth: bool) -> Vec<Detection> {
    let open = |name: &str| image::open(folder().join("golden").join(name)).unwrap();
    let colour = open(&stored.picture).into_rgb8();
    let (width, height) = (colour.width() as usize, colour.height() as usize);
    let metres: Vec<f32> = open(&stored.depth)
        .into_luma16()
        .iter()
        .map(|&unit| f32::from(unit) * METRES_PER_UNIT)
        .collect();
    let depth = depth.then(|| DepthView::new(width, height, &metres).unwrap());

    let image = ImageView::new(width, height, 3 * width, PixelFormat::Rgb8, &colour).unwrap();
    let mut preprocessor = Preprocessor::new(&card.input);
    let (tensor, input_from_image) = preprocessor.run(&image);
    let mut depth_preprocessor = DepthPreprocessor::new(&card.input);
    let depth_tensor = depth_preprocessor.run(depth.as_ref());
    let depth_name = card.input.depth.as_deref().expect("this network takes depth");
    let inputs = [(card.input.name.as_str(), tensor.view()), (depth_name, depth_tensor.view())];
    let outputs = network.run(&inputs, None).unwrap();
    card.decode(&outputs, &input_from_image, (width, height), None).unwrap()
}

#[test]
fn what_is_found_is_what_training_stored() {
    let card = Card::read(&folder()).unwrap();
    let mut network = network(&card);
    for stored in expected() {
        let found = found(&card, &mut network, &stored, true);
        assert!(stored.detections.len() >= 3, "{}", stored.picture);
        assert_eq!(found.len(), stored.detections.len(), "{}", stored.picture);
        for (ours, theirs) in found.iter().zip(&stored.detections) {
            assert_eq!(card.classes[ours.class].name, theirs.class);
            assert!((ours.score - theirs.score).abs() < 1e-3, "{} {}", ours.score, theirs.score);
            let [left, top, right, bottom] = theirs.bounds;
            let bounds = PixelBox { min_px: [left, top], max_px: [right, bottom] };
            assert!(ours.bounds.iou(&bounds) > 0.99, "{:?} {bounds:?}", ours.bounds);
        }
    }
}

#[test]
fn without_depth_most_objects_are_still_found() {
    let card = Card::read(&folder()).unwrap();
    let mut network = network(&card);
    let (mut sure, mut again) = (0, 0);
    for stored in expected() {
        let by_colour = found(&card, &mut network, &stored, false);
        for theirs in stored.detections.iter().filter(|detection| detection.score > 0.5) {
            let [left, top, right, bottom] = theirs.bounds;
            let bounds = PixelBox { min_px: [left, top], max_px: [right, bottom] };
            sure += 1;
            again += usize::from(by_colour.iter().any(|ours| ours.bounds.iou(&bounds) > 0.5));
        }
    }
    assert!(sure >= 9 && 10 * again >= 7 * sure, "{again} of {sure}");
}
