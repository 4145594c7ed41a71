use std::collections::BTreeSet;

use nalgebra::{Point3, Vector2, Vector3};
use praxis_geometry::pose_from_xyz_rpy;
use serde::Deserialize;

use crate::camera::{CameraMount, Intrinsics, world_from_optical};
use crate::classes::{ObjectClass, Range};
use crate::conveyor::Conveyor;
use crate::error::WorldError;
use crate::fixed::{Bin, Colour, FixedBox};
use crate::world::{SpawnArea, World};

/// The file as it is written; [`World`] is what has been checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldFile {
    name: String,
    fixed: Vec<FixedFile>,
    #[serde(default)]
    conveyor: Option<ConveyorFile>,
    // A world in which nothing is sorted has only what stands fixed.
    #[serde(default)]
    bins: Vec<BinFile>,
    #[serde(default)]
    spawn: Option<SpawnFile>,
    #[serde(default)]
    classes: Vec<ObjectClass>,
    #[serde(default)]
    mass_kg: Option<Range>,
    camera: CameraFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedFile {
    id: String,
    size_m: [f64; 3],
    xyz_m: [f64; 3],
    #[serde(default)]
    rpy_rad: [f64; 3],
    colour: Colour,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConveyorFile {
    id: String,
    velocity_mps: [f64; 2],
    turns_back_m: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BinFile {
    id: String,
    class: String,
    xy_m: [f64; 2],
    inner_size_m: [f64; 3],
    thickness_m: f64,
    colour: Colour,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpawnFile {
    x_m: Range,
    y_m: Range,
    clearance_m: f64,
    objects_per_class: usize,
    #[serde(default)]
    at_most: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CameraFile {
    frame: String,
    optical_frame: String,
    position_m: [f64; 3],
    look_at_m: [f64; 3],
    width_px: u32,
    height_px: u32,
    horizontal_fov_rad: f64,
    rate_hz: f64,
    depth_range_m: [f64; 2],
}

impl World {
    /// Reads and checks the text of a world file.
    pub fn from_yaml(text: &str) -> Result<Self, WorldError> {
        let file: WorldFile = serde_saphyr::from_str(text)
            .map_err(|error| WorldError::Malformed { reason: error.to_string() })?;
        check_names(&file)?;
        for class in &file.classes {
            for (what, range) in class.shape.ranges() {
                check_positive_range(&format!("{what} of class '{}'", class.name), range)?;
            }
        }
        let nothing_to_sort = file.classes.is_empty();
        let spawn = match file.spawn {
            Some(spawn) => spawn.check()?,
            None if nothing_to_sort => SpawnArea::NONE,
            None => return Err(WorldError::Missing { what: "spawn" }),
        };
        let mass_kg = match file.mass_kg {
            Some(mass_kg) => mass_kg,
            None if nothing_to_sort => [1.0, 1.0],
            None => return Err(WorldError::Missing { what: "mass_kg" }),
        };
        check_positive_range("mass_kg", mass_kg)?;
        let conveyor = file.conveyor.map(|conveyor| conveyor.check(&file.fixed)).transpose()?;
        Ok(Self {
            name: file.name,
            conveyor,
            fixed: file.fixed.into_iter().map(FixedFile::check).collect::<Result<_, _>>()?,
            bins: file.bins.into_iter().map(BinFile::check).collect::<Result<_, _>>()?,
            spawn,
            classes: file.classes,
            mass_kg,
            camera: file.camera.check()?,
        })
    }
}

fn check_names(file: &WorldFile) -> Result<(), WorldError> {
    let mut seen = BTreeSet::new();
    let ids = file.fixed.iter().map(|fixed| &fixed.id).chain(file.bins.iter().map(|bin| &bin.id));
    for name in ids.chain(file.classes.iter().map(|class| &class.name)) {
        if !seen.insert(name) {
            return Err(WorldError::Duplicate { name: name.clone() });
        }
    }
    let known: Vec<String> = file.classes.iter().map(|class| class.name.clone()).collect();
    match file.bins.iter().find(|bin| !known.contains(&bin.class)) {
        Some(BinFile { id, class, .. }) => {
            Err(WorldError::UnknownClass { bin: id.clone(), class: class.clone(), known })
        }
        None => Ok(()),
    }
}

impl FixedFile {
    fn check(self) -> Result<FixedBox, WorldError> {
        let Self { id, size_m, xyz_m, rpy_rad, colour } = self;
        check_positive(&format!("size_m of '{id}'"), &size_m)?;
        check_finite(&format!("xyz_m of '{id}'"), &xyz_m)?;
        check_finite(&format!("rpy_rad of '{id}'"), &rpy_rad)?;
        let world_from_box = pose_from_xyz_rpy(xyz_m, rpy_rad);
        Ok(FixedBox { id, size_m: Vector3::from(size_m), world_from_box, colour })
    }
}

impl ConveyorFile {
    fn check(self, fixed: &[FixedFile]) -> Result<Conveyor, WorldError> {
        let Self { id, velocity_mps, turns_back_m } = self;
        let velocity_mps = Vector2::from(velocity_mps);
        check_positive("turns_back_m of the conveyor", &[turns_back_m])?;
        check_positive("speed of the conveyor", &[velocity_mps.norm()])?;
        if fixed.iter().all(|fixed| fixed.id != id) {
            let known = fixed.iter().map(|fixed| fixed.id.clone()).collect();
            return Err(WorldError::UnknownConveyor { id, known });
        }
        Ok(Conveyor { id, velocity_mps, turns_back_m })
    }
}

impl BinFile {
    fn check(self) -> Result<Bin, WorldError> {
        check_positive(&format!("inner_size_m of bin '{}'", self.id), &self.inner_size_m)?;
        check_positive(&format!("thickness_m of bin '{}'", self.id), &[self.thickness_m])?;
        check_finite(&format!("xy_m of bin '{}'", self.id), &self.xy_m)?;
        let [x, y] = self.xy_m;
        Ok(Bin {
            id: self.id,
            class: self.class,
            floor_centre_in_world: Point3::new(x, y, self.thickness_m),
            inner_size_m: Vector3::from(self.inner_size_m),
            thickness_m: self.thickness_m,
            colour: self.colour,
        })
    }
}

impl SpawnFile {
    fn check(self) -> Result<SpawnArea, WorldError> {
        let Self { x_m, y_m, clearance_m, objects_per_class, at_most } = self;
        check_range("x_m of the spawn area", x_m)?;
        check_range("y_m of the spawn area", y_m)?;
        check_positive("clearance_m of the spawn area", &[clearance_m])?;
        Ok(SpawnArea { x_m, y_m, clearance_m, objects_per_class, at_most })
    }
}

impl CameraFile {
    fn check(self) -> Result<CameraMount, WorldError> {
        let size_px = [f64::from(self.width_px), f64::from(self.height_px)];
        check_positive("image size of the camera", &size_px)?;
        check_positive("rate_hz of the camera", &[self.rate_hz])?;
        check_positive_range("depth_range_m of the camera", self.depth_range_m)?;
        check_finite("position_m of the camera", &self.position_m)?;
        check_finite("look_at_m of the camera", &self.look_at_m)?;
        let fov_rad = self.horizontal_fov_rad;
        check_positive("horizontal_fov_rad of the camera", &[fov_rad])?;
        check_range("horizontal_fov_rad of the camera (must stay below 3)", [fov_rad, 3.0])?;

        let world_from_optical = world_from_optical(self.position_m, self.look_at_m)?;
        Ok(CameraMount {
            frame: self.frame,
            optical_frame: self.optical_frame,
            world_from_camera: world_from_optical * CameraMount::camera_from_optical().inverse(),
            world_from_optical,
            intrinsics: Intrinsics::from_horizontal_fov(self.width_px, self.height_px, fov_rad),
            rate_hz: self.rate_hz,
            depth_range_m: self.depth_range_m,
        })
    }
}

fn check_positive(what: &str, values: &[f64]) -> Result<(), WorldError> {
    match values.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
        Some(&value) => Err(WorldError::NotPositive { what: what.to_owned(), value }),
        None => Ok(()),
    }
}

fn check_finite(what: &str, values: &[f64]) -> Result<(), WorldError> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(&value) => Err(WorldError::NotFinite { what: what.to_owned(), value }),
        None => Ok(()),
    }
}

fn check_range(what: &str, [start, end]: Range) -> Result<(), WorldError> {
    check_finite(what, &[start, end])?;
    if start > end {
        return Err(WorldError::EmptyRange { what: what.to_owned(), start, end });
    }
    Ok(())
}

fn check_positive_range(what: &str, range: Range) -> Result<(), WorldError> {
    check_positive(what, &range)?;
    check_range(what, range)
}
