use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use praxis_geometry::Stamp;
use r2r::QosProfile;
use r2r::rcl_interfaces::msg::{
    FloatingPointRange, IntegerRange, ListParametersResult, Parameter, ParameterDescriptor,
    ParameterEvent, ParameterValue, SetParametersResult,
};
use r2r::rcl_interfaces::srv::{
    DescribeParameters, GetParameterTypes, GetParameters, ListParameters, SetParameters,
    SetParametersAtomically,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::convert::ToMsg;
use crate::error::RosError;
use crate::node::Node;

const BOOL: u8 = 1;
const INTEGER: u8 = 2;
const DOUBLE: u8 = 3;
const STRING: u8 = 4;
const BOOL_ARRAY: u8 = 6;
const INTEGER_ARRAY: u8 = 7;
const DOUBLE_ARRAY: u8 = 8;
const STRING_ARRAY: u8 = 9;

/// A node's parameters as one typed struct, readable from any thread.
#[derive(Debug)]
pub struct Parameters<P>(Arc<RwLock<P>>);

impl<P> Clone for Parameters<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Clone> Parameters<P> {
    /// The values now.
    pub fn get(&self) -> P {
        self.0.read().unwrap_or_else(|broken| broken.into_inner()).clone()
    }
}

/// One declared parameter.
#[derive(Clone, Debug)]
struct Declared {
    value: Value,
    kind: u8,
    description: String,
    minimum: Option<f64>,
    maximum: Option<f64>,
    read_only: bool,
}

/// Parameters that every node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommonParameters {
    /// Take time from `/clock`.
    pub use_sim_time: bool,
    /// Configure and activate at once.
    pub autostart: bool,
}

/// Everything declared on one node, under dotted names.
struct Declarations(BTreeMap<String, Declared>);

impl Declarations {
    fn of<P: Serialize + Default + JsonSchema>(live: &[&str]) -> Self {
        let schema = schemars::schema_for!(P).to_value();
        let defaults = serde_json::to_value(P::default()).unwrap_or(Value::Null);
        let mut declared = BTreeMap::new();
        collect("", &defaults, &schema, &schema, live, &mut declared);
        for (name, value, description) in [
            ("use_sim_time", false, "Take time from /clock instead of the system."),
            ("autostart", true, "Configure and activate at once, without a lifecycle manager."),
        ] {
            declared.insert(
                name.to_owned(),
                Declared {
                    value: Value::Bool(value),
                    kind: BOOL,
                    description: description.to_owned(),
                    minimum: None,
                    maximum: None,
                    read_only: true,
                },
            );
        }
        Self(declared)
    }

    /// Checks a value against type and range and stores it.
    fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        let declared = self.0.get_mut(name).ok_or_else(|| "no such parameter".to_owned())?;
        let value = match (declared.kind, &value) {
            // An integer is a fine real number; YAML writers often leave the point out.
            (DOUBLE, Value::Number(number)) if !number.is_f64() => {
                Value::from(number.as_f64().unwrap_or(f64::NAN))
            }
            (DOUBLE_ARRAY, Value::Array(list)) => {
                list.iter().map(|entry| entry.as_f64().map_or(entry.clone(), Value::from)).collect()
            }
            _ => value,
        };
        let kind = kind_of(&value);
        let empty_array =
            value.as_array().is_some_and(Vec::is_empty) && declared.kind >= BOOL_ARRAY;
        if kind != declared.kind && !empty_array {
            return Err(format!("is a {}, not a {}", kind_name(declared.kind), kind_name(kind)));
        }
        for number in numbers(&value) {
            let below = declared.minimum.is_some_and(|minimum| number < minimum);
            let above = declared.maximum.is_some_and(|maximum| number > maximum);
            if below || above || !number.is_finite() {
                return Err(format!(
                    "{number} is outside {} .. {}",
                    declared.minimum.map_or("-inf".to_owned(), |m| m.to_string()),
                    declared.maximum.map_or("inf".to_owned(), |m| m.to_string()),
                ));
            }
        }
        declared.value = value;
        Ok(())
    }

    fn to_struct<P: DeserializeOwned>(&self) -> Result<P, String> {
        let mut tree = Map::new();
        for (name, declared) in &self.0 {
            if name == "use_sim_time" || name == "autostart" {
                continue;
            }
            let mut parts: Vec<&str> = name.split('.').collect();
            let Some(leaf) = parts.pop() else { continue };
            let mut branch = &mut tree;
            for part in parts {
                let child = branch.entry(part).or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(child) = child else {
                    return Err(format!("'{part}' of '{name}' is a value and a group"));
                };
                branch = child;
            }
            branch.insert(leaf.to_owned(), declared.value.clone());
        }
        serde_json::from_value(Value::Object(tree)).map_err(|error| error.to_string())
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|declared| declared.value == Value::Bool(true))
    }
}

/// Walks defaults and schema together; groups become dotted prefixes.
fn collect(
    prefix: &str,
    value: &Value,
    schema: &Value,
    root: &Value,
    live: &[&str],
    into: &mut BTreeMap<String, Declared>,
) {
    let target = resolve(schema, root);
    if let Value::Object(fields) = value {
        for (name, field) in fields {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            let child = &target["properties"][name];
            collect(&path, field, child, root, live, into);
        }
        return;
    }
    let description = [schema, target].iter().find_map(|s| s["description"].as_str());
    let items = resolve(&target["items"], root);
    let bound =
        |key: &str| [schema, target, items].iter().find_map(|s| s.get(key).and_then(Value::as_f64));
    let kind = match kind_of(value) {
        0 => array_kind(items),
        // A default like 1.0 is a real number even where the schema is silent.
        kind => kind,
    };
    into.insert(
        prefix.to_owned(),
        Declared {
            value: value.clone(),
            kind,
            description: description.unwrap_or_default().to_owned(),
            minimum: bound("minimum"),
            maximum: bound("maximum"),
            read_only: !live.contains(&prefix),
        },
    );
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap_or(schema),
        None => schema,
    }
}

fn array_kind(items: &Value) -> u8 {
    match items["type"].as_str() {
        Some("boolean") => BOOL_ARRAY,
        Some("integer") => INTEGER_ARRAY,
        Some("number") => DOUBLE_ARRAY,
        _ => STRING_ARRAY,
    }
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => BOOL,
        Value::Number(number) if number.is_f64() => DOUBLE,
        Value::Number(_) => INTEGER,
        Value::String(_) => STRING,
        Value::Array(list) => match list.first() {
            Some(Value::Bool(_)) => BOOL_ARRAY,
            Some(Value::Number(number)) if number.is_f64() => DOUBLE_ARRAY,
            Some(Value::Number(_)) => INTEGER_ARRAY,
            Some(Value::String(_)) => STRING_ARRAY,
            _ => 0,
        },
        Value::Null | Value::Object(_) => 0,
    }
}

fn kind_name(kind: u8) -> &'static str {
    match kind {
        BOOL => "bool",
        INTEGER => "integer",
        DOUBLE => "double",
        STRING => "string",
        BOOL_ARRAY => "bool array",
        INTEGER_ARRAY => "integer array",
        DOUBLE_ARRAY => "double array",
        STRING_ARRAY => "string array",
        _ => "value of no known type",
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Number(number) => number.as_f64().into_iter().collect(),
        Value::Array(list) => list.iter().filter_map(Value::as_f64).collect(),
        _ => Vec::new(),
    }
}

fn to_msg(kind: u8, value: &Value) -> ParameterValue {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    ParameterValue {
        type_: kind,
        bool_value: value.as_bool().unwrap_or_default(),
        integer_value: value.as_i64().unwrap_or_default(),
        double_value: value.as_f64().unwrap_or_default(),
        string_value: value.as_str().unwrap_or_default().to_owned(),
        bool_array_value: list.iter().filter_map(Value::as_bool).collect(),
        integer_array_value: list.iter().filter_map(Value::as_i64).collect(),
        double_array_value: list.iter().filter_map(Value::as_f64).collect(),
        string_array_value: list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        ..ParameterValue::default()
    }
}

fn from_msg(value: &ParameterValue) -> Value {
    match value.type_ {
        BOOL => value.bool_value.into(),
        INTEGER => value.integer_value.into(),
        DOUBLE => value.double_value.into(),
        STRING => value.string_value.clone().into(),
        BOOL_ARRAY => value.bool_array_value.clone().into(),
        INTEGER_ARRAY => value.integer_array_value.clone().into(),
        DOUBLE_ARRAY => value.double_array_value.clone().into(),
        STRING_ARRAY => value.string_array_value.clone().into(),
        _ => Value::Null,
    }
}

impl Node {
    /// Declares every field of `P` as a parameter (groups get dotted names; doc comments become
    /// descriptions, schema ranges are enforced), takes the overrides of files and command line,
    /// and serves the standard parameter services.
    ///
    /// `live` names the parameters that may change while the node runs; the others are read-only.
    /// An override that is unknown, of the wrong type or out of range is an error: a misspelt
    /// limit must not go unnoticed.
    pub fn parameters<P>(
        &mut self,
        name: &str,
        live: &[&str],
    ) -> Result<(Parameters<P>, CommonParameters), RosError>
    where
        P: Serialize + DeserializeOwned + Default + JsonSchema + Send + Sync + 'static,
    {
        let mut declared = Declarations::of::<P>(live);
        for (parameter, value) in self.overrides() {
            if parameter.starts_with("qos_overrides.") {
                continue;
            }
            declared
                .set(&parameter, value)
                .map_err(|reason| RosError::Parameter { name: parameter, reason })?;
        }
        let values = declared
            .to_struct::<P>()
            .map_err(|reason| RosError::Parameter { name: name.to_owned(), reason })?;
        let common = CommonParameters {
            use_sim_time: declared.flag("use_sim_time"),
            autostart: declared.flag("autostart"),
        };
        let values = Parameters(Arc::new(RwLock::new(values)));
        self.serve_parameters(name, declared, values.clone())?;
        Ok((values, common))
    }

    fn serve_parameters<P>(
        &mut self,
        name: &str,
        declared: Declarations,
        values: Parameters<P>,
    ) -> Result<(), RosError>
    where
        P: DeserializeOwned + Send + Sync + 'static,
    {
        let declared = Arc::new(RwLock::new(declared));
        let events =
            self.publisher::<ParameterEvent>("/parameter_events", QosProfile::parameter_events())?;
        let node_name = self.fully_qualified_name();

        let ours = declared.clone();
        self.serve::<GetParameters::Service>(&format!("{name}/get_parameters"), move |request| {
            let values = with(&ours, &request.message.names, ParameterValue::default(), |d| {
                to_msg(d.kind, &d.value)
            });
            request.respond(GetParameters::Response { values });
        })?;
        let ours = declared.clone();
        self.serve::<GetParameterTypes::Service>(
            &format!("{name}/get_parameter_types"),
            move |request| {
                let types = with(&ours, &request.message.names, 0, |d| d.kind);
                request.respond(GetParameterTypes::Response { types });
            },
        )?;
        let ours = declared.clone();
        self.serve::<DescribeParameters::Service>(
            &format!("{name}/describe_parameters"),
            move |request| {
                let declared = ours.read().unwrap_or_else(|broken| broken.into_inner());
                let descriptors = request
                    .message
                    .names
                    .iter()
                    .map(|name| match declared.0.get(name) {
                        Some(parameter) => describe(name, parameter),
                        None => ParameterDescriptor { name: name.clone(), ..Default::default() },
                    })
                    .collect();
                drop(declared);
                request.respond(DescribeParameters::Response { descriptors });
            },
        )?;
        let ours = declared.clone();
        self.serve::<ListParameters::Service>(
            &format!("{name}/list_parameters"),
            move |request| {
                let prefixes = &request.message.prefixes;
                let declared = ours.read().unwrap_or_else(|broken| broken.into_inner());
                let wanted = |name: &&String| {
                    prefixes.is_empty()
                        || prefixes.iter().any(|p| *name == p || name.starts_with(&format!("{p}.")))
                };
                let names: Vec<String> = declared.0.keys().filter(wanted).cloned().collect();
                let groups =
                    names.iter().filter_map(|n| n.rsplit_once('.')).map(|(g, _)| g.to_owned());
                let mut prefixes: Vec<String> = groups.collect();
                prefixes.dedup();
                drop(declared);
                request.respond(ListParameters::Response {
                    result: ListParametersResult { names, prefixes },
                });
            },
        )?;

        let change = {
            let declared = declared.clone();
            move |parameters: &[Parameter]| -> SetParametersResult {
                let mut ours = declared.write().unwrap_or_else(|broken| broken.into_inner());
                let mut trial = Declarations(ours.0.clone());
                let outcome = parameters
                    .iter()
                    .try_for_each(|parameter| {
                        let read_only = trial.0.get(&parameter.name).is_some_and(|d| d.read_only);
                        trial
                            .set(&parameter.name, from_msg(&parameter.value))
                            .and_then(|()| {
                                if read_only {
                                    Err("can only be set at start".to_owned())
                                } else {
                                    Ok(())
                                }
                            })
                            .map_err(|reason| format!("{}: {reason}", parameter.name))
                    })
                    .and_then(|()| trial.to_struct::<P>());
                match outcome {
                    Ok(new) => {
                        *ours = trial;
                        *values.0.write().unwrap_or_else(|broken| broken.into_inner()) = new;
                        events.publish(&ParameterEvent {
                            stamp: system_time().to_msg(),
                            node: node_name.clone(),
                            changed_parameters: parameters.to_vec(),
                            ..ParameterEvent::default()
                        });
                        SetParametersResult { successful: true, reason: String::new() }
                    }
                    Err(reason) => SetParametersResult { successful: false, reason },
                }
            }
        };
        let change_one = change.clone();
        self.serve::<SetParameters::Service>(&format!("{name}/set_parameters"), move |request| {
            let each = request.message.parameters.iter();
            let results = each.map(|p| change_one(std::slice::from_ref(p))).collect();
            request.respond(SetParameters::Response { results });
        })?;
        self.serve::<SetParametersAtomically::Service>(
            &format!("{name}/set_parameters_atomically"),
            move |request| {
                let result = change(&request.message.parameters);
                request.respond(SetParametersAtomically::Response { result });
            },
        )
    }
}

/// Parameter events bear the system's time: they are made where no clock is at hand.
fn system_time() -> Stamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp { nanoseconds: since_epoch.as_nanos() as i64 }
}

fn with<T: Clone>(
    declared: &RwLock<Declarations>,
    names: &[String],
    otherwise: T,
    read: impl Fn(&Declared) -> T,
) -> Vec<T> {
    let declared = declared.read().unwrap_or_else(|broken| broken.into_inner());
    names.iter().map(|name| declared.0.get(name).map_or(otherwise.clone(), &read)).collect()
}

fn describe(name: &str, declared: &Declared) -> ParameterDescriptor {
    let bounded = declared.minimum.is_some() || declared.maximum.is_some();
    let real = matches!(declared.kind, DOUBLE | DOUBLE_ARRAY);
    let whole = matches!(declared.kind, INTEGER | INTEGER_ARRAY);
    ParameterDescriptor {
        name: name.to_owned(),
        type_: declared.kind,
        description: declared.description.clone(),
        read_only: declared.read_only,
        floating_point_range: (bounded && real)
            .then(|| FloatingPointRange {
                from_value: declared.minimum.unwrap_or(f64::MIN),
                to_value: declared.maximum.unwrap_or(f64::MAX),
                step: 0.0,
            })
            .into_iter()
            .collect(),
        integer_range: (bounded && whole)
            .then(|| IntegerRange {
                from_value: declared.minimum.map_or(i64::MIN, |m| m as i64),
                to_value: declared.maximum.map_or(i64::MAX, |m| m as i64),
                step: 1,
            })
            .into_iter()
            .collect(),
        ..ParameterDescriptor::default()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// How the hand closes.
    #[derive(Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Grip {
        /// Force of a grasp, in newtons.
        #[schemars(range(min = 0.0, max = 70.0))]
        force_n: f64,
        /// Tries before giving up.
        #[schemars(range(min = 1, max = 9))]
        tries: u32,
    }

    impl Default for Grip {
        fn default() -> Self {
            Self { force_n: 20.0, tries: 3 }
        }
    }

    #[derive(Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        grip: Grip,
        /// Joints that move.
        joints: Vec<String>,
        gains: Vec<f64>,
        simulate: bool,
    }

    fn declared() -> Declarations {
        Declarations::of::<Config>(&["grip.force_n"])
    }

    #[test]
    fn a_struct_becomes_dotted_parameters_with_its_comments_and_ranges() {
        let declared = declared();
        let names: Vec<&str> = declared.0.keys().map(String::as_str).collect();
        let expected = [
            "autostart",
            "gains",
            "grip.force_n",
            "grip.tries",
            "joints",
            "simulate",
            "use_sim_time",
        ];
        assert_eq!(names, expected);
        let force = describe("grip.force_n", &declared.0["grip.force_n"]);
        assert_eq!(force.description, "Force of a grasp, in newtons.");
        assert_eq!((force.type_, force.read_only), (DOUBLE, false));
        assert_eq!(force.floating_point_range[0].to_value, 70.0);
        let tries = describe("grip.tries", &declared.0["grip.tries"]);
        assert_eq!((tries.type_, tries.read_only), (INTEGER, true));
        assert_eq!((tries.integer_range[0].from_value, tries.integer_range[0].to_value), (1, 9));
        assert_eq!(declared.0["joints"].kind, STRING_ARRAY);
        assert_eq!(declared.0["gains"].kind, DOUBLE_ARRAY);
        assert_eq!(declared.to_struct::<Config>(), Ok(Config::default()));
    }

    #[test]
    fn values_are_taken_or_refused_with_the_reason() {
        let mut declared = declared();
        assert_eq!(declared.set("grip.force_n", 30.into()), Ok(()), "an integer is a real number");
        assert_eq!(declared.set("joints", vec!["a", "b"].into()), Ok(()));
        assert_eq!(declared.set("gains", vec![1, 2].into()), Ok(()));
        let config = declared.to_struct::<Config>().unwrap();
        assert_eq!(config.grip.force_n, 30.0);
        assert_eq!((config.joints.len(), config.gains), (2, vec![1.0, 2.0]));
        assert_eq!(declared.set("joints", Value::Array(Vec::new())), Ok(()));

        let refused =
            |declared: &mut Declarations, name, value| declared.set(name, value).unwrap_err();
        assert_eq!(refused(&mut declared, "grip.force_n", 70.5.into()), "70.5 is outside 0 .. 70");
        assert_eq!(refused(&mut declared, "grip.tries", 0.into()), "0 is outside 1 .. 9");
        assert_eq!(refused(&mut declared, "grip.tries", 2.5.into()), "is a integer, not a double");
        assert_eq!(refused(&mut declared, "simulate", 1.into()), "is a bool, not a integer");
        assert_eq!(refused(&mut declared, "grip.forse_n", 1.0.into()), "no such parameter");
        assert!(declared.set("grip.force_n", Value::Null).is_err());
        assert_eq!(declared.to_struct::<Config>().unwrap().grip, Grip { force_n: 30.0, tries: 3 });
    }

    #[test]
    fn every_value_comes_back_from_its_message() {
        let values = [
            Value::from(true),
            Value::from(-3),
            Value::from(0.25),
            Value::from("text"),
            Value::from(vec![true, false]),
            Value::from(vec![1, 2, 3]),
            Value::from(vec![0.5, 1.5]),
            Value::from(vec!["a", "b"]),
        ];
        for value in values {
            assert_eq!(from_msg(&to_msg(kind_of(&value), &value)), value);
        }
        assert_eq!(from_msg(&ParameterValue { type_: 99, ..Default::default() }), Value::Null);
    }
}
