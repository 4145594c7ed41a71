//! Depth picture → the depth input that some networks have beside colour.

use std::ops::Range;

use crate::card::InputCard;
use crate::{InputFromImage, NetworkError, Tensor};

/// Pixels of one cell that are farther off than the nearest by more than this belong to something
/// behind it, metres.
const SAME_SURFACE_M: f32 = 0.02;

/// A depth picture: metres along the optical axis, row by row; 0, NaN and infinity stand for
/// unknown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthView<'a> {
    width: usize,
    height: usize,
    metres: &'a [f32],
}

impl<'a> DepthView<'a> {
    /// A view of dense rows.
    ///
    /// # Errors
    /// When it is empty or the number of values is another one.
    pub fn new(width: usize, height: usize, metres: &'a [f32]) -> Result<Self, NetworkError> {
        if width == 0 || height == 0 {
            return Err(NetworkError::EmptyImage { width, height });
        }
        if width.checked_mul(height) != Some(metres.len()) {
            return Err(NetworkError::TensorLength {
                shape: vec![height, width],
                found: metres.len(),
            });
        }
        Ok(Self { width, height, metres })
    }

    /// The picture in another size, stretched; 0 where nothing is known.
    ///
    /// Each cell holds the surface nearest to the camera in it: the mean of the depths up to 20 mm
    /// behind the nearest. A mean over an edge would lie in mid-air.
    pub fn nearest_surfaces(&self, width: usize, height: usize) -> Vec<f32> {
        let columns = cells(self.width, width, width as f64 / self.width as f64, 0.0);
        let rows = cells(self.height, height, height as f64 / self.height as f64, 0.0);
        let mut out = vec![0.0; width * height];
        self.fill(&columns, &rows, &mut out);
        out
    }

    fn fill(&self, columns: &[Range<usize>], rows: &[Range<usize>], out: &mut [f32]) {
        let is_pair = |(index, cell): (usize, &Range<usize>)| *cell == (2 * index..2 * index + 2);
        let halves = columns.iter().enumerate().all(is_pair);
        for (line, rows) in out.chunks_exact_mut(columns.len()).zip(rows) {
            if halves && rows.len() == 2 {
                self.fill_halved(rows.start, line);
                continue;
            }
            for (value, columns) in line.iter_mut().zip(columns) {
                *value = self.nearest_surface(columns, rows);
            }
        }
    }

    /// The commonest case, a camera of twice the input's size.
    fn fill_halved(&self, row: usize, line: &mut [f32]) {
        let pairs = |row: usize| {
            let own = &self.metres[row * self.width..][..2 * line.len()];
            own.as_chunks::<2>().0
        };
        let (upper, lower) = (pairs(row), pairs(row + 1));
        for ((value, &[a, b]), &[c, d]) in line.iter_mut().zip(upper).zip(lower) {
            let four = [a, b, c, d].map(|depth| if depth > 0.0 { depth } else { f32::INFINITY });
            let nearest = four[0].min(four[1]).min(four[2].min(four[3]));
            let reach = nearest + SAME_SURFACE_M;
            let (mut sum, mut count) = (0.0, 0.0f32);
            for depth in four {
                let same = depth <= reach;
                sum += if same { depth } else { 0.0 };
                count += f32::from(u8::from(same));
            }
            *value = if nearest < f32::INFINITY { sum / count } else { 0.0 };
        }
    }

    /// Without branches on what the pixels hold: which are unknown cannot be guessed ahead.
    #[inline]
    fn nearest_surface(&self, columns: &Range<usize>, rows: &Range<usize>) -> f32 {
        let line = |row: usize| &self.metres[row * self.width..][columns.clone()];
        let mut nearest = f32::INFINITY;
        for row in rows.clone() {
            for &depth in line(row) {
                // NaN is not greater either.
                let known = if depth > 0.0 { depth } else { f32::INFINITY };
                nearest = nearest.min(known);
            }
        }
        if nearest == f32::INFINITY {
            return 0.0;
        }
        let (mut sum, mut count) = (0.0, 0.0f32);
        for row in rows.clone() {
            for &depth in line(row) {
                let same = (depth > 0.0) & (depth <= nearest + SAME_SURFACE_M);
                sum += if same { depth } else { 0.0 };
                count += f32::from(u8::from(same));
            }
        }
        sum / count
    }
}

/// Fills the depth input that a card describes.
#[derive(Clone, Debug)]
pub struct DepthPreprocessor {
    card: InputCard,
    tensor: Tensor,
    plan: Option<Plan>,
}

/// What stays the same from frame to frame.
#[derive(Clone, Debug)]
struct Plan {
    image: (usize, usize),
    columns: Vec<Range<usize>>,
    rows: Vec<Range<usize>>,
}

impl DepthPreprocessor {
    /// A preprocessor for one card.
    pub fn new(card: &InputCard) -> Self {
        Self { card: card.clone(), tensor: Tensor::zeros(&card.depth_shape()), plan: None }
    }

    /// Fills the tensor from a picture that shows what the colour picture shows, in any
    /// resolution; without one nothing is known anywhere.
    pub fn run(&mut self, depth: Option<&DepthView<'_>>) -> &Tensor {
        let Some(depth) = depth else {
            self.tensor.values_mut().fill(0.0);
            return &self.tensor;
        };
        let image = (depth.width, depth.height);
        if self.plan.as_ref().is_none_or(|plan| plan.image != image) {
            let input = (self.card.width, self.card.height);
            let fit = InputFromImage::fit(self.card.fit, image, input);
            self.plan = Some(Plan {
                image,
                columns: cells(image.0, input.0, fit.scale[0], fit.offset_px[0]),
                rows: cells(image.1, input.1, fit.scale[1], fit.offset_px[1]),
            });
        }
        let Plan { columns, rows, .. } = self.plan.as_ref().expect("made above");
        depth.fill(columns, rows, self.tensor.values_mut());
        &self.tensor
    }
}

/// The source pixels under every destination pixel for `destination = source * scale + offset`:
/// those whose middle it covers, or else the one under its own middle; none outside the picture.
fn cells(source: usize, destination: usize, scale: f64, offset: f64) -> Vec<Range<usize>> {
    let inside = |at: f64| at.clamp(0.0, source as f64) as usize;
    (0..destination)
        .map(|pixel| {
            let at = |place: f64| (place - offset) / scale;
            let middle = at(pixel as f64 + 0.5);
            if middle < 0.0 || middle >= source as f64 {
                return 0..0;
            }
            let first = inside((at(pixel as f64) - 0.5).ceil());
            let end = inside((at(pixel as f64 + 1.0) - 0.5).ceil());
            if first < end { first..end } else { inside(middle)..inside(middle) + 1 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cell_over_an_edge_holds_the_near_surface() {
        let depth = [0.50, 0.51, 0.90, 0.0, 0.0, 0.90, f32::NAN, 0.0];
        let view = DepthView::new(4, 2, &depth).unwrap();
        let found = view.nearest_surfaces(2, 1);
        assert!((found[0] - 0.505).abs() < 1e-6, "{found:?}");
        assert_eq!(found[1], 0.90);
    }

    #[test]
    fn bars_beside_a_wide_picture_and_missing_depth_are_unknown() {
        let card: InputCard =
            toml::from_str("name = \"image\"\ndepth = \"depth\"\nwidth = 8\nheight = 8").unwrap();
        let mut preprocessor = DepthPreprocessor::new(&card);
        let depth = [1.0; 16 * 8];
        let view = DepthView::new(16, 8, &depth).unwrap();
        let tensor = preprocessor.run(Some(&view));
        assert_eq!(tensor.shape(), [1, 1, 8, 8]);
        let known: Vec<bool> = tensor.values().iter().map(|&depth| depth == 1.0).collect();
        assert_eq!(known.iter().filter(|known| **known).count(), 4 * 8);
        assert!(!known[0] && known[2 * 8]);
        assert!(preprocessor.run(None).values().iter().all(|&depth| depth == 0.0));
    }

    proptest! {
        #[test]
        fn halving_agrees_with_any_other_size(
            draws in prop::collection::vec(
                prop_oneof![4 => 0.3f32..0.36, 1 => Just(0.0f32), 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)],
                8 * 6,
            ),
        ) {
            let view = DepthView::new(8, 6, &draws).unwrap();
            let found = view.nearest_surfaces(4, 3);
            for (index, found) in found.into_iter().enumerate() {
                let (column, row) = (index % 4, index / 4);
                let plain = view.nearest_surface(
                    &(2 * column..2 * column + 2), &(2 * row..2 * row + 2),
                );
                prop_assert!((found - plain).abs() < 1e-6, "{found} {plain}");
            }
        }

        #[test]
        fn every_cell_lies_between_the_depths_under_it(
            width in 1usize..20, height in 1usize..20, to_width in 1usize..20, to_height in 1usize..20,
            draws in prop::collection::vec(0.3f32..2.0, 400),
        ) {
            let depth = &draws[..width * height];
            let view = DepthView::new(width, height, depth).unwrap();
            let low = depth.iter().copied().fold(f32::INFINITY, f32::min);
            let high = depth.iter().copied().fold(0.0, f32::max);
            for found in view.nearest_surfaces(to_width, to_height) {
                prop_assert!(found >= low - 1e-6 && found <= high + 1e-6);
            }
        }

        #[test]
        fn shrinking_uses_every_pixel_once(source in 1usize..60, share in 0.05f64..1.0) {
            let destination = ((source as f64 * share).floor() as usize).max(1);
            let ranges = cells(source, destination, destination as f64 / source as f64, 0.0);
            let mut next = 0;
            for range in ranges {
                prop_assert_eq!(range.start, next);
                next = range.end;
            }
            prop_assert_eq!(next, source);
        }
    }
}
