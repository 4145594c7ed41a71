//! A borrowed 8-bit picture with any stride.

use crate::NetworkError;

/// How the bytes of one pixel lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Red, green, blue.
    Rgb8,
    /// Blue, green, red.
    Bgr8,
    /// Red, green, blue, alpha.
    Rgba8,
    /// Blue, green, red, alpha.
    Bgra8,
    /// One grey byte.
    Mono8,
}

impl PixelFormat {
    /// Bytes that one pixel takes.
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Rgb8 | Self::Bgr8 => 3,
            Self::Rgba8 | Self::Bgra8 => 4,
            Self::Mono8 => 1,
        }
    }

    /// Where red, green and blue lie within a pixel.
    pub fn rgb_offsets(self) -> [usize; 3] {
        match self {
            Self::Rgb8 | Self::Rgba8 => [0, 1, 2],
            Self::Bgr8 | Self::Bgra8 => [2, 1, 0],
            Self::Mono8 => [0, 0, 0],
        }
    }
}

/// A borrowed 8-bit picture; rows may be padded.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    width: usize,
    height: usize,
    stride_bytes: usize,
    format: PixelFormat,
    bytes: &'a [u8],
}

impl<'a> ImageView<'a> {
    /// A picture over `bytes`, rows `stride_bytes` apart.
    ///
    /// # Errors
    /// When a side is zero, the stride is shorter than a row, or bytes are missing.
    pub fn new(
        width: usize,
        height: usize,
        stride_bytes: usize,
        format: PixelFormat,
        bytes: &'a [u8],
    ) -> Result<Self, NetworkError> {
        if width == 0 || height == 0 {
            return Err(NetworkError::EmptyImage { width, height });
        }
        let row = width.saturating_mul(format.bytes_per_pixel());
        let needed = stride_bytes.saturating_mul(height - 1).saturating_add(row);
        if stride_bytes < row || bytes.len() < needed {
            return Err(NetworkError::ImageBytes {
                width,
                height,
                stride_bytes,
                needed: needed.max(row.saturating_mul(height)),
                found: bytes.len(),
            });
        }
        Ok(Self { width, height, stride_bytes, format, bytes })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// How the pixels lie in memory.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// The bytes of row `y` without its padding; `y` must be below the height.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride_bytes;
        &self.bytes[start..start + self.width * self.format.bytes_per_pixel()]
    }
}
