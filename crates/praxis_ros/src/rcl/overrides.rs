use r2r_rcl::{
    rcl_arguments_get_param_overrides, rcl_params_t, rcl_variant_t, rcl_yaml_node_struct_fini,
};
use serde_json::Value;

use super::node_handle::{NodeHandle, check, text};
use crate::error::RosError;

/// A parameter that a file or the command line sets.
pub(crate) type ParameterOverride = (String, Value);

impl NodeHandle {
    /// Parameters that files and the command line set for this node, later ones last. Sections
    /// count whose name is the node's, with or without its namespace, or `/**`.
    pub(crate) fn parameter_overrides(&self) -> Result<Vec<ParameterOverride>, RosError> {
        let (name, qualified) = (self.name(), self.fully_qualified_name());
        let applies = |section: &str| ["/**", "**", &name, &qualified].contains(&section);
        let mut params: *mut rcl_params_t = std::ptr::null_mut();
        // SAFETY: rcl allocates the structure or leaves the pointer null.
        let returned = self
            .with_arguments(|given| unsafe {
                rcl_arguments_get_param_overrides(given, &mut params)
            })
            .unwrap_or_default();
        check(returned, || "read parameter overrides".to_owned())?;
        // SAFETY: what rcl hands out is null or valid until it is finalised.
        let Some(sections) = (unsafe { params.as_ref() }) else { return Ok(Vec::new()) };
        let mut overrides = Vec::new();
        // SAFETY: rcl states the length of each of its arrays, or leaves the pointer null.
        unsafe {
            let names = list(sections.node_names, sections.num_nodes);
            let groups = list(sections.params, sections.num_nodes);
            for (section, group) in names.iter().zip(groups) {
                if !applies(&text(*section)) {
                    continue;
                }
                let keys = list(group.parameter_names, group.num_params);
                let values = list(group.parameter_values, group.num_params);
                overrides
                    .extend(keys.iter().zip(values).map(|(key, entry)| (text(*key), value(entry))));
            }
            rcl_yaml_node_struct_fini(params);
        }
        Ok(overrides)
    }
}

/// # Safety
/// `first` is null or points at `length` values that outlive the slice.
unsafe fn list<'a, T>(first: *const T, length: usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: see above.
    unsafe { std::slice::from_raw_parts(first, length) }
}

/// A variant has one field that is not null; none stands for a parameter without a value.
///
/// # Safety
/// The variant comes from rcl.
unsafe fn value(variant: &rcl_variant_t) -> Value {
    // SAFETY: pointers that are not null point at what their names say.
    unsafe {
        if let Some(entry) = variant.bool_value.as_ref() {
            return (*entry).into();
        }
        if let Some(entry) = variant.integer_value.as_ref() {
            return (*entry).into();
        }
        if let Some(entry) = variant.double_value.as_ref() {
            return (*entry).into();
        }
        if !variant.string_value.is_null() {
            return text(variant.string_value).into();
        }
        if let Some(array) = variant.byte_array_value.as_ref() {
            return list(array.values, array.size).to_vec().into();
        }
        if let Some(array) = variant.bool_array_value.as_ref() {
            return list(array.values, array.size).to_vec().into();
        }
        if let Some(array) = variant.integer_array_value.as_ref() {
            return list(array.values, array.size).to_vec().into();
        }
        if let Some(array) = variant.double_array_value.as_ref() {
            return list(array.values, array.size).to_vec().into();
        }
        if let Some(array) = variant.string_array_value.as_ref() {
            let words = list(array.data, array.size).iter();
            return words.map(|word| text(*word)).collect::<Vec<_>>().into();
        }
    }
    Value::Null
}
