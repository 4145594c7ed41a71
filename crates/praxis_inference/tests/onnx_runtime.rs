//! Networks are loaded, checked, run and ended by the real ONNX Runtime.
//!
//! `ORT_DYLIB_PATH` names the library; `cargo xtask test` sets it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use praxis_inference::{InferenceConfig, LoadError, OrtNetwork, library_path};
use praxis_network::{Card, ImageView, Network, NetworkError, PixelFormat, Preprocessor, Tensor};
use proptest::prelude::*;

fn config() -> InferenceConfig {
    let library = library_path("").expect("these tests need ONNX Runtime");
    InferenceConfig { library, providers: vec!["cpu".to_owned()], intra_op_threads: 1 }
}

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

fn card(model_name: &str) -> Card {
    let text = r#"
        name = "mean"
        model = "mean.onnx"
        licence = "Apache-2.0"
        origin = "tests/models/make.py"
        [input]
        name = "image"
        width = 32
        height = 24
        [decoder]
        kind = "centernet"
        stride = 4
        heatmap = "heatmap"
        size = "size"
        [[classes]]
        name = "red"
        shape = "box"
        symmetry_order = 2
        [[classes]]
        name = "green"
        shape = "cylinder"
        symmetry_order = 0
        [[classes]]
        name = "blue"
        shape = "cross"
        symmetry_order = 4
    "#;
    let mut card = Card::parse(text).unwrap();
    card.model = model(model_name);
    card
}

fn refusal(card: &Card) -> String {
    OrtNetwork::load(card, &config()).err().expect("must be refused").to_string()
}

#[test]
fn a_green_patch_is_found_in_the_picture() {
    let card = card("mean.onnx");
    let mut network = OrtNetwork::load(&card, &config()).unwrap();
    assert_eq!(network.provider(), "cpu");
    assert!(network.skipped_providers().is_empty());

    // A picture twice as large as the input, green from (16, 8) to (24, 16).
    let mut bytes = vec![0u8; 64 * 48 * 3];
    for (y, x) in (8..16).flat_map(|y| (16..24).map(move |x| (y, x))) {
        bytes[3 * (64 * y + x) + 1] = 255;
    }
    let image = ImageView::new(64, 48, 192, PixelFormat::Rgb8, &bytes).unwrap();
    let mut preprocessor = Preprocessor::new(&card.input);
    let (tensor, input_from_image) = preprocessor.run(&image);
    let outputs = network.run(&[("image", tensor.view())], None).unwrap();
    let found = card.decode(&outputs, &input_from_image, (64, 48), None).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].class, found[0].score), (1, 1.0));
    assert_eq!(found[0].bounds.centre_px(), [20.0, 12.0]);
    assert_eq!(found[0].bounds.area_px2(), 16.0 * 16.0);
}

#[test]
fn a_card_that_does_not_fit_is_refused_with_what_was_found() {
    let mut renamed = card("mean.onnx");
    renamed.input.name = "picture".to_owned();
    let text = refusal(&renamed);
    assert!(text.contains("no input `picture`") && text.contains("\"image\""), "{text}");

    let mut larger = card("mean.onnx");
    larger.input.width = 64;
    let text = refusal(&larger);
    assert!(text.contains("[1, 3, 24, 32]") && text.contains("[1, 3, 24, 64]"), "{text}");

    let mut fewer = card("mean.onnx");
    fewer.classes.pop();
    let text = refusal(&fewer);
    assert!(text.contains("heatmap") && text.contains("expected [1, 2, 6, 8]"), "{text}");

    let text = refusal(&card("doubles.onnx"));
    assert!(text.contains("holds f64, expected f32"), "{text}");
}

#[test]
fn missing_and_broken_models_and_libraries_are_clean_errors() {
    let text = refusal(&card("nowhere.onnx"));
    assert!(text.contains("nowhere.onnx") && text.contains("No such file"), "{text}");

    let broken = tempfile("broken", b"not a network");
    let mut card = card("mean.onnx");
    card.model.clone_from(&broken);
    assert!(matches!(OrtNetwork::load(&card, &config()), Err(LoadError::Model { .. })));
    let whole = std::fs::read(model("mean.onnx")).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(OrtNetwork::load(&card, &config()), Err(LoadError::Model { .. })));
    std::fs::remove_file(&broken).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_damaged_network_is_a_network_or_an_error(
        cut in 0.0..1.2f64, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = std::fs::read(model("mean.onnx")).unwrap();
        bytes.truncate((cut * bytes.len() as f64) as usize);
        for (at, byte) in changes {
            let at = at % bytes.len().max(1);
            bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
        }
        let damaged = tempfile("damaged", &bytes);
        let mut card = card("mean.onnx");
        card.model.clone_from(&damaged);
        let loaded = OrtNetwork::load(&card, &config());
        std::fs::remove_file(&damaged).unwrap();
        if let Ok(mut network) = loaded {
            // What was loaded keeps what the card says of it.
            let input = Tensor::zeros(&card.input.shape());
            if let Ok(outputs) = network.run(&[("image", input.view())], None) {
                prop_assert_eq!(outputs.get("heatmap").unwrap().shape(), &[1, 3, 6, 8]);
            }
        }
    }
}

#[test]
fn an_unknown_provider_is_not_replaced_by_another() {
    let mut strange = config();
    strange.providers = vec!["abacus".to_owned(), "cpu".to_owned()];
    let error = OrtNetwork::load(&card("mean.onnx"), &strange).err().unwrap();
    assert!(matches!(error, LoadError::UnknownProvider { .. }), "{error}");
}

#[test]
fn a_run_past_its_limit_is_ended_and_the_next_one_works() {
    let mut network = OrtNetwork::load_model(&model("slow.onnx"), &config()).unwrap();
    let input = Tensor::zeros(&[1, 3, 24, 32]);
    for _ in 0..2 {
        let limit = Duration::from_millis(100);
        let started = Instant::now();
        let error = network.run(&[("image", input.view())], Some(limit)).unwrap_err();
        assert_eq!(error, NetworkError::TimeLimit { limit });
        assert!(started.elapsed() >= limit);
    }
    // The flag of an ended run must not end a short one.
    let mut quick = OrtNetwork::load_model(&model("mean.onnx"), &config()).unwrap();
    for _ in 0..3 {
        quick.run(&[("image", input.view())], Some(Duration::from_secs(60))).unwrap();
    }
}

#[test]
fn wrong_inputs_are_refused_before_the_run() {
    let mut network = OrtNetwork::load_model(&model("mean.onnx"), &config()).unwrap();
    let small = Tensor::zeros(&[1, 3, 2, 2]);
    let error = network.run(&[("image", small.view())], None).unwrap_err();
    assert!(matches!(error, NetworkError::Shape { .. }), "{error}");
    let error = network.run(&[("picture", small.view())], None).unwrap_err();
    assert!(matches!(error, NetworkError::MissingInput { .. }), "{error}");
    assert!(network.run(&[], None).is_err());
}

fn tempfile(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("praxis_{name}_{}.onnx", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}
