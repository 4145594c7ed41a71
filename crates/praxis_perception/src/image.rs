//! Colour and depth pictures, read once and sound from then on.

use praxis_network::{DepthView, ImageView, PixelFormat};

use crate::PerceptionError;

/// A colour picture with 8 bits a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourImage {
    width: usize,
    height: usize,
    step: usize,
    format: PixelFormat,
    bytes: Vec<u8>,
}

/// Distances along the optical axis in metres; NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthImage {
    width: usize,
    height: usize,
    depth_m: Vec<f32>,
}

impl ColourImage {
    /// A picture from a message's fields; the bytes are kept, not copied.
    ///
    /// # Errors
    /// When it is empty, the encoding is not `rgb8`, `bgr8`, `rgba8`, `bgra8` or `mono8`, or bytes
    /// are missing.
    pub fn new(
        width: usize,
        height: usize,
        step: usize,
        encoding: &str,
        bytes: Vec<u8>,
    ) -> Result<Self, PerceptionError> {
        let format = match encoding {
            "rgb8" => PixelFormat::Rgb8,
            "bgr8" => PixelFormat::Bgr8,
            "rgba8" => PixelFormat::Rgba8,
            "bgra8" => PixelFormat::Bgra8,
            "mono8" | "8UC1" => PixelFormat::Mono8,
            _ => {
                return Err(PerceptionError::Encoding {
                    what: "colour",
                    found: encoding.to_owned(),
                    known: "rgb8, bgr8, rgba8, bgra8, mono8",
                });
            }
        };
        check_bytes("colour", width, height, step, format.bytes_per_pixel(), bytes.len())?;
        Ok(Self { width, height, step, format, bytes })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The picture as the network crate wants it.
    pub fn view(&self) -> ImageView<'_> {
        ImageView::new(self.width, self.height, self.step, self.format, &self.bytes)
            .expect("checked when it was made")
    }

    /// A dense copy as red, green, blue bytes.
    pub fn to_rgb8(&self) -> Vec<u8> {
        let view = self.view();
        let offsets = self.format.rgb_offsets();
        let mut rgb = Vec::with_capacity(3 * self.width * self.height);
        for y in 0..self.height {
            for pixel in view.row(y).chunks_exact(self.format.bytes_per_pixel()) {
                rgb.extend(offsets.map(|offset| pixel[offset]));
            }
        }
        rgb
    }
}

impl DepthImage {
    /// A picture from a message's fields: `16UC1` in millimetres or `32FC1` in metres.
    ///
    /// Zero, negative, infinite and NaN distances become holes.
    ///
    /// # Errors
    /// When it is empty, the encoding is another one, or bytes are missing.
    pub fn new(
        width: usize,
        height: usize,
        step: usize,
        encoding: &str,
        big_endian: bool,
        bytes: &[u8],
    ) -> Result<Self, PerceptionError> {
        let wide = match encoding {
            "16UC1" | "mono16" => 2,
            "32FC1" => 4,
            _ => {
                return Err(PerceptionError::Encoding {
                    what: "depth",
                    found: encoding.to_owned(),
                    known: "16UC1 in millimetres, 32FC1 in metres",
                });
            }
        };
        check_bytes("depth", width, height, step, wide, bytes.len())?;
        let mut depth_m = Vec::with_capacity(width * height);
        for row in bytes.chunks(step).take(height) {
            let row = &row[..width * wide];
            match (wide, big_endian) {
                (2, false) => depth_m.extend(pixels(row, |b| millimetres(u16::from_le_bytes(b)))),
                (2, true) => depth_m.extend(pixels(row, |b| millimetres(u16::from_be_bytes(b)))),
                (_, false) => depth_m.extend(pixels(row, |b| metres(f32::from_le_bytes(b)))),
                (_, true) => depth_m.extend(pixels(row, |b| metres(f32::from_be_bytes(b)))),
            }
        }
        Ok(Self { width, height, depth_m })
    }

    /// A picture from distances in metres, row by row.
    ///
    /// # Errors
    /// When it is empty or values are missing.
    pub fn from_metres(
        width: usize,
        height: usize,
        mut depth_m: Vec<f32>,
    ) -> Result<Self, PerceptionError> {
        check_bytes("depth", width, height, 4 * width, 4, 4 * depth_m.len())?;
        depth_m.truncate(width * height);
        for value in &mut depth_m {
            *value = metres(*value);
        }
        Ok(Self { width, height, depth_m })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Distance at a pixel in metres; NaN for a hole. The pixel must lie in the picture.
    #[inline]
    pub fn at(&self, column: usize, row: usize) -> f32 {
        self.depth_m[row * self.width + column]
    }

    /// The distances of a row, which must lie in the picture.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.depth_m[row * self.width..(row + 1) * self.width]
    }

    /// The picture as the network crate wants it.
    pub fn view(&self) -> DepthView<'_> {
        DepthView::new(self.width, self.height, &self.depth_m).expect("checked when it was made")
    }

    /// Share of the pixels that hold a distance, 0 to 1.
    pub fn valid_share(&self) -> f64 {
        let valid = self.depth_m.iter().filter(|depth| !depth.is_nan()).count();
        valid as f64 / self.depth_m.len() as f64
    }
}

fn pixels<'a, const N: usize>(
    row: &'a [u8],
    read: impl Fn([u8; N]) -> f32 + 'a,
) -> impl Iterator<Item = f32> + 'a {
    row.as_chunks::<N>().0.iter().map(move |&bytes| read(bytes))
}

fn millimetres(value: u16) -> f32 {
    if value == 0 { f32::NAN } else { f32::from(value) * 1e-3 }
}

fn metres(value: f32) -> f32 {
    if value.is_finite() && value > 0.0 { value } else { f32::NAN }
}

fn check_bytes(
    what: &'static str,
    width: usize,
    height: usize,
    step: usize,
    bytes_per_pixel: usize,
    found: usize,
) -> Result<(), PerceptionError> {
    if width == 0 || height == 0 || found == 0 {
        return Err(PerceptionError::EmptyImage { what, width, height });
    }
    let row = width.saturating_mul(bytes_per_pixel);
    let needed = step.max(row).saturating_mul(height - 1).saturating_add(row);
    if step < row || found < needed {
        return Err(PerceptionError::ImageBytes { what, width, height, step, needed, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padded_rows_and_both_byte_orders_are_read() {
        let bytes = [0xe8, 0x03, 0xd0, 0x07, 9, 9, 0x00, 0x00, 0xf4, 0x01];
        let depth = DepthImage::new(2, 2, 6, "16UC1", false, &bytes).unwrap();
        assert_eq!((depth.at(0, 0), depth.at(1, 0), depth.at(1, 1)), (1.0, 2.0, 0.5));
        assert!(depth.at(0, 1).is_nan());
        let swapped = DepthImage::new(1, 1, 2, "16UC1", true, &[0x03, 0xe8]).unwrap();
        assert_eq!(swapped.at(0, 0), 1.0);
    }

    #[test]
    fn an_empty_image_is_refused() {
        let error = ColourImage::new(0, 0, 0, "rgb8", Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "the colour image is empty (0×0)");
        assert!(ColourImage::new(640, 480, 1920, "rgb8", Vec::new()).is_err());
    }

    #[test]
    fn an_unknown_encoding_is_named() {
        let error = ColourImage::new(2, 2, 4, "yuv422", vec![0; 8]).unwrap_err();
        assert!(error.to_string().contains("yuv422"));
    }

    proptest! {
        #[test]
        fn any_fields_give_a_picture_or_an_error(
            width in 0usize..9, height in 0usize..9, step in 0usize..40,
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            encoding in prop::sample::select(vec!["rgb8", "mono8", "bgra8", "16UC1", "32FC1", ""]),
            big_endian in any::<bool>(),
        ) {
            if let Ok(image) = ColourImage::new(width, height, step, encoding, bytes.clone()) {
                prop_assert_eq!(image.to_rgb8().len(), 3 * width * height);
            }
            if let Ok(image) = DepthImage::new(width, height, step, encoding, big_endian, &bytes) {
                let sound = |depth: f32| depth.is_nan() || (depth.is_finite() && depth > 0.0);
                let all = (0..height).all(|y| (0..width).all(|x| sound(image.at(x, y))));
                prop_assert!(all);
            }
        }
    }
}
