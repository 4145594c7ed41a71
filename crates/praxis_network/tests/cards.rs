//! Cards that make no sense are refused with the field that is wrong.

use praxis_network::{Card, NetworkError, TensorSpec};
use proptest::prelude::*;

const CARD: &str = r#"
name = "small"
model = "small.onnx"
licence = "Apache-2.0"
origin = "a test"

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
name = "box"
shape = "box"
symmetry_order = 2

[[classes]]
name = "mug"
shape = "cylinder"
symmetry_order = 0
score_threshold = 0.6
"#;

fn refusal(from: &str, to: &str) -> String {
    assert!(CARD.contains(from), "nothing to replace");
    Card::parse(&CARD.replacen(from, to, 1)).unwrap_err().to_string()
}

fn spec(name: &str, shape: &[i64]) -> TensorSpec {
    let shape = shape.iter().map(|&axis| usize::try_from(axis).ok()).collect();
    TensorSpec { name: name.to_owned(), shape, element: "f32".to_owned() }
}

#[test]
fn defaults_are_what_most_networks_want() {
    let card = Card::parse(CARD).unwrap();
    assert_eq!(card.input.shape(), [1, 3, 24, 32]);
    assert_eq!(card.input.std, [1.0; 3]);
    assert_eq!((card.score_threshold(0), card.score_threshold(1)), (0.35, 0.6));
}

#[test]
fn every_wrong_field_is_named() {
    for (from, to, named) in [
        ("width = 32", "width = 0", "input.width"),
        ("height = 24", "height = 24\nstd = [1.0, 0.0, 1.0]", "input.std"),
        ("height = 24", "height = 24\nmean = [nan, 0.0, 1.0]", "input.mean"),
        ("height = 24", "height = 24\ncolour = \"cmyk\"", "cmyk"),
        ("stride = 4", "stride = 0", "decoder.stride"),
        ("kind = \"centernet\"", "kind = \"oracle\"", "oracle"),
        ("name = \"mug\"", "name = \"box\"", "classes[1].name"),
        ("score_threshold = 0.6", "score_threshold = 6.0", "classes[1].score_threshold"),
        ("origin = \"a test\"", "", "origin"),
        ("origin = \"a test\"", "origin = \"a test\"\ncolor = 1", "color"),
    ] {
        let text = refusal(from, to);
        assert!(text.contains(named), "`{to}` gave: {text}");
    }
}

#[test]
fn a_missing_card_says_where_it_was_looked_for() {
    let error = Card::read(std::path::Path::new("/nowhere/card.toml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/card.toml"), "{error}");
}

#[test]
fn a_network_with_free_axes_fits() {
    let card = Card::parse(CARD).unwrap();
    let inputs = [spec("image", &[-1, 3, -1, -1])];
    let outputs = [spec("size", &[-1, 2, -1, -1]), spec("heatmap", &[1, 2, 6, 8])];
    assert_eq!(card.check_network(&inputs, &outputs), Ok(()));
    let flat = [spec("size", &[-1, 2]), spec("heatmap", &[1, 2, 6, 8])];
    let error = card.check_network(&inputs, &flat).unwrap_err();
    assert!(matches!(error, NetworkError::Shape { .. }), "{error}");
}

proptest! {
    #[test]
    fn garbage_is_an_error(text in ".{0,200}") {
        prop_assert!(Card::parse(&text).is_err());
    }

    #[test]
    fn a_card_cut_anywhere_does_not_panic(cut in 0usize..CARD.len()) {
        let _ = Card::parse(&CARD[..cut]);
    }
}
