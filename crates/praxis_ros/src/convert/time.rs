use std::time::Duration;

use praxis_geometry::Stamp;
use r2r::builtin_interfaces::msg;

use super::{ConvertError, FromMsg, ToMsg};

const NANOS: i64 = 1_000_000_000;

impl FromMsg<msg::Time> for Stamp {
    fn from_msg(message: &msg::Time) -> Result<Self, ConvertError> {
        let nanoseconds = i64::from(message.sec) * NANOS + i64::from(message.nanosec);
        Ok(Self { nanoseconds })
    }
}

impl ToMsg<msg::Time> for Stamp {
    fn to_msg(&self) -> msg::Time {
        let sec = self.nanoseconds.div_euclid(NANOS);
        msg::Time {
            sec: sec.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            nanosec: self.nanoseconds.rem_euclid(NANOS) as u32,
        }
    }
}

impl FromMsg<msg::Duration> for Duration {
    fn from_msg(message: &msg::Duration) -> Result<Self, ConvertError> {
        let nanos = i64::from(message.sec) * NANOS + i64::from(message.nanosec);
        u64::try_from(nanos).map(Self::from_nanos).map_err(|_| ConvertError::Time {
            field: "duration".to_owned(),
            seconds: i64::from(message.sec),
            nanoseconds: i64::from(message.nanosec),
        })
    }
}

impl ToMsg<msg::Duration> for Duration {
    fn to_msg(&self) -> msg::Duration {
        msg::Duration {
            sec: i32::try_from(self.as_secs()).unwrap_or(i32::MAX),
            nanosec: self.subsec_nanos(),
        }
    }
}
