//! Picture → input tensor: resampled, ordered, normalised.

use crate::card::{ColourOrder, InputCard, TensorLayout};
use crate::resample::{Taps, axis_taps};
use crate::{ImageView, InputFromImage, Tensor};

/// Turns pictures into the input tensor that a card describes.
///
/// Buffers and resampling weights are kept between frames, so a stream of equal pictures
/// allocates once.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    card: InputCard,
    tensor: Tensor,
    plan: Option<Plan>,
}

/// What stays the same from frame to frame.
#[derive(Clone, Debug)]
struct Plan {
    image: (usize, usize),
    fit: InputFromImage,
    columns: Vec<Taps>,
    rows: Vec<Taps>,
    /// One source-wide row of colour sums, interleaved.
    accumulated: Vec<f32>,
    /// Every input pixel is the mean of two by two of the picture's.
    halves: bool,
    /// Sums of two rows, for pictures that are halved.
    pair: Vec<u16>,
}

impl Preprocessor {
    /// A preprocessor for one card.
    pub fn new(card: &InputCard) -> Self {
        Self { card: card.clone(), tensor: Tensor::zeros(&card.shape()), plan: None }
    }

    /// Fills the input tensor from `image` and says how picture and input map to each other.
    pub fn run(&mut self, image: &ImageView<'_>) -> (&Tensor, InputFromImage) {
        let size = (image.width(), image.height());
        if self.plan.as_ref().is_none_or(|plan| plan.image != size) {
            self.plan = Some(self.plan_for(size));
        }
        let Self { card, tensor, plan } = self;
        let plan = plan.as_mut().expect("made above");
        fill(card, tensor, plan, image);
        (&self.tensor, self.plan.as_ref().expect("made above").fit)
    }

    fn plan_for(&self, image: (usize, usize)) -> Plan {
        let input = (self.card.width, self.card.height);
        let fit = InputFromImage::fit(self.card.fit, image, input);
        let columns = axis_taps(image.0, input.0, fit.scale[0], fit.offset_px[0]);
        let rows = axis_taps(image.1, input.1, fit.scale[1], fit.offset_px[1]);
        Plan {
            image,
            fit,
            halves: halves(&columns) && halves(&rows),
            pair: Vec::new(),
            columns,
            rows,
            accumulated: vec![0.0; 3 * image.0],
        }
    }
}

fn fill(card: &InputCard, tensor: &mut Tensor, plan: &mut Plan, image: &ImageView<'_>) {
    let (width, height) = (card.width, card.height);
    let writer = PixelWriter::new(card);
    let values = tensor.values_mut();
    if plan.halves {
        return fill_with_halves(&writer, values, (width, height), &mut plan.pair, image);
    }
    for y in 0..height {
        let rows = &plan.rows[y];
        accumulate_rows(image, rows, &mut plan.accumulated);
        for x in 0..width {
            let columns = &plan.columns[x];
            let rgb = if rows.weights.is_empty() || columns.weights.is_empty() {
                [card.pad_value; 3]
            } else {
                weighted_pixel(&plan.accumulated, columns)
            };
            writer.write(values, y * width + x, rgb);
        }
    }
}

/// Whether every pixel is the mean of two neighbours, pair by pair.
fn halves(taps: &[Taps]) -> bool {
    let is_pair = |(index, tap): (usize, &Taps)| tap.start == 2 * index && tap.weights == [0.5; 2];
    taps.iter().enumerate().all(is_pair)
}

/// The commonest case, a camera of twice the input's size, in whole numbers.
fn fill_with_halves(
    writer: &PixelWriter,
    values: &mut [f32],
    (width, height): (usize, usize),
    pair: &mut Vec<u16>,
    image: &ImageView<'_>,
) {
    let bytes = image.format().bytes_per_pixel();
    let [r, g, b] = image.format().rgb_offsets();
    for y in 0..height {
        let (upper, lower) = (image.row(2 * y), image.row(2 * y + 1));
        pair.clear();
        pair.extend(upper.iter().zip(lower).map(|(&a, &b)| u16::from(a) + u16::from(b)));
        for (x, two) in pair.chunks_exact(2 * bytes).take(width).enumerate() {
            let mean = |offset: usize| 0.25 * f32::from(two[offset] + two[bytes + offset]);
            writer.write(values, y * width + x, [mean(r), mean(g), mean(b)]);
        }
    }
}

/// Weighted sum of source rows, as interleaved red, green, blue over the whole width.
fn accumulate_rows(image: &ImageView<'_>, rows: &Taps, accumulated: &mut [f32]) {
    accumulated.fill(0.0);
    let bytes = image.format().bytes_per_pixel();
    let offsets = image.format().rgb_offsets();
    for (index, &weight) in rows.weights.iter().enumerate() {
        let row = image.row(rows.start + index);
        if bytes == 3 && offsets == [0, 1, 2] {
            for (sum, &byte) in accumulated.iter_mut().zip(row) {
                *sum += weight * f32::from(byte);
            }
        } else {
            for (sum, pixel) in accumulated.chunks_exact_mut(3).zip(row.chunks_exact(bytes)) {
                for (channel, &offset) in sum.iter_mut().zip(&offsets) {
                    *channel += weight * f32::from(pixel[offset]);
                }
            }
        }
    }
}

fn weighted_pixel(accumulated: &[f32], columns: &Taps) -> [f32; 3] {
    let mut rgb = [0.0; 3];
    let pixels = accumulated[3 * columns.start..].chunks_exact(3);
    for (pixel, &weight) in pixels.zip(&columns.weights) {
        for channel in 0..3 {
            rgb[channel] += weight * pixel[channel];
        }
    }
    rgb
}

/// Normalises a pixel and puts its channels where the layout wants them.
struct PixelWriter {
    scale: [f32; 3],
    shift: [f32; 3],
    source: [usize; 3],
    pixel_stride: usize,
    channel_stride: usize,
}

impl PixelWriter {
    fn new(card: &InputCard) -> Self {
        let plane = card.width * card.height;
        let (pixel_stride, channel_stride) = match card.layout {
            TensorLayout::Nchw => (1, plane),
            TensorLayout::Nhwc => (3, 1),
        };
        Self {
            scale: [0, 1, 2].map(|c| card.scale / card.std[c]),
            shift: [0, 1, 2].map(|c| -card.mean[c] / card.std[c]),
            source: match card.colour {
                ColourOrder::Rgb => [0, 1, 2],
                ColourOrder::Bgr => [2, 1, 0],
            },
            pixel_stride,
            channel_stride,
        }
    }

    #[inline]
    fn write(&self, values: &mut [f32], pixel: usize, rgb: [f32; 3]) {
        for channel in 0..3 {
            let at = pixel * self.pixel_stride + channel * self.channel_stride;
            values[at] = rgb[self.source[channel]] * self.scale[channel] + self.shift[channel];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelFormat;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halving_in_whole_numbers_agrees_with_any_resampling(
            bytes in prop::collection::vec(any::<u8>(), 4 * 16 * 12),
            which in 0usize..4, nhwc in any::<bool>(), bgr in any::<bool>(),
        ) {
            let format = [
                PixelFormat::Rgb8, PixelFormat::Bgr8, PixelFormat::Rgba8, PixelFormat::Mono8,
            ][which];
            let text = format!(
                "name = \"image\"\nwidth = 8\nheight = 6\nlayout = \"{}\"\ncolour = \"{}\"\n\
                 mean = [0.1, 0.2, 0.3]\nstd = [0.5, 0.6, 0.7]",
                if nhwc { "nhwc" } else { "nchw" },
                if bgr { "bgr" } else { "rgb" },
            );
            let card: InputCard = toml::from_str(&text).unwrap();
            let stride = 16 * format.bytes_per_pixel();
            let image = ImageView::new(16, 12, stride, format, &bytes).unwrap();
            let mut fast = Preprocessor::new(&card);
            let found = fast.run(&image).0.values().to_vec();
            let mut plain = Preprocessor::new(&card);
            plain.plan = Some(Plan { halves: false, ..plain.plan_for((16, 12)) });
            prop_assert!(fast.plan.unwrap().halves);
            for (found, plain) in found.iter().zip(plain.run(&image).0.values()) {
                prop_assert!((found - plain).abs() <= 1e-5 * plain.abs().max(1.0), "{found} {plain}");
            }
        }
    }
}
