//! Pictures as `image_transport` compresses them.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};

use crate::rvl::decode_rvl;
use crate::{ColourImage, DepthImage, PerceptionError};

/// Larger pictures are refused before room is made for them.
const MAX_SIDE: u32 = 16_384;
const MAX_BYTES: u64 = 256 << 20;
/// `compressed_depth_image_transport` puts a format number and two quantisation parameters first.
const DEPTH_HEADER: usize = 12;

impl ColourImage {
    /// A picture from a `CompressedImage` of the transport `compressed`: JPEG or PNG, whatever its
    /// `format` says; the bytes tell which.
    ///
    /// # Errors
    /// When the bytes are neither, are damaged, or hold an absurdly large picture.
    pub fn from_compressed(format: &str, bytes: &[u8]) -> Result<Self, PerceptionError> {
        let refused = |reason: String| PerceptionError::Compressed {
            what: "colour",
            format: format.to_owned(),
            reason,
        };
        let kind = match bytes {
            [0xff, 0xd8, ..] => ImageFormat::Jpeg,
            [0x89, b'P', b'N', b'G', ..] => ImageFormat::Png,
            _ => return Err(refused("the bytes begin neither as JPEG nor as PNG".to_owned())),
        };
        let picture = decode(bytes, kind).map_err(refused)?.into_rgb8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self::new(width, height, 3 * width, "rgb8", picture.into_raw())
    }
}

impl DepthImage {
    /// A picture from a `CompressedImage` of the transport `compressedDepth`: PNG or RVL, of
    /// millimetres (`16UC1`) or of quantised inverse depth (`32FC1`).
    ///
    /// # Errors
    /// When the format is another one, or the bytes are damaged or hold an absurdly large picture.
    pub fn from_compressed(format: &str, bytes: &[u8]) -> Result<Self, PerceptionError> {
        let refused = |reason: &str| PerceptionError::Compressed {
            what: "depth",
            format: format.to_owned(),
            reason: reason.to_owned(),
        };
        let (encoding, kind) = format
            .split_once(';')
            .filter(|(_, kind)| kind.trim_start().starts_with("compressedDepth"))
            .ok_or_else(|| refused("expected `16UC1; compressedDepth …` or `32FC1; …`"))?;
        let (header, data) = bytes
            .split_first_chunk::<DEPTH_HEADER>()
            .ok_or_else(|| refused("shorter than its header of 12 bytes"))?;
        let (width, height, values) = if kind.contains("rvl") {
            rvl_picture(data).map_err(|reason| refused(&reason))?
        } else {
            let picture = decode(data, ImageFormat::Png).map_err(|reason| refused(&reason))?;
            let image::DynamicImage::ImageLuma16(picture) = picture else {
                return Err(refused("the PNG has not one channel of 16 bits"));
            };
            (picture.width() as usize, picture.height() as usize, picture.into_raw())
        };
        let metres: Vec<f32> = match encoding.trim() {
            "16UC1" => values.iter().map(|&mm| f32::from(mm) * 1e-3).collect(),
            "32FC1" => {
                let [scale, shift] = quantisation(header);
                if !(scale.is_finite() && scale > 0.0 && shift.is_finite()) {
                    return Err(refused("its header has no quantisation of inverse depth"));
                }
                values.iter().map(|&v| inverse_depth_m(v, scale, shift)).collect()
            }
            _ => return Err(refused("only 16UC1 and 32FC1 are depth")),
        };
        // What is no distance (0, negative, infinite) becomes a hole there.
        Self::from_metres(width, height, metres)
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<image::DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.decode().map_err(|error| error.to_string())
}

/// Width, height and values; RVL has no header of its own, so the transport gives it one.
fn rvl_picture(data: &[u8]) -> Result<(usize, usize, Vec<u16>), String> {
    let (size, data) = data.split_first_chunk::<8>().ok_or("the RVL data have no size")?;
    let side = |at: usize| u32::from_le_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]]);
    let (width, height) = (side(0), side(4));
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(format!("a picture of {width}×{height} is absurd"));
    }
    let (width, height) = (width as usize, height as usize);
    let values = decode_rvl(data, width * height)
        .ok_or_else(|| format!("the RVL data end before {width}×{height} pixels"))?;
    Ok((width, height, values))
}

fn quantisation(header: &[u8; DEPTH_HEADER]) -> [f32; 2] {
    [4, 8]
        .map(|at| f32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
}

/// `value = scale / depth + shift`, as the transport quantises.
fn inverse_depth_m(value: u16, scale: f32, shift: f32) -> f32 {
    if value == 0 { f32::NAN } else { scale / (f32::from(value) - shift) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rvl::encode_rvl;
    use image::{DynamicImage, ImageBuffer, Luma, Rgb};
    use proptest::prelude::*;

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn header(scale: f32, shift: f32) -> Vec<u8> {
        [0_i32.to_le_bytes(), scale.to_le_bytes(), shift.to_le_bytes()].concat()
    }

    fn depth_png(width: u32, height: u32, values: Vec<u16>) -> Vec<u8> {
        let picture = ImageBuffer::<Luma<u16>, _>::from_raw(width, height, values).unwrap();
        encoded(&DynamicImage::ImageLuma16(picture), ImageFormat::Png)
    }

    #[test]
    fn png_keeps_every_colour_and_jpeg_nearly() {
        let picture = ImageBuffer::from_fn(16, 8, |x, _| Rgb([(8 * x) as u8, 100, 200]));
        let picture = DynamicImage::ImageRgb8(picture);
        let bytes = encoded(&picture, ImageFormat::Png);
        let read = ColourImage::from_compressed("rgb8; png compressed bgr8", &bytes).unwrap();
        assert_eq!(read.to_rgb8(), picture.as_bytes());
        let bytes = encoded(&picture, ImageFormat::Jpeg);
        let read = ColourImage::from_compressed("rgb8; jpeg compressed bgr8", &bytes).unwrap();
        let far = read.to_rgb8().iter().zip(picture.as_bytes()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far.unwrap() < 20, "{far:?}");
    }

    #[test]
    fn millimetres_come_through_png_and_rvl() {
        let values = vec![0_u16, 1000, 1001, 65535, 500, 0];
        let png = [header(0.0, 0.0), depth_png(3, 2, values.clone())].concat();
        let size = [3_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat();
        let rvl = [header(0.0, 0.0), size, encode_rvl(&values)].concat();
        for (format, bytes) in
            [("16UC1; compressedDepth png", png), ("16UC1; compressedDepth rvl", rvl)]
        {
            let depth = DepthImage::from_compressed(format, &bytes).unwrap();
            assert!(depth.at(0, 0).is_nan() && depth.at(2, 1).is_nan(), "{format}");
            assert_eq!((depth.at(1, 0), depth.at(0, 1)), (1.0, 65.535), "{format}");
        }
    }

    #[test]
    fn inverse_depth_is_turned_back() {
        // As the transport does with its defaults: at most 10 m, 100 steps at the far end.
        let (scale, shift) = (100.0 * 101.0, 1.0 - 100.0 * 101.0 / 10.0);
        let quantised = |depth: f32| (scale / depth + shift) as u16;
        let values = vec![quantised(0.7), quantised(3.0), 0];
        let bytes = [header(scale, shift), depth_png(3, 1, values)].concat();
        let depth = DepthImage::from_compressed("32FC1; compressedDepth", &bytes).unwrap();
        assert!((depth.at(0, 0) - 0.7).abs() < 1e-4, "{}", depth.at(0, 0));
        assert!((depth.at(1, 0) - 3.0).abs() < 2e-3, "{}", depth.at(1, 0));
        assert!(depth.at(2, 0).is_nan());
    }

    #[test]
    fn what_is_something_else_is_said() {
        let error = ColourImage::from_compressed("tiff", b"II*\0").unwrap_err().to_string();
        assert!(error.contains("tiff") && error.contains("neither"), "{error}");
        let error = DepthImage::from_compressed("jpeg", &[0; 99]).unwrap_err().to_string();
        assert!(error.contains("compressedDepth"), "{error}");
        let bytes = [header(0.0, 0.0), depth_png(1, 1, vec![9])].concat();
        assert!(DepthImage::from_compressed("32FC1; compressedDepth png", &bytes).is_err());
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_takes_no_room() {
        let mut png = depth_png(4, 4, vec![1; 16]);
        png[16..24].copy_from_slice(&[0x00, 0x01, 0, 0, 0x00, 0x01, 0, 0]);
        let bytes = [header(0.0, 0.0), png].concat();
        assert!(DepthImage::from_compressed("16UC1; compressedDepth png", &bytes).is_err());
        let size = [u32::MAX.to_le_bytes(), u32::MAX.to_le_bytes()].concat();
        let bytes = [header(0.0, 0.0), size].concat();
        assert!(DepthImage::from_compressed("16UC1; compressedDepth rvl", &bytes).is_err());
    }

    proptest! {
        #[test]
        fn damaged_pictures_give_a_picture_or_an_error(
            cut in 0usize..400, at in 0usize..400, byte in any::<u8>(), which in 0usize..4,
        ) {
            let values: Vec<u16> = (0..96).map(|i| 700 + 3 * i).collect();
            let colour = ImageBuffer::from_fn(12, 8, |x, y| Rgb([(20 * x) as u8, (30 * y) as u8, 9]));
            let colour = DynamicImage::ImageRgb8(colour);
            let size = [12_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat();
            let mut bytes = match which {
                0 => encoded(&colour, ImageFormat::Jpeg),
                1 => encoded(&colour, ImageFormat::Png),
                2 => [header(0.0, 0.0), depth_png(12, 8, values)].concat(),
                _ => [header(0.0, 0.0), size, encode_rvl(&values)].concat(),
            };
            bytes.truncate(bytes.len().saturating_sub(cut / 4));
            if let Some(hit) = bytes.get_mut(at) {
                *hit = byte;
            }
            if let Ok(colour) = ColourImage::from_compressed("", &bytes) {
                prop_assert_eq!(colour.to_rgb8().len(), 3 * colour.width() * colour.height());
            }
            for format in ["16UC1; compressedDepth png", "32FC1; compressedDepth rvl"] {
                if let Ok(depth) = DepthImage::from_compressed(format, &bytes) {
                    prop_assert!(depth.valid_share() <= 1.0);
                }
            }
        }

        #[test]
        fn any_bytes_give_a_picture_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..200), format in ".{0,30}",
        ) {
            let _ = ColourImage::from_compressed(&format, &bytes);
            let _ = DepthImage::from_compressed(&format, &bytes);
            let _ = DepthImage::from_compressed("16UC1; compressedDepth rvl", &bytes);
        }
    }
}
