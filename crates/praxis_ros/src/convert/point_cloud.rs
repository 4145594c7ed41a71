//! `sensor_msgs/PointCloud2`: points of any layout in, dense points out.

use praxis_geometry::Stamp;
use r2r::sensor_msgs::msg::{PointCloud2, PointField};
use r2r::std_msgs::msg::Header;

use super::{ConvertError, FromMsg, ToMsg};

const FLOAT32: u8 = 7;
const FLOAT64: u8 = 8;
/// More points than this in one cloud are a mistake.
const MAX_POINTS: usize = 16_000_000;

/// The places of a cloud; other fields are left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CloudPoints {
    /// When it was taken.
    pub stamp: Stamp,
    /// Frame of the points.
    pub frame: String,
    /// x, y, z in metres, all finite.
    pub points: Vec<[f32; 3]>,
}

/// Where one coordinate lies within a point.
#[derive(Clone, Copy)]
struct Coordinate {
    offset: usize,
    wide: bool,
}

impl FromMsg<PointCloud2> for CloudPoints {
    /// Points that are not finite are left out, as drivers mark holes so.
    fn from_msg(message: &PointCloud2) -> Result<Self, ConvertError> {
        let (width, height) = (message.width as usize, message.height as usize);
        let (step, row_step) = (message.point_step as usize, message.row_step as usize);
        let count = width.saturating_mul(height);
        let mut cloud = Self {
            stamp: Stamp::from_msg(&message.header.stamp)?,
            frame: message.header.frame_id.clone(),
            points: Vec::new(),
        };
        if count == 0 {
            return Ok(cloud);
        }
        if count > MAX_POINTS {
            return Err(value("width and height", format!("make {count} points")));
        }
        let coordinates = ["x", "y", "z"].map(|name| coordinate(&message.fields, name, step));
        let [x, y, z] = coordinates;
        let coordinates = [x?, y?, z?];
        if row_step < width.saturating_mul(step) {
            let row = width.saturating_mul(step);
            return Err(value(
                "row_step",
                format!("is {row_step}, less than a row of {row} bytes"),
            ));
        }
        let needed = row_step.saturating_mul(height - 1).saturating_add(width * step);
        if message.data.len() < needed {
            return Err(ConvertError::Length {
                field: "data".to_owned(),
                found: message.data.len(),
                expected: needed,
            });
        }
        cloud.points.reserve(count);
        for row in message.data.chunks(row_step).take(height) {
            for bytes in row[..width * step].chunks_exact(step) {
                let point = coordinates.map(|at| read(bytes, at, message.is_bigendian));
                if point.iter().all(|at| at.is_finite()) {
                    cloud.points.push(point);
                }
            }
        }
        Ok(cloud)
    }
}

impl ToMsg<PointCloud2> for CloudPoints {
    fn to_msg(&self) -> PointCloud2 {
        let field = |(index, name): (usize, &str)| PointField {
            name: name.to_owned(),
            offset: 4 * index as u32,
            datatype: FLOAT32,
            count: 1,
        };
        let mut data = Vec::with_capacity(12 * self.points.len());
        for point in &self.points {
            for at in point {
                data.extend_from_slice(&at.to_le_bytes());
            }
        }
        PointCloud2 {
            header: Header { stamp: self.stamp.to_msg(), frame_id: self.frame.clone() },
            height: 1,
            width: self.points.len() as u32,
            fields: ["x", "y", "z"].into_iter().enumerate().map(field).collect(),
            is_bigendian: false,
            point_step: 12,
            row_step: 12 * self.points.len() as u32,
            data,
            is_dense: true,
        }
    }
}

fn coordinate(fields: &[PointField], name: &str, step: usize) -> Result<Coordinate, ConvertError> {
    let field = fields.iter().find(|field| field.name == name).ok_or_else(|| {
        let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        value("fields", format!("have no '{name}'; there are {known:?}"))
    })?;
    let wide = match field.datatype {
        FLOAT32 => false,
        FLOAT64 => true,
        other => {
            let problem = format!("is of type {other}; 7 (float32) and 8 (float64) are read");
            return Err(value(name, problem));
        }
    };
    let offset = field.offset as usize;
    if offset + if wide { 8 } else { 4 } > step {
        return Err(value(name, format!("lies at byte {offset} of a point of {step} bytes")));
    }
    Ok(Coordinate { offset, wide })
}

#[inline]
fn read(bytes: &[u8], at: Coordinate, big_endian: bool) -> f32 {
    let from = &bytes[at.offset..];
    if at.wide {
        let mut own = [0; 8];
        own.copy_from_slice(&from[..8]);
        (if big_endian { f64::from_be_bytes(own) } else { f64::from_le_bytes(own) }) as f32
    } else {
        let mut own = [0; 4];
        own.copy_from_slice(&from[..4]);
        if big_endian { f32::from_be_bytes(own) } else { f32::from_le_bytes(own) }
    }
}

fn value(field: &str, problem: String) -> ConvertError {
    ConvertError::Value { field: field.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let points = vec![[1.0, -2.0, 3.5], [0.0, 0.25, -9.0]];
        let stamp = Stamp::from_nanos(1_500_000_000);
        let cloud = CloudPoints { stamp, frame: "world".to_owned(), points };
        assert_eq!(CloudPoints::from_msg(&cloud.to_msg()).unwrap(), cloud);
    }

    #[test]
    fn doubles_padding_and_the_other_byte_order_are_read_and_holes_left_out() {
        let field = |name: &str, offset| PointField {
            name: name.to_owned(),
            offset,
            datatype: FLOAT64,
            count: 1,
        };
        let mut data = Vec::new();
        for point in [[1.0f64, 2.0, 3.0], [f64::NAN, 0.0, 0.0], [4.0, 5.0, 6.0]] {
            data.extend([9; 2]);
            point.iter().for_each(|at| data.extend(at.to_be_bytes()));
        }
        let mut message = PointCloud2 {
            height: 3,
            width: 1,
            fields: vec![field("z", 18), field("x", 2), field("y", 10)],
            is_bigendian: true,
            point_step: 26,
            row_step: 26,
            data,
            ..PointCloud2::default()
        };
        let points = CloudPoints::from_msg(&message).unwrap().points;
        assert_eq!(points, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        message.data.pop();
        assert!(CloudPoints::from_msg(&message).is_err());
    }

    /// Repeatable odd messages.
    #[test]
    fn odd_fields_give_points_or_an_error() {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) % below
        };
        const NAMES: [&str; 5] = ["x", "y", "z", "intensity", ""];
        const EDGES: [u32; 8] = [0, 1, 3, 12, 16, 4000, u32::MAX - 1, u32::MAX];
        let mut read = 0;
        for _ in 0..20_000 {
            let mut any = |small: u64| {
                if random(8) == 0 { EDGES[random(8) as usize] } else { random(small) as u32 }
            };
            let message = PointCloud2 {
                height: any(4),
                width: any(5),
                point_step: any(30),
                row_step: any(90),
                fields: (0..any(6).min(8))
                    .map(|index| PointField {
                        name: NAMES[(index as usize + any(2) as usize) % 5].to_owned(),
                        offset: any(24),
                        datatype: [FLOAT32, FLOAT32, FLOAT64, any(12) as u8][index as usize % 4],
                        count: any(3),
                    })
                    .collect(),
                is_bigendian: any(2) == 0,
                data: vec![any(256) as u8; any(400).min(4000) as usize],
                ..PointCloud2::default()
            };
            if let Ok(cloud) = CloudPoints::from_msg(&message) {
                read += usize::from(!cloud.points.is_empty());
                assert!(cloud.points.iter().flatten().all(|at| at.is_finite()));
            }
        }
        assert!(read > 10, "only {read} of the messages could be read");
    }
}
