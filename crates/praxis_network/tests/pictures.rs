//! Pictures of any size, order and stride become the same tensor.

use praxis_network::{
    Card, FitMode, ImageView, InputFromImage, NetworkError, Outputs, PixelFormat, Preprocessor,
    Tensor,
};
use proptest::prelude::*;

fn card(extra: &str) -> Card {
    Card::parse(&format!(
        r#"
        name = "small"
        model = "small.onnx"
        licence = "Apache-2.0"
        origin = "a test"
        [input]
        name = "image"
        width = 8
        height = 8
        {extra}
        [decoder]
        kind = "centernet"
        stride = 4
        heatmap = "heatmap"
        heatmap_activation = "sigmoid"
        size = "size"
        offset = "offset"
        [[classes]]
        name = "box"
        shape = "box"
        symmetry_order = 2
        "#
    ))
    .unwrap()
}

fn tensor(card: &Card, image: &ImageView<'_>) -> Vec<f32> {
    Preprocessor::new(&card.input).run(image).0.values().to_vec()
}

#[test]
fn colour_order_mean_and_scale_are_the_cards() {
    let bytes = [10u8, 20, 30].repeat(64);
    let image = ImageView::new(8, 8, 24, PixelFormat::Rgb8, &bytes).unwrap();
    let card = card("colour = \"bgr\"\nscale = 1.0\nmean = [1.0, 2.0, 3.0]\nstd = [1.0, 2.0, 4.0]");
    let values = tensor(&card, &image);
    assert_eq!((values[0], values[64], values[128]), (29.0, 9.0, 1.75));
    let interleaved = tensor(&self::card("layout = \"nhwc\"\nscale = 1.0"), &image);
    assert_eq!(&interleaved[..6], [10.0, 20.0, 30.0, 10.0, 20.0, 30.0]);
}

#[test]
fn a_wide_picture_gets_bars_of_the_pad_value() {
    let bytes = vec![200u8; 16 * 8 * 3];
    let image = ImageView::new(16, 8, 48, PixelFormat::Rgb8, &bytes).unwrap();
    let values = tensor(&card("scale = 1.0\npad_value = 114.0"), &image);
    assert_eq!((values[0], values[8], values[2 * 8], values[6 * 8]), (114.0, 114.0, 200.0, 114.0));
}

#[test]
fn shrinking_averages() {
    // Columns alternate between 0 and 100.
    let bytes: Vec<u8> = (0..16 * 16 * 3).map(|i| if (i / 3) % 2 == 0 { 0 } else { 100 }).collect();
    let image = ImageView::new(16, 16, 48, PixelFormat::Rgb8, &bytes).unwrap();
    assert!(tensor(&card("scale = 1.0"), &image).iter().all(|value| (value - 50.0).abs() < 1e-4));
}

#[test]
fn a_peak_becomes_a_box_in_the_picture() {
    let card = card("");
    // Cell (1, 0), logit 2, offset (0.5, 0.25), size 4×2 input pixels.
    let head = |channels: usize, values: Vec<f32>| Tensor::new(vec![1, channels, 2, 2], values);
    let outputs = |heat: Vec<f32>| {
        Outputs::new(vec![
            ("heatmap".to_owned(), head(1, heat).unwrap()),
            ("size".to_owned(), head(2, vec![0.0, 4.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0]).unwrap()),
            ("offset".to_owned(), head(2, vec![0.0, 0.5, 0.0, 0.0, 0.0, 0.25, 0.0, 0.0]).unwrap()),
        ])
    };
    let fit = InputFromImage::fit(FitMode::Letterbox, (16, 16), (8, 8));
    let found = card.decode(&outputs(vec![-9.0, 2.0, -9.0, -9.0]), &fit, (16, 16), None).unwrap();
    assert_eq!(found.len(), 1);
    assert!((found[0].score - 0.880_797).abs() < 1e-5);
    assert_eq!(found[0].bounds.centre_px(), [12.0, 2.0]);
    assert_eq!(found[0].bounds.area_px2(), 8.0 * 4.0);

    let error = card.decode(&outputs(vec![f32::NAN; 4]), &fit, (16, 16), None).unwrap_err();
    assert_eq!(error, NetworkError::NotFinite { name: "heatmap".to_owned(), count: 4 });
    let error = card.decode(&Outputs::default(), &fit, (16, 16), None).unwrap_err();
    assert!(matches!(error, NetworkError::MissingOutput { .. }), "{error}");
}

#[test]
fn missing_bytes_are_refused() {
    assert!(ImageView::new(0, 8, 24, PixelFormat::Rgb8, &[]).is_err());
    assert!(ImageView::new(8, 8, 23, PixelFormat::Rgb8, &[0; 192]).is_err());
    assert!(ImageView::new(8, 8, 24, PixelFormat::Rgb8, &[0; 191]).is_err());
    assert!(ImageView::new(usize::MAX, 2, usize::MAX, PixelFormat::Rgb8, &[0; 9]).is_err());
}

proptest! {
    /// The same picture as plain rgb8 and as padded rows of another order.
    #[test]
    fn order_and_stride_do_not_matter(
        width in 1usize..40, height in 1usize..40, padding in 0usize..7, seed in any::<u32>(),
    ) {
        let byte = |i: usize| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) as u8;
        let plain: Vec<u8> = (0..3 * width * height).map(byte).collect();
        let stride = 4 * width + padding;
        let mut padded = vec![0xaa; stride * height];
        for (i, rgb) in plain.chunks_exact(3).enumerate() {
            let at = (i / width) * stride + 4 * (i % width);
            padded[at..at + 3].copy_from_slice(&[rgb[2], rgb[1], rgb[0]]);
        }
        let a = ImageView::new(width, height, 3 * width, PixelFormat::Rgb8, &plain).unwrap();
        let b = ImageView::new(width, height, stride, PixelFormat::Bgra8, &padded).unwrap();
        let card = card("");
        prop_assert_eq!(tensor(&card, &a), tensor(&card, &b));
    }
}
