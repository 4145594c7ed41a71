//! Every family of decoders finds a box that was written into its outputs, and takes nonsense
//! without falling over.

use praxis_network::{
    BOX_KEYPOINTS, Card, Detection, FitMode, InputFromImage, NetworkError, Outputs, Tensor,
};
use proptest::prelude::*;

const WIDTH: usize = 64;
const HEIGHT: usize = 48;
/// Left, top, right, bottom of the box that every network is made to tell, in input pixels.
const BOX: [f32; 4] = [12.0, 8.0, 44.0, 40.0];

fn card(decoder: &str) -> Card {
    Card::parse(&text(decoder)).unwrap()
}

fn text(decoder: &str) -> String {
    format!(
        r#"
        name = "test"
        model = "test.onnx"
        licence = "Apache-2.0"
        origin = "a test"
        [input]
        name = "image"
        width = {WIDTH}
        height = {HEIGHT}
        [decoder]
        {decoder}
        [[classes]]
        name = "box"
        shape = "box"
        symmetry_order = 2
        [[classes]]
        name = "mug"
        shape = "cylinder"
        symmetry_order = 0
        [thresholds]
        score = 0.4
        "#
    )
}

fn outputs(tensors: &[(&str, &[usize], Vec<f32>)]) -> Outputs {
    let tensor = |(name, shape, values): &(&str, &[usize], Vec<f32>)| {
        ((*name).to_owned(), Tensor::new(shape.to_vec(), values.clone()).unwrap())
    };
    Outputs::new(tensors.iter().map(tensor).collect())
}

fn decode(card: &Card, outputs: &Outputs) -> Result<Vec<Detection>, NetworkError> {
    let fit = InputFromImage::fit(FitMode::Stretch, (WIDTH, HEIGHT), (WIDTH, HEIGHT));
    card.decode(outputs, &fit, (WIDTH, HEIGHT), None)
}

fn check(card: &Card, outputs: &Outputs, score: f32) {
    let found = decode(card, outputs).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let Detection { class, score: told, bounds, .. } = &found[0];
    assert_eq!(*class, 1);
    assert!((told - score).abs() < 1e-5, "{told}");
    let sides = [bounds.min_px[0], bounds.min_px[1], bounds.max_px[0], bounds.max_px[1]];
    for (side, wanted) in sides.iter().zip(BOX) {
        assert!((side - f64::from(wanted)).abs() < 1e-3, "{sides:?}");
    }
}

/// Cells of strides 8, 16 and 32: 8·6 + 4·3 + 2·2.
const CELLS: usize = 48 + 12 + 4;
/// Column 1, row 1 of the grid with stride 16; its corner lies at (16, 16).
const CELL: usize = 48 + 5;

#[test]
fn yolo_of_v8_and_v11() {
    let card = card("kind = \"yolo\"\noutput = \"output0\"");
    let mut values = vec![0.0; 6 * CELLS];
    let [left, top, right, bottom] = BOX;
    let row = [0.5 * (left + right), 0.5 * (top + bottom), right - left, bottom - top, 0.1, 0.8];
    for (channel, value) in row.into_iter().enumerate() {
        values[channel * CELLS + CELL] = value;
    }
    check(&card, &outputs(&[("output0", &[1, 6, CELLS], values)]), 0.8);
}

#[test]
fn yolo_of_v6_with_corners_and_objectness() {
    let decoder = "kind = \"yolo\"\noutput = \"o\"\norder = \"cells_first\"\nboxes = \"corners\"\nobjectness = true";
    let mut values = vec![0.0; 7 * CELLS];
    let row = [BOX[0], BOX[1], BOX[2], BOX[3], 0.9, 0.1, 0.8];
    values[7 * CELL..7 * CELL + 7].copy_from_slice(&row);
    check(&card(decoder), &outputs(&[("o", &[1, CELLS, 7], values)]), 0.72);
}

#[test]
fn yolox_counts_from_its_cells() {
    let decoder = "kind = \"yolo\"\noutput = \"o\"\norder = \"cells_first\"\nboxes = \"grid\"\nobjectness = true\nactivation = \"sigmoid\"";
    let mut values = vec![-20.0; 7 * CELLS];
    // The middle (28, 24) is cell (1.75, 1.5) of stride 16; 32 pixels are two cells.
    let row = [0.75, 0.5, 2f32.ln(), 2f32.ln(), 20.0, -20.0, 0.0];
    values[7 * CELL..7 * CELL + 7].copy_from_slice(&row);
    check(&card(decoder), &outputs(&[("o", &[1, CELLS, 7], values)]), 0.5);
}

#[test]
fn a_list_of_v10_is_taken_as_it_is() {
    let card = card("kind = \"list\"\noutput = \"o\"\nrows = 3");
    let [a, b, c, d] = BOX;
    let values = vec![
        a, b, c, d, 0.7, 1.0, // the box
        a, b, c, d, 0.9, 7.0, // a class that nobody knows
        a, b, c, d, 0.1, 0.0, // not sure enough
    ];
    check(&card, &outputs(&[("o", &[1, 3, 6], values)]), 0.7);
}

#[test]
fn rt_detr_tells_shares_of_the_picture() {
    let decoder =
        "kind = \"detr\"\nboxes = \"b\"\nscores = \"s\"\nactivation = \"sigmoid\"\nqueries = 5";
    let (mut boxes, mut scores) = (vec![0.5; 20], vec![-9.0; 10]);
    boxes[8..12].copy_from_slice(&[28.0 / 64.0, 24.0 / 48.0, 32.0 / 64.0, 32.0 / 48.0]);
    scores[5] = 1.0;
    let sure = 1.0 / (1.0 + (-1f32).exp());
    check(&card(decoder), &outputs(&[("b", &[1, 5, 4], boxes), ("s", &[1, 5, 2], scores)]), sure);
}

#[test]
fn ssd_counts_from_its_anchors() {
    let decoder = "kind = \"ssd\"\nboxes = \"b\"\nscores = \"s\"\ngrids = [2, 1]";
    let anchors = 4 * 3 + 6;
    let (mut boxes, mut scores) = (vec![0.0; 4 * anchors], vec![0.0; 3 * anchors]);
    // The first anchor of the last map: in the middle, 0.95 of each side.
    let [left, top, right, bottom] = BOX;
    let (w, h) = (WIDTH as f32, HEIGHT as f32);
    let offsets = [
        10.0 * (0.5 * (top + bottom) / h - 0.5) / 0.95,
        10.0 * (0.5 * (left + right) / w - 0.5) / 0.95,
        5.0 * ((bottom - top) / h / 0.95).ln(),
        5.0 * ((right - left) / w / 0.95).ln(),
    ];
    boxes[48..52].copy_from_slice(&offsets);
    // Background, box, mug.
    scores[3 * 12..3 * 12 + 3].copy_from_slice(&[0.9, 0.2, 0.6]);
    let outputs = outputs(&[("b", &[1, anchors, 4], boxes), ("s", &[1, anchors, 3], scores)]);
    check(&card(decoder), &outputs, 0.6);
}

#[test]
fn nanodet_tells_distances_by_their_distribution() {
    let decoder = "kind = \"nanodet\"\nreg_max = 3\ngrids = [{ stride = 16, scores = \"s\", distances = \"d\" }]";
    let (mut scores, mut distances) = (vec![0.0; 2 * 12], vec![0.0; 16 * 12]);
    // Cell (1, 1) has its middle at (24, 24): 12 left, 16 up, 20 right, 16 down.
    scores[2 * 5 + 1] = 0.55;
    for (side, cells) in [0.75f32, 1.0, 1.25, 1.0].into_iter().enumerate() {
        let logits = &mut distances[16 * 5 + 4 * side..][..4];
        logits.fill(-60.0);
        let (low, share) = (cells as usize, cells.fract());
        logits[low] = (1.0 - share).ln();
        logits[low + 1] = share.max(1e-20).ln();
    }
    let outputs = outputs(&[("s", &[1, 12, 2], scores), ("d", &[1, 12, 16], distances)]);
    check(&card(decoder), &outputs, 0.55);
}

#[test]
fn keypoints_come_back_in_the_picture() {
    let decoder = "kind = \"keypoints\"\nkeypoints = \"k\"\nscore = \"s\"";
    let one_class = text(decoder);
    let end = one_class.find("[[classes]]\n        name = \"mug\"").unwrap();
    let thresholds = one_class.find("[thresholds]").unwrap();
    let card = Card::parse(&(one_class[..end].to_owned() + &one_class[thresholds..])).unwrap();
    let points: Vec<f32> =
        (0..BOX_KEYPOINTS).flat_map(|k| [2.0 * k as f32, 1.0 + k as f32]).collect();
    let outputs = outputs(&[("k", &[1, 18], points), ("s", &[1, 1], vec![0.9])]);
    // The picture is twice as large as the input.
    let fit = InputFromImage::fit(FitMode::Stretch, (2 * WIDTH, 2 * HEIGHT), (WIDTH, HEIGHT));
    let found = card.decode(&outputs, &fit, (2 * WIDTH, 2 * HEIGHT), None).unwrap();
    let keypoints = found[0].hints.keypoints_px.unwrap();
    assert_eq!(keypoints[8], [32.0, 18.0]);
    assert_eq!((found[0].bounds.min_px, found[0].bounds.max_px), ([0.0, 2.0], [32.0, 18.0]));
    assert!(Card::parse(&one_class).is_err(), "two classes are too many");
}

#[test]
fn wrong_shapes_and_values_are_refused_with_both_sides() {
    let card = card("kind = \"yolo\"\noutput = \"output0\"");
    let error = decode(&card, &outputs(&[("output0", &[1, 5, 3], vec![0.0; 15])])).unwrap_err();
    assert_eq!(error.to_string(), "tensor `output0` has shape [1, 5, 3], expected [1, 6, 64]");
    let nan = vec![f32::NAN; 6 * CELLS];
    let error = decode(&card, &outputs(&[("output0", &[1, 6, CELLS], nan)])).unwrap_err();
    assert!(matches!(error, NetworkError::NotFinite { .. }));
    for (decoder, named) in [
        ("kind = \"yolo\"\noutput = \"o\"\nstrides = []", "decoder.strides"),
        ("kind = \"yolo\"\noutput = \"o\"\nstrides = [0]", "decoder.strides"),
        ("kind = \"list\"\noutput = \"o\"\nrows = 0", "decoder.rows"),
        ("kind = \"detr\"\nboxes = \"b\"\nscores = \"s\"\nqueries = 0", "decoder.queries"),
        ("kind = \"ssd\"\nboxes = \"b\"\nscores = \"s\"\ngrids = []", "decoder.grids"),
        (
            "kind = \"ssd\"\nboxes = \"b\"\nscores = \"s\"\ngrids = [1]\nfactors = [1.0, 0.0, 1.0, 1.0]",
            "decoder.factors",
        ),
        (
            "kind = \"nanodet\"\nreg_max = 0\ngrids = [{ stride = 8, scores = \"s\", distances = \"d\" }]",
            "decoder.reg_max",
        ),
        ("kind = \"telepathy\"", "telepathy"),
    ] {
        let error = Card::parse(&text(decoder)).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
}

const DECODERS: [&str; 7] = [
    "kind = \"yolo\"\noutput = \"a\"",
    "kind = \"yolo\"\noutput = \"a\"\norder = \"cells_first\"\nboxes = \"grid\"\nobjectness = true\nactivation = \"sigmoid\"",
    "kind = \"list\"\noutput = \"a\"\nrows = 4",
    "kind = \"detr\"\nboxes = \"a\"\nscores = \"b\"\nqueries = 4",
    "kind = \"ssd\"\nboxes = \"a\"\nscores = \"b\"\ngrids = [2, 1]",
    "kind = \"nanodet\"\nreg_max = 3\ngrids = [{ stride = 16, scores = \"a\", distances = \"b\" }]",
    "kind = \"centernet\"\nstride = 4\nheatmap = \"a\"\nsize = \"b\"",
];

proptest! {
    #[test]
    fn any_finite_output_gives_boxes_in_the_picture(
        which in 0..DECODERS.len(),
        values in prop::collection::vec(
            prop_oneof![-2.0f32..2.0, -1e30f32..1e30, Just(f32::MAX), Just(f32::MIN), Just(0.0)], 64),
        stride in 1usize..63,
    ) {
        let card = card(DECODERS[which]);
        // The error of an empty set of outputs tells nothing, so the shapes come from the card.
        let mut tensors = Vec::new();
        while let Err(error) = card.check_outputs(&Outputs::new(tensors.clone())) {
            match error {
                NetworkError::MissingOutput { name, .. } => {
                    tensors.push((name, Tensor::zeros(&[1])));
                }
                NetworkError::Shape { name, expected, .. } => {
                    let shape: Vec<usize> = expected
                        .trim_matches(['[', ']'])
                        .split(", ")
                        .map(|axis| axis.parse().unwrap())
                        .collect();
                    let count = shape.iter().product();
                    let own = (0..count).map(|at| values[at * stride % 64]).collect();
                    let tensor = Tensor::new(shape, own).unwrap();
                    tensors.iter_mut().find(|(known, _)| *known == name).unwrap().1 = tensor;
                }
                other => panic!("{other}"),
            }
        }
        for detection in decode(&card, &Outputs::new(tensors)).unwrap() {
            let bounds = detection.bounds;
            prop_assert!(detection.class < 2);
            for axis in 0..2 {
                let limit = [WIDTH, HEIGHT][axis] as f64;
                prop_assert!(bounds.min_px[axis] >= 0.0 && bounds.max_px[axis] <= limit);
            }
        }
    }

    #[test]
    fn a_damaged_card_is_a_card_or_an_error(
        which in 0..DECODERS.len(),
        at in 0usize..600,
        cut in 0usize..12,
        put in "[ -~\\n]{0,6}",
    ) {
        let mut damaged = text(DECODERS[which]);
        let at = at % damaged.len();
        damaged.replace_range(at..(at + cut).min(damaged.len()), &put);
        if let Ok(card) = Card::parse(&damaged) {
            prop_assert!(card.check_network(&[], &[]).is_err());
        }
    }
}
