//! Decoders: output tensors → detections in the picture. One file per family.

mod centernet;

use serde::{Deserialize, Serialize};

pub use self::centernet::{Activation, CenternetCard};
use crate::{
    Card, Detection, InputFromImage, NetworkError, Outputs, PixelBox, TensorSpec, suppress,
};

/// Which family the outputs belong to, and its parameters.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DecoderCard {
    /// Heat maps whose peaks are object centres.
    Centernet(CenternetCard),
}

impl DecoderCard {
    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        match self {
            Self::Centernet(card) => card.check(),
        }
    }

    fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        match self {
            Self::Centernet(own) => own.expected_outputs(card),
        }
    }

    fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        match self {
            Self::Centernet(own) => own.decode(card, outputs, least_score),
        }
    }
}

impl Card {
    /// Whether a network with these inputs and outputs is the one that the card describes.
    ///
    /// # Errors
    /// When a name is missing, or a shape or element type differs; found and expected are named.
    pub fn check_network(
        &self,
        inputs: &[TensorSpec],
        outputs: &[TensorSpec],
    ) -> Result<(), NetworkError> {
        let names = |specs: &[TensorSpec]| specs.iter().map(|spec| spec.name.clone()).collect();
        let mut wanted = vec![fixed(&self.input.name, &self.input.shape())];
        wanted
            .extend(self.input.depth.as_deref().map(|name| fixed(name, &self.input.depth_shape())));
        for expected in wanted {
            let input = inputs.iter().find(|spec| spec.name == expected.name);
            let input = input.ok_or_else(|| NetworkError::MissingInput {
                name: expected.name.clone(),
                found: names(inputs),
            })?;
            check_spec(input, &expected)?;
        }
        for expected in self.decoder.expected_outputs(self) {
            let output = outputs.iter().find(|spec| spec.name == expected.name);
            let output = output.ok_or_else(|| NetworkError::MissingOutput {
                name: expected.name.clone(),
                found: names(outputs),
            })?;
            check_spec(output, &expected)?;
        }
        Ok(())
    }

    /// Whether real outputs have the names and shapes that the card asks for.
    ///
    /// # Errors
    /// When a name is missing or a shape differs.
    pub fn check_outputs(&self, outputs: &Outputs) -> Result<(), NetworkError> {
        for expected in self.decoder.expected_outputs(self) {
            let found = outputs.get(&expected.name)?;
            check_spec(&fixed(&expected.name, found.shape()), &expected)?;
        }
        Ok(())
    }

    /// Detections in the coordinates of the picture, best first, each object once.
    ///
    /// `least_score` replaces the thresholds of the card.
    ///
    /// # Errors
    /// When an output is missing, misshapen or not finite.
    pub fn decode(
        &self,
        outputs: &Outputs,
        input_from_image: &InputFromImage,
        image_size: (usize, usize),
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        self.check_outputs(outputs)?;
        for expected in self.decoder.expected_outputs(self) {
            let values = outputs.get(&expected.name)?.values();
            let count = values.iter().filter(|value| !value.is_finite()).count();
            if count > 0 {
                return Err(NetworkError::NotFinite { name: expected.name, count });
            }
        }
        let in_input = self.decoder.decode(self, outputs, least_score)?;
        let best = suppress(in_input, self.thresholds.iou.into(), self.thresholds.max_detections);
        Ok(best.into_iter().filter_map(|d| in_image(d, input_from_image, image_size)).collect())
    }
}

/// From input to picture coordinates; none when nothing of the box lies in the picture.
fn in_image(
    mut detection: Detection,
    input_from_image: &InputFromImage,
    (width, height): (usize, usize),
) -> Option<Detection> {
    let limit = [width as f64, height as f64];
    let clamped = |px: [f64; 2]| [0, 1].map(|axis| px[axis].clamp(0.0, limit[axis]));
    detection.bounds = PixelBox {
        min_px: clamped(input_from_image.to_image(detection.bounds.min_px)),
        max_px: clamped(input_from_image.to_image(detection.bounds.max_px)),
    };
    detection.hints.centre_px = detection.hints.centre_px.map(|px| input_from_image.to_image(px));
    (detection.bounds.area_px2() > 0.0).then_some(detection)
}

pub(crate) fn fixed(name: &str, shape: &[usize]) -> TensorSpec {
    let shape = shape.iter().map(|&size| Some(size)).collect();
    TensorSpec { name: name.to_owned(), shape, element: "f32".to_owned() }
}

fn check_spec(found: &TensorSpec, expected: &TensorSpec) -> Result<(), NetworkError> {
    if found.element != expected.element {
        return Err(NetworkError::Element {
            name: found.name.clone(),
            found: found.element.clone(),
            expected: expected.element.clone(),
        });
    }
    let fits = found.shape.len() == expected.shape.len()
        && found.shape.iter().zip(&expected.shape).all(|axes| match axes {
            (Some(found), Some(expected)) => found == expected,
            _ => true,
        });
    if fits {
        return Ok(());
    }
    Err(NetworkError::Shape {
        name: found.name.clone(),
        found: found.shape_text(),
        expected: expected.shape_text(),
    })
}
