//! YOLO: one row a cell of several grids, anchor-free: v5u, v6, v8, v9, v11 and YOLOX.

use serde::{Deserialize, Serialize};

use super::{Activation, candidates, fixed};
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec};

/// How the output's two long axes lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// `[1, channels, cells]`, as v8, v9 and v11 are exported.
    #[default]
    ChannelsFirst,
    /// `[1, cells, channels]`, as v6 and YOLOX are exported.
    CellsFirst,
}

/// What the four numbers of a box are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum YoloBox {
    /// Centre, width and height in input pixels.
    #[default]
    CentreSize,
    /// Left, top, right and bottom in input pixels.
    Corners,
    /// Centre in cells from the cell's corner and the logarithm of the size in cells: raw YOLOX.
    Grid,
}

/// Names and layout of a YOLO's output.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct YoloCard {
    /// The output: per cell four numbers of the box, the objectness if there is one, the classes.
    pub output: String,
    /// How its two long axes lie.
    #[serde(default)]
    pub order: RowOrder,
    /// What the four numbers are.
    #[serde(default)]
    pub boxes: YoloBox,
    /// Whether an objectness stands before the classes and is multiplied into them.
    #[serde(default)]
    pub objectness: bool,
    /// What objectness and class values are.
    #[serde(default)]
    pub activation: Activation,
    /// Input pixels per cell of each grid, in the order of the rows.
    #[serde(default = "usual_strides")]
    pub strides: Vec<usize>,
}

impl YoloCard {
    pub(super) fn check(&self, card: &Card) -> Result<(), NetworkError> {
        super::check_strides(&self.strides, card)
    }

    pub(super) fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        let (cells, channels) = (super::cells(&self.strides, card), self.channels(card));
        let shape = match self.order {
            RowOrder::ChannelsFirst => [1, channels, cells],
            RowOrder::CellsFirst => [1, cells, channels],
        };
        vec![fixed(&self.output, &shape)]
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let values = outputs.get(&self.output)?.values();
        let (cells, channels) = (super::cells(&self.strides, card), self.channels(card));
        let at = |cell: usize, channel: usize| match self.order {
            RowOrder::ChannelsFirst => values[channel * cells + cell],
            RowOrder::CellsFirst => values[cell * channels + channel],
        };
        let first_class = 4 + usize::from(self.objectness);
        let mut detections = Vec::new();
        for (cell, place) in super::grid_cells(&self.strides, card).enumerate() {
            let presence = if self.objectness { self.activation.score(at(cell, 4)) } else { 1.0 };
            let class_score = |class: usize| self.activation.score(at(cell, first_class + class));
            let bounds = || self.bounds([0, 1, 2, 3].map(|k| f64::from(at(cell, k))), place);
            candidates(
                card,
                least_score,
                |class| presence * class_score(class),
                |class, score| {
                    let hints = PoseHints::default();
                    detections.push(Detection { class, score, bounds: bounds(), hints });
                },
            );
        }
        Ok(detections)
    }

    fn channels(&self, card: &Card) -> usize {
        4 + usize::from(self.objectness) + card.classes.len()
    }

    fn bounds(&self, [a, b, c, d]: [f64; 4], ([column, row], stride): ([f64; 2], f64)) -> PixelBox {
        let around = |x: f64, y: f64, width: f64, height: f64| PixelBox {
            min_px: [x - 0.5 * width, y - 0.5 * height],
            max_px: [x + 0.5 * width, y + 0.5 * height],
        };
        match self.boxes {
            YoloBox::CentreSize => around(a, b, c, d),
            YoloBox::Corners => PixelBox { min_px: [a, b], max_px: [c, d] },
            YoloBox::Grid => {
                // A size beyond any picture is a wrong card; it must not overflow.
                let size = |log: f64| log.min(12.0).exp() * stride;
                around((column + a) * stride, (row + b) * stride, size(c), size(d))
            }
        }
    }
}

pub(super) fn usual_strides() -> Vec<usize> {
    vec![8, 16, 32]
}

/// A list of finished detections: YOLOv10 and exports with their own suppression.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListCard {
    /// The output `[1, rows, 6]`: left, top, right, bottom in input pixels, score, class.
    pub output: String,
    /// How many rows it has.
    pub rows: usize,
}

impl ListCard {
    pub(super) fn check(&self) -> Result<(), NetworkError> {
        ensure((1..=100_000).contains(&self.rows), "decoder.rows", self.rows, "1 to 100000")
    }

    pub(super) fn expected_outputs(&self) -> Vec<TensorSpec> {
        vec![fixed(&self.output, &[1, self.rows, 6])]
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let values = outputs.get(&self.output)?.values();
        let mut detections = Vec::new();
        for &[left, top, right, bottom, score, class] in values.as_chunks::<6>().0 {
            let known =
                class >= 0.0 && class.fract() == 0.0 && (class as usize) < card.classes.len();
            if !known {
                continue;
            }
            let class = class as usize;
            if score >= least_score.unwrap_or(card.score_threshold(class)) {
                let bounds = PixelBox {
                    min_px: [left, top].map(f64::from),
                    max_px: [right, bottom].map(f64::from),
                };
                detections.push(Detection { class, score, bounds, hints: PoseHints::default() });
            }
        }
        Ok(detections)
    }
}
