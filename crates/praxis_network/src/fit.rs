//! How a picture of any size is laid into the network's input.

use serde::{Deserialize, Serialize};

/// What is done when picture and input differ in proportions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FitMode {
    /// Keep proportions, centre, fill the rest with the pad value.
    #[default]
    Letterbox,
    /// Keep proportions, stay in the upper left corner, fill the rest with the pad value.
    TopLeft,
    /// Scale each side on its own.
    Stretch,
}

/// Maps picture coordinates to input coordinates.
///
/// Both are continuous: pixel `i` covers `[i, i + 1)`, so its centre lies at `i + 0.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputFromImage {
    /// Input pixels per picture pixel along x and y.
    pub scale: [f64; 2],
    /// Where the picture's corner lies in the input.
    pub offset_px: [f64; 2],
}

impl InputFromImage {
    /// The fit of a picture into an input, both given as (width, height).
    pub fn fit(mode: FitMode, image: (usize, usize), input: (usize, usize)) -> Self {
        let ratio = [input.0 as f64 / image.0 as f64, input.1 as f64 / image.1 as f64];
        if mode == FitMode::Stretch {
            return Self { scale: ratio, offset_px: [0.0; 2] };
        }
        let scale = ratio[0].min(ratio[1]);
        let offset_px = if mode == FitMode::TopLeft {
            [0.0; 2]
        } else {
            // Whole pixels, so that the picture's border is also a pixel border of the input.
            [
                ((input.0 as f64 - scale * image.0 as f64) / 2.0).floor(),
                ((input.1 as f64 - scale * image.1 as f64) / 2.0).floor(),
            ]
        };
        Self { scale: [scale; 2], offset_px }
    }

    /// Where a picture point lies in the input.
    pub fn to_input(&self, image_px: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| image_px[axis] * self.scale[axis] + self.offset_px[axis])
    }

    /// Where an input point lies in the picture.
    pub fn to_image(&self, input_px: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| (input_px[axis] - self.offset_px[axis]) / self.scale[axis])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wide_picture_is_centred_between_two_bars() {
        let fit = InputFromImage::fit(FitMode::Letterbox, (640, 360), (320, 240));
        assert_eq!(fit.scale, [0.5, 0.5]);
        assert_eq!(fit.offset_px, [0.0, 30.0]);
        assert_eq!(fit.to_input([640.0, 360.0]), [320.0, 210.0]);
    }

    #[test]
    fn stretching_scales_each_side_on_its_own() {
        let fit = InputFromImage::fit(FitMode::Stretch, (640, 640), (320, 240));
        assert_eq!(fit.scale, [0.5, 0.375]);
    }

    proptest! {
        #[test]
        fn the_way_back_undoes_the_way_in(
            width in 1usize..2000, height in 1usize..2000, x in 0.0..2000.0f64, y in 0.0..2000.0f64,
        ) {
            for mode in [FitMode::Letterbox, FitMode::TopLeft, FitMode::Stretch] {
                let fit = InputFromImage::fit(mode, (width, height), (320, 240));
                let back = fit.to_image(fit.to_input([x, y]));
                prop_assert!((back[0] - x).abs() < 1e-6 * (1.0 + x));
                prop_assert!((back[1] - y).abs() < 1e-6 * (1.0 + y));
            }
        }
    }
}
